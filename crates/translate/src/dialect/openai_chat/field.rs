//! Paths of fields in a Chat Completions request, as its clients write them.

use crate::model::field_ref::FieldRef;
use std::borrow::Cow;

/// The path of a field: `messages[3].tool_calls`.
#[must_use]
pub fn path(field: &FieldRef) -> Cow<'_, str> {
    Cow::Borrowed(match field {
        FieldRef::Model => "model",
        FieldRef::Stream => "stream",
        FieldRef::Conversation => "messages",
        FieldRef::Content(at) => return Cow::Owned(format!("messages[{at}].content")),
        FieldRef::ToolCalls(at) => return Cow::Owned(format!("messages[{at}].tool_calls")),
        FieldRef::ToolResult(at) => return Cow::Owned(format!("messages[{at}].tool_call_id")),
        FieldRef::PastReasoning(None) => "messages[].reasoning",
        FieldRef::PastReasoning(Some(at)) => return Cow::Owned(format!("messages[{at}].reasoning")),
        FieldRef::Seals(at) => return Cow::Owned(format!("messages[{at}].reasoning_details")),
        FieldRef::Reasoning => "reasoning",
        FieldRef::Effort => "reasoning_effort",
        FieldRef::ReasoningDisplay => "thinking.display",
        FieldRef::Tools => "tools",
        FieldRef::ToolStrict(at) => return Cow::Owned(format!("tools[{at}].function.strict")),
        FieldRef::ToolSchema(at) => return Cow::Owned(format!("tools[{at}].function.parameters")),
        FieldRef::ToolCachePoints => "tools[].cache_control",
        FieldRef::ToolChoice => "tool_choice",
        FieldRef::ParallelTools => "parallel_tool_calls",
        FieldRef::AnsweredCalls => "tool_calls",
        FieldRef::MaxTokens => "max_tokens",
        FieldRef::Temperature => "temperature",
        FieldRef::TopP => "top_p",
        FieldRef::TopK => "top_k",
        FieldRef::Stop => "stop",
        FieldRef::Format => "response_format",
        FieldRef::StructuredFormat => "response_format.json_schema",
        FieldRef::Schema => "response_format.json_schema.schema",
        FieldRef::CachePoints => "cache_control",
        FieldRef::CacheLifetime => "cache_control.ttl",
        FieldRef::Metadata => "metadata",
        FieldRef::ServiceTier => "service_tier",
        FieldRef::Guardrail => "guardrailConfig",
        FieldRef::Betas => "anthropic_beta",
        FieldRef::OwnFields => "additionalModelRequestFields",
        FieldRef::OwnField(name) => return Cow::Owned(format!("additionalModelRequestFields.{name}")),
        FieldRef::Others => "(others)",
        FieldRef::Own(path) => path,
    })
}
