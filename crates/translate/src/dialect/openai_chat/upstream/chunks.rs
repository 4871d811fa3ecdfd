//! The chunks of an answer, as events in nobody's dialect.
//!
//! A backend counts no blocks: a block ends where another kind of content begins, or another call, or another item of
//! `reasoning_details`. A whole answer is read as one chunk.

use super::keepsake::{Keepsake, SHOWN_IN};
use super::parts::{AnnotationPart, AnswerPart, CallPart, ChoicePart, ContentPart, FunctionPart, SaidPart};
use super::{not_json, protocol};
use crate::dialect::openai_chat::relay::Failure;
use crate::dialect::openai_chat::usage;
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{BlockIndex, Delta, Event, Seal};
use crate::model::request::Citation;
use crate::model::response::{StopReason, Usage};
use crate::model::text::Text;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The reader of one answer's chunks.
#[derive(Debug)]
pub struct ChunkReader {
    /// The beginning of the ids of calls that came without one.
    id: String,
    open: Option<Open>,
    /// The blocks so far, the open one included.
    blocks: u32,
    calls: u32,
    started: bool,
    stopped: bool,
    over: bool,
    refused: bool,
    usage: Option<Usage>,
    service_tier: Option<Text<'static>>,
}

/// The block that grows.
#[derive(Debug)]
enum Open {
    Text,
    Thought(Thought),
    Call(OpenCall),
}

/// A thought under way.
#[derive(Debug, Default)]
struct Thought {
    /// The `index` of its item.
    index: Option<u64>,
    kept: Keepsake,
    /// Its signature came: what follows is another thought.
    sealed: bool,
}

/// A call under way.
#[derive(Debug)]
struct OpenCall {
    index: u64,
    id: String,
    /// Some of its arguments came.
    argued: bool,
}

impl ChunkReader {
    /// Begins an answer; calls without an id get one that begins so.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self {
            id,
            open: None,
            blocks: 0,
            calls: 0,
            started: false,
            stopped: false,
            over: false,
            refused: false,
            usage: None,
            service_tier: None,
        }
    }

    /// Whether the model has stopped.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// The events that the data of one event of the stream, or a whole answer, comes to.
    ///
    /// # Errors
    ///
    /// An error of the backend's, and what is no chunk.
    pub fn events<'d>(&mut self, data: &'d str) -> Result<Vec<Event<'d>>, Fault> {
        let mut events = Vec::new();
        if data == "[DONE]" {
            self.end(&mut events)?;
            return Ok(events);
        }
        let part: AnswerPart<'d> = match serde_json::from_str(data) {
            Ok(part) => part,
            Err(error) => {
                return Err(Failure::told_by(data.as_bytes()).map_or_else(|| not_json(&error), |told| told.fault));
            }
        };
        if data.contains("\"error\"")
            && let Some(failure) = Failure::told_by(data.as_bytes())
        {
            return Err(failure.fault);
        }
        self.usage = part.usage.and_then(usage::read).or(self.usage);
        if let Some(tier) = part.service_tier.and_then(Text::from_raw) {
            self.service_tier = Some(tier.into_owned());
        }
        for choice in part.choices.into_iter().flatten().filter(|choice| choice.index.unwrap_or(0) == 0) {
            self.choice(choice, &mut events)?;
        }
        Ok(events)
    }

    /// The end of the stream, or of a whole answer: what ends the answer, unless that was told.
    ///
    /// # Errors
    ///
    /// No answer came, or only a part of one.
    pub fn end(&mut self, events: &mut Vec<Event<'_>>) -> Result<(), Fault> {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        if !self.started {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly));
        }
        if !self.stopped {
            self.stop("stop", events);
        }
        let service_tier = self.service_tier.take();
        events.push(Event::Metadata { usage: self.usage, service_tier, trace: None });
        Ok(())
    }

    fn choice<'d>(&mut self, choice: ChoicePart<'d>, events: &mut Vec<Event<'d>>) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::Start);
        }
        // Behind its end an answer says nothing.
        if self.stopped {
            return Ok(());
        }
        if let Some(said) = choice.delta.or(choice.message) {
            self.said(said, events)?;
        }
        if let Some(word) = choice.finish_reason.filter(|word| !word.is_empty()) {
            self.stop(&word, events);
        }
        Ok(())
    }

    fn said<'d>(&mut self, said: SaidPart<'d>, events: &mut Vec<Event<'d>>) -> Result<(), Fault> {
        let details = said.reasoning_details.map(DetailItem::list).unwrap_or_default();
        let shown = [said.reasoning_content, said.reasoning].map(|shown| shown.and_then(filled));
        let shown = SHOWN_IN.into_iter().zip(shown).find_map(|shown| Some(Shown { name: shown.0, text: shown.1? }));
        if let Some(shown) = shown.filter(|_| details.iter().all(|item| item.texts.is_empty())) {
            self.thought_in(shown, events);
        }
        for item in details {
            self.detail(item, events);
        }
        if let Some(content) = said.content {
            self.content(content, events);
        }
        if let Some(refusal) = said.refusal.and_then(filled) {
            self.refused = true;
            self.text(refusal, events);
        }
        if let Some(annotations) = said.annotations {
            self.annotations(annotations, events);
        }
        for (position, call) in (0..).zip(said.tool_calls.into_iter().flatten()) {
            self.call(call, position, events)?;
        }
        if let Some(function) = said.function_call {
            self.call(CallPart { index: Some(0), id: None, function: Some(function) }, 0, events)?;
        }
        Ok(())
    }

    /// Text, or a list of parts.
    fn content<'d>(&mut self, content: &'d RawValue, events: &mut Vec<Event<'d>>) {
        if let Some(text) = filled(content) {
            return self.text(text, events);
        }
        for part in serde_json::from_str::<Vec<ContentPart<'d>>>(content.get()).unwrap_or_default() {
            if let Some(thinking) = part.thinking {
                let pieces = serde_json::from_str::<Vec<ContentPart<'d>>>(thinking.get()).unwrap_or_default();
                for text in filled(thinking).into_iter().chain(pieces.iter().filter_map(|piece| filled(piece.text?))) {
                    self.think(None, events);
                    events.push(self.delta(Delta::Reasoning(text)));
                }
            }
            if let Some(text) = part.text.and_then(filled) {
                self.text(text, events);
            }
        }
    }

    fn text<'d>(&mut self, text: Text<'d>, events: &mut Vec<Event<'d>>) {
        if !matches!(self.open, Some(Open::Text)) {
            self.open(Open::Text, events);
        }
        events.push(self.delta(Delta::Text(text)));
    }

    fn annotations<'d>(&mut self, annotations: &'d RawValue, events: &mut Vec<Event<'d>>) {
        let Ok(sources) = serde_json::from_str::<Vec<AnnotationPart<'d>>>(annotations.get()) else { return };
        for AnnotationPart { url_citation } in sources {
            if !matches!(self.open, Some(Open::Text)) {
                self.open(Open::Text, events);
            }
            let url = url_citation.url.and_then(Text::from_raw);
            let title = url_citation.title.and_then(Text::from_raw);
            events.push(self.delta(Delta::Citation(Citation { url, title, ..Citation::default() })));
        }
    }

    /// A thought in a member of the message.
    fn thought_in<'d>(&mut self, shown: Shown<'d>, events: &mut Vec<Event<'d>>) {
        let sealed = matches!(&self.open, Some(Open::Thought(thought)) if thought.sealed);
        if sealed {
            self.close(events);
        }
        self.think(None, events);
        if let Some(Open::Thought(thought)) = &mut self.open {
            thought.kept.shown_in.get_or_insert_with(|| shown.name.to_owned());
        }
        events.push(self.delta(Delta::Reasoning(shown.text)));
    }

    /// An item of `reasoning_details`: its text, and all else that goes back with it.
    fn detail<'d>(&mut self, item: DetailItem<'d>, events: &mut Vec<Event<'d>>) {
        let DetailItem { index, texts, rest } = item;
        if rest.contains_key("data") {
            self.close(events);
            let data = Keepsake { item: rest, ..Keepsake::default() }.seal();
            let at = self.next_block();
            events.push(Event::Delta { index: at, delta: Delta::SealPiece(data.as_escaped().len()) });
            events.push(Event::BlockStop { index: at, seal: Some(Seal::Redacted(data)), goes_on: false });
            return;
        }
        for shown in texts {
            self.think(index, events);
            if let Some(Open::Thought(thought)) = &mut self.open {
                thought.kept.text = Some(shown.name.to_owned());
            }
            events.push(self.delta(Delta::Reasoning(shown.text)));
        }
        let signature = rest.get("signature").and_then(Value::as_str).map_or(0, str::len);
        // What says nothing by itself belongs to a thought that does.
        if signature > 0 || matches!(&self.open, Some(Open::Thought(_))) {
            self.think(index, events);
        }
        if let Some(Open::Thought(thought)) = &mut self.open {
            thought.kept.item.extend(rest);
            thought.sealed |= signature > 0;
        }
        if signature > 0 {
            events.push(self.delta(Delta::SealPiece(signature)));
        }
    }

    /// Makes a thought the open block: the one at hand, unless it is another item's.
    fn think(&mut self, index: Option<u64>, events: &mut Vec<Event<'_>>) {
        match &mut self.open {
            Some(Open::Thought(thought)) if index.is_none() || thought.index.is_none_or(|own| Some(own) == index) => {
                thought.index = thought.index.or(index);
            }
            _ => self.open(Open::Thought(Thought { index, ..Thought::default() }), events),
        }
    }

    fn call<'d>(&mut self, part: CallPart<'d>, position: u64, events: &mut Vec<Event<'d>>) -> Result<(), Fault> {
        let index = part.index.unwrap_or(position);
        let FunctionPart { name, arguments } = part.function.unwrap_or(FunctionPart { name: None, arguments: None });
        let id = part.id.and_then(filled);
        let name = name.and_then(filled);
        let goes_on = matches!(&self.open, Some(Open::Call(open)) if open.index == index
            && (name.is_none() || id.as_ref().is_none_or(|id| id.as_escaped() == open.id)));
        if !goes_on {
            let Some(name) = name else { return Err(protocol("a part of a call belongs to none that is under way")) };
            let id = id.unwrap_or_else(|| Text::from_escaped(format!("{}{}", self.id, self.calls)));
            self.calls += 1;
            let open = OpenCall { index, id: id.as_escaped().to_owned(), argued: false };
            self.open(Open::Call(open), events);
            events.push(self.delta(Delta::ToolUse { id, name }));
        }
        if let Some(arguments) = arguments.and_then(argument) {
            if let Some(Open::Call(open)) = &mut self.open {
                open.argued = true;
            }
            events.push(self.delta(Delta::ToolInput(arguments)));
        }
        Ok(())
    }

    /// Begins a block behind the one at hand.
    fn open(&mut self, open: Open, events: &mut Vec<Event<'_>>) {
        self.close(events);
        self.next_block();
        self.open = Some(open);
    }

    fn next_block(&mut self) -> BlockIndex {
        self.blocks += 1;
        self.index()
    }

    fn index(&self) -> BlockIndex {
        BlockIndex::from(self.blocks.saturating_sub(1))
    }

    fn delta<'d>(&self, delta: Delta<'d>) -> Event<'d> {
        Event::Delta { index: self.index(), delta }
    }

    fn close(&mut self, events: &mut Vec<Event<'_>>) {
        let Some(open) = self.open.take() else { return };
        let seal = match open {
            Open::Text => None,
            Open::Thought(thought) if thought.kept == Keepsake::default() => None,
            Open::Thought(thought) => Some(Seal::Signature(thought.kept.seal())),
            Open::Call(call) => {
                // Every client parses the arguments, if there are none too.
                if !call.argued {
                    events.push(self.delta(Delta::ToolInput(Text::from_plain("{}"))));
                }
                None
            }
        };
        events.push(Event::BlockStop { index: self.index(), seal, goes_on: false });
    }

    fn stop(&mut self, word: &str, events: &mut Vec<Event<'_>>) {
        self.close(events);
        self.stopped = true;
        events.push(Event::Stop(match word {
            "stop" | "tool_calls" | "function_call" if self.calls > 0 => StopReason::ToolUse,
            "stop" if self.refused => StopReason::ContentFiltered,
            "stop" | "tool_calls" | "function_call" => StopReason::EndTurn,
            "length" => StopReason::MaxTokens,
            "content_filter" => StopReason::ContentFiltered,
            other => StopReason::Other(Cow::Owned(other.to_owned())),
        }));
    }
}

/// A thought's text, and the member that shows it.
struct Shown<'d> {
    name: &'static str,
    text: Text<'d>,
}

/// An item of `reasoning_details`.
struct DetailItem<'d> {
    index: Option<u64>,
    /// What it shows, by the member that shows it.
    texts: Vec<Shown<'d>>,
    /// The other members.
    rest: Map<String, Value>,
}

impl<'d> DetailItem<'d> {
    fn list(details: &'d RawValue) -> Vec<Self> {
        let items = serde_json::from_str::<Vec<&'d RawValue>>(details.get()).unwrap_or_default();
        items.into_iter().filter_map(Self::read).collect()
    }

    fn read(raw: &'d RawValue) -> Option<Self> {
        let text: DetailText<'d> = serde_json::from_str(raw.get()).ok()?;
        let mut rest: Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
        rest.retain(|name, value| !(name == "text" || name == "summary" || value.is_null()));
        let index = rest.get("index").and_then(Value::as_u64);
        let shown = ["text", "summary"].into_iter().zip([text.text, text.summary]);
        let texts = shown.filter_map(|shown| Some(Shown { name: shown.0, text: filled(shown.1?)? })).collect();
        Some(Self { index, texts, rest })
    }
}

/// The readable members of an item.
#[derive(serde::Deserialize)]
struct DetailText<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
}

/// A string with something in it.
fn filled(raw: &RawValue) -> Option<Text<'_>> {
    Text::from_raw(raw).filter(|text| !text.is_empty())
}

/// A piece of arguments: a string, or an object where a backend writes one.
fn argument(raw: &RawValue) -> Option<Text<'_>> {
    if raw.get().starts_with('{') { Some(Text::from_plain(raw.get())) } else { filled(raw) }
}
