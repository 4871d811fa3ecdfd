//! Inference profiles, as clients of AWS's SDKs look them up: those that the configuration serves, told from the catalogue.

use super::candidates::{Wanted, candidates};
use super::models;
use crate::auth;
use crate::config::{Config, DEFAULT_REGION};
use crate::ingress::Ingress;
use aquifer_translate::Fault;
use aquifer_translate::catalogue::base_id;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::bedrock_runtime::profiles::{self, ProfileSummary};
use aquifer_translate::wire::uri;
use http::HeaderMap;

/// The profiles that this caller may call, of the type that the query names, if it names one.
pub(super) fn list(config: &Config, headers: &HeaderMap, query: &str, ingress: Ingress<'_>) -> String {
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("type="));
    let ids = models::ids(config, headers, ingress);
    let found = ids.iter().filter(|id| match wanted {
        Some("APPLICATION") => is_application(id),
        Some("SYSTEM_DEFINED") => !is_application(id),
        Some(_) | None => true,
    });
    let served: Vec<ProfileSummary<'_>> = found.filter_map(|id| summary(config, id)).collect();
    profiles::list(&served)
}

/// One profile, if a request for it would be served. `id` comes from a path: its escapes are undone.
///
/// # Errors
/// No backend serves it.
pub(super) fn one(config: &Config, id: &str, headers: &HeaderMap, ingress: Ingress<'_>) -> Result<String, Fault> {
    let id = uri::decoded(id);
    let wanted = Wanted { dialect: Dialect::Bedrock, model: &id, headers, seed: 0 };
    let found = candidates(config, ingress, wanted)?;
    let first = found.first();
    auth::authorize(config, ingress, first.and_then(|first| first.route), headers)?;
    let called = first.map_or_else(|| id.as_ref(), |first| first.model_id.as_str());
    let backend = first.and_then(|first| config.backends.get(first.backend));
    let service = backend.and_then(|backend| backend.kind.bedrock_service());
    let declared = service.and_then(|service| service.base_models.iter().find(|declared| declared.0 == called));
    let model = declared.map_or_else(|| base_id(called).unwrap_or(called), |declared| declared.1.as_str());
    let region = service.and_then(|service| service.region.as_deref()).unwrap_or(DEFAULT_REGION);
    Ok(profiles::one(&ProfileSummary { id: &id, region, model }))
}

fn is_application(id: &str) -> bool {
    id.contains(":application-inference-profile/")
}

/// What is told of a model id, where it is one of a profile.
fn summary<'a>(config: &'a Config, id: &'a str) -> Option<ProfileSummary<'a>> {
    let services = || config.backends.iter().filter_map(|backend| backend.kind.bedrock_service());
    let declared = services().flat_map(|service| &service.base_models).find(|declared| declared.0 == id);
    let model = declared.map(|declared| declared.1.as_str()).or_else(|| base_id(id))?;
    let region = services().find_map(|service| service.region.as_deref()).unwrap_or(DEFAULT_REGION);
    (model != id).then_some(ProfileSummary { id, region, model })
}
