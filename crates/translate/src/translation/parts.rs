//! Blocks that turned out to hold several kinds of content, told as one block for each stretch of one kind.
//!
//! ```text
//! from the stages before:   0:text "a"   0:reasoning "b"             0:text "c"                0 stops
//! told:                     0.0 "a"      0.0 stops, 0.1 "b"          0.1 stops, 0.2 "c"        0.2 stops
//! ```

use crate::model::delta::{BlockIndex, Delta, Event};
use std::collections::BTreeMap;

/// The kinds of content, each of which has blocks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentKind {
    Text,
    Reasoning,
    ToolUse,
}

/// The part of an open block that is being told.
#[derive(Clone, Copy, Debug)]
struct Current {
    part: u32,
    kind: ContentKind,
}

/// The numbering of the parts of an answer's blocks.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The open blocks, by the upstream's index.
    open: BTreeMap<u32, Current>,
}

impl Parts {
    /// Numbers the parts of these events, and ends each part where the next one begins.
    pub(super) fn numbered<'a>(&mut self, events: Vec<Event<'a>>) -> Vec<Event<'a>> {
        let mut numbered = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Delta { index, delta } => {
                    let index = self.part_for(index, kind_of_delta(&delta), &mut numbered);
                    numbered.push(Event::Delta { index, delta });
                }
                Event::BlockStop { index, seal, goes_on } => {
                    // A seal behind other content than reasoning has a part of its own.
                    let kind = seal.is_some().then_some(ContentKind::Reasoning);
                    let index = self.part_for(index, kind, &mut numbered);
                    self.open.remove(&index.upstream);
                    numbered.push(Event::BlockStop { index, seal, goes_on });
                }
                Event::Start | Event::Stop(_) | Event::Metadata { .. } | Event::Unknown => numbered.push(event),
            }
        }
        numbered
    }

    /// The part that content of this kind belongs to; content of no kind belongs to the part that is open.
    fn part_for(&mut self, index: BlockIndex, kind: Option<ContentKind>, told: &mut Vec<Event<'_>>) -> BlockIndex {
        let upstream = index.upstream;
        let part = match (self.open.get_mut(&upstream), kind) {
            (Some(current), Some(kind)) if current.kind != kind => {
                let before = BlockIndex { upstream, part: current.part };
                told.push(Event::BlockStop { index: before, seal: None, goes_on: true });
                *current = Current { part: current.part + 1, kind };
                current.part
            }
            (Some(current), _) => current.part,
            (None, Some(kind)) => {
                self.open.insert(upstream, Current { part: 0, kind });
                0
            }
            (None, None) => 0,
        };
        BlockIndex { upstream, part }
    }
}

fn kind_of_delta(delta: &Delta<'_>) -> Option<ContentKind> {
    match delta {
        Delta::Text(_) | Delta::Citation(_) => Some(ContentKind::Text),
        Delta::Reasoning(_) | Delta::SealPiece(_) => Some(ContentKind::Reasoning),
        Delta::ToolUse { .. } | Delta::ToolInput(_) => Some(ContentKind::ToolUse),
        Delta::Unknown => None,
    }
}
