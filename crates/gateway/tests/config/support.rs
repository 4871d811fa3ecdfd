//! What these tests share: a text is read as a configuration, and requests are begun with one.

use aquifer_gateway::config::{Backend, Config, ConfigError, Service, Source, load};
use aquifer_gateway::exchange::{Exchange, HostTerms, Input, RequestHead};
use aquifer_gateway::health::BackendHealth;
use aquifer_gateway::restore::Forgetful;
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::io;
use std::sync::Arc;
use std::time::Instant;

pub(crate) type Outcome = Result<Config, Vec<ConfigError>>;

/// References to the resources that most texts have.
pub(crate) const BACKEND: &str = "{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}";
pub(crate) const ROUTE: &str = "{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: r}";
pub(crate) const RULE: &str = "{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: r, sectionName: named}";

/// A file system without this file.
pub(crate) fn no_file(_: &str) -> io::Result<String> {
    Err(io::Error::from(io::ErrorKind::NotFound))
}

/// What a file named `f` comes to, with no variables and no other files.
pub(crate) fn loaded(text: &str) -> Outcome {
    loaded_with(text, &|_| None)
}

/// The same with these variables.
pub(crate) fn loaded_with(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Outcome {
    load(&[Source { name: "f".to_owned(), text: text.to_owned() }], env, &no_file)
}

pub(crate) fn config(text: &str) -> Config {
    accepted(loaded(text), text)
}

pub(crate) fn accepted(outcome: Outcome, text: &str) -> Config {
    outcome.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"))
}

/// Mistakes as they are printed.
pub(crate) fn printed(mistakes: &[ConfigError]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

/// A policy at one target, one field of its spec a line; `kind` is its version and its kind.
pub(crate) fn policy(kind: [&str; 2], name: &str, target: &str, fields: &str) -> String {
    let [version, kind] = kind;
    let fields = fields.replace('\n', "\n  ");
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  targetRefs: [{target}]\n  {fields}\n"
    )
}

/// The service of the first backend, which is a Bedrock.
pub(crate) fn bedrock(config: &Config) -> &Service {
    of_bedrock(&config.backends[0])
}

pub(crate) fn of_bedrock(backend: &Backend) -> &Service {
    backend.kind.bedrock_service().unwrap_or_else(|| panic!("{:?}", backend.kind))
}

/// An exchange that begins with this body.
pub(crate) fn begin(config: Config, body: &str, now: Instant) -> Exchange {
    let head = RequestHead {
        method: &Method::POST,
        path: "/v1/chat/completions",
        query: "",
        headers: &HeaderMap::new(),
        port: None,
        random: 7,
        unix_seconds: 1,
        now,
    };
    let health = Arc::new(BackendHealth::new(config.backends.len(), now));
    let mut exchange = Exchange::begin(Arc::new(config), health, HostTerms::default(), &head);
    exchange.handle(Input::Body { head: &head, bytes: Bytes::from(body.to_owned()), turns: &Forgetful }, head.now);
    exchange
}
