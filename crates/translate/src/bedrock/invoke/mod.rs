//! Bedrock's InvokeModel and InvokeModelWithResponseStream for Claude, whose body is Anthropic's Messages.

pub mod body;
mod citation;
mod content;
pub mod count_tokens;
pub mod request;
pub mod response;
pub mod stream;
mod usage;

/// The version of Anthropic's body: every Claude takes it, and the later one only the latest do.
const VERSION: &str = "bedrock-2023-05-31";

/// The operation on a model.
fn operation(stream: bool) -> &'static str {
    if stream { "invoke-with-response-stream" } else { "invoke" }
}

/// The type of answer that is asked for.
fn accept(stream: bool) -> &'static str {
    if stream { "application/vnd.amazon.eventstream" } else { "application/json" }
}
