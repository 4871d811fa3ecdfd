//! Finish reasons of Chat Completions.

use crate::model::response::{Finish, StopReason};

/// The `finish_reason`. An answer with tool calls says so, whatever the model says of its end, and one without never
/// does: a client that is told of calls looks for them, and one that is not told waits for nothing. Only what was cut
/// off or held back is told as that. Reasons that are newer than this gateway count as `stop`.
pub(super) fn reason(finish: &Finish, legacy: bool) -> &'static str {
    match finish.stop {
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => "length",
        StopReason::GuardrailIntervened | StopReason::ContentFiltered | StopReason::Refused => "content_filter",
        StopReason::EndTurn
        | StopReason::StopSequence(_)
        | StopReason::ToolUse
        | StopReason::Malformed(_)
        | StopReason::Other(_) => match (finish.called, legacy) {
            (true, true) => "function_call",
            (true, false) => "tool_calls",
            (false, _) => "stop",
        },
    }
}
