//! Route look-up: the backends that may answer a request, and the models that clients can name.

mod explain;

pub use crate::config::MODEL_HEADER;
pub use explain::{Explanation, explain};

use crate::beginning;
use crate::config::{
    Backend, BackendKind, BackendRef, Config, HeaderMatch, HeaderValueMatch, Match, ReasoningPolicy, Route, Rule,
    RulePosition,
};
use crate::ingress::{Ingress, ListenerMatch};
use crate::mutation::Mutation;
use crate::translate::Fault;
use crate::translate::fault::MistakeKind;
use crate::translate::model::field_ref::FieldRef;
use http::HeaderMap;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

/// The most characters of an unknown model id that an error repeats.
const MOST_SHOWN: usize = 256;

/// The owner of the models of a rule that names none, as the resource's definition has it.
const ROUTE_OWNER: &str = "Envoy AI Gateway";
/// The owner of the models of the short form.
const SHORT_FORM_OWNER: &str = "aquifer";

/// One target of a request: a backend, and the model id to call there.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'c> {
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// The model id to call.
    pub model_id: String,
    /// The rule that decided; `None` when a backend of the short form serves the model by itself.
    pub rule: Option<&'c Rule>,
    /// The route of that rule.
    pub route: Option<&'c Route>,
    /// The reasoning policy there.
    pub reasoning: &'c Arc<ReasoningPolicy>,
    /// The changes of headers and bodies of calls there.
    pub mutation: &'c Arc<Mutation>,
    /// Those of a lower number are tried first.
    pub priority: u32,
}

/// Finds where a request for `model` may be sent, the model that its body names; `ingress` is where it
/// came in. The first target comes first; the others are there for when it fails.
///
/// Of the rules that match, the one decides whose route names most of the host, then the one that names most headers,
/// then
/// most exact ones, as the Gateway API has it; of two that are alike, the first. Its backends stand in the order of
/// their priorities, and within one priority in
/// an order that is drawn by their weights: `seed` decides the draw. Backends of weight 0 get nothing.
///
/// # Errors
///
/// [`MistakeKind::ModelNotFound`] when nothing serves the model, which the message explains.
pub fn candidates<'c>(
    config: &'c Config,
    model: &str,
    headers: &HeaderMap,
    ingress: impl Into<Ingress<'c>>,
    seed: u64,
) -> Result<Vec<Candidate<'c>>, Fault> {
    let entry = ListenerMatch::of(config, ingress.into());
    if !entry.is_open() {
        return Err(not_found("No listener of this gateway serves the host that was called.".to_owned()));
    }
    if let Some((route, rule)) = decisive(config, &entry, model, headers) {
        return by_rule(config, route, rule, model, seed);
    }
    let serving = config.backend_serving(model);
    let short_form = serving.and_then(|at| Some((at, config.backends.get(at)?))).map(|(backend, found)| Candidate {
        backend,
        model_id: model.to_owned(),
        rule: None,
        route: None,
        reasoning: &found.reasoning,
        mutation: &found.mutation,
        priority: 0,
    });
    short_form.map(|target| vec![target]).ok_or_else(|| {
        not_found(format!("The model {:?} does not exist: no route and no backend serves it.", shown(model)))
    })
}

/// The rule that decides about a request, of those that match it: found by the index of the routes.
fn decisive<'c>(
    config: &'c Config,
    entry: &ListenerMatch<'_>,
    model: &str,
    headers: &HeaderMap,
) -> Option<(&'c Route, &'c Rule)> {
    let mut best: Option<(Precedence, &Route, &Rule)> = None;
    for (position, route, rule) in config.routes.rules_for(entry.host(), model) {
        let (Some(hostname), Some(headers)) = (entry.weight_of(route), rule_takes(rule, model, headers)) else {
            continue;
        };
        let precedence = Precedence { hostname, headers, first: Reverse(position) };
        if best.is_none_or(|(before, _, _)| precedence > before) {
            best = Some((precedence, route, rule));
        }
    }
    best.map(|(_, route, rule)| (route, rule))
}

/// The precedence of a rule that matches a request: the largest one decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Precedence {
    /// The precedence of the hostname of its route: the longer, the higher.
    hostname: usize,
    headers: Weight,
    /// Of two rules that are alike, the first.
    first: Reverse<RulePosition>,
}

/// The first of the [`candidates`], without a draw.
///
/// # Errors
///
/// As there.
pub fn choose<'c>(
    config: &'c Config,
    model: &str,
    headers: &HeaderMap,
    ingress: impl Into<Ingress<'c>>,
) -> Result<Candidate<'c>, Fault> {
    let first = candidates(config, model, headers, ingress, 0)?.into_iter().next();
    first.ok_or_else(|| not_found(format!("The model {:?} is served by no backend.", shown(model))))
}

fn by_rule<'c>(
    config: &'c Config,
    route: &'c Route,
    rule: &'c Rule,
    model: &str,
    seed: u64,
) -> Result<Vec<Candidate<'c>>, Fault> {
    let target = |reference: &'c BackendRef| match &config.backends.get(reference.backend)?.kind {
        BackendKind::Served { .. } => Some(Candidate {
            backend: reference.backend,
            model_id: reference.model_name_override.clone().unwrap_or_else(|| model.to_owned()),
            rule: Some(rule),
            route: Some(route),
            reasoning: &reference.reasoning,
            mutation: &reference.mutation,
            priority: reference.priority,
        }),
        BackendKind::NotServed { .. } => None,
    };
    let references = || rule.backends.iter().filter(|reference| reference.weight > 0);
    let served: Vec<(u32, Candidate<'c>)> =
        references().filter_map(|reference| Some((reference.weight, target(reference)?))).collect();
    if served.is_empty() {
        let why = references().find_map(|reference| why_not(config.backends.get(reference.backend)?));
        let why = why.unwrap_or_else(|| "the route has no backend for it".to_owned());
        return Err(not_found(format!("The model {:?} cannot be served: {why}.", shown(model))));
    }
    Ok(ordered(served, seed))
}

/// By priority, and within one by lot.
fn ordered(mut served: Vec<(u32, Candidate<'_>)>, seed: u64) -> Vec<Candidate<'_>> {
    let mut draw = Draw(seed);
    let mut ordered = Vec::with_capacity(served.len());
    while let Some(next) = served.iter().map(|(_, target)| target.priority).min() {
        let standing = || served.iter().enumerate().filter(|(_, (_, target))| target.priority == next);
        let total: u64 = standing().map(|(_, (weight, _))| u64::from(*weight)).sum();
        let mut lot = if seed == 0 || total == 0 { 0 } else { draw.number() % total };
        let mut drawn = 0;
        for (at, (weight, _)) in standing() {
            drawn = at;
            if lot < u64::from(*weight) {
                break;
            }
            lot -= u64::from(*weight);
        }
        ordered.push(served.remove(drawn).1);
    }
    ordered
}

/// Numbers that follow from a seed (splitmix64): a lot that a test can draw again.
#[derive(Clone, Copy, Debug)]
pub struct Draw(pub u64);

impl Draw {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn why_not(backend: &Backend) -> Option<String> {
    match &backend.kind {
        BackendKind::NotServed { why, .. } => {
            Some(format!("its backend {}/{} is not served: {why}", backend.namespace, backend.name))
        }
        BackendKind::Served { .. } => None,
    }
}

/// As much of a client's model id as an error repeats.
fn shown(model: &str) -> &str {
    beginning::of(model, MOST_SHOWN)
}

fn not_found(message: String) -> Fault {
    Fault::mistake(MistakeKind::ModelNotFound, Some(FieldRef::Model), message)
}

/// The precedence of a match: the number of its headers, then of the exact ones among them.
type Weight = (usize, usize);

/// The weight of the rule's match that says most of this request; `None`: it does not match.
fn rule_takes(rule: &Rule, model: &str, headers: &HeaderMap) -> Option<Weight> {
    if rule.matches.is_empty() {
        return Some((0, 0));
    }
    let fitting = rule.matches.iter().filter(|it| it.headers.iter().all(|header| header_takes(header, model, headers)));
    fitting.map(weight).max()
}

fn weight(condition: &Match) -> Weight {
    let exact = condition.headers.iter().filter(|header| matches!(header.value, HeaderValueMatch::Exact(_)));
    (condition.headers.len(), exact.count())
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
    /// Its owner.
    pub owned_by: String,
    /// When it was made, in seconds since the epoch; 0 when nobody said.
    pub created: u64,
}

/// The models that can be named: what routes match exactly and a backend can serve, then what the short form
/// names, each once.
#[must_use]
pub fn models(config: &Config) -> Vec<ModelListing> {
    models_at(config, None)
}

/// Whether every model id is served where a request came in: some rule matches everything.
pub(crate) fn serves_any(config: &Config, ingress: Ingress<'_>, may_take: &dyn Fn(Option<&Route>) -> bool) -> bool {
    let entry = ListenerMatch::of(config, ingress);
    let open = config.routes.iter().filter(|route| entry.leads_to(route) && may_take(Some(route)));
    open.flat_map(|route| &route.rules).any(|rule| rule.matches.is_empty())
}

/// Those of them that can be named where a request came in.
#[must_use]
pub fn models_at<'d>(config: &Config, ingress: impl Into<Ingress<'d>>) -> Vec<ModelListing> {
    models_for(config, ingress.into(), &|_| true)
}

/// Those of them that a caller can name who may take these routes (`None`: the short form's).
pub(crate) fn models_for(
    config: &Config,
    ingress: Ingress<'_>,
    may_take: &dyn Fn(Option<&Route>) -> bool,
) -> Vec<ModelListing> {
    let entry = ListenerMatch::of(config, ingress);
    if !entry.is_open() {
        return Vec::new();
    }
    // Whoever does not say a host, and came by no listener, is told all.
    let open = |route: &&Route| (ingress == Ingress::default() || entry.leads_to(route)) && may_take(Some(route));
    let mut listings: Vec<ModelListing> = Vec::new();
    let mut listed = HashSet::new();
    let mut add = |id: &str, owned_by: &str, created: u64| {
        if listed.insert(id.to_owned()) {
            listings.push(ModelListing { id: id.to_owned(), owned_by: owned_by.to_owned(), created });
        }
    };
    let rules = config.routes.iter().filter(open).flat_map(|route| route.rules.iter().map(move |rule| (route, rule)));
    for (_, rule) in rules.filter(|(route, rule)| by_rule(config, route, rule, "", 0).is_ok()) {
        for header in rule.matches.iter().flat_map(|condition| &condition.headers) {
            if let (MODEL_HEADER, HeaderValueMatch::Exact(id)) = (header.name.as_str(), &header.value) {
                let owner = rule.models_owned_by.as_deref().unwrap_or(ROUTE_OWNER);
                add(id, owner, rule.models_created_at.unwrap_or(0));
            }
        }
    }
    for backend in config.backends.iter().filter(|_| may_take(None)) {
        if let Some(service) = backend.kind.service() {
            service.models.iter().for_each(|id| add(id, SHORT_FORM_OWNER, 0));
        }
    }
    listings
}
