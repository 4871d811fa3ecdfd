//! A neutral request as Anthropic's body for InvokeModel.
//!
//! What is arranged for Converse (turns, tools, reasoning, cache points) is arranged for this API too; only the words are
//! others. Shapes: Bedrock's user guide, "Anthropic Claude Messages API".

use super::content::{self, Writer, cached};
use super::{VERSION, accept, operation};
use crate::bedrock::converse::request::notes::Notes;
use crate::bedrock::converse::request::tools::{Choice, Offer};
use crate::bedrock::converse::request::{
    Prepared, Terms, Written, headers, path, prepare, stops, stops_here, vendor_tools,
};
use crate::catalogue::{MaxTokens, Plan};
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::Request;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Number;

/// The members that are written from the neutral request: no field of the client's own may say them twice.
const OWN_MEMBERS: [&str; 11] = [
    "anthropic_version",
    "max_tokens",
    "messages",
    "model",
    "stream",
    "stop_sequences",
    "system",
    "temperature",
    "tools",
    "top_p",
    "service_tier",
];

/// The longest answer where neither the client nor the catalogue says one: the API wants a number.
const SOME_TOKENS: u32 = 4096;

/// The tier that is asked of the service, and the speed.
const SERVICE_TIER: HeaderName = HeaderName::from_static("x-amzn-bedrock-service-tier");
const LATENCY: HeaderName = HeaderName::from_static("x-amzn-bedrock-performanceconfig-latency");

/// Writes a request on these terms.
///
/// # Errors
///
/// As for Converse; and media and guardrails, for which this API's body has no words.
pub fn write(request: &Request<'_>, terms: &Terms<'_>) -> Result<Written, Fault> {
    content::check(&request.messages)?;
    if request.guardrail.is_some() {
        let why = "a guardrail is asked for over Converse only";
        return Err(Fault::unsupported(FieldRef::Guardrail, why));
    }
    let entry = terms.entry;
    let Prepared { draft, plan, offer, mut own, schema, fingerprint, mut names, mut notes, stream } =
        prepare(request, terms)?;
    if let Some(schema) = &schema {
        own.keep_schema(schema);
    }
    let stops_sent = entry.stop && !terms.adjustment.stops_here;
    let path = path::path(terms.model_id, operation(stream))?;
    let mut json = Json::with_capacity(request.size + request.size / 8 + 1024);
    let mut writer = Writer { entry, names: &mut names };
    json.object(|json| {
        json.name("anthropic_version").word(VERSION);
        json.name("max_tokens").verbatim(&max_tokens(request, terms, &plan).to_string());
        if !draft.system.is_empty() {
            json.name("system").list(|json| writer.pieces(&draft.system, json));
        }
        writer.messages(&draft, json);
        tools(request, terms, &offer, json);
        sampling(request, terms, &plan, &mut notes, json);
        let sent = if stops_sent { stops(request, entry, &mut notes) } else { &[] };
        if !sent.is_empty() {
            json.name("stop_sequences").list(|json| sent.iter().for_each(|stop| json.text(stop)));
        }
        for name in own.write_among(&OWN_MEMBERS, json) {
            if name != "tools" {
                notes.dropped(FieldRef::OwnField(name.into()), "it is said by a field of the request's own");
            }
        }
    });
    if !request.metadata.is_empty() {
        notes.ignored(FieldRef::Metadata, "this API of Bedrock takes no metadata");
    }
    let stops = if stops_sent { Vec::new() } else { stops_here(request, entry, &mut notes) };
    Ok(Written {
        stops,
        path,
        headers: service_headers(request, headers()),
        accept: accept(stream),
        body: json.into_bytes(),
        names,
        warnings: notes.into_warnings(),
        reasoning_on: plan.on,
        effort: plan.sent_effort(),
        stream,
        schema: fingerprint,
    })
}

/// Adds what is asked of the service: in this API it is said in headers.
pub(super) fn service_headers(request: &Request<'_>, mut headers: HeaderMap) -> HeaderMap {
    if let Some(tier) = request.service_tier.filter(|tier| *tier != "default") {
        headers.insert(SERVICE_TIER, HeaderValue::from_static(tier));
    }
    if request.latency_optimized {
        headers.insert(LATENCY, HeaderValue::from_static("optimized"));
    }
    headers
}

fn max_tokens(request: &Request<'_>, terms: &Terms<'_>, plan: &Plan) -> u32 {
    let asked = match plan.max_tokens {
        MaxTokens::Keep => request.sampling.max_tokens,
        MaxTokens::Set(tokens) => Some(tokens),
        MaxTokens::Omit => None,
    };
    asked.or(terms.entry.max_output_tokens).unwrap_or(SOME_TOKENS)
}

fn sampling(request: &Request<'_>, terms: &Terms<'_>, plan: &Plan, notes: &mut Notes, json: &mut Json) {
    let sampling = &request.sampling;
    let sampled = !terms.adjustment.without_sampling;
    let temperature = sampling.temperature.filter(|_| sampled && !plan.drop_temperature);
    if temperature.is_some_and(|asked| asked > 1.0) {
        notes.changed(FieldRef::Temperature, "Bedrock's temperatures go from 0 to 1; 1 is used");
    }
    let top_p = sampling.top_p.filter(|_| sampled && !plan.drop_top_p);
    for (name, value) in [("temperature", temperature.map(|asked| asked.min(1.0))), ("top_p", top_p)] {
        if let Some(number) = value.and_then(Number::from_f64) {
            json.name(name).verbatim(&number.to_string());
        }
    }
}

/// Writes the tools, those in the vendor's own words too, and the choice among them.
fn tools(request: &Request<'_>, terms: &Terms<'_>, offer: &Offer<'_, '_>, json: &mut Json) {
    let entry = terms.entry;
    let of_vendor = vendor_tools::sent(request, entry);
    if offer.tools.is_empty() && of_vendor.is_empty() {
        return;
    }
    json.name("tools").list(|json| {
        for tool in &offer.tools {
            json.object(|json| {
                json.name("name").word(&tool.name);
                if let Some(description) = tool.description {
                    json.name("description").text(description);
                }
                json.name("input_schema").verbatim(&tool.schema);
                if tool.strict {
                    json.name("strict").verbatim("true");
                }
                cached(tool.cache_point, entry, json);
            });
        }
        of_vendor.iter().for_each(|tool| json.raw(&tool.raw));
    });
    match &offer.choice {
        Choice::Unsaid => {}
        Choice::Auto => choice("auto", None, json),
        Choice::Any => choice("any", None, json),
        Choice::Tool(name) => choice("tool", Some(name), json),
    }
}

fn choice(kind: &str, name: Option<&str>, json: &mut Json) {
    json.member("tool_choice", |json| {
        json.name("type").word(kind);
        if let Some(name) = name {
            json.name("name").word(name);
        }
    });
}
