//! The upstream APIs of Bedrock: one folder for each, and here the only list of them.

pub mod converse;
pub mod embeddings;
pub mod invoke;
mod reader;
pub mod rerank;

pub use converse::remedy::Remedy;
pub use converse::request::{Terms, ToolNames, Written, asks_for_trace};
pub use converse::{error as converse_error, stream as converse_stream};
pub use embeddings::{EmbedCall, read as read_embeddings, write as write_embed};
pub use invoke::body::{ClientBody, Rewritten};
pub use invoke::stream::{ChunkBuffer, DeltaKind, FastDelta, NamedEvent, Reader as InvokeReader};
pub use reader::{EventSink, Reader};
pub use rerank::{RerankCall, read as read_ranking, write as write_rerank};

use crate::fault::Fault;
use crate::model::request::Request;
use crate::model::response::Response;
use http::{HeaderMap, StatusCode};

/// An API of Bedrock's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// Converse and ConverseStream.
    #[default]
    Converse,
    /// InvokeModel and InvokeModelWithResponseStream, with Anthropic's body: for Claude only.
    InvokeModel,
}

/// The path of an operation on a model, percent-encoded as it must stand on the wire.
///
/// # Errors
///
/// A model id that a proxy on the way could read as another path.
pub fn operation_path(model_id: &str, operation: &str) -> Result<String, Fault> {
    converse::request::path::path(model_id, operation)
}

/// Writes a request on these terms.
///
/// # Errors
///
/// What the model cannot do and the client cannot do without, and conversations that Bedrock is known to refuse, each
/// with the client's field.
pub fn write(request: &Request<'_>, terms: &Terms<'_>) -> Result<Written, Fault> {
    match terms.api {
        Api::Converse => converse::request::write(request, terms),
        Api::InvokeModel => invoke::request::write(request, terms),
    }
}

/// Writes the body of a client that speaks Anthropic's own words: it goes on as it is, but for what Bedrock is known to
/// refuse.
///
/// # Errors
///
/// As [`write()`], for what cannot go on.
pub fn rewrite(client: &ClientBody<'_>, request: &Request<'_>, terms: &Terms<'_>) -> Result<Rewritten, Fault> {
    invoke::body::write(client, request, terms)
}

/// Whether the operator's rules for reasoning make of a request another one than its client asked for.
#[must_use]
pub fn is_limited(request: &Request<'_>, terms: &Terms<'_>) -> bool {
    converse::request::is_limited(request, terms)
}

/// Whether the operator's rules mend a conversation: a call in it has no result, or a result no call.
#[must_use]
pub fn is_mended(request: &Request<'_>, terms: &Terms<'_>) -> bool {
    converse::request::is_mended(request, terms)
}

/// Reads a whole answer. What is none may be a refusal although its status is none.
///
/// # Errors
///
/// A body that is no answer.
pub fn read(api: Api, body: &[u8]) -> Result<Response<'_>, Fault> {
    match api {
        Api::Converse => match converse::response::read(body) {
            Err(_) if converse::error::is_unknown_operation(body) => {
                Err(refusal(api, StatusCode::OK, &HeaderMap::new(), body))
            }
            read => read,
        },
        Api::InvokeModel => match invoke::response::read(body) {
            Err(_) if converse::error::is_unknown_operation(body) => {
                Err(refusal(api, StatusCode::OK, &HeaderMap::new(), body))
            }
            read => read,
        },
    }
}

/// An answer with an HTTP status that is no success.
#[must_use]
pub fn refusal(api: Api, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    match api {
        Api::Converse | Api::InvokeModel => converse::error::refusal(status, headers, body),
    }
}

/// Finds the change to the request that may get past this refusal; `None` where no second attempt helps.
#[must_use]
pub fn remedy(api: Api, fault: &Fault) -> Option<Remedy> {
    match api {
        Api::Converse | Api::InvokeModel => converse::remedy::remedy(fault),
    }
}

/// The path and the body of a call that counts the tokens of a request which was written for this API.
#[must_use]
pub fn count_tokens(api: Api, path: &str, body: &[u8]) -> (String, Vec<u8>) {
    match api {
        Api::Converse => (converse::count_tokens::path(path), converse::count_tokens::body(body)),
        Api::InvokeModel => (invoke::count_tokens::path(path), invoke::count_tokens::body(body)),
    }
}

/// The number of tokens in the answer to such a call.
///
/// # Errors
///
/// A body that is no such answer.
pub fn counted_tokens(api: Api, body: &[u8]) -> Result<u64, Fault> {
    match api {
        Api::Converse | Api::InvokeModel => converse::count_tokens::read(body),
    }
}
