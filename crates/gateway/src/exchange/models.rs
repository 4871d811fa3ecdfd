//! The models, listed as `GET /v1/models` of a client's dialect lists them.

use super::candidates::{Wanted, candidates};
use crate::auth;
use crate::config::{Config, Route};
use crate::ingress::Ingress;
use crate::route::{self, ModelListing};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::{Catalogue, encoders};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::anthropic_messages::models::{self as anthropic, ListedModel};
use aquifer_translate::dialect::openai_responses::models as codex;
use aquifer_translate::model::text::Text;
use aquifer_translate::wire::uri;
use http::HeaderMap;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

/// Who owns a model that only the catalogue names.
const CATALOGUE_OWNER: &str = "bedrock";

/// The models that the configuration names for this caller; when every model id is served, the catalogue's too.
///
/// # Errors
/// A page that is none.
pub(super) fn list(
    config: &Config,
    dialect: Dialect,
    headers: &HeaderMap,
    query: &str,
    ingress: Ingress<'_>,
) -> Result<String, Fault> {
    let mut listings = listings(config, headers, ingress);
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            let data: Vec<String> = listings.iter().map(|listing| object(dialect, listing)).collect();
            // Codex reads its own form of the list from the same path, beside everybody's.
            let codex = if codex::is_asked_for(query) {
                format!(r#","models":{}"#, codex::list(listings.iter().map(|listing| listing.id.as_str())))
            } else {
                String::new()
            };
            Ok(format!(r#"{{"object":"list","data":[{}]{codex}}}"#, data.join(",")))
        }
        Dialect::AnthropicMessages => {
            let page = anthropic::Page::of_query(query)?;
            // The newest come first.
            listings.sort_by_key(|listing| Reverse(listing.created));
            let models: Vec<ListedModel<'_>> = listings.iter().map(listed).collect();
            anthropic::list(&models, &page)
        }
        Dialect::Bedrock => Err(Fault::Ours("Bedrock's own API lists profiles".to_owned())),
    }
}

/// The ids of the same models.
pub(super) fn ids(config: &Config, headers: &HeaderMap, ingress: Ingress<'_>) -> Vec<String> {
    listings(config, headers, ingress).into_iter().map(|listing| listing.id).collect()
}

fn listings(config: &Config, headers: &HeaderMap, ingress: Ingress<'_>) -> Vec<ModelListing> {
    let may_take = |route: Option<&Route>| auth::authorize(config, ingress, route, headers).is_ok();
    let mut listings = route::models_for(config, ingress, &may_take);
    if route::serves_any(config, ingress, &may_take) {
        let mut known: HashSet<String> = listings.iter().map(|listing| listing.id.clone()).collect();
        listings.extend(callable(config).filter(|id| known.insert(id.clone())).map(|id| of_catalogue(&id)));
    }
    listings
}

fn listed(listing: &ModelListing) -> ListedModel<'_> {
    ListedModel { id: &listing.id, created: listing.created }
}

/// The ids of the catalogue's models that can be called in the regions of the backends; where none of them says its
/// region, their own ids.
fn callable(config: &Config) -> impl Iterator<Item = String> {
    let regions = config.backends.iter().filter_map(|backend| backend.kind.bedrock_service()?.region.as_deref());
    let regions: BTreeSet<&str> = regions.collect();
    let models = Catalogue::builtin().entries().iter().filter(|entry| entry.converse);
    let here = regions.clone();
    let models = models.flat_map(move |entry| match here.is_empty() {
        true => vec![entry.id.clone()],
        false => here.iter().flat_map(|region| entry.ids_in(region)).collect(),
    });
    models.chain(encoders().flat_map(move |encoder| match regions.is_empty() {
        true => vec![encoder.id.clone()],
        false => regions.iter().flat_map(|region| encoder.ids_in(region)).collect(),
    }))
}

/// One model, if a request for it would be served. `id` comes from a path: its escapes are undone.
pub(super) fn one(
    config: &Config,
    dialect: Dialect,
    id: &str,
    headers: &HeaderMap,
    ingress: Ingress<'_>,
) -> Result<String, Fault> {
    let id = uri::decoded(id);
    let may_take = |route: Option<&Route>| auth::authorize(config, ingress, route, headers).is_ok();
    if let Some(listing) = route::models_for(config, ingress, &may_take).iter().find(|listing| listing.id == id) {
        return Ok(object(dialect, listing));
    }
    let found = candidates(config, ingress, Wanted { dialect, model: &id, headers, seed: 0 })?;
    auth::authorize(config, ingress, found.first().and_then(|first| first.route), headers)?;
    Ok(object(dialect, &of_catalogue(&id)))
}

fn of_catalogue(id: &str) -> ModelListing {
    ModelListing { id: id.to_owned(), owned_by: CATALOGUE_OWNER.to_owned(), created: 0 }
}

fn object(dialect: Dialect, listing: &ModelListing) -> String {
    if dialect == Dialect::AnthropicMessages {
        return anthropic::one(&listed(listing));
    }
    let (id, owner) = (Text::from_plain(&listing.id), Text::from_plain(&listing.owned_by));
    let (id, owner, created) = (id.as_escaped(), owner.as_escaped(), listing.created);
    format!(r#"{{"id":"{id}","object":"model","created":{created},"owned_by":"{owner}"}}"#)
}
