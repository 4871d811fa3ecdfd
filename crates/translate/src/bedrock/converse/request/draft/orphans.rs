//! Results without a call and calls without a result, for operators who want such conversations to go on.

use super::{Draft, Piece, Turn, thoughts};
use crate::bedrock::converse::request::notes::Notes;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, Role};
use crate::model::text::Text;
use std::collections::BTreeSet;

/// The result that is sent for a tool call without one.
const NO_RESULT: &str = "(no result)";

/// Leaves out results of no call, and gives a result to calls that have none.
pub(super) fn mend(draft: &mut Draft<'_, '_>, notes: &mut Notes) {
    let turns = Vec::with_capacity(draft.turns.len() + 1);
    let mut open: Vec<String> = Vec::new();
    let mut caller = 0;
    for mut turn in std::mem::replace(&mut draft.turns, turns) {
        if turn.role == Role::Assistant {
            answer(draft, caller, std::mem::take(&mut open), notes);
            (open, caller) = (turn.calls(), turn.position);
        } else {
            drop_strays(&mut turn, &open, notes);
            complete(&mut turn, caller, std::mem::take(&mut open), notes);
        }
        draft.turns.push(turn);
    }
    answer(draft, caller, open, notes);
    thoughts::join(draft);
}

fn drop_strays(turn: &mut Turn<'_, '_>, open: &[String], notes: &mut Notes) {
    let open: BTreeSet<&str> = open.iter().map(String::as_str).collect();
    let before = turn.pieces.len();
    turn.pieces.retain(|piece| match piece.block() {
        Some(Block::ToolResult { id, .. }) => open.contains(id.plain().as_ref()),
        _ => true,
    });
    if turn.pieces.len() < before {
        let why = "the message of the assistant before it holds no such call; the result was left out";
        notes.dropped(FieldRef::ToolResult(turn.position), why);
    }
    if turn.pieces.iter().all(|piece| matches!(piece, Piece::CachePoint(_))) {
        turn.pieces.clear();
    }
}

/// Adds a result for each call that has none in the turn behind it.
fn complete(turn: &mut Turn<'_, '_>, caller: usize, open: Vec<String>, notes: &mut Notes) {
    let answered: BTreeSet<String> = turn.results().into_iter().collect();
    let missing: Vec<_> = open.into_iter().filter(|id| !answered.contains(id)).map(no_result).collect();
    if missing.is_empty() {
        return;
    }
    let why = "a tool call has no result; `(no result)` was added";
    notes.changed(FieldRef::ToolCalls(caller), why);
    let behind = turn.pieces.iter().rposition(Piece::is_result).map_or(0, |last| last + 1);
    turn.pieces.splice(behind..behind, missing);
}

fn no_result<'a>(id: String) -> Piece<'static, 'a> {
    let content = vec![Block::Text(Text::from_plain(NO_RESULT))];
    Piece::Made(Block::ToolResult { id: Text::from_plain(id), content, failed: false })
}

/// The same, where nothing is behind the calls.
fn answer(draft: &mut Draft<'_, '_>, caller: usize, open: Vec<String>, notes: &mut Notes) {
    if open.is_empty() {
        return;
    }
    let mut turn = Turn { role: Role::User, pieces: Vec::new(), position: caller, unreasoned: false };
    complete(&mut turn, caller, open, notes);
    draft.turns.push(turn);
}
