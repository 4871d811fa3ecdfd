//! The operations of Bedrock's runtime that are played, and how each reads its request.

use crate::check::{check, unwrapped};
use crate::families::{Generation, Model};
use crate::messages;
use crate::refused::Refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Converse { streamed: bool },
    Invoke { streamed: bool },
    CountTokens,
}

impl Operation {
    /// The operation that a path ends with.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "converse" => Some(Self::Converse { streamed: false }),
            "converse-stream" => Some(Self::Converse { streamed: true }),
            "invoke" => Some(Self::Invoke { streamed: false }),
            "invoke-with-response-stream" => Some(Self::Invoke { streamed: true }),
            "count-tokens" => Some(Self::CountTokens),
            _ => None,
        }
    }

    pub(crate) fn is_streamed(self) -> bool {
        matches!(self, Self::Converse { streamed: true } | Self::Invoke { streamed: true })
    }

    /// What is said to a body that is no JSON.
    pub(crate) fn malformed(self) -> Refused {
        match self {
            Self::Invoke { .. } => {
                Refused::invalid("Malformed input request, please reformat your input and try again.")
            }
            Self::Converse { .. } | Self::CountTokens => {
                Refused::new(400, "SerializationException", "the body is not JSON")
            }
        }
    }

    /// Says no, or gives the request as the model sees it, in the words of Converse.
    pub(crate) fn read<'b>(
        self,
        model: &Model,
        body: &'b Value,
        headers: &HeaderMap,
    ) -> Result<Cow<'b, Value>, Refused> {
        match self {
            Self::Converse { streamed } => check(model, body, streamed),
            Self::Invoke { .. } => {
                let mut reading = messages::read(model, body)?;
                guard(headers, &mut reading);
                Ok(Cow::Owned(reading))
            }
            Self::CountTokens => counted(model, &body["input"]),
        }
    }

    /// An error as this operation tells it.
    pub(crate) fn told(self, refused: Refused) -> Refused {
        match self {
            Self::Invoke { .. } => unwrapped(refused),
            Self::Converse { .. } | Self::CountTokens => refused,
        }
    }
}

/// The guardrail of an invocation, which stands in its headers.
fn guard(headers: &HeaderMap, reading: &mut Value) {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(id) = said("x-amzn-bedrock-guardrailidentifier") {
        reading["guardrailConfig"] = json!({
            "guardrailIdentifier": id,
            "guardrailVersion": said("x-amzn-bedrock-guardrailversion"),
            "trace": said("x-amzn-bedrock-trace").map(str::to_lowercase),
        });
    }
}

/// The request whose tokens are to be counted: under the rules that it would have if it were made.
fn counted<'b>(model: &Model, input: &'b Value) -> Result<Cow<'b, Value>, Refused> {
    let counts = Generation::Three..Generation::FourSeven;
    if !counts.contains(&model.family.generation) || model.is_profile {
        return Err(Refused::invalid("The provided model doesn't support counting tokens."));
    }
    let unreadable = |what| Refused::new(400, "SerializationException", what);
    match (&input["converse"], &input["invokeModel"]) {
        (converse @ Value::Object(_), Value::Null) => check(model, converse, false),
        (Value::Null, Value::Object(invoke)) => {
            let body = invoke.get("body").and_then(Value::as_str);
            let body =
                body.and_then(|body| STANDARD.decode(body).ok()).ok_or_else(|| unreadable("body is not base64"))?;
            let invoke = Operation::Invoke { streamed: false };
            let body: Value = serde_json::from_slice(&body).map_err(|_| invoke.malformed())?;
            messages::read(model, &body).map(Cow::Owned)
        }
        _ => Err(unreadable("input must set exactly one key")),
    }
}
