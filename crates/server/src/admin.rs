//! The admin listener: `/healthz` (liveness), `/readyz` (readiness), `/metrics`.

use crate::client::authority;
use crate::client::cors;
use crate::host::Host;
use crate::process::clock;
use crate::process::workers::Workers;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Nobody needs more than this to watch a gateway.
const CONNECTIONS: usize = 256;
/// For a request's head.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to accept while the system refuses.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The type of Prometheus's text form, as OpenMetrics names it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Kept open, so that there is a descriptor for whoever watches when there are none for others.
const SPARE: &str = "/dev/null";

/// Answers until it is dropped. A client too many takes the place of the one that is connected for longest.
pub(crate) fn serve(
    listener: TcpListener,
    host: Arc<Host>,
    workers: Arc<Workers>,
) -> impl Future<Output = ()> + Send + 'static {
    let loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let admin = Arc::new(Admin { host, workers, loopback });
    accept_all(listener, admin, File::open(SPARE).ok())
}

async fn accept_all(listener: TcpListener, admin: Arc<Admin>, mut spare: Option<File>) {
    let mut clients: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "an admin client was not accepted");
                if spare.take().is_none() {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                continue;
            }
        };
        clients.retain(|client| !client.is_finished());
        if clients.len() >= CONNECTIONS
            && let Some(oldest) = clients.pop_front()
        {
            oldest.abort();
        }
        clients.push_back(tokio::spawn(Arc::clone(&admin).client(stream)).abort_handle());
        if spare.is_none() {
            spare = File::open(SPARE).ok();
        }
    }
}

/// The service behind the admin listener.
struct Admin {
    host: Arc<Host>,
    workers: Arc<Workers>,
    /// The listener is on a loopback address, where DNS rebinding must be refused.
    loopback: bool,
}

impl Admin {
    async fn client(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |request: Request<Incoming>| {
            std::future::ready(Ok::<_, Infallible>(self.answer(request.into_parts().0)))
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "an admin connection broke");
        }
    }

    fn answer(&self, mut head: request::Parts) -> Response<Full<Bytes>> {
        let path = head.uri.path().to_owned();
        let known = matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics");
        if known && !matches!(head.method, Method::GET | Method::HEAD) {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        if self.loopback && is_of_a_page(&mut head) {
            return text(StatusCode::FORBIDDEN, TEXT, "not for web pages: call this by `localhost` or its address\n");
        }
        match path.as_str() {
            "/healthz" => health(&self.workers.stuck(clock::now())),
            "/readyz" => match self.host.unready() {
                None => text(StatusCode::OK, TEXT, "ready\n"),
                Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, why),
            },
            "/metrics" => {
                text(StatusCode::OK, OPEN_METRICS, self.host.telemetry.metrics(&self.host.state(tasks(&self.workers))))
            }
            _ => text(StatusCode::NOT_FOUND, TEXT, "here are /healthz, /readyz and /metrics\n"),
        }
    }
}

/// Whether the request may come from a foreign web page: a rebound host name, or a foreign origin.
fn is_of_a_page(head: &mut request::Parts) -> bool {
    let one_host = authority::settle(head).is_ok();
    !one_host || authority::may_be_rebound(authority::host(&head.headers)) || cors::page(head, &[]).is_err()
}

/// The answer of `/healthz`: the names of stuck workers, if any.
fn health(stuck: &[String]) -> Response<Full<Bytes>> {
    if stuck.is_empty() {
        return text(StatusCode::OK, TEXT, "ok\n");
    }
    let told = format!("stuck for more than 10 seconds: {}\n", stuck.join(", "));
    text(StatusCode::SERVICE_UNAVAILABLE, TEXT, told)
}

/// Tasks that have not ended, those of this thread's runtime among them.
pub(crate) fn tasks(workers: &Workers) -> usize {
    Handle::current().metrics().num_alive_tasks() + workers.tasks()
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
