//! What our decoder and AWS's make of the same bytes, in one form that can be compared.
//!
//! The fuzz target compiles this file too, so that it judges exactly as the tests do.

use aquifer_translate::wire::eventstream::{Decoder, Frame, FrameError, Kind, Limits};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::{HeaderValue, Message};

/// A frame that borrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Event(String),
    Exception(String),
    Error { code: String, message: String },
}

/// What it is, its content type, its payload.
pub(crate) type Owned = (What, Option<String>, Vec<u8>);

/// How a stream ended that was not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    BetweenFrames,
    InsideFrame,
}

/// What came of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading<E> {
    pub(crate) frames: Vec<Owned>,
    pub(crate) end: Result<Ended, E>,
}

impl Reading<FrameError> {
    /// Without the reason, which another decoder words in its own way.
    pub(crate) fn verdict(self) -> Reading<()> {
        Reading { frames: self.frames, end: self.end.map_err(drop) }
    }
}

/// What our decoder makes of a stream that comes in `pieces`, and whether it keeps its promises meanwhile.
pub(crate) fn ours<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading<FrameError> {
    ours_within(Limits::default(), pieces)
}

/// The same within other limits.
pub(crate) fn ours_within<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading<FrameError> {
    let mut decoder = Decoder::with_limits(limits);
    let mut frames = Vec::new();
    for mut input in pieces {
        loop {
            let before = input.len();
            match decoder.next(&mut input) {
                Ok(Some(frame)) => {
                    assert!(input.len() < before, "a frame that took no bytes");
                    frames.push(owned(&frame));
                    assert!(!decoder.is_mid_frame(), "a whole frame counted as unfinished");
                }
                Ok(None) => {
                    assert!(input.is_empty(), "more was asked for while there was more");
                    break;
                }
                Err(error) => {
                    assert_eq!(decoder.next(&mut input), Err(error), "a broken stream was picked up again");
                    assert_eq!(decoder.next(&mut &[][..]), Err(error), "a broken stream was picked up again");
                    assert!(!decoder.is_mid_frame(), "a broken stream counted as cut off");
                    return Reading { frames, end: Err(error) };
                }
            }
        }
    }
    let end = if decoder.is_mid_frame() { Ended::InsideFrame } else { Ended::BetweenFrames };
    Reading { frames, end: Ok(end) }
}

/// What AWS's decoder makes of a stream, with the rules that it leaves to others applied to its messages.
pub(crate) fn aws(stream: &[u8]) -> Reading<()> {
    let mut decoder = MessageFrameDecoder::new();
    let mut frames = Vec::new();
    let mut rest = stream;
    loop {
        let here = rest;
        match decoder.decode_frame(&mut rest) {
            Ok(DecodedFrame::Complete(message)) => match told_apart(&message) {
                Some(frame) => frames.push(frame),
                None => return Reading { frames, end: Err(()) },
            },
            Ok(DecodedFrame::Incomplete) if here.is_empty() => {
                return Reading { frames, end: Ok(Ended::BetweenFrames) };
            }
            // It looks at a prelude only when the whole frame is there.
            Ok(DecodedFrame::Incomplete) if prelude_is_broken(here) => return Reading { frames, end: Err(()) },
            Ok(DecodedFrame::Incomplete) => return Reading { frames, end: Ok(Ended::InsideFrame) },
            Err(_) => return Reading { frames, end: Err(()) },
        }
    }
}

/// Gives every frame of `stream` the checksums that its bytes need. With `fit`, lengths that lead nowhere are
/// first replaced by some that do.
pub(crate) fn repair(stream: &mut [u8], fit: bool) {
    let mut rest = stream;
    while rest.len() >= 16 {
        let (mut total, mut headers) = (word(rest, 0), word(rest, 4));
        if fit {
            total = 16 + total % (rest.len() - 15);
            headers %= total - 15;
            put(rest, 0, total as u32);
            put(rest, 4, headers as u32);
        }
        put(rest, 8, crc32fast::hash(&rest[..8]));
        if total < 16 || total > rest.len() {
            return;
        }
        let (frame, after) = rest.split_at_mut(total);
        put(frame, total - 4, crc32fast::hash(&frame[..total - 4]));
        rest = after;
    }
}

fn owned(frame: &Frame<'_>) -> Owned {
    let what = match frame.kind {
        Kind::Event(name) => What::Event(name.to_owned()),
        Kind::Exception(name) => What::Exception(name.to_owned()),
        Kind::Error { code, message } => What::Error { code: code.to_owned(), message: message.to_owned() },
    };
    (what, frame.content_type.map(str::to_owned), frame.payload.to_owned())
}

/// The specification's rules about headers that AWS's frame decoder does not check, written down once more.
fn told_apart(message: &Message) -> Option<Owned> {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for header in message.headers() {
        let name = header.name().as_str();
        let length = match header.value() {
            HeaderValue::String(text) => text.as_str().len(),
            HeaderValue::ByteArray(bytes) => bytes.len(),
            _ => 0,
        };
        let fine = !name.is_empty() && length <= 32_767;
        let known =
            [":message-type", ":event-type", ":exception-type", ":content-type", ":error-code", ":error-message"];
        if !fine || (known.contains(&name) && (names.contains(&name) || header.value().as_string().is_err())) {
            return None;
        }
        names.push(name);
        values.push(header.value().as_string().map(|text| text.as_str().to_owned()).unwrap_or_default());
    }
    let find = |wanted: &str| names.iter().position(|name| *name == wanted).map(|at| values[at].clone());
    let what = match find(":message-type")?.as_str() {
        "event" => What::Event(find(":event-type")?),
        "exception" => What::Exception(find(":exception-type")?),
        "error" => What::Error {
            code: find(":error-code").unwrap_or_default(),
            message: find(":error-message").unwrap_or_default(),
        },
        _ => return None,
    };
    Some((what, find(":content-type"), message.payload().to_vec()))
}

fn prelude_is_broken(stream: &[u8]) -> bool {
    if stream.len() < 12 {
        return false;
    }
    let (total, headers) = (word(stream, 0), word(stream, 4));
    let limits = Limits::default();
    word(stream, 8) != crc32fast::hash(&stream[..8]) as usize
        || total < 16 + headers
        || headers > limits.headers
        || total - headers - 16 > limits.payload
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}
