//! A neutral request in Converse's words, written straight into the bytes that are sent.
//!
//! Texts, schemas and arguments go on as the client escaped them. The same request always gives the same bytes, so
//! that signatures, caches and tests can rely on it. Shapes: Converse, request syntax.

mod allowed;
mod cache;
pub(in crate::bedrock) mod content;
pub(in crate::bedrock) mod draft;
mod format;

pub(in crate::bedrock) mod names;
pub(in crate::bedrock) mod notes;
pub(in crate::bedrock) mod own_fields;
pub(in crate::bedrock) mod path;
mod schema;
mod service;
pub(in crate::bedrock) mod tools;
pub(in crate::bedrock) mod vendor_tools;

pub use names::ToolNames;
pub use service::asks_for_trace;

use crate::bedrock::Api;
use crate::catalogue::{self, Adjustment, Entry, MaxTokens, Medium, Plan, Rules, Situation, Streaming};
use crate::fault::Fault;
use crate::limits::ClientFields;
use crate::model::field_ref::FieldRef;
use crate::model::issuer::Mark;
use crate::model::json::Json;
use crate::model::reasoning::SentEffort;
use crate::model::request::{Block, CacheTtl, Request, Sampling, ToolChoice};
use crate::model::text::Text;
use crate::warning::Warning;
use draft::Draft;
use http::{HeaderMap, HeaderValue, header};
use notes::Notes;
use serde_json::Number;
use std::borrow::Cow;

/// The most bytes of all stop sequences at which an answer is cut here.
const MOST_OF_STOPS: usize = 64 << 10;

/// For whom, and on what terms, a request is written.
#[derive(Clone, Debug)]
pub struct Terms<'t> {
    /// The API to call.
    pub api: Api,
    /// The model id to call.
    pub model_id: &'t str,
    /// The model's row of the catalogue.
    pub entry: &'t Entry,
    /// The mark of this model and backend: sealed reasoning with another mark is not sent to it.
    pub mark: Mark,
    /// The operator's rules for reasoning.
    pub rules: &'t Rules,
    /// The changes to the request after Bedrock refused an earlier attempt.
    pub adjustment: Adjustment,
    /// The fields of Bedrock's own that the client may use.
    pub allowed: ClientFields,
}

/// A request, written.
pub struct Written {
    /// The path, with the model id percent-encoded once.
    pub path: String,
    /// Headers that belong to it, beside `accept`.
    pub headers: HeaderMap,
    /// The type of answer that is asked for.
    pub accept: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Gives the client's names of its tools back.
    pub names: ToolNames,
    /// The stop sequences that are not sent, and at which the answer is to be cut.
    pub stops: Vec<String>,
    /// The fields that are not sent exactly as asked.
    pub warnings: Vec<Warning>,
    /// The model will reason, as far as is known.
    pub reasoning_on: bool,
    /// What is sent of how hard to reason.
    pub effort: SentEffort,
    /// The answer comes as a stream.
    pub stream: bool,
    /// The fingerprint of the schema of the answer, when one is enforced: equal schemas have equal fingerprints.
    pub schema: Option<u64>,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Written").field("path", &self.path).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// A request, arranged for a model: what Converse and InvokeModel are told, each in its own words.
#[derive(Debug)]
pub(in crate::bedrock) struct Prepared<'r, 'a> {
    /// The system's text and the turns.
    pub(in crate::bedrock) draft: Draft<'r, 'a>,
    /// What is said of the reasoning, and what follows from it.
    pub(in crate::bedrock) plan: Plan,
    /// The tools, and the choice among them.
    pub(in crate::bedrock) offer: tools::Offer<'r, 'a>,
    /// The members in the model's own words.
    pub(in crate::bedrock) own: own_fields::OwnFields<'r>,
    /// The schema of the answer, where it is enforced.
    pub(in crate::bedrock) schema: Option<Cow<'r, str>>,
    /// The same as a number.
    pub(in crate::bedrock) fingerprint: Option<u64>,
    /// The tools' names as sent.
    pub(in crate::bedrock) names: ToolNames,
    /// The warnings so far.
    pub(in crate::bedrock) notes: Notes,
    /// The answer comes as a stream.
    pub(in crate::bedrock) stream: bool,
}

/// Arranges a request on these terms.
///
/// # Errors
///
/// As [`write`].
pub(in crate::bedrock) fn prepare<'r, 'a>(
    request: &'r Request<'a>,
    terms: &Terms<'_>,
) -> Result<Prepared<'r, 'a>, Fault> {
    let entry = terms.entry;
    let mut notes = Notes::default();
    let mut names = ToolNames::with(entry.hyphens_in_tools);
    allowed::check(request, terms.allowed)?;
    content::check(&request.messages, entry)?;
    let mut draft = draft::arrange(request, terms, &mut notes)?;
    let plan = catalogue::plan(entry, &situation(request, &draft, terms))?;
    for warning in &plan.warnings {
        notes.add(warning.clone());
    }
    if plan.strip_loop {
        draft.strip_loop(&mut notes);
    }
    let mut offer = tools::arrange(request, terms, plan.tool_in_words, &mut names, &mut notes)?;
    draft.instruct(offer.wish.take());
    let enforced = entry.structured_output && !terms.adjustment.schema_in_words;
    format::instruct(request, entry, enforced, &mut draft, &mut notes);
    if !entry.system || terms.adjustment.system_in_messages {
        draft.system_in_messages(entry, &mut notes);
    }
    cache::place(request, entry, &mut offer, &mut draft, &mut notes);
    let stream = streams(request, terms, !offer.tools.is_empty(), &mut notes);
    let schema = format::fit(request, enforced, &mut notes);
    let own = own_fields::gather(request, terms, &plan, offer.own_choice.take(), &mut notes);
    let fingerprint = format::fingerprint(request, enforced);
    Ok(Prepared { draft, plan, offer, own, schema, fingerprint, names, notes, stream })
}

/// The plan for the reasoning of a request that goes on as its client wrote it.
///
/// # Errors
///
/// As [`write`], for the reasoning alone.
pub(in crate::bedrock) fn plan_of(request: &Request<'_>, terms: &Terms<'_>) -> Result<Plan, Fault> {
    let mut notes = Notes::default();
    allowed::check(request, terms.allowed)?;
    let draft = draft::arrange(request, terms, &mut notes)?;
    catalogue::plan(terms.entry, &situation(request, &draft, terms))
}

/// Whether the operator's rules for reasoning make of a request another one than its client asked for.
pub(in crate::bedrock) fn is_limited(request: &Request<'_>, terms: &Terms<'_>) -> bool {
    let ruled = terms.rules;
    if ruled.most_effort.is_none() && ruled.most_budget.is_none() && ruled.default.is_none() {
        return false;
    }
    let free = Rules { most_effort: None, most_budget: None, default: None, ..ruled.clone() };
    let (ruled, free) = (plan_of(request, terms), plan_of(request, &Terms { rules: &free, ..terms.clone() }));
    let said = |plan: &Plan| (plan.fields.clone(), plan.on);
    ruled.as_ref().map(said).ok() != free.as_ref().map(said).ok()
}

/// Whether the operator's rules mend a conversation which would be refused otherwise.
pub(in crate::bedrock) fn is_mended(request: &Request<'_>, terms: &Terms<'_>) -> bool {
    let strict = Rules { repair: false, ..terms.rules.clone() };
    terms.rules.repair
        && !answers_in_order(request)
        && draft::arrange(request, &Terms { rules: &strict, ..terms.clone() }, &mut Notes::default()).is_err()
}

/// Whether each call is answered by the next message, in the order of the calls: nearly every conversation is so.
fn answers_in_order(request: &Request<'_>) -> bool {
    let mut open: &[Block<'_>] = &[];
    for message in &request.messages {
        if !results(&message.content).eq(calls(open)) {
            return false;
        }
        open = &message.content;
    }
    calls(open).next().is_none()
}

/// The ids of the calls that these blocks answer.
fn results<'b>(blocks: &'b [Block<'_>]) -> impl Iterator<Item = &'b str> {
    blocks
        .iter()
        .filter_map(|block| if let Block::ToolResult { id, .. } = block { Some(id.as_escaped()) } else { None })
}

/// The ids of the calls among these blocks.
fn calls<'b>(blocks: &'b [Block<'_>]) -> impl Iterator<Item = &'b str> {
    blocks.iter().filter_map(|block| if let Block::ToolUse { id, .. } = block { Some(id.as_escaped()) } else { None })
}

/// Writes a request on these terms.
///
/// # Errors
///
/// What the model cannot do and the client cannot do without, and conversations that Bedrock is known to refuse, each
/// with the client's field.
pub fn write(request: &Request<'_>, terms: &Terms<'_>) -> Result<Written, Fault> {
    let entry = terms.entry;
    let Prepared { draft, plan, offer, own, schema, fingerprint, mut names, mut notes, stream } =
        prepare(request, terms)?;
    let path = path::path(terms.model_id, if stream { "converse-stream" } else { "converse" })?;
    let stops_sent = entry.stop && !terms.adjustment.stops_here;
    let mut json = Json::with_capacity(request.size + request.size / 8 + 1024);
    let mut writer = content::Writer {
        entry,
        tool_names: &mut names,
        documents: names::DocumentNames::default(),
        documents_as_text: !entry.takes(Medium::Document),
    };
    json.object(|json| {
        writer.messages(&draft, json);
        if !draft.system.is_empty() {
            json.name("system").list(|json| writer.pieces(&draft.system, json));
        }
        inference(request, terms, stops_sent, &plan, &mut notes, json);
        offer.write(json);
        service::guardrail(request, stream, json);
        own.write(json);
        paths(&plan, told_stop(request, entry, stops_sent, stream), json);
        service::metadata(request, &mut notes, json);
        service::speed(request, json);
        format::write(request, schema.as_deref(), json);
    });
    let stops = if stops_sent { Vec::new() } else { stops_here(request, entry, &mut notes) };
    Ok(Written {
        stops,
        path,
        headers: headers(),
        accept: if stream { "application/vnd.amazon.eventstream" } else { "application/json" },
        body: json.into_bytes(),
        names,
        warnings: notes.into_warnings(),
        reasoning_on: plan.on,
        effort: plan.sent_effort(),
        stream,
        schema: fingerprint,
    })
}

/// The headers of every request, with room for those that a host adds: signature, date, token, length, encoding, agent.
pub(in crate::bedrock) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// Whether the upstream is asked for a stream.
fn streams(request: &Request<'_>, terms: &Terms<'_>, tools: bool, notes: &mut Notes) -> bool {
    let stream = request.stream && !is_whole(terms, tools);
    if request.stream && !stream {
        let entry = terms.entry;
        let with = if entry.streaming == Streaming::Refused { "" } else { " while it is offered tools" };
        notes.changed(FieldRef::Stream, format!("{} does not stream{with}; its answer comes at once", entry.name));
    }
    stream
}

/// Whether the upstream is asked for a whole answer although the client wants a stream.
fn is_whole(terms: &Terms<'_>, tools: bool) -> bool {
    match terms.entry.streaming {
        Streaming::Allowed => tools && terms.adjustment.tools_whole,
        Streaming::NotWithTools => tools,
        Streaming::Refused => true,
    }
}

fn situation(request: &Request<'_>, draft: &Draft<'_, '_>, terms: &Terms<'_>) -> Situation {
    let sampling = &request.sampling;
    Situation {
        ask: own_fields::asked(request, terms),
        max_tokens: sampling.max_tokens,
        max_tokens_field: sampling.max_tokens_field.clone(),
        stream: request.stream && !is_whole(terms, !request.tools.is_empty()),
        temperature: sampling.temperature.is_some(),
        temperature_one: sampling.temperature == Some(1.0),
        top_p: sampling.top_p.is_some(),
        top_p_one: sampling.top_p == Some(1.0),
        top_k: sampling.top_k.is_some(),
        forced_tool: matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_))
            || request.own_switches.forced_tool,
        has_tools: !request.tools.is_empty() || !vendor_tools::sent(request, terms.entry).is_empty(),
        prefill: draft.ends_with_prefill(),
        open_loop: draft.open_loop(),
        sealed_loop: draft.has_sealed_loop(),
        rules: terms.rules.clone(),
        adjustment: terms.adjustment,
    }
}

fn inference(
    request: &Request<'_>,
    terms: &Terms<'_>,
    stops_sent: bool,
    plan: &Plan,
    notes: &mut Notes,
    json: &mut Json,
) {
    let sampling = &request.sampling;
    let max_tokens = match plan.max_tokens {
        MaxTokens::Keep => sampling.max_tokens,
        MaxTokens::Set(tokens) => Some(tokens),
        MaxTokens::Omit => None,
    };
    let sampled = !terms.adjustment.without_sampling;
    let temperature = sampling.temperature.filter(|_| sampled && !plan.drop_temperature).map(|asked| {
        if asked > 1.0 {
            notes.changed(FieldRef::Temperature, "Bedrock's temperatures go from 0 to 1; 1 is used");
        }
        asked.min(1.0)
    });
    let top_p = sampling.top_p.filter(|_| sampled && !plan.drop_top_p);
    let stops = if stops_sent { stops(request, terms.entry, notes) } else { &[] };
    if max_tokens.is_none() && temperature.is_none() && top_p.is_none() && stops.is_empty() {
        return;
    }
    json.member("inferenceConfig", |json| {
        if let Some(tokens) = max_tokens {
            json.name("maxTokens").verbatim(&tokens.to_string());
        }
        for (name, value) in [("temperature", temperature), ("topP", top_p)] {
            if let Some(number) = value.and_then(Number::from_f64) {
                json.name(name).verbatim(&number.to_string());
            }
        }
        if !stops.is_empty() {
            json.name("stopSequences").list(|json| {
                for stop in stops {
                    json.text(stop);
                }
            });
        }
    });
}

/// As many stop sequences as the model takes.
pub(in crate::bedrock) fn stops<'r, 'a>(request: &'r Request<'a>, entry: &Entry, notes: &mut Notes) -> &'r [Text<'a>] {
    let asked = request.sampling.stop.as_slice();
    let most = entry.max_stops.map_or(asked.len(), |most| usize::try_from(most).unwrap_or(asked.len()));
    match asked.get(..most).filter(|sent| sent.len() < asked.len()) {
        Some(sent) => {
            notes.dropped(
                FieldRef::Stop,
                format!("{} takes {most} stop sequences at most; the others were left out", entry.name),
            );
            sent
        }
        None => asked,
    }
}

/// The stop sequences at which the answer is cut here, because the model takes none.
pub(in crate::bedrock) fn stops_here(request: &Request<'_>, entry: &Entry, notes: &mut Notes) -> Vec<String> {
    let Sampling { stop, blank_stop, .. } = &request.sampling;
    let asked = || stop.iter().chain(blank_stop);
    let bytes: usize = asked().map(|stop| stop.as_escaped().len()).sum();
    if bytes > MOST_OF_STOPS {
        notes.dropped(FieldRef::Stop, format!("{} takes no stop sequences, and these are too long", entry.name));
        return Vec::new();
    }
    if bytes > 0 {
        let why = format!("{} takes no stop sequences; its answer is cut at them by the gateway", entry.name);
        notes.changed(FieldRef::Stop, why);
    }
    asked().map(|stop| stop.plain().into_owned()).collect()
}

/// Where the model's own answer tells at which stop sequence it ended, when the client wants to know. With one sequence it
/// is known which.
fn told_stop(request: &Request<'_>, entry: &Entry, sent: bool, stream: bool) -> Option<&'static str> {
    let asked = request.tell_stop && sent && request.sampling.stop.len() > 1 && entry.vendor == "anthropic";
    asked.then_some(if stream { "/delta/stop_sequence" } else { "/stop_sequence" })
}

fn paths(plan: &Plan, stop: Option<&'static str>, json: &mut Json) {
    if plan.response_paths.is_empty() && stop.is_none() {
        return;
    }
    json.name("additionalModelResponseFieldPaths").list(|json| {
        for path in plan.response_paths.iter().map(String::as_str).chain(stop) {
            json.word(path);
        }
    });
}

/// Writes a cache point, in the form that tools, system and messages share.
fn cache_point(json: &mut Json, ttl: Option<CacheTtl>) {
    json.object(|json| {
        json.member("cachePoint", |json| {
            json.name("type").word("default");
            // Left out, it is five minutes; models without longer ones need not know the member.
            if ttl == Some(CacheTtl::OneHour) {
                json.name("ttl").word(CacheTtl::OneHour.word());
            }
        });
    });
}
