//! Bedrock's own no, and what its words tell.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Bedrock's own no: an HTTP error, or an exception inside a stream.
#[derive(Clone, PartialEq)]
pub struct Refusal {
    /// The exception's name, for example `ThrottlingException`.
    pub exception: String,
    /// The HTTP status that belongs to the exception.
    pub status: u16,
    /// Bedrock's message, unchanged.
    pub message: String,
    /// For how long Bedrock does not want to be asked again, when it says so.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// The exception that Bedrock would name for a refusal with this status.
    #[must_use]
    pub fn name_of_status(status: u16) -> &'static str {
        match status {
            401 | 403 => "AccessDeniedException",
            404 => "ResourceNotFoundException",
            408 => "ModelTimeoutException",
            424 => "ModelErrorException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailableException",
            400..=499 => "ValidationException",
            _ => "InternalServerException",
        }
    }

    /// Whether the refusal says that the request is longer than the model's context: another model may take it.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        // A quota of tokens that is used up is told in like words, with another status.
        if !matches!(self.status, 400 | 413 | 422 | 424) {
            return false;
        }
        let said = self.message.replace(['\u{2018}', '\u{2019}'], "'").to_lowercase();
        TOO_LONG.iter().any(|words| said.contains(words))
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.message.len();
        f.debug_struct("Refusal")
            .field("exception", &self.exception)
            .field("status", &self.status)
            .field("message", &format_args!("{bytes} bytes"))
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

/// The words in which models and their providers say that an input does not fit, in small letters: Bedrock and its models'
/// vendors, then services of OpenAI's dialect.
const TOO_LONG: [&str; 27] = [
    "input is too long",
    "prompt is too long",
    "prompt too long",
    "input too long",
    "input length and `max_tokens` exceed",
    "input tokens exceeded",
    "input tokens exceeds",
    "too many input tokens",
    "too many total text bytes",
    "maximum context length",
    "maximum prompt length",
    "maximum input length",
    "maximum input token",
    "exceeds the context window",
    "exceeds the context length",
    "exceed context limit",
    "exceeds context limit",
    "exceed the model's context",
    "exceeds the model's context",
    "context_length_exceeded",
    "exceeds the maximum number of input tokens",
    "exceeds the maximum number of tokens",
    "context length exceeded",
    "exceeds the available context size",
    "larger than the maximum context",
    "prompt contains too many tokens",
    "input token count exceeds",
];

/// A message of AWS's without the account and the role that called: `arn:aws:sts::[account]:[principal]`. What stands at
/// the end of another name, such as a model's, is kept.
#[must_use]
pub fn redacted(message: &str) -> Cow<'_, str> {
    if !message.contains("arn:aws") {
        return Cow::Borrowed(message);
    }
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find("arn:aws") {
        let (before, name) = rest.split_at(at);
        told.push_str(before);
        let end = name.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.:/@+=,*".contains(letter)));
        let (name, behind) = name.split_at(end.unwrap_or(name.len()));
        push_redacted(&mut told, name);
        rest = behind;
    }
    told.push_str(rest);
    Cow::Owned(told)
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
fn push_redacted(told: &mut String, name: &str) {
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    for (at, part) in parts.iter().enumerate() {
        let principal = parts.get(2).is_some_and(|service| matches!(*service, "iam" | "sts"));
        if at > 0 {
            told.push(':');
        }
        told.push_str(match at {
            4 if !part.is_empty() && *part != "aws" => "[account]",
            5 if principal => "[principal]",
            _ => part,
        });
    }
}
