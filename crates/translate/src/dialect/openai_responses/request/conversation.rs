//! The conversation of a request, as its items are read into it.

use super::flat_names::FlatNames;
use super::wishes::Wishes;
use crate::dialect::json::{Node, Object};
use crate::dialect::openai_responses::sealed_item::SealedItem;
use crate::model::request::{Block, Message, Role};
use std::collections::BTreeMap;

/// The system prompt, the turns, and what items say beside them.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Message<'a>>,
    pub(super) wishes: Wishes<'a>,
    /// The reasoning that came back sealed, with its places in the turns.
    pub(super) sealed: Vec<SealedItem<'a>>,
    /// The call of each `local_shell_call`, by the id of its item: outputs name either.
    pub(super) shell_calls: BTreeMap<String, String>,
}

/// One item, with what reading it takes.
pub(super) struct Item<'i, 'a> {
    pub(super) object: &'i Object<'a, 'i>,
    pub(super) node: Node<'a, 'i>,
    pub(super) position: usize,
    pub(super) names: &'i FlatNames<'a>,
}

impl<'a> Conversation<'a> {
    /// The content of the turn to which an item of this role belongs. All that a model says until somebody else speaks is
    /// one turn of it: its reasoning, its text, its calls.
    pub(super) fn said(&mut self, role: Role, position: usize) -> &mut Vec<Block<'a>> {
        let goes_on = role == Role::Assistant && self.turns.last().is_some_and(|turn| turn.role == role);
        if !goes_on {
            self.turns.push(Message { role, content: Vec::new(), position, unreasoned: false });
        }
        let last = self.turns.len().saturating_sub(1);
        match self.turns.get_mut(last) {
            Some(turn) => &mut turn.content,
            // There is one: if none was there, one was added.
            None => &mut self.system,
        }
    }
}
