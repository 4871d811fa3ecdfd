//! Why an answer ended, in Chat Completions' words.

use crate::fault::{Fault, Misbehaviour};
use crate::model::response::StopReason;

/// The `finish_reason`. Reasons that are newer than this gateway count as `stop`, except that an answer with tool
/// calls always says `tool_calls`: a client that is not told would wait for nothing.
///
/// # Errors
///
/// Output that Bedrock itself calls malformed is no answer.
pub(super) fn reason(stop: &StopReason<'_>, called: bool, legacy: bool) -> Result<&'static str, Fault> {
    let calls = if legacy { "function_call" } else { "tool_calls" };
    Ok(match stop {
        StopReason::ToolUse => calls,
        StopReason::Other(_) if called => calls,
        StopReason::EndTurn | StopReason::StopSequence | StopReason::Other(_) => "stop",
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => "length",
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => "content_filter",
        StopReason::Malformed(word) => {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(word.to_string())));
        }
    })
}
