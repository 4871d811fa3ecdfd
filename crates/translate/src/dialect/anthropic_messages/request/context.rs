//! `context_management`: what a service would take out of a conversation before the model reads it.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;

/// Looks at the edits. One that keeps all thoughts asks for what is done anyway, and Claude Code sends it always.
pub(super) fn read(top: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("context_management") else { return Ok(()) };
    let management = node.object()?;
    notes.unknown(&management, &["edits"]);
    let Some(edits) = management.get("edits") else { return Ok(()) };
    for edit in edits.list()?.each() {
        if !keeps_all(&edit)? {
            notes.dropped_each(&edit, "Bedrock's Converse API edits no conversation; all of it is sent");
        }
    }
    Ok(())
}

fn keeps_all(edit: &Node<'_, '_>) -> Result<bool, Fault> {
    let edit = edit.object()?;
    let thinking = edit.need("type")?.string()? == "clear_thinking_20251015";
    Ok(thinking && edit.get("keep").is_some_and(|keep| keep.raw() == "\"all\""))
}
