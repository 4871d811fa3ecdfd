//! Thoughts at the end of a turn, where no model takes one.

use super::{Draft, Piece, Turn, is_thought};
use crate::bedrock::converse::request::notes::Notes;
use crate::model::field_ref::FieldRef;
use crate::model::request::Role;

/// Leaves out the thoughts that end a turn of the model: what followed them was cut off, or was never said. A turn that
/// holds nothing else is none.
pub(super) fn never_last(draft: &mut Draft<'_, '_>, notes: &mut Notes) {
    let last = draft.turns.len().saturating_sub(1);
    let mut told = false;
    for (at, turn) in draft.turns.iter_mut().enumerate().filter(|(_, turn)| turn.role == Role::Assistant) {
        let said = turn.pieces.iter().rposition(|piece| !is_thought(piece) && !is_cache_point(piece));
        let behind = said.map_or(0, |said| said + 1);
        if !turn.pieces.iter().skip(behind).any(is_thought) {
            continue;
        }
        if said.is_none() && at == last {
            let why = "the last message holds only reasoning, which would be taken for the answer's beginning";
            notes.dropped(FieldRef::Conversation, why);
        } else if !told {
            told = true;
            let why = "a turn of the model cannot end with a thought, which nothing came of";
            notes.dropped(FieldRef::PastReasoning(Some(turn.position)), why);
        }
        drop_behind(turn, behind);
    }
    join(draft);
}

fn is_cache_point(piece: &Piece<'_, '_>) -> bool {
    matches!(piece, Piece::CachePoint(_))
}

/// Leaves out the thoughts from a place on; a turn that then says nothing loses its cache points too.
fn drop_behind(turn: &mut Turn<'_, '_>, behind: usize) {
    let mut at = 0;
    turn.pieces.retain(|piece| {
        at += 1;
        at <= behind || !is_thought(piece)
    });
    if behind == 0 {
        turn.pieces.clear();
    }
}

/// Joins the turns of one side between which the other side's is gone.
pub(super) fn join(draft: &mut Draft<'_, '_>) {
    if draft.turns.iter().all(|turn| !turn.pieces.is_empty()) {
        return;
    }
    let turns = Vec::with_capacity(draft.turns.len());
    for turn in std::mem::replace(&mut draft.turns, turns) {
        match draft.turns.last_mut() {
            _ if turn.pieces.is_empty() => {}
            Some(before) if before.role == turn.role => before.pieces.extend(turn.pieces),
            _ => draft.turns.push(turn),
        }
    }
}
