//! A streamed answer of any API of Bedrock's, from its bytes to events.

use super::{Api, converse, invoke};
use crate::catalogue::UsageInput;
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event};
use crate::wire::eventstream::Decoder;

/// The receiver of a stream's events.
pub trait EventSink {
    /// The output that the receiver writes to, passed along: two pointers side by side cost a delta less than one to
    /// both.
    type Out;

    /// Whether the answer is over: the rest of the stream is not read.
    fn is_over(&self) -> bool;

    /// A delta of text, of reasoning or of a call's arguments. `false`: the answer may end with it.
    fn delta(&mut self, index: u32, delta: &Delta<'_>, out: &mut Self::Out) -> bool;

    /// Any event.
    fn event(&mut self, event: Event<'_>, out: &mut Self::Out);

    /// All that one part of the stream says was told; the model had `stopped` by then. `true`: it is over.
    ///
    /// # Errors
    ///
    /// The answer ends with it, and cannot be ended.
    fn settle(&mut self, stopped: bool, out: &mut Self::Out) -> Result<bool, Fault>;
}

/// The reader of one streamed answer.
#[derive(Debug)]
pub enum Reader {
    /// ConverseStream's.
    Converse(Decoder, converse::stream::Reader),
    /// InvokeModelWithResponseStream's.
    Invoke(Decoder, invoke::stream::ChunkBuffer, invoke::stream::Reader),
}

impl Reader {
    /// Begins an answer, whose usage counts the input so.
    #[must_use]
    pub fn new(api: Api, usage_input: UsageInput) -> Self {
        match api {
            Api::Converse => Self::Converse(Decoder::default(), converse::stream::Reader::counting(usage_input)),
            Api::InvokeModel => Self::Invoke(
                Decoder::default(),
                invoke::stream::ChunkBuffer::default(),
                invoke::stream::Reader::default(),
            ),
        }
    }

    /// Takes bytes, cut anywhere, and tells what they say.
    ///
    /// # Errors
    ///
    /// A refusal inside the stream, or a stream that breaks its protocol. What was said before was told.
    #[inline]
    pub fn take<H: EventSink>(&mut self, bytes: &[u8], to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        match self {
            Self::Converse(decoder, reader) => of_converse(decoder, reader, bytes, (to, out)),
            Self::Invoke(decoder, buffer, reader) => of_invoke(decoder, buffer, reader, bytes, to, out),
        }
    }

    /// The stream ended, as HTTP says it should.
    ///
    /// # Errors
    ///
    /// It is not whole.
    pub fn end(&self) -> Result<(), Fault> {
        match self {
            Self::Converse(decoder, _) | Self::Invoke(decoder, ..) if decoder.is_mid_frame() => {
                Err(Fault::UpstreamMisbehaved(Misbehaviour::CutFrame))
            }
            Self::Converse(_, reader) => reader.finish(),
            Self::Invoke(_, _, reader) => reader.finish(),
        }
    }
}

#[inline]
fn of_converse<H: EventSink>(
    decoder: &mut Decoder,
    reader: &mut converse::stream::Reader,
    mut bytes: &[u8],
    (to, out): (&mut H, &mut H::Out),
) -> Result<(), Fault> {
    if to.is_over() {
        return Ok(());
    }
    loop {
        let frame = match decoder.next(&mut bytes) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(()),
            Err(error) => return Err(Fault::UpstreamMisbehaved(Misbehaviour::Frame(error.to_string()))),
        };
        if let Some((index, delta)) = &reader.fast_delta(&frame) {
            if to.delta(*index, delta, out) {
                continue;
            }
        } else {
            while let Some(event) = reader.overtaken(&frame) {
                to.event(event, out);
            }
            to.event(reader.event(&frame)?, out);
            while let Some(event) = reader.unended() {
                to.event(event, out);
            }
        }
        if to.settle(reader.stopped(), out)? {
            return Ok(());
        }
    }
}

#[inline]
fn of_invoke<H: EventSink>(
    decoder: &mut Decoder,
    buffer: &mut invoke::stream::ChunkBuffer,
    reader: &mut invoke::stream::Reader,
    mut bytes: &[u8],
    to: &mut H,
    out: &mut H::Out,
) -> Result<(), Fault> {
    if to.is_over() {
        return Ok(());
    }
    loop {
        let frame = match decoder.next(&mut bytes) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(()),
            Err(error) => return Err(Fault::UpstreamMisbehaved(Misbehaviour::Frame(error.to_string()))),
        };
        if let Some(delta) = buffer.delta(&frame) {
            if to.delta(delta.index, &delta.delta(), out) {
                continue;
            }
        } else {
            let Some(event) = buffer.event_of(&frame)? else { continue };
            to.event(reader.event(event)?.event, out);
        }
        if to.settle(reader.stopped(), out)? {
            return Ok(());
        }
    }
}
