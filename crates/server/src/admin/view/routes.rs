//! The routes with their rules, the models that can be named, and which rule a request would take.

use crate::host::Host;
use aquifer_gateway::config::{Config, HeaderMatch, HeaderValueMatch, MODEL_HEADER, Match, Route, Rule};
use aquifer_gateway::ingress::Ingress;
use aquifer_gateway::route::{self, Explanation};
use aquifer_gateway::translate::Fault;
use http::HeaderMap;
use serde_json::{Value, json};

/// The routes in the order of the files, and the models that can be named.
pub(in crate::admin) fn routes(host: &Host) -> Value {
    of_config(&host.serving().config)
}

/// The same of a configuration.
pub(super) fn of_config(config: &Config) -> Value {
    let routes: Vec<Value> = config.routes.iter().map(|route| described(config, route)).collect();
    let models: Vec<Value> = route::models(config)
        .into_iter()
        .map(|model| json!({ "name": model.id, "owned_by": model.owned_by, "created_unix_s": model.created }))
        .collect();
    json!({ "routes": routes, "models": models })
}

fn described(config: &Config, route: &Route) -> Value {
    let rules: Vec<Value> = (0..route.rules.len()).map(|at| rule(config, route, at)).collect();
    json!({
        "name": name(route),
        "hostnames": route.hostnames,
        "parents": route.parents.iter().map(|parent| format!("{}/{}", parent.namespace, parent.name)).collect::<Vec<_>>(),
        "asks_for_keys": route.keys.is_some(),
        "rules": rules,
    })
}

fn name(route: &Route) -> String {
    format!("{}/{}", route.namespace, route.name)
}

fn rule(config: &Config, route: &Route, at: usize) -> Value {
    let Some(rule) = route.rules.get(at) else { return Value::Null };
    let backends: Vec<Value> = rule
        .backends
        .iter()
        .map(|target| {
            let backend = config.backends.get(target.backend);
            json!({
                "name": backend.map(|backend| format!("{}/{}", backend.namespace, backend.name)),
                "weight": target.weight,
                "priority": target.priority,
                "model": target.model_name_override,
            })
        })
        .collect();
    json!({
        "name": rule.name,
        "number": at,
        "matches": rule.matches.iter().map(condition).collect::<Vec<_>>(),
        "backends": backends,
        "precedence": precedence(route, rule),
        "request_timeout_ms": rule.request_timeout.map(|time| time.as_millis() as u64),
        "call_timeout_ms": rule.call_timeout.map(|time| time.as_millis() as u64),
    })
}

/// The conditions of a match. The value of any header but the model's is not shown: it may be a caller's key.
fn condition(condition: &Match) -> String {
    condition.headers.iter().map(header).collect::<Vec<_>>().join(" and ")
}

fn header(header: &HeaderMatch) -> String {
    let HeaderMatch { name, value } = header;
    let is_model = name == MODEL_HEADER;
    match value {
        HeaderValueMatch::Exact(exact) if is_model => format!("model = {exact}"),
        HeaderValueMatch::Regex(regex) if is_model => format!("model matches {}", regex.as_str()),
        HeaderValueMatch::Exact(_) => format!("{name} = ••••"),
        HeaderValueMatch::Regex(_) => format!("{name} matches ••••"),
    }
}

/// What decides between rules that match: the hostname, then the number of headers, then that of the exact ones.
fn precedence(route: &Route, rule: &Rule) -> String {
    let host = match route.hostnames.iter().map(String::len).max() {
        None => "any host",
        Some(_) if route.hostnames.iter().all(|name| name.starts_with('*')) => "hosts by their end",
        Some(_) => "named hosts",
    };
    let most = rule.matches.iter().map(|it| it.headers.len()).max().unwrap_or(0);
    let exact = rule.matches.iter().map(|it| it.headers.iter().filter(|header| is_exact(header)).count());
    format!("{host}, {most} header conditions, {} of them exact", exact.max().unwrap_or(0))
}

fn is_exact(header: &HeaderMatch) -> bool {
    matches!(header.value, HeaderValueMatch::Exact(_))
}

/// The rule that a request would take, and why.
pub(in crate::admin) fn explain(host: &Host, model: &str, called: Option<&str>, headers: &HeaderMap) -> Value {
    let config = &host.serving().config;
    match route::explain(config, model, headers, Ingress { port: None, host: called }) {
        Ok(Explanation::Rule { route, rule: found, at, others }) => {
            let mut told = rule(config, route, at);
            if let Value::Object(told) = &mut told {
                told.insert("route".to_owned(), name(route).into());
            }
            json!({ "rule": told, "why": reason(route, found, &others) })
        }
        Ok(Explanation::Backend { backend }) => {
            let backend = config.backends.get(backend).map(|it| format!("{}/{}", it.namespace, it.name));
            let backend = backend.unwrap_or_default();
            let why = format!("no rule matches; the backend {backend} of the short form serves the model by itself");
            json!({ "rule": null, "backend": backend, "why": why })
        }
        Err(Fault::ClientMistaken(mistake)) => json!({ "rule": null, "why": mistake.message }),
        Err(fault) => json!({ "rule": null, "why": fault.to_string() }),
    }
}

fn reason(route: &Route, rule: &Rule, others: &[(&Route, usize)]) -> String {
    let matched = match rule.matches.len() {
        0 => "it matches everything".to_owned(),
        1 => "its match holds".to_owned(),
        several => format!("one of its {several} matches holds"),
    };
    let said = precedence(route, rule);
    if others.is_empty() {
        return format!("{matched} ({said}); no other rule matches");
    }
    let named: Vec<String> = others.iter().take(5).map(|other| format!("{} rule {}", name(other.0), other.1)).collect();
    let more = if others.len() > named.len() { " and more" } else { "" };
    format!("{matched} ({said}); it goes before {}{more}, which match too", named.join(", "))
}
