//! Paths of fields in a Responses request, as its clients write them: `input[3].content[1]`.

use crate::model::field_ref::FieldRef;
use std::borrow::Cow;

/// The path of a field.
#[must_use]
pub fn path(field: &FieldRef) -> Cow<'_, str> {
    Cow::Borrowed(match field {
        FieldRef::Model => "model",
        FieldRef::Stream => "stream",
        FieldRef::Conversation => "input",
        FieldRef::Content(at) => return Cow::Owned(format!("input[{at}].content")),
        FieldRef::ToolCalls(at) | FieldRef::PastReasoning(Some(at)) => return Cow::Owned(format!("input[{at}]")),
        FieldRef::ToolResult(at) => return Cow::Owned(format!("input[{at}].call_id")),
        FieldRef::PastReasoning(None) => "input[].encrypted_content",
        FieldRef::Seals(at) => return Cow::Owned(format!("input[{at}].encrypted_content")),
        FieldRef::Reasoning => "reasoning",
        FieldRef::Effort => "reasoning.effort",
        FieldRef::ReasoningDisplay => "reasoning.summary",
        FieldRef::Tools => "tools",
        FieldRef::ToolStrict(at) => return Cow::Owned(format!("tools[{at}].strict")),
        FieldRef::ToolSchema(at) => return Cow::Owned(format!("tools[{at}].parameters")),
        FieldRef::ToolCachePoints => "tools[].prompt_cache_breakpoint",
        FieldRef::ToolChoice => "tool_choice",
        FieldRef::ParallelTools => "parallel_tool_calls",
        FieldRef::AnsweredCalls => "output",
        FieldRef::MaxTokens => "max_output_tokens",
        FieldRef::Temperature => "temperature",
        FieldRef::TopP => "top_p",
        FieldRef::TopK => "top_k",
        FieldRef::Stop => "stop",
        FieldRef::Format | FieldRef::StructuredFormat => "text.format",
        FieldRef::Schema => "text.format.schema",
        FieldRef::CachePoints => "prompt_cache_breakpoint",
        FieldRef::CacheLifetime => "prompt_cache_options.ttl",
        FieldRef::Metadata => "metadata",
        FieldRef::ServiceTier => "service_tier",
        FieldRef::Guardrail => "guardrailConfig",
        FieldRef::Betas => "anthropic-beta",
        FieldRef::OwnFields => "additionalModelRequestFields",
        FieldRef::OwnField(name) => return Cow::Owned(format!("additionalModelRequestFields.{name}")),
        FieldRef::Others => "(others)",
        FieldRef::Own(path) => path,
    })
}
