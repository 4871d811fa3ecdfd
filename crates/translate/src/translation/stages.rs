//! What the events of some answers go through before they are told: thoughts in the text, stop sequences.

use super::stops::Stops;
use super::tags::{Piece, Tags};
use crate::dialect::openai_chat::Style;
use crate::model::delta::{Delta, Event};
use crate::model::response::StopReason;
use crate::model::text::Text;

/// The stages of one answer, in their order.
#[derive(Debug)]
pub(super) struct Stages {
    tags: Option<Tags>,
    stops: Option<Stops>,
    /// The latest block of text.
    text: u32,
}

impl Stages {
    /// Those that an answer in this style needs, if it needs any.
    pub(super) fn of(style: &Style) -> Option<Self> {
        let (tags, stops) = (style.inline_tag.as_deref().map(Tags::new), Stops::new(&style.stops));
        (tags.is_some() || stops.is_some()).then_some(Self { tags, stops, text: 0 })
    }

    /// What an event says.
    pub(super) fn take<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        let events = self.untagged(event);
        self.until_stop(events)
    }

    /// What was held back, because it may have been something else.
    pub(super) fn rest(&mut self) -> Vec<Event<'static>> {
        let open = self.tags.as_ref().and_then(Tags::block);
        let events = open.map_or_else(Vec::new, |block| self.end_of_tags(block));
        let mut events = self.until_stop(events);
        events.extend(self.held());
        events
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
                        told.push(Event::Stop(StopReason::StopSequence));
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

fn said(index: u32, piece: Piece) -> Event<'static> {
    let delta = match piece {
        Piece::Answer(text) => Delta::Text(Text::from_escaped(text)),
        Piece::Thought(text) => Delta::Reasoning(Text::from_escaped(text)),
    };
    Event::Delta { index, delta }
}
