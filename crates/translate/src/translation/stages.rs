//! What the events of some answers go through before they are told: thoughts in the text, calls in the text, stop sequences.

use super::answering::Answering;
use super::halves::Halves;
use super::spoken::{Heard, Spoken, Voice};
use super::stops::Stops;
use super::tags::{Piece, Tags};
use crate::model::delta::{Delta, Event};
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
    block: u32,
    /// What the ids of calls begin with, and how many there were.
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
    text: u32,
}

impl Stages {
    /// Those that such an answer needs, if it needs any.
    pub(super) fn of(answering: &Answering, id: RequestId) -> Option<Self> {
        let (tags, stops) = (answering.inline_tag.as_deref().map(Tags::new), Stops::new(&answering.stops));
        let spoken = answering.offer.as_ref().map(|offer| Speech::new(offer, id));
        (tags.is_some() || spoken.is_some() || stops.is_some()).then_some(Self { tags, spoken, stops, text: 0 })
    }

    /// What an event says.
    pub(super) fn take<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        let mut events = self.untagged(event);
        if let Some(speech) = &mut self.spoken {
            events = events.into_iter().flat_map(|event| speech.take(event)).collect();
        }
        self.until_stop(events)
    }

    /// What was held back, because it may have been something else.
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
        events
    }

    /// Whether something was seen that looked like a call and could not be read.
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
            _ => None,
        };
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

    fn end_of_tags(&mut self, block: u32) -> Vec<Event<'static>> {
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
                        told.push(Event::Stop(StopReason::StopSequence(stops.found())));
                    }
                    continue;
                }
                // An empty piece of something else says nothing.
                Event::Delta { delta: Delta::Reasoning(text), .. } if text.is_empty() => {}
                Event::Delta { delta: Delta::Reasoning(_) | Delta::SealPiece(_) | Delta::ToolUse { .. }, .. }
                | Event::Stop(_) => told.extend(self.held()),
                _ => {}
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
        Self { spoken, halves: Halves::default(), block: 0, id: call_id(id), calls: 0 }
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
            _ => return vec![event],
        };
        let plain = self.halves.plain(text);
        if plain.is_empty() {
            return Vec::new();
        }
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
                let index = FIRST_CALL + self.calls;
                let id = Text::from_plain(format!("{}{}", self.id, self.calls));
                self.calls += 1;
                let call = Delta::ToolUse { id, name: Text::from_plain(name) };
                let arguments = Delta::ToolInput(Text::from_plain(arguments));
                vec![
                    Event::Delta { index, delta: call },
                    Event::Delta { index, delta: arguments },
                    Event::BlockStop { index, seal: None },
                ]
            }
        }
    }
}

/// The blocks of calls that were read out of the text.
const FIRST_CALL: u32 = 1 << 30;

/// What the ids of calls begin with, made of the answer's own id: no two answers have the same.
pub(super) fn call_id(id: RequestId) -> String {
    format!("call_{id}_")
}

fn said(index: u32, piece: Piece) -> Event<'static> {
    let delta = match piece {
        Piece::Answer(text) => Delta::Text(Text::from_escaped(text)),
        Piece::Thought(text) => Delta::Reasoning(Text::from_escaped(text)),
    };
    Event::Delta { index, delta }
}
