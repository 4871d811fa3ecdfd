//! The text of an answer, read from the bytes that a client gets: for those who watch a stream while it is told.
//!
//! ```text
//!   bytes, cut anywhere ──► lines of events ──┬─► Chat Completions, Messages, Responses ──┐
//!                      └──► frames ───────────┼─► Converse                                ├──► pieces of text
//!                      └──► a whole body ─────┴─► any of them                             ┘
//! ```
//!
//! A reader never fails: what is longer than it may be, or nothing that is known, is passed over. It holds one line, one
//! frame or one whole body at most, and wipes that when it is dropped.

mod blocks;
mod chat;
mod converse;
mod frames;
mod lines;
mod messages;
mod responses;

use crate::bedrock::ChunkBuffer;
use crate::dialect::Dialect;
use crate::model::text::Text;
use crate::wire::eventstream::{Frame, Kind};
use blocks::BlockNumbers;
use chat::ChatText;
use frames::FrameSplitter;
use lines::LineSplitter;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest line of a stream, frame of a stream or whole body that is read, in bytes.
pub const LONGEST: usize = 1 << 20;

/// The kinds of text in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextKind {
    /// What the model thought, as far as the client is shown it.
    Reasoning,
    /// What it said.
    Content,
    /// The id of a tool call.
    CallId,
    /// The name of the tool that is called.
    CallName,
    /// The arguments of a tool call: JSON, or a free text.
    CallArguments,
    /// The message of an error, in place of an answer or in the middle of it.
    Error,
}

/// A piece of an answer's text. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct TextPiece<'a> {
    /// What it is.
    pub kind: TextKind,
    /// The number of its block: a piece of another number begins, or goes on with, another block.
    pub block: u32,
    /// The text, unescaped.
    pub text: Cow<'a, str>,
}

impl std::fmt::Debug for TextPiece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, block, text } = self;
        f.debug_struct("TextPiece").field("kind", kind).field("block", block).field("bytes", &text.len()).finish()
    }
}

/// The receiver of pieces of text.
pub type TextSink<'s> = dyn FnMut(TextPiece<'_>) + 's;

/// The framing of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFraming {
    /// Server-sent events.
    Events,
    /// Amazon's event stream.
    Frames,
    /// One JSON text.
    Whole,
}

impl AnswerFraming {
    /// The framing that a `content-type` names; `None` for one that holds no text of a model.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Some(Self::Events),
            "application/vnd.amazon.eventstream" => Some(Self::Frames),
            "application/json" => Some(Self::Whole),
            _ => None,
        }
    }
}

/// The reader of one answer's text.
pub struct AnswerText {
    splitter: Splitter,
    words: Words,
}

impl std::fmt::Debug for AnswerText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerText").finish_non_exhaustive()
    }
}

/// What cuts a body into parts that can be read.
enum Splitter {
    Lines(LineSplitter),
    Frames(Box<FrameSplitter>),
    /// The body so far; `None`: it is too long to be read.
    Whole(Option<Zeroizing<Vec<u8>>>),
}

/// What reads the parts, by the dialect.
struct Words {
    dialect: Dialect,
    blocks: BlockNumbers,
    chat: ChatText,
    /// The calls of Responses whose arguments were told.
    argued: responses::Argued,
    chunk: ChunkBuffer,
}

impl AnswerText {
    /// Begins an answer in this dialect.
    #[must_use]
    pub fn new(dialect: Dialect, framing: AnswerFraming) -> Self {
        let splitter = match framing {
            AnswerFraming::Events => Splitter::Lines(LineSplitter::default()),
            AnswerFraming::Frames => Splitter::Frames(Box::default()),
            AnswerFraming::Whole => Splitter::Whole(Some(Zeroizing::default())),
        };
        let words = Words {
            dialect,
            blocks: BlockNumbers::default(),
            chat: ChatText::default(),
            argued: responses::Argued::default(),
            chunk: ChunkBuffer::default(),
        };
        Self { splitter, words }
    }

    /// Takes bytes of the body, cut anywhere, and tells the text in them.
    pub fn take(&mut self, bytes: &[u8], to: &mut TextSink<'_>) {
        let Self { splitter, words } = self;
        match splitter {
            Splitter::Lines(lines) => lines.take(bytes, &mut |data| words.event(data, to)),
            Splitter::Frames(frames) => frames.take(bytes, &mut |frame| words.frame(frame, to)),
            Splitter::Whole(held) => {
                *held = held.take().filter(|held| held.len() + bytes.len() <= LONGEST).map(|mut held| {
                    held.extend_from_slice(bytes);
                    held
                });
            }
        }
    }

    /// The body ended: tells the text of a whole one.
    pub fn end(&mut self, to: &mut TextSink<'_>) {
        if let Splitter::Whole(held) = &mut self.splitter
            && let Some(body) = held.take()
            && let Ok(json) = std::str::from_utf8(&body)
        {
            self.words.whole(json, to);
        }
        self.words.chat.end(&mut self.words.blocks, to);
    }
}

impl Words {
    /// The data of one server-sent event.
    fn event(&mut self, data: &str, to: &mut TextSink<'_>) {
        match self.dialect {
            Dialect::OpenAiChat => self.chat.part(&mut self.blocks, data, to),
            Dialect::AnthropicMessages => messages::event(&mut self.blocks, data, to),
            Dialect::OpenAiResponses => responses::event(&mut self.argued, &mut self.blocks, data, to),
            Dialect::Bedrock => {}
        }
    }

    /// One frame: an event of Converse, or one of Claude's in InvokeModel.
    fn frame(&mut self, frame: &Frame<'_>, to: &mut TextSink<'_>) {
        match frame.kind {
            Kind::Event("chunk") => {
                if let Ok(Some(event)) = self.chunk.event_of(frame) {
                    messages::event(&mut self.blocks, event, to);
                }
            }
            Kind::Event(name) => {
                if let Ok(payload) = std::str::from_utf8(frame.payload) {
                    converse::event(&mut self.blocks, name, payload, to);
                }
            }
            Kind::Exception(_) => {
                if let Ok(payload) = std::str::from_utf8(frame.payload) {
                    told_error(&self.blocks, payload, to);
                }
            }
            Kind::Error { message, .. } => self.blocks.error(Cow::Borrowed(message), to),
        }
    }

    /// A whole body.
    fn whole(&mut self, json: &str, to: &mut TextSink<'_>) {
        match self.dialect {
            Dialect::OpenAiChat => self.chat.part(&mut self.blocks, json, to),
            Dialect::AnthropicMessages => messages::whole(&mut self.blocks, json, to),
            Dialect::OpenAiResponses => responses::whole(&mut self.blocks, json, to),
            Dialect::Bedrock => {
                converse::whole(&mut self.blocks, json, to);
                messages::whole(&mut self.blocks, json, to);
            }
        }
        if self.blocks.is_empty() && self.dialect != Dialect::OpenAiChat {
            told_error(&self.blocks, json, to);
        }
    }
}

/// An error as each dialect tells it: an object with a message, alone or as the member `error`.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "Message")]
    message: Option<&'a RawValue>,
}

/// Tells the message of an error, if that is one.
fn told_error(blocks: &BlockNumbers, json: &str, to: &mut TextSink<'_>) {
    let Ok(body) = serde_json::from_str::<ErrorBody<'_>>(json) else { return };
    let inner = body.error.and_then(|inner| serde_json::from_str::<ErrorBody<'_>>(inner.get()).ok());
    let message = match inner {
        Some(inner) => inner.message,
        None => body.message.or(body.error),
    };
    if let Some(message) = message.and_then(Text::from_raw) {
        blocks.error(message.plain(), to);
    }
}
