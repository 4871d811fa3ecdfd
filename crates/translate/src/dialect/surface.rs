//! The paths that clients call: the dialect and the operation behind each.
//!
//! A new surface is one line of [`SERVED`]. A path with a model's id in it, such as `/model/{id}/converse`, has `{id}` in
//! its place: the id may hold slashes, escaped or not, as ARNs do.

use super::Dialect;
use super::bedrock_runtime::BedrockOperation;
use crate::fault::{Fault, MistakeKind};
use crate::wire::uri;
use http::Method;
use std::borrow::Cow;

/// An endpoint of the gateway that a request is addressed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surface<'p> {
    /// The dialect of the request and of its answer, errors included.
    pub dialect: Dialect,
    /// The operation that is asked for.
    pub operation: Operation,
    /// The id where the path holds one, of a model or of a response, percent-encoded as it stands there.
    pub model: Option<&'p str>,
}

/// An operation that clients ask for, whatever their dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An answer of a model, whole or as a stream.
    Generate,
    /// The number of tokens of a request, without an answer to it.
    CountTokens,
    /// The vectors of inputs.
    Embed,
    /// The relevance of documents to a query.
    Rerank,
    /// A response that is remembered: it is given, or forgotten.
    StoredResponse,
    /// The list of models.
    ListModels,
    /// The description of one model.
    GetModel,
    /// An operation of Bedrock's own API.
    Bedrock(BedrockOperation),
    /// The list of inference profiles.
    ListProfiles,
    /// One inference profile.
    GetProfile,
}

/// A request that is addressed to no surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSurface {
    /// No surface has this path.
    NotFound,
    /// The path is served, but not with this method.
    MethodNotAllowed {
        /// The dialect of the path's clients.
        dialect: Dialect,
        /// The methods of the path, as the header `Allow` lists them.
        allow: &'static str,
    },
}

/// One line of the table of surfaces.
struct Endpoint {
    path: &'static str,
    /// The methods, as the header `Allow` lists them.
    allow: &'static str,
    dialect: Dialect,
    operation: Operation,
}

/// The surfaces, in the order in which an error names them.
const SERVED: &[Endpoint] = &[
    Endpoint {
        path: "/v1/chat/completions",
        allow: "POST",
        dialect: Dialect::OpenAiChat,
        operation: Operation::Generate,
    },
    Endpoint {
        path: "/v1/messages",
        allow: "POST",
        dialect: Dialect::AnthropicMessages,
        operation: Operation::Generate,
    },
    Endpoint {
        path: "/v1/messages/count_tokens",
        allow: "POST",
        dialect: Dialect::AnthropicMessages,
        operation: Operation::CountTokens,
    },
    Endpoint {
        path: "/v1/responses",
        allow: "POST",
        dialect: Dialect::OpenAiResponses,
        operation: Operation::Generate,
    },
    Endpoint {
        path: "/v1/responses/input_tokens",
        allow: "POST",
        dialect: Dialect::OpenAiResponses,
        operation: Operation::CountTokens,
    },
    Endpoint {
        path: "/v1/responses/{id}",
        allow: "GET, DELETE",
        dialect: Dialect::OpenAiResponses,
        operation: Operation::StoredResponse,
    },
    Endpoint { path: "/v1/embeddings", allow: "POST", dialect: Dialect::OpenAiChat, operation: Operation::Embed },
    Endpoint { path: "/v1/rerank", allow: "POST", dialect: Dialect::OpenAiChat, operation: Operation::Rerank },
    Endpoint { path: "/v1/models", allow: "GET, HEAD", dialect: Dialect::OpenAiChat, operation: Operation::ListModels },
    Endpoint {
        path: "/v1/models/{id}",
        allow: "GET, HEAD",
        dialect: Dialect::OpenAiChat,
        operation: Operation::GetModel,
    },
    of_bedrock("/model/{id}/converse", "POST", Operation::Bedrock(BedrockOperation::Converse)),
    of_bedrock("/model/{id}/converse-stream", "POST", Operation::Bedrock(BedrockOperation::ConverseStream)),
    of_bedrock("/model/{id}/invoke", "POST", Operation::Bedrock(BedrockOperation::InvokeModel)),
    of_bedrock(
        "/model/{id}/invoke-with-response-stream",
        "POST",
        Operation::Bedrock(BedrockOperation::InvokeModelWithResponseStream),
    ),
    of_bedrock("/model/{id}/count-tokens", "POST", Operation::Bedrock(BedrockOperation::CountTokens)),
    of_bedrock("/inference-profiles", "GET, HEAD", Operation::ListProfiles),
    of_bedrock("/inference-profiles/{id}", "GET, HEAD", Operation::GetProfile),
];

/// A line of Bedrock's own API.
const fn of_bedrock(path: &'static str, allow: &'static str, operation: Operation) -> Endpoint {
    Endpoint { path, allow, dialect: Dialect::Bedrock, operation }
}

/// Other paths of the same surfaces, under which clients know them; errors do not name them.
const ALIASES: &[(&str, &str)] = &[
    ("/anthropic/v1/messages", "/v1/messages"),
    ("/messages", "/v1/messages"),
    ("/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens"),
    ("/messages/count_tokens", "/v1/messages/count_tokens"),
    ("/v2/rerank", "/v1/rerank"),
];

/// Paths of OpenAI's that are not served, and what to do in their place.
const NOT_SERVED: &[(&str, &str)] = &[
    (
        "/v1/completions",
        "Completions of a bare prompt are not served: use /v1/chat/completions, with the prompt as a message of the role \"user\".",
    ),
    (
        "/v1/responses/compact",
        "Conversations are not compacted here: ask a model for a summary, by a request to /v1/responses.",
    ),
    (
        "/v1/responses/{id}/cancel",
        "A response is made while its client waits, so there is none to cancel: close the connection of its request.",
    ),
    (
        "/v1/responses/{id}/input_items",
        "The input of a response is not listed: GET /v1/responses/{id} gives its output.",
    ),
];

/// The place of a model's id in a path of the table.
const ID: &str = "{id}";
const ID_BEGINS: u8 = b'{';
/// The most letters of a client's path that an error repeats.
const LONGEST_PATH: usize = 200;

impl<'p> Surface<'p> {
    /// Finds the surface of a request by its method and its path, which has no query.
    ///
    /// # Errors
    ///
    /// [`NoSurface`] when no surface has this path, or the path's surface does not take this method.
    pub fn of(method: &Method, path: &'p str) -> Result<Self, NoSurface> {
        let known = ALIASES.iter().find(|(alias, _)| *alias == path);
        match of(SERVED, method, known.map_or(path, |(_, served)| served)) {
            Ok(surface) if surface.operation != Operation::StoredResponse => Ok(surface),
            // What follows the id of a response is no part of it.
            _ if advice(path).is_some() => Err(NoSurface::NotFound),
            found => found,
        }
    }

    /// The pattern of a path that is served, with `{id}` in the place of an id, such as `/model/{id}/converse`.
    #[must_use]
    pub fn pattern(path: &str) -> Option<&'static str> {
        let alias = ALIASES.iter().find(|known| known.0 == path).map(|known| known.0);
        let served = SERVED.iter().find(|endpoint| alias.is_none() && endpoint.matched(path).is_some());
        alias.or_else(|| served.map(|endpoint| endpoint.path)).filter(|_| advice(path).is_none())
    }

    /// The model's id where the path holds one, its escapes undone.
    #[must_use]
    pub fn model_id(&self) -> Option<Cow<'p, str>> {
        self.model.map(uri::decoded)
    }
}

/// Whether a request only asks whether a server is there (`HEAD /`), as some clients do before their first request.
#[must_use]
pub fn is_probe(method: &Method, path: &str) -> bool {
    method == Method::HEAD && path == "/"
}

impl NoSurface {
    /// The client's mistake, for an error answer: 404 or 405.
    #[must_use]
    pub fn fault(self, method: &Method, path: &str) -> Fault {
        let shown: String = path.chars().take(LONGEST_PATH).collect();
        let (kind, message) = match self {
            Self::NotFound if let Some(advice) = advice(path) => (MistakeKind::PathNotFound, advice.to_owned()),
            Self::NotFound => {
                let message = format!("Unknown path {shown:?}. This gateway serves {}.", listed(SERVED));
                (MistakeKind::PathNotFound, message)
            }
            Self::MethodNotAllowed { allow, .. } => {
                (MistakeKind::MethodNotAllowed, format!("{method} is not a method of {shown}: use {allow}."))
            }
        };
        Fault::mistake(kind, None, message)
    }
}

fn of<'p>(served: &[Endpoint], method: &Method, path: &'p str) -> Result<Surface<'p>, NoSurface> {
    let mut refused = NoSurface::NotFound;
    for endpoint in served {
        let &Endpoint { dialect, operation, allow, .. } = endpoint;
        let Some(model) = endpoint.matched(path) else { continue };
        if allow.split(", ").any(|allowed| allowed == method.as_str()) {
            return Ok(Surface { dialect, operation, model });
        }
        refused = NoSurface::MethodNotAllowed { dialect, allow };
    }
    Err(refused)
}

impl Endpoint {
    /// Matches a path; gives the id in it where this endpoint's path has one.
    fn matched<'p>(&self, path: &'p str) -> Option<Option<&'p str>> {
        matched(self.path, path)
    }
}

/// Matches a client's path with one of a table; gives the id in it where that has one.
fn matched<'p>(known: &str, path: &'p str) -> Option<Option<&'p str>> {
    if path == known {
        return Some(None);
    }
    // A path with an id begins as another one does up to its brace: most requests are told apart by a few bytes.
    let (before, behind) = known.split_at_checked(known.bytes().position(|byte| byte == ID_BEGINS)?)?;
    let id = path.strip_prefix(before)?.strip_suffix(behind.strip_prefix(ID)?)?;
    (!id.is_empty()).then_some(Some(id))
}

/// What to do in place of calling a path of OpenAI's that is not served.
fn advice(path: &str) -> Option<&'static str> {
    NOT_SERVED.iter().find(|known| matched(known.0, path).is_some()).map(|known| known.1)
}

/// The paths of the table as an English list.
fn listed(served: &[Endpoint]) -> String {
    let mut list = String::new();
    for (at, endpoint) in served.iter().enumerate() {
        if at > 0 {
            list.push_str(if at + 1 == served.len() { " and " } else { ", " });
        }
        list.push_str(endpoint.path);
    }
    list
}

#[cfg(test)]
mod tests;
