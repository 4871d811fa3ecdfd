//! The writer of a streamed answer in Chat Completions chunks.
//!
//! ```text
//!   not started --any event--> started: {"delta":{"role":"assistant"}}
//!                                 |
//!       text        {"content":..}               closes an open <think> first
//!       reasoning   {"reasoning":..,...}         held while it may be a placeholder (thought.rs)
//!       tool use    {"tool_calls":[{"index":n    n counts the calls, not the blocks
//!       block stop  "{}" for a call without arguments; the seal, in `reasoning_details`
//!       stop, metadata: kept, because usage comes behind the stop
//!                                 |
//!   finish: {"finish_reason":..}, usage if wanted, [DONE]      fail: {"error":..}, [DONE]
//! ```
//!
//! Source: OpenAI's API reference, `chat.completion.chunk`; the reasoning fields are those that its clients read:
//! `reasoning` and `reasoning_content`, equal, and `reasoning_details` with what must come back in the next turn.

pub(super) mod thought;

use super::{Style, error, id, usage};
use crate::dialect::Envelope;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::delta::{Delta, Event, Seal};
use crate::model::raw::Raw;
use crate::model::request::Citation;
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::text::Text;
use crate::wire::sse;
use bytes::BytesMut;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use thought::Thoughts;

/// The writer of one streamed answer.
#[derive(Debug)]
pub struct Writer {
    style: Style,
    /// `{"id":...,"choices":[{"index":0,"delta":{`
    open: String,
    /// `},"logprobs":null,"finish_reason":null}]...}`
    close: String,
    /// `{"id":...,"model":...` and no more, for chunks that are not one delta.
    head: String,
    /// The two halves of a chunk around a piece of the content.
    content: [String; 2],
    /// The two halves of a chunk around a piece of a call's arguments, with the index of that call.
    arguments: (usize, [String; 2]),
    thoughts: Thoughts,
    started: bool,
    /// The blocks that are tool calls, in the order in which they began: the position is the dense index.
    calls: Vec<Call>,
    /// The latest call of each block.
    latest: BTreeMap<u32, usize>,
    /// The calls without arguments so far, by their blocks.
    empty: BTreeSet<(u32, usize)>,
    stop: Option<StopReason<'static>>,
    usage: Option<Usage>,
    service_tier: Option<Text<'static>>,
    trace: Option<Raw<'static>>,
}

#[derive(Debug)]
struct Call {
    block: u32,
    empty: bool,
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        let (id, created, model) = (id(envelope.id), envelope.created, envelope.model.as_escaped());
        let head = format!(r#"{{"id":"{id}","object":"chat.completion.chunk","created":{created},"model":"{model}""#);
        let usage = if style.include_usage { r#","usage":null"# } else { "" };
        let open = format!(r#"{head},"choices":[{{"index":0,"delta":{{"#);
        let close = format!(r#"}},"logprobs":null,"finish_reason":null}}]{usage}}}"#);
        Self {
            content: around(&open, [r#""content":""#, "\""], &close),
            arguments: (usize::MAX, Default::default()),
            open,
            close,
            head,
            thoughts: Thoughts::new(envelope, style.clone()),
            style,
            started: false,
            calls: Vec::new(),
            latest: BTreeMap::new(),
            empty: BTreeSet::new(),
            stop: None,
            usage: None,
            service_tier: None,
            trace: None,
        }
    }

    /// Says one event. The finish is held back until [`Writer::finish`], because usage comes after it.
    pub fn event(&mut self, out: &mut BytesMut, event: Event<'_>) {
        match event {
            Event::Start => self.start(out),
            // Chunks know no blocks: what is derived of their index is derived of the upstream's.
            Event::Delta { index, delta } => self.delta(out, index.upstream, &delta),
            Event::BlockStop { goes_on: true, .. } => {}
            Event::BlockStop { index, seal, goes_on: false } => self.block_stop(out, index.upstream, seal),
            Event::Stop(stop) => self.stop = Some(stop.into_owned()),
            Event::Metadata { usage, service_tier, trace } => {
                self.usage = usage.or(self.usage);
                self.trace = trace.filter(|_| self.style.trace).map(|raw| Raw::from_json(raw.as_json().to_owned()));
                self.service_tier = service_tier.map(Text::into_owned).or_else(|| self.service_tier.take());
            }
            Event::Unknown => {}
        }
    }

    /// Ends a whole answer: the finish, the usage, `[DONE]`. Returns what the answer ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let stop = self.stop.take().unwrap_or(StopReason::EndTurn);
        let finish = Finish::of(stop, !self.calls.is_empty())?;
        let reason = self.style.finish_reason(&finish);
        self.start(out);
        if let Some(block) = self.thoughts.unfinished() {
            self.block_stop(out, block, None);
        }
        let mut rest = String::new();
        if let Some(tier) = &self.service_tier {
            let _ = write!(rest, r#","service_tier":"{}""#, tier.as_escaped());
        }
        let null = if self.style.include_usage { r#","usage":null"# } else { "" };
        let mut trace = String::new();
        if let Some(told) = &self.trace {
            super::response::trace_of(told, &mut trace);
        }
        let end = format!(r#"}},"logprobs":null,"finish_reason":"{reason}"}}]{rest}{trace}{null}}}"#);
        sse::data(out, &[&self.open, &end]);
        if let (true, Some(usage)) = (self.style.include_usage, &self.usage) {
            let mut text = String::from(r#","choices":[]"#);
            text.push_str(&rest);
            text.push_str(r#","usage":"#);
            usage::write(&mut text, usage, self.style.cost(usage));
            sse::data(out, &[&self.head, &text, "}"]);
        }
        sse::data(out, &["[DONE]"]);
        Ok(finish)
    }

    /// Ends an answer that failed: the error, then `[DONE]`, and no finish reason.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        self.release(out);
        sse::data(out, &[&error::render(fault).body]);
        sse::data(out, &["[DONE]"]);
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a seal.
    pub fn interrupt(&mut self, out: &mut BytesMut) {
        self.thoughts.release();
        self.close_tag(out);
        (self.usage, self.service_tier, self.stop) = (None, None, None);
    }

    /// Goes on with the answer of another model, in its form.
    pub fn resume(&mut self, style: Style) {
        self.thoughts.resume(style.clone());
        self.style = style;
    }

    /// Tells the client that the answer goes on.
    pub fn keep_alive(&mut self, kind: sse::KeepAlive, out: &mut BytesMut) {
        match kind {
            sse::KeepAlive::Comment => sse::comment(out),
            sse::KeepAlive::Chunk if !self.started => self.start(out),
            sse::KeepAlive::Chunk => self.chunk(out, &[]),
        }
    }

    /// The same while nothing of this answer was told, and it is not begun by that.
    pub fn keep_alive_before(&self, kind: sse::KeepAlive, out: &mut BytesMut) {
        match kind {
            sse::KeepAlive::Comment => sse::comment(out),
            sse::KeepAlive::Chunk => self.chunk(out, &[]),
        }
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !self.started {
            self.started = true;
            self.chunk(out, &[r#""role":"assistant""#]);
        }
    }

    fn chunk(&self, out: &mut BytesMut, delta: &[&str]) {
        chunk(out, &self.open, delta, &self.close);
    }

    /// Says more of a block.
    pub fn delta(&mut self, out: &mut BytesMut, index: u32, delta: &Delta<'_>) {
        self.start(out);
        match delta {
            Delta::Text(text) if !text.is_empty() => {
                self.close_tag(out);
                put(out, &self.content, text.as_escaped());
            }
            Delta::Reasoning(text) if !text.is_empty() => self.reasoning(out, index, text),
            Delta::ToolUse { id, name } => self.call(out, index, id, name),
            Delta::ToolInput(piece) if !piece.is_empty() => self.arguments(out, index, piece.as_escaped()),
            Delta::Citation(citation) => self.citation(out, citation),
            Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolInput(_) | Delta::SealPiece(_) | Delta::Unknown => {}
        }
    }

    fn reasoning(&mut self, out: &mut BytesMut, index: u32, text: &Text<'_>) {
        if self.thoughts.holds(index, text) {
            return;
        }
        if let Some((block, held, _)) = self.thoughts.release() {
            self.thought(out, block, &held);
        }
        self.thought(out, index, text.as_escaped());
    }

    fn thought(&mut self, out: &mut BytesMut, index: u32, text: &str) {
        let (around, opens) = self.thoughts.around(index, &self.open, &self.close);
        if let Some(tag) = opens {
            chunk(out, &self.open, &[r#""content":""#, tag, "\""], &self.close);
        }
        put(out, around, text);
    }

    fn block_stop(&mut self, out: &mut BytesMut, index: u32, seal: Option<Seal<'_>>) {
        let empty = self.empty.range((index, 0)..=(index, usize::MAX)).next();
        if let Some((_, call)) = empty.copied() {
            self.arguments_of(out, call, "{}");
        }
        self.release(out);
        self.close_tag(out);
        if let Some(seal) = seal {
            self.rest_of_block(out, self.thoughts.seal(index, &seal));
        }
    }

    /// Says what was held back.
    fn release(&mut self, out: &mut BytesMut) {
        match self.thoughts.release() {
            Some((block, word, true)) => self.rest_of_block(out, self.thoughts.placeholder(block, &word)),
            Some((block, held, false)) => self.thought(out, block, &held),
            None => {}
        }
    }

    fn close_tag(&mut self, out: &mut BytesMut) {
        if let Some(tag) = self.thoughts.closes() {
            self.chunk(out, &[r#""content":""#, tag, "\""]);
        }
    }

    fn rest_of_block(&mut self, out: &mut BytesMut, delta: Option<String>) {
        if let Some(delta) = delta {
            self.start(out);
            self.chunk(out, &[&delta]);
        }
    }

    /// Begins a call. Out of line: a delta of text would pay for its registers.
    #[inline(never)]
    fn call(&mut self, out: &mut BytesMut, block: u32, id: &Text<'_>, name: &Text<'_>) {
        self.latest.insert(block, self.calls.len());
        self.empty.insert((block, self.calls.len()));
        self.calls.push(Call { block, empty: true });
        let (id, name) = (call_id::shown(id), name.as_escaped());
        let id = id.as_escaped();
        let delta = if self.style.legacy_functions {
            // The deprecated form has room for one call.
            if self.calls.len() > 1 {
                return;
            }
            format!(r#""function_call":{{"name":"{name}","arguments":""}}"#)
        } else {
            let index = self.calls.len() - 1;
            let function = format!(r#"{{"name":"{name}","arguments":""}}"#);
            format!(r#""tool_calls":[{{"index":{index},"id":"{id}","type":"function","function":{function}}}]"#)
        };
        self.chunk(out, &[&delta]);
    }

    fn arguments(&mut self, out: &mut BytesMut, block: u32, piece: &str) {
        if let Some(call) = self.latest.get(&block).copied() {
            self.arguments_of(out, call, piece);
        }
    }

    fn arguments_of(&mut self, out: &mut BytesMut, call: usize, piece: &str) {
        if let Some(begun) = self.calls.get_mut(call).filter(|begun| begun.empty) {
            begun.empty = false;
            self.empty.remove(&(begun.block, call));
        }
        if self.style.legacy_functions && call > 0 {
            return;
        }
        if self.arguments.0 != call {
            self.arguments = (call, self.around_arguments(call));
        }
        put(out, &self.arguments.1, piece);
    }

    fn around_arguments(&self, call: usize) -> [String; 2] {
        let (before, after) = if self.style.legacy_functions {
            (r#""function_call":{"arguments":""#.to_owned(), r#""}"#)
        } else {
            (format!(r#""tool_calls":[{{"index":{call},"function":{{"arguments":""#), r#""}}]"#)
        };
        around(&self.open, [&before, after], &self.close)
    }

    #[inline(never)]
    fn citation(&self, out: &mut BytesMut, citation: &Citation<'_>) {
        if let Some(annotation) = super::response::annotation(citation, None) {
            self.chunk(out, &[r#""annotations":["#, &annotation, "]"]);
        }
    }
}

fn chunk(out: &mut BytesMut, open: &str, delta: &[&str], close: &str) {
    out.extend_from_slice(sse::DATA.as_bytes());
    out.extend_from_slice(open.as_bytes());
    for piece in delta {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(close.as_bytes());
    out.extend_from_slice(sse::END.as_bytes());
}

/// The two halves of a chunk around a text.
fn around(open: &str, [before, after]: [&str; 2], close: &str) -> [String; 2] {
    [format!("{}{open}{before}", sse::DATA), format!("{after}{close}{}", sse::END)]
}

/// Writes a text between each two of these pieces.
fn put(out: &mut BytesMut, pieces: &[String], text: &str) {
    let [first, rest @ ..] = pieces else { return };
    out.extend_from_slice(first.as_bytes());
    for after in rest {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(after.as_bytes());
    }
}
