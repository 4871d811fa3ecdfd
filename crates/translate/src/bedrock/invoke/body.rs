//! The body of a client that speaks Anthropic's own words, for InvokeModel: it goes on member for member in the client's
//! order, byte for byte where nothing must change.
//!
//! Bedrock answers "Extra inputs are not permitted" to every member that it does not know, so only known ones go on.
//!
//! | member | what becomes of it |
//! |---|---|
//! | `model`, `stream` | in the path |
//! | `betas`, `anthropic_beta` | with those of the header, the ones that the model has: `anthropic_beta` |
//! | `anthropic_version` | the version that every model takes |
//! | `cache_control` | moved to the last block that can have it; its `scope` removed everywhere; four at most |
//! | `thinking`, `output_config`, `output_format` | as the model wants to be asked; the same bytes where that is what they say |
//! | `temperature`, `top_p`, `top_k` | left out where the model refuses them |
//! | `context_management`, `safeguards` | only beside their betas |
//! | `system`, `messages`, `tools` | see `body/messages.rs` and `body/tools.rs` |
//! | all others | left out |

mod blocks;
mod messages;
mod points;
mod thinking;
mod tools;

use self::points::CachePoints;
use super::request::service_headers;
use super::{VERSION, accept, operation};
use crate::bedrock::converse::request::notes::Notes;
use crate::bedrock::converse::request::{ToolNames, headers, own_fields, path, plan_of};
use crate::bedrock::{Terms, Written};
use crate::catalogue::{BetaFate, MaxTokens, Plan, beta_on_invoke};
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::Request;
use crate::wire::json::{Kind, Value};
use std::collections::BTreeSet;

/// The beta of the search among tools, on Bedrock and elsewhere.
const TOOL_SEARCH: &str = "tool-search-tool-2025-10-19";
const TOOL_SEARCH_ELSEWHERE: &str = "advanced-tool-use-2025-11-20";

/// Members that are taken beside a beta only, and how its name begins.
const PAIRS: [Pair; 2] = [
    Pair { field: "context_management", beta: "context-management-" },
    Pair { field: "safeguards", beta: "dangerous-tool-use-" },
];

/// A member, and the beginning of the beta's name that it needs.
struct Pair {
    field: &'static str,
    beta: &'static str,
}

/// A client's body in Anthropic's words.
#[derive(Clone, Copy)]
pub struct ClientBody<'b> {
    /// The body, which is a JSON object, as its dialect looked through it.
    pub top: Value<'b, 'b>,
    /// The messages, by their places in it, whose content is not what it says any more: reasoning was put back.
    pub changed: &'b BTreeSet<usize>,
}

impl std::fmt::Debug for ClientBody<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { top, changed } = self;
        f.debug_struct("ClientBody").field("bytes", &top.raw().len()).field("changed", changed).finish()
    }
}

/// A client's body, written.
#[derive(Debug)]
pub struct Rewritten {
    /// The request.
    pub written: Written,
    /// The tools, by their places in the client's list, that go on although nothing else than Anthropic's own body has
    /// words for them.
    pub searches: BTreeSet<usize>,
}

/// What the members of a body are written by.
struct Rewriting<'w> {
    request: &'w Request<'w>,
    terms: &'w Terms<'w>,
    changed: &'w BTreeSet<usize>,
    plan: Plan,
    betas: Vec<String>,
    notes: Notes,
    names: ToolNames,
    points: CachePoints,
    searches: BTreeSet<usize>,
}

/// Writes a client's body on these terms. `request` is what was read of it.
///
/// # Errors
///
/// What the model cannot do and the client cannot do without, with the client's field.
pub fn write(client: &ClientBody<'_>, request: &Request<'_>, terms: &Terms<'_>) -> Result<Rewritten, Fault> {
    let mut notes = Notes::default();
    let plan = plan_of(request, terms)?;
    plan.warnings.iter().for_each(|warning| notes.add(warning.clone()));
    let betas = betas(request, terms, &plan, &mut notes);
    let (reasoning_on, effort) = (plan.on, plan.sent_effort());
    let changed = client.changed;
    let (names, searches) = (ToolNames::default(), BTreeSet::new());
    let points = CachePoints::of(client.top);
    let mut body = Rewriting { request, terms, changed, plan, betas, notes, names, points, searches };
    let mut json = Json::with_capacity(client.top.raw().len() + 256);
    json.object(|json| body.write(client.top, json));
    let stream = request.stream;
    let written = Written {
        path: path::path(terms.model_id, operation(stream))?,
        headers: service_headers(request, headers()),
        accept: accept(stream),
        body: json.into_bytes(),
        names: body.names,
        stops: Vec::new(),
        warnings: body.notes.into_warnings(),
        reasoning_on,
        effort,
        stream,
        schema: None,
    };
    Ok(Rewritten { written, searches: body.searches })
}

/// The betas that are sent; the search among tools has another name on Bedrock than elsewhere.
fn betas(request: &Request<'_>, terms: &Terms<'_>, plan: &Plan, notes: &mut Notes) -> Vec<String> {
    let mut betas = own_fields::betas(request, terms, plan, notes);
    let searches = request.betas.iter().any(|beta| beta == TOOL_SEARCH_ELSEWHERE);
    let known = betas.iter().any(|beta| beta == TOOL_SEARCH);
    if searches && !known && beta_on_invoke(TOOL_SEARCH, terms.entry) == BetaFate::Sent {
        betas.push(TOOL_SEARCH.to_owned());
    }
    betas
}

impl Rewriting<'_> {
    fn write(&mut self, top: Value<'_, '_>, json: &mut Json) {
        json.name("anthropic_version").word(VERSION);
        if !self.betas.is_empty() {
            json.name("anthropic_beta").verbatim(&serde_json::json!(self.betas).to_string());
        }
        for (name, value) in top.members() {
            let Some(name) = name.plain() else { continue };
            // Of two members with one name the last one counts; `null` is the same as nothing.
            let last = top.member(&name).is_some_and(|last| std::ptr::eq(last.raw(), value.raw()));
            if last && value.kind() != Kind::Null {
                self.member(&name, value, top, json);
            }
        }
        self.unsaid(top, json);
    }

    fn member(&mut self, name: &str, value: Value<'_, '_>, top: Value<'_, '_>, json: &mut Json) {
        let sampled = !self.terms.adjustment.without_sampling;
        match name {
            "max_tokens" => match self.plan.max_tokens {
                MaxTokens::Set(tokens) => json.name(name).verbatim(&tokens.to_string()),
                MaxTokens::Keep | MaxTokens::Omit => json.name(name).verbatim(value.raw()),
            },
            "system" => self.system(value, json),
            "messages" => self.messages(value, top, json),
            "tools" => self.tools(value, json),
            "tool_choice" => self.tool_choice(value, top, json),
            "thinking" => self.thinking(value, json),
            "output_config" => self.output_config(Some(value), top, json),
            "temperature" if sampled && !self.plan.drop_temperature => json.name(name).verbatim(value.raw()),
            "top_p" if sampled && !self.plan.drop_top_p => json.name(name).verbatim(value.raw()),
            "top_k" if sampled && !self.plan.drop_top_k => json.name(name).verbatim(value.raw()),
            "stop_sequences" => self.stop_sequences(value, json),
            "metadata" => json.name(name).verbatim(value.raw()),
            _ => self.paired(name, value, json),
        }
    }

    /// Writes a member that is taken beside a beta only.
    fn paired(&mut self, name: &str, value: Value<'_, '_>, json: &mut Json) {
        let Some(Pair { beta, .. }) = PAIRS.iter().find(|pair| pair.field == name) else { return };
        if self.has_beta(beta) {
            json.name(name).verbatim(value.raw());
        } else if name != "context_management" {
            // Of `context_management` the client is told where it is read.
            let why = format!("it is taken with a beta `{beta}...` only, and none is sent");
            self.notes.dropped(FieldRef::own(name.to_owned()), why);
        }
    }

    fn has_beta(&self, begins: &str) -> bool {
        self.betas.iter().any(|beta| beta.starts_with(begins))
    }

    /// Blank ones are taken from nobody.
    fn stop_sequences(&mut self, value: Value<'_, '_>, json: &mut Json) {
        let sampling = &self.request.sampling;
        if sampling.blank_stop.is_empty() {
            json.name("stop_sequences").verbatim(value.raw());
        } else if !sampling.stop.is_empty() {
            json.name("stop_sequences").list(|json| sampling.stop.iter().for_each(|stop| json.text(stop)));
        }
    }
}
