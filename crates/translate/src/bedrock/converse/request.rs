//! A neutral request in Converse's words, written straight into the bytes that are sent.
//!
//! Texts, schemas and arguments go on as the client escaped them. The same request always gives the same bytes, so
//! that signatures, caches and tests can rely on it. Shapes: Converse, request syntax.

mod cache;
mod content;
mod draft;
mod format;
mod json;
mod names;
mod notes;
mod own_fields;
mod service;
mod tools;

pub use names::ToolNames;

use crate::catalogue::{self, Amend, Entry, MaxTokens, Plan, Rules, Situation};
use crate::fault::Fault;
use crate::model::issuer::Mark;
use crate::model::request::{CacheTtl, Request, ToolChoice};
use crate::model::text::Text;
use crate::warning::Warning;
use draft::Draft;
use json::Json;
use notes::Notes;
use serde_json::Number;

/// For whom, and on what terms, a request is written.
#[derive(Clone, Debug)]
pub struct Terms<'t> {
    /// The model id to call.
    pub model_id: &'t str,
    /// What that model is like.
    pub entry: &'t Entry,
    /// Whose reasoning is its own.
    pub mark: Mark,
    /// What the operator decides.
    pub rules: &'t Rules,
    /// What is done otherwise after a refusal.
    pub amend: Amend,
}

/// A request, written.
#[derive(Debug)]
pub struct Written {
    /// The path, with the model id percent-encoded once.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    /// Gives the client's names of its tools back.
    pub names: ToolNames,
    /// What is not sent exactly as asked.
    pub warnings: Vec<Warning>,
    /// The model will reason, as far as is known.
    pub reasoning_on: bool,
}

/// Writes a request on these terms.
///
/// # Errors
///
/// What the model cannot do and the client cannot do without, and conversations that Bedrock is known to refuse, each
/// with the client's field.
pub fn write(request: &Request<'_>, terms: &Terms<'_>) -> Result<Written, Fault> {
    let entry = terms.entry;
    let mut notes = Notes::default();
    let mut names = ToolNames::default();
    content::check(&request.messages, entry)?;
    let mut draft = draft::arrange(request, terms, &mut notes)?;
    let plan = catalogue::plan(entry, &situation(request, &draft, terms))?;
    for warning in &plan.warnings {
        notes.add(warning.clone());
    }
    if plan.strip_loop {
        draft.strip_loop(&mut notes);
    }
    let mut offer = tools::arrange(request, entry, plan.tool_choice_auto, &mut names, &mut notes)?;
    let enforced = entry.structured_output && !terms.amend.schema_in_words;
    format::instruct(request, entry, enforced, &mut draft, &mut notes);
    cache::place(request, entry, &mut offer, &mut draft, &mut notes);
    let own = own_fields::gather(request, entry, &plan, offer.own_choice.take(), &mut notes);

    let mut json = Json::with_capacity(request.size + request.size / 8 + 1024);
    let mut writer = content::Writer { entry, tool_names: &mut names, documents: names::DocumentNames::default() };
    json.object(|json| {
        writer.messages(&draft, json);
        if !draft.system.is_empty() {
            json.name("system").list(|json| writer.pieces(&draft.system, json));
        }
        inference(request, entry, &plan, &mut notes, json);
        offer.write(json);
        service::guardrail(request, json);
        own.write(json);
        paths(&plan, json);
        service::metadata(request, &mut notes, json);
        service::speed(request, json);
        format::write(request, enforced, json);
    });
    Ok(Written {
        path: path(terms.model_id, request.stream),
        body: json.into_bytes(),
        names,
        warnings: notes.into_warnings(),
        reasoning_on: plan.on,
    })
}

fn situation(request: &Request<'_>, draft: &Draft<'_, '_>, terms: &Terms<'_>) -> Situation {
    let sampling = &request.sampling;
    Situation {
        ask: request.reasoning.clone(),
        max_tokens: sampling.max_tokens,
        max_tokens_param: if sampling.max_tokens_param.is_empty() { "max_tokens" } else { sampling.max_tokens_param },
        stream: request.stream,
        temperature: sampling.temperature.is_some(),
        top_p: sampling.top_p.is_some(),
        top_k: sampling.top_k.is_some(),
        forced_tool: matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)),
        has_tools: !request.tools.is_empty(),
        prefill: draft.ends_with_prefill(),
        open_loop: draft.open_loop(),
        sealed_loop: draft.has_sealed_loop(),
        rules: terms.rules.clone(),
        amend: terms.amend,
    }
}

fn inference(request: &Request<'_>, entry: &Entry, plan: &Plan, notes: &mut Notes, json: &mut Json) {
    let sampling = &request.sampling;
    let max_tokens = match plan.max_tokens {
        MaxTokens::Keep => sampling.max_tokens,
        MaxTokens::Set(tokens) => Some(tokens),
        MaxTokens::Omit => None,
    };
    let temperature = sampling.temperature.filter(|_| !plan.drop_temperature).map(|asked| {
        if asked > 1.0 {
            notes.changed("temperature", "Bedrock's temperatures go from 0 to 1; 1 is used");
        }
        asked.min(1.0)
    });
    let top_p = sampling.top_p.filter(|_| !plan.drop_top_p);
    let stops = stops(request, entry, notes);
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

/// The stop sequences that the model takes. Blank ones stop nowhere useful, and several models refuse them.
fn stops<'r, 'a>(request: &'r Request<'a>, entry: &Entry, notes: &mut Notes) -> Vec<&'r Text<'a>> {
    let asked = &request.sampling.stop;
    if !entry.stop && !asked.is_empty() {
        notes.dropped("stop", format!("{} takes no stop sequences", entry.name));
        return Vec::new();
    }
    let sent: Vec<_> = asked.iter().filter(|stop| !stop.is_blank()).collect();
    if sent.len() < asked.len() {
        notes.dropped("stop", "stop sequences of nothing but white space are not taken");
    }
    sent
}

fn paths(plan: &Plan, json: &mut Json) {
    if plan.response_paths.is_empty() {
        return;
    }
    json.name("additionalModelResponseFieldPaths").list(|json| {
        for path in &plan.response_paths {
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

/// The path of the operation; everything in the model id but unreserved characters is percent-encoded, once.
fn path(model_id: &str, stream: bool) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut path = String::with_capacity(model_id.len() + 64);
    path.push_str("/model/");
    for byte in model_id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 0xf].map(|digit| HEX.get(usize::from(digit)).copied().unwrap_or_default());
            path.push('%');
            path.extend(digits);
        }
    }
    path.push_str(if stream { "/converse-stream" } else { "/converse" });
    path
}
