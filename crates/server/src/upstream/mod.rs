//! The upstream side: each backend has a connection pool, credentials and a concurrency limit; calls are signed last.
//!
//! It neither retries nor picks a backend, and sets no timeout but that of the connection: the exchange decides that.

use crate::process::clock;
use crate::upstream::concurrency::{ConcurrencyLimit, Permit};
use anyhow::{Context as _, anyhow};
use aquifer_aws::Environment;
use aquifer_aws::{Authorization, CredentialChains, CredentialOrigin, Endpoint, Signer};
use aquifer_gateway::config::{Backend, BackendKind, Config, Service};
use aquifer_gateway::exchange::Call;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_sign::SigningScope;
use bytes::Bytes;
use endpoint_url::EndpointUrl;
use h1_pool::H1Pool;
use http::response::Parts;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use socket::Connector;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep};

mod addresses;
pub(crate) mod concurrency;
pub(crate) mod control_plane;
mod endpoint_url;
mod h1_codec;
mod h1_connection;
mod h1_pool;
mod h2_pool;
mod proxy;
mod socket;

/// The `user-agent` of calls. It is not signed, so that a proxy that changes it does not break the signature.
const USER_AGENT: &str = concat!("aquifer/", env!("CARGO_PKG_VERSION"));

/// The region of the sample URL by which scheme and proxy are decided at start: they are the same in all regions.
const SOME_REGION: &str = "us-east-1";

/// The limit of time for the body of an error response.
const REFUSAL: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(10) };

/// The IAM action that short-term API keys need, as an access-denied response names it.
const RIGHT: &[u8] = b"bedrock:CallWithBearerToken";
/// The largest error response that is searched for it.
const LONGEST_REFUSAL: usize = 1 << 20;

/// The backends of one configuration, in its order.
#[derive(Default)]
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    chains: CredentialChains,
    connections: Connections,
}

/// The settings of upstream connections, which all backends share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// The maximum age of a connection: an older one carries no further call, so that DNS is asked again. `None`: unlimited.
    pub(crate) max_age: Option<Duration>,
    /// Whether long HTTP/1.1 answers use delayed TCP acknowledgements (see `Socket::acknowledge_in_pairs`).
    pub(crate) acknowledged_in_pairs: bool,
}

/// One backend with its pool and its credentials.
struct Upstream {
    backend: Backend,
    bedrock: Result<EndpointClient, String>,
    limit: Arc<ConcurrencyLimit>,
}

/// The HTTP client of one endpoint: its URL, the credentials that sign its calls, and its connection pool.
pub(crate) struct EndpointClient {
    endpoint: Endpoint,
    /// The endpoint's URL, parsed with the first call, once the region is known; `None` when it is no URL.
    place: OnceLock<Option<EndpointUrl>>,
    signer: Signer,
    transport: Transport,
}

/// The transport of an endpoint. An HTTP/1.1 call is driven by the future that awaits it, without a task and buffers of its
/// own; HTTP/2 shares a connection among calls, which needs a task.
enum Transport {
    H1(Arc<H1Pool>),
    H2(Arc<h2_pool::H2Pool>),
}

/// The response to a call: its head, and a body that is still to be read.
pub(crate) struct UpstreamResponse {
    /// Its head.
    pub(crate) head: Parts,
    /// Its body.
    pub(crate) body: UpstreamBody,
    /// The permit of the backend's concurrency limit, held until the body is read.
    pub(crate) pass: Option<Permit>,
}

/// The body of a response, read as it arrives.
pub(crate) struct UpstreamBody {
    body: Body,
    /// The deadline of an error response's body: what has arrived by then is enough.
    until: Option<Pin<Box<Sleep>>>,
}

enum Body {
    /// In HTTP/1.1.
    H1(h1_connection::H1Body),
    /// Read already, to look for an access-denied message.
    Read(Option<Vec<u8>>),
    /// In HTTP/2, with its room on the connection.
    H2(Incoming, #[expect(dead_code, reason = "it is held until the body is over")] h2_pool::StreamPermit),
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
    pub(crate) fn none(connections: Connections) -> Self {
        Self { connections, ..Self::default() }
    }

    /// The upstreams of a configuration. Backends that have not changed keep their pool, connections and credentials.
    ///
    /// # Errors
    /// A backend's endpoint or authorities cannot be used.
    pub(crate) fn of(config: &Config, environment: &Environment, before: &Self) -> anyhow::Result<Self> {
        let make = |backend: &Backend| match before.all.iter().find(|old| old.backend.is_called_like(backend)) {
            Some(old) => Ok(Arc::clone(old)),
            None => Upstream::new(backend, environment, before).map(Arc::new),
        };
        let all = config.backends.iter().map(make).collect::<anyhow::Result<_>>()?;
        Ok(Self { all, chains: before.chains.clone(), connections: before.connections })
    }

    /// The source of each backend's credentials, with the backend's name; backends that share credentials are listed together.
    pub(crate) async fn origins(&self, environment: &Environment) -> Vec<(String, CredentialOrigin)> {
        let mut told: Vec<(String, &Signer)> = Vec::new();
        for upstream in &self.all {
            let Ok(caller) = &upstream.bedrock else { continue };
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

    /// Sends a call when the concurrency limit permits it, and waits for the head of the response.
    pub(crate) fn call(&self, call: Call) -> impl Future<Output = Result<UpstreamResponse, Unreachable>> + use<> {
        let begun = self.begin(call);
        async move {
            match begun {
                Begun::Sent(sending) => sending.await,
                Begun::Queued(queued) => queued.await?.await,
            }
        }
    }

    /// Starts a call. One that neither has a delay (`after`) nor meets a concurrency limit is sent at once; any other is
    /// queued first, and the time in the queue is not the backend's.
    pub(crate) fn begin(&self, call: Call) -> Begun {
        let upstream = self.all.get(call.backend).map(Arc::clone);
        if call.after.is_zero() && call.circuit.parallel.is_none() {
            return Begun::Sent(Box::pin(send(upstream, call, None)));
        }
        Begun::Queued(Box::pin(async move {
            if !call.after.is_zero() {
                sleep(call.after).await;
            }
            let pass = match &upstream {
                Some(upstream) => upstream.limit.acquire(call.circuit).await?,
                None => None,
            };
            let sent: Sending = Box::pin(send(upstream, call, pass));
            Ok(sent)
        }))
    }
}

/// A call that is being sent: resolves to the head of the response.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Unreachable>> + Send>>;
/// A call that waits for its delay or for a permit: resolves to the call being sent.
pub(crate) type Queued = Pin<Box<dyn Future<Output = Result<Sending, Unreachable>> + Send>>;

/// A call that was started.
pub(crate) enum Begun {
    /// It is being sent.
    Sent(Sending),
    /// It waits for its delay or for a permit.
    Queued(Queued),
}

async fn send(
    upstream: Option<Arc<Upstream>>,
    call: Call,
    pass: Option<Permit>,
) -> Result<UpstreamResponse, Unreachable> {
    let upstream = upstream.ok_or_else(|| Unreachable::Ours("no such backend".to_owned()))?;
    let caller = upstream.bedrock.as_ref().map_err(|why| Unreachable::Connect(why.clone()))?;
    let mut request = Request::new(call.body);
    *request.method_mut() = Method::POST;
    *request.headers_mut() = call.headers;
    let (head, body) = caller.send_within(call.connect, &call.path, request).await?;
    Ok(UpstreamResponse { head, body, pass })
}

impl Upstream {
    fn new(backend: &Backend, environment: &Environment, before: &Upstreams) -> anyhow::Result<Self> {
        let bedrock = match &backend.kind {
            BackendKind::Served { service, .. } => Ok(EndpointClient::new(service, environment, before)
                .with_context(|| format!("backend {}/{}", backend.namespace, backend.name))?),
            BackendKind::NotServed { why, .. } => Err(why.clone()),
        };
        Ok(Self { backend: backend.clone(), bedrock, limit: Arc::default() })
    }
}

impl EndpointClient {
    fn new(bedrock: &Service, environment: &Environment, before: &Upstreams) -> anyhow::Result<Self> {
        let endpoint = Endpoint::of(bedrock, environment).map_err(|why| anyhow!(why))?;
        Self::at(endpoint, bedrock, environment, &before.chains, before.connections)
    }

    /// A client of Bedrock's control plane, with the region and credentials of a backend.
    ///
    /// # Errors
    /// The endpoint cannot be used.
    pub(crate) fn control(
        bedrock: &Service,
        environment: &Environment,
        chains: &CredentialChains,
    ) -> anyhow::Result<Self> {
        let endpoint = Endpoint::control(environment).map_err(|why| anyhow!(why))?;
        let (region, credentials) = (bedrock.region.clone(), bedrock.credentials.clone());
        let bedrock = Service { region, credentials, ..Service::default() };
        Self::at(endpoint, &bedrock, environment, chains, Connections::default())
    }

    fn at(
        endpoint: Endpoint,
        bedrock: &Service,
        environment: &Environment,
        chains: &CredentialChains,
        connections: Connections,
    ) -> anyhow::Result<Self> {
        let connector = Connector::new(bedrock, environment, &endpoint.base(SOME_REGION))?;
        let transport = match bedrock.http2 {
            true => Transport::H2(h2_pool::H2Pool::new(connector, connections)),
            false => Transport::H1(H1Pool::new(connector, connections)),
        };
        Ok(Self { endpoint, place: OnceLock::new(), signer: Signer::new(bedrock, environment, chains), transport })
    }

    /// Signs and sends a request with the default connect timeout; `path` is percent-encoded as on the wire.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn send(&self, path: &str, request: Request<Bytes>) -> Result<(Parts, UpstreamBody), Unreachable> {
        self.send_within(socket::CONNECT, path, request).await
    }

    /// Signs and sends a request with this connect timeout.
    async fn send_within(
        &self,
        connect: Duration,
        path: &str,
        mut request: Request<Bytes>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        let region = self.signer.region().await.map_err(Unreachable::Credentials)?;
        // A signer has one region for as long as it lives.
        let place = self.place.get_or_init(|| EndpointUrl::of(&self.endpoint.base(region)));
        let no_place = || Unreachable::Connect("the endpoint is no URL".to_owned());
        let no_url = || Unreachable::Ours("the path makes no URL".to_owned());
        let place = place.as_ref().ok_or_else(no_place)?;
        *request.uri_mut() = place.uri(path).ok_or_else(no_url)?;
        let authority = self.signer.authority().await.map_err(Unreachable::Credentials)?;
        let may_be_denied = matches!(authority, Authorization::ShortTerm(_)) && self.signer.may_sign_instead();
        let again = may_be_denied.then(|| request.clone());
        let (head, body) = self.send_as(&authority, (place, region, connect), request).await?;
        match &authority {
            Authorization::Signature(identity) if refuses_keys(&head) => self.signer.distrust(identity),
            Authorization::ShortTerm(_) if head.status == StatusCode::FORBIDDEN => {
                // Apart, because every call would hold room for it.
                return Box::pin(self.refused_key((place, region, connect), (head, body), again)).await;
            }
            _ => {}
        }
        Ok((head, body))
    }

    /// Signs a request, or adds its API key, and sends it.
    async fn send_as(
        &self,
        authority: &Authorization,
        (place, region, connect): (&EndpointUrl, &str, Duration),
        mut request: Request<Bytes>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        match authority {
            Authorization::Nobody => Ok(()),
            Authorization::Bearer(key) | Authorization::ShortTerm(key) => {
                aquifer_sign::bearer(&mut request, key.expose())
            }
            Authorization::Signature(identity) => {
                let scope = SigningScope { region, service: "bedrock" };
                aquifer_aws::sign(&mut request, identity, scope, clock::wall())
            }
        }
        .map_err(|why| Unreachable::Ours(format!("the call was not signed: {why}")))?;
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let (head, body) = match &self.transport {
            Transport::H1(pool) => {
                request.headers_mut().entry(header::HOST).or_insert_with(|| place.host.clone());
                let (head, body) = request.into_parts();
                let (answer, body) = pool.call((&place.root, connect), Request::from_parts(head, ()), body).await?;
                (answer.into_parts().0, Body::H1(body))
            }
            Transport::H2(pool) => {
                let (answer, room) = pool.call((&place.root, connect), request.map(Full::new)).await?;
                let (head, body) = answer.into_parts();
                (head, Body::H2(body, room))
            }
        };
        let until = (!head.status.is_success()).then(|| Box::pin(sleep(REFUSAL)));
        Ok((head, UpstreamBody { body, until }))
    }

    /// Handles 403 to a short-term API key: the key is dropped, and where the credentials lack the permission to use such keys,
    /// the request is sent `again`, signed with SigV4.
    async fn refused_key(
        &self,
        to: (&EndpointUrl, &str, Duration),
        (head, body): (Parts, UpstreamBody),
        again: Option<Request<Bytes>>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        self.signer.distrust_short_term();
        // Its status says enough when its body does not come whole.
        let said = body.whole(LONGEST_REFUSAL).await.unwrap_or_default();
        let is_denied = said.windows(RIGHT.len()).any(|word| word == RIGHT);
        let Some(request) = again.filter(|_| is_denied) else {
            return Ok((head, UpstreamBody { body: Body::Read(Some(said)), until: None }));
        };
        self.signer.sign_instead();
        let authority = self.signer.authority().await.map_err(Unreachable::Credentials)?;
        self.send_as(&authority, to, request).await
    }
}

/// Whether a response says that the credentials are invalid or expired. Source: AWS, "Common errors" of its APIs.
fn refuses_keys(head: &Parts) -> bool {
    const NAMES: [&str; 5] = [
        "ExpiredTokenException",
        "ExpiredToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
    ];
    let named = head.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
    let name = named.and_then(|kind| kind.split(':').next());
    matches!(head.status.as_u16(), 400 | 401 | 403) && name.is_some_and(|name| NAMES.contains(&name))
}

impl UpstreamBody {
    /// Reads more of the body and hands it to `show`, a borrow of the thread's read buffer, so that nothing is copied; `None`
    /// at the end.
    ///
    /// # Errors
    /// The body is not whole, and this is why.
    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        show: &mut dyn FnMut(&[u8]),
    ) -> Poll<Option<Result<(), String>>> {
        if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(None);
        }
        match &mut self.body {
            Body::H1(body) => body.poll_data(cx, show),
            Body::Read(bytes) => Poll::Ready(bytes.take().map(|bytes| {
                show(&bytes);
                Ok(())
            })),
            Body::H2(body, _) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.data_ref() {
                        Some(data) => {
                            show(data);
                            return Poll::Ready(Some(Ok(())));
                        }
                        None => continue,
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(deepest(&error).to_string()))),
                    None => return Poll::Ready(None),
                }
            },
        }
    }

    /// Collects the whole body, up to this size.
    ///
    /// # Errors
    /// It is not whole, or too large.
    pub(crate) async fn whole(mut self, largest: usize) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        while let Some(more) = poll_fn(|cx| self.poll_data(cx, &mut |data| whole.extend_from_slice(data))).await {
            more?;
            if whole.len() > largest {
                return Err(format!("the answer is larger than {largest} bytes"));
            }
        }
        Ok(whole)
    }
}

/// The root cause of an error.
fn deepest<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(inner) = error.source() {
        error = inner;
    }
    error
}

#[cfg(test)]
mod h1_fuzz_body;
#[cfg(test)]
mod tests;
