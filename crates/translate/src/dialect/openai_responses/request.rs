//! The words of a Responses request, read.
//!
//! Every field has one of three fates: it is taken into the neutral [`Request`]; it is left out, and a [`Warning`] names
//! it; or it is refused with a [`Fault`] that names it, because the client would trust in what it cannot get. Fields that
//! nobody knows are left out. `null` is the same as nothing. `docs/fields.md` has a row for every field.
//!
//! Texts, schemas and base64 are borrowed from the body as they stand there, still escaped.

mod calls;
mod content;
mod conversation;
mod echo;
mod flat_names;
mod folded;
mod items;
mod media;
mod outputs;
mod service;
mod synthetic;
mod thoughts;
mod tool_choice;
mod tools;
mod verdicts;
mod wishes;

use crate::dialect::Head;
use crate::dialect::head;
use crate::dialect::json::{self, Indexed, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_responses::seal_keys::SealKeys;
use crate::dialect::openai_responses::sealed_item::SealedItem;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Request, Sampling};
use crate::warning::Warning;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parts of a body that hold fields.
pub(super) const INDEXED: Indexed = Indexed {
    members: &[
        "include",
        "input",
        "metadata",
        "prompt_cache_options",
        "reasoning",
        "stream_options",
        "text",
        "tool_choice",
        "tools",
    ],
    beside: "",
    opaque: &["action", "arguments", "operation", "output_schema", "parameters", "schema"],
};

/// A request, with what only this dialect needs to know for the answer.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The neutral request.
    pub request: Request<'a>,
    /// The manner of the answer.
    pub manner: Manner,
    /// Warnings about fields without effect.
    pub warnings: Vec<Warning>,
    /// The reasoning that came back sealed.
    pub sealed: Vec<SealedItem<'a>>,
}

/// The manner in which a client of this dialect is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// `prompt_cache_key`: what requests with a common beginning share.
    pub affinity: Option<String>,
    /// The response may be remembered: `store` is not `false`.
    pub stored: bool,
    /// `reasoning.summary` was set: the client reads the text of the reasoning.
    pub summary: bool,
    /// The keys that seal reasoning into `encrypted_content`.
    pub seals: Option<Arc<SealKeys>>,
    /// The forms of tools that are no plain functions, by the name under which the model calls them.
    pub forms: BTreeMap<String, CalledForm>,
    /// The members that the response object repeats.
    pub echo: Arc<Echo>,
}

/// The form in which the call of a tool is told: as the type of item, with the name, that its client knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalledForm {
    /// The type of item.
    pub kind: CalledKind,
    /// The `name` of the call, inside its namespace.
    pub name: String,
    /// The `namespace` of the call.
    pub namespace: Option<String>,
}

/// The type of item by which the call of a tool is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalledKind {
    /// `function_call`: `arguments` as a string of JSON.
    #[default]
    Function,
    /// `custom_tool_call`: the model's arguments are `{"input": text}`, and the client gets that text as `input`.
    Custom,
    /// `tool_search_call` with `execution` `client`: `arguments` as an object.
    ToolSearch,
    /// `apply_patch_call`: the model's arguments are `{"operation": {...}}`, and the client gets `operation`.
    ApplyPatch,
    /// `local_shell_call`: the arguments, with `"type":"exec"` before them, are the client's `action`.
    LocalShell,
    /// `shell_call`: the arguments are the client's `action`.
    Shell,
}

/// The members of a request that its response object repeats, each as one line of JSON; `None`: the client gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// `instructions`
    pub instructions: Option<String>,
    /// `metadata`
    pub metadata: Option<String>,
    /// `tools`
    pub tools: Option<String>,
    /// `tool_choice`
    pub tool_choice: Option<String>,
    /// `parallel_tool_calls`
    pub parallel_tool_calls: Option<String>,
    /// `temperature`
    pub temperature: Option<String>,
    /// `top_p`
    pub top_p: Option<String>,
    /// `max_output_tokens`
    pub max_output_tokens: Option<String>,
    /// `max_tool_calls`
    pub max_tool_calls: Option<String>,
    /// `previous_response_id`
    pub previous_response_id: Option<String>,
    /// `prompt_cache_key`
    pub prompt_cache_key: Option<String>,
    /// `prompt_cache_retention`
    pub prompt_cache_retention: Option<String>,
    /// `reasoning.effort`
    pub effort: Option<String>,
    /// `reasoning.summary`
    pub summary: Option<String>,
    /// `service_tier`
    pub service_tier: Option<String>,
    /// `store`
    pub store: Option<String>,
    /// `text`, with its `format`
    pub text: Option<String>,
    /// `truncation`
    pub truncation: Option<String>,
    /// `user`
    pub user: Option<String>,
}

/// Reads a request's body.
///
/// # Errors
///
/// A fault whose mistake names the field, or the line and column when the body is not JSON. And what goes beyond a limit.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<Asked<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document);
    let mut notes = Notes::new(*limits);
    let model = head::model(&top, limits)?;
    verdicts::read(&top, &mut notes)?;
    let mut offer = tools::read(&top, &mut notes)?;
    let conversation = items::read(&top, &offer.names, &mut notes)?;
    tool_choice::read(&top, &mut offer, &mut notes)?;
    let mut request = Request {
        size: body.len(),
        model,
        stream: flag(&top, "stream")?.unwrap_or_default(),
        system: conversation.system,
        messages: conversation.turns,
        tools: offer.tools,
        tool_choice: offer.choice,
        parallel_tools: flag(&top, "parallel_tool_calls")?,
        sampling: sampling(&top)?,
        reasoning: conversation.wishes.reasoning,
        format: conversation.wishes.format,
        ..Request::default()
    };
    service::read(&top, &mut request, &mut notes)?;
    let manner = Manner {
        affinity: top.get("prompt_cache_key").and_then(|node| node.string().ok()).map(Cow::into_owned),
        stored: flag(&top, "store")?.unwrap_or(true),
        summary: conversation.wishes.summary,
        seals: None,
        forms: offer.names.forms,
        echo: Arc::new(echo::read(&top)),
    };
    Ok(Asked { request, manner, warnings: notes.finish(), sealed: conversation.sealed })
}

fn sampling<'a>(top: &Object<'a, '_>) -> Result<Sampling<'a>, Fault> {
    Ok(Sampling {
        max_tokens: top.get("max_output_tokens").map(|node| node.count()).transpose()?,
        max_tokens_field: Some(FieldRef::MaxTokens),
        temperature: top.get("temperature").map(|node| node.number_within(0.0, 2.0)).transpose()?,
        top_p: top.get("top_p").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        ..Sampling::default()
    })
}

fn flag(top: &Object<'_, '_>, name: &str) -> Result<Option<bool>, Fault> {
    top.get(name).map(|node| node.boolean()).transpose()
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
