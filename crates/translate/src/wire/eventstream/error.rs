//! Errors of frames.

use std::fmt;

/// The reason why bytes are no event-stream frame. Nothing of a frame's content is in it, so that it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The two lengths are not those that their checksum was made for.
    PreludeChecksum {
        /// The checksum in the frame.
        declared: u32,
        /// The checksum of the bytes that came.
        computed: u32,
    },
    /// The frame is not the one that its checksum was made for.
    MessageChecksum {
        /// The checksum in the frame.
        declared: u32,
        /// The checksum of the bytes that came.
        computed: u32,
    },
    /// Such a frame cannot be: the whole is smaller than its parts.
    Lengths {
        /// Bytes of the whole frame, as it says.
        total: u32,
        /// Bytes of its headers, as it says.
        headers: u32,
    },
    /// More headers than [`Limits::headers`](super::Limits::headers).
    HeadersTooLarge {
        /// Bytes of the headers, as the frame says.
        bytes: u32,
        /// The limit in bytes.
        limit: usize,
    },
    /// More payload than [`Limits::payload`](super::Limits::payload).
    PayloadTooLarge {
        /// Bytes of the payload, as the frame says.
        bytes: u32,
        /// The limit in bytes.
        limit: usize,
    },
    /// The frame has fewer bytes than it says.
    CutOff,
    /// A header cannot be read.
    Header {
        /// Bytes of headers before the broken one.
        at: usize,
        /// The header's error.
        fault: HeaderFault,
    },
    /// A header that must be there is not; its name.
    HeaderMissing(&'static str),
    /// A header that must be a string is of another type; its name.
    HeaderNotText(&'static str),
    /// A header is there more than once; its name.
    HeaderTwice(&'static str),
    /// The `:message-type` is none of `event`, `exception` and `error`.
    MessageTypeUnknown,
}

/// The reason why one header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// It does not end where the headers end.
    CutOff,
    /// It has no name.
    NameEmpty,
    /// Its name is not UTF-8.
    NameNotUtf8,
    /// Its value is of a type that does not exist; the type's number.
    TypeUnknown(u8),
    /// Its value is longer than the 32,767 bytes that are allowed; the length in bytes.
    ValueTooLong(u16),
    /// Its value is a string and not UTF-8.
    ValueNotUtf8,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreludeChecksum { declared, computed } => write!(
                f,
                "the checksum of a frame's lengths is {computed:#010x}, but the frame says that it is {declared:#010x}"
            ),
            Self::MessageChecksum { declared, computed } => {
                write!(f, "the checksum of a frame is {computed:#010x}, but the frame says that it is {declared:#010x}")
            }
            Self::Lengths { total, headers } => {
                write!(f, "a frame of {total} bytes cannot have {headers} bytes of headers")
            }
            Self::HeadersTooLarge { bytes, limit } => {
                write!(f, "a frame has {bytes} bytes of headers, which is more than the limit of {limit}")
            }
            Self::PayloadTooLarge { bytes, limit } => {
                write!(f, "a frame has {bytes} bytes of payload, which is more than the limit of {limit}")
            }
            Self::CutOff => f.write_str("a frame has fewer bytes than it says"),
            Self::Header { at, fault } => write!(f, "the header at byte {at} of a frame's headers {fault}"),
            Self::HeaderMissing(name) => write!(f, "a frame has no header {name}"),
            Self::HeaderNotText(name) => write!(f, "the header {name} of a frame is not a string"),
            Self::HeaderTwice(name) => write!(f, "a frame has the header {name} more than once"),
            Self::MessageTypeUnknown => {
                f.write_str("the header :message-type of a frame is none of event, exception and error")
            }
        }
    }
}

/// The rest of a sentence that begins with the header.
impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("is cut off"),
            Self::NameEmpty => f.write_str("has no name"),
            Self::NameNotUtf8 => f.write_str("has a name that is not UTF-8"),
            Self::TypeUnknown(kind) => write!(f, "is of type {kind}, which does not exist"),
            Self::ValueTooLong(length) => write!(f, "has a value of {length} bytes, where 32767 is the most"),
            Self::ValueNotUtf8 => f.write_str("has a string that is not UTF-8"),
        }
    }
}

impl std::error::Error for FrameError {}
