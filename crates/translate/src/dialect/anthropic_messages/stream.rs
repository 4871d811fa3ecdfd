//! A streamed answer, said as the events that the accumulators of Anthropic's SDKs put together.
//!
//! Source: Anthropic's API reference, "Streaming messages". Each block has a start, its deltas and a stop, and the next
//! one begins behind that; indexes are dense, whatever Bedrock counts. A signature comes once, whole and last in its
//! block, because SDKs keep the last one alone; redacted reasoning comes whole with its block's start. Usage is told again
//! in full with the end, because some clients read it there only.

mod arguments;

use super::{Style, citation, error, finish, id, placeholder, usage};
use crate::dialect::placeholder::Held;
use crate::dialect::{Envelope, seal};
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::delta::{BlockIndex, Delta, Event, Seal};
use crate::model::raw::Raw;
use crate::model::reasoning::Placeholder;
use crate::model::request::Citation;
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::text::Text;
use crate::wire::sse;
use arguments::Arguments;
use bytes::BytesMut;
use std::fmt::Write as _;

/// The end of a `content_block_delta` event, behind its text.
const DELTA_END: &str = "\"}}\n\n";

/// The writer of one streamed answer.
#[derive(Debug)]
pub struct Writer {
    style: Style,
    exchange: RequestId,
    /// The model, as the client named it, still escaped.
    model: String,
    started: bool,
    open: Option<Open>,
    /// The beginning of a `content_block_delta` event of the open block, before its text.
    before: String,
    /// The blocks so far.
    blocks: u32,
    /// The arguments of the open call so far.
    arguments: Arguments,
    called: bool,
    held: Held,
    stop: Option<StopReason<'static>>,
    usage: Option<Usage>,
    service_tier: Option<Text<'static>>,
    trace: Option<Raw<'static>>,
}

/// The block that is being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    block: BlockIndex,
    kind: Kind,
}

/// The kinds of block that grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    ToolUse,
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        Self {
            style,
            exchange: envelope.id,
            model: envelope.model.as_escaped().to_owned(),
            started: false,
            open: None,
            before: String::new(),
            blocks: 0,
            arguments: Arguments::default(),
            called: false,
            held: Held::default(),
            stop: None,
            usage: None,
            service_tier: None,
            trace: None,
        }
    }

    /// Says one event. The end is held back until [`Writer::finish`], because usage comes after it.
    pub fn event(&mut self, out: &mut BytesMut, event: Event<'_>) {
        match event {
            Event::Start => self.start(out),
            Event::Delta { index, delta } => self.grow(out, index, &delta),
            Event::BlockStop { index, seal, goes_on: _ } => self.block_stop(out, index, seal),
            Event::Stop(stop) => self.stop = Some(stop.into_owned()),
            Event::Metadata { usage, service_tier, trace } => {
                self.usage = usage.or(self.usage);
                self.trace = trace.filter(|_| self.style.trace).map(|raw| Raw::from_json(raw.as_json().to_owned()));
                self.service_tier = service_tier.map(Text::into_owned).or_else(|| self.service_tier.take());
            }
            Event::Unknown => {}
        }
    }

    /// Says more of a block of the upstream's.
    pub fn delta(&mut self, out: &mut BytesMut, index: u32, delta: &Delta<'_>) {
        self.grow(out, BlockIndex::from(index), delta);
    }

    #[inline]
    fn grow(&mut self, out: &mut BytesMut, index: BlockIndex, delta: &Delta<'_>) {
        match delta {
            Delta::Text(text) if self.open == Some(Open { block: index, kind: Kind::Text }) => {
                self.put(out, text);
            }
            Delta::Text(text) if !text.is_empty() => {
                self.begin(out, index, Kind::Text, "{\"type\":\"text\",\"text\":\"\"}");
                self.put(out, text);
            }
            Delta::Reasoning(text) if !text.is_empty() && !self.style.hidden => self.reasoning(out, index, text),
            Delta::ToolUse { id, name } => self.call(out, index, id, name),
            Delta::ToolInput(piece) => self.input(out, index, piece),
            Delta::Citation(citation) => self.citation(out, index, citation),
            Delta::Text(_) | Delta::Reasoning(_) | Delta::SealPiece(_) | Delta::Unknown => {}
        }
    }

    /// Ends a whole answer: `message_delta`, `message_stop`. Returns what the answer ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let stop = self.stop.take().unwrap_or(StopReason::EndTurn);
        let finish = Finish::of(stop, self.called)?;
        self.start(out);
        self.release(out);
        self.close(out);
        let mut end = String::from(r#"{"type":"message_delta","delta":{"#);
        end.push_str(&finish::members(&finish, self.style.only_stop.as_ref()));
        end.push_str(r#"},"usage":"#);
        usage::write(&mut end, &self.usage.unwrap_or_default(), self.service_tier.as_ref());
        if let Some(trace) = &self.trace {
            super::response::trace_of(trace, &mut end);
        }
        end.push('}');
        sse::event(out, "message_delta", &[&end]);
        sse::event(out, "message_stop", &[r#"{"type":"message_stop"}"#]);
        Ok(finish)
    }

    /// Ends an answer that failed: an `error`, and nothing more.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        sse::event(out, "error", &[&error::render(fault, Some(self.exchange)).body]);
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a signature.
    pub fn interrupt(&mut self, out: &mut BytesMut) {
        self.held.release();
        self.close(out);
        (self.usage, self.service_tier, self.stop) = (None, None, None);
    }

    /// Goes on with the answer of another model, in its form.
    pub fn resume(&mut self, style: Style) {
        self.style = style;
    }

    /// Notes that its client was told the beginning and so many blocks more by events that it did not write.
    pub fn go_behind(&mut self, blocks: u32) {
        self.started = true;
        self.blocks += blocks;
    }

    /// The blocks so far.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Tells the client that the answer goes on: by a `ping`, which is the one sign that Anthropic's API gives.
    pub fn keep_alive(&mut self, _kind: sse::KeepAlive, out: &mut BytesMut) {
        ping(out);
    }

    /// A keep-alive before the answer begins, which does not begin it.
    pub fn keep_alive_before(&self, _kind: sse::KeepAlive, out: &mut BytesMut) {
        ping(out);
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, out: &mut BytesMut) {
        if self.started {
            return;
        }
        self.started = true;
        let (id, model) = (id(self.exchange), &self.model);
        let message = format!(
            r#"{{"id":"{id}","type":"message","role":"assistant","model":"{model}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{}}}"#,
            usage::NOTHING
        );
        sse::event(out, "message_start", &[r#"{"type":"message_start","message":"#, &message, "}"]);
        ping(out);
    }

    /// Makes this block the open one; `content` is what it begins with.
    fn begin(&mut self, out: &mut BytesMut, block: BlockIndex, kind: Kind, content: &str) {
        if self.open == Some(Open { block, kind }) && kind != Kind::ToolUse {
            return;
        }
        self.start(out);
        self.release(out);
        self.close(out);
        let index = self.blocks;
        self.blocks += 1;
        self.open = Some(Open { block, kind });
        let head = format!(r#"{{"type":"content_block_start","index":{index},"content_block":"#);
        sse::event(out, "content_block_start", &[&head, content, "}"]);
        let (delta, member) = match kind {
            Kind::Text => ("text_delta", "text"),
            Kind::Thinking => ("thinking_delta", "thinking"),
            Kind::ToolUse => ("input_json_delta", "partial_json"),
        };
        self.before.clear();
        // Writing to a string cannot fail.
        let _ = write!(
            self.before,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{delta}\",\"{member}\":\""
        );
    }

    /// Says a text in the open block.
    #[inline]
    fn put(&self, out: &mut BytesMut, text: &Text<'_>) {
        let text = text.as_escaped();
        if text.is_empty() {
            return;
        }
        out.extend_from_slice(self.before.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(DELTA_END.as_bytes());
    }

    /// Ends the open block, if there is one.
    fn close(&mut self, out: &mut BytesMut) {
        let Some(open) = self.open.take() else { return };
        if open.kind == Kind::ToolUse
            && let Some(rest) = self.arguments.end()
        {
            self.put(out, &Text::from_plain(rest));
        }
        let index = self.blocks.saturating_sub(1);
        sse::event(out, "content_block_stop", &[&format!(r#"{{"type":"content_block_stop","index":{index}}}"#)]);
    }

    fn reasoning(&mut self, out: &mut BytesMut, block: BlockIndex, text: &Text<'_>) {
        if self.held.takes(self.style.placeholder.as_deref(), block, text) {
            return;
        }
        self.release(out);
        self.thought(out, block, text);
    }

    fn thought(&mut self, out: &mut BytesMut, block: BlockIndex, text: &Text<'_>) {
        self.begin_thought(out, block);
        self.put(out, text);
    }

    fn begin_thought(&mut self, out: &mut BytesMut, block: BlockIndex) {
        self.begin(out, block, Kind::Thinking, r#"{"type":"thinking","thinking":"","signature":""}"#);
    }

    /// Says what was held back, because it might have been the word that stands for a thought.
    fn release(&mut self, out: &mut BytesMut) {
        let Some((block, held)) = self.held.release() else { return };
        let whole = self.style.placeholder.as_deref() == Some(held.as_str());
        match (whole, self.style.on_placeholder) {
            (true, Placeholder::Dropped) => {}
            (true, Placeholder::Encrypted) => self.redacted(out, &placeholder::data(&held)),
            (true, Placeholder::Summary) | (false, _) => self.thought(out, block, &Text::from_escaped(held)),
        }
    }

    /// A block of reasoning that only its provider can read.
    fn redacted(&mut self, out: &mut BytesMut, data: &str) {
        self.start(out);
        self.close(out);
        let index = self.blocks;
        self.blocks += 1;
        let head = format!(r#"{{"type":"content_block_start","index":{index},"content_block":"#);
        sse::event(out, "content_block_start", &[&head, r#"{"type":"redacted_thinking","data":""#, data, "\"}}"]);
        sse::event(out, "content_block_stop", &[&format!(r#"{{"type":"content_block_stop","index":{index}}}"#)]);
    }

    fn call(&mut self, out: &mut BytesMut, block: BlockIndex, id: &Text<'_>, name: &Text<'_>) {
        self.called = true;
        let (id, name) = (call_id::known(id), name.as_escaped());
        let content = format!(r#"{{"type":"tool_use","id":"{}","name":"{name}","input":{{}}}}"#, id.as_escaped());
        self.begin(out, block, Kind::ToolUse, &content);
    }

    fn input(&mut self, out: &mut BytesMut, block: BlockIndex, piece: &Text<'_>) {
        // A call that is closed already gets no more: its client has put it together.
        if self.open == Some(Open { block, kind: Kind::ToolUse }) {
            self.arguments.take(piece);
            self.put(out, piece);
        }
    }

    fn citation(&mut self, out: &mut BytesMut, block: BlockIndex, citation: &Citation<'_>) {
        let Some(citation) = citation::object(citation) else { return };
        self.begin(out, block, Kind::Text, "{\"type\":\"text\",\"text\":\"\"}");
        let index = self.blocks.saturating_sub(1);
        let head =
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"citations_delta","citation":"#);
        sse::event(out, "content_block_delta", &[&head, &citation, "}}"]);
    }

    fn block_stop(&mut self, out: &mut BytesMut, block: BlockIndex, seal: Option<Seal<'_>>) {
        self.release(out);
        match seal.filter(|_| !self.style.hidden) {
            Some(Seal::Signature(signature)) => self.signature(out, block, &signature),
            Some(Seal::Redacted(data)) => self.redacted(out, &seal::marked(&data, self.style.mark)),
            None => {}
        }
        if self.open.is_some_and(|open| open.block == block) {
            self.close(out);
        }
    }

    /// The signature of a thought, whose text may be none.
    fn signature(&mut self, out: &mut BytesMut, block: BlockIndex, signature: &Text<'_>) {
        self.begin_thought(out, block);
        let index = self.blocks.saturating_sub(1);
        let head = format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"signature_delta","signature":""#
        );
        sse::event(out, "content_block_delta", &[&head, &seal::marked(signature, self.style.mark), "\"}}"]);
    }
}

pub(in crate::dialect) fn ping(out: &mut BytesMut) {
    sse::event(out, "ping", &[r#"{"type":"ping"}"#]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        let envelope = Envelope { id: RequestId(1), created: 0, model: Text::from_plain("m") };
        Writer::new(&envelope, Style::default())
    }

    fn said(out: &BytesMut) -> Vec<&str> {
        str::from_utf8(out).unwrap().lines().filter_map(|line| line.strip_prefix("event: ")).collect()
    }

    #[test]
    fn a_ping_keeps_a_stream_alive_and_begins_no_answer() {
        let (mut writer, mut out) = (writer(), BytesMut::new());
        writer.keep_alive_before(sse::KeepAlive::Comment, &mut out);
        writer.keep_alive(sse::KeepAlive::Chunk, &mut out);
        assert_eq!(said(&out), ["ping", "ping"]);
        writer.event(&mut out, Event::Start);
        assert_eq!(said(&out), ["ping", "ping", "message_start", "ping"]);
    }

    #[test]
    fn blocks_that_come_between_each_other_stay_apart() {
        let (mut writer, mut out) = (writer(), BytesMut::new());
        writer.delta(&mut out, 0, &Delta::Text(Text::from_plain("a")));
        writer.delta(&mut out, 1, &Delta::ToolUse { id: Text::from_plain("t"), name: Text::from_plain("f") });
        writer.delta(&mut out, 0, &Delta::Text(Text::from_plain("b")));
        // The call is closed: its client has put it together.
        writer.delta(&mut out, 1, &Delta::ToolInput(Text::from_plain("{}")));
        writer.finish(&mut out).unwrap();
        let (start, delta, stop) = ("content_block_start", "content_block_delta", "content_block_stop");
        assert_eq!(
            said(&out)[2..],
            [start, delta, stop, start, stop, start, delta, stop, "message_delta", "message_stop"]
        );
    }
}
