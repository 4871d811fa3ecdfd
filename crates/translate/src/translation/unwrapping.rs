//! Calls whose arguments stand in an object as its only member, told as the client's schema has them.

use crate::model::delta::{BlockIndex, Delta, Event};
use crate::model::text::Text;
use crate::model::wrapped::unwrap;
use std::collections::{BTreeMap, BTreeSet};

/// Holds the arguments of such calls until they are whole; all else passes.
#[derive(Debug)]
pub(super) struct Unwrapping {
    /// The tools, by the client's names.
    tools: BTreeSet<String>,
    /// The arguments of each open call so far, still escaped.
    open: BTreeMap<BlockIndex, String>,
}

impl Unwrapping {
    /// None, where no tool of the request is such a one.
    pub(super) fn of(tools: &BTreeSet<String>) -> Option<Self> {
        (!tools.is_empty()).then(|| Self { tools: tools.clone(), open: BTreeMap::new() })
    }

    /// Holds a piece of arguments; `false`: it is none of such a call.
    pub(super) fn holds(&mut self, index: BlockIndex, delta: &Delta<'_>) -> bool {
        let Delta::ToolInput(piece) = delta else { return false };
        let held = self.open.get_mut(&index);
        held.map(|held| held.push_str(piece.as_escaped())).is_some()
    }

    /// Looks at an event that is not held; gives what must be told before it.
    pub(super) fn before(&mut self, event: &Event<'_>) -> Vec<Event<'static>> {
        match event {
            Event::Delta { index, delta: Delta::ToolUse { name, .. } }
                if self.tools.contains(name.plain().as_ref()) =>
            {
                self.open.insert(*index, String::new());
                Vec::new()
            }
            // Arguments can be unwrapped only when they are whole: the closing brace belongs to the wrapper.
            Event::BlockStop { index, .. } => {
                self.open.remove_entry(index).and_then(|(index, held)| unwrapped(index, held)).into_iter().collect()
            }
            // Some models stop without ending their last block.
            Event::Stop(_) => self.rest(),
            Event::Start | Event::Delta { .. } | Event::Metadata { .. } | Event::Unknown => Vec::new(),
        }
    }

    /// Gives the arguments of calls that were not ended.
    pub(super) fn rest(&mut self) -> Vec<Event<'static>> {
        std::mem::take(&mut self.open).into_iter().filter_map(|(index, held)| unwrapped(index, held)).collect()
    }
}

fn unwrapped(index: BlockIndex, held: String) -> Option<Event<'static>> {
    let held = Text::from_escaped(held);
    let arguments = Text::from_plain(unwrap(&held.plain()).to_owned());
    (!arguments.is_empty()).then_some(Event::Delta { index, delta: Delta::ToolInput(arguments) })
}
