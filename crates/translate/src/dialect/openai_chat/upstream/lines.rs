//! Server-sent events of a backend, cut anywhere, as the data of one event after the other.

use super::protocol;
use crate::fault::Fault;
use std::borrow::Cow;

/// The longest line that is taken.
const LONGEST_LINE: usize = 16 << 20;

/// The splitter of a stream of events into lines.
#[derive(Default)]
pub struct EventLines {
    /// The beginning of a line whose end did not come yet.
    cut: Vec<u8>,
}

impl std::fmt::Debug for EventLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLines").field("cut", &self.cut.len()).finish_non_exhaustive()
    }
}

impl EventLines {
    /// Takes bytes up to the end of the next line with data; gives the data. `None`: all bytes were taken.
    ///
    /// # Errors
    ///
    /// A line without an end, and data that is no UTF-8.
    pub fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<Cow<'b, str>>, Fault> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            *bytes = rest.get(1..).unwrap_or_default();
            let line = if self.cut.is_empty() {
                Cow::Borrowed(line)
            } else {
                self.hold(line)?;
                Cow::Owned(std::mem::take(&mut self.cut))
            };
            if let Some(data) = data(line)? {
                return Ok(Some(data));
            }
        }
        self.hold(bytes)?;
        *bytes = &[];
        Ok(None)
    }

    /// The stream is over: a line without an end counts all the same.
    ///
    /// # Errors
    ///
    /// As [`Self::next`].
    pub fn rest(&mut self) -> Result<Option<Cow<'static, str>>, Fault> {
        data(Cow::Owned(std::mem::take(&mut self.cut)))
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.cut.len() + part.len() > LONGEST_LINE {
            return Err(protocol("a line of its stream has no end"));
        }
        self.cut.extend_from_slice(part);
        Ok(())
    }
}

/// The data of a line, if it has any.
fn data(line: Cow<'_, [u8]>) -> Result<Option<Cow<'_, str>>, Fault> {
    if !line.starts_with(b"data:") {
        return Ok(None);
    }
    let text = match line {
        Cow::Borrowed(line) => std::str::from_utf8(line).ok().map(Cow::Borrowed),
        Cow::Owned(line) => String::from_utf8(line).ok().map(Cow::Owned),
    };
    let text = text.ok_or_else(|| protocol("a line of its stream is no UTF-8"))?;
    let data = match text {
        Cow::Borrowed(line) => Cow::Borrowed(behind_name(line)),
        Cow::Owned(line) => Cow::Owned(behind_name(&line).to_owned()),
    };
    Ok(Some(data).filter(|data| !data.is_empty()))
}

fn behind_name(line: &str) -> &str {
    line.strip_prefix("data:").unwrap_or_default().trim()
}
