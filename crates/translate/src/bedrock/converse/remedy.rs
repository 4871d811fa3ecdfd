//! What can be done about a refusal: the few that a second attempt, asked otherwise, survives.
//!
//! Source: the message texts that Bedrock passes on from the models (Bedrock's API reference, `ValidationException`, and
//! the vendors' documentation). They are matched without regard to case and quotes, as their wording varies.

use crate::fault::Fault;

/// A change to the request with which a second attempt can succeed where the first was refused.
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
    /// It asks for a whole answer, because of the tools.
    Whole,
    /// It says nothing of sampling.
    WithoutSampling,
    /// It sends no stop sequences, and the answer is cut at them.
    StopsHere,
    /// It puts what leads the conversation before the user's first words.
    SystemInMessages,
    /// It offers no tools.
    WithoutTools,
    /// It asks in words for the tool that must be called.
    ToolInWords,
    /// It gives calls and results turns of their own.
    Apart,
    /// It puts each result at the beginning of the turn behind its call.
    Paired,
}

/// Words that together tell of reasoning that a model does not take as it came.
const REASONING: [&[&str]; 10] = [
    &["invalid data", "redacted_thinking"],
    &["invalid signature", "thinking"],
    &["signature", "field required"],
    &["thinking", "cannot be modified"],
    &["expected thinking"],
    &["final block", "cannot be", "thinking"],
    &["cannot contain thinking"],
    &["cannot contain reasoning"],
    &["support", "reasoningcontent"],
    &["encrypted content", "could not be verified"],
];
/// Words that tell of calls and results that do not stand where a model looks for them.
const PAIRS: [&[&str]; 7] = [
    &["tool_use ids were found without tool_result"],
    &["unexpected tool_use_id", "tool_result"],
    &["tool_use ids must be unique"],
    &["tool_use must have a single result"],
    &["expected toolresult blocks at"],
    &["number of toolresult blocks", "exceeds"],
    &["must be followed by tool messages"],
];
/// Words that tell of an effort that a model does not have.
const EFFORT: [&[&str]; 1] = [&["effort"]];
/// Words that tell of a schema that a model does not enforce.
const SCHEMA: [&[&str]; 5] =
    [&["output_config.format"], &["output_format"], &["textformat"], &["structured output"], &["outputconfig"]];
/// Words that tell of a model that takes tools for whole answers only.
const STREAMING: [&[&str]; 2] = [&["tool use in streaming"], &["support", "tool", "streaming mode"]];
/// Words that tell of temperature, top-p or top-k that a model does not take, or not together.
const SAMPLING: [&[&str]; 8] = [
    &["temperature is deprecated"],
    &["top_p is deprecated"],
    &["top_k is deprecated"],
    &["temperature and top_p cannot both"],
    &["temperature may only be set to 1"],
    &["must be unset when thinking"],
    &["support the temperature field"],
    &["support the topp field"],
];
/// Words that tell of a model that nothing can be said to before the conversation.
const SYSTEM: [&[&str]; 2] = [&["support system messages"], &["support system prompts"]];
/// Words that tell of a model without tools.
const TOOLS: [&[&str]; 2] = [&["support tool use."], &["support the toolconfig field"]];
/// Words that tell of a tool's call that cannot be forced.
const FORCED: [&[&str]; 3] = [&["tool_choice", "not supported"], &["toolchoice", "support"], &["tool_choice forces"]];

/// Words that tell of a model that takes no stop sequences.
const STOPS: [&[&str]; 3] =
    [&["support", "stopsequences"], &["support", "stop sequences"], &["support", "stop_sequences"]];

/// Words that tell of a model that takes nothing beside a call or a result.
const TOGETHER: [&[&str]; 3] = [
    &["blocks", "cannot be provided in the same turn"],
    &["tool_use", "text", "same message"],
    &["either content or tool_calls", "not both"],
];

/// Finds the change to the request that may get past this refusal; `None` where no second attempt helps.
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
    } else if tells(&PAIRS) {
        Some(Remedy::Paired)
    } else if tells(&SAMPLING) {
        Some(Remedy::WithoutSampling)
    } else if tells(&STOPS) {
        Some(Remedy::StopsHere)
    } else if tells(&SYSTEM) {
        Some(Remedy::SystemInMessages)
    } else if tells(&TOOLS) {
        Some(Remedy::WithoutTools)
    } else if tells(&STREAMING) {
        Some(Remedy::Whole)
    } else if tells(&FORCED) {
        Some(Remedy::ToolInWords)
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

    fn remedy_of(status: u16, message: &str) -> Option<Remedy> {
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
            "The encrypted content for item rs_1 could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
            "This model doesn't support the reasoningContent.reasoningText.signature field.",
        ] {
            assert_eq!(remedy_of(400, message), Some(Remedy::WithoutReasoning), "{message}");
        }
        let bound = "messages.1.content.0: Invalid `thinking` block: The block is bound to a different conversation";
        assert_eq!(remedy_of(400, bound), Some(Remedy::Unbound));
    }

    #[test]
    fn other_refusals_have_their_own_remedy_or_none() {
        let level = "This model does not support effort level 'max'. Supported levels: high, low, medium.";
        assert_eq!(remedy_of(400, level), Some(Remedy::LowerEffort));
        let stops = "This model doesn't support the stopSequences field. Remove stopSequences and try again.";
        assert_eq!(remedy_of(400, stops), Some(Remedy::StopsHere));
        assert_eq!(remedy_of(400, "output_config.effort: Input should be 'low' or 'high'"), Some(Remedy::LowerEffort));
        assert_eq!(remedy_of(400, "output_config.format: Extra inputs are not permitted"), Some(Remedy::SchemaInWords));
        let whole = "This model doesn't support tool use in streaming mode.";
        assert_eq!(remedy_of(400, whole), Some(Remedy::Whole));
        for message in [
            "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
            "tool_choice: type \"tool\" and \"any\" are not supported for this model.",
            "Thinking may not be enabled when tool_choice forces tool use.",
        ] {
            assert_eq!(remedy_of(400, message), Some(Remedy::ToolInWords), "{message}");
        }
        let turn = "Conversation blocks and tool result blocks cannot be provided in the same turn.";
        assert_eq!(remedy_of(400, turn), Some(Remedy::Apart));
        assert_eq!(remedy_of(400, &turn.replace("result", "use")), Some(Remedy::Apart));
        assert_eq!(remedy_of(400, "Input is too long for requested model."), None);
        for message in [
            "The model returned the following errors: `temperature` is deprecated for this model.",
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            "`temperature` may only be set to 1 when thinking is enabled.",
            "`top_p` must be unset when thinking is enabled or in adaptive mode.",
            "This model doesn't support the temperature field. Remove temperature and try again.",
        ] {
            assert_eq!(remedy_of(400, message), Some(Remedy::WithoutSampling), "{message}");
        }
        let stops = "This model doesn't support the stopSequences field. Remove stopSequences and try again.";
        assert_eq!(remedy_of(400, stops), Some(Remedy::StopsHere));
        let system = "This model doesn't support system messages. Try again without a system message.";
        assert_eq!(remedy_of(400, system), Some(Remedy::SystemInMessages));
        assert_eq!(remedy_of(400, "This model doesn't support tool use."), Some(Remedy::WithoutTools));
        for message in [
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t. Each `tool_use` block \
             must have a corresponding `tool_result` block in the next message.",
            "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t. Each `tool_result` block must \
             have a corresponding `tool_use` block in the previous message.",
            "messages.1.content.1: `tool_use` ids must be unique",
            "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: t",
            "Expected toolResult blocks at messages.2.content for the following Ids: t",
            "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
        ] {
            assert_eq!(remedy_of(400, message), Some(Remedy::Paired), "{message}");
        }
        assert_eq!(remedy_of(429, "Invalid `signature` in `thinking` block"), None);
        assert_eq!(remedy(&Fault::Ours("effort".to_owned())), None);
    }
}
