//! Calls and results that stand twice: every call of a conversation has an id of its own, and one result.

use super::{Draft, Piece, Turn};
use crate::bedrock::converse::request::notes::Notes;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, Role};
use crate::model::text::Text;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The calls of one turn, by the id that the client gave them: those that are sent, in order.
type Calls = BTreeMap<String, VecDeque<String>>;

/// Numbers ids that were given before, lets results follow their calls, and keeps the last of several results.
pub(super) fn settle(draft: &mut Draft<'_, '_>, notes: &mut Notes) {
    let mut taken = Taken::default();
    let mut calls = Calls::new();
    for at in 0..draft.turns.len() {
        let (turns, behind) = draft.turns.split_at_mut(at + 1);
        let Some(turn) = turns.last_mut() else { continue };
        let answers = std::mem::take(&mut calls);
        if turn.role == Role::Assistant {
            calls = number(turn, behind.first(), &mut taken, notes);
        } else if follow(&mut turn.pieces, answers) {
            let why = "the call has several results; the last one is sent";
            notes.dropped(FieldRef::ToolResult(turn.position), why);
        }
    }
}

/// Gives the calls of a turn ids that no call before has. A call that is there already, and has no result of its own in
/// the turn behind, is left out.
fn number(turn: &mut Turn<'_, '_>, behind: Option<&Turn<'_, '_>>, taken: &mut Taken, notes: &mut Notes) -> Calls {
    let mut calls = Calls::new();
    // Hardly any turn holds an id twice, so that what it takes to know a call again is seldom needed.
    let mut ids = turn.calls();
    ids.sort_unstable();
    let twice = ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    let results = if twice { counted(behind) } else { BTreeMap::new() };
    let mut known: BTreeSet<String> = BTreeSet::new();
    let (mut numbered, mut doubled) = (false, false);
    turn.pieces.retain_mut(|piece| {
        let Some(Block::ToolUse { id, name, input }) = piece.block() else { return true };
        let given = id.plain().into_owned();
        if twice {
            let alike = calls.get(&given).map_or(0, VecDeque::len);
            let unanswered = results.get(&given).is_none_or(|answered| *answered <= alike);
            let is_known = !known.insert(format!("{given} {name} {}", input.as_json()));
            if unanswered && is_known {
                doubled = true;
                return false;
            }
        }
        let sent = taken.take(&given);
        if sent != given {
            numbered = true;
            piece.rename(&sent);
        }
        calls.entry(given).or_default().push_back(sent);
        true
    });
    let field = || FieldRef::ToolCalls(turn.position);
    if numbered {
        notes.changed(field(), "another call before it has the same id; its number was added, for its result too");
    }
    if doubled {
        notes.dropped(field(), "the same call stands before it, and there is one result for both");
    }
    calls
}

/// Counts the tool results of a turn by their call ids.
fn counted(turn: Option<&Turn<'_, '_>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in turn.map(Turn::results).unwrap_or_default() {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// Gives results the ids of their calls as they are sent; `true`, when some were left out.
fn follow(pieces: &mut Vec<Piece<'_, '_>>, mut calls: Calls) -> bool {
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut doubled: BTreeSet<usize> = BTreeSet::new();
    for (at, piece) in pieces.iter_mut().enumerate() {
        let Some(Block::ToolResult { id, .. }) = piece.block() else { continue };
        let given = id.plain().into_owned();
        debug_assert!(calls.get(&given).is_none_or(|open| !open.is_empty()), "an id without a call");
        let sent = match calls.get_mut(&given) {
            Some(open) if open.len() > 1 => open.pop_front().unwrap_or_default(),
            Some(open) => open.front().cloned().unwrap_or_default(),
            None => given.clone(),
        };
        if sent != given {
            piece.rename(&sent);
        }
        doubled.extend(last.insert(sent, at));
    }
    let mut at = 0;
    pieces.retain(|_| {
        at += 1;
        !doubled.contains(&(at - 1))
    });
    !doubled.is_empty()
}

/// The ids of a conversation's calls so far.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<String>,
    /// The last number behind each id, so that none is tried twice.
    numbers: BTreeMap<String, u32>,
}

impl Taken {
    fn take(&mut self, given: &str) -> String {
        if self.ids.insert(given.to_owned()) {
            return given.to_owned();
        }
        let number = self.numbers.entry(given.to_owned()).or_insert(1);
        loop {
            *number += 1;
            let numbered = format!("{given}_{number}");
            if self.ids.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

impl<'a> Piece<'_, 'a> {
    /// Gives a call or a result another id.
    fn rename(&mut self, sent: &str) {
        let Some(mut block) = self.block().cloned() else { return };
        if let Block::ToolUse { id, .. } | Block::ToolResult { id, .. } = &mut block {
            *id = Text::from_plain(sent.to_owned());
        }
        *self = Piece::Made(block);
    }
}
