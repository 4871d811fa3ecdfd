//! The text of one exchange as far as it may be observed: panes of its kinds, and the order in which they grew.

use super::pane::{Pane, boundary};
use aquifer_gateway::config::Observe;
use aquifer_gateway::translate::answer_text::{TextKind, TextPiece};
use std::collections::VecDeque;

/// The most stretches whose order is kept.
const MOST_RUNS: usize = 4096;
/// The most tool calls that are kept.
const MOST_CALLS: usize = 64;
/// The most bytes of a call's name or id.
const LONGEST_NAME: usize = 256;

/// The text of an exchange. It holds what its policy lets operators observe, and counts the rest.
#[derive(Debug, Default)]
pub(super) struct ObservedText {
    reasoning: Pane,
    content: Pane,
    calls: Pane,
    errors: Pane,
    /// The stretches of text, in the order in which they came.
    runs: VecDeque<Run>,
    /// The number of the first of them.
    first: u64,
    called: VecDeque<Called>,
    client: Option<Body>,
    upstream: Option<Body>,
    /// It was dropped to make room, or never may be kept.
    closed: bool,
}

/// A stretch of one kind in one block.
#[derive(Debug)]
struct Run {
    kind: TextKind,
    block: u32,
    /// Where in its pane it begins and ends.
    from: u64,
    to: u64,
}

/// A tool call.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) block: u32,
    pub(super) id: Pane,
    pub(super) name: Pane,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) pane: Pane,
    /// The length of what is not kept.
    pub(super) cut: usize,
}

/// How far a viewer has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    run: u64,
    at: u64,
}

/// A stretch of text for a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch<'t> {
    pub(super) kind: TextKind,
    pub(super) block: u32,
    pub(super) text: &'t str,
}

impl ObservedText {
    /// Takes a piece, as far as it may be observed.
    pub(super) fn push(&mut self, observe: Observe, piece: &TextPiece<'_>) {
        let shown =
            observe == Observe::Everything || observe == Observe::Reasoning && piece.kind == TextKind::Reasoning;
        if self.closed || !shown {
            return;
        }
        if matches!(piece.kind, TextKind::CallId | TextKind::CallName) {
            self.name(piece);
        }
        let pane = self.pane_mut(piece.kind);
        let from = pane.end();
        pane.push(&piece.text);
        let to = pane.end();
        match self.runs.back_mut().filter(|run| (run.kind, run.block) == (piece.kind, piece.block)) {
            Some(run) => run.to = to,
            None => self.runs.push_back(Run { kind: piece.kind, block: piece.block, from, to }),
        }
        if self.runs.len() > MOST_RUNS {
            self.runs.pop_front();
            self.first += 1;
        }
    }

    /// Notes the id or the name of a call.
    fn name(&mut self, piece: &TextPiece<'_>) {
        if !self.called.iter().any(|called| called.block == piece.block) {
            self.called.push_back(Called { block: piece.block, id: Pane::default(), name: Pane::default() });
        }
        if self.called.len() > MOST_CALLS {
            self.called.pop_front();
        }
        let Some(called) = self.called.iter_mut().find(|called| called.block == piece.block) else { return };
        let pane = if piece.kind == TextKind::CallId { &mut called.id } else { &mut called.name };
        let room = LONGEST_NAME.saturating_sub(pane.text().len());
        pane.push(piece.text.get(..boundary(&piece.text, room)).unwrap_or_default());
    }

    /// Takes the body that the client sent.
    pub(super) fn asked(&mut self, body: &[u8]) {
        if !self.closed {
            self.client = Some(Body::of(body));
        }
    }

    /// Takes the body that is sent upstream, in place of an earlier one.
    pub(super) fn sent(&mut self, body: &[u8]) {
        if !self.closed {
            self.upstream = Some(Body::of(body));
        }
    }

    /// Drops what may not be observed under this policy.
    pub(super) fn limit(&mut self, observe: Observe) {
        match observe {
            Observe::Everything => {}
            Observe::Reasoning => {
                let reasoning = std::mem::take(&mut self.reasoning);
                let runs = std::mem::take(&mut self.runs).into_iter().filter(|run| run.kind == TextKind::Reasoning);
                *self = Self { reasoning, runs: runs.collect(), first: self.first, ..Self::default() };
            }
            Observe::Nothing | Observe::Metadata => self.close(),
        }
    }

    /// Drops everything, for good.
    pub(super) fn close(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }

    /// Whether it was dropped.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The memory that it takes.
    pub(super) fn room(&self) -> usize {
        let bodies = [&self.client, &self.upstream].into_iter().flatten().map(|body| body.pane.room());
        let names = self.called.iter().map(|called| called.id.room() + called.name.room() + size_of::<Called>());
        let panes = [&self.reasoning, &self.content, &self.calls, &self.errors].into_iter().map(Pane::room);
        let runs = self.runs.capacity() * size_of::<Run>();
        size_of::<Self>() + runs + panes.chain(bodies).chain(names).sum::<usize>()
    }

    /// Where the text ends now.
    pub(super) fn cursor(&self) -> Cursor {
        match self.runs.back() {
            Some(run) => Cursor { run: self.first + self.runs.len() as u64 - 1, at: run.to },
            None => Cursor { run: self.first, at: 0 },
        }
    }

    /// Gives what came behind a cursor, up to so many bytes, and moves it there; how many bytes are gone that the reader has
    /// not seen.
    pub(super) fn since(&self, cursor: &mut Cursor, most: usize, mut to: impl FnMut(Stretch<'_>)) -> u64 {
        let (mut lost, mut left) = (0, most);
        if cursor.run < self.first {
            // How much stood in stretches that are forgotten is not known: they were one byte long at least.
            lost = self.first - cursor.run;
            *cursor = Cursor { run: self.first, at: 0 };
        }
        while let Some(run) = self.run(cursor.run) {
            let pane = self.pane(run.kind);
            let read = cursor.at.max(run.from);
            let from = read.max(pane.dropped()).min(run.to);
            lost += from - read.min(from);
            let text = pane.part(from, run.to);
            let text = text.get(..boundary(text, left)).unwrap_or_default();
            if !text.is_empty() {
                to(Stretch { kind: run.kind, block: run.block, text });
            }
            left = left.saturating_sub(text.len());
            cursor.at = from + text.len() as u64;
            if cursor.at < run.to || self.run(cursor.run + 1).is_none() {
                break;
            }
            *cursor = Cursor { run: cursor.run + 1, at: 0 };
        }
        lost
    }

    fn run(&self, number: u64) -> Option<&Run> {
        self.runs.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// All stretches that are held, in order.
    pub(super) fn stretches(&self) -> impl Iterator<Item = Stretch<'_>> {
        self.runs.iter().map(|run| {
            let text = self.pane(run.kind).part(run.from, run.to);
            Stretch { kind: run.kind, block: run.block, text }
        })
    }

    /// The tool calls.
    pub(super) fn called(&self) -> impl Iterator<Item = &Called> {
        self.called.iter()
    }

    /// The bodies of the client's request and of the one that was sent.
    pub(super) fn bodies(&self) -> [Option<&Body>; 2] {
        [self.client.as_ref(), self.upstream.as_ref()]
    }

    /// The pane of a kind.
    pub(super) fn pane(&self, kind: TextKind) -> &Pane {
        match kind {
            TextKind::Reasoning => &self.reasoning,
            TextKind::Content => &self.content,
            TextKind::CallId | TextKind::CallName | TextKind::CallArguments => &self.calls,
            TextKind::Error => &self.errors,
        }
    }

    fn pane_mut(&mut self, kind: TextKind) -> &mut Pane {
        match kind {
            TextKind::Reasoning => &mut self.reasoning,
            TextKind::Content => &mut self.content,
            TextKind::CallId | TextKind::CallName | TextKind::CallArguments => &mut self.calls,
            TextKind::Error => &mut self.errors,
        }
    }
}

impl Body {
    fn of(body: &[u8]) -> Self {
        let pane = Pane::beginning_of(body);
        let cut = body.len().saturating_sub(pane.text().len());
        Self { pane, cut }
    }
}

#[cfg(test)]
mod tests;
