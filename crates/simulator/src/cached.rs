//! What the cache of prompts had of a request, and what it took.

use serde_json::{Value, json};

/// What the cache did for one request, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cached {
    /// Whether anything was marked.
    pub(crate) asked: bool,
    pub(crate) read: usize,
    /// Written for five minutes.
    pub(crate) short: usize,
    /// Written for an hour.
    pub(crate) long: usize,
}

impl Cached {
    pub(crate) fn written(self) -> usize {
        self.short + self.long
    }

    /// What of a request's tokens the cache has nothing to do with.
    pub(crate) fn rest(self, tokens: usize) -> usize {
        tokens.saturating_sub(self.read + self.written())
    }

    /// Its counts as Converse tells them.
    pub(crate) fn add_to(self, usage: &mut Value) {
        usage["cacheReadInputTokens"] = json!(self.read);
        usage["cacheWriteInputTokens"] = json!(self.written());
        let each = [("1h", self.long), ("5m", self.short)].into_iter().filter(|written| written.1 > 0);
        usage["cacheDetails"] = each.map(|written| json!({ "ttl": written.0, "inputTokens": written.1 })).collect();
    }
}
