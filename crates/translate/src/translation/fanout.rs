//! Fan-out of an answer's events: to the client's writer, to the milestones and the log, and to the recorder of the
//! turn.

use super::answering::Answering;
use super::spoken;
use super::stages::Stages;
use super::unwrapping::Unwrapping;
use super::{Milestones, ReasoningProgress, ReasoningState};
use crate::dialect::{Envelope, Writer};
use crate::fault::Fault;
use crate::model::delta::{Delta, Event, Seal};
use crate::model::response::Finish;
use crate::model::turn::Recorder;
use crate::warning::Warning;
use bytes::BytesMut;
use std::collections::BTreeMap;

/// Everybody who is told of an event.
pub(super) struct Fanout {
    pub(super) writer: Writer,
    pub(super) recorder: Option<Recorder>,
    pub(super) watched: Watched,
    /// The stages that the events pass before all else, where the answer needs any.
    stages: Option<Box<Stages>>,
    /// The buffer of tool arguments that are unwrapped before the client gets them.
    unwrapping: Option<Box<Unwrapping>>,
}

impl Fanout {
    pub(super) fn new(envelope: &Envelope<'_>, answering: Answering) -> Self {
        Self {
            stages: Stages::of(&answering, envelope.id).map(Box::new),
            unwrapping: Unwrapping::of(&answering.wrapped).map(Box::new),
            writer: Writer::new(envelope, answering.style),
            recorder: None,
            watched: Watched::default(),
        }
    }

    /// Tells a delta of text, of reasoning or of a call's arguments.
    #[inline]
    pub(super) fn delta(&mut self, index: u32, delta: &Delta<'_>, out: &mut BytesMut) {
        if self.stages.is_some() {
            return self.event(Event::Delta { index: index.into(), delta: delta.clone() }, out);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.delta(index.into(), delta);
        }
        self.watched.delta(index, delta);
        if !self.unwrapping.as_mut().is_some_and(|calls| calls.holds(index.into(), delta)) {
            self.writer.delta(out, index, delta);
        }
    }

    /// Tells an event.
    pub(super) fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        self.watched.milestones.started = true;
        match &mut self.stages {
            Some(stages) => stages.take(event).into_iter().for_each(|event| self.write(event, out)),
            None => self.write(event, out),
        }
    }

    /// The warnings about the answer: calls in the text that could not be read.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let unread = self.stages.as_ref().is_some_and(|stages| stages.is_unread());
        unread.then(spoken::unread).into_iter().collect()
    }

    /// Whether the gateway itself ended the answer, at a stop sequence.
    pub(super) fn is_cut(&self) -> bool {
        self.stages.as_ref().is_some_and(|stages| stages.is_cut())
    }

    fn write(&mut self, event: Event<'_>, out: &mut BytesMut) {
        self.watched.event(&event);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(&event);
        }
        if let Some(calls) = &mut self.unwrapping {
            if matches!(&event, Event::Delta { index, delta } if calls.holds(*index, delta)) {
                return;
            }
            calls.before(&event).into_iter().for_each(|event| self.writer.event(out, event));
        }
        self.writer.event(out, event);
    }

    /// Ends a whole answer; gives what it ended with.
    pub(super) fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        self.rest(out);
        self.writer.finish(out)
    }

    /// Ends an answer that failed. What was held back, because it may have been something else, is said all the same.
    pub(super) fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        self.rest(out);
        self.writer.fail(out, fault);
    }

    fn rest(&mut self, out: &mut BytesMut) {
        if let Some(stages) = &mut self.stages {
            stages.rest().into_iter().for_each(|event| self.write(event, out));
        }
        if let Some(calls) = &mut self.unwrapping {
            calls.rest().into_iter().for_each(|event| self.writer.event(out, event));
        }
    }
}

/// What is watched of an answer that goes on as it comes: its milestones, and the progress of its reasoning.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) milestones: Milestones,
    pub(super) progress: Vec<ReasoningProgress>,
    /// The blocks of reasoning that are open, with the bytes they brought.
    open: BTreeMap<u32, u64>,
}

impl Watched {
    /// Notes a delta of text, of reasoning or of a call's arguments.
    #[inline]
    pub(super) fn delta(&mut self, index: u32, delta: &Delta<'_>) {
        self.milestones.started = true;
        match delta {
            Delta::Text(_) => self.milestones.answer = true,
            Delta::Reasoning(text) => grow(index, text.as_escaped().len(), &mut self.open, &mut self.progress),
            Delta::SealPiece(_) | Delta::ToolUse { .. } | Delta::ToolInput(_) | Delta::Citation(_) | Delta::Unknown => {
            }
        }
        self.milestones.reasoning |= !self.open.is_empty();
        self.milestones.content = self.milestones.content || is_content(delta);
    }

    /// Notes any event.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        self.milestones.started = true;
        watch(event, &mut self.milestones, &mut self.open, &mut self.progress);
    }
}

/// Whether a delta is content, and not merely the beginning of a block or an empty piece.
fn is_content(delta: &Delta<'_>) -> bool {
    match delta {
        Delta::Text(text) | Delta::Reasoning(text) | Delta::ToolInput(text) => !text.as_escaped().is_empty(),
        Delta::SealPiece(length) => *length > 0,
        Delta::ToolUse { .. } | Delta::Citation(_) => true,
        Delta::Unknown => false,
    }
}

/// Notes what the event means for times and for the log; allocates only when a block begins or ends.
fn watch(
    event: &Event<'_>,
    seen: &mut Milestones,
    open: &mut BTreeMap<u32, u64>,
    progress: &mut Vec<ReasoningProgress>,
) {
    seen.content = seen.content || matches!(event, Event::Delta { delta, .. } if is_content(delta));
    match event {
        Event::Delta { index, delta: Delta::Reasoning(text) } => {
            grow(index.upstream, text.as_escaped().len(), open, progress)
        }
        Event::Delta { index, delta: Delta::SealPiece(length) } => grow(index.upstream, *length, open, progress),
        Event::Delta { delta: Delta::Text(_) | Delta::ToolUse { .. }, .. } => seen.answer = true,
        Event::BlockStop { index, seal, goes_on: false } => {
            if let Some((block, bytes)) = open.remove_entry(&index.upstream) {
                if matches!(seal, Some(Seal::Signature(_))) {
                    progress.push(ReasoningProgress { block, state: ReasoningState::Signature, bytes });
                }
                progress.push(ReasoningProgress { block, state: ReasoningState::Closed, bytes });
            }
        }
        Event::Start
        | Event::Delta { .. }
        | Event::BlockStop { .. }
        | Event::Stop(_)
        | Event::Metadata { .. }
        | Event::Unknown => {}
    }
    seen.reasoning |= !open.is_empty();
}

fn grow(block: u32, length: usize, open: &mut BTreeMap<u32, u64>, progress: &mut Vec<ReasoningProgress>) {
    match open.get_mut(&block) {
        Some(bytes) => *bytes += length as u64,
        None => {
            open.insert(block, length as u64);
            progress.push(ReasoningProgress { block, state: ReasoningState::Opened, bytes: length as u64 });
        }
    }
}
