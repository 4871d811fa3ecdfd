//! The shapes of an answer of Chat Completions, whole or in chunks, as far as it is read.
//!
//! Source: OpenAI's API reference, `chat.completion` and `chat.completion.chunk`; the reasoning members are those of
//! DeepSeek, vLLM, OpenRouter and this gateway.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An answer, or a chunk of one.
#[derive(Deserialize)]
pub(super) struct AnswerPart<'a> {
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<ChoicePart<'a>>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) service_tier: Option<&'a RawValue>,
}

/// One answer of several.
#[derive(Deserialize)]
pub(super) struct ChoicePart<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) delta: Option<SaidPart<'a>>,
    #[serde(borrow, default)]
    pub(super) message: Option<SaidPart<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Cow<'a, str>>,
}

/// What the model said.
#[derive(Deserialize)]
pub(super) struct SaidPart<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<CallPart<'a>>>,
    #[serde(borrow, default)]
    pub(super) function_call: Option<FunctionPart<'a>>,
    #[serde(borrow, default)]
    pub(super) annotations: Option<&'a RawValue>,
}

/// A call, or a part of one.
#[derive(Deserialize)]
pub(super) struct CallPart<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) function: Option<FunctionPart<'a>>,
}

/// The function that is called, and its arguments.
#[derive(Deserialize)]
pub(super) struct FunctionPart<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// One part of a content that is a list.
#[derive(Deserialize)]
pub(super) struct ContentPart<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<&'a RawValue>,
}

/// A source of the answer.
#[derive(Deserialize)]
pub(super) struct AnnotationPart<'a> {
    #[serde(borrow)]
    pub(super) url_citation: UrlCitation<'a>,
}

/// A source on the web.
#[derive(Deserialize)]
pub(super) struct UrlCitation<'a> {
    #[serde(borrow, default)]
    pub(super) url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) title: Option<&'a RawValue>,
}
