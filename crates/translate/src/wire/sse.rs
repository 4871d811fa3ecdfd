//! Server-sent events, written.
//!
//! Source: WHATWG HTML, "Server-sent events". Only `data` and comments are needed; JSON never holds a bare line
//! feed, so one event is always one line.

use bytes::{BufMut as _, BytesMut};

/// What begins an event.
pub const DATA: &str = "data: ";
/// What ends one.
pub const END: &str = "\n\n";

/// How a client is told that a stream goes on.
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
    fn an_event_is_one_line_and_an_empty_one() {
        let mut out = BytesMut::new();
        data(&mut out, &["{\"a\":", "1}"]);
        data(&mut out, &["[DONE]"]);
        assert_eq!(&out[..], b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
    }
}
