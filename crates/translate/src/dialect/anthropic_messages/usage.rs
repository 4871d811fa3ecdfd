//! The bill, as Messages tells it.

use crate::model::response::Usage;
use crate::model::text::Text;
use std::fmt::Write as _;

/// The usage with which a stream begins, when none is known yet.
pub(super) const NOTHING: &str =
    r#"{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}"#;

/// Appends the `usage` object. `input_tokens` are those that no cache read or wrote; details are told when the model told
/// them.
pub(super) fn write(out: &mut String, usage: &Usage, tier: Option<&Text<'_>>) {
    let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#"{{"input_tokens":{},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{read},"output_tokens":{}"#,
        usage.input, usage.output
    );
    if let Some(hours) = usage.cache_write_hour {
        let minutes = written.saturating_sub(hours);
        let _ = write!(
            out,
            r#","cache_creation":{{"ephemeral_5m_input_tokens":{minutes},"ephemeral_1h_input_tokens":{hours}}}"#
        );
    }
    if let Some(reasoning) = usage.reasoning {
        let _ = write!(out, r#","output_tokens_details":{{"thinking_tokens":{reasoning}}}"#);
    }
    let tier = match tier.map(Text::as_escaped) {
        None | Some("default") => "standard",
        Some(tier) => tier,
    };
    let _ = write!(out, r#","service_tier":"{tier}"}}"#);
}
