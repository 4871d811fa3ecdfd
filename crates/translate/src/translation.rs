//! One request on its way out and its answer on its way back: the only place that names both sides.

mod answering;
mod conversation;
mod encoder;
mod fanout;
mod halves;
mod parts;
mod passthrough;
mod play;
mod reframed;
mod request;
mod road;
pub mod spoken;
mod stages;
pub mod stops;
pub mod tags;
mod unwrapping;
mod upstream;

pub use answering::Answering;
pub use conversation::Before;
pub use encoder::{EncoderCall, EncoderPart, EncoderRequest};
pub use passthrough::{
    AnswerWords, StreamPassthrough, WholePassed, counted_by_headers, look_at_whole, without_reasoning,
};
pub use reframed::{StreamReframing, whole_reframed};
pub use request::{CalledTurn, Exposure, Incoming, Outgoing, Parameters, Terms, passed_conversation};
pub use road::{AnswerApi, Road, UpstreamApi};

use crate::bedrock::EventSink;
pub use crate::wire::sse::KeepAlive;

use crate::dialect::{self, Envelope, Style};
use crate::fault::Fault;
use crate::model::delta::{Delta, Event};
use crate::model::issuer::Issuer;
pub use crate::model::milestones::Milestones;
use crate::model::raw::Raw;
use crate::model::request::Block;
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, Usage};
use crate::model::text::Text;
use crate::model::turn::{Recorder, Turn};
use crate::model::wrapped::unwrap;
use crate::warning::Warning;
use bytes::BytesMut;
use fanout::Fanout;
pub use fanout::Interrupted;
use std::collections::BTreeSet;
use stops::Stops;
use tags::{Piece, Tags};
use upstream::UpstreamReader;

/// Gives a tool's name or a call's id back as the client knows it; `None` when it is the same.
pub type Restore = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The progress of one block of reasoning, without its text: for the log at debug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasoningProgress {
    /// The block's index, as Bedrock counts.
    pub block: u32,
    /// The latest change of the block.
    pub state: ReasoningState,
    /// The bytes of reasoning that the block has brought so far.
    pub bytes: u64,
}

/// The changes of a block of reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningState {
    /// Its first delta came.
    Opened,
    /// Its signature came.
    Signature,
    /// It ended.
    Closed,
}

/// A streamed answer, from Bedrock's bytes to the client's.
pub struct StreamTranslation {
    api: AnswerApi,
    reader: UpstreamReader,
    id: RequestId,
    sink: AnswerSink,
}

/// The receiver of the events of an answer.
struct AnswerSink {
    fanout: Fanout,
    restore: Restore,
    metadata: bool,
    finished: Option<Finish>,
}

impl StreamTranslation {
    /// Begins an answer.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, answering: Answering, restore: Restore) -> Self {
        let (api, usage_input) = (answering.api, answering.usage_input);
        let fanout = Fanout::new(envelope, answering);
        let sink = AnswerSink { fanout, restore, metadata: false, finished: None };
        Self { api, reader: UpstreamReader::new(api, usage_input, envelope.id), id: envelope.id, sink }
    }

    /// The same, remembering the turn if it calls tools and is at most `room` bytes long.
    #[must_use]
    pub fn recording(mut self, room: usize) -> Self {
        self.sink.fanout.recorder = Some(Recorder::new(room));
        self
    }

    /// The same, going on where another answer was broken off: its client is told one answer.
    #[must_use]
    pub fn resuming(mut self, interrupted: Interrupted, style: Style) -> Self {
        self.sink.fanout.resume(interrupted, style);
        self
    }

    /// Breaks the answer off while only reasoning was told, so that another one can go on behind it. The thought under way
    /// is closed in `out`, without a seal.
    #[must_use]
    pub fn interrupt(self, out: &mut BytesMut) -> Interrupted {
        self.sink.fanout.interrupt(out)
    }

    /// Takes bytes of the event stream, cut anywhere, and appends what they say to `out`.
    ///
    /// Once the finish is written, what may still come is passed over.
    ///
    /// # Errors
    ///
    /// A refusal inside the stream, or a stream that breaks its protocol. What was said before stays in `out`.
    pub fn take(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        self.reader.take(bytes, &mut self.sink, out)
    }

    /// Takes a whole answer, in place of a stream, and appends what it says to `out`.
    ///
    /// # Errors
    ///
    /// A body that is no answer, or a stop reason that says that the output is malformed.
    pub fn play(&mut self, body: &[u8], out: &mut BytesMut) -> Result<Finish, Fault> {
        let response = upstream::read(self.api, body, self.id)?;
        play::events(&response).for_each(|event| self.sink.event(event, out));
        self.sink.finish(out)
    }

    /// Whether the gateway itself ended the answer, at a stop sequence: the upstream call can be cancelled.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.sink.fanout.is_cut()
    }

    /// The turn to remember, once the finish is written; given once.
    pub fn turn(&mut self) -> Option<Turn> {
        self.sink.finished.as_ref()?;
        self.sink.fanout.recorder.take()?.finish()
    }

    /// The stream ended, as HTTP says it should. Returns what it ended with.
    ///
    /// # Errors
    ///
    /// When the answer was not whole.
    pub fn end(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        if let Some(finish) = &self.sink.finished {
            return Ok(finish.clone());
        }
        self.reader.end(&mut self.sink, out)?;
        match &self.sink.finished {
            Some(finish) => Ok(finish.clone()),
            None => self.sink.finish(out),
        }
    }

    /// Tells the client, inside the stream, that the answer failed.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.sink.fanout.fail(out, fault);
    }

    /// Tells the client that the answer goes on although nothing is said.
    pub fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        self.sink.fanout.keep_alive(kind, out);
    }

    /// The same before the client was told any of it: another answer may still take its place.
    pub fn keep_alive_before(&self, kind: KeepAlive, out: &mut BytesMut) {
        self.sink.fanout.keep_alive_before(kind, out);
    }

    /// The milestones of the answer so far.
    #[must_use]
    pub fn milestones(&self) -> Milestones {
        self.sink.fanout.watched.milestones
    }

    /// The finish of the answer, once it is written.
    #[must_use]
    pub fn finished(&self) -> Option<&Finish> {
        self.sink.finished.as_ref()
    }

    /// The warnings about the answer: calls in the text that could not be read.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.sink.fanout.warnings()
    }

    /// The response object of an answer that has ended, once, where its client may go on from it.
    pub fn take_response(&mut self) -> Option<String> {
        self.sink.fanout.writer.take_response()
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.sink.fanout.usage()
    }

    /// The changes of blocks of reasoning since the last call of this function.
    pub fn progress(&mut self) -> impl Iterator<Item = ReasoningProgress> + '_ {
        self.sink.fanout.watched.progress.drain(..)
    }
}

impl AnswerSink {
    fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let finish = self.fanout.finish(out)?;
        self.finished = Some(finish.clone());
        Ok(finish)
    }
}

impl EventSink for AnswerSink {
    type Out = BytesMut;

    #[inline]
    fn is_over(&self) -> bool {
        self.finished.is_some()
    }

    #[inline]
    fn delta(&mut self, index: u32, delta: &Delta<'_>, out: &mut BytesMut) -> bool {
        self.fanout.delta(index, delta, out);
        !self.fanout.is_cut()
    }

    fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        self.metadata |= matches!(event, Event::Metadata { .. });
        self.fanout.event(restored(event, &self.restore), out);
    }

    fn settle(&mut self, stopped: bool, out: &mut BytesMut) -> Result<bool, Fault> {
        // At a stop sequence the answer ends, whatever the model goes on to say.
        let over = self.fanout.is_cut() || self.metadata && stopped;
        if over { self.finish(out).map(|_| true) } else { Ok(false) }
    }
}

fn restored<'a>(event: Event<'a>, restore: &Restore) -> Event<'a> {
    let Event::Delta { index, delta: Delta::ToolUse { id, name } } = event else { return event };
    let id = restore(&id.plain()).map_or(id, Text::from_plain);
    let name = restore(&name.plain()).map_or(name, Text::from_plain);
    Event::Delta { index, delta: Delta::ToolUse { id, name } }
}

/// A whole answer: the client's body, and what is to be known of it.
pub struct Whole {
    /// The client's body.
    pub body: String,
    /// The finish of the answer.
    pub finish: Finish,
    /// The token counts.
    pub usage: Usage,
    /// Whether the model reasoned, readably or not.
    pub reasoned: bool,
    /// The turn to remember, when that was wanted and it called tools.
    pub turn: Option<Turn>,
    /// The warnings about the answer: calls in the text that could not be read.
    pub warnings: Vec<Warning>,
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whole").field("bytes", &self.body.len()).field("usage", &self.usage).finish_non_exhaustive()
    }
}

/// Translates a whole answer; a turn that calls tools is given too when `record` says so.
///
/// # Errors
///
/// A body that is no answer, or a stop reason that says that the output is malformed.
pub fn whole(
    body: &[u8],
    envelope: &Envelope<'_>,
    answering: &Answering,
    restore: &Restore,
    record: bool,
) -> Result<Whole, Fault> {
    let mut response = upstream::read(answering.api, body, envelope.id)?;
    let mut places = match &answering.inline_tag {
        Some(tag) => split_tags(tag, &mut response.content),
        None => (0..).take(response.content.len()).collect(),
    };
    for block in &mut response.content {
        if let Block::ToolUse { id, .. } = block
            && let Some(given) = restore(&id.plain())
        {
            *id = Text::from_plain(given);
        }
    }
    let mut warnings = Vec::new();
    if let Some(offer) = &answering.offer {
        let (left, unread) = spoken::read_out(offer, &stages::call_id(envelope.id), &mut response.content, places);
        places = left;
        warnings.extend(unread.then(spoken::unread));
    }
    if let Some(mut stops) = Stops::new(&answering.stops) {
        places = stops::cut(&mut stops, &mut response, places);
    }
    let name = |sent: &str| restore(sent).unwrap_or_else(|| sent.to_owned());
    // What is remembered is what comes back: arguments in their object.
    let turn = record.then(|| Turn::of(&response.content, &name)).filter(|turn| turn.calls().next().is_some());
    unwrap_calls(&answering.wrapped, &name, &mut response.content);
    let (body, finish) = dialect::write(&response, &places, envelope, &answering.style, &name)?;
    let reasoned = response.content.iter().any(Block::is_reasoning);
    Ok(Whole { body, finish, usage: response.usage, reasoned, turn, warnings })
}

/// Takes the arguments that stand in an object only for Bedrock out of it.
fn unwrap_calls(wrapped: &BTreeSet<String>, name: &dyn Fn(&str) -> String, content: &mut [Block<'_>]) {
    for block in content.iter_mut().filter(|_| !wrapped.is_empty()) {
        if let Block::ToolUse { name: sent, input, .. } = block
            && wrapped.contains(&name(sent))
        {
            *input = Raw::from_json(unwrap(input.as_json()).to_owned());
        }
    }
}

/// Splits the thoughts out of the text; gives the place of each block, which is that of the text that it was in.
fn split_tags(tag: &str, content: &mut Vec<Block<'_>>) -> Vec<u32> {
    let blocks = (0..).zip(std::mem::take(content));
    let split = blocks.flat_map(|(place, block)| parted(tag, block).into_iter().map(move |part| (place, part)));
    let (places, parts) = split.unzip();
    *content = parts;
    places
}

/// A block of text as the thoughts in it and the answer.
fn parted<'a>(tag: &str, block: Block<'a>) -> Vec<Block<'a>> {
    let Block::Text(text) = &block else { return vec![block] };
    let mut tags = Tags::new(tag);
    let mut pieces = tags.take(0, text);
    pieces.extend(tags.end(0));
    let (mut thought, mut answer) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Answer(text) => answer.push_str(&text),
            Piece::Thought(text) => thought.push_str(&text),
        }
    }
    let thought = Some(Text::from_escaped(thought)).filter(|text| !text.is_empty());
    let thought = thought.map(|text| Block::Reasoning { text, signature: None, issuer: Issuer::default() });
    thought.into_iter().chain([Block::Text(Text::from_escaped(answer))]).collect()
}
