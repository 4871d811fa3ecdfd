//! Reasoning that comes back.

use super::conversation::{Conversation, Item};
use crate::dialect::notes::Notes;
use crate::dialect::openai_responses::sealed_item::SealedItem;
use crate::fault::Fault;
use crate::model::issuer::Issuer;
use crate::model::request::{Block, Role};
use crate::model::text::Text;

/// Reads a reasoning item. What it holds sealed is opened later, with the gateway's keys; without a seal only the raw text
/// of an open model is worth anything to a model, and a summary is not.
pub(super) fn read<'a>(
    conversation: &mut Conversation<'a>,
    item: &Item<'_, 'a>,
    notes: &mut Notes,
) -> Result<(), Fault> {
    let object = item.object;
    notes.unknown(object, &["type", "id", "summary", "content", "encrypted_content", "status"]);
    notes.blocks(1)?;
    if let Some(node) = object.get("encrypted_content") {
        let seal = node.string()?;
        conversation.said(Role::Assistant, item.position);
        let Some(turn) = conversation.turns.len().checked_sub(1) else { return Ok(()) };
        let block = conversation.turns.last().map_or(0, |turn| turn.content.len());
        conversation.sealed.push(SealedItem { turn, block, position: item.position, seal });
        return Ok(());
    }
    let mut text = String::new();
    if let Some(node) = object.get("content") {
        for node in node.list()?.each() {
            if let Some(part) = node.object()?.get("text") {
                text.push_str(part.text()?.as_escaped());
            }
        }
    }
    if text.is_empty() {
        notes.dropped_each(&item.node, "it holds no `encrypted_content`, and no model takes a summary back");
        return Ok(());
    }
    let thought = Block::Reasoning { text: Text::from_escaped(text), signature: None, issuer: Issuer::default() };
    conversation.said(Role::Assistant, item.position).push(thought);
    Ok(())
}
