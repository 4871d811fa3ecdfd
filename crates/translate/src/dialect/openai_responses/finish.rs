//! How a response ended, in Responses' words.

use super::items::ItemStatus;
use crate::model::response::{Finish, StopReason};

/// Why an answer is not whole: `incomplete_details.reason`; `None` where it is.
pub(super) fn incomplete(stop: &StopReason<'_>) -> Option<&'static str> {
    match stop {
        StopReason::MaxTokens | StopReason::ContextWindowExceeded => Some("max_output_tokens"),
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => Some("content_filter"),
        StopReason::EndTurn
        | StopReason::StopSequence(_)
        | StopReason::ToolUse
        // A refusal is an answer, with a part of its own.
        | StopReason::Refused
        | StopReason::Malformed(_)
        | StopReason::Other(_) => None,
    }
}

/// The `status` of a response that ended so.
pub(super) fn status(finish: &Finish) -> &'static str {
    of_response(finish).word()
}

/// The same, as that of items.
pub(super) fn of_response(finish: &Finish) -> ItemStatus {
    match incomplete(&finish.stop) {
        Some(_) => ItemStatus::Incomplete,
        None => ItemStatus::Completed,
    }
}

/// The status of the item that was open at the end: a refusal cuts it off.
pub(super) fn of_last_item(finish: &Finish) -> ItemStatus {
    if finish.stop == StopReason::Refused { ItemStatus::Incomplete } else { of_response(finish) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_or_held_back_is_incomplete_and_says_why() {
        let told = |stop: StopReason<'static>| {
            let reason = incomplete(&stop);
            (status(&Finish { stop, called: true }), reason)
        };
        assert_eq!(told(StopReason::EndTurn), ("completed", None));
        assert_eq!(told(StopReason::Other("newer".into())), ("completed", None));
        assert_eq!(told(StopReason::MaxTokens), ("incomplete", Some("max_output_tokens")));
        assert_eq!(told(StopReason::ContextWindowExceeded), ("incomplete", Some("max_output_tokens")));
        assert_eq!(told(StopReason::GuardrailIntervened), ("incomplete", Some("content_filter")));
        assert_eq!(told(StopReason::Refused), ("completed", None));
        assert_eq!(of_last_item(&Finish { stop: StopReason::Refused, called: true }), ItemStatus::Incomplete);
        assert_eq!(told(StopReason::ContentFiltered), ("incomplete", Some("content_filter")));
    }
}
