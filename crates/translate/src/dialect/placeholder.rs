//! A word that a model writes where its thought would stand, such as Nova's `[REDACTED]`, however it is cut.

use crate::model::delta::BlockIndex;
use crate::model::text::Text;

/// Holds text back that may become the word.
#[derive(Debug, Default)]
pub(super) struct Held {
    held: Option<(BlockIndex, String)>,
}

impl Held {
    /// Holds a text back that may be the placeholder, or more of it; `false` for all other texts.
    pub(super) fn takes(&mut self, word: Option<&str>, block: BlockIndex, text: &Text<'_>) -> bool {
        let Some(word) = word else { return false };
        let begun = match &self.held {
            None => word,
            Some((held_block, held)) if *held_block == block => word.strip_prefix(held.as_str()).unwrap_or_default(),
            Some(_) => "",
        };
        if begun.is_empty() || !begun.starts_with(text.as_escaped()) {
            return false;
        }
        self.held.get_or_insert_with(|| (block, String::new())).1.push_str(text.as_escaped());
        true
    }

    /// The text that was held back, with its block.
    pub(super) fn release(&mut self) -> Option<(BlockIndex, String)> {
        self.held.take()
    }
}
