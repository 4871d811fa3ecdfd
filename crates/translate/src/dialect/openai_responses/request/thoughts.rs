//! Reasoning that comes back.

use super::conversation::{Conversation, Item};
use crate::dialect::json::Object;
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
        let mut shown = shown(object, "content")?;
        if shown.is_empty() {
            shown = self::shown(object, "summary")?;
        }
        let id = object.get("id").and_then(|id| id.string().ok());
        let issuer = Issuer::claimed(id.as_deref(), None);
        let position = item.position;
        conversation.sealed.push(SealedItem { turn, block, position, seal, shown, issuer });
        return Ok(());
    }
    let text = shown(object, "content")?;
    if text.is_empty() {
        notes.dropped_each(&item.node, "it holds no `encrypted_content`, and no model takes a summary back");
        return Ok(());
    }
    let thought = Block::Reasoning { text, signature: None, issuer: Issuer::default() };
    conversation.said(Role::Assistant, item.position).push(thought);
    Ok(())
}

/// The text of all parts of a member.
fn shown<'a>(item: &Object<'a, '_>, member: &str) -> Result<Text<'a>, Fault> {
    let mut shown = Text::default();
    if let Some(node) = item.get(member) {
        for node in node.list()?.each() {
            if let Some(part) = node.object()?.get("text") {
                match shown.is_empty() {
                    true => shown = part.text()?,
                    false => shown.append(&part.text()?),
                }
            }
        }
    }
    Ok(shown)
}
