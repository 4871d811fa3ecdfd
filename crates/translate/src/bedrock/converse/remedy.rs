//! What can be done about a refusal: the few that a second attempt, asked otherwise, survives.
//!
//! Source: the message texts that Bedrock passes on from the models (Bedrock's API reference, `ValidationException`, and
//! the vendors' documentation). They are matched without regard to case and quotes, as their wording varies.

use crate::fault::Fault;

/// What a second attempt does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It sends no reasoning back: a block of it was altered, foreign, missing or out of place.
    WithoutReasoning,
    /// Reasoning is bound to another conversation: it is sent back to be dropped, or not at all.
    Unbound,
    /// It asks for a lower effort.
    LowerEffort,
    /// It asks for the schema in words.
    SchemaInWords,
    /// It gives calls and results turns of their own.
    Apart,
}

/// Words that together tell of reasoning that a model does not take as it came.
const REASONING: [&[&str]; 9] = [
    &["invalid data", "redacted_thinking"],
    &["invalid signature", "thinking"],
    &["signature", "field required"],
    &["thinking", "cannot be modified"],
    &["expected thinking"],
    &["final block", "cannot be", "thinking"],
    &["cannot contain thinking"],
    &["cannot contain reasoning"],
    &["support", "reasoningcontent"],
];
/// Words that tell of an effort that a model does not have.
const EFFORT: [&[&str]; 1] = [&["effort"]];
/// Words that tell of a schema that a model does not enforce.
const SCHEMA: [&[&str]; 5] =
    [&["output_config.format"], &["output_format"], &["textformat"], &["structured output"], &["outputconfig"]];

/// Words that tell of a model that takes nothing beside a call or a result.
const TOGETHER: [&[&str]; 3] = [
    &["blocks", "cannot be provided in the same turn"],
    &["tool_use", "text", "same message"],
    &["either content or tool_calls", "not both"],
];

/// What can be done about a fault, if anything can.
#[must_use]
pub fn remedy(fault: &Fault) -> Option<Remedy> {
    let Fault::Refused(refusal) = fault else { return None };
    if refusal.status != 400 {
        return None;
    }
    let message: String = refusal.message.chars().filter(|c| !matches!(c, '`' | '"' | '\'')).collect();
    let message = message.to_lowercase();
    let tells = |words: &[&[&str]]| words.iter().any(|all| all.iter().all(|word| message.contains(word)));
    if message.contains("bound to a different conversation") {
        Some(Remedy::Unbound)
    } else if tells(&REASONING) {
        Some(Remedy::WithoutReasoning)
    } else if tells(&SCHEMA) {
        Some(Remedy::SchemaInWords)
    } else if tells(&TOGETHER) {
        Some(Remedy::Apart)
    } else if tells(&EFFORT) {
        Some(Remedy::LowerEffort)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Refusal;

    fn told(status: u16, message: &str) -> Option<Remedy> {
        let exception = "ValidationException".to_owned();
        remedy(&Fault::Refused(Refusal { exception, status, message: message.to_owned(), retry_after: None }))
    }

    #[test]
    fn refusals_of_reasoning_are_known_in_their_many_words() {
        for message in [
            "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block",
            "messages.1.content.0.thinking.signature: Field required",
            "messages.3.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
            "When thinking is disabled, an `assistant` message in the final position cannot contain `thinking`.",
            "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
            "messages.1: The final block in an assistant message cannot be `thinking`.",
            "messages.1: The final block in an assistant message cannot be `redacted_thinking`.",
            "User messages cannot contain reasoning content",
            "This model doesn't support the reasoningContent.reasoningText.signature field.",
        ] {
            assert_eq!(told(400, message), Some(Remedy::WithoutReasoning), "{message}");
        }
        let bound = "messages.1.content.0: Invalid `thinking` block: The block is bound to a different conversation";
        assert_eq!(told(400, bound), Some(Remedy::Unbound));
    }

    #[test]
    fn other_refusals_have_their_own_remedy_or_none() {
        let level = "This model does not support effort level 'max'. Supported levels: high, low, medium.";
        assert_eq!(told(400, level), Some(Remedy::LowerEffort));
        assert_eq!(told(400, "output_config.effort: Input should be 'low' or 'high'"), Some(Remedy::LowerEffort));
        assert_eq!(told(400, "output_config.format: Extra inputs are not permitted"), Some(Remedy::SchemaInWords));
        let turn = "Conversation blocks and tool result blocks cannot be provided in the same turn.";
        assert_eq!(told(400, turn), Some(Remedy::Apart));
        assert_eq!(told(400, &turn.replace("result", "use")), Some(Remedy::Apart));
        assert_eq!(told(400, "Input is too long for requested model."), None);
        assert_eq!(told(400, "`temperature` may only be set to 1 when thinking is enabled."), None);
        assert_eq!(told(429, "Invalid `signature` in `thinking` block"), None);
        assert_eq!(remedy(&Fault::Ours("effort".to_owned())), None);
    }
}
