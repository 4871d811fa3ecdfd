//! The words of a Chat Completions request, read.
//!
//! Every field has one of three fates: it is taken into the neutral [`Request`]; it is ignored, and a [`Warning`]
//! names it; or it is refused with a [`Fault`] that names it, because the client would parse or trust what it cannot
//! get. Fields that nobody knows are ignored. `null` is the same as nothing. Of a field that comes twice the last one
//! counts, and members of a literal `extra_body` are read as if they stood beside it, unless they do.
//!
//! Texts, schemas and base64 are borrowed from the body as they stand there, still escaped.

mod answers;
mod calls;
mod content;
mod format;
mod media;
mod messages;
mod reasoning;
mod replay;
mod sampling;
mod service;
mod tools;
mod verdicts;

use super::reasoning_fields::Conventions;
use crate::dialect::Head;
use crate::dialect::head;
use crate::dialect::json::{self, Indexed, Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::own_fields;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::request::{OwnSwitches, Request};
use crate::warning::Warning;
use crate::wire::json::Document;
use std::borrow::Cow;

/// The parts of a body that hold fields.
const INDEXED: Indexed = Indexed {
    members: &[
        "additionalModelRequestFields",
        "additional_model_request_fields",
        "anthropic_beta",
        "chat_template_kwargs",
        "extra_body",
        "function_call",
        "functions",
        "logit_bias",
        "messages",
        "metadata",
        "modalities",
        "moderation",
        "output_config",
        "prompt_cache_options",
        "reasoning",
        "response_format",
        "stop",
        "stream_options",
        "thinking",
        "tool_choice",
        "tools",
        "usage",
    ],
    beside: "extra_body",
    opaque: &["parameters", "schema"],
};

/// A request, with what only this dialect needs to know for the answer.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The neutral request.
    pub request: Request<'a>,
    /// The client's wishes for its answer.
    pub manner: Manner,
    /// The fields that were ignored or changed.
    pub warnings: Vec<Warning>,
}

/// The wishes of a client of this dialect for its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// A stream ends with a chunk that holds the usage.
    pub include_usage: bool,
    /// The usage tells what the answer cost.
    pub wants_cost: bool,
    /// A tool call is answered as `function_call`, because the tools came as `functions`.
    pub legacy_functions: bool,
    /// The answer shows no reasoning.
    pub exclude_reasoning: bool,
    /// The conventions for reasoning that the request spoke.
    pub conventions: Conventions,
    /// `prompt_cache_key`: what requests with a common beginning share.
    pub affinity: Option<String>,
}

/// Reads a request's body.
///
/// # Errors
///
/// A fault whose mistake names the field, or the line and column when the body is not JSON. Its message says what was
/// expected and what type was found, never what the body says.
pub fn read(body: &[u8]) -> Result<Asked<'_>, Fault> {
    read_within(body, &Limits::default())
}

/// The same within these limits.
///
/// # Errors
///
/// As [`read`], and what goes beyond a limit.
pub fn read_within<'a>(body: &'a [u8], limits: &Limits) -> Result<Asked<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = open(&document)?;
    let mut notes = Notes::new(*limits);
    verdicts::read(&top, &mut notes)?;
    notes.wrapped = tools::wrapped(&top);
    let conversation = messages::read(&top, &mut notes)?;
    let offer = tools::read(&top, &mut notes)?;
    let own = own_fields::read(&top, &mut notes)?;
    let (reasoning, reasoning_beside) = reasoning::read(&top, &own, &mut notes)?;
    let mut request = Request {
        size: body.len(),
        model: head::model(&top, limits)?,
        stream: flag(top.get("stream"))?.unwrap_or_default(),
        system: conversation.system,
        messages: conversation.turns,
        tools: offer.tools,
        tool_choice: offer.choice,
        parallel_tools: flag(top.get("parallel_tool_calls"))?,
        sampling: sampling::read(&top, &mut notes)?,
        reasoning,
        reasoning_beside,
        own_switches: OwnSwitches {
            switch: own.switches,
            unread: own.unread,
            forced_tool: own.forces_tool,
            present: own.present,
        },
        additional_fields: own.members,
        betas: own.betas,
        format: format::read(&top, &mut notes)?,
        ..Request::default()
    };
    service::read(&top, &mut request, &mut notes)?;
    let wants_cost = wants_cost(&top, &mut notes)?;
    let manner = Manner {
        include_usage: include_usage(&top, &mut notes)? || wants_cost,
        wants_cost,
        legacy_functions: offer.legacy,
        exclude_reasoning: request.reasoning.exclude,
        affinity: top.get("prompt_cache_key").and_then(|node| node.string().ok()).map(Cow::into_owned),
        conventions: Conventions {
            details: conversation.conventions.details || top.get_any(&["reasoning", "include_reasoning"]).is_some(),
            thinking: conversation.conventions.thinking || top.get("thinking").is_some(),
        },
    };
    Ok(Asked { request, manner, warnings: notes.finish() })
}

/// Reads only that, as [`read`] does: of a request that a backend takes in this dialect, whatever is wrong with its other
/// fields.
///
/// # Errors
///
/// As [`read`], when the body is no JSON object, or its `model` or `stream` is wrong.
pub fn read_head<'a>(body: &'a [u8], limits: &Limits) -> Result<Head<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = open(&document)?;
    head::read(&top, limits)
}

/// Reads only the model id, for routing.
///
/// # Errors
///
/// As [`read`], when the body is not JSON or its `model` is not a string with something in it.
pub fn read_model(body: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let limits = Limits::default();
    head::model(&open(&json::read(body, limits.json_values, &INDEXED)?)?, &limits)
}

/// The body's members, and those of `extra_body` that do not stand beside it. SDKs put them there; some clients send
/// that name itself.
fn open<'a, 'p>(document: &'p Document<'a>) -> Result<Object<'a, 'p>, Fault> {
    json::open(document).with_members_of("extra_body")
}

fn flag(node: Option<Node<'_, '_>>) -> Result<Option<bool>, Fault> {
    node.map(|node| node.boolean()).transpose()
}

/// OpenRouter's switch for the usage and what it cost.
fn wants_cost(top: &Object<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    let Some(node) = top.get("usage") else { return Ok(false) };
    let options = node.object()?;
    notes.unknown(&options, &["include"]);
    Ok(flag(options.get("include"))?.unwrap_or_default())
}

fn include_usage(top: &Object<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    let Some(node) = top.get("stream_options") else { return Ok(false) };
    let options = node.object()?;
    notes.unknown(&options, &["include_usage", "include_obfuscation"]);
    if let Some(node) = options.get("include_obfuscation").filter(|node| node.raw() != "false") {
        notes.ignored(&node, "chunks are not padded");
    }
    Ok(flag(options.get("include_usage"))?.unwrap_or_default())
}
