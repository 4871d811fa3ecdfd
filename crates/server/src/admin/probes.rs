//! `/healthz` (liveness), `/readyz` (readiness), `/metrics`: open to whoever reaches the listener.

use super::Admin;
use super::access::is_of_a_page;
use super::reply::{self, Answer};
use crate::process::clock;
use crate::process::workers::Workers;
use http::{HeaderValue, Method, StatusCode, header, request};
use tokio::runtime::Handle;

/// The type of Prometheus's text form, as OpenMetrics names it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers what is not of the admin page.
pub(super) fn answer(admin: &Admin, mut head: request::Parts) -> Answer {
    let path = head.uri.path().to_owned();
    let known = matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics");
    if known && !matches!(head.method, Method::GET | Method::HEAD) {
        let mut refused = reply::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    if admin.access.is_loopback() && is_of_a_page(&mut head) {
        return reply::text(StatusCode::FORBIDDEN, "not for web pages: call this by `localhost` or its address\n");
    }
    match path.as_str() {
        "/healthz" => health(&admin.workers.stuck(clock::now())),
        "/readyz" => match admin.host.unready() {
            None => reply::text(StatusCode::OK, "ready\n"),
            Some(why) => reply::text(StatusCode::SERVICE_UNAVAILABLE, why),
        },
        "/metrics" => {
            let state = admin.host.state(tasks(&admin.workers));
            reply::typed(StatusCode::OK, OPEN_METRICS, admin.host.telemetry.metrics(&state))
        }
        _ => reply::text(StatusCode::NOT_FOUND, "here are /healthz, /readyz and /metrics\n"),
    }
}

/// The answer of `/healthz`: the names of stuck workers, if any.
fn health(stuck: &[String]) -> Answer {
    if stuck.is_empty() {
        return reply::text(StatusCode::OK, "ok\n");
    }
    let told = format!("stuck for more than 10 seconds: {}\n", stuck.join(", "));
    reply::text(StatusCode::SERVICE_UNAVAILABLE, told)
}

/// Tasks that have not ended, those of this thread's runtime among them.
pub(crate) fn tasks(workers: &Workers) -> usize {
    Handle::current().metrics().num_alive_tasks() + workers.tasks()
}
