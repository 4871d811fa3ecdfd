//! The headers of a frame: six are read, every other one is stepped over.

use super::{FrameError, HeaderFault, Kind};

/// The longest string or byte array; the two bytes of its length could say twice as much.
pub(super) const LONGEST_VALUE: u16 = i16::MAX as u16;

/// The headers of nearly every frame, byte for byte: a delta's, as Bedrock writes them.
pub(super) const DELTA: &[u8] = b"\x0b:event-type\x07\x00\x11contentBlockDelta\
    \x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event";

/// The headers of every event of InvokeModel's stream, byte for byte.
pub(super) const CHUNK: &[u8] = b"\x0b:event-type\x07\x00\x05chunk\
    \x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event";

/// The headers that say what a frame is.
#[derive(Default)]
pub(super) struct Headers<'a> {
    pub(super) content_type: Option<&'a str>,
    message_type: Option<&'a str>,
    event_type: Option<&'a str>,
    exception_type: Option<&'a str>,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Reads all of `block`, which holds a frame's headers and nothing else.
    pub(super) fn read(block: &'a [u8]) -> Result<Self, FrameError> {
        let mut headers = Self::default();
        let mut rest = block;
        while !rest.is_empty() {
            let at = block.len() - rest.len();
            let (name, value) = header(&mut rest).map_err(|fault| FrameError::Header { at, fault })?;
            headers.note(name, value)?;
        }
        Ok(headers)
    }

    /// Keeps a header that says what the frame is. Each of those is a string, and there once.
    fn note(&mut self, name: &str, value: Value<'a>) -> Result<(), FrameError> {
        let (place, name) = match name {
            ":message-type" => (&mut self.message_type, ":message-type"),
            ":event-type" => (&mut self.event_type, ":event-type"),
            ":content-type" => (&mut self.content_type, ":content-type"),
            ":exception-type" => (&mut self.exception_type, ":exception-type"),
            ":error-code" => (&mut self.error_code, ":error-code"),
            ":error-message" => (&mut self.error_message, ":error-message"),
            _ => return Ok(()),
        };
        let Value::Text(text) = value else { return Err(FrameError::HeaderNotText(name)) };
        match place.replace(text) {
            None => Ok(()),
            Some(_) => Err(FrameError::HeaderTwice(name)),
        }
    }

    /// The kind of the frame.
    pub(super) fn kind(&self) -> Result<Kind<'a>, FrameError> {
        match self.message_type {
            Some("event") => self.event_type.map(Kind::Event).ok_or(FrameError::HeaderMissing(":event-type")),
            Some("exception") => {
                self.exception_type.map(Kind::Exception).ok_or(FrameError::HeaderMissing(":exception-type"))
            }
            Some("error") => Ok(Kind::Error {
                code: self.error_code.unwrap_or_default(),
                message: self.error_message.unwrap_or_default(),
            }),
            Some(_) => Err(FrameError::MessageTypeUnknown),
            None => Err(FrameError::HeaderMissing(":message-type")),
        }
    }
}

/// A header's value, as far as any header that is read needs it.
enum Value<'a> {
    Text(&'a str),
    Other,
}

/// Takes one header, its name and its value, off the front of `rest`.
fn header<'a>(rest: &mut &'a [u8]) -> Result<(&'a str, Value<'a>), HeaderFault> {
    let [length] = *array(rest)?;
    if length == 0 {
        return Err(HeaderFault::NameEmpty);
    }
    let name = str::from_utf8(bytes(rest, usize::from(length))?).map_err(|_| HeaderFault::NameNotUtf8)?;
    let [kind] = *array(rest)?;
    Ok((name, value(kind, rest)?))
}

/// Takes the value of a header whose type is `kind` off the front of `rest`.
fn value<'a>(kind: u8, rest: &mut &'a [u8]) -> Result<Value<'a>, HeaderFault> {
    let width = match kind {
        // True and false, which have no bytes of their own.
        0 | 1 => 0,
        // Integers.
        2 => 1,
        3 => 2,
        4 => 4,
        // A long; milliseconds since the epoch.
        5 | 8 => 8,
        // A byte array; a string.
        6 | 7 => {
            let length = u16::from_be_bytes(*array(rest)?);
            if length > LONGEST_VALUE {
                return Err(HeaderFault::ValueTooLong(length));
            }
            usize::from(length)
        }
        // A UUID.
        9 => 16,
        unknown => return Err(HeaderFault::TypeUnknown(unknown)),
    };
    let value = bytes(rest, width)?;
    if kind != 7 {
        return Ok(Value::Other);
    }
    str::from_utf8(value).map(Value::Text).map_err(|_| HeaderFault::ValueNotUtf8)
}

/// Takes `N` bytes off the front of `rest`.
fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], HeaderFault> {
    let (taken, left) = rest.split_first_chunk().ok_or(HeaderFault::CutOff)?;
    *rest = left;
    Ok(taken)
}

/// Takes `count` bytes off the front of `rest`.
fn bytes<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], HeaderFault> {
    let (taken, left) = rest.split_at_checked(count).ok_or(HeaderFault::CutOff)?;
    *rest = left;
    Ok(taken)
}
