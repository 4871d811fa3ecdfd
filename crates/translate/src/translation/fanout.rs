//! Fan-out of an answer's events: to the client's writer, to the milestones and the log, and to the recorder of the
//! turn.

use super::answering::Answering;
use super::spoken;
use super::stages::Stages;
use super::unwrapping::Unwrapping;
use super::{Milestones, ReasoningProgress, ReasoningState};
use crate::bedrock::DeltaKind;
use crate::dialect::{Envelope, Style, Writer};
use crate::fault::Fault;
use crate::model::delta::{Delta, Event, Seal};
use crate::model::response::{Finish, Usage};
use crate::model::turn::Recorder;
use crate::warning::Warning;
use crate::wire::sse::KeepAlive;
use bytes::BytesMut;
use std::collections::BTreeMap;

/// Everybody who is told of an event.
pub(super) struct Fanout {
    pub(super) writer: Writer,
    /// The blocks that the client was told of before this answer: its own are counted behind them.
    before: u32,
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
            before: 0,
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
            self.writer.delta(out, index + self.before, delta);
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
            let held = calls.before(&event);
            held.into_iter().for_each(|event| self.say(event, out));
        }
        self.say(event, out);
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
            let held = calls.rest();
            held.into_iter().for_each(|event| self.say(event, out));
        }
    }

    /// Tells the client an event, its block counted behind those that it was told of before this answer.
    fn say(&mut self, mut event: Event<'_>, out: &mut BytesMut) {
        if let Event::Delta { index, .. } | Event::BlockStop { index, .. } = &mut event {
            index.upstream += self.before;
        }
        self.writer.event(out, event);
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a seal, and what was held
    /// back of it is forgotten.
    pub(super) fn interrupt(mut self, out: &mut BytesMut) -> Interrupted {
        self.writer.interrupt(out);
        Interrupted { writer: self.writer, blocks: self.before + self.watched.blocks }
    }

    /// Goes on where an answer was broken off, in the form that the model that answers now wants.
    pub(super) fn resume(&mut self, interrupted: Interrupted, style: Style) {
        self.writer = interrupted.writer;
        self.writer.resume(style);
        self.before = interrupted.blocks;
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.writer.usage()
    }

    pub(super) fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        self.writer.keep_alive(kind, out);
    }

    pub(super) fn keep_alive_before(&self, kind: KeepAlive, out: &mut BytesMut) {
        self.writer.keep_alive_before(kind, out);
    }
}

/// What a client was told of an answer that broke off while its model was thinking: another one goes on behind it.
#[derive(Debug)]
pub struct Interrupted {
    writer: Writer,
    /// The blocks that the client was told of.
    blocks: u32,
}

impl Interrupted {
    /// The client of this answer, which was told nothing yet.
    pub(super) fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        Self { writer: Writer::new(envelope, style), blocks: 0 }
    }

    /// Notes that the client was told so many blocks more by the model's own events.
    pub(super) fn go_behind(&mut self, blocks: u32) {
        self.writer.go_behind(blocks);
        self.blocks += blocks;
    }

    /// The index that the client expects of the next block.
    pub(super) fn next_block(&self) -> u32 {
        self.writer.blocks()
    }

    /// Tells the client, inside its stream, that no other answer came.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.writer.fail(out, fault);
    }

    /// Tells the client that its answer goes on while another one is awaited.
    pub fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        self.writer.keep_alive(kind, out);
    }
}

/// The milestones of an answer that is watched on its way, and the progress of its reasoning.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) milestones: Milestones,
    pub(super) progress: Vec<ReasoningProgress>,
    open: OpenBlocks,
    /// The blocks so far, as far as they are reasoning.
    blocks: u32,
}

impl Watched {
    /// Notes a delta of text, of reasoning or of a call's arguments.
    #[inline]
    pub(super) fn delta(&mut self, index: u32, delta: &Delta<'_>) {
        match delta {
            Delta::Text(text) => self.grew(index, DeltaKind::Text, text.as_escaped().len()),
            Delta::Reasoning(text) => self.grew(index, DeltaKind::Reasoning, text.as_escaped().len()),
            Delta::ToolInput(text) => self.grew(index, DeltaKind::Arguments, text.as_escaped().len()),
            Delta::SealPiece(_) | Delta::ToolUse { .. } | Delta::Citation(_) | Delta::Unknown => {
                self.milestones.started = true;
                self.milestones.content |= is_content(delta);
            }
        }
    }

    /// Notes that a block grew by so many bytes.
    #[inline]
    pub(super) fn grew(&mut self, index: u32, kind: DeltaKind, bytes: usize) {
        let seen = &mut self.milestones;
        seen.started = true;
        seen.content |= bytes > 0;
        match kind {
            DeltaKind::Text => {
                seen.answer = true;
                seen.said |= bytes > 0;
            }
            DeltaKind::Reasoning => {
                seen.reasoning = true;
                seen.thought |= bytes > 0;
                self.grow(index, bytes);
            }
            DeltaKind::Arguments => {}
        }
    }

    /// Notes any event; allocates only when a block begins or ends.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let seen = &mut self.milestones;
        seen.started = true;
        seen.content = seen.content || matches!(event, Event::Delta { delta, .. } if is_content(delta));
        match event {
            Event::Delta { index, delta: Delta::Reasoning(text) } => {
                seen.reasoning = true;
                seen.thought |= !text.as_escaped().is_empty();
                self.grow(index.upstream, text.as_escaped().len());
            }
            Event::Delta { index, delta: Delta::SealPiece(length) } => {
                seen.reasoning = true;
                seen.thought |= *length > 0;
                self.grow(index.upstream, *length);
            }
            Event::Delta { delta: Delta::Text(text), .. } => {
                seen.answer = true;
                seen.said |= !text.as_escaped().is_empty();
            }
            Event::Delta { delta: Delta::ToolUse { .. }, .. } => (seen.answer, seen.said) = (true, true),
            Event::BlockStop { index, seal, goes_on: false } => {
                let block = index.upstream;
                seen.sealed = seen.sealed || seal.is_some();
                self.blocks = self.blocks.max(block.saturating_add(1));
                if let Some(bytes) = self.open.close(block) {
                    if matches!(seal, Some(Seal::Signature(_))) {
                        self.progress.push(ReasoningProgress { block, state: ReasoningState::Signature, bytes });
                    }
                    self.progress.push(ReasoningProgress { block, state: ReasoningState::Closed, bytes });
                }
            }
            Event::Start
            | Event::Delta { .. }
            | Event::BlockStop { .. }
            | Event::Stop(_)
            | Event::Metadata { .. }
            | Event::Unknown => {}
        }
    }

    #[inline]
    fn grow(&mut self, block: u32, length: usize) {
        let length = length as u64;
        if self.open.grow(block, length) {
            self.blocks = self.blocks.max(block.saturating_add(1));
            self.progress.push(ReasoningProgress { block, state: ReasoningState::Opened, bytes: length });
        }
    }
}

/// The blocks of reasoning that are open, with the bytes they brought. Nearly always one of them grows, which is at hand.
#[derive(Debug, Default)]
struct OpenBlocks {
    last: Option<(u32, u64)>,
    others: BTreeMap<u32, u64>,
}

impl OpenBlocks {
    /// Adds bytes to a block; whether they open it.
    #[inline]
    fn grow(&mut self, block: u32, length: u64) -> bool {
        match &mut self.last {
            Some((last, bytes)) if *last == block => {
                *bytes += length;
                false
            }
            _ => self.turn_to(block, length),
        }
    }

    #[cold]
    fn turn_to(&mut self, block: u32, length: u64) -> bool {
        let before = self.others.remove(&block);
        let last = self.last.replace((block, before.unwrap_or(0) + length));
        self.others.extend(last);
        before.is_none()
    }

    /// Closes a block; gives its bytes.
    fn close(&mut self, block: u32) -> Option<u64> {
        match self.last.take_if(|last| last.0 == block) {
            Some((_, bytes)) => Some(bytes),
            None => self.others.remove(&block),
        }
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
