//! The backends that may answer a request, for a client of any dialect: routes, and the names by which clients call models.

use crate::config::{Backend, Config, DEFAULT_REGION};
use crate::ingress::Ingress;
use crate::route::{self, Candidate};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::{Catalogue, without_suffix};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::translation::{Road, UpstreamApi};
use http::HeaderMap;
use std::collections::BTreeSet;

/// A request, as far as it decides where it goes.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) dialect: Dialect,
    /// The model that the client names.
    pub(super) model: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// Decides the draws between backends of one priority.
    pub(super) seed: u64,
}

/// Finds where a request may be sent, in the order in which it is tried.
///
/// Clients of Anthropic's API name models as Anthropic does (`claude-opus-5`, `opus`, `claude-sonnet-4-5[1m]`): where no
/// route and no backend has such a name, it is looked up in the catalogue, for the region of the backend.
///
/// # Errors
/// [`MistakeKind::ModelNotFound`] when no backend serves the model, or none whose API this dialect is translated to.
pub(super) fn candidates<'c>(
    config: &'c Config,
    ingress: Ingress<'c>,
    wanted: Wanted<'_>,
) -> Result<Vec<Candidate<'c>>, Fault> {
    let Wanted { dialect, model, headers, seed } = wanted;
    let mut found = match (dialect, route::candidates(config, model, headers, ingress, seed)) {
        (Dialect::AnthropicMessages | Dialect::Bedrock, Err(fault)) => {
            let mut others = other_names(config, model).into_iter();
            others.find_map(|name| route::candidates(config, &name, headers, ingress, seed).ok()).ok_or(fault)?
        }
        (Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Bedrock, found) => {
            found?
        }
    };
    if matches!(dialect, Dialect::AnthropicMessages | Dialect::Bedrock) {
        for candidate in found.iter_mut().filter(|candidate| candidate.model_id == model) {
            let backend = config.backends.get(candidate.backend);
            // Another service knows its models by the names that clients call.
            if backend.is_some_and(|backend| backend.kind.bedrock_service().is_some()) {
                candidate.model_id = bedrock_id(model, backend);
            }
        }
    }
    found.retain(|candidate| road(config, dialect, candidate.backend) != Road::Closed);
    if found.is_empty() {
        let message = format!("The model {model:?} cannot be served: its backend does not speak this dialect.");
        return Err(Fault::mistake(MistakeKind::ModelNotFound, None, message));
    }
    Ok(found)
}

/// The road from clients of a dialect to a backend. A backend that is not served is never called.
pub(super) fn road(config: &Config, dialect: Dialect, backend: usize) -> Road {
    let api = config.backends.get(backend).and_then(|backend| backend.kind.api());
    Road::between(dialect, api.map_or(UpstreamApi::Bedrock(None), |api| api.upstream()))
}

/// The names under which a configuration may serve a model: without the client's suffix, then its ids in the regions of the
/// backends.
fn other_names(config: &Config, model: &str) -> Vec<String> {
    let plain = without_suffix(model);
    let regions: BTreeSet<&str> = config.backends.iter().map(|backend| region(Some(backend))).collect();
    let ids = regions.into_iter().filter_map(|region| Catalogue::builtin().named_by_anthropic(model, region));
    (plain != model).then(|| plain.to_owned()).into_iter().chain(ids).collect()
}

/// The id to call for a model that a client names, at a backend.
fn bedrock_id(model: &str, backend: Option<&Backend>) -> String {
    let plain = without_suffix(model);
    // An id of Bedrock's is what the operator or the client wants.
    let named = Some(plain).filter(|plain| !Catalogue::builtin().has(plain));
    let named = named.and_then(|_| Catalogue::builtin().named_by_anthropic(model, region(backend)));
    named.unwrap_or_else(|| plain.to_owned())
}

fn region(backend: Option<&Backend>) -> &str {
    let service = backend.and_then(|backend| backend.kind.service());
    service.and_then(|service| service.region.as_deref()).unwrap_or(DEFAULT_REGION)
}
