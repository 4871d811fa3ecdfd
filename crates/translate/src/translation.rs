//! One request on its way out and its answer on its way back: the only place that names both sides.

mod request;

pub use request::{Incoming, Outgoing};

use crate::bedrock::converse::{response as converse, stream::Reader};
use crate::dialect::openai_chat::{Envelope, Style, response as chat, stream::Writer};
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event, Seal};
use crate::model::response::Usage;
use crate::model::text::Text;
use crate::wire::eventstream::Decoder;
use bytes::BytesMut;

/// Gives a tool's name back as the client knows it; `None` when it is the same.
pub type Restore = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How far one block of reasoning is, without its text: for the log at debug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasoningProgress {
    /// The block's index, as Bedrock counts.
    pub block: u32,
    /// What has just happened to it.
    pub state: ReasoningState,
    /// How many bytes of reasoning the block has brought so far.
    pub bytes: u64,
}

/// What can happen to a block of reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningState {
    /// Its first delta came.
    Opened,
    /// Its signature came.
    Signature,
    /// It ended.
    Closed,
}

/// What has been seen of a streamed answer so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The first frame, and it was no refusal.
    pub started: bool,
    /// Reasoning, readable or not.
    pub reasoning: bool,
    /// Text or a tool call.
    pub answer: bool,
}

/// A streamed answer, from Bedrock's bytes to the client's.
pub struct StreamTranslation {
    decoder: Decoder,
    reader: Reader,
    writer: Writer,
    restore: Restore,
    seen: Seen,
    metadata: bool,
    finished: Option<&'static str>,
    /// The blocks of reasoning that are open, with the bytes they brought.
    open: Vec<(u32, u64)>,
    progress: Vec<ReasoningProgress>,
}

impl StreamTranslation {
    /// Begins an answer.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style, restore: Restore) -> Self {
        Self {
            decoder: Decoder::default(),
            reader: Reader::default(),
            writer: Writer::new(envelope, style),
            restore,
            seen: Seen::default(),
            metadata: false,
            finished: None,
            open: Vec::new(),
            progress: Vec::new(),
        }
    }

    /// Takes bytes of the event stream, cut anywhere, and appends what they say to `out`.
    ///
    /// Once the finish is written, what may still come is passed over.
    ///
    /// # Errors
    ///
    /// A refusal inside the stream, or a stream that breaks its protocol. What was said before stays in `out`.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        while self.finished.is_none() {
            let broken = |error| Fault::UpstreamMisbehaved(Misbehaviour::Frame(format!("{error}")));
            let Some(frame) = self.decoder.next(&mut bytes).map_err(broken)? else { break };
            let event = self.reader.event(&frame)?;
            self.seen.started = true;
            watch(&event, &mut self.seen, &mut self.open, &mut self.progress);
            self.metadata |= matches!(event, Event::Metadata { .. });
            self.writer.event(out, restored(event, &self.restore));
            while let Some(event) = self.reader.unended() {
                watch(&event, &mut self.seen, &mut self.open, &mut self.progress);
                self.writer.event(out, event);
            }
            if self.metadata && self.reader.stopped() {
                self.finished = Some(self.writer.finish(out)?);
            }
        }
        Ok(())
    }

    /// The stream ended, as HTTP says it should. Returns the finish reason.
    ///
    /// # Errors
    ///
    /// When the answer was not whole.
    pub fn end(&mut self, out: &mut BytesMut) -> Result<&'static str, Fault> {
        if let Some(reason) = self.finished {
            return Ok(reason);
        }
        if self.decoder.is_mid_frame() {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::CutFrame));
        }
        self.reader.finish()?;
        let reason = self.writer.finish(out)?;
        self.finished = Some(reason);
        Ok(reason)
    }

    /// Tells the client, inside the stream, that the answer failed.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.writer.fail(out, fault);
    }

    /// What has been seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// The finish reason, once it is written.
    #[must_use]
    pub fn finished(&self) -> Option<&'static str> {
        self.finished
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.writer.usage()
    }

    /// What happened to blocks of reasoning since this was last asked.
    pub fn progress(&mut self) -> impl Iterator<Item = ReasoningProgress> + '_ {
        self.progress.drain(..)
    }
}

/// Notes what the event means for times and for the log; allocates only when a block begins or ends.
fn watch(event: &Event<'_>, seen: &mut Seen, open: &mut Vec<(u32, u64)>, progress: &mut Vec<ReasoningProgress>) {
    match event {
        Event::Delta { index, delta: Delta::Reasoning(text) } => grow(*index, text.as_escaped().len(), open, progress),
        Event::Delta { index, delta: Delta::SealPiece(length) } => grow(*index, *length, open, progress),
        Event::Delta { delta: Delta::Text(_) | Delta::ToolUse { .. }, .. } => seen.answer = true,
        Event::BlockStop { index, seal } => {
            if let Some(at) = open.iter().position(|(block, _)| block == index) {
                let (block, bytes) = open.swap_remove(at);
                if matches!(seal, Some(Seal::Signature(_))) {
                    progress.push(ReasoningProgress { block, state: ReasoningState::Signature, bytes });
                }
                progress.push(ReasoningProgress { block, state: ReasoningState::Closed, bytes });
            }
        }
        _ => {}
    }
    seen.reasoning |= !open.is_empty();
}

fn grow(block: u32, length: usize, open: &mut Vec<(u32, u64)>, progress: &mut Vec<ReasoningProgress>) {
    match open.iter_mut().find(|(index, _)| *index == block) {
        Some((_, bytes)) => *bytes += length as u64,
        None => {
            open.push((block, length as u64));
            progress.push(ReasoningProgress { block, state: ReasoningState::Opened, bytes: length as u64 });
        }
    }
}

fn restored<'a>(event: Event<'a>, restore: &Restore) -> Event<'a> {
    match event {
        Event::Delta { index, delta: Delta::ToolUse { id, name } } => {
            let name = restore(&name.plain()).map_or(name, Text::from_plain);
            Event::Delta { index, delta: Delta::ToolUse { id, name } }
        }
        other => other,
    }
}

/// A whole answer: the client's body, the finish reason, the token counts, and whether there was reasoning.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The client's body.
    pub body: String,
    /// The finish reason in it.
    pub finish_reason: &'static str,
    /// The token counts.
    pub usage: Usage,
    /// Whether the model reasoned, readably or not.
    pub reasoned: bool,
}

/// Translates a whole answer.
///
/// # Errors
///
/// A body that is no answer, or a stop reason that says that the output is malformed.
pub fn whole(body: &[u8], envelope: &Envelope<'_>, style: Style, restore: &Restore) -> Result<Whole, Fault> {
    use crate::model::request::Block;
    let response = converse::read(body)?;
    let name = |sent: &str| restore(sent).unwrap_or_else(|| sent.to_owned());
    let (body, finish_reason) = chat::write(&response, envelope, style, &name)?;
    let reasoned = response.content.iter().any(|block| matches!(block, Block::Reasoning { .. } | Block::Redacted(_)));
    Ok(Whole { body, finish_reason, usage: response.usage, reasoned })
}
