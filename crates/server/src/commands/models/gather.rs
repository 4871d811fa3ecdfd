//! The catalogue rows to show: the built-in ones, replaced by those of the configuration.

use aquifer_gateway::config::{Config, ReasoningPolicy};
use aquifer_gateway::translate::catalogue::{Catalogue, Entry, Known, base_id};

/// One row, with the id that it is shown for.
pub(super) struct Shown {
    pub(super) model: String,
    pub(super) found: Found,
    pub(super) entry: Entry,
}

/// The source of a model's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is the catalogue's own.
    Row,
    /// The catalogue has none; this is the one that it is treated like.
    Like,
    /// Nothing is known.
    Nothing,
    /// A policy has it, at these places.
    Overridden(Vec<String>),
    /// A backend's `baseModel` names it, at these places.
    Declared(Vec<String>),
}

/// Every row of the catalogue, those of the configuration in their place or after them.
pub(super) fn all(config: &Config) -> Vec<Shown> {
    let mut own = of_configuration(config);
    let mut rows = Vec::new();
    for entry in Catalogue::builtin().entries() {
        let is_its = |shown: &Shown| shown.model == entry.id || entry.also.contains(&shown.model);
        let (its, others): (Vec<_>, Vec<_>) = own.into_iter().partition(is_its);
        own = others;
        if its.is_empty() {
            rows.push(Shown { model: entry.id.clone(), found: Found::Row, entry: entry.clone() });
        }
        rows.extend(its);
    }
    rows.extend(own);
    rows
}

/// The rows of one model id: those of the configuration, else the catalogue's.
pub(super) fn named(config: &Config, id: &str) -> Vec<Shown> {
    let own = of_configuration(config);
    for wanted in [Some(id), base_id(id)].into_iter().flatten() {
        if own.iter().any(|shown| shown.model == wanted) {
            let its = own.into_iter().filter(|shown| shown.model == wanted);
            return its.map(|shown| Shown { model: id.to_owned(), ..shown }).collect();
        }
    }
    let (entry, known) = Catalogue::builtin().resolve(id);
    let found = match known {
        Known::Row => Found::Row,
        Known::Like => Found::Like,
        Known::Nothing => Found::Nothing,
    };
    vec![Shown { model: id.to_owned(), found, entry: entry.clone() }]
}

/// The rows that the configuration has, each once, with the places at which it holds.
fn of_configuration(config: &Config) -> Vec<Shown> {
    let mut rows: Vec<Shown> = Vec::new();
    for backend in &config.backends {
        let at = format!("AIServiceBackend {}/{}", backend.namespace, backend.name);
        overrides(&backend.reasoning, &at, &mut rows);
        let Some(bedrock) = backend.kind.bedrock_service() else { continue };
        for (id, base) in &bedrock.base_models {
            if backend.reasoning.entry(id).is_none() {
                add(id, Catalogue::builtin().lookup(base), Found::Declared(vec![at.clone()]), &mut rows);
            }
        }
    }
    for route in &config.routes {
        let at = format!("AIGatewayRoute {}/{}", route.namespace, route.name);
        for reference in route.rules.iter().flat_map(|rule| &rule.backends) {
            overrides(&reference.reasoning, &at, &mut rows);
        }
    }
    rows
}

/// Of two rows for one id the first counts.
fn overrides(policy: &ReasoningPolicy, at: &str, rows: &mut Vec<Shown>) {
    for (index, (id, entry)) in policy.models.iter().enumerate() {
        let counts = !policy.models.iter().take(index).any(|(before, _)| before == id);
        if counts {
            add(id, entry, Found::Overridden(vec![at.to_owned()]), rows);
        }
    }
}

fn add(id: &str, entry: &Entry, found: Found, rows: &mut Vec<Shown>) {
    let same = rows.iter_mut().find(|shown| {
        let kind = std::mem::discriminant(&shown.found) == std::mem::discriminant(&found);
        kind && shown.model == id && shown.entry == *entry
    });
    match (same.map(|shown| &mut shown.found), found) {
        (Some(Found::Overridden(known) | Found::Declared(known)), Found::Overridden(more) | Found::Declared(more)) => {
            known.extend(more.into_iter().filter(|at| !known.contains(at)).collect::<Vec<_>>());
        }
        (_, found) => rows.push(Shown { model: id.to_owned(), found, entry: entry.clone() }),
    }
}
