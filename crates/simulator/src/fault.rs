//! What can be asked to go wrong.

use serde_json::Value;

/// A fault asked for, and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) argument: Option<String>,
}

/// The fault that the last message of the user asks for: `[[fault:NAME]]` or `[[fault:NAME:ARGUMENT]]`.
pub(crate) fn wanted(text: &str) -> Option<Wanted> {
    let (_, rest) = text.split_once("[[fault:")?;
    let (inside, _) = rest.split_once("]]")?;
    let (name, argument) = inside.split_once(':').map_or((inside, None), |(name, argument)| (name, Some(argument)));
    Some(Wanted { name: name.to_owned(), argument: argument.map(str::to_owned) })
}

/// An error of the service, as it is told over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) exception: &'static str,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(status: u16, exception: &'static str, message: impl Into<String>) -> Self {
        Self { status, exception, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }
}

/// The HTTP error of that name, if it is one.
pub(crate) fn refusal(name: &str) -> Option<Refused> {
    let (status, exception, message) = match name {
        "throttling" => (429, "ThrottlingException", "Too many tokens, please wait before trying again."),
        "validation" => (400, "ValidationException", "The model returned the following errors: simulated"),
        "access-denied" => {
            (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.")
        }
        "not-found" => (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
        "model-timeout" => (408, "ModelTimeoutException", "The model took too long to answer."),
        "model-error" => (424, "ModelErrorException", "The model failed to answer."),
        "model-not-ready" => (429, "ModelNotReadyException", "The model is not ready for inference."),
        "internal" => (500, "InternalServerException", "The system encountered an unexpected error during processing."),
        "unavailable" => (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
        _ => return None,
    };
    Some(Refused::new(status, exception, message))
}

/// The text of the user's last message.
pub(crate) fn last_text(body: &Value) -> String {
    let turns = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let user = turns.iter().rev().find(|turn| turn["role"] == "user");
    let blocks = user.and_then(|turn| turn["content"].as_array()).map(Vec::as_slice).unwrap_or_default();
    blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_in_the_text() {
        let named = |name: &str, argument: Option<&str>| {
            Some(Wanted { name: name.to_owned(), argument: argument.map(str::to_owned) })
        };
        assert_eq!(wanted("please [[fault:cut]] now"), named("cut", None));
        assert_eq!(
            wanted("[[fault:mid-stream-exception:throttlingException]]"),
            named("mid-stream-exception", Some("throttlingException"))
        );
        assert_eq!(wanted("[[fault:cut"), None);
    }
}
