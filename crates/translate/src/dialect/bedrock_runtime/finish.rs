//! Stop reasons in Converse's words.

use crate::model::response::StopReason;

/// The word of a stop reason; `None` for one that is newer than this gateway.
#[must_use]
pub fn stop_word(stop: &StopReason<'_>) -> Option<&'static str> {
    Some(match stop {
        StopReason::EndTurn => "end_turn",
        StopReason::StopSequence(_) => "stop_sequence",
        StopReason::MaxTokens => "max_tokens",
        StopReason::ToolUse => "tool_use",
        StopReason::GuardrailIntervened => "guardrail_intervened",
        StopReason::ContentFiltered | StopReason::Refused => "content_filtered",
        StopReason::ContextWindowExceeded => "model_context_window_exceeded",
        StopReason::Malformed(word) if word == "malformed_tool_use" => "malformed_tool_use",
        StopReason::Malformed(_) => "malformed_model_output",
        StopReason::Other(_) => return None,
    })
}
