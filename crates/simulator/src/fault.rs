//! What can be asked to go wrong.

use crate::check::{invalid_signature, provider, unsupported_level};
use crate::families::Model;
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;

/// A fault asked for, and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) argument: Option<String>,
}

/// Faults that are there as long as the text that asks for them is the last thing said, over every step of tools. The
/// others come once.
const LASTING: [&str; 7] =
    ["invalid-thinking", "no-schema", "no-effort", "redacted", "signature-only", "split-signature", "split-redacted"];

/// The fault that the user's last words ask for.
pub(crate) fn of(body: &Value) -> Option<Wanted> {
    let once = talk::steps(talk::turns(body)) == 0;
    wanted(&talk::asked(body)).filter(|wanted| once || LASTING.contains(&wanted.name.as_str()))
}

/// `[[fault:NAME]]` or `[[fault:NAME:ARGUMENT]]`.
pub(crate) fn wanted(text: &str) -> Option<Wanted> {
    let (_, rest) = text.split_once("[[fault:")?;
    let (inside, _) = rest.split_once("]]")?;
    let (name, argument) = inside.split_once(':').map_or((inside, None), |(name, argument)| (name, Some(argument)));
    Some(Wanted { name: name.to_owned(), argument: argument.map(str::to_owned) })
}

/// The HTTP error that is wanted: whatever the request says, or because of what it still says.
pub(crate) fn refusal(wanted: &Wanted, model: &Model, body: &Value) -> Option<Refused> {
    match (wanted.name.as_str(), wanted.argument.as_deref()) {
        ("invalid-thinking", _) => {
            let (place, _) = talk::blocks(talk::turns(body)).find(|(_, block)| talk::is_reasoning(block))?;
            Some(invalid_signature(&place))
        }
        ("no-schema", _) => {
            let asked = !body["outputConfig"]["textFormat"].is_null();
            asked.then(|| provider("output_config.format: structured output is not supported for this model."))
        }
        ("no-effort", Some(level)) => {
            let field = effort(body, level)?;
            Some(unsupported_level(model, field, level))
        }
        (name, _) => plain(name),
    }
}

/// The member that asks for this effort.
fn effort(body: &Value, level: &str) -> Option<&'static str> {
    let own = &body["additionalModelRequestFields"];
    let asked = [
        ("output_config.effort", &own["output_config"]["effort"]),
        ("outputConfig.effort", &body["outputConfig"]["effort"]),
        ("reasoning.effort", &own["reasoning"]["effort"]),
        ("reasoning_effort", &own["reasoning_effort"]),
        ("reasoning_config", &own["reasoning_config"]),
        ("reasoningConfig.maxReasoningEffort", &own["reasoningConfig"]["maxReasoningEffort"]),
    ];
    asked.into_iter().find(|(_, value)| *value == level).map(|(field, _)| field)
}

/// The HTTP error of this name.
pub(crate) fn plain(name: &str) -> Option<Refused> {
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
