//! Events with their sequence numbers.

use crate::wire::sse;
use bytes::BytesMut;

/// The digits of the largest number.
const DIGITS: usize = 10;

/// The writer of a response's events: each has the next number.
#[derive(Debug)]
pub(super) struct Events {
    /// The number of the next event, in digits.
    digits: [u8; DIGITS],
    /// Where they begin.
    from: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self { digits: [b'0'; DIGITS], from: DIGITS - 1 }
    }
}

impl Events {
    /// Writes an event of this type with these members, in pieces.
    pub(super) fn tell(&mut self, out: &mut BytesMut, name: &'static str, members: &[&str]) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        self.number(out);
        out.extend_from_slice(b",");
        for piece in members {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(b"}");
        out.extend_from_slice(sse::END.as_bytes());
    }

    /// Writes the number of the event that is being written.
    #[inline]
    pub(super) fn number(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(self.digits.get(self.from..).unwrap_or_default());
        self.step();
    }

    #[inline]
    fn step(&mut self) {
        for (at, digit) in self.digits.iter_mut().enumerate().rev() {
            if *digit < b'9' {
                *digit += 1;
                self.from = self.from.min(at);
                return;
            }
            *digit = b'0';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_from_zero() {
        let mut events = Events::default();
        for number in 0..1100 {
            let mut out = BytesMut::new();
            events.number(&mut out);
            assert_eq!(out, number.to_string());
        }
    }

    #[test]
    fn an_event_has_its_type_twice_and_its_number() {
        let (mut events, mut out) = (Events::default(), BytesMut::new());
        events.tell(&mut out, "response.created", &["\"response\":", "{}"]);
        let expected =
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{}}\n\n";
        assert_eq!(out, expected);
    }
}
