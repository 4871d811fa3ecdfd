//! Pictures and files in a tool's result, for models that do not take them there: they stand beside it.

use super::{Draft, Piece, Turn};
use crate::bedrock::converse::request::names;
use crate::bedrock::converse::request::notes::Notes;
use crate::catalogue::{Entry, ResultDocuments};
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, Role};
use crate::model::text::Text;
use std::collections::BTreeMap;

/// Moves them, each result's behind all results of its turn, with a word that says to which call they belong.
pub(super) fn beside(draft: &mut Draft<'_, '_>, entry: &Entry, notes: &mut Notes) {
    if entry.result_images && entry.result_documents == ResultDocuments::All {
        return;
    }
    let mut calls = BTreeMap::new();
    for turn in &mut draft.turns {
        if turn.role == Role::Assistant {
            calls = named(turn);
            continue;
        }
        let mut moved = Vec::new();
        for piece in &mut turn.pieces {
            move_out(piece, &calls, entry, &mut moved);
        }
        if let (Some(last), false) = (turn.pieces.iter().rposition(Piece::is_result), moved.is_empty()) {
            turn.pieces.splice(last + 1..last + 1, moved);
            let why = format!("{} takes no such part in a tool's result; it stands beside it", entry.name);
            notes.changed(FieldRef::Content(turn.position), why);
        }
    }
}

/// The names of a turn's calls, by their ids.
fn named(turn: &Turn<'_, '_>) -> BTreeMap<String, String> {
    let calls = turn.pieces.iter().filter_map(|piece| piece.block()?.tool_call());
    calls.map(|call| (call.id.plain().into_owned(), call.name.to_owned())).collect()
}

fn move_out<'a>(
    piece: &mut Piece<'_, 'a>,
    calls: &BTreeMap<String, String>,
    entry: &Entry,
    moved: &mut Vec<Piece<'_, 'a>>,
) {
    let Some(Block::ToolResult { id, content, failed }) = piece.block() else { return };
    if content.iter().all(|block| stays(block, entry)) {
        return;
    }
    let (mut content, out): (Vec<_>, Vec<_>) = content.iter().cloned().partition(|block| stays(block, entry));
    let name = calls.get(id.plain().as_ref()).map(|name| format!(" of {name}")).unwrap_or_default();
    let said = format!("The tool's result for the call {}{name} holds this:", names::call_id(&id.plain(), entry));
    moved.push(Piece::Said(Text::from_plain(said)));
    moved.extend(out.into_iter().map(Piece::Made));
    if content.iter().all(|block| matches!(block, Block::Text(text) if text.is_blank())) {
        content = vec![Block::Text(Text::from_plain("(what the tool gave stands beside this result)"))];
    }
    *piece = Piece::Made(Block::ToolResult { id: id.clone(), content, failed: *failed });
}

fn stays(block: &Block<'_>, entry: &Entry) -> bool {
    match (block, entry.result_documents) {
        (Block::Image { .. }, _) => entry.result_images,
        (Block::Document { .. }, ResultDocuments::All) => true,
        (Block::Document { format, .. }, ResultDocuments::Plain) => matches!(*format, "csv" | "txt"),
        (Block::Document { .. }, ResultDocuments::None) => false,
        _ => true,
    }
}
