//! A streamed answer, said as the events that the accumulators of OpenAI's SDKs and Codex put together.
//!
//! ```text
//!   start: response.created, response.in_progress
//!      |
//!   a block of another kind ends the item before and begins its own:
//!      text        message           blocks of text that follow each other are one message
//!      reasoning   reasoning         its end brings the seal; a word that may stand for a thought is held back
//!      tool use    function_call...  told as the client's tool is; some only when their arguments are whole
//!      |
//!   finish: response.completed or response.incomplete, with all items        fail: response.failed, with the final ones
//! ```
//!
//! Source: OpenAI's API reference, "Streaming events". An item is done only when it is final, because Codex runs calls and
//! keeps history from then on; a call that the end of the answer cut off is never done.

mod events;
mod open_item;
mod refusal;

use super::Style;
use super::annotation::{self, Spans};
use super::custom_input::CustomInput;
use super::items::{self, Called, ItemStatus, ThoughtForm};
use super::output::Output;
use super::request::CalledKind;
use super::response::{Bill, State, before_output, behind_output, identity};
use super::seal_keys::SealedThought;
use super::{error, finish};
use crate::dialect::Envelope;
use crate::dialect::placeholder::Held;
use crate::fault::Fault;
use crate::model::delta::{BlockIndex, Delta, Event, Seal};
use crate::model::raw::Raw;
use crate::model::reasoning::Placeholder;
use crate::model::request::Citation;
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::text::Text;
use crate::model::{arguments, call_id};
use crate::wire::sse;
use bytes::BytesMut;
use events::Events;
use open_item::{ItemKind, OpenItem};

/// The writer of one streamed answer.
#[derive(Debug)]
pub struct Writer {
    style: Style,
    exchange: RequestId,
    /// The members of the response object that tell it from others.
    identity: String,
    started: bool,
    events: Events,
    open: Option<OpenItem>,
    output: Output,
    /// The text of the open thought, where it is not shown.
    unseen: Unseen,
    call: Call,
    annotations: Vec<String>,
    spans: Spans,
    called: bool,
    held: Held,
    stop: Option<StopReason<'static>>,
    usage: Option<Usage>,
    service_tier: Option<Text<'static>>,
    trace: Option<Raw<'static>>,
    /// The response object of an answer that has ended, where it may be remembered.
    object: Option<Unseen>,
}

/// A text that is sealed and not shown, escaped.
#[derive(Default)]
struct Unseen(String);

impl std::fmt::Debug for Unseen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unseen({} bytes)", self.0.len())
    }
}

/// The open call, beside what of it stands in the output.
#[derive(Debug, Default)]
struct Call {
    called: Option<Called>,
    /// The text of a custom tool.
    input: CustomInput,
    /// The arguments of a call that is told when they are whole.
    arguments: Unseen,
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        Self {
            style,
            exchange: envelope.id,
            identity: identity(envelope),
            started: false,
            events: Events::default(),
            open: None,
            output: Output::default(),
            unseen: Unseen::default(),
            call: Call::default(),
            annotations: Vec::new(),
            spans: Spans::default(),
            called: false,
            held: Held::default(),
            stop: None,
            usage: None,
            service_tier: None,
            trace: None,
            object: None,
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
            Delta::Text(text) if !text.is_empty() => self.text(out, index, text),
            Delta::Reasoning(text) if !text.is_empty() && !self.style.hidden => self.reasoning(out, index, text),
            Delta::ToolUse { id, name } => self.call(out, index, id, name),
            Delta::ToolInput(piece) => self.input(out, index, piece),
            Delta::Citation(citation) => self.citation(out, index, citation),
            Delta::Text(_) | Delta::Reasoning(_) | Delta::SealPiece(_) | Delta::Unknown => {}
        }
    }

    /// Ends a whole answer: `response.completed` or `response.incomplete`. Returns what the answer ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let stop = self.stop.take().unwrap_or(StopReason::EndTurn);
        let finish = Finish::of(stop, self.called)?;
        self.output.check()?;
        self.start(out);
        self.release(out);
        self.close(out, finish::of_last_item(&finish));
        if finish.stop == StopReason::Refused {
            refusal::tell(&mut self.events, &mut self.output, self.exchange, out);
        }
        let name = match finish::of_response(&finish) {
            ItemStatus::Completed => "response.completed",
            ItemStatus::Incomplete => "response.incomplete",
        };
        self.terminal(out, name, &State::Ended { finish: &finish });
        Ok(finish)
    }

    /// Ends an answer that failed: `response.failed`, with the items that are final.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        self.start(out);
        if self.open.take().is_some_and(|open| open.kind != ItemKind::Object) {
            self.output.abandon();
        }
        self.terminal(out, "response.failed", &State::Failed { error: &error::failure(fault) });
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a seal, so that it never
    /// comes back.
    pub fn interrupt(&mut self, out: &mut BytesMut) {
        self.held.release();
        if let Some(open) = self.open.take() {
            self.end_reasoning(out, &open, None);
        }
        (self.usage, self.service_tier, self.stop) = (None, None, None);
    }

    /// Goes on with the answer of another model, in its form.
    pub fn resume(&mut self, style: Style) {
        self.style = style;
    }

    /// Tells the client that the answer goes on: a comment, because SDKs refuse events that they do not know.
    pub fn keep_alive(&mut self, out: &mut BytesMut) {
        self.keep_alive_before(out);
    }

    /// The same while nothing of this answer was told, and it is not begun by that.
    pub fn keep_alive_before(&self, out: &mut BytesMut) {
        sse::comment(out);
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The response object of an answer that has ended, once, where the client lets it be remembered.
    pub fn take_response(&mut self) -> Option<String> {
        self.object.take().map(|object| object.0)
    }

    fn start(&mut self, out: &mut BytesMut) {
        if self.started {
            return;
        }
        self.started = true;
        let mut response = before_output(&self.identity, &State::InProgress, &self.style.echo);
        behind_output(&mut response, &Bill { usage: None, tier: None }, None);
        self.events.tell(out, "response.created", &["\"response\":", &response]);
        self.events.tell(out, "response.in_progress", &["\"response\":", &response]);
    }

    /// The last event, with the response as it is now.
    fn terminal(&mut self, out: &mut BytesMut, name: &'static str, state: &State<'_>) {
        let before = before_output(&self.identity, state, &self.style.echo);
        let mut behind = String::new();
        let bill = Bill { usage: self.usage.as_ref(), tier: self.service_tier.as_ref() };
        behind_output(&mut behind, &bill, self.trace.as_ref());
        self.events.tell(out, name, &["\"response\":", &before, self.output.items(), &behind]);
        if self.style.stored && matches!(state, State::Ended { .. }) {
            self.object = Some(Unseen([&before, self.output.items(), &behind].concat()));
        }
    }

    /// Ends the item before; gives what the next one is.
    fn begin(&mut self, out: &mut BytesMut, block: BlockIndex, kind: ItemKind, prefix: &str) -> OpenItem {
        self.start(out);
        self.release(out);
        self.close(out, ItemStatus::Completed);
        let index = self.output.next();
        OpenItem::new(block, kind, items::id(prefix, self.exchange, index), index)
    }

    /// Text that follows on text is the same message's.
    #[inline]
    fn text(&mut self, out: &mut BytesMut, block: BlockIndex, text: &Text<'_>) {
        match &self.open {
            Some(open) if open.block == block && open.kind == ItemKind::Message => {
                open.put(&mut self.events, &mut self.output, out, text.as_escaped());
            }
            _ => {
                self.message(out, block);
                self.put(out, text.as_escaped());
            }
        }
    }

    /// Makes a message the open item, and this block the latest in it.
    fn message(&mut self, out: &mut BytesMut, block: BlockIndex) {
        self.release(out);
        if let Some(open) = self.open.as_mut().filter(|open| open.kind == ItemKind::Message) {
            if open.block != block {
                open.block = block;
                self.spans.begin(self.output.text().len());
            }
            return;
        }
        let open = self.begin(out, block, ItemKind::Message, items::MESSAGE);
        let id = &open.id;
        let item =
            format!(r#"{{"type":"message","id":"{id}","role":"assistant","content":[],"status":"in_progress"}}"#);
        open.added(&mut self.events, out, &item);
        self.output.begin(&items::message_head(id));
        (self.open, self.spans) = (Some(open), Spans::default());
    }

    /// Says a text in the open item.
    fn put(&mut self, out: &mut BytesMut, text: &str) {
        if let Some(open) = &self.open {
            open.put(&mut self.events, &mut self.output, out, text);
        }
    }

    fn citation(&mut self, out: &mut BytesMut, block: BlockIndex, citation: &Citation<'_>) {
        if citation.url.is_none() {
            return;
        }
        self.message(out, block);
        let span = self.spans.latest(self.output.text());
        if let (Some(annotation), Some(open)) = (annotation::object(citation, span), &self.open) {
            open.annotated(&mut self.events, out, self.annotations.len(), &annotation);
            self.annotations.push(annotation);
        }
    }

    fn reasoning(&mut self, out: &mut BytesMut, block: BlockIndex, text: &Text<'_>) {
        if self.held.takes(self.style.placeholder.as_deref(), block, text) {
            return;
        }
        self.release(out);
        self.thought(out, block, text);
    }

    /// Says what was held back, because it might have been the word that stands for a thought.
    fn release(&mut self, out: &mut BytesMut) {
        let Some((block, held)) = self.held.release() else { return };
        let whole = self.style.placeholder.as_deref() == Some(held.as_str());
        if !whole || self.style.on_placeholder != Placeholder::Dropped {
            self.thought(out, block, &Text::from_escaped(held));
        }
    }

    #[inline]
    fn thought(&mut self, out: &mut BytesMut, block: BlockIndex, text: &Text<'_>) {
        if !self.is_open_thought(block) {
            let Some(form) = self.style.form_of(text) else { return };
            self.begin_thought(out, block, form);
        }
        match &self.open {
            Some(OpenItem { kind: ItemKind::Thought(ThoughtForm::Unseen), .. }) => {
                self.unseen.0.push_str(text.as_escaped());
            }
            _ => self.put(out, text.as_escaped()),
        }
    }

    #[inline]
    fn is_open_thought(&self, block: BlockIndex) -> bool {
        self.open.as_ref().is_some_and(|open| open.block == block && matches!(open.kind, ItemKind::Thought(_)))
    }

    fn begin_thought(&mut self, out: &mut BytesMut, block: BlockIndex, form: ThoughtForm) {
        let open = self.begin(out, block, ItemKind::Thought(form), items::REASONING);
        let item = format!(r#"{{"type":"reasoning","id":"{}","summary":[],"encrypted_content":null}}"#, open.id);
        open.added(&mut self.events, out, &item);
        self.output.begin(&items::reasoning_head(&open.id, form));
        self.open = Some(open);
    }

    fn block_stop(&mut self, out: &mut BytesMut, block: BlockIndex, seal: Option<Seal<'_>>) {
        self.release(out);
        match seal.filter(|_| !self.style.hidden) {
            Some(Seal::Signature(signature)) => self.seal(out, block, Seal::Signature(signature)),
            Some(Seal::Redacted(data)) => {
                // What is readable in the same block is a thought of its own.
                self.close(out, ItemStatus::Completed);
                self.seal(out, block, Seal::Redacted(data));
            }
            None => {}
        }
        if self.open.as_ref().is_some_and(|open| open.block == block && self.is_over(open)) {
            self.close(out, ItemStatus::Completed);
        }
    }

    /// Whether an item is final when its block ends: a message may go on, and a call that the end of the answer cut off
    /// must not be run.
    fn is_over(&self, open: &OpenItem) -> bool {
        match open.kind {
            ItemKind::Message => false,
            ItemKind::Thought(_) => true,
            ItemKind::Function => arguments::is_json(&Text::from_escaped(self.output.text()).plain()),
            ItemKind::Custom => self.call.input.is_whole(),
            ItemKind::Object => arguments::is_json(&self.call.arguments.0),
        }
    }

    /// Seals the thought of this block, whose text may be none, and ends it.
    fn seal(&mut self, out: &mut BytesMut, block: BlockIndex, seal: Seal<'_>) {
        if !self.is_open_thought(block) {
            let Some(form) = self.style.form_of(&Text::default()) else { return };
            self.begin_thought(out, block, form);
        }
        let Some(open) = self.open.take() else { return };
        self.end_thought(out, &open, Some(seal));
    }

    /// Ends the open item, if there is one.
    fn close(&mut self, out: &mut BytesMut, status: ItemStatus) {
        let Some(open) = self.open.take() else { return };
        match open.kind {
            ItemKind::Message => {
                let annotations = std::mem::take(&mut self.annotations).join(",");
                open.text_done(&mut self.events, out, self.output.text(), &annotations);
                self.end(out, &open, &items::message_tail(&annotations, status));
            }
            ItemKind::Thought(_) => self.end_thought(out, &open, None),
            ItemKind::Function | ItemKind::Custom => self.end_call(out, &open, status),
            ItemKind::Object => self.end_object(out, open, status),
        }
    }

    /// Ends an item with its tail, and tells that it is final.
    fn end(&mut self, out: &mut BytesMut, open: &OpenItem, tail: &str) {
        self.output.end(tail);
        open.done(&mut self.events, out, self.output.item());
    }

    fn end_thought(&mut self, out: &mut BytesMut, open: &OpenItem, seal: Option<Seal<'_>>) {
        let text = match open.kind {
            ItemKind::Thought(ThoughtForm::Unseen) => self.unseen.0.as_str(),
            ItemKind::Thought(_) | ItemKind::Message | ItemKind::Function | ItemKind::Custom | ItemKind::Object => {
                self.output.text()
            }
        };
        let (signature, redacted) = match seal {
            Some(Seal::Signature(signature)) => (Some(signature), None),
            Some(Seal::Redacted(data)) => (None, Some(data)),
            None => (None, None),
        };
        let thought = SealedThought { signature, redacted, ..self.style.thought(Text::from_escaped(text)) };
        let sealed = self.style.sealed(&thought, self.exchange, open.index);
        self.end_reasoning(out, open, sealed.as_deref());
    }

    /// Ends a thought with what its client sends back.
    fn end_reasoning(&mut self, out: &mut BytesMut, open: &OpenItem, sealed: Option<&str>) {
        let ItemKind::Thought(form) = open.kind else { return };
        self.unseen.0.clear();
        open.text_done(&mut self.events, out, self.output.text(), "");
        self.end(out, open, &items::reasoning_tail(form, sealed));
    }

    /// Begins a call. Out of line: a delta of text would pay for its registers.
    #[inline(never)]
    fn call(&mut self, out: &mut BytesMut, block: BlockIndex, id: &Text<'_>, name: &Text<'_>) {
        self.called = true;
        let form = self.style.form(&name.plain());
        let kind = match form.kind {
            CalledKind::Function => ItemKind::Function,
            CalledKind::Custom => ItemKind::Custom,
            CalledKind::ToolSearch | CalledKind::ApplyPatch | CalledKind::LocalShell | CalledKind::Shell => {
                ItemKind::Object
            }
        };
        let open = self.begin(out, block, kind, items::prefix_of(form.kind));
        let called = Called { form, id: call_id::known(id).as_escaped().to_owned() };
        if kind != ItemKind::Object {
            self.begin_call(out, &open, &called);
        }
        self.call = Call { called: Some(called), ..Call::default() };
        self.open = Some(open);
    }

    fn begin_call(&mut self, out: &mut BytesMut, open: &OpenItem, called: &Called) {
        let head = called.head(&open.id);
        open.added(&mut self.events, out, &format!(r#"{head}","status":"in_progress"}}"#));
        self.output.begin(&head);
    }

    fn input(&mut self, out: &mut BytesMut, block: BlockIndex, piece: &Text<'_>) {
        // A call that is ended already gets no more: its client has put it together.
        let Some(open) = self.open.as_ref().filter(|open| open.block == block && open.kind.is_call()) else { return };
        match open.kind {
            ItemKind::Custom => {
                let text = self.call.input.take(piece);
                open.put(&mut self.events, &mut self.output, out, text);
            }
            ItemKind::Object => self.call.arguments.0.push_str(&piece.plain()),
            ItemKind::Function | ItemKind::Message | ItemKind::Thought(_) => {
                open.put(&mut self.events, &mut self.output, out, piece.as_escaped());
            }
        }
    }

    /// Ends a call whose text grew: one that was cut off is not final, and only the response has it.
    fn end_call(&mut self, out: &mut BytesMut, open: &OpenItem, status: ItemStatus) {
        if status == ItemStatus::Incomplete {
            self.output.end(&Called::tail(status));
            return;
        }
        let rest = match open.kind {
            ItemKind::Custom => self.call.input.end(),
            ItemKind::Function | ItemKind::Message | ItemKind::Thought(_) | ItemKind::Object => {
                self.output.text().is_empty().then(|| Text::from_escaped("{}"))
            }
        };
        let rest = rest.as_ref().map(Text::as_escaped).unwrap_or_default();
        open.put(&mut self.events, &mut self.output, out, rest);
        open.text_done(&mut self.events, out, self.output.text(), "");
        self.end(out, open, &Called::tail(status));
    }

    /// Ends a call that is told when it is whole: as a function's where its client could not read it otherwise.
    fn end_object(&mut self, out: &mut BytesMut, open: OpenItem, status: ItemStatus) {
        let Some(called) = self.call.called.take().filter(|_| status == ItemStatus::Completed) else { return };
        let mut arguments = std::mem::take(&mut self.call.arguments.0);
        if arguments.is_empty() {
            arguments.push_str("{}");
        }
        let item = |status: &str| called.object(&open.id, &arguments, status);
        if let (Some(begun), Some(whole)) = (item("in_progress"), item(status.word())) {
            open.added(&mut self.events, out, &begun);
            self.output.begin(&whole);
            open.done(&mut self.events, out, &whole);
            return;
        }
        let open = OpenItem::new(open.block, ItemKind::Function, open.id, open.index);
        self.begin_call(out, &open, &called);
        open.put(&mut self.events, &mut self.output, out, Text::from_plain(arguments).as_escaped());
        self.end_call(out, &open, status);
    }
}

/// Tells a fault as all there is in a stream whose head was sent: of a response of this exchange, where one is known.
pub(in crate::dialect) fn fail(exchange: Option<RequestId>, fault: &Fault, out: &mut BytesMut) {
    let envelope = Envelope { id: exchange.unwrap_or_default(), created: 0, model: Text::default() };
    Writer::new(&envelope, Style::default()).fail(out, fault);
}

#[cfg(test)]
mod tests;
