//! A neutral request in the words of Chat Completions, for a backend that speaks them.
//!
//! What no such backend has a word for is left out with a warning, or refused where its client would trust in it: a
//! guardrail, an object in S3.

use super::reasoning::{Family, effort};
use super::terms::{ChatTerms, Notices};
use super::{messages, tools};
use crate::fault::Fault;
use crate::limits::ClientFields;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::json::Json;
use crate::model::reasoning::own;
use crate::model::request::{Request, Sampling};
use crate::model::text::Text;
use crate::warning::Warning;

/// The most stop sequences that Chat Completions take.
const MOST_STOPS: usize = 4;

/// A request for a backend of Chat Completions.
pub struct WrittenChat {
    /// The path.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    /// The stop sequences that are not sent, and at which the answer is to be cut.
    pub stops: Vec<String>,
    /// The fields that are not sent exactly as asked.
    pub warnings: Vec<Warning>,
}

impl std::fmt::Debug for WrittenChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenChat").field("path", &self.path).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Writes a request on these terms.
///
/// # Errors
///
/// What the backend cannot do and the client cannot do without, with the client's field.
pub fn write(request: &Request<'_>, terms: &ChatTerms<'_>) -> Result<WrittenChat, Fault> {
    check(request, terms.allowed)?;
    let mut notices = Notices::default();
    let mut stops = Vec::new();
    let said = messages::arranged(request, terms, &mut notices)?;
    let mut json = Json::with_capacity(request.size + 1024);
    json.object(|json| {
        json.name("model").text(&Text::from_plain(terms.model_id));
        messages::write(json, &said);
        tools::write(json, request, &mut notices);
        tools::format(json, request);
        stops = sampling(json, &request.sampling, terms, &mut notices);
        if let Some(word) = effort(request, terms, &mut notices) {
            json.name("reasoning_effort").word(word);
        }
        service(json, request, &mut notices);
        if request.stream {
            json.name("stream").verbatim("true");
            json.member("stream_options", |json| json.name("include_usage").verbatim("true"));
        }
    });
    let prefix = terms.prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let path = format!("{slash}{prefix}/chat/completions");
    Ok(WrittenChat { path, body: json.into_bytes(), stops, warnings: notices.warnings })
}

/// Refuses what cannot be done here and would be trusted in, and what the operator does not allow.
fn check(request: &Request<'_>, allowed: ClientFields) -> Result<(), Fault> {
    if request.guardrail.is_some() {
        let why = format!("`{NAME}` names a guardrail of Bedrock's, and another service answers here");
        return Err(Fault::unsupported(FieldRef::Guardrail, why));
    }
    let tier = request.service_tier.is_some_and(|tier| tier != "default") || request.latency_optimized;
    let denied = [
        (tier && !allowed.service_tier, FieldRef::ServiceTier),
        (request.own_switches.present && !allowed.additional_model_request_fields, FieldRef::OwnFields),
    ];
    match denied.into_iter().find(|denied| denied.0) {
        Some(denied) => Err(Fault::unsupported(denied.1, format!("`{NAME}` is not allowed by the operator"))),
        None => Ok(()),
    }
}

/// Writes the limit of tokens, the sampling and the stop sequences; gives those at which the gateway cuts the answer.
fn sampling(json: &mut Json, sampling: &Sampling<'_>, terms: &ChatTerms<'_>, notices: &mut Notices) -> Vec<String> {
    let family = Family::of(terms.model_id);
    if let Some(most) = sampling.max_tokens {
        // The newer name is the only one that OpenAI's reasoning models take, and most other services know the older one.
        let name = if family == Family::Other { "max_tokens" } else { "max_completion_tokens" };
        json.name(name).verbatim(&most.to_string());
    }
    for (name, value, field) in
        [("temperature", sampling.temperature, FieldRef::Temperature), ("top_p", sampling.top_p, FieldRef::TopP)]
    {
        match value {
            Some(_) if family.is_unsampled() => notices.dropped(field, "the model takes none while it reasons"),
            Some(value) => json.name(name).verbatim(&value.to_string()),
            None => {}
        }
    }
    if sampling.top_k.is_some() {
        notices.dropped(FieldRef::TopK, "Chat Completions have no such member");
    }
    let all: Vec<&Text<'_>> = sampling.stop.iter().chain(&sampling.blank_stop).collect();
    if all.len() > MOST_STOPS || family.is_unsampled() {
        return all.iter().map(|stop| stop.plain().into_owned()).collect();
    }
    if !all.is_empty() {
        json.name("stop").list(|json| all.iter().for_each(|stop| json.text(stop)));
    }
    Vec::new()
}

/// Writes the tier, and says what is left out of the members for the service around a model.
fn service(json: &mut Json, request: &Request<'_>, notices: &mut Notices) {
    match request.service_tier {
        None | Some("default") => {}
        Some("reserved") => notices.dropped(FieldRef::ServiceTier, "only Bedrock reserves capacity so"),
        Some(tier) => json.name("service_tier").word(tier),
    }
    if request.latency_optimized {
        notices.dropped(FieldRef::ServiceTier, "only Bedrock has hardware to choose from");
    }
    if !request.metadata.is_empty() {
        notices.dropped(FieldRef::Metadata, "it is for Bedrock's log of calls");
    }
    if !request.betas.is_empty() {
        notices.dropped(FieldRef::Betas, "the backend knows no such features");
    }
    if request.automatic_cache.is_some() {
        notices.dropped(FieldRef::CachePoints, "the backend caches by itself");
    }
    for (name, _) in &request.additional_fields {
        let unread = request.own_switches.unread.iter().any(|unread| unread == name);
        if !own::is_switch(name) || unread {
            let field = FieldRef::OwnField(own::shown(name).into());
            notices.dropped(field, "it is in the words of Bedrock's model, and another service answers here");
        }
    }
}
