//! Paths of members in a Converse request, as its clients write them.

use crate::model::field_ref::FieldRef;
use std::borrow::Cow;

/// The path of a member: `messages[3].content`.
#[must_use]
pub fn path(field: &FieldRef) -> Cow<'_, str> {
    Cow::Borrowed(match field {
        FieldRef::Model => "modelId",
        FieldRef::Stream => "stream",
        FieldRef::Conversation => "messages",
        FieldRef::Content(at) | FieldRef::ToolCalls(at) | FieldRef::ToolResult(at) => {
            return Cow::Owned(format!("messages[{at}].content"));
        }
        FieldRef::PastReasoning(None) => "messages[].content[].reasoningContent",
        FieldRef::PastReasoning(Some(at)) | FieldRef::Seals(at) => {
            return Cow::Owned(format!("messages[{at}].content[].reasoningContent"));
        }
        FieldRef::Reasoning | FieldRef::Effort | FieldRef::ReasoningDisplay | FieldRef::TopK | FieldRef::OwnFields => {
            "additionalModelRequestFields"
        }
        FieldRef::Tools => "toolConfig.tools",
        FieldRef::ToolStrict(at) => return Cow::Owned(format!("toolConfig.tools[{at}].toolSpec.strict")),
        FieldRef::ToolSchema(at) => return Cow::Owned(format!("toolConfig.tools[{at}].toolSpec.inputSchema")),
        FieldRef::ToolCachePoints => "toolConfig.tools[].cachePoint",
        FieldRef::ToolChoice | FieldRef::ParallelTools => "toolConfig.toolChoice",
        FieldRef::AnsweredCalls => "output.message.content",
        FieldRef::MaxTokens => "inferenceConfig.maxTokens",
        FieldRef::Temperature => "inferenceConfig.temperature",
        FieldRef::TopP => "inferenceConfig.topP",
        FieldRef::Stop => "inferenceConfig.stopSequences",
        FieldRef::Format | FieldRef::StructuredFormat => "outputConfig.textFormat",
        FieldRef::Schema => "outputConfig.textFormat.structure.jsonSchema.schema",
        FieldRef::CachePoints => "cachePoint",
        FieldRef::CacheLifetime => "cachePoint.ttl",
        FieldRef::Metadata => "requestMetadata",
        FieldRef::ServiceTier => "serviceTier",
        FieldRef::Guardrail => "guardrailConfig",
        FieldRef::Betas => "additionalModelRequestFields.anthropic_beta",
        FieldRef::OwnField(name) => return Cow::Owned(format!("additionalModelRequestFields.{name}")),
        FieldRef::Others => "(others)",
        FieldRef::Own(path) => path,
    })
}
