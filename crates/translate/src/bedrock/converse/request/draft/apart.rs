//! Text beside calls, and what stands beside results, for models that do not take both in one turn.

use super::{Draft, GO_ON, Piece, Turn};
use crate::bedrock::converse::request::Terms;
use crate::bedrock::converse::request::notes::Notes;
use crate::catalogue::Beside;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, Role};
use crate::model::text::Text;

/// The assistant's text between tool results and the user's next words, where the model takes them only in turns apart.
const HEARD: &str = "(results received)";

/// Gives them turns of their own, or leaves them out, as the model wants it.
pub(super) fn separate(draft: &mut Draft<'_, '_>, terms: &Terms<'_>, notes: &mut Notes) {
    let (calls, results) = match terms.adjustment.apart {
        true => (Beside::LeftOut, Beside::Apart),
        false => (terms.entry.beside_calls, terms.entry.beside_results),
    };
    if (calls, results) == (Beside::Together, Beside::Together) {
        return;
    }
    let turns = Vec::with_capacity(draft.turns.len());
    for turn in std::mem::replace(&mut draft.turns, turns) {
        let (beside, what) = match turn.role {
            Role::Assistant => (calls, "text beside a tool's call"),
            Role::System | Role::User => (results, "anything beside a tool's result"),
        };
        if beside == Beside::Together || !is_mixed(&turn) {
            draft.turns.push(turn);
            continue;
        }
        let field = FieldRef::Content(turn.position);
        let why = format!("{} does not take {what}", terms.entry.name);
        if beside == Beside::Apart {
            notes.changed(field, format!("{why}; it has a turn of its own"));
        } else {
            notes.dropped(field, why);
        }
        split(turn, beside == Beside::Apart, &mut draft.turns);
    }
}

/// Whether a piece is a tool call or result, or a thought or cache point, which stay beside them.
fn is_of_tools(piece: &Piece<'_, '_>) -> bool {
    matches!(piece.block(), Some(Block::ToolUse { .. } | Block::ToolResult { .. }))
        || matches!(piece, Piece::CachePoint(_))
        || super::is_thought(piece)
}

fn is_mixed(turn: &Turn<'_, '_>) -> bool {
    let mut blocks = turn.pieces.iter().filter_map(Piece::block);
    blocks.any(|block| matches!(block, Block::ToolUse { .. } | Block::ToolResult { .. }))
        && !turn.pieces.iter().all(is_of_tools)
}

/// A turn as two, in the order in which things were said: text comes before calls, and results before what the user says.
fn split<'r, 'a>(turn: Turn<'r, 'a>, keep: bool, turns: &mut Vec<Turn<'r, 'a>>) {
    let Turn { role, pieces, position, unreasoned } = turn;
    let (tools, rest): (Vec<_>, Vec<_>) = pieces.into_iter().partition(is_of_tools);
    let of = |role, pieces| Turn { role, pieces, position, unreasoned };
    let said = |text| vec![Piece::Said(Text::from_plain(text))];
    match (keep, role) {
        (false, _) => turns.push(of(role, tools)),
        (true, Role::Assistant) => {
            turns.extend([of(role, rest), of(Role::User, said(GO_ON)), of(role, tools)]);
        }
        (true, _) => turns.extend([of(role, tools), of(Role::Assistant, said(HEARD)), of(role, rest)]),
    }
}
