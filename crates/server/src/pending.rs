//! Stands in for what the other crates are about to provide.

use aquifer_gateway::config::Config;
use aquifer_gateway::translate::Fault;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::future::Future;

pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

pub(crate) fn refusal(fault: &Fault) -> (StatusCode, HeaderMap, Bytes) {
    let body = serde_json::json!({"error": {"message": fault.to_string(), "type": "invalid_request_error"}});
    (StatusCode::BAD_REQUEST, HeaderMap::new(), Bytes::from(body.to_string()))
}

pub(crate) fn load(
    sources: &[Source],
    _env: &dyn Fn(&str) -> Option<String>,
    _read_file: &dyn Fn(&str) -> std::io::Result<String>,
) -> Result<Config, Vec<String>> {
    match sources.iter().find(|source| source.text.contains("BAD")) {
        Some(source) => Err(vec![format!("{}:1:1: bad", source.name)]),
        None => Ok(Config::default()),
    }
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) pace: std::time::Duration,
}

pub(crate) async fn serve(
    _listener: tokio::net::TcpListener,
    _options: Options,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    shutdown.await;
    Ok(())
}

pub(crate) fn from_environment(_env: &dyn Fn(&str) -> Option<String>) -> Config {
    Config::default()
}
