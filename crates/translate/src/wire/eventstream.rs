//! Amazon's event-stream framing, read and written.
//!
//! A frame is, all integers big-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | length of the whole frame, these four bytes included |
//! | 4 | 4 | length of the headers, H |
//! | 8 | 4 | CRC-32 of bytes 0 to 7 |
//! | 12 | H | headers |
//! | 12 + H | length - H - 16 | payload |
//! | length - 4 | 4 | CRC-32 of everything before it |
//!
//! ```text
//!                 a frame is whole in the piece
//!            +--------------------------------------+
//!            v                                      |
//!          idle ----------------------------------> frame, borrowed from the piece
//!          ^  \    the piece ends inside a frame
//!          |   +------> gathering <--+ more pieces
//!          |               |   +-----+
//!          |               v
//!          +-------- frame, borrowed from the buffer
//!
//!          any of them: a wrong checksum or length ends the stream with the same error from then on
//! ```
//!
//! The [`Decoder`] takes a stream of them in pieces of any size. A frame that lies wholly inside one piece is
//! borrowed from it; only a frame that is cut by the end of a piece is gathered, in one buffer that is used again.
//!
//! ```
//! use aquifer_translate::wire::eventstream::{Decoder, FrameError, Kind};
//!
//! fn event_types(pieces: &[&[u8]]) -> Result<Vec<String>, FrameError> {
//!     let mut decoder = Decoder::default();
//!     let mut seen = Vec::new();
//!     for mut input in pieces.iter().copied() {
//!         while let Some(frame) = decoder.next(&mut input)? {
//!             if let Kind::Event(name) = frame.kind {
//!                 seen.push(name.to_owned());
//!             }
//!         }
//!     }
//!     Ok(seen)
//! }
//! # assert_eq!(event_types(&[]), Ok(vec![]));
//! ```

use crate::wire::slice::Slice as _;
use crc32fast::Hasher;
use std::fmt;

mod encode;
mod error;
mod headers;

pub use encode::EncodeError;
pub use error::{FrameError, HeaderFault};
use headers::Headers;

/// The lengths and their checksum.
const PRELUDE: usize = 12;
/// The bytes of the prelude that have a checksum of their own.
const SUMMED: usize = 8;
/// The smallest frame: a prelude and a checksum, with neither headers nor payload between them.
const SMALLEST: u32 = 16;

/// The limits of a frame's size; a larger one is refused as soon as its first 12 bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of payload in one frame: 24 MiB by default, as AWS specifies.
    pub payload: usize,
    /// The most bytes of headers in one frame: 128 KiB by default, as AWS specifies.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload: 24 * 1024 * 1024, headers: 128 * 1024 }
    }
}

/// One message of an event stream, borrowed from the input or from the decoder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The kind of the frame, by its header `:message-type`.
    pub kind: Kind<'a>,
    /// The header `:content-type`, when there is one.
    pub content_type: Option<&'a str>,
    /// The payload as it came; with a content type of `application/json` not yet looked at.
    pub payload: &'a [u8],
}

/// The kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A part of the answer, with its `:event-type`. Types that are not known must be ignored.
    Event(&'a str),
    /// A modelled failure, with its `:exception-type` in the stream's spelling: `throttlingException`.
    /// The payload says more.
    Exception(&'a str),
    /// A failure without a model: all there is to know is in two headers.
    Error {
        /// The header `:error-code`, empty when there is none.
        code: &'a str,
        /// The header `:error-message`, empty when there is none.
        message: &'a str,
    },
}

/// Cuts a stream of bytes into frames.
#[derive(Default)]
pub struct Decoder {
    limits: Limits,
    /// A checksum of nothing: how the processor sums best is found out once.
    fresh: Hasher,
    gathered: Gathered,
    failed: Option<FrameError>,
}

impl Decoder {
    /// A decoder with limits of its own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes bytes off the front of `input` until a frame is whole.
    ///
    /// `Ok(None)` means that all of `input` was taken and more is needed; until then, call again with what is left.
    ///
    /// # Errors
    ///
    /// When the stream is broken. It cannot be picked up again after that: every further call gives the same error,
    /// and what is left in `input` has no meaning.
    #[inline(always)]
    pub fn next<'a, 'input: 'a>(&'a mut self, input: &mut &'input [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        if input.is_empty() && self.failed.is_none() {
            return Ok(None);
        }
        // Nearly every frame lies whole in one piece.
        if self.failed.is_none()
            && self.gathered.is_idle()
            && let Ok(Some(lengths)) = Lengths::read(input, &self.limits, &self.fresh)
            && let Some((frame, rest)) = input.split_at_checked(lengths.total)
            && let Ok(frame) = read(&lengths, frame)
        {
            *input = rest;
            return Ok(Some(frame));
        }
        self.gather(input)
    }

    /// The same of a frame that is cut by the end of a piece, or broken.
    #[inline(never)]
    fn gather<'a>(&'a mut self, input: &mut &[u8]) -> Result<Option<Frame<'a>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let frame = match self.gathered.next(input, &self.limits, &self.fresh) {
            Ok(None) => return Ok(None),
            Ok(Some((lengths, frame))) => read(&lengths, frame),
            Err(error) => Err(error),
        };
        self.failed = frame.as_ref().err().copied();
        frame.map(Some)
    }

    /// Whether bytes of an unfinished frame are held: a stream that ends now was cut off. Not so when the stream is
    /// already known to be broken.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        self.failed.is_none() && !self.gathered.handed_out && !self.gathered.bytes.is_empty()
    }
}

/// The lengths in a prelude whose checksum was right, within the limits and possible.
#[derive(Clone)]
struct Lengths {
    total: usize,
    headers: usize,
    /// The checksum so far, of the lengths.
    sum: Hasher,
}

impl Lengths {
    /// Reads the prelude at the front of `bytes`; none while there are fewer than 12.
    #[inline]
    fn read(bytes: &[u8], limits: &Limits, fresh: &Hasher) -> Result<Option<Self>, FrameError> {
        let Some((covered, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
        let Some(&declared) = rest.first_chunk() else { return Ok(None) };
        let mut sum = fresh.clone();
        sum.update(covered);
        let (declared, computed) = (u32::from_be_bytes(declared), sum.clone().finalize());
        if declared != computed {
            return Err(FrameError::PreludeChecksum { declared, computed });
        }
        let [t0, t1, t2, t3, h0, h1, h2, h3] = *covered;
        let total = u32::from_be_bytes([t0, t1, t2, t3]);
        let headers = u32::from_be_bytes([h0, h1, h2, h3]);
        let Some(payload) = total.checked_sub(SMALLEST).and_then(|room| room.checked_sub(headers)) else {
            return Err(FrameError::Lengths { total, headers });
        };
        if headers as usize > limits.headers {
            return Err(FrameError::HeadersTooLarge { bytes: headers, limit: limits.headers });
        }
        if payload as usize > limits.payload {
            return Err(FrameError::PayloadTooLarge { bytes: payload, limit: limits.payload });
        }
        Ok(Some(Self { total: total as usize, headers: headers as usize, sum }))
    }
}

/// The bytes of a frame that came in several pieces.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// Those of the frame at hand, as soon as its prelude was checked.
    lengths: Option<Lengths>,
    /// The bytes are a whole frame, which the caller has had: the next call drops them.
    handed_out: bool,
}

impl Gathered {
    /// Whether no byte of the next frame came yet.
    fn is_idle(&self) -> bool {
        self.handed_out || self.bytes.is_empty()
    }

    /// The bytes of the next frame, once all of them are gathered.
    fn next(
        &mut self,
        input: &mut &[u8],
        limits: &Limits,
        fresh: &Hasher,
    ) -> Result<Option<(Lengths, &[u8])>, FrameError> {
        if self.handed_out {
            self.bytes.clear();
            self.handed_out = false;
        }
        if self.lengths.is_none() {
            self.fill(PRELUDE, input);
            self.lengths = Lengths::read(&self.bytes, limits, fresh)?;
        }
        let Some(total) = self.lengths.as_ref().map(|lengths| lengths.total) else { return Ok(None) };
        self.fill(total, input);
        if self.bytes.len() < total {
            return Ok(None);
        }
        let Some(lengths) = self.lengths.take() else { return Ok(None) };
        self.handed_out = true;
        Ok(Some((lengths, &self.bytes)))
    }

    /// Moves bytes from `input` until `length` are gathered, with room for at most twice what has arrived.
    fn fill(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.bytes.len());
        let (taken, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        let needed = self.bytes.len() + taken.len();
        if needed > self.bytes.capacity() {
            let room = needed.saturating_mul(2).min(length).max(needed);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(taken);
        *input = rest;
    }
}

/// Reads the frame that `bytes` are, after a look at their checksum.
#[inline(always)]
fn read<'a>(lengths: &Lengths, bytes: &'a [u8]) -> Result<Frame<'a>, FrameError> {
    let Some((covered, &declared)) = bytes.split_last_chunk() else { return Err(FrameError::CutOff) };
    // The lengths were summed up when they were read; the sum goes on where it stopped.
    let (headers, mut sum) = (lengths.headers, lengths.sum.clone());
    debug_assert!(bytes.len() == lengths.total && covered.len() >= PRELUDE, "a frame that is not as long as it says");
    sum.update(covered.behind(SUMMED));
    let (declared, computed) = (u32::from_be_bytes(declared), sum.finalize());
    if declared != computed {
        return Err(FrameError::MessageChecksum { declared, computed });
    }
    let body = covered.behind(PRELUDE);
    let Some((headers, payload)) = body.split_at_checked(headers) else { return Err(FrameError::CutOff) };
    if headers == headers::DELTA {
        return Ok(Frame { kind: Kind::Event("contentBlockDelta"), content_type: Some("application/json"), payload });
    }
    if headers == headers::CHUNK {
        return Ok(Frame { kind: Kind::Event("chunk"), content_type: Some("application/json"), payload });
    }
    let headers = Headers::read(headers)?;
    Ok(Frame { kind: headers.kind()?, content_type: headers.content_type, payload })
}

/// Without the payload, which is what people and models say to each other.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("kind", &self.kind)
            .field("content_type", &self.content_type)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

/// Without the bytes at hand, for the same reason.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .field("gathered", &format_args!("{} bytes", self.gathered.bytes.len()))
            .field("failed", &self.failed)
            .finish()
    }
}
