//! The tools that a model may call, and which of them it must.

use super::Terms;
use super::draft::needs_tools_as_text;
use super::names::ToolNames;
use super::notes::Notes;
use super::schema::{self, Fitted};
use super::vendor_tools;
use crate::catalogue::{Allowed, Entry};
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::{Block, CacheTtl, Request, ToolChoice};
use crate::model::text::Text;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The most tools with `strict` in one request (Claude, "Strict tool use").
const MOST_STRICT: usize = 20;

/// The tools of a request, as they are sent.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Offer<'r, 'a> {
    pub(in crate::bedrock) tools: Vec<Offered<'r, 'a>>,
    pub(in crate::bedrock) choice: Choice<'r>,
    /// The choice in the vendor's own words, for the model's own fields.
    pub(super) own_choice: Option<Value>,
    /// The choice in words, for models that cannot be made to call a tool.
    pub(super) wish: Option<String>,
}

/// One tool, as it is sent.
#[derive(Debug)]
pub(in crate::bedrock) struct Offered<'r, 'a> {
    pub(in crate::bedrock) name: Cow<'r, str>,
    pub(in crate::bedrock) description: Option<&'r Text<'a>>,
    pub(in crate::bedrock) schema: Cow<'r, str>,
    pub(in crate::bedrock) strict: bool,
    pub(in crate::bedrock) cache_point: Option<Option<CacheTtl>>,
}

/// The choice among the tools, as it is sent.
#[derive(Debug, Default)]
pub(in crate::bedrock) enum Choice<'r> {
    #[default]
    Unsaid,
    Auto,
    Any,
    Tool(Cow<'r, str>),
}

/// Arranges a request's tools. `in_words`: no call may be forced, so the wish for it is said.
pub(super) fn arrange<'r, 'a>(
    request: &'r Request<'a>,
    terms: &Terms<'_>,
    in_words: bool,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<Offer<'r, 'a>, Fault> {
    let entry = terms.entry;
    let history = request.has_tool_history() && !needs_tools_as_text(request, terms);
    let unwanted = request.tool_choice == ToolChoice::None;
    vendor_tools::check(request, entry, notes)?;
    let own_choice = vendor_tools::own_choice(request, entry, in_words);
    if request.tools.is_empty() && !history && own_choice.is_some() {
        return Ok(Offer { own_choice, ..Offer::default() });
    }
    if (request.tools.is_empty() || unwanted) && !history {
        return Ok(Offer::default());
    }
    if terms.adjustment.without_tools && !history {
        return Ok(Offer::default());
    }
    // A row that knows of forced calls is of a model that is told to take tools and to take none: a conversation that has
    // some goes on as it is.
    let goes_on = in_words || history && entry.forced_tool == Allowed::Refused;
    if !entry.tools && !goes_on {
        let cannot = format!("{} takes no tools", entry.name);
        if history || matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)) {
            return Err(Fault::unsupported(
                FieldRef::Tools,
                format!("{cannot}; use a model that does, or leave them out"),
            ));
        }
        notes.dropped(FieldRef::Tools, format!("{cannot}; it was asked without them"));
        return Ok(Offer::default());
    }
    let mut offer = Offer { tools: offered(request, entry, names, notes), ..Offer::default() };
    if request.tools.is_empty() {
        offer.tools = from_history(request, names);
        if !vendor_tools::sent(request, entry).is_empty() {
            offer.tools.retain(|made| !request.vendor_tools.iter().any(|tool| tool.name == made.name));
            offer.own_choice = own_choice;
            return Ok(offer);
        }
        let why = "the messages hold tool calls, so the model must know the tools; they were made up from the messages";
        notes.changed(FieldRef::Tools, why);
    }
    if in_words {
        wish(request, names, &mut offer);
    }
    choose(request, entry, in_words, names, &mut offer, notes);
    if own_choice.is_some() {
        // Bedrock refuses a choice in both places.
        (offer.own_choice, offer.choice) = (own_choice, Choice::Unsaid);
    }
    Ok(offer)
}

fn offered<'r, 'a>(
    request: &'r Request<'a>,
    entry: &Entry,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Vec<Offered<'r, 'a>> {
    let mut strict_left = if entry.strict_tools { MOST_STRICT } else { 0 };
    let mut offered = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        let strict = tool.strict == Some(true) && strict_left > 0;
        if strict {
            strict_left -= 1;
        } else if tool.strict == Some(true) {
            let why = if entry.strict_tools {
                format!("{} takes at most {MOST_STRICT} strict tools", entry.name)
            } else {
                format!("{} does not enforce schemas of tools", entry.name)
            };
            notes.dropped(FieldRef::ToolStrict(tool.position), why);
        }
        let schema = match &tool.schema {
            Some(raw) => schema::of_tool(raw.as_json(), entry, strict, tool.wrapped),
            None => Fitted { json: Cow::Borrowed(schema::NOTHING), told: Vec::new() },
        };
        for why in schema.told {
            notes.changed(FieldRef::ToolSchema(tool.position), why);
        }
        offered.push(Offered {
            name: names.send(&tool.name),
            description: tool.description.as_ref(),
            schema: schema.json,
            strict,
            cache_point: tool.cache_point,
        });
    }
    offered
}

/// Bedrock wants to know the tools that a conversation speaks of; their names are all that is known.
fn from_history<'r, 'a>(request: &'r Request<'a>, names: &mut ToolNames) -> Vec<Offered<'r, 'a>> {
    let mut tools: Vec<Offered<'r, 'a>> = Vec::new();
    let mut known: BTreeSet<Cow<'r, str>> = BTreeSet::new();
    for block in request.messages.iter().flat_map(|message| &message.content) {
        let Block::ToolUse { name, .. } = block else { continue };
        let name = names.send(name);
        if known.insert(name.clone()) {
            let schema = Cow::Borrowed(schema::NOTHING);
            tools.push(Offered { name, description: None, schema, strict: false, cache_point: None });
        }
    }
    tools
}

/// Says which tool is to be called, and offers no other where one is named.
fn wish<'r>(request: &'r Request<'_>, names: &mut ToolNames, offer: &mut Offer<'r, '_>) {
    if let ToolChoice::Named(name) = &request.tool_choice {
        let name = names.send(name);
        offer.tools.retain(|tool| tool.name == name);
    }
    offer.wish = match (&request.tool_choice, offer.tools.as_slice()) {
        (ToolChoice::Required | ToolChoice::Named(_), [only]) => Some(format!(
            "Answer with a call of the tool `{}` and nothing else: no text before or after it.",
            only.name
        )),
        (ToolChoice::Required, _) => {
            Some("Answer with a call of one of the tools and nothing else: no text before or after it.".to_owned())
        }
        _ => None,
    };
}

fn choose<'r>(
    request: &'r Request<'_>,
    entry: &Entry,
    in_words: bool,
    names: &mut ToolNames,
    offer: &mut Offer<'r, '_>,
    notes: &mut Notes,
) {
    let choosable = entry.forced_tool != Allowed::Refused || entry.own_tool_choice;
    offer.choice = match &request.tool_choice {
        ToolChoice::Required if !in_words => Choice::Any,
        ToolChoice::Named(name) if !in_words => Choice::Tool(names.send(name)),
        ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named(_) if choosable => Choice::Auto,
        ToolChoice::Unset | ToolChoice::Auto | ToolChoice::Required | ToolChoice::None | ToolChoice::Named(_) => {
            Choice::Unsaid
        }
    };
    let single = request.parallel_tools == Some(false);
    if request.tool_choice == ToolChoice::None || request.tools.is_empty() {
        // Bedrock refuses a choice in both places, also one among tools that are offered for the history's sake alone.
        offer.choice = Choice::Unsaid;
        offer.own_choice = Some(json!({ "type": "none" }));
    } else if single && entry.own_tool_choice {
        offer.own_choice = Some(match std::mem::take(&mut offer.choice) {
            Choice::Any => json!({ "type": "any", "disable_parallel_tool_use": true }),
            Choice::Tool(name) => json!({ "type": "tool", "name": name, "disable_parallel_tool_use": true }),
            Choice::Auto | Choice::Unsaid => json!({ "type": "auto", "disable_parallel_tool_use": true }),
        });
    } else if single {
        notes.ignored(FieldRef::ParallelTools, format!("{} cannot be kept to one call", entry.name));
    }
}

impl Offer<'_, '_> {
    /// Writes `toolConfig`, when there is anything to say.
    pub(super) fn write(&self, json: &mut Json) {
        if self.tools.is_empty() {
            return;
        }
        json.member("toolConfig", |json| {
            json.name("tools").list(|json| {
                for tool in &self.tools {
                    tool.write(json);
                }
            });
            let choice = |json: &mut Json, kind: &str| json.member("toolChoice", |json| json.member(kind, |_| {}));
            match &self.choice {
                Choice::Unsaid => {}
                Choice::Auto => choice(json, "auto"),
                Choice::Any => choice(json, "any"),
                Choice::Tool(name) => {
                    json.member("toolChoice", |json| json.member("tool", |json| json.name("name").word(name)));
                }
            }
        });
    }
}

impl Offered<'_, '_> {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.member("toolSpec", |json| {
                json.name("name").word(&self.name);
                if let Some(description) = self.description {
                    json.name("description").text(description);
                }
                json.member("inputSchema", |json| {
                    json.name("json").verbatim(&self.schema);
                });
                if self.strict {
                    json.name("strict").verbatim("true");
                }
            });
        });
        if let Some(ttl) = self.cache_point {
            super::cache_point(json, ttl);
        }
    }
}
