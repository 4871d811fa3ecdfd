//! Which backend answers a request.

use crate::config::{
    Backend, BackendKind, BackendRef, Bedrock, Config, HeaderMatch, HeaderValueMatch, Match, ReasoningPolicy, Route,
    Rule,
};
use crate::translate::Fault;
use crate::translate::fault::MistakeKind;
use http::HeaderMap;
use std::sync::Arc;

/// The header that stands for the model that the body names.
pub const MODEL_HEADER: &str = "x-ai-eg-model";

/// How many characters of an unknown model id an error repeats.
const MOST_SHOWN: usize = 256;

/// Who owns a model of a rule that does not say it, as the resource's definition has it.
const ROUTE_OWNER: &str = "Envoy AI Gateway";
/// Who owns a model of the short form.
const SHORT_FORM_OWNER: &str = "aquifer";

/// Where one request goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target<'c> {
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// How to call it.
    pub bedrock: &'c Bedrock,
    /// The model id to call.
    pub model_id: String,
    /// The rule that decided; `None` when a backend of the short form serves the model by itself.
    pub rule: Option<&'c Rule>,
    /// What the operator decides about reasoning there.
    pub reasoning: &'c Arc<ReasoningPolicy>,
}

/// Finds the target for `model`, the one that the request's body names; `host` is the authority that the
/// client called.
///
/// The first rule that matches decides. Among its backends, those of the lowest priority number come first,
/// and of those the first that has a weight and can be served.
///
/// # Errors
///
/// [`MistakeKind::ModelNotFound`] when nothing serves the model, which the message explains.
pub fn choose<'c>(
    config: &'c Config,
    model: &str,
    headers: &HeaderMap,
    host: Option<&str>,
) -> Result<Target<'c>, Fault> {
    let mut rules = config.routes.iter().filter(|route| route_takes(route, host)).flat_map(|route| &route.rules);
    if let Some(rule) = rules.find(|rule| rule_takes(rule, model, headers)) {
        return by_rule(config, rule, model);
    }
    let short_form = config.backends.iter().enumerate().find_map(|(backend, found)| match &found.kind {
        BackendKind::Bedrock(bedrock) if bedrock.models.iter().any(|served| served == model) => {
            Some(Target { backend, bedrock, model_id: model.to_owned(), rule: None, reasoning: &found.reasoning })
        }
        BackendKind::Bedrock(_) | BackendKind::NotServed { .. } => None,
    });
    short_form.ok_or_else(|| {
        not_found(format!("The model {:?} does not exist: no route and no backend serves it.", shown(model)))
    })
}

fn by_rule<'c>(config: &'c Config, rule: &'c Rule, model: &str) -> Result<Target<'c>, Fault> {
    let target = |reference: &'c BackendRef| match &config.backends.get(reference.backend)?.kind {
        BackendKind::Bedrock(bedrock) => Some(Target {
            backend: reference.backend,
            bedrock,
            model_id: reference.model_name_override.clone().unwrap_or_else(|| model.to_owned()),
            rule: Some(rule),
            reasoning: &reference.reasoning,
        }),
        BackendKind::NotServed { .. } => None,
    };
    let mut references: Vec<&'c BackendRef> = rule.backends.iter().filter(|reference| reference.weight > 0).collect();
    references.sort_by_key(|reference| reference.priority);
    references.iter().find_map(|reference| target(reference)).ok_or_else(|| {
        let why = references.iter().find_map(|reference| why_not(config.backends.get(reference.backend)?));
        let why = why.unwrap_or_else(|| "the route has no backend for it".to_owned());
        not_found(format!("The model {:?} cannot be served: {why}.", shown(model)))
    })
}

fn why_not(backend: &Backend) -> Option<String> {
    match &backend.kind {
        BackendKind::NotServed { why, .. } => {
            Some(format!("its backend {}/{} is not served: {why}", backend.namespace, backend.name))
        }
        BackendKind::Bedrock(_) => None,
    }
}

/// As much of a client's model id as an error repeats.
fn shown(model: &str) -> &str {
    model.char_indices().nth(MOST_SHOWN).map_or(model, |(end, _)| model.get(..end).unwrap_or_default())
}

fn not_found(message: String) -> Fault {
    Fault::mistake(MistakeKind::ModelNotFound, Some("model".to_owned()), message)
}

fn route_takes(route: &Route, host: Option<&str>) -> bool {
    route.hostnames.is_empty()
        || host.is_some_and(|host| {
            let host = without_port(host).to_ascii_lowercase();
            route.hostnames.iter().any(|hostname| hostname_takes(hostname, &host))
        })
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `*.example.com` takes every name below `example.com`, and not that name itself.
fn hostname_takes(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => hostname == host,
    }
}

fn rule_takes(rule: &Rule, model: &str, headers: &HeaderMap) -> bool {
    let all = |condition: &Match| condition.headers.iter().all(|header| header_takes(header, model, headers));
    rule.matches.is_empty() || rule.matches.iter().any(all)
}

/// A header that is sent more than once counts as its values joined by commas, as in HTTP.
fn header_takes(wanted: &HeaderMatch, model: &str, headers: &HeaderMap) -> bool {
    if wanted.name == MODEL_HEADER {
        return value_takes(&wanted.value, model);
    }
    let values: Result<Vec<&str>, _> = headers.get_all(&wanted.name).iter().map(|value| value.to_str()).collect();
    match values.as_deref() {
        Ok([]) | Err(_) => false,
        Ok([value]) => value_takes(&wanted.value, value),
        Ok(several) => value_takes(&wanted.value, &several.join(",")),
    }
}

fn value_takes(wanted: &HeaderValueMatch, value: &str) -> bool {
    match wanted {
        HeaderValueMatch::Exact(exact) => exact == value,
        HeaderValueMatch::Regex(regex) => regex.is_match(value),
    }
}

/// One entry of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelListing {
    /// The model id that a client names.
    pub id: String,
    /// Who owns it.
    pub owned_by: String,
    /// When it was made, in seconds since the epoch; 0 when nobody said.
    pub created: u64,
}

/// The models that can be named: what routes match exactly and a backend can serve, then what the short form
/// names, each once.
#[must_use]
pub fn models(config: &Config) -> Vec<ModelListing> {
    let mut listings: Vec<ModelListing> = Vec::new();
    let mut add = |id: &str, owned_by: &str, created: u64| {
        if !listings.iter().any(|listing| listing.id == id) {
            listings.push(ModelListing { id: id.to_owned(), owned_by: owned_by.to_owned(), created });
        }
    };
    let served = |rule: &&Rule| by_rule(config, rule, "").is_ok();
    for rule in config.routes.iter().flat_map(|route| &route.rules).filter(served) {
        for header in rule.matches.iter().flat_map(|condition| &condition.headers) {
            if let (MODEL_HEADER, HeaderValueMatch::Exact(id)) = (header.name.as_str(), &header.value) {
                let owner = rule.models_owned_by.as_deref().unwrap_or(ROUTE_OWNER);
                add(id, owner, rule.models_created_at.unwrap_or(0));
            }
        }
    }
    for backend in &config.backends {
        if let BackendKind::Bedrock(bedrock) = &backend.kind {
            bedrock.models.iter().for_each(|id| add(id, SHORT_FORM_OWNER, 0));
        }
    }
    listings
}
