//! Base64 with padding (RFC 4648), read many letters at a time, as the events of a stream come in it.

use crate::wire::slice::Slice as _;
use base64_simd::{Out, STANDARD};

/// Decodes into `out` from `at` on, which grows to the room that is needed; the end of what was decoded there. `None`: it
/// is no base64.
#[inline(always)]
pub(crate) fn decode(encoded: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let room = at + encoded.len() / 4 * 3 + 3;
    if out.len() < room {
        // More than is needed now: the next ones may be longer.
        out.resize(2 * room, 0);
    }
    let decoded = STANDARD.decode(encoded, Out::from_slice(out.get_mut(at..)?)).ok()?;
    Some(at + decoded.len())
}

/// The same of the letters from `from` on, when those before it are decoded at this place already.
///
/// Letters are decoded 32 at a time while at least six are left behind them, and those behind one by one. So a few that are
/// known are decoded again, where that leaves only eight for the end.
#[inline(always)]
pub(crate) fn decode_behind(encoded: &[u8], from: usize, at: usize, out: &mut Vec<u8>) -> Option<usize> {
    debug_assert!(from.is_multiple_of(4), "a group of letters is whole");
    let left = encoded.len().checked_sub(from)?;
    let from = from.saturating_sub((40 - left % 32) % 32);
    decode(encoded.behind(from), at + from / 4 * 3, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as LIBRARY;

    #[test]
    fn it_reads_what_the_other_library_reads_and_nothing_else() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let mut encoded = LIBRARY.encode(&bytes).into_bytes();
            if u.arbitrary()? && !encoded.is_empty() {
                let at = u.choose_index(encoded.len())?;
                encoded[at] = u.arbitrary()?;
            }
            let mut out = Vec::new();
            let decoded = decode(&encoded, 0, &mut out).map(|length| out[..length].to_vec());
            assert_eq!(decoded, LIBRARY.decode(&encoded).ok());
            Ok(())
        });
    }

    #[test]
    fn behind_what_is_known_it_reads_the_same() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let encoded = LIBRARY.encode(&bytes).into_bytes();
            let from = u.int_in_range(0..=encoded.len() / 4)? * 4;
            let mut out = bytes.clone();
            let known = from / 4 * 3;
            out.iter_mut().skip(known).for_each(|byte| *byte = 0);
            let end = decode_behind(&encoded, from, 0, &mut out);
            assert_eq!(end.map(|end| out[..end].to_vec()), Some(bytes));
            Ok(())
        });
    }
}
