//! The bill, as Chat Completions tells it.

use crate::model::response::Usage;
use std::fmt::Write as _;

/// Appends the `usage` object. Details are told when Bedrock reported them, and never guessed.
pub(super) fn write(out: &mut String, usage: &Usage) {
    let (prompt, output, total) = (usage.prompt(), usage.output, usage.total());
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"prompt_tokens":{prompt},"completion_tokens":{output},"total_tokens":{total}"#);
    if usage.cache_read.is_some() || usage.cache_write.is_some() {
        let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
        let _ = write!(out, r#","prompt_tokens_details":{{"cached_tokens":{read},"cache_write_tokens":{written}}}"#);
    }
    if let Some(reasoning) = usage.reasoning {
        let _ = write!(out, r#","completion_tokens_details":{{"reasoning_tokens":{reasoning}}}"#);
    }
    out.push('}');
}
