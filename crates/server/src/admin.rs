//! The admin listener: is it alive, does it take clients, what has it counted.

use crate::host::Host;
use crate::workers::Workers;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Nobody needs more than this to watch a gateway.
const CONNECTIONS: usize = 256;
/// For a request's head.
const PATIENCE: Duration = Duration::from_secs(30);
/// The type of Prometheus's text form, as OpenMetrics names it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, host: Arc<Host>, workers: Arc<Workers>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "an admin client was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (host, workers) = (Arc::clone(&host), Arc::clone(&workers));
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer((&host, &workers), request.method(), request.uri().path());
                std::future::ready(Ok::<_, Infallible>(answer))
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "an admin connection broke");
            }
            drop(permit);
        });
    }
}

fn answer((host, workers): (&Host, &Workers), method: &Method, path: &str) -> Response<Full<Bytes>> {
    let known = matches!(path, "/healthz" | "/readyz" | "/metrics");
    if known && !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/healthz" => text(StatusCode::OK, TEXT, "ok\n"),
        "/readyz" if host.ready() => text(StatusCode::OK, TEXT, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining\n"),
        "/metrics" => text(StatusCode::OK, OPEN_METRICS, host.telemetry.metrics(tasks(workers))),
        _ => text(StatusCode::NOT_FOUND, TEXT, "here are /healthz, /readyz and /metrics\n"),
    }
}

/// Tasks that have not ended, those of this thread's runtime among them.
fn tasks(workers: &Workers) -> usize {
    Handle::current().metrics().num_alive_tasks() + workers.tasks()
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
