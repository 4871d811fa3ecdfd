//! The admin listener: probes, metrics, the admin page and its API.
//!
//! ```text
//!  request ─► probes: /healthz /readyz /metrics        (open, as ever)
//!          └► host ─► page and assets                   (open: they hold nothing)
//!                  └► origin ─► token or session ─► scope ─► api ─► view
//! ```
//!
//! Nothing here takes a lock that a request of a client takes for longer than a look.

mod access;
mod api;
mod asset;
mod assets;
mod attempts;
mod endpoints;
mod filter;
mod log_level;
mod play;
mod probes;
mod query;
mod reply;
mod router;
pub(crate) mod scopes;
mod sessions;
pub(crate) mod token;
mod view;
mod watching;

pub(crate) use access::{Access, AccessOptions};
pub(crate) use probes::tasks;

use crate::host::Host;
use crate::live::Feeds;
use crate::process::workers::Workers;
use aquifer_telemetry::log::LogControl;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Nobody needs more than this to watch a gateway.
const CONNECTIONS: usize = 256;
/// For a request's head.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to accept while the system refuses.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Kept open, so that there is a descriptor for whoever watches when there are none for others.
const SPARE: &str = "/dev/null";

/// What the admin listener serves with.
pub(crate) struct Admin {
    host: Arc<Host>,
    workers: Arc<Workers>,
    access: Access,
    log: log_level::LogLevelSwitch,
    /// The topics of live events that come from here.
    feeds: Arc<Feeds>,
}

impl Admin {
    /// The admin service of a host.
    pub(crate) fn new(host: Arc<Host>, workers: Arc<Workers>, access: Access, log: Arc<LogControl>) -> Arc<Self> {
        let feeds = watching::feeds(&host);
        Arc::new(Self { host, workers, access, log: log_level::LogLevelSwitch::new(log), feeds })
    }

    async fn client(self: Arc<Self>, stream: TcpStream) {
        let peer = stream.peer_addr().ok().map(|peer| peer.ip());
        let service = service_fn(move |request: Request<Incoming>| {
            let admin = Arc::clone(&self);
            async move { Ok::<_, Infallible>(admin.answer(peer, request).await) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "an admin connection broke");
        }
    }
}

/// Answers until it is dropped. A client too many takes the place of the one that is connected for longest.
pub(crate) fn serve(listener: TcpListener, admin: Arc<Admin>) -> impl Future<Output = ()> + Send + 'static {
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
