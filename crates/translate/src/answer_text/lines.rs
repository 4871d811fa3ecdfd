//! Lines of server-sent events, cut anywhere, as the data in them.

use super::LONGEST;
use crate::wire::slice::Slice as _;
use zeroize::Zeroizing;

/// The splitter of a stream of events into the data of its lines. A line that is too long is passed over.
#[derive(Default)]
pub(super) struct LineSplitter {
    /// The beginning of a line whose end did not come yet.
    cut: Zeroizing<Vec<u8>>,
    /// The line at hand is too long.
    skips: bool,
}

impl LineSplitter {
    /// Takes bytes and gives the data of each line that ends in them.
    pub(super) fn take(&mut self, mut bytes: &[u8], to: &mut dyn FnMut(&str)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let line = bytes.upto(end);
            if self.skips || self.cut.len() + line.len() > LONGEST {
                self.skips = false;
            } else if self.cut.is_empty() {
                data(line, to);
            } else {
                self.cut.extend_from_slice(line);
                data(&self.cut, to);
            }
            self.cut.clear();
            bytes = bytes.behind(end + 1);
        }
        self.skips = self.skips || self.cut.len() + bytes.len() > LONGEST;
        if self.skips {
            self.cut = Zeroizing::default();
        } else {
            self.cut.extend_from_slice(bytes);
        }
    }
}

/// Gives the data of a line that has some.
fn data(line: &[u8], to: &mut dyn FnMut(&str)) {
    if let Some(data) = line.strip_prefix(b"data:")
        && let Ok(data) = std::str::from_utf8(data)
    {
        to(data.trim());
    }
}
