//! Why an answer ended, in Chat Completions' words.

use crate::fault::{Fault, Misbehaviour};
use crate::model::response::StopReason;

/// The `finish_reason`. An answer with tool calls says so, whatever the model says of its end, and one without never
/// does: a client that is told of calls looks for them, and one that is not told waits for nothing. Only what was cut
/// off or held back is told as that. Reasons that are newer than this gateway count as `stop`.
///
/// # Errors
///
/// Output that Bedrock itself calls malformed is no answer.
pub(super) fn reason(stop: &StopReason<'_>, called: bool, legacy: bool) -> Result<&'static str, Fault> {
    Ok(match stop {
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => "length",
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => "content_filter",
        StopReason::Malformed(word) => {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(word.to_string())));
        }
        StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse | StopReason::Other(_) => {
            match (called, legacy) {
                (true, true) => "function_call",
                (true, false) => "tool_calls",
                (false, _) => "stop",
            }
        }
    })
}
