//! Frames, written: what a client of Bedrock's own API reads.

use super::headers::LONGEST_VALUE;
use super::{Frame, Kind, Limits, PRELUDE, SMALLEST, SUMMED};
use crate::wire::slice::Slice as _;
use bytes::{BufMut as _, BytesMut};
use std::fmt;

/// The number of a string among the types of a header's value.
const TEXT: u8 = 7;

/// The reason why a frame cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// A header's value has this many bytes, which are too many.
    ValueTooLong(usize),
    /// The payload has this many bytes, which are too many.
    PayloadTooLong(usize),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValueTooLong(bytes) => write!(f, "a header of {bytes} bytes is too long for a frame"),
            Self::PayloadTooLong(bytes) => write!(f, "a payload of {bytes} bytes is too long for a frame"),
        }
    }
}

impl std::error::Error for EncodeError {}

impl Frame<'_> {
    /// Appends the frame to `out`, its headers in the order in which Bedrock writes them.
    ///
    /// # Errors
    ///
    /// A part of it is longer than a frame can hold; then nothing is written.
    pub fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let (message_type, named): (&str, &[(&str, &str)]) = match &self.kind {
            Kind::Event(name) => ("event", &[(":event-type", name)]),
            Kind::Exception(name) => ("exception", &[(":exception-type", name)]),
            Kind::Error { code, message } => ("error", &[(":error-code", code), (":error-message", message)]),
        };
        let mut headers = Vec::with_capacity(128);
        let content_type = self.content_type.map(|kind| (":content-type", kind));
        for (name, value) in named.iter().copied().chain(content_type).chain([(":message-type", message_type)]) {
            header(&mut headers, name, value)?;
        }
        let too_long = EncodeError::PayloadTooLong(self.payload.len());
        if self.payload.len() > Limits::default().payload {
            return Err(too_long);
        }
        let length = |bytes: usize| u32::try_from(bytes).map_err(|_| too_long);
        let (of_headers, of_payload) = (length(headers.len())?, length(self.payload.len())?);
        let total = of_headers.checked_add(of_payload).and_then(|sum| sum.checked_add(SMALLEST)).ok_or(too_long)?;
        let begin = out.len();
        out.reserve(PRELUDE + headers.len() + self.payload.len() + 4);
        out.put_u32(total);
        out.put_u32(of_headers);
        out.put_u32(crc32fast::hash(out.behind(begin).upto(SUMMED)));
        out.put_slice(&headers);
        out.put_slice(self.payload);
        out.put_u32(crc32fast::hash(out.behind(begin)));
        Ok(())
    }
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), EncodeError> {
    let too_long = EncodeError::ValueTooLong(value.len());
    let length = u16::try_from(value.len()).ok().filter(|length| *length <= LONGEST_VALUE).ok_or(too_long)?;
    out.put_u8(u8::try_from(name.len()).map_err(|_| too_long)?);
    out.put_slice(name.as_bytes());
    out.put_u8(TEXT);
    out.put_u16(length);
    out.put_slice(value.as_bytes());
    Ok(())
}
