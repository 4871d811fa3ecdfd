//! Stages that the events of some answers pass before they are written: thoughts in the text, calls in the text, stop
//! sequences, and a block for each kind of content.
//!
//! ```text
//!   events of the upstream
//!      |
//!   [tags]      <thinking>..</thinking> in the text becomes reasoning    holds a beginning of a tag
//!      |
//!   [spoken]    calls in text or reasoning become tool calls             holds a call until it is whole
//!      |
//!   [stops]     the text is cut at a stop sequence                       holds a beginning of a stop sequence
//!      |
//!   [parts]     each stretch of one kind becomes a block of its own      holds nothing
//!      |
//!   writer, recorder, milestones
//! ```
//!
//! The order is that of dependence: a call's tokens may stand inside a thought, and a stop sequence counts only in what is
//! left as text. A stage gives back what it holds when the block or the answer ends.

use super::answering::Answering;
use super::halves::Halves;
use super::parts::Parts;
use super::spoken::{Heard, Spoken, Voice};
use super::stops::Stops;
use super::tags::{Piece, Tags};
use crate::model::delta::{BlockIndex, Delta, Event};
use crate::model::offer::Offer;
use crate::model::request_id::RequestId;
use crate::model::response::StopReason;
use crate::model::text::Text;

/// The reader of calls in the text, with what it needs to say them.
#[derive(Debug)]
struct Speech {
    spoken: Spoken,
    halves: Halves,
    /// The latest block of text or of reasoning.
    block: BlockIndex,
    /// The prefix of the ids of calls, and the number of calls so far.
    id: String,
    calls: u32,
}

/// The stages of one answer, in their order.
#[derive(Debug)]
pub(super) struct Stages {
    tags: Option<Tags>,
    spoken: Option<Speech>,
    stops: Option<Stops>,
    /// The latest block of text.
    text: BlockIndex,
    parts: Parts,
}

impl Stages {
    /// Those that such an answer needs, if it needs any.
    pub(super) fn of(answering: &Answering, id: RequestId) -> Option<Self> {
        let (tags, stops) = (answering.inline_tag.as_deref().map(Tags::new), Stops::new(&answering.stops));
        let spoken = answering.offer.as_ref().map(|offer| Speech::new(offer, id));
        let needed = tags.is_some() || spoken.is_some() || stops.is_some();
        needed.then(|| Self { tags, spoken, stops, text: BlockIndex::from(0), parts: Parts::default() })
    }

    /// Passes an event through the stages.
    pub(super) fn take<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        let mut events = self.untagged(event);
        if let Some(speech) = &mut self.spoken {
            events = events.into_iter().flat_map(|event| speech.take(event)).collect();
        }
        let events = self.until_stop(events);
        self.parts.numbered(events)
    }

    /// Ends the stages: gives the text that was held back because it might have become a tag, a call or a stop
    /// sequence.
    pub(super) fn rest(&mut self) -> Vec<Event<'static>> {
        let open = self.tags.as_ref().and_then(Tags::block);
        let events = open.map_or_else(Vec::new, |block| self.end_of_tags(block));
        let mut events: Vec<Event<'static>> = match &mut self.spoken {
            Some(speech) => {
                let mut all: Vec<_> = events.into_iter().flat_map(|event| speech.take(event)).collect();
                all.extend(speech.end());
                all
            }
            None => events,
        };
        events = self.until_stop(events);
        events.extend(self.held());
        self.parts.numbered(events)
    }

    /// Whether something looked like a call and could not be read.
    pub(super) fn is_unread(&self) -> bool {
        self.spoken.as_ref().is_some_and(|speech| speech.spoken.is_unread())
    }

    /// Whether a stop sequence was found.
    pub(super) fn is_cut(&self) -> bool {
        self.stops.as_ref().is_some_and(Stops::is_cut)
    }

    /// The event of a model that writes thoughts into its text.
    fn untagged<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        let Some(open) = self.tags.as_ref().map(Tags::block) else { return vec![event] };
        let block = match &event {
            Event::Delta { index, .. } | Event::BlockStop { index, .. } => Some(*index),
            Event::Start | Event::Stop(_) | Event::Metadata { .. } | Event::Unknown => None,
        };
        // What is held belongs to the block before this event: it must be said before it.
        let ended = matches!(event, Event::BlockStop { .. } | Event::Stop(_)) || block.is_some() && block != open;
        let mut events = open.filter(|_| ended).map_or_else(Vec::new, |block| self.end_of_tags(block));
        match (&event, &mut self.tags) {
            (Event::Delta { index, delta: Delta::Text(text) }, Some(tags)) => {
                events.extend(tags.take(*index, text).into_iter().map(|piece| said(*index, piece)));
            }
            _ => events.push(event),
        }
        events
    }

    fn end_of_tags(&mut self, block: BlockIndex) -> Vec<Event<'static>> {
        let rest = self.tags.as_mut().and_then(|tags| tags.end(block));
        rest.map(|piece| said(block, piece)).into_iter().collect()
    }

    /// The events up to a stop sequence in the text.
    fn until_stop<'a>(&mut self, events: Vec<Event<'a>>) -> Vec<Event<'a>> {
        if self.stops.is_none() {
            return events;
        }
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            let Some(stops) = self.stops.as_mut().filter(|stops| !stops.is_cut()) else { break };
            match &event {
                Event::Delta { index, delta: Delta::Text(text) } => {
                    self.text = *index;
                    let certain = stops.take(text);
                    told.extend(certain.map(|text| Event::Delta { index: self.text, delta: Delta::Text(text) }));
                    if stops.is_cut() {
                        // The upstream's own stop never comes: its stream is not read any further.
                        told.push(Event::Stop(StopReason::StopSequence(stops.found())));
                    }
                    continue;
                }
                // An empty piece of something else says nothing.
                Event::Delta { delta: Delta::Reasoning(text), .. } if text.is_empty() => {}
                Event::Delta { delta: Delta::Reasoning(_) | Delta::SealPiece(_) | Delta::ToolUse { .. }, .. }
                | Event::Stop(_) => told.extend(self.held()),
                Event::Start
                | Event::Delta { .. }
                | Event::BlockStop { .. }
                | Event::Metadata { .. }
                | Event::Unknown => {}
            }
            told.push(event);
        }
        told
    }

    /// The text that was held back, which is no stop sequence.
    fn held(&mut self) -> Option<Event<'static>> {
        let rest = self.stops.as_mut()?.rest()?;
        Some(Event::Delta { index: self.text, delta: Delta::Text(rest) })
    }
}

impl Speech {
    fn new(offer: &Offer, id: RequestId) -> Self {
        let spoken = Spoken::new(offer.clone());
        Self { spoken, halves: Halves::default(), block: BlockIndex::from(0), id: call_id(id), calls: 0 }
    }

    fn take<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        let (index, voice, text) = match &event {
            Event::Delta { index, delta: Delta::Text(text) } => (*index, Voice::Answer, text),
            Event::Delta { index, delta: Delta::Reasoning(text) } => (*index, Voice::Thought, text),
            Event::Delta { delta: Delta::SealPiece(_) | Delta::ToolUse { .. }, .. }
            | Event::BlockStop { .. }
            | Event::Stop(_) => {
                let mut events = self.end();
                events.push(event);
                return events;
            }
            Event::Start | Event::Delta { .. } | Event::Metadata { .. } | Event::Unknown => return vec![event],
        };
        let plain = self.halves.plain(text);
        if plain.is_empty() {
            return Vec::new();
        }
        // What was held was given with the end of the block before.
        self.block = index;
        let heard = self.spoken.take(voice, &plain);
        heard.into_iter().flat_map(|heard| self.event(heard)).collect()
    }

    fn end<'a>(&mut self) -> Vec<Event<'a>> {
        let heard = self.spoken.end();
        heard.into_iter().flat_map(|heard| self.event(heard)).collect()
    }

    fn event<'a>(&mut self, heard: Heard) -> Vec<Event<'a>> {
        match heard {
            Heard::Said(voice, text) => {
                let text = Text::from_plain(text);
                let delta = if voice == Voice::Answer { Delta::Text(text) } else { Delta::Reasoning(text) };
                vec![Event::Delta { index: self.block, delta }]
            }
            Heard::Called { name, arguments } => {
                // Behind all blocks of the model's own.
                let index = BlockIndex::from(FIRST_CALL + self.calls);
                let id = Text::from_plain(format!("{}{}", self.id, self.calls));
                self.calls += 1;
                let call = Delta::ToolUse { id, name: Text::from_plain(name) };
                let arguments = Delta::ToolInput(Text::from_plain(arguments));
                vec![
                    Event::Delta { index, delta: call },
                    Event::Delta { index, delta: arguments },
                    Event::BlockStop { index, seal: None, goes_on: false },
                ]
            }
        }
    }
}

/// The blocks of calls that were read out of the text.
const FIRST_CALL: u32 = 1 << 30;

/// The prefix of the ids of an answer's calls, made of the answer's own id: no two answers have the same.
pub(super) fn call_id(id: RequestId) -> String {
    format!("call_{id}_")
}

fn said(index: BlockIndex, piece: Piece) -> Event<'static> {
    let delta = match piece {
        Piece::Answer(text) => Delta::Text(Text::from_escaped(text)),
        Piece::Thought(text) => Delta::Reasoning(Text::from_escaped(text)),
    };
    Event::Delta { index, delta }
}

#[cfg(test)]
mod tests;
