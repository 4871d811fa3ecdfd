//! The road of a request: translation, reframing or relay, decided by the client's dialect and the upstream's API.

use crate::bedrock::Api;
use crate::dialect::Dialect;

/// The API of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamApi {
    /// An API of Bedrock's; `None`: the one that the client's words fit best.
    Bedrock(Option<Api>),
    /// An API that clients speak too.
    Dialect(Dialect),
}

/// The API in which an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerApi {
    /// One of Bedrock's own.
    Bedrock(Api),
    /// OpenAI's Chat Completions.
    OpenAiChat,
}

impl Default for AnswerApi {
    fn default() -> Self {
        Self::Bedrock(Api::default())
    }
}

impl AnswerApi {
    /// The API of Bedrock's, for callers that ask Bedrock alone; of another service the default one.
    #[must_use]
    pub fn of_bedrock(self) -> Api {
        match self {
            Self::Bedrock(api) => api,
            Self::OpenAiChat => Api::default(),
        }
    }
}

impl From<Api> for AnswerApi {
    fn from(api: Api) -> Self {
        Self::Bedrock(api)
    }
}

/// The way in which a request and its answer are passed between a client and an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// Through the neutral model.
    Translate(Api),
    /// Through the neutral model too, to a backend of OpenAI's dialect.
    TranslateToOpenAi,
    /// The same JSON in another framing: the client's body and the model's events go on as they are, only watched.
    Reframe(Api),
    /// Byte for byte, only looked at: of a backend that speaks the client's dialect.
    Relay,
    /// Byte for byte, only looked at: Bedrock's own API, whose operations its clients choose by themselves.
    Passthrough,
    /// There is none: the backend speaks another dialect than the client, and neither is translated into the other yet.
    Closed,
}

impl Road {
    /// The road between these two. Where the API is left open, Messages go over InvokeModel, which speaks the same words,
    /// and Chat Completions over Converse; what cannot go over InvokeModel takes Converse all the same
    /// ([`Incoming::road`](super::Incoming::road)).
    #[must_use]
    pub fn between(client: Dialect, backend: UpstreamApi) -> Self {
        match (client, backend) {
            (Dialect::OpenAiChat | Dialect::OpenAiResponses, UpstreamApi::Bedrock(api)) => {
                Self::Translate(api.unwrap_or(Api::Converse))
            }
            (Dialect::AnthropicMessages, UpstreamApi::Bedrock(Some(api @ Api::Converse))) => Self::Translate(api),
            (Dialect::AnthropicMessages, UpstreamApi::Bedrock(None | Some(Api::InvokeModel))) => {
                Self::Reframe(Api::InvokeModel)
            }
            (Dialect::OpenAiChat, UpstreamApi::Dialect(Dialect::OpenAiChat))
            | (Dialect::AnthropicMessages, UpstreamApi::Dialect(Dialect::AnthropicMessages)) => Self::Relay,
            (Dialect::Bedrock, UpstreamApi::Bedrock(_)) => Self::Passthrough,
            (
                Dialect::AnthropicMessages | Dialect::OpenAiResponses | Dialect::Bedrock,
                UpstreamApi::Dialect(Dialect::OpenAiChat),
            ) => Self::TranslateToOpenAi,
            (
                Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Bedrock,
                UpstreamApi::Dialect(Dialect::AnthropicMessages),
            )
            | (_, UpstreamApi::Dialect(Dialect::OpenAiResponses | Dialect::Bedrock)) => Self::Closed,
        }
    }

    /// The API whose answers are read on it.
    #[must_use]
    pub fn api(self) -> Option<Api> {
        match self {
            Self::Translate(api) | Self::Reframe(api) => Some(api),
            Self::TranslateToOpenAi | Self::Relay | Self::Passthrough | Self::Closed => None,
        }
    }

    /// The provider that is called, in OpenTelemetry's words (`gen_ai.provider.name`).
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::Translate(_) | Self::Reframe(_) | Self::Passthrough => "aws.bedrock",
            Self::TranslateToOpenAi | Self::Relay | Self::Closed => "openai",
        }
    }
}
