//! Routes are found by an index: over generated configurations it finds what a look at every rule finds.

use aquifer_gateway::config::{
    Backend, BackendKind, BackendRef, Config, HeaderMatch, HeaderValueMatch, Match, Route, Rule, Service,
};
use aquifer_gateway::ingress::Ingress;
use aquifer_gateway::route::{MODEL_HEADER, candidates};
use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use http::HeaderMap;
use std::sync::Arc;

const MODELS: [&str; 3] = ["a", "b", "c"];
const HOSTNAMES: [&str; 7] =
    ["x.example.com", "y.x.example.com", "*.example.com", "*.x.example.com", "*.com", "other.org", "*.org"];
const HOSTS: [&str; 6] = ["x.example.com", "Y.x.example.com:80", "example.com", "other.org", "com", ".com"];

fn header(u: &mut Unstructured<'_>) -> Result<HeaderMatch> {
    let name = *u.choose(&[MODEL_HEADER, MODEL_HEADER, "x-a", "x-b"])?;
    let text = *u.choose(&MODELS)?;
    let value = match u.ratio(1, 4)? {
        true => HeaderValueMatch::Regex(pattern(text)),
        false => HeaderValueMatch::Exact(text.to_owned()),
    };
    Ok(HeaderMatch { name: name.to_owned(), value })
}

/// A pattern that matches one model, or any.
fn pattern(text: &str) -> regex::Regex {
    regex::Regex::new(if text == "a" { r"\A(?:.*)\z" } else { r"\A(?:[ab])\z" }).unwrap()
}

fn several<T>(
    u: &mut Unstructured<'_>,
    most: usize,
    one: impl Fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=most)?).map(|_| one(u)).collect()
}

fn rule(u: &mut Unstructured<'_>, backend: usize) -> Result<Rule> {
    let matches = several(u, 2, |u| Ok(Match { headers: several(u, 3, header)? }))?;
    let to = BackendRef {
        backend,
        model_name_override: None,
        weight: 1,
        priority: 0,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    Ok(Rule { matches, backends: vec![to], ..Rule::default() })
}

/// Routes whose rules lead each to a backend of its own, which tells them apart.
fn config(u: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = Config::default();
    let mut routes = Vec::new();
    for number in 0..u.int_in_range(0..=5)? {
        let mut rules = Vec::new();
        for _ in 0..u.int_in_range(0..=3)? {
            rules.push(rule(u, config.backends.len())?);
            let name = format!("backend-{}", config.backends.len());
            config.backends.push(Backend::new(&name, BackendKind::bedrock(Service::default())));
        }
        let hostnames = several(u, 3, |u| Ok((*u.choose(&HOSTNAMES)?).to_owned()))?;
        let (namespace, name) = ("default".to_owned(), format!("route-{number}"));
        routes.push(Route { namespace, name, parents: Vec::new(), hostnames, rules, costs: [].into(), keys: None });
    }
    config.routes = routes.into();
    Ok(config)
}

fn takes(wanted: &HeaderMatch, model: &str, headers: &HeaderMap) -> bool {
    let value = match wanted.name.as_str() {
        MODEL_HEADER => Some(model),
        name => headers.get(name).and_then(|value| value.to_str().ok()),
    };
    value.is_some_and(|value| match &wanted.value {
        HeaderValueMatch::Exact(exact) => exact == value,
        HeaderValueMatch::Regex(regex) => regex.is_match(value),
    })
}

fn weight(hostnames: &[String], host: Option<&str>) -> Option<usize> {
    if hostnames.is_empty() {
        return Some(0);
    }
    let host = host?.split(':').next()?.to_ascii_lowercase();
    let weights = hostnames.iter().filter_map(|name| match name.strip_prefix('*') {
        Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then_some(name.len()),
        None => (*name == host).then_some(usize::MAX),
    });
    weights.max()
}

/// The weight of a hostname, the headers of a match, the exact ones of them.
type Rank = (usize, (usize, usize));

/// The backend of the rule that decides, by a look at every one, as the Gateway API says it.
fn by_looking_at_all(config: &Config, model: &str, headers: &HeaderMap, host: Option<&str>) -> Option<usize> {
    let mut best: Option<(Rank, usize)> = None;
    for route in &config.routes {
        let Some(hostname) = weight(&route.hostnames, host) else { continue };
        for rule in &route.rules {
            let fitting = rule.matches.iter().filter(|it| it.headers.iter().all(|it| takes(it, model, headers)));
            let exact = |it: &&HeaderMatch| matches!(it.value, HeaderValueMatch::Exact(_));
            let said = fitting.map(|it| (it.headers.len(), it.headers.iter().filter(exact).count())).max();
            let said = if rule.matches.is_empty() { Some((0, 0)) } else { said };
            if let Some(said) = said
                && best.is_none_or(|(before, _)| (hostname, said) > before)
            {
                best = Some(((hostname, said), rule.backends[0].backend));
            }
        }
    }
    best.map(|(_, backend)| backend)
}

#[test]
fn the_index_finds_what_a_look_at_every_rule_finds() {
    arbtest(|u| {
        let config = config(u)?;
        let mut headers = HeaderMap::new();
        for name in ["x-a", "x-b"] {
            if u.arbitrary()? {
                headers.insert(name, u.choose(&MODELS)?.parse().unwrap());
            }
        }
        let model = *u.choose(&["a", "b", "c", "d"])?;
        let host = if u.arbitrary()? { Some(*u.choose(&HOSTS)?) } else { None };
        let found = candidates(&config, model, &headers, Ingress { port: None, host }, 0).ok();
        let found = found.map(|targets| targets[0].backend);
        assert_eq!(found, by_looking_at_all(&config, model, &headers, host), "{model} {host:?} {config:#?}");
        Ok(())
    });
}
