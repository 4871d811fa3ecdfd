//! Why a request takes the rule that it takes: for operators who ask before they send one.

use super::{candidates, decisive, rule_takes};
use crate::config::{Config, Route, Rule};
use crate::ingress::{Ingress, ListenerMatch};
use crate::translate::Fault;
use http::HeaderMap;

/// Where a request would be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Explanation<'c> {
    /// A rule decides.
    Rule {
        /// Its route.
        route: &'c Route,
        /// The rule.
        rule: &'c Rule,
        /// Its place among the route's rules.
        at: usize,
        /// Other rules that match the request and come after it, each with its route and its place.
        others: Vec<(&'c Route, usize)>,
    },
    /// A backend of the short form serves the model by itself.
    Backend {
        /// Index into [`Config::backends`].
        backend: usize,
    },
}

/// Where a request for `model` with these headers would be sent, and which other rules match it.
///
/// # Errors
///
/// The refusal that its client would get.
pub fn explain<'c>(
    config: &'c Config,
    model: &str,
    headers: &HeaderMap,
    ingress: Ingress<'c>,
) -> Result<Explanation<'c>, Fault> {
    let targets = candidates(config, model, headers, ingress, 0)?;
    let entry = ListenerMatch::of(config, ingress);
    let Some((route, rule)) = decisive(config, &entry, model, headers) else {
        let backend = targets.first().map_or(0, |target| target.backend);
        return Ok(Explanation::Backend { backend });
    };
    let at = route.rules.iter().position(|one| std::ptr::eq(one, rule)).unwrap_or_default();
    let mut others = Vec::new();
    for other in config.routes.iter().filter(|route| entry.leads_to(route)) {
        for (at, one) in other.rules.iter().enumerate() {
            if !std::ptr::eq(one, rule) && rule_takes(one, model, headers).is_some() {
                others.push((other, at));
            }
        }
    }
    Ok(Explanation::Rule { route, rule, at, others })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Backend, BackendKind, BackendRef, HeaderMatch, HeaderValueMatch, MODEL_HEADER, Match, Service,
    };
    use std::sync::Arc;

    fn rule(model: Option<&str>) -> Rule {
        let matches = model.map(|model| {
            let value = HeaderValueMatch::Exact(model.to_owned());
            Match { headers: vec![HeaderMatch { name: MODEL_HEADER.to_owned(), value }] }
        });
        let (reasoning, mutation) = (Arc::default(), Arc::default());
        let target = BackendRef { backend: 0, model_name_override: None, weight: 1, priority: 0, reasoning, mutation };
        Rule { matches: matches.into_iter().collect(), backends: vec![target], ..Rule::default() }
    }

    #[test]
    fn the_deciding_rule_is_told_with_those_that_match_too() {
        let service = Service { models: vec!["short".to_owned()], ..Service::default() };
        let backends = vec![Backend::new("a", BackendKind::bedrock(service))];
        let route = |rules| Route {
            namespace: "default".to_owned(),
            name: "r".to_owned(),
            parents: Vec::new(),
            hostnames: Vec::new(),
            rules,
            costs: [].into(),
            keys: None,
        };
        let of = |rules| Config { backends: backends.clone(), routes: vec![route(rules)].into(), ..Config::default() };
        let (headers, ingress) = (HeaderMap::new(), Ingress::default());
        let config = of(vec![rule(None), rule(Some("m"))]);
        let Ok(Explanation::Rule { at, others, .. }) = explain(&config, "m", &headers, ingress) else { panic!() };
        assert_eq!((at, others.len()), (1, 1));
        let config = of(vec![rule(Some("m"))]);
        assert_eq!(explain(&config, "short", &headers, ingress), Ok(Explanation::Backend { backend: 0 }));
        assert!(explain(&config, "nothing", &headers, ingress).is_err());
    }
}
