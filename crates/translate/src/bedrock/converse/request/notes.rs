//! The warnings of the Converse writer, each given once.

use crate::catalogue::Entry;
use crate::model::field_ref::FieldRef;
use crate::model::request::Block;
use crate::warning::{Warning, WarningKind};

/// The most warnings of equal wording for different fields; of more only their number is given.
const MOST_ALIKE: usize = 20;

/// The warnings so far.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Notes {
    warnings: Vec<Warning>,
    unnamed: usize,
}

impl Notes {
    pub(in crate::bedrock) fn add(&mut self, warning: Warning) {
        if self.warnings.contains(&warning) {
            return;
        }
        if self.warnings.iter().filter(|known| known.why == warning.why).count() < MOST_ALIKE {
            self.warnings.push(warning);
        } else {
            self.unnamed += 1;
        }
    }

    pub(in crate::bedrock) fn ignored(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::ignored(field, why));
    }

    pub(in crate::bedrock) fn dropped(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::dropped(field, why));
    }

    pub(in crate::bedrock) fn changed(&mut self, field: FieldRef, why: impl Into<String>) {
        self.add(Warning::changed(field, why));
    }

    /// Told for the first message only: a long history would fill the header.
    pub(in crate::bedrock) fn reasoning_left_out(&mut self, position: usize, entry: &Entry, block: &Block<'_>) {
        let why = match block {
            Block::Reasoning { signature: None, .. } => format!("{} takes no unsigned reasoning back", entry.name),
            Block::Reasoning { .. } => format!("{} takes no signed reasoning back", entry.name),
            Block::Text(_)
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => format!("{} takes no encrypted reasoning back", entry.name),
        };
        let mut dropped = self.warnings.iter().filter(|warning| warning.kind == WarningKind::Dropped);
        if !dropped.any(|warning| warning.why == why) {
            self.add(Warning::dropped(FieldRef::PastReasoning(Some(position)), why));
        }
    }

    /// Told for the first message only.
    pub(in crate::bedrock) fn foreign_reasoning(&mut self, position: usize, entry: &Entry) {
        let why = format!("it was made by another model or account than this {}, which would refuse it", entry.name);
        if !self.warnings.iter().any(|warning| warning.why == why) {
            self.add(Warning::dropped(FieldRef::PastReasoning(Some(position)), why));
        }
    }

    /// All of them, with one more that counts those that were too many to name.
    pub(in crate::bedrock) fn into_warnings(mut self) -> Vec<Warning> {
        if self.unnamed > 0 {
            let why = format!("{} more fields were ignored or changed", self.unnamed);
            self.ignored(FieldRef::Others, why);
        }
        self.warnings
    }
}
