//! The playground: a request goes over the data path like a client's, without an API key, and its record says so.

use super::query::Query;
use super::reply::{self, Answer};
use crate::client::admission::ConnectionInfo;
use crate::client::connection::ConnectionState;
use crate::client::http as client;
use crate::host::Host;
use aquifer_gateway::record::RequestSource;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::Arc;

/// The path of the data path.
const PATH: &str = "/v1/chat/completions";

/// Answers a Chat Completions request of the playground.
pub(super) async fn answer(host: &Arc<Host>, peer: Option<IpAddr>, mut request: Request<Incoming>) -> Answer {
    let called = Query::new(request.uri().query()).get("host");
    *request.uri_mut() = Uri::from_static(PATH);
    let headers = request.headers_mut();
    // What admits somebody here is no key of a client, and goes to no backend.
    for name in [header::AUTHORIZATION, header::COOKIE, header::ORIGIN, header::REFERER] {
        headers.remove(name);
    }
    match called.map(HeaderValue::try_from) {
        Some(Ok(called)) => drop(headers.insert(header::HOST, called)),
        Some(Err(_)) => return reply::error(StatusCode::BAD_REQUEST, "invalid_value", "`host` is no host"),
        // The listener's own name is none that a route is limited to.
        None => {}
    }
    let connection = ConnectionInfo { peer, source: RequestSource::Playground, ..ConnectionInfo::default() };
    let idle = host.limits.client_idle;
    let active = ConnectionState::new(idle).begin_request(idle);
    let answered = client::answer(Arc::clone(host), Arc::new(connection), active, request).await;
    answered.unwrap_or_else(|never| match never {}).map(|body| body.boxed_unsync())
}
