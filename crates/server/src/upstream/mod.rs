//! Calls to Bedrock: one pool of connections for each backend, every call signed last.

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

/// Not signed, so that nothing on the way breaks the signature by changing it.
const USER_AGENT: &str = concat!("aquifer/", env!("CARGO_PKG_VERSION"));

/// Endpoints of all regions are reached alike.
const SOME_REGION: &str = "us-east-1";

/// How long the body of a refusal is read.
const REFUSAL: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(10) };

/// The right without which no short-term key is taken, as a refusal names it.
const RIGHT: &[u8] = b"bedrock:CallWithBearerToken";
/// The largest refusal that is looked through for it.
const LONGEST_REFUSAL: usize = 1 << 20;

/// The backends of one configuration, in its order.
#[derive(Default)]
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    chains: CredentialChains,
    connections: Connections,
}

/// What holds for the connections to every backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// After how long one carries no further call, so that the addresses of a name are looked up again. `None`: never.
    pub(crate) max_age: Option<Duration>,
    /// Whether the parts of a long answer in HTTP/1.1 are acknowledged in pairs.
    pub(crate) acknowledged_in_pairs: bool,
}

/// One backend with its pool and its credentials.
struct Upstream {
    backend: Backend,
    bedrock: Result<EndpointClient, String>,
    limit: Arc<ConcurrencyLimit>,
}

/// Who calls one endpoint: with whose signature, over which connections.
pub(crate) struct EndpointClient {
    endpoint: Endpoint,
    /// The endpoint, read; `None`: it is no URL.
    place: OnceLock<Option<EndpointUrl>>,
    signer: Signer,
    transport: Transport,
}

/// How an endpoint is spoken to. In HTTP/1.1 a call is driven by whoever waits for it, without a task and buffers of its
/// own; HTTP/2 has a connection for all calls, which needs a task.
enum Transport {
    H1(Arc<H1Pool>),
    H2(Arc<h2_pool::H2Pool>),
}

/// An answer that has begun.
pub(crate) struct UpstreamResponse {
    /// Its head.
    pub(crate) head: Parts,
    /// Its body.
    pub(crate) body: UpstreamBody,
    /// Its place among the calls under way.
    pub(crate) pass: Option<Permit>,
}

/// The body of an answer.
pub(crate) struct UpstreamBody {
    body: Body,
    /// When the body of a refusal ends at the latest: what it says until then is enough.
    until: Option<Pin<Box<Sleep>>>,
}

enum Body {
    /// In HTTP/1.1.
    H1(h1_connection::H1Body),
    /// It was read already.
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
    /// When one that is made now is too old.
    fn old(self) -> Option<Instant> {
        clock::now().checked_add(self.max_age?)
    }
}

impl Upstreams {
    /// No backends yet; of those that follow these are the connections.
    pub(crate) fn none(connections: Connections) -> Self {
        Self { connections, ..Self::default() }
    }

    /// Makes a pool for each backend; backends that have not changed keep theirs, with connections and credentials.
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

    /// Where the credentials of each backend come from, those that share them told once, with the backends' names.
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

    /// Waits until the backend takes the call, and for the head of its answer.
    pub(crate) fn call(&self, call: Call) -> impl Future<Output = Result<UpstreamResponse, Unreachable>> + use<> {
        let begun = self.begin(call);
        async move {
            match begun {
                Begun::Sent(sending) => sending.await,
                Begun::Queued(queued) => queued.await?.await,
            }
        }
    }

    /// Signs and sends; the answer's head comes back, its body is read by the caller, who holds the pass until then. A
    /// call that has to wait, as long as it says itself or until the backend takes it, is begun by what comes of that.
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

/// A call that is under way.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Unreachable>> + Send>>;
/// A call that waits for its turn.
pub(crate) type Queued = Pin<Box<dyn Future<Output = Result<Sending, Unreachable>> + Send>>;

/// A call that was begun.
pub(crate) enum Begun {
    /// It is under way.
    Sent(Sending),
    /// It waits for its turn.
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

    /// Asks Bedrock about itself, for a backend and in its name: the control plane has an address of its own.
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

    /// Signs and sends; `path` is percent-encoded as it must stand on the wire.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn send(&self, path: &str, request: Request<Bytes>) -> Result<(Parts, UpstreamBody), Unreachable> {
        self.send_within(socket::CONNECT, path, request).await
    }

    /// The same with a limit for the connection.
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

    /// Authorises a call and sends it.
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

    /// Bedrock refuses a short-term key: the next call has another one. Where it is the right to call with any that is
    /// missing, the request is sent `again`, signed.
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

/// Whether an answer says that the keys are not valid, or not any more. Source: AWS, "Common errors" of its APIs.
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
    /// Shows more of the body, or says that it is over.
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

    /// The whole body, if it is no larger than this.
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

/// What an error comes from.
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
