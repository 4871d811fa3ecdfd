//! The answer of an upstream of any API, from its bytes to events.

use super::road::AnswerApi;
use super::stages::call_id;
use crate::bedrock::{self, EventSink, Reader};
use crate::catalogue::UsageInput;
use crate::dialect::{self, ChunkReader, EventLines};
use crate::fault::{Fault, Misbehaviour};
use crate::model::request_id::RequestId;
use crate::model::response::Response;

/// The reader of one streamed answer.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and read without a further pointer")]
pub(super) enum UpstreamReader {
    /// Frames of Bedrock's.
    Bedrock(Reader),
    /// Server-sent events of Chat Completions.
    OpenAiChat(Box<ChatEvents>),
}

/// A stream of Chat Completions.
#[derive(Debug)]
pub(super) struct ChatEvents {
    lines: EventLines,
    chunks: ChunkReader,
}

impl UpstreamReader {
    pub(super) fn new(api: AnswerApi, usage_input: UsageInput, id: RequestId) -> Self {
        match api {
            AnswerApi::Bedrock(api) => Self::Bedrock(Reader::new(api, usage_input)),
            AnswerApi::OpenAiChat => Self::OpenAiChat(Box::new(ChatEvents {
                lines: EventLines::default(),
                chunks: ChunkReader::new(call_id(id)),
            })),
        }
    }

    /// Takes bytes, cut anywhere, and tells what they say.
    #[inline]
    pub(super) fn take<H: EventSink>(&mut self, bytes: &[u8], to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        match self {
            Self::Bedrock(reader) => reader.take(bytes, to, out),
            Self::OpenAiChat(events) => events.take(bytes, to, out),
        }
    }

    /// The stream ended, as HTTP says it should.
    pub(super) fn end<H: EventSink>(&mut self, to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        match self {
            Self::Bedrock(reader) => reader.end(),
            Self::OpenAiChat(events) => events.end(to, out),
        }
    }
}

impl ChatEvents {
    fn take<H: EventSink>(&mut self, mut bytes: &[u8], to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        while !to.is_over() {
            let Some(data) = self.lines.next(&mut bytes)? else { return Ok(()) };
            self.data(&data, to, out)?;
        }
        Ok(())
    }

    fn data<H: EventSink>(&mut self, data: &str, to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        self.chunks.events(data)?.into_iter().for_each(|event| to.event(event, out));
        to.settle(self.chunks.stopped(), out).map(|_| ())
    }

    /// Without its last line, `[DONE]`, an answer is whole when the model has stopped.
    fn end<H: EventSink>(&mut self, to: &mut H, out: &mut H::Out) -> Result<(), Fault> {
        if let Some(data) = self.lines.rest()? {
            self.data(&data, to, out)?;
        }
        if to.is_over() {
            return Ok(());
        }
        if !self.chunks.stopped() {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly));
        }
        let mut events = Vec::new();
        self.chunks.end(&mut events)?;
        events.into_iter().for_each(|event| to.event(event, out));
        to.settle(true, out).map(|_| ())
    }
}

/// Reads a whole answer.
pub(super) fn read(api: AnswerApi, body: &[u8], id: RequestId) -> Result<Response<'_>, Fault> {
    match api {
        AnswerApi::Bedrock(api) => bedrock::read(api, body),
        AnswerApi::OpenAiChat => dialect::read_chat_answer(body, call_id(id)),
    }
}
