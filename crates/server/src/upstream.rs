//! Calls to Bedrock: one pool of connections for each backend, every call signed last.

use crate::clock;
use crate::credentials::{Authority, Chains, Signer};
use crate::endpoint::Endpoint;
use crate::environment::Environment;
use crate::gate::{Gate, Pass};
use crate::sign::{self, Scope};
use crate::tls::{self, Authorities};
use anyhow::{Context as _, anyhow};
use aquifer_gateway::config::{Backend, BackendKind, Bedrock, Config};
use aquifer_gateway::exchange::Call;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// For one TCP connection; the name lookup and the TLS handshake share [`HANDSHAKE_TIMEOUT`] with it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a connection that is ready to be used.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// Shorter than the minute after which AWS closes idle connections.
const POOL_IDLE: Duration = Duration::from_secs(50);
/// A model may think for minutes without a byte; a peer that vanished is found by TCP's own probes.
const TCP_KEEPALIVE: Duration = Duration::from_secs(45);

/// Not signed, so that nothing on the way breaks the signature by changing it.
const USER_AGENT: &str = concat!("aquifer/", env!("CARGO_PKG_VERSION"));

/// The backends of one configuration, in its order.
#[derive(Default)]
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    chains: Chains,
}

/// One backend with its pool and its credentials.
struct Upstream {
    backend: Backend,
    bedrock: Result<Caller, String>,
    gate: Arc<Gate>,
}

/// Who calls one endpoint: with whose signature, over which pool of connections.
pub(crate) struct Caller {
    endpoint: Endpoint,
    signer: Signer,
    pool: Client<Timed<HttpsConnector<HttpConnector>>, Full<Bytes>>,
}

/// An answer that has begun.
pub(crate) struct Answered {
    /// The answer.
    pub(crate) answer: Response<Incoming>,
    /// Its place among the calls under way.
    pub(crate) pass: Option<Pass>,
}

impl Upstreams {
    /// Makes a pool for each backend; backends that have not changed keep theirs, with connections and credentials.
    ///
    /// # Errors
    /// A backend's endpoint or authorities cannot be used.
    pub(crate) fn of(config: &Config, environment: &Environment, before: &Self) -> anyhow::Result<Self> {
        let make = |backend: &Backend| match before.all.iter().find(|old| old.backend.is_called_like(backend)) {
            Some(old) => Ok(Arc::clone(old)),
            None => Upstream::new(backend, environment, &before.chains).map(Arc::new),
        };
        let all = config.backends.iter().map(make).collect::<anyhow::Result<_>>()?;
        Ok(Self { all, chains: before.chains.clone() })
    }

    /// Waits as long as the call says and until the backend takes it, signs and sends; the answer's head comes back, its
    /// body is read by the caller, who holds the pass until then.
    pub(crate) fn call(&self, call: Call) -> impl Future<Output = Result<Answered, Unreachable>> + use<> {
        let upstream = self.all.get(call.backend).map(Arc::clone);
        async move {
            let upstream = upstream.ok_or_else(|| Unreachable::Connect("no such backend".to_owned()))?;
            let caller = upstream.bedrock.as_ref().map_err(|why| Unreachable::Connect(why.clone()))?;
            if !call.after.is_zero() {
                tokio::time::sleep(call.after).await;
            }
            let pass = upstream.gate.enter(call.circuit).await?;
            let mut request = Request::new(call.body);
            *request.method_mut() = Method::POST;
            *request.headers_mut() = call.headers;
            let answer = caller.send(&call.path, request).await?;
            Ok(Answered { answer, pass })
        }
    }
}

impl Upstream {
    fn new(backend: &Backend, environment: &Environment, chains: &Chains) -> anyhow::Result<Self> {
        let bedrock = match (backend.kind.service(), &backend.kind) {
            (Some(service), _) => Ok(Caller::new(service, environment, chains)
                .with_context(|| format!("backend {}/{}", backend.namespace, backend.name))?),
            (None, BackendKind::NotServed { why, .. }) => Err(why.clone()),
            (None, _) => Err("it cannot be called".to_owned()),
        };
        Ok(Self { backend: backend.clone(), bedrock, gate: Arc::default() })
    }
}

impl Caller {
    fn new(bedrock: &Bedrock, environment: &Environment, chains: &Chains) -> anyhow::Result<Self> {
        let endpoint = Endpoint::of(bedrock, environment).map_err(|why| anyhow!(why))?;
        Self::at(endpoint, bedrock, environment, chains)
    }

    /// Asks Bedrock about itself, for a backend and in its name: the control plane has an address of its own.
    ///
    /// # Errors
    /// The endpoint cannot be used.
    pub(crate) fn control(bedrock: &Bedrock, environment: &Environment, chains: &Chains) -> anyhow::Result<Self> {
        let endpoint = Endpoint::control(environment).map_err(|why| anyhow!(why))?;
        let (region, credentials) = (bedrock.region.clone(), bedrock.credentials.clone());
        Self::at(endpoint, &Bedrock { region, credentials, ..Bedrock::default() }, environment, chains)
    }

    fn at(endpoint: Endpoint, bedrock: &Bedrock, environment: &Environment, chains: &Chains) -> anyhow::Result<Self> {
        let authorities = match &bedrock.tls_ca_pem {
            Some(pem) => Authorities::Own(pem),
            None if endpoint.is_plain() => Authorities::Nobody,
            None => Authorities::System,
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls::client(&authorities)?).https_or_http();
        let connector = match &bedrock.tls_hostname {
            Some(name) => {
                let name = name.clone().try_into().context("the TLS host name is not one")?;
                connector.with_server_name_resolver(FixedServerNameResolver::new(name))
            }
            None => connector,
        };
        let connector = match bedrock.http2 {
            true => connector.enable_http2().wrap_connector(tcp()),
            false => connector.enable_http1().wrap_connector(tcp()),
        };
        let pool = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http2_only(bedrock.http2)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(bedrock.http2.then_some(TCP_KEEPALIVE))
            .build(Timed(connector));
        Ok(Self { endpoint, signer: Signer::new(bedrock, environment, chains), pool })
    }

    /// Signs and sends; `path` is percent-encoded as it must stand on the wire.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn send(
        &self,
        path: &str,
        mut request: Request<Bytes>,
    ) -> Result<Response<Incoming>, Unreachable> {
        let region = self.signer.region().await.map_err(Unreachable::Credentials)?;
        let uri: Uri = format!("{}{path}", self.endpoint.base(region))
            .parse()
            .map_err(|_| Unreachable::Connect("the endpoint and the path make no URL".to_owned()))?;
        *request.uri_mut() = uri;
        match self.signer.authority().await.map_err(Unreachable::Credentials)? {
            Authority::Nobody => Ok(()),
            Authority::Bearer(key) => sign::bearer(&mut request, key.expose()),
            Authority::Signature(credentials) => {
                let scope = Scope { region, service: "bedrock" };
                sign::sign_request(&mut request, credentials, scope, clock::wall())
            }
        }
        .map_err(|why| Unreachable::Credentials(format!("the call was not signed: {why}")))?;
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        self.pool.request(request.map(Full::new)).await.map_err(|error| unreachable(&host, &error))
    }
}

/// Connections of which each part is sent at once, and whose other end is asked whether it is still there.
fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_keepalive_interval(Some(TCP_KEEPALIVE / 3));
    tcp.set_keepalive_retries(Some(4));
    tcp
}

/// Says why there is no answer, with the host and the deepest cause.
fn unreachable(host: &str, error: &Error) -> Unreachable {
    let deepest = deepest(error);
    let timed_out = deepest.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == TIMED_OUT);
    let what = format!("{host}: {deepest}");
    match (error.is_connect(), timed_out) {
        (true, true) => Unreachable::Timeout(what),
        (true, false) => Unreachable::Connect(what),
        (false, _) => Unreachable::Broken(what),
    }
}

/// What an error comes from.
pub(crate) fn deepest<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(inner) = error.source() {
        error = inner;
    }
    error
}

const TIMED_OUT: std::io::ErrorKind = std::io::ErrorKind::TimedOut;

/// A connector that gives up: name lookups and TLS handshakes have no time limit of their own.
#[derive(Clone)]
struct Timed<C>(C);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<C> tower_service::Service<Uri> for Timed<C>
where
    C: tower_service::Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let late = || std::io::Error::new(TIMED_OUT, format!("no connection in {HANDSHAKE_TIMEOUT:?}"));
            tokio::time::timeout(HANDSHAKE_TIMEOUT, connecting).await.map_err(|_| late())?
        })
    }
}

#[cfg(test)]
mod tests;
