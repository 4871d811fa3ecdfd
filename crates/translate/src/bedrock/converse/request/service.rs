//! The fields for the service around the model: guardrail, metadata, tier and latency.

use super::notes::Notes;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::Request;
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The most pairs of `requestMetadata`, and the longest key and value (Converse, request syntax).
const MOST_PAIRS: usize = 16;
const LONGEST: usize = 256;

/// Writes `guardrailConfig`; how a stream is checked may only be said of streams.
pub(super) fn guardrail(request: &Request<'_>, stream: bool, json: &mut Json) {
    let Some(guardrail) = &request.guardrail else { return };
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(guardrail.as_json()).unwrap_or_default();
    if stream || !members.contains_key("streamProcessingMode") {
        json.name("guardrailConfig").raw(guardrail);
        return;
    }
    json.member("guardrailConfig", |json| {
        for (name, value) in members.iter().filter(|(name, _)| *name != "streamProcessingMode") {
            json.name(Text::from_plain(name.as_str()).as_escaped()).raw(&value.to_owned().into());
        }
    });
}

/// Whether the client asks for the guardrail's trace.
#[must_use]
pub fn asks_for_trace(request: &Request<'_>) -> bool {
    #[derive(Deserialize)]
    struct Guardrail {
        trace: Option<String>,
    }
    let asked = request.guardrail.as_ref().and_then(|asked| serde_json::from_str::<Guardrail>(asked.as_json()).ok());
    asked.and_then(|asked| asked.trace).is_some_and(|word| word != "disabled")
}

/// Writes `requestMetadata`: the pairs that Bedrock takes.
pub(super) fn metadata(request: &Request<'_>, notes: &mut Notes, json: &mut Json) {
    let fits = |text: &str| {
        let mut letters = text.chars();
        text.len() <= LONGEST
            && letters.all(|letter| letter.is_ascii_alphanumeric() || " \t\n:_@$#=/+,-.".contains(letter))
    };
    let mut sent: Vec<_> = Vec::new();
    for (key, value) in &request.metadata {
        if key.is_empty() || !fits(key) || !fits(value) {
            let why = "Bedrock's metadata holds at most 256 of these: letters, digits, spaces and `:_@$#=/+,-.`";
            notes.dropped(FieldRef::Metadata, why);
        } else if sent.len() == MOST_PAIRS {
            notes.dropped(FieldRef::Metadata, format!("Bedrock's metadata holds at most {MOST_PAIRS} pairs"));
        } else {
            sent.push((key, value));
        }
    }
    if sent.is_empty() {
        return;
    }
    json.member("requestMetadata", |json| {
        for (key, value) in sent {
            json.name(Text::from_plain(key.as_ref()).as_escaped()).text(&Text::from_plain(value.as_ref()));
        }
    });
}

/// Writes `performanceConfig` and `serviceTier`.
pub(super) fn speed(request: &Request<'_>, json: &mut Json) {
    if request.latency_optimized {
        json.member("performanceConfig", |json| json.name("latency").word("optimized"));
    }
    // Left out, it is the default one; not every region knows the member.
    if let Some(tier) = request.service_tier.filter(|tier| *tier != "default") {
        json.member("serviceTier", |json| json.name("type").word(tier));
    }
}
