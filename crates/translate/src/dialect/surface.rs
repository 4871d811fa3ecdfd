//! The paths that clients call: the dialect and the operation behind each.
//!
//! A new surface is one line of [`SERVED`]. A path with a model's id in it, such as `/model/{id}/converse`, has `{id}` in
//! its place: the id may hold slashes, escaped or not, as ARNs do.

use super::Dialect;
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
    /// The model's id where the path holds one, percent-encoded as it stands there.
    pub model: Option<&'p str>,
}

/// An operation that clients ask for, whatever their dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An answer of a model, whole or as a stream.
    Generate,
    /// The number of a request's tokens.
    CountTokens,
    /// The list of models.
    ListModels,
    /// The description of one model.
    GetModel,
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
    /// Another spelling of a path before it, which errors do not name.
    alias: bool,
}

/// The surfaces, in the order in which an error names them.
const SERVED: &[Endpoint] = &[
    endpoint("/v1/chat/completions", "POST", Dialect::OpenAiChat, Operation::Generate),
    endpoint("/v1/messages", "POST", Dialect::AnthropicMessages, Operation::Generate),
    alias("/anthropic/v1/messages", "POST", Dialect::AnthropicMessages, Operation::Generate),
    alias("/messages", "POST", Dialect::AnthropicMessages, Operation::Generate),
    endpoint("/v1/messages/count_tokens", "POST", Dialect::AnthropicMessages, Operation::CountTokens),
    alias("/anthropic/v1/messages/count_tokens", "POST", Dialect::AnthropicMessages, Operation::CountTokens),
    alias("/messages/count_tokens", "POST", Dialect::AnthropicMessages, Operation::CountTokens),
    endpoint("/v1/models", "GET, HEAD", Dialect::OpenAiChat, Operation::ListModels),
    endpoint("/v1/models/{id}", "GET, HEAD", Dialect::OpenAiChat, Operation::GetModel),
    alias("/anthropic/v1/models", "GET, HEAD", Dialect::AnthropicMessages, Operation::ListModels),
    alias("/anthropic/v1/models/{id}", "GET, HEAD", Dialect::AnthropicMessages, Operation::GetModel),
];

const fn endpoint(path: &'static str, allow: &'static str, dialect: Dialect, operation: Operation) -> Endpoint {
    Endpoint { path, allow, dialect, operation, alias: false }
}

const fn alias(path: &'static str, allow: &'static str, dialect: Dialect, operation: Operation) -> Endpoint {
    Endpoint { alias: true, ..endpoint(path, allow, dialect, operation) }
}

/// The place of a model's id in a path of the table.
const ID: &str = "{id}";
/// The most letters of a client's path that an error repeats.
const LONGEST_PATH: usize = 200;

impl<'p> Surface<'p> {
    /// Finds the surface of a request by its method and its path, which has no query.
    ///
    /// # Errors
    ///
    /// [`NoSurface`] when no surface has this path, or the path's surface does not take this method.
    pub fn of(method: &Method, path: &'p str) -> Result<Self, NoSurface> {
        of(SERVED, method, path)
    }

    /// The same for a client that names a version of Anthropic's API in the header `anthropic-version`: lists of models have
    /// one path in both APIs.
    #[must_use]
    pub fn for_anthropic_version(self) -> Self {
        match self.operation {
            Operation::ListModels | Operation::GetModel => Self { dialect: Dialect::AnthropicMessages, ..self },
            Operation::Generate | Operation::CountTokens => self,
        }
    }

    /// The model's id where the path holds one, its escapes undone.
    #[must_use]
    pub fn model_id(&self) -> Option<Cow<'p, str>> {
        self.model.map(uri::decoded)
    }
}

impl NoSurface {
    /// The client's mistake, for an error answer: 404 or 405.
    #[must_use]
    pub fn fault(self, method: &Method, path: &str) -> Fault {
        let shown: String = path.chars().take(LONGEST_PATH).collect();
        let (kind, message) = match self {
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
        match self.path.split_once(ID) {
            None => (path == self.path).then_some(None),
            Some((before, behind)) => {
                let id = path.strip_prefix(before)?.strip_suffix(behind)?;
                (!id.is_empty()).then_some(Some(id))
            }
        }
    }
}

/// The paths of the table as an English list.
fn listed(served: &[Endpoint]) -> String {
    let mut list = String::new();
    let named: Vec<&Endpoint> = served.iter().filter(|endpoint| !endpoint.alias).collect();
    for (at, endpoint) in named.iter().enumerate() {
        if at > 0 {
            list.push_str(if at + 1 == named.len() { " and " } else { ", " });
        }
        list.push_str(endpoint.path);
    }
    list
}

#[cfg(test)]
mod tests;
