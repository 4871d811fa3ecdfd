//! The routes of a configuration, with an index over hostnames and model names, so that a request does not look at all of
//! them.

use crate::config::key_index::KeyIndex;
use crate::config::{HeaderMatch, HeaderValueMatch, MODEL_HEADER, Match, Route, Rule};
use crate::ingress::hostname_takes;
use http::HeaderMap;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The routes, in the order of the files. They are a slice of [`Route`]; [`Routes::change`] changes them.
#[derive(Clone, Default)]
pub struct Routes {
    all: Vec<Route>,
    index: Index,
}

/// The rules by the hosts and the models of the requests that they can match.
#[derive(Clone, Default)]
struct Index {
    /// Rules of routes for one host.
    by_host: HashMap<String, ByModel>,
    /// Rules of routes for `*.suffix`, by the suffix with its leading dot.
    by_suffix: HashMap<String, ByModel>,
    /// Rules of routes for any host, and of those whose hostnames are of no form above.
    of_any_host: ByModel,
    /// Hostnames of no form above.
    odd: Vec<String>,
    /// Whether some route has API keys of its own.
    has_keys: bool,
    /// Those keys.
    keys: KeyIndex,
}

/// Rules by the one model that they can match.
#[derive(Clone, Default)]
struct ByModel {
    exact: HashMap<String, Vec<RulePosition>>,
    /// Rules that can match more than one model.
    others: Vec<RulePosition>,
}

/// A rule by its place: the later of two rules that are alike is not used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RulePosition {
    route: usize,
    rule: usize,
}

impl Routes {
    /// Changes the routes and makes their index anew.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<Route>)) {
        change(&mut self.all);
        self.index = Index::of(&self.all);
    }

    /// Whether some route has API keys of its own.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.index.has_keys
    }

    /// The owner of the API key that a request shows, by the keys of the first route that has it, of those that `takes` lets
    /// be taken.
    pub(crate) fn key_owner(&self, headers: &HeaderMap, takes: impl Fn(&Route) -> bool) -> Option<Arc<str>> {
        self.index.keys.owner(headers, &|at| self.all.get(at).is_some_and(&takes))
    }

    /// Whether a route names this host, which is in lower case and has no port.
    pub(crate) fn names_host(&self, host: &str) -> bool {
        self.index.by_host.contains_key(host)
            || suffixes(host).any(|suffix| self.index.by_suffix.contains_key(suffix))
            || self.index.odd.iter().any(|name| hostname_takes(name, host))
    }

    /// The rules that can match a request for this model at this host, in lower case and without a port: all that do match
    /// are among them. A rule may come twice.
    pub(crate) fn rules_for<'c, 'q>(
        &'c self,
        host: Option<&'q str>,
        model: &'q str,
    ) -> impl Iterator<Item = (RulePosition, &'c Route, &'c Rule)> {
        let of_host = host.and_then(|host| self.index.by_host.get(host));
        let of_suffixes = host.into_iter().flat_map(suffixes).filter_map(|suffix| self.index.by_suffix.get(suffix));
        let tables = of_host.into_iter().chain(of_suffixes).chain([&self.index.of_any_host]);
        tables.flat_map(|table| table.rules_for(model)).filter_map(|position| {
            let route = self.all.get(position.route)?;
            Some((position, route, route.rules.get(position.rule)?))
        })
    }
}

impl Index {
    fn of(routes: &[Route]) -> Self {
        let has_keys = routes.iter().any(|route| route.keys.is_some());
        let mut index = Self { has_keys, keys: KeyIndex::of(routes), ..Self::default() };
        for (at, route) in routes.iter().enumerate() {
            index.odd.extend(route.hostnames.iter().filter(|name| is_odd(name)).cloned());
            if route.hostnames.is_empty() || route.hostnames.iter().any(|name| is_odd(name)) {
                index.of_any_host.add(at, route);
            }
            for name in route.hostnames.iter().filter(|name| !is_odd(name)) {
                let table = match name.strip_prefix('*') {
                    Some(suffix) => index.by_suffix.entry(suffix.to_owned()).or_default(),
                    None => index.by_host.entry(name.clone()).or_default(),
                };
                table.add(at, route);
            }
        }
        index
    }
}

impl ByModel {
    fn add(&mut self, at: usize, route: &Route) {
        for (index, rule) in route.rules.iter().enumerate() {
            let position = RulePosition { route: at, rule: index };
            if rule.matches.is_empty() {
                self.others.push(position);
            }
            for condition in &rule.matches {
                match exact_model(condition) {
                    Some(model) => self.exact.entry(model.to_owned()).or_default().push(position),
                    None => self.others.push(position),
                }
            }
        }
    }

    fn rules_for(&self, model: &str) -> impl Iterator<Item = RulePosition> {
        let exact = self.exact.get(model).map(Vec::as_slice).unwrap_or_default();
        exact.iter().chain(&self.others).copied()
    }
}

/// The one model that a condition matches; `None`: it can match several.
fn exact_model(condition: &Match) -> Option<&str> {
    let exact =
        |header: &HeaderMatch| header.name == MODEL_HEADER && matches!(header.value, HeaderValueMatch::Exact(_));
    match &condition.headers.iter().find(|header| exact(header))?.value {
        HeaderValueMatch::Exact(model) => Some(model),
        HeaderValueMatch::Regex(_) => None,
    }
}

/// The ends of a host from each of its dots on, the longest first: `.b.c` and `.c` of `a.b.c`.
fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(|(at, _)| host.get(at..)).filter(move |suffix| suffix.len() < host.len())
}

/// Whether a hostname is neither a whole name nor `*.suffix`, as no file can say it: such ones are not in the index.
fn is_odd(hostname: &str) -> bool {
    hostname.strip_prefix('*').is_some_and(|suffix| !suffix.starts_with('.'))
}

impl From<Vec<Route>> for Routes {
    fn from(all: Vec<Route>) -> Self {
        let index = Index::of(&all);
        Self { all, index }
    }
}

impl Deref for Routes {
    type Target = [Route];

    fn deref(&self) -> &[Route] {
        &self.all
    }
}

impl<'c> IntoIterator for &'c Routes {
    type Item = &'c Route;
    type IntoIter = std::slice::Iter<'c, Route>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

impl PartialEq for Routes {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}
