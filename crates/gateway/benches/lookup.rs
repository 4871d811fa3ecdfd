//! Finds the route of a request among so many, so often: `cargo bench -p aquifer-gateway --bench lookup -- ROUTES TIMES`, for
//! valgrind to count the instructions. Without arguments it measures the time of a look-up.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench, which may look at the clock")]

use aquifer_gateway::config::{
    self, Backend, BackendKind, BackendRef, Config, HeaderMatch, HeaderValueMatch, Match, Route, Rule, Service, Source,
};
use aquifer_gateway::ingress::Ingress;
use aquifer_gateway::route::{MODEL_HEADER, candidates};
use http::HeaderMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    match arguments[..] {
        [routes, times] => look_up(&config(routes), times),
        _ => {
            for routes in [10, 100, 1000, 5000] {
                let config = config(routes);
                let start = Instant::now();
                look_up(&config, 100_000);
                println!("{routes} routes: {:?} for two look-ups", start.elapsed() / 100_000);
                let text = file(routes);
                let start = Instant::now();
                load(text);
                println!("{routes} routes and as many backends: loaded in {:?}", start.elapsed());
            }
        }
    }
}

/// Routes, each with a backend of its own.
fn file(routes: usize) -> String {
    let one = |number: usize| {
        format!(
            "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata: {{name: b{number}}}\n\
             spec: {{provider: awsbedrock, config: {{model: arn:{number}, region: us-east-1}}}}\n---\n\
             apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {{name: r{number}}}\n\
             spec:\n  rules:\n  - matches: [{{headers: [{{name: x-ai-eg-model, value: m{number}}}]}}]\n    \
             backendRefs: [{{name: b{number}, weight: 1}}]\n---\n"
        )
    };
    (0..routes).map(one).collect()
}

fn load(text: String) {
    let source = Source { name: "f".to_owned(), text };
    let loaded = config::load(&[source], &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into()));
    assert!(black_box(loaded).is_ok());
}

/// Half of the routes are of tenants with a host of their own and the same models, half are of models.
fn config(routes: usize) -> Config {
    let backends = vec![Backend::new("bedrock", BackendKind::bedrock(Service::default()))];
    let routes: Vec<Route> = (0..routes).map(route).collect();
    Config { backends, routes: routes.into(), ..Config::default() }
}

fn route(number: usize) -> Route {
    let (hostnames, model) = match number % 2 {
        0 => (vec![host(number)], "anthropic.claude-opus-4-8".to_owned()),
        _ => (Vec::new(), model(number)),
    };
    let header = HeaderMatch { name: MODEL_HEADER.to_owned(), value: HeaderValueMatch::Exact(model) };
    let to = BackendRef {
        backend: 0,
        model_name_override: None,
        weight: 1,
        priority: 0,
        reasoning: Arc::default(),
        mutation: Arc::default(),
    };
    let rule = Rule { matches: vec![Match { headers: vec![header] }], backends: vec![to], ..Rule::default() };
    Route {
        namespace: "default".to_owned(),
        name: format!("route-{number}"),
        parents: Vec::new(),
        hostnames,
        rules: vec![rule],
        costs: Arc::default(),
        keys: None,
    }
}

fn host(number: usize) -> String {
    format!("tenant-{number:06}.gateway.example.com")
}

fn model(number: usize) -> String {
    format!("model-{number:06}")
}

/// Requests of the tenants and for the models in turn, from the last on.
fn look_up(config: &Config, times: usize) {
    let headers = HeaderMap::new();
    let last = config.routes.len() - 2;
    let (tenant, model) = (host(last), model(last + 1));
    for _ in 0..times {
        let at_tenant = Ingress { port: None, host: Some(&tenant) };
        let found = candidates(black_box(config), "anthropic.claude-opus-4-8", &headers, at_tenant, 0);
        assert!(black_box(found).is_ok());
        let found = candidates(black_box(config), &model, &headers, Ingress::default(), 0);
        assert!(black_box(found).is_ok());
    }
}
