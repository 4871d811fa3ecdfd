//! Stands in for what the other crates are about to provide.

use aquifer_gateway::translate::Fault;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::future::Future;

pub(crate) fn refusal(fault: &Fault) -> (StatusCode, HeaderMap, Bytes) {
    let body = serde_json::json!({"error": {"message": fault.to_string(), "type": "invalid_request_error"}});
    (StatusCode::BAD_REQUEST, HeaderMap::new(), Bytes::from(body.to_string()))
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) pace: std::time::Duration,
    pub(crate) _more: (),
}

pub(crate) async fn serve(
    _listener: tokio::net::TcpListener,
    _options: Options,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    shutdown.await;
    Ok(())
}
