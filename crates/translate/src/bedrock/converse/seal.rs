//! Signatures and encrypted reasoning that come in pieces, joined until their block ends.

use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::Seal;
use crate::model::text::Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// The most that the seals of one answer's open blocks may hold, in bytes. A whole answer is far below.
const MOST: usize = 32 << 20;

/// The memory that an open block takes beside its seal, and a piece beside its text, in bytes.
const BLOCK: usize = 64;
const PIECE: usize = 32;

/// The seals of the blocks that are still open.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Seals {
    open: BTreeMap<u32, Open>,
    held: usize,
}

#[derive(Default)]
struct Open {
    signature: String,
    redacted: Vec<String>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({} bytes)", self.signature.len() + self.redacted.iter().map(String::len).sum::<usize>())
    }
}

impl Seals {
    /// More of the signature of the block `index`.
    pub(in crate::bedrock) fn signature(&mut self, index: u32, piece: &Text<'_>) -> Result<(), Fault> {
        self.open(index, piece)?.signature.push_str(piece.as_escaped());
        Ok(())
    }

    /// More of the redacted content of the block `index`.
    pub(in crate::bedrock) fn redacted(&mut self, index: u32, piece: &Text<'_>) -> Result<(), Fault> {
        self.held += PIECE;
        self.open(index, piece)?.redacted.push(piece.as_escaped().to_owned());
        Ok(())
    }

    /// The block `index` ended: what seals it, if anything does.
    pub(in crate::bedrock) fn take(&mut self, index: u32) -> Option<Seal<'static>> {
        let Open { signature, redacted } = self.open.remove(&index)?;
        self.held = self
            .held
            .saturating_sub(BLOCK + signature.len() + redacted.iter().map(|piece| PIECE + piece.len()).sum::<usize>());
        if !redacted.is_empty() {
            Some(Seal::Redacted(Text::from_escaped(joined(redacted))))
        } else if !signature.is_empty() {
            Some(Seal::Signature(Text::from_escaped(signature)))
        } else {
            None
        }
    }

    /// Some block that is open still.
    pub(in crate::bedrock) fn any(&self) -> Option<u32> {
        self.open.first_key_value().map(|(index, _)| *index)
    }

    fn open(&mut self, index: u32, piece: &Text<'_>) -> Result<&mut Open, Fault> {
        self.held += piece.as_escaped().len();
        if self.held > MOST {
            let what = format!("the signatures of one answer are over {MOST} bytes");
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol(what)));
        }
        Ok(self.open.entry(index).or_insert_with(|| {
            self.held += BLOCK;
            Open::default()
        }))
    }
}

/// One piece is passed on exactly as it came; several are pieces of bytes, each encoded by itself.
fn joined(mut pieces: Vec<String>) -> String {
    if pieces.len() < 2 {
        return pieces.pop().unwrap_or_default();
    }
    let decoded: Result<Vec<Vec<u8>>, _> =
        pieces.iter().map(|piece| STANDARD.decode(Text::from_escaped(piece).plain().as_bytes())).collect();
    decoded.map_or_else(|_| pieces.concat(), |parts| STANDARD.encode(parts.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(pieces: &[&str]) -> String {
        let mut seals = Seals::default();
        for piece in pieces {
            seals.redacted(0, &Text::from_escaped(*piece)).unwrap();
        }
        match seals.take(0) {
            Some(Seal::Redacted(data)) => data.as_escaped().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_piece_stays_as_it_came() {
        assert_eq!(redacted(&[r"not base64\/="]), r"not base64\/=");
    }

    #[test]
    fn several_pieces_are_joined_as_bytes() {
        assert_eq!(redacted(&["QQ==", "QkM="]), "QUJD");
        assert_eq!(redacted(&["??", "QkM="]), "??QkM=");
    }

    #[test]
    fn blocks_do_not_mix_and_are_taken_once() {
        let mut seals = Seals::default();
        seals.signature(1, &Text::from_escaped("a")).unwrap();
        seals.signature(2, &Text::from_escaped("b")).unwrap();
        seals.signature(1, &Text::from_escaped("c")).unwrap();
        assert!(matches!(seals.take(1), Some(Seal::Signature(text)) if text.as_escaped() == "ac"));
        assert!(matches!(seals.take(2), Some(Seal::Signature(text)) if text.as_escaped() == "b"));
        assert!(seals.take(1).is_none());
        assert_eq!(seals.held, 0);
    }

    #[test]
    fn an_endless_signature_is_refused() {
        let mut seals = Seals::default();
        let piece = Text::from_escaped("x".repeat(MOST / 2 - BLOCK));
        seals.signature(0, &piece).unwrap();
        seals.signature(0, &piece).unwrap();
        assert!(seals.signature(0, &piece).is_err());
    }
}
