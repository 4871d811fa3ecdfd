//! What became of one exchange: the only source of metrics and of the log's line.

use std::time::Duration;

/// Everything that is remembered of one exchange, without its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The id in the answer and in the log.
    pub id: String,
    /// `chat` for Chat Completions (OpenTelemetry's `gen_ai.operation.name`).
    pub operation: &'static str,
    /// The model the client named.
    pub model: String,
    /// The model id that was called.
    pub model_id: String,
    /// `namespace/name` of the backend.
    pub backend: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The HTTP status that the client got; 499 when it left before.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// [`translate::Fault::label`](aquifer_translate::Fault::label) of what went wrong, if anything did.
    pub fault: Option<String>,
    /// What went wrong, in words without content.
    pub fault_message: Option<String>,
    /// From the request's head to the end.
    pub duration: Duration,
    /// From the request's head to the first reasoning delta.
    pub time_to_first_reasoning: Option<Duration>,
    /// From the request's head to the first delta of text or of a tool call.
    pub time_to_first_token: Option<Duration>,
    /// Tokens as Bedrock reported them; `None` when it did not.
    pub tokens: Option<Tokens>,
    /// The finish reason told to the client.
    pub finish_reason: Option<&'static str>,
    /// The warnings returned to the client.
    pub warnings: Vec<String>,
    /// The answer carried reasoning.
    pub reasoned: bool,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The whole answer was given.
    #[default]
    Answered,
    /// The client got an error instead of an answer, or in the middle of it.
    Failed,
    /// The client left before the end.
    Abandoned,
}

/// Token counts; the whole prompt is `input + cache_read + cache_write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the cache.
    pub cache_read: u64,
    /// Prompt tokens written to the cache.
    pub cache_write: u64,
    /// Reasoning tokens, when Bedrock told them.
    pub reasoning: Option<u64>,
}
