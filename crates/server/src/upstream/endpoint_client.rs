//! The HTTP client of one endpoint: authorises calls, sends them over its pool, and reacts to refused credentials.

use super::body::{Body, UpstreamBody};
use super::endpoint_url::EndpointUrl;
use super::h1_pool::H1Pool;
use super::h2_pool::H2Pool;
use super::socket::{self, Connector};
use super::{Connections, Upstreams};
use crate::process::clock;
use anyhow::anyhow;
use aquifer_aws::{Authorization, CredentialChains, Endpoint, Environment, Signer};
use aquifer_gateway::config::Service;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_sign::SigningScope;
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The `user-agent` of calls. It is not signed, so that a proxy that changes it does not break the signature.
const USER_AGENT: &str = concat!("aquifer/", env!("CARGO_PKG_VERSION"));

/// The region of the sample URL by which scheme and proxy are decided at start: they are the same in all regions.
const SOME_REGION: &str = "us-east-1";

/// The IAM action that short-term API keys need, as an access-denied response names it.
const RIGHT: &[u8] = b"bedrock:CallWithBearerToken";
/// The largest error response that is searched for it.
const LONGEST_REFUSAL: usize = 1 << 20;

/// The HTTP client of one endpoint: its URL, the credentials that sign its calls, and its connection pool.
pub struct EndpointClient {
    endpoint: Endpoint,
    /// The endpoint's URL, parsed with the first call, once the region is known; `None` when it is no URL.
    url: OnceLock<Option<EndpointUrl>>,
    pub(super) signer: Signer,
    transport: Transport,
}

/// The transport of an endpoint. An HTTP/1.1 call is driven by the future that awaits it, without a task and buffers of its
/// own; HTTP/2 shares a connection among calls, which needs a task.
enum Transport {
    H1(Arc<H1Pool>),
    H2(Arc<H2Pool>),
}

/// The target of one call.
#[derive(Clone, Copy)]
struct CallTarget<'a> {
    url: &'a EndpointUrl,
    region: &'a str,
    /// The connect timeout.
    connect: Duration,
}

impl EndpointClient {
    pub(super) fn new(service: &Service, environment: &Environment, before: &Upstreams) -> anyhow::Result<Self> {
        let endpoint = Endpoint::of(service, environment).map_err(|why| anyhow!(why))?;
        Self::at(endpoint, service, environment, &before.chains, before.connections)
    }

    /// A client of Bedrock's control plane, with the region and credentials of a backend.
    ///
    /// # Errors
    /// The endpoint cannot be used.
    pub fn control(service: &Service, environment: &Environment, chains: &CredentialChains) -> anyhow::Result<Self> {
        let endpoint = Endpoint::control(environment).map_err(|why| anyhow!(why))?;
        let (region, credentials) = (service.region.clone(), service.credentials.clone());
        let service = Service { region, credentials, ..Service::default() };
        Self::at(endpoint, &service, environment, chains, Connections::default())
    }

    fn at(
        endpoint: Endpoint,
        service: &Service,
        environment: &Environment,
        chains: &CredentialChains,
        connections: Connections,
    ) -> anyhow::Result<Self> {
        let connector = Connector::new(service, environment, &endpoint.base(SOME_REGION))?;
        let transport = match service.http2 {
            true => Transport::H2(H2Pool::new(connector, connections)),
            false => Transport::H1(H1Pool::new(connector, connections)),
        };
        Ok(Self { endpoint, url: OnceLock::new(), signer: Signer::new(service, environment, chains), transport })
    }

    /// The URL of the endpoint with the path `/`, once it was called.
    pub(super) fn root(&self) -> Option<&Uri> {
        self.url.get()?.as_ref().map(|url| &url.root)
    }

    /// Signs and sends a request with the default connect timeout; `path` is percent-encoded as on the wire.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(&self, path: &str, request: Request<Bytes>) -> Result<(Parts, UpstreamBody), Unreachable> {
        self.send_within(socket::CONNECT, path, request).await
    }

    /// Signs and sends a request with this connect timeout.
    pub(super) async fn send_within(
        &self,
        connect: Duration,
        path: &str,
        mut request: Request<Bytes>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        let region = self.signer.region().await.map_err(Unreachable::Credentials)?;
        // The region of a signer never changes, so the URL is parsed once.
        let url = self.url.get_or_init(|| EndpointUrl::of(&self.endpoint.base(region))).as_ref();
        let url = url.ok_or_else(|| Unreachable::Connect("the endpoint is no URL".to_owned()))?;
        *request.uri_mut() = url.uri(path).ok_or_else(|| Unreachable::Ours("the path makes no URL".to_owned()))?;
        let target = CallTarget { url, region, connect };
        let authority = self.signer.authority().await.map_err(Unreachable::Credentials)?;
        let may_be_denied = matches!(authority, Authorization::ShortTerm(_)) && self.signer.may_sign_instead();
        let again = may_be_denied.then(|| request.clone());
        let (head, body) = self.send_as(&authority, target, request).await?;
        match &authority {
            Authorization::Signature(identity) if refuses_keys(&head) => self.signer.distrust(identity),
            Authorization::ShortTerm(_) if head.status == StatusCode::FORBIDDEN => {
                // Boxed, because the future of every call would be as large.
                return Box::pin(self.refused_key(target, head, body, again)).await;
            }
            _ => {}
        }
        Ok((head, body))
    }

    /// Signs a request, or adds its API key, and sends it.
    async fn send_as(
        &self,
        authority: &Authorization,
        target: CallTarget<'_>,
        mut request: Request<Bytes>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        match authority {
            Authorization::Nobody => Ok(()),
            Authorization::Bearer(key) | Authorization::ShortTerm(key) => {
                aquifer_sign::bearer(&mut request, key.expose())
            }
            Authorization::Signature(identity) => {
                let scope = SigningScope { region: target.region, service: "bedrock" };
                aquifer_aws::sign(&mut request, identity, scope, clock::wall())
            }
        }
        .map_err(|why| Unreachable::Ours(format!("the call was not signed: {why}")))?;
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let CallTarget { url, connect, .. } = target;
        let (head, body) = match &self.transport {
            Transport::H1(pool) => {
                request.headers_mut().entry(header::HOST).or_insert_with(|| url.host.clone());
                let (head, body) = request.into_parts();
                let (answer, body) = pool.call(&url.root, connect, Request::from_parts(head, ()), body).await?;
                (answer.into_parts().0, Body::H1(body))
            }
            Transport::H2(pool) => {
                let (answer, room) = pool.call(&url.root, connect, request.map(Full::new)).await?;
                let (head, body) = answer.into_parts();
                (head, Body::H2(body, room))
            }
        };
        let body = UpstreamBody::new(body, head.status);
        Ok((head, body))
    }

    /// Handles 403 to a short-term API key: the key is dropped, and where the credentials lack the permission to use such
    /// keys, the request is sent `again`, signed with SigV4.
    async fn refused_key(
        &self,
        target: CallTarget<'_>,
        head: Parts,
        body: UpstreamBody,
        again: Option<Request<Bytes>>,
    ) -> Result<(Parts, UpstreamBody), Unreachable> {
        self.signer.distrust_short_term();
        // Without its body the response counts as an ordinary refusal.
        let said = body.whole(LONGEST_REFUSAL).await.unwrap_or_default();
        let is_denied = said.windows(RIGHT.len()).any(|word| word == RIGHT);
        let Some(request) = again.filter(|_| is_denied) else {
            return Ok((head, UpstreamBody::read(said)));
        };
        self.signer.sign_instead();
        let authority = self.signer.authority().await.map_err(Unreachable::Credentials)?;
        self.send_as(&authority, target, request).await
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
