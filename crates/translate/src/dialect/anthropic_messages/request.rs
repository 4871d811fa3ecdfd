//! The words of a Messages request, read.
//!
//! Every field has one of three fates: it is taken into the neutral [`Request`]; it is left out, and a [`Warning`] names
//! it; or it is refused with a [`Fault`] that names it, because the client would trust in what it cannot get. Fields that
//! nobody knows are left out. `null` is the same as nothing. `docs/messages.md` has a row for every field.
//!
//! Texts, schemas and base64 are borrowed from the body as they stand there, still escaped.

mod content;
mod context;
mod folded;
mod media;
mod messages;
mod sampling;
mod service;
mod thinking;
mod tools;
mod verdicts;

use crate::dialect::Head;
use crate::dialect::anthropic_words::add_betas;
use crate::dialect::head;
use crate::dialect::json::{self, Indexed};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::request::Request;
use crate::model::text::Text;
use crate::warning::Warning;
use crate::wire::json::Document;
use std::borrow::Cow;

/// Which parts of a body are looked into.
const INDEXED: Indexed = Indexed {
    members: &[
        "anthropic_beta",
        "betas",
        "cache_control",
        "context_management",
        "mcp_servers",
        "messages",
        "metadata",
        "output_config",
        "output_format",
        "stop_sequences",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    ],
    beside: "",
    opaque: &["input_schema", "input", "schema"],
};

/// A request, with what only this dialect needs to know for the answer.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The neutral request.
    pub request: Request<'a>,
    /// The manner of the answer.
    pub manner: Manner,
    /// Warnings about fields without effect.
    pub warnings: Vec<Warning>,
    /// The body, looked through.
    pub document: Document<'a>,
}

/// The manner in which a client of this dialect is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The only stop sequence, where there is one only.
    pub only_stop: Option<Text<'static>>,
    /// `metadata.user_id`: what the requests of one session share.
    pub affinity: Option<String>,
}

/// The purpose of a request: an answer, or a count of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagesPurpose {
    /// An answer.
    Answer,
    /// The number of its tokens: it needs no limit for an answer.
    CountTokens,
}

/// Reads a request's body, with the betas of headers `anthropic-beta`.
///
/// # Errors
///
/// A fault whose mistake names the field, or the line and column when the body is not JSON. Its message says what was
/// expected and what type was found, never what the body says. And what goes beyond a limit.
pub fn read<'a, 'h>(
    body: &'a [u8],
    betas: impl Iterator<Item = &'h str> + Clone,
    purpose: MessagesPurpose,
    limits: &Limits,
) -> Result<Asked<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document);
    let mut notes = Notes::new(*limits);
    let model = head::model(&top, limits)?;
    verdicts::read(&top, &mut notes)?;
    context::read(&top, &mut notes)?;
    let mut conversation = messages::read(&top, &mut notes)?;
    messages::top_cache_point(&top, &mut conversation, &mut notes)?;
    let offer = tools::read(&top, &conversation.removed_tools, &mut notes)?;
    let (mut reasoning, format) = thinking::read(&top, &mut notes)?;
    if let Some((effort, field)) = conversation.effort {
        (reasoning.effort, reasoning.effort_field) = (Some(effort), Some(field));
    }
    let mut request = Request {
        size: body.len(),
        model,
        stream: top.get("stream").map(|node| node.boolean()).transpose()?.unwrap_or_default(),
        system: conversation.system,
        messages: conversation.turns,
        tools: offer.tools,
        vendor_tools: offer.vendor_tools,
        tool_choice: offer.choice,
        parallel_tools: offer.parallel,
        sampling: sampling::read(&top, purpose, &mut notes)?,
        reasoning,
        format,
        known_betas_only: true,
        tell_stop: true,
        latest_cache_points: true,
        ..Request::default()
    };
    service::read(&top, &mut request, &mut notes)?;
    add_betas(&mut request, betas, limits)?;
    let manner = Manner {
        only_stop: match request.sampling.stop.as_slice() {
            [only] => Some(only.clone().into_owned()),
            _ => None,
        },
        affinity: service::user(&top),
    };
    Ok(Asked { request, manner, warnings: notes.finish(), document })
}

/// Reads only the conversation, of a body that names no model: as far as it tells which turn is to be remembered.
///
/// # Errors
///
/// As [`read`], for what is read.
pub fn read_conversation<'a>(body: &'a [u8], limits: &Limits) -> Result<Request<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document);
    let mut notes = Notes::new(*limits);
    let messages::Conversation { system, turns, .. } = messages::read(&top, &mut notes)?;
    Ok(Request { size: body.len(), system, messages: turns, ..Request::default() })
}

/// Reads only what decides where a request goes, whatever is wrong with its other fields.
///
/// # Errors
///
/// As [`read`], when the body is no JSON object, or its `model` or `stream` is wrong.
pub fn read_head<'a>(body: &'a [u8], limits: &Limits) -> Result<Head<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document);
    head::read(&top, limits)
}

/// Reads only the model id, for routing.
///
/// # Errors
///
/// As [`read`], when the body is not JSON or its `model` is not a string with something in it.
pub fn read_model(body: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let limits = Limits::default();
    let document = json::read(body, limits.json_values, &INDEXED)?;
    head::model(&json::open(&document), &limits)
}
