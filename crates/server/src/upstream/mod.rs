//! The upstream side: each backend has a connection pool, credentials and a concurrency limit; calls are signed last.
//!
//! It neither retries nor picks a backend, and sets no timeout but that of the connection: the exchange decides that.

use crate::process::clock;
use anyhow::Context as _;
use aquifer_aws::{CredentialChains, CredentialOrigin, Environment, Signer};
use aquifer_gateway::config::{Backend, BackendKind, Config};
use aquifer_gateway::exchange::Call;
use aquifer_gateway::record::BackendAddress;
use aquifer_gateway::translate::fault::Unreachable;
pub use body::UpstreamBody;
use call_counters::CallCounters;
pub use call_counters::{CallCounts, CountedCall};
use concurrency::{ConcurrencyLimit, Permit};
pub use endpoint_client::EndpointClient;
use http::response::Parts;
use http::{Method, Request};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::time::sleep;

mod addresses;
mod body;
mod call_counters;
pub mod concurrency;
pub mod control_plane;
mod endpoint_client;
mod endpoint_url;
mod error;
mod h1_chunk;
mod h1_codec;
mod h1_connection;
mod h1_pool;
mod h2_pool;
mod idle_connections;
mod proxy;
pub(crate) mod socket;

/// The backends of one configuration, in its order.
#[derive(Default)]
pub struct Upstreams {
    all: Vec<Arc<Upstream>>,
    chains: CredentialChains,
    connections: Connections,
}

/// The settings of upstream connections, which all backends share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// The maximum age of a connection: an older one carries no further call, so that DNS is asked again. `None`:
    /// unlimited.
    pub max_age: Option<Duration>,
    /// Whether long HTTP/1.1 answers use delayed TCP acknowledgements (see `Socket::acknowledge_in_pairs`).
    pub acknowledged_in_pairs: bool,
}

/// One backend with its pool and its credentials.
struct Upstream {
    backend: Backend,
    client: Result<EndpointClient, String>,
    limit: Arc<ConcurrencyLimit>,
    counters: Arc<CallCounters>,
}

/// The response to a call: its head, and a body that is still to be read.
pub struct UpstreamResponse {
    /// Its head.
    pub head: Parts,
    /// Its body.
    pub body: UpstreamBody,
    /// The permit of the backend's concurrency limit, held until the body is read.
    pub pass: Option<Permit>,
}

impl Default for Connections {
    fn default() -> Self {
        Self { max_age: Some(Duration::from_secs(3600)), acknowledged_in_pairs: true }
    }
}

impl Connections {
    /// When a connection that is established now reaches its maximum age.
    fn old(self) -> Option<Instant> {
        clock::now().checked_add(self.max_age?)
    }
}

impl Upstreams {
    /// An empty set; the sets made from it have these connection settings.
    pub fn none(connections: Connections) -> Self {
        Self { connections, ..Self::default() }
    }

    /// The upstreams of a configuration. Backends that have not changed keep their pool, connections and credentials.
    ///
    /// # Errors
    /// A backend's endpoint or authorities cannot be used.
    pub fn of(config: &Config, environment: &Environment, before: &Self) -> anyhow::Result<Self> {
        let all = config
            .backends
            .iter()
            .map(|backend| before.kept_or_new(backend, environment))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { all, chains: before.chains.clone(), connections: before.connections })
    }

    /// The upstream of a backend: the one of this set, if the backend has not changed, or a new one.
    fn kept_or_new(&self, backend: &Backend, environment: &Environment) -> anyhow::Result<Arc<Upstream>> {
        match self.all.iter().find(|old| old.backend.is_called_like(backend)) {
            Some(old) => Ok(Arc::clone(old)),
            None => Upstream::new(backend, environment, self).map(Arc::new),
        }
    }

    /// The source of each backend's credentials, with the backend's name; backends that share credentials are listed
    /// together.
    pub async fn origins(&self, environment: &Environment) -> Vec<(String, CredentialOrigin)> {
        let mut told: Vec<(String, &Signer)> = Vec::new();
        for upstream in &self.all {
            let Ok(caller) = &upstream.client else { continue };
            let name = format!("{}/{}", upstream.backend.namespace, upstream.backend.name);
            match told.iter_mut().find(|(_, signer)| signer.shares_source(&caller.signer)) {
                Some((names, _)) => *names = format!("{names}, {name}"),
                None => told.push((name, &caller.signer)),
            }
        }
        let mut origins = Vec::with_capacity(told.len());
        for (names, signer) in told {
            origins.push((names, signer.origin(environment).await));
        }
        origins
    }

    /// When the AWS credentials in use at a backend expire, in seconds since 1970.
    pub fn credentials_expiry(&self, backend: usize) -> Option<u64> {
        let signer = &self.all.get(backend)?.client.as_ref().ok()?.signer;
        Some(signer.expiry()?.duration_since(UNIX_EPOCH).ok()?.as_secs())
    }

    /// The numbers of calls of a backend that are open, and that wait for a permit.
    pub fn calls(&self, backend: usize) -> CallCounts {
        self.all.get(backend).map(|upstream| upstream.counters.counts()).unwrap_or_default()
    }

    /// The host and port of a backend, once it was called.
    pub(crate) fn address(&self, backend: usize) -> Option<BackendAddress> {
        let root = self.all.get(backend)?.client.as_ref().ok()?.root()?;
        Some(BackendAddress { host: addresses::bare_host(root).to_owned(), port: addresses::port(root) })
    }

    /// Sends a call when the concurrency limit permits it, and waits for the head of the response.
    pub fn call(&self, call: Call) -> impl Future<Output = Result<UpstreamResponse, Unreachable>> + use<> {
        let begun = self.begin(call);
        async move {
            match begun {
                StartedCall::Sent(sending) => sending.await,
                StartedCall::Queued(queued) => queued.await?.await,
            }
        }
    }

    /// Starts a call. One that neither has a delay (`after`) nor meets a concurrency limit is sent at once; any other is
    /// queued first, and the time in the queue is not the backend's.
    pub fn begin(&self, call: Call) -> StartedCall {
        let upstream = self.all.get(call.backend).map(Arc::clone);
        if call.after.is_zero() && call.circuit.parallel.is_none() {
            return StartedCall::Sent(Box::pin(send(upstream, call, None)));
        }
        StartedCall::Queued(Box::pin(async move {
            if !call.after.is_zero() {
                sleep(call.after).await;
            }
            let pass = match &upstream {
                Some(upstream) => {
                    let _waiting = call.circuit.parallel.map(|_| upstream.counters.waiting());
                    upstream.limit.acquire(call.circuit).await?
                }
                None => None,
            };
            let sent: SendingCall = Box::pin(send(upstream, call, pass));
            Ok(sent)
        }))
    }
}

/// A call that is being sent: resolves to the head of the response.
pub type SendingCall = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Unreachable>> + Send>>;
/// A call that waits for its delay or for a permit: resolves to the call being sent.
pub type QueuedCall = Pin<Box<dyn Future<Output = Result<SendingCall, Unreachable>> + Send>>;

/// A call that was started.
pub enum StartedCall {
    /// It is being sent.
    Sent(SendingCall),
    /// It waits for its delay or for a permit.
    Queued(QueuedCall),
}

async fn send(
    upstream: Option<Arc<Upstream>>,
    call: Call,
    pass: Option<Permit>,
) -> Result<UpstreamResponse, Unreachable> {
    let upstream = upstream.ok_or_else(|| Unreachable::Ours("no such backend".to_owned()))?;
    let caller = upstream.client.as_ref().map_err(|why| Unreachable::Connect(why.clone()))?;
    let mut request = Request::new(call.body);
    *request.method_mut() = Method::POST;
    *request.headers_mut() = call.headers;
    let open = upstream.counters.open();
    let (head, body) = caller.send_within(call.connect, &call.path, request).await?;
    Ok(UpstreamResponse { head, body: body.counted(open), pass })
}

impl Upstream {
    fn new(backend: &Backend, environment: &Environment, before: &Upstreams) -> anyhow::Result<Self> {
        let client = match &backend.kind {
            BackendKind::Served { service, .. } => Ok(EndpointClient::new(service, environment, before)
                .with_context(|| format!("backend {}/{}", backend.namespace, backend.name))?),
            BackendKind::NotServed { why, .. } => Err(why.clone()),
        };
        Ok(Self { backend: backend.clone(), client, limit: Arc::default(), counters: Arc::default() })
    }
}

#[cfg(test)]
mod h1_fuzz_body;
#[cfg(test)]
mod tests;
