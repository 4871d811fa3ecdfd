//! Reasoning items that came back sealed, and their place in the conversation.

use super::seal_keys::{SealKeys, SealedThought};
use crate::model::field_ref::FieldRef;
use crate::model::issuer::Issuer;
use crate::model::request::{Block, Message};
use crate::warning::Warning;
use std::borrow::Cow;
use std::fmt;

/// A reasoning item whose `encrypted_content` is not opened yet.
#[derive(Clone)]
pub struct SealedItem<'a> {
    /// The turn: an index into the request's messages.
    pub turn: usize,
    /// The block before which it belongs in that turn.
    pub block: usize,
    /// The item's place in `input`.
    pub position: usize,
    /// The `encrypted_content`.
    pub seal: Cow<'a, str>,
}

impl fmt::Debug for SealedItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turn, block, position, seal } = self;
        let mut shown = f.debug_struct("SealedItem");
        shown.field("turn", turn).field("block", block).field("position", position).field("bytes", &seal.len()).finish()
    }
}

/// Puts what the items hold back into the turns. What was sealed elsewhere, or with a key that is gone, is left out with a
/// warning: a conversation goes on without it.
pub fn open<'a>(mut items: Vec<SealedItem<'a>>, turns: &mut [Message<'a>], keys: &SealKeys) -> Option<Warning> {
    let mut foreign = Vec::new();
    before_their_words(&mut items, turns);
    // From the last to the first, so that places stay what they are.
    for item in items.into_iter().rev() {
        let content = turns.get_mut(item.turn).map(|turn| &mut turn.content);
        let Some(content) = content.filter(|content| item.block <= content.len()) else { continue };
        match keys.open(&item.seal) {
            Some(thought) => content.insert(item.block, block(thought)),
            None => foreign.push(item),
        }
    }
    left_out(&foreign)
}

/// Moves thoughts at the end of a turn before its last words: some models' streams tell what they sealed behind the text
/// that came of it.
fn before_their_words(items: &mut [SealedItem<'_>], turns: &[Message<'_>]) {
    let mut before = (usize::MAX, 0);
    for item in items {
        let Some(turn) = turns.get(item.turn) else { continue };
        let least = if before.0 == item.turn { before.1 } else { 0 };
        if item.block == turn.content.len() {
            let words = turn.content.iter().rev().take_while(|block| matches!(block, Block::Text(_))).count();
            item.block = least.max(turn.content.len() - words);
        }
        before = (item.turn, item.block);
    }
}

fn block(thought: SealedThought<'_>) -> Block<'_> {
    let issuer = Issuer { mark: Some(thought.mark), ..Issuer::default() };
    match thought.redacted {
        Some(data) => Block::Redacted { data, issuer },
        None => Block::Reasoning { text: thought.text, signature: thought.signature, issuer },
    }
}

/// The warning about items that are not opened: one for all of them.
#[must_use]
pub fn left_out(items: &[SealedItem<'_>]) -> Option<Warning> {
    let field = match items {
        [] => return None,
        [only] => FieldRef::Seals(only.position),
        _ => FieldRef::PastReasoning(None),
    };
    Some(Warning::dropped(field, "it was not sealed by this gateway, or with a key that it no longer has"))
}
