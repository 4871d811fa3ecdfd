//! Frames of an event stream, cut anywhere. One that is too long is passed over, which the decoder of an answer refuses.

use super::LONGEST;
use crate::wire::eventstream::{Decoder, Frame};
use crate::wire::slice::Slice as _;
use zeroize::Zeroizing;

/// The bytes in which a frame says how long it is.
const LENGTH: usize = 4;

/// The splitter of a stream into frames.
#[derive(Default)]
pub(super) struct FrameSplitter {
    decoder: Decoder,
    /// The beginning of a frame whose end did not come yet.
    cut: Zeroizing<Vec<u8>>,
    /// The rest of a frame that is too long.
    skipped: usize,
    /// The stream is none: nothing more is read of it.
    broken: bool,
}

impl FrameSplitter {
    /// Takes bytes and gives each frame that ends in them.
    pub(super) fn take(&mut self, mut bytes: &[u8], to: &mut dyn FnMut(&Frame<'_>)) {
        while !bytes.is_empty() && !self.broken {
            if self.skipped > 0 {
                let skipped = self.skipped.min(bytes.len());
                self.skipped -= skipped;
                bytes = bytes.behind(skipped);
                continue;
            }
            if self.cut.len() < LENGTH {
                let missing = (LENGTH - self.cut.len()).min(bytes.len());
                self.cut.extend_from_slice(bytes.upto(missing));
                bytes = bytes.behind(missing);
            }
            let Some(length) = self.cut.first_chunk().map(|length| u32::from_be_bytes(*length) as usize) else {
                return;
            };
            let missing = length.saturating_sub(self.cut.len());
            if length > LONGEST {
                self.cut = Zeroizing::default();
                self.skipped = missing;
                continue;
            }
            let taken = missing.min(bytes.len());
            self.cut.extend_from_slice(bytes.upto(taken));
            bytes = bytes.behind(taken);
            if taken == missing {
                self.frame(to);
            }
        }
    }

    /// Gives the frame that is whole.
    fn frame(&mut self, to: &mut dyn FnMut(&Frame<'_>)) {
        let mut input = &self.cut[..];
        match self.decoder.next(&mut input) {
            Ok(Some(frame)) => to(&frame),
            Ok(None) | Err(_) => self.broken = true,
        }
        self.cut.clear();
    }
}
