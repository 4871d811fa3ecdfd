//! Server-sent events, read as they come (HTML standard, "Server-sent events").

/// The longest event that is read, in bytes.
const LONGEST: usize = 8 << 20;

/// The reader of a stream's events.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    line: Vec<u8>,
    data: String,
    /// The last byte was a carriage return: a newline after it ends no second line.
    after_return: bool,
}

/// An event that is longer than any that a gateway sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl EventReader {
    /// Reads some bytes; gives the data of each event that they end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => self.end_line(&mut events),
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > LONGEST {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if !data.is_empty() {
                events.push(data);
            }
        } else if let Some(data) = line.strip_prefix(b"data:") {
            let data = String::from_utf8_lossy(data);
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(&data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_at_every_cut() {
        let stream = b": keep-alive\n\ndata: {\"a\":1}\n\nevent: x\r\ndata: b\r\ndata:c\r\n\r\ndata: [DONE]\n\n";
        for cut in 0..stream.len() {
            let mut reader = EventReader::default();
            let mut events = reader.push(&stream[..cut]).expect("short");
            events.extend(reader.push(&stream[cut..]).expect("short"));
            assert_eq!(events, ["{\"a\":1}", "b\nc", "[DONE]"], "{cut}");
        }
    }

    #[test]
    fn an_endless_line_is_no_event() {
        let mut reader = EventReader::default();
        assert_eq!(reader.push(&vec![b'a'; LONGEST + 1]), Err(TooLong));
    }

    #[test]
    fn any_bytes_are_read() {
        arbtest::arbtest(|bytes| {
            let mut reader = EventReader::default();
            while !bytes.is_empty() {
                let _ = reader.push(bytes.arbitrary::<&[u8]>()?);
            }
            Ok(())
        });
    }
}
