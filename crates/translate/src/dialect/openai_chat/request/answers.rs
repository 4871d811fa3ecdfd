//! Results that do not say which call they answer: matched by what else they say, where that is certain.

use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::{Block, Message, Role};
use crate::model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// A result without the id of its call.
pub(super) struct Unnamed {
    /// The place of its message among the turns.
    pub(super) turn: usize,
    /// The `id` that some clients send in place of `tool_call_id`.
    pub(super) id: Option<String>,
    /// The tool's name.
    pub(super) name: Option<String>,
    /// The error when no call can be found for the result.
    pub(super) fault: Fault,
}

/// Gives every result the id of its call.
///
/// # Errors
///
/// When it is not certain which call a result answers.
pub(super) fn name(turns: &mut [Message<'_>], unnamed: Vec<Unnamed>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(first) = unnamed.first() else { return Ok(()) };
    let mut open: Vec<Option<Call>> = open_calls(turns, first.turn).into_iter().map(Some).collect();
    let ids = open.iter().flatten().enumerate().map(|(at, call)| (call.id.clone(), at));
    let ids: BTreeMap<String, usize> = ids.collect();
    let mut by_name: BTreeMap<Option<String>, Vec<Unnamed>> = BTreeMap::new();
    for result in unnamed {
        let by_id = result.id.as_ref().and_then(|id| ids.get(id)).and_then(|at| open.get_mut(*at)?.take());
        match by_id {
            Some(call) => answer(turns, &result, &call.id, notes),
            None => by_name.entry(result.name.clone()).or_default().push(result),
        }
    }
    let nameless = by_name.remove(&None);
    let mut calls: BTreeMap<Option<String>, Vec<Call>> = BTreeMap::new();
    for call in open.into_iter().flatten() {
        // Without names it is the order of all other calls that counts.
        let name = Some(call.name.clone()).filter(|_| by_name.contains_key(&Some(call.name.clone())));
        calls.entry(name).or_default().push(call);
    }
    for (name, results) in by_name {
        in_order(turns, results, &calls.remove(&name).unwrap_or_default(), notes)?;
    }
    in_order(turns, nameless.unwrap_or_default(), &calls.remove(&None).unwrap_or_default(), notes)
}

struct Call {
    id: String,
    name: String,
}

/// The calls of the model's latest turn before a message that nothing answers yet, in order.
fn open_calls(turns: &[Message<'_>], before: usize) -> Vec<Call> {
    let (head, tail) = turns.split_at(before.min(turns.len()));
    let ends = head.iter().rposition(|message| message.role == Role::Assistant).map_or(0, |at| at + 1);
    let (said, answers) = head.split_at(ends);
    let begins = said.iter().rposition(|message| message.role != Role::Assistant).map_or(0, |at| at + 1);
    let answers = answers.iter().chain(tail).flat_map(|message| &message.content);
    let mut answered: BTreeSet<String> = BTreeSet::new();
    for block in answers {
        if let Block::ToolResult { id, .. } = block {
            answered.insert(id.plain().into_owned());
        }
    }
    let calls = said.iter().skip(begins).flat_map(|message| &message.content).filter_map(Block::tool_call);
    let calls = calls.map(|call| Call { id: call.id.plain().into_owned(), name: call.name.to_owned() });
    calls.filter(|call| !answered.contains(&call.id)).collect()
}

/// As many results as calls are in the calls' order; of other numbers nobody knows.
fn in_order(turns: &mut [Message<'_>], results: Vec<Unnamed>, calls: &[Call], notes: &mut Notes) -> Result<(), Fault> {
    let certain = results.len() == calls.len() || results.is_empty();
    for (at, result) in results.into_iter().enumerate() {
        match calls.get(at).filter(|_| certain) {
            Some(call) => answer(turns, &result, &call.id, notes),
            None => return Err(result.fault),
        }
    }
    Ok(())
}

fn answer(turns: &mut [Message<'_>], result: &Unnamed, call: &str, notes: &mut Notes) {
    let content = turns.get_mut(result.turn).map(|message| &mut message.content);
    if let Some(Block::ToolResult { id, .. }) = content.and_then(|content| content.first_mut()) {
        *id = Text::from_plain(call.to_owned());
    }
    notes.added(
        &result.fault,
        "it does not say which call is answered; the one was taken that it can answer for certain",
    );
}
