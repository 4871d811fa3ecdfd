//! Server-sent events, written.
//!
//! Source: WHATWG HTML, "Server-sent events". Only `event`, `data` and comments are needed; JSON never holds a bare line
//! feed, so the data of one event is always one line.

use bytes::{BufMut as _, BytesMut};

/// The prefix of an event's data.
pub const DATA: &str = "data: ";
/// The end of an event.
pub const END: &str = "\n\n";

/// The form of a keep-alive in a stream of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepAlive {
    /// By a comment, which every client passes over.
    #[default]
    Comment,
    /// By an event that says nothing, for clients that wait for events.
    Chunk,
}

/// Writes a comment.
pub fn comment(out: &mut BytesMut) {
    out.put_slice(b": keep-alive\n\n");
}

/// Writes one event of this type around pieces of JSON. The type is a word of the gateway's own.
pub fn event(out: &mut BytesMut, name: &'static str, pieces: &[&str]) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\n");
    data(out, pieces);
}

/// Writes one event around pieces of JSON.
pub fn data(out: &mut BytesMut, pieces: &[&str]) {
    out.put_slice(DATA.as_bytes());
    for piece in pieces {
        out.put_slice(piece.as_bytes());
    }
    out.put_slice(END.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_may_have_a_type_before_its_data() {
        let mut out = BytesMut::new();
        event(&mut out, "message_start", &["{\"a\":", "1}"]);
        event(&mut out, "ping", &["{}"]);
        assert_eq!(&out[..], b"event: message_start\ndata: {\"a\":1}\n\nevent: ping\ndata: {}\n\n");
    }

    #[test]
    fn an_event_is_one_line_and_an_empty_one() {
        let mut out = BytesMut::new();
        data(&mut out, &["{\"a\":", "1}"]);
        data(&mut out, &["[DONE]"]);
        assert_eq!(&out[..], b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
    }
}
