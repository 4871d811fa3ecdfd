//! Calls and results as text, for models that must not be given tools and then do not take them in a history.

use super::{Draft, Piece};
use crate::bedrock::converse::request::Terms;
use crate::bedrock::converse::request::notes::Notes;
use crate::catalogue::{Allowed, Entry};
use crate::model::arguments::as_written;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, Request, ToolChoice};
use crate::model::text::Text;
use std::collections::BTreeMap;

/// Whether the tool calls and results of a history are sent as text: no tool may be called, the model would have to be
/// given some, and cannot be told to leave them alone; or it takes no tools.
pub(in super::super) fn needs_tools_as_text(request: &Request<'_>, terms: &Terms<'_>) -> bool {
    let entry = terms.entry;
    let none = request.tools.is_empty() || request.tool_choice == ToolChoice::None;
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    // Of a row that knows of forced calls it is told both ways whether its model takes tools: it is asked.
    let without = terms.adjustment.without_tools || !entry.tools && !forced && entry.forced_tool != Allowed::Refused;
    (none && !entry.own_tool_choice || without) && request.has_tool_history()
}

/// Puts it in words.
pub(super) fn rewrite(draft: &mut Draft<'_, '_>, request: &Request<'_>, entry: &Entry, notes: &mut Notes) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for turn in &mut draft.turns {
        let mut told = Vec::with_capacity(turn.pieces.len());
        for piece in turn.pieces.drain(..) {
            match piece.block() {
                Some(Block::ToolUse { id, name, input }) => {
                    names.insert(id.plain().into_owned(), name.clone().into_owned());
                    let said = format!("[The assistant called the tool {name} with {}]", as_written(input.as_json()));
                    told.push(Piece::Said(Text::from_plain(said)));
                }
                Some(Block::ToolResult { id, content, failed }) => {
                    let name = names.get(id.plain().as_ref()).map_or("", String::as_str);
                    result(name, content, *failed, &mut told);
                }
                _ => told.push(piece),
            }
        }
        turn.pieces = told;
    }
    let field = if request.tools.is_empty() { FieldRef::Conversation } else { FieldRef::Tools };
    let why = format!(
        "no tool may be called, and {} takes no calls in a history then; they are told in words, and no tools are sent",
        entry.name
    );
    notes.changed(field, why);
}

fn result<'a>(name: &str, content: &[Block<'a>], failed: bool, told: &mut Vec<Piece<'_, 'a>>) {
    let mut words = String::new();
    let mut media = Vec::new();
    for block in content {
        match block {
            Block::Text(text) | Block::Cited { text, .. } => {
                if !words.is_empty() {
                    words.push('\n');
                }
                words.push_str(&text.plain());
            }
            Block::CachePoint(_) => {}
            other @ (Block::Reasoning { .. }
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }) => media.push(Piece::Made(other.clone())),
        }
    }
    if words.trim().is_empty() && media.is_empty() {
        words = "(no output)".to_owned();
    }
    let what = if failed { "error" } else { "result" };
    let said = match (words.trim().is_empty(), media.is_empty()) {
        (true, _) => format!("[The {what} of the tool {name} follows]"),
        (false, true) => format!("[The {what} of the tool {name}: {words}]"),
        (false, false) => format!("[The {what} of the tool {name}, of which more follows: {words}]"),
    };
    told.push(Piece::Said(Text::from_plain(said)));
    told.append(&mut media);
}
