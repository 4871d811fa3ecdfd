//! Paths of fields in a Messages request, as Anthropic's errors write them: `messages.3.content.1.source`.

use crate::model::field_ref::FieldRef;
use std::borrow::Cow;

/// The path of a field.
#[must_use]
pub fn path(field: &FieldRef) -> Cow<'_, str> {
    Cow::Borrowed(match field {
        FieldRef::Model => "model",
        FieldRef::Stream => "stream",
        FieldRef::Conversation | FieldRef::PastReasoning(None) => "messages",
        FieldRef::Content(at)
        | FieldRef::ToolCalls(at)
        | FieldRef::ToolResult(at)
        | FieldRef::PastReasoning(Some(at)) => return Cow::Owned(format!("messages.{at}.content")),
        FieldRef::Seals(at) => return Cow::Owned(format!("messages.{at}.content.signature")),
        FieldRef::Reasoning => "thinking",
        FieldRef::Effort => "output_config.effort",
        FieldRef::ReasoningDisplay => "thinking.display",
        FieldRef::Tools => "tools",
        FieldRef::ToolStrict(at) => return Cow::Owned(format!("tools.{at}.strict")),
        FieldRef::ToolSchema(at) => return Cow::Owned(format!("tools.{at}.input_schema")),
        FieldRef::ToolCachePoints => "tools.cache_control",
        FieldRef::ToolChoice => "tool_choice",
        FieldRef::ParallelTools => "tool_choice.disable_parallel_tool_use",
        FieldRef::AnsweredCalls => "content",
        FieldRef::MaxTokens => "max_tokens",
        FieldRef::Temperature => "temperature",
        FieldRef::TopP => "top_p",
        FieldRef::TopK => "top_k",
        FieldRef::Stop => "stop_sequences",
        FieldRef::Format | FieldRef::StructuredFormat => "output_config.format",
        FieldRef::Schema => "output_config.format.schema",
        FieldRef::CachePoints => "cache_control",
        FieldRef::CacheLifetime => "cache_control.ttl",
        FieldRef::Metadata => "metadata",
        FieldRef::ServiceTier => "service_tier",
        FieldRef::Guardrail => "guardrailConfig",
        FieldRef::Betas => "anthropic-beta",
        FieldRef::OwnFields => "additionalModelRequestFields",
        FieldRef::OwnField(name) => name,
        FieldRef::Others => "(others)",
        FieldRef::Own(path) => return dotted(path),
    })
}

/// `messages[3].content[1]` as `messages.3.content.1`.
pub(super) fn dotted(path: &str) -> Cow<'_, str> {
    if path.contains('[') { Cow::Owned(path.replace('[', ".").replace(']', "")) } else { Cow::Borrowed(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_stand_between_dots() {
        assert_eq!(path(&FieldRef::own("messages[3].content[1].source")), "messages.3.content.1.source");
        assert_eq!(path(&FieldRef::Content(2)), "messages.2.content");
        assert_eq!(path(&FieldRef::own("max_tokens")), "max_tokens");
    }
}
