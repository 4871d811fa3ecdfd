//! The admin API: each endpoint behind its token and its scope.

use super::access::{Denied, Grant, missing_scope};
use super::endpoints::{Endpoint, Needs, Row};
use super::filter::Filter;
use super::query::Query;
use super::reply::{self, Answer};
use super::scopes::Scopes;
use super::{Admin, attempts, play, view, watching};
use aquifer_telemetry::{Seen, Window};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, request};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The largest body of the API's own requests, in bytes.
const MOST_BODY: usize = 16 << 10;
/// The time in which it must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The size of a page of exchanges, where it is not said, and the largest one.
const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;

/// What is asked of the API.
pub(super) struct Asked {
    /// The endpoint.
    pub(super) row: &'static Row,
    /// What stands in the place of `{id}`.
    pub(super) id: String,
    /// The address of whoever asks.
    pub(super) peer: Option<IpAddr>,
}

/// Answers a request whose host and origin are right.
pub(super) async fn answer(admin: &Admin, asked: Asked, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let is_live = asked.row.endpoint == Endpoint::Live;
    let needs = match head.method {
        Method::HEAD if is_live => None,
        Method::GET | Method::HEAD => asked.row.get,
        Method::POST => asked.row.post,
        Method::DELETE => asked.row.delete,
        _ => None,
    };
    let Some(needs) = needs else { return reply::method_not_allowed(asked.row.allow) };
    if head.method == Method::POST && !is_json(&head.headers) {
        let message = "the body's type must be JSON: send the header `content-type: application/json`";
        return reply::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message);
    }
    if asked.row.endpoint == Endpoint::Session {
        return session(admin, &asked, &head, body).await;
    }
    let grant = match admin.access.grant(&head.headers, asked.peer) {
        Ok(grant) => grant,
        Err(denied) => return refused(denied),
    };
    if let Needs::Scope(scope) = needs
        && let Some(message) = missing_scope(&grant, scope)
    {
        return reply::error(StatusCode::FORBIDDEN, "missing_scope", &message);
    }
    match (asked.row.endpoint, &head.method) {
        (Endpoint::Play, _) => {
            tracing::info!(target: "aquifer::audit", who = grant.who, "a request of the playground");
            play::answer(&admin.host, asked.peer, Request::from_parts(head, body)).await
        }
        (Endpoint::LogLevel, &Method::POST) => match whole(body).await {
            Ok(body) => log_level(admin, &grant, &body),
            Err(refusal) => refusal,
        },
        _ => read(admin, &asked, &grant, &head),
    }
}

/// Answers what is only read.
fn read(admin: &Admin, asked: &Asked, grant: &Grant, head: &request::Parts) -> Answer {
    let (host, query) = (&admin.host, Query::new(head.uri.query()));
    match asked.row.endpoint {
        Endpoint::Summary => reply::json(&view::summary::summary(host)),
        Endpoint::Series => match query.get("window").as_deref() {
            None | Some("15m") => reply::json(&view::series::series(host, Window::Quarter)),
            Some("24h") => reply::json(&view::series::series(host, Window::Day)),
            Some(_) => invalid("`window` is 15m or 24h"),
        },
        Endpoint::Streams => reply::json_text(StatusCode::OK, host.live.streams()),
        Endpoint::Exchanges => exchanges(admin, query),
        Endpoint::Exchange => match watching::exchange(host, &asked.id) {
            Some(whole) => reply::json(&whole),
            None => gone(),
        },
        Endpoint::Text => watching::text(host, grant, &asked.id),
        Endpoint::Live => watching::events(host, &admin.feeds, grant, head),
        Endpoint::Routes => reply::json(&view::routes::routes(host)),
        Endpoint::Explain => explain(admin, query),
        Endpoint::Backends => reply::json(&view::backends::backends(host)),
        Endpoint::Config => reply::json(&view::config::config(host)),
        Endpoint::Catalogue => match view::catalogue::catalogue(host) {
            Ok(catalogue) => reply::json(&catalogue),
            Err(error) => reply::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", &format!("{error:#}")),
        },
        Endpoint::LogLevel => reply::json(&admin.log.state()),
        Endpoint::OpenApi => reply::json(&view::open_api::document()),
        Endpoint::Session | Endpoint::Play => {
            reply::error(StatusCode::NOT_IMPLEMENTED, "not_implemented", "this is not served")
        }
    }
}

fn gone() -> Answer {
    let message = "no such exchange is remembered: it is unknown, still open, or older than the newest 2,000";
    reply::error(StatusCode::NOT_FOUND, "not_found", message)
}

fn invalid(message: &str) -> Answer {
    reply::error(StatusCode::BAD_REQUEST, "invalid_value", message)
}

/// A page of the exchanges that pass the filter.
fn exchanges(admin: &Admin, query: Query<'_>) -> Answer {
    let filter = match Filter::read(&query.get("q").unwrap_or_default()) {
        Ok(filter) => filter,
        Err(why) => return invalid(&why),
    };
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None => USUAL_PAGE,
        Some(Ok(limit)) if limit > 0 => limit.min(LARGEST_PAGE),
        Some(_) => return invalid("`limit` is a number from 1 to 200"),
    };
    let mut found = admin.host.recent.newest_first();
    if let Some(before) = query.get("before") {
        // What is older than all that is kept has nothing behind it.
        found.find(|seen| seen.record.id == before);
    }
    let mut page: Vec<Arc<Seen>> = found.filter(|seen| filter.passes(&seen.record)).take(limit + 1).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| has_more).map(|seen| seen.record.id.clone());
    let rows: Vec<Value> = page.iter().map(|seen| view::exchange::row(seen)).collect();
    reply::json(&json!({ "exchanges": rows, "next": next }))
}

/// The rule that a request would take.
fn explain(admin: &Admin, query: Query<'_>) -> Answer {
    let model = query.get("model").unwrap_or_default();
    let mut headers = HeaderMap::new();
    for text in query.all("header") {
        let pair = text.split_once(':').and_then(|pair| {
            let name = HeaderName::try_from(pair.0.trim()).ok()?;
            Some((name, HeaderValue::try_from(pair.1.trim()).ok()?))
        });
        match pair {
            Some((name, value)) => drop(headers.append(name, value)),
            None => return invalid("`header` is NAME:VALUE"),
        }
    }
    let host = query.get("host").filter(|host| !host.is_empty());
    reply::json(&view::routes::explain(&admin.host, &model, host.as_deref(), &headers))
}

/// The session: who asks, a new one, the end of one.
async fn session(admin: &Admin, asked: &Asked, head: &request::Parts, body: Incoming) -> Answer {
    match head.method {
        Method::POST => match whole(body).await {
            Ok(body) => open_session(admin, asked.peer, &body),
            Err(refusal) => refusal,
        },
        Method::DELETE => {
            let mut closed = reply::empty(StatusCode::NO_CONTENT);
            closed.headers_mut().insert(header::SET_COOKIE, admin.access.close_session(&head.headers));
            closed
        }
        _ => match admin.access.grant(&head.headers, asked.peer) {
            Ok(grant) => reply::json(&session_state(admin, Some(&grant))),
            Err(Denied::Missing) => reply::json(&session_state(admin, None)),
            Err(denied) => refused(denied),
        },
    }
}

fn session_state(admin: &Admin, grant: Option<&Grant>) -> Value {
    json!({
        "authenticated": grant.is_some(),
        "needs_token": admin.access.needs_token(),
        "scopes": grant.map_or_else(Vec::new, |grant| Scopes::words(grant.scopes)),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// The body of `POST session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSession {
    token: String,
}

fn open_session(admin: &Admin, peer: Option<IpAddr>, body: &[u8]) -> Answer {
    let Ok(NewSession { token }) = serde_json::from_slice(body) else {
        return invalid("expected {\"token\": \"...\"}");
    };
    match admin.access.open_session(&token, peer) {
        Ok(cookie) => {
            let mut opened = reply::empty(StatusCode::NO_CONTENT);
            opened.headers_mut().insert(header::SET_COOKIE, cookie);
            opened
        }
        Err(denied) => refused(denied),
    }
}

fn log_level(admin: &Admin, grant: &Grant, body: &[u8]) -> Answer {
    match admin.log.change(body) {
        Ok(()) => {
            tracing::info!(target: "aquifer::audit", who = grant.who, "the log's level was changed");
            reply::json(&admin.log.state())
        }
        Err(why) => invalid(&why),
    }
}

fn refused(denied: Denied) -> Answer {
    let (status, code, message) = match denied {
        Denied::Missing => (
            StatusCode::UNAUTHORIZED,
            "missing_token",
            "open the page with the link that was printed at the start, or send `Authorization: Bearer TOKEN`",
        ),
        Denied::Wrong => (StatusCode::UNAUTHORIZED, "wrong_token", "the token is wrong"),
        Denied::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many_tries", "too many wrong tokens: wait a minute"),
    };
    let mut refused = reply::error(status, code, message);
    let headers = refused.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"aquifer admin\""))
        }
        _ => headers.insert(header::RETRY_AFTER, HeaderValue::from(attempts::WINDOW.as_secs())),
    };
    refused
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The whole body of a request of the API's own.
async fn whole(body: Incoming) -> Result<Bytes, Answer> {
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MOST_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(reply::error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large or broken")),
        Err(_) => Err(reply::error(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not arrive in time")),
    }
}
