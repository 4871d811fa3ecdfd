//! What the chunks of a chat completion say (OpenAI's API reference, "The chat completion chunk object").

use serde::Deserialize;
use serde_json::Value;

/// Something that a chunk says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Reasoning(String),
    Content(String),
    /// Pieces of the reasoning in the form in which they are sent back.
    Details(Vec<Value>),
    /// The name of a tool that the model calls.
    Call(String),
    Finish(String),
    Usage(Usage),
    Failed(Failure),
}

/// The tokens of an answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    #[serde(default)]
    pub(crate) completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    /// What the answer cost in USD, where the gateway tells it.
    #[serde(default)]
    pub(crate) cost: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// The tokens of the prompt that came from a cache, where there are any.
    pub(crate) fn cached(&self) -> Option<u64> {
        self.prompt_tokens_details.as_ref()?.cached_tokens.filter(|tokens| *tokens > 0)
    }

    /// The tokens of reasoning, where the model tells them.
    pub(crate) fn reasoning(&self) -> Option<u64> {
        self.completion_tokens_details.as_ref()?.reasoning_tokens.filter(|tokens| *tokens > 0)
    }
}

/// An error, as the gateway tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Failure {
    #[serde(default)]
    pub(crate) message: String,
    /// The status of the answer, where that is the error.
    #[serde(skip)]
    pub(crate) status: Option<u16>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    reasoning: Option<String>,
    reasoning_content: Option<String>,
    reasoning_details: Option<Vec<Value>>,
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
}

/// Reads a chunk, or a whole answer.
pub(crate) fn read(data: &str) -> Result<Vec<Event>, Failure> {
    let chunk: Chunk = serde_json::from_str(data).map_err(|error| Failure {
        message: format!("the gateway sent a chunk that is none: {error}"),
        status: None,
    })?;
    let mut events = Vec::new();
    events.extend(chunk.error.map(Event::Failed));
    for choice in chunk.choices {
        let delta = choice.delta;
        let thought = delta.reasoning.or(delta.reasoning_content);
        events.extend(thought.filter(|text| !text.is_empty()).map(Event::Reasoning));
        events.extend(delta.reasoning_details.filter(|details| !details.is_empty()).map(Event::Details));
        let said = delta.content.into_iter().chain(delta.refusal);
        events.extend(said.filter(|text| !text.is_empty()).map(Event::Content));
        let calls = delta.tool_calls.into_iter().flatten().filter_map(|call| call.function?.name);
        events.extend(calls.map(Event::Call));
        events.extend(choice.finish_reason.map(Event::Finish));
    }
    events.extend(chunk.usage.map(Event::Usage));
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chunk_says_reasoning_before_content() {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": "Hi.", "reasoning": "Hm.", "reasoning_content": "Hm."}, "finish_reason": null}]});
        let events = read(&chunk.to_string()).expect("a chunk");
        assert_eq!(events, [Event::Reasoning("Hm.".into()), Event::Content("Hi.".into())]);
    }

    #[test]
    fn a_whole_answer_is_read_like_a_chunk() {
        let answer = json!({"choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}}});
        let events = read(&answer.to_string()).expect("an answer");
        let [Event::Content(_), Event::Finish(_), Event::Usage(usage)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!((usage.cached(), usage.reasoning()), (Some(4), Some(2)));
    }

    #[test]
    fn an_error_inside_a_stream_is_one() {
        let events = read(r#"{"error": {"message": "slow down", "code": "throttled"}}"#).expect("a chunk");
        assert_eq!(events, [Event::Failed(Failure { message: "slow down".into(), status: None })]);
        assert!(read("no").is_err());
    }
}
