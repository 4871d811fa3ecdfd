//! Why an answer ended, in Messages' words.

use crate::model::response::{Finish, StopReason};
use crate::model::text::Text;

/// The `stop_reason`. An answer with tool calls says so, whatever the model says of its end, and one without never does:
/// only what was cut off or held back is told as that. Reasons that are newer than this gateway count as `end_turn`.
pub(super) fn reason(finish: &Finish) -> &'static str {
    match &finish.stop {
        StopReason::MaxTokens => "max_tokens",
        StopReason::ContextWindowExceeded => "model_context_window_exceeded",
        StopReason::GuardrailIntervened | StopReason::ContentFiltered | StopReason::Refused => "refusal",
        _ if finish.called => "tool_use",
        StopReason::StopSequence(_) => "stop_sequence",
        StopReason::Other(word) if word == "pause_turn" => "pause_turn",
        StopReason::Other(word) if word == "compaction" => "compaction",
        StopReason::EndTurn | StopReason::ToolUse | StopReason::Malformed(_) | StopReason::Other(_) => "end_turn",
    }
}

/// `"stop_reason":...,"stop_sequence":...`: with the sequence at which the answer ended, or the only one of the request.
pub(super) fn members(finish: &Finish, only: Option<&Text<'_>>) -> String {
    let reason = reason(finish);
    let mut which = None;
    if let StopReason::StopSequence(told) = &finish.stop
        && reason == "stop_sequence"
    {
        which = told.as_ref().or(only);
    }
    match which {
        Some(which) => format!(r#""stop_reason":"{reason}","stop_sequence":"{}""#, which.as_escaped()),
        None => format!(r#""stop_reason":"{reason}","stop_sequence":null"#),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_word() {
        let said = |stop: StopReason<'static>, called| reason(&Finish { stop, called });
        assert_eq!(said(StopReason::EndTurn, false), "end_turn");
        assert_eq!(said(StopReason::EndTurn, true), "tool_use");
        assert_eq!(said(StopReason::ToolUse, false), "end_turn");
        assert_eq!(said(StopReason::MaxTokens, true), "max_tokens");
        assert_eq!(said(StopReason::GuardrailIntervened, false), "refusal");
        assert_eq!(said(StopReason::ContextWindowExceeded, false), "model_context_window_exceeded");
        assert_eq!(said(StopReason::Other("pause_turn".into()), false), "pause_turn");
        assert_eq!(said(StopReason::Other("newer".into()), false), "end_turn");
        assert_eq!(said(StopReason::StopSequence(None), false), "stop_sequence");
    }

    #[test]
    fn the_sequence_is_the_one_that_was_told_or_the_only_one() {
        let only = Text::from_plain("END");
        let of = |which: Option<&'static str>| {
            let stop = StopReason::StopSequence(which.map(Text::from_plain));
            members(&Finish { stop, called: false }, Some(&only))
        };
        assert_eq!(of(None), r#""stop_reason":"stop_sequence","stop_sequence":"END""#);
        assert_eq!(of(Some("#")), r##""stop_reason":"stop_sequence","stop_sequence":"#""##);
    }
}
