//! Chat Completions from the other side: a neutral request said to a backend that speaks them, and its answer read.
//!
//! A client of this dialect needs none of it: its words go on as they come ([`relay`](super::relay)).

mod chunks;
mod keepsake;
mod lines;
mod messages;
mod parts;
mod reasoning;
mod request;
mod response;
mod terms;
mod tools;

pub use chunks::ChunkReader;
pub use lines::EventLines;
pub use request::{WrittenChat, write};
pub use response::read;
pub use terms::ChatTerms;

use crate::fault::{Fault, Misbehaviour};

/// A departure of the backend from its protocol.
fn protocol(what: &str) -> Fault {
    Fault::UpstreamMisbehaved(Misbehaviour::Protocol(what.to_owned()))
}

/// A body or an event that is not the JSON it must be; without the library's message, which may quote content.
fn not_json(error: &serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    Fault::UpstreamMisbehaved(Misbehaviour::Json(format!("it is no answer of Chat Completions ({place})")))
}
