//! Who may use the admin page and its API: by which host it is called, from which origin, with which token or session.

use super::attempts::Attempts;
use super::scopes::{Scope, Scopes};
use super::sessions::{LIFE, Sessions};
use super::token;
use crate::client::authority;
use crate::client::cors;
use crate::client::failed_attempts::site;
use crate::process::clock;
use aquifer_gateway::ingress::without_port;
use aquifer_gateway::secret::Secret;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use http::{HeaderMap, HeaderValue, header, request};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of the session's cookie.
const COOKIE: &str = "aquifer_admin";

/// What the operator said about access.
pub(crate) struct AccessOptions {
    /// Names by which the page may be called, besides those of loopback.
    pub(crate) hosts: Vec<String>,
    /// The token; `None`: one is made where one is needed.
    pub(crate) token: Option<Secret>,
    /// What its holder may do.
    pub(crate) scopes: Scopes,
}

/// Decides who may do what.
pub(crate) struct Access {
    /// The listener is on a loopback address.
    loopback: bool,
    hosts: Vec<String>,
    /// `None`: whoever reaches the listener may do everything.
    token: Option<Secret>,
    scopes: Scopes,
    // No request of a client looks at these two.
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
}

/// Who was let in, and what they may do.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// Their name in the log: `loopback`, `token`, or `session` with its number.
    pub(super) who: String,
    /// What they may do.
    pub(super) scopes: Scopes,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Nothing was shown, or a session that is over.
    Missing,
    /// The token is wrong.
    Wrong,
    /// There were too many wrong tokens.
    TooMany,
}

impl Access {
    /// The access to a listener. A token is made where one is needed and none was given.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(crate) fn new(options: AccessOptions, listener: SocketAddr) -> anyhow::Result<(Self, Option<String>)> {
        let AccessOptions { hosts, token, scopes } = options;
        let loopback = listener.ip().is_loopback();
        let made = if loopback || token.is_some() { None } else { Some(token::generated()?) };
        let link = made.as_ref().map(|made| link(&hosts, listener, made));
        let hosts = hosts.iter().map(|host| plain(host)).collect();
        let (sessions, attempts) = (Mutex::default(), Mutex::default());
        Ok((Self { loopback, hosts, token: token.or(made), scopes, sessions, attempts }, link))
    }

    /// Whether the listener is on a loopback address.
    pub(super) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether a token is asked for.
    pub(super) fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the page may be called by this host: any other name may be the work of DNS rebinding.
    pub(super) fn takes_host(&self, host: &str) -> bool {
        let name = plain(host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name == "localhost"
            || self.hosts.contains(&name)
            || address.is_ok_and(|address| !self.loopback || address.to_canonical().is_loopback())
    }

    /// Who asks.
    ///
    /// # Errors
    /// Somebody who is not let in.
    pub(super) fn grant(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Grant, Denied> {
        let Some(token) = &self.token else {
            return Ok(Grant { who: "loopback".to_owned(), scopes: Scopes::all() });
        };
        if let Some(shown) = bearer(headers) {
            self.compare(token, shown, peer)?;
            return Ok(Grant { who: "token".to_owned(), scopes: self.scopes });
        }
        let name = cookie(headers).and_then(|id| self.sessions().named(id, clock::now()));
        let who = name.map(|name| format!("session {name}")).ok_or(Denied::Missing)?;
        Ok(Grant { who, scopes: self.scopes })
    }

    /// Opens a session for a token; gives the header that sets its cookie.
    ///
    /// # Errors
    /// The token is wrong, or there were too many wrong ones.
    pub(super) fn open_session(&self, shown: &str, peer: Option<IpAddr>) -> Result<HeaderValue, Denied> {
        if let Some(token) = &self.token {
            self.compare(token, shown, peer)?;
        }
        let id = self.sessions().open(clock::now()).map_err(|_| Denied::Missing)?;
        Ok(set_cookie(id.expose(), LIFE.as_secs()))
    }

    /// Closes the session of a request; gives the header that removes its cookie.
    pub(super) fn close_session(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(id) = cookie(headers) {
            self.sessions().close(id);
        }
        set_cookie("", 0)
    }

    /// Compares in constant time, within the rate limit.
    fn compare(&self, token: &Secret, shown: &str, peer: Option<IpAddr>) -> Result<(), Denied> {
        let (peer, now) = (peer.map(site), clock::now());
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.is_limited(peer, now) {
            return Err(Denied::TooMany);
        }
        if *token == Secret::new(shown.to_owned()) {
            return Ok(());
        }
        attempts.count(peer, now);
        tracing::warn!(?peer, "a wrong admin token was shown");
        Err(Denied::Wrong)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a request that a foreign web page makes (CSRF).
///
/// # Errors
/// The request comes from a page of another origin, or has the type of a form.
pub(super) fn refuse_foreign_pages(head: &request::Parts) -> Result<(), Fault> {
    let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        let message = "a web page of another origin may not use the admin API";
        return Err(Fault::mistake(MistakeKind::ForeignOrigin, None, message));
    }
    cors::page(head, &[]).map(drop)
}

/// Whether a request may come from a foreign web page: a rebound host name, or a foreign origin.
pub(super) fn is_of_a_page(head: &mut request::Parts) -> bool {
    let one_host = authority::settle(head).is_ok();
    !one_host || authority::may_be_rebound(authority::host(&head.headers)) || cors::page(head, &[]).is_err()
}

/// The host of an authority in lower case, without port and last dot.
fn plain(host: &str) -> String {
    without_port(host).trim_end_matches('.').to_ascii_lowercase()
}

/// The link that opens the page with a token. The token stands behind `#`, which no browser sends to a server.
fn link(hosts: &[String], listener: SocketAddr, token: &Secret) -> String {
    let port = listener.port();
    let authority = match (hosts.first(), listener) {
        (Some(host), _) if without_port(host) == host => format!("{host}:{port}"),
        (Some(host), _) => host.clone(),
        (None, listener) if listener.ip().is_unspecified() => format!("127.0.0.1:{port}"),
        (None, listener) => listener.to_string(),
    };
    format!("http://{authority}/admin/#token={}", token.expose())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|pair| (pair.0 == COOKIE).then_some(pair.1))
}

fn set_cookie(id: &str, seconds: u64) -> HeaderValue {
    let text = format!("{COOKIE}={id}; Path=/admin; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The refusal where a scope is missing; `None`: it is there.
pub(super) fn missing_scope(grant: &Grant, scope: Scope) -> Option<String> {
    (!grant.scopes.has(scope))
        .then(|| format!("this needs the scope `{}`, which this token does not have (--admin-scopes)", scope.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(listener: &str, hosts: &[&str]) -> (Access, Option<String>) {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Access::new(AccessOptions { hosts, token: None, scopes: Scopes::all() }, listener.parse().unwrap()).unwrap()
    }

    #[test]
    fn only_names_that_nobody_can_rebind_are_taken() {
        let (near, _) = access("127.0.0.1:1064", &["Admin.Example.com"]);
        for host in ["localhost:1", "127.0.0.1", "127.1.2.3:80", "[::1]:1064", "LOCALHOST.", "admin.example.com:1"] {
            assert!(near.takes_host(host), "{host}");
        }
        for host in ["", "evil.example", "10.0.0.1", "localhost.evil.example", "aquifer", "a.admin.example.com"] {
            assert!(!near.takes_host(host), "{host}");
        }
        let (far, _) = access("0.0.0.0:1064", &[]);
        assert!(far.takes_host("10.0.0.1:1064") && !far.takes_host("evil.example"));
    }

    #[test]
    fn a_token_is_made_where_one_is_needed_and_its_link_can_be_called() {
        assert!(access("127.0.0.1:1064", &[]).1.is_none());
        let of = |listener: &str, hosts: &[&str]| access(listener, hosts).1.unwrap();
        assert!(of("0.0.0.0:1064", &[]).starts_with("http://127.0.0.1:1064/admin/#token="));
        assert!(of("[2001:db8::1]:1064", &[]).starts_with("http://[2001:db8::1]:1064/admin/#"));
        assert!(of("0.0.0.0:1064", &["a.example"]).starts_with("http://a.example:1064/admin/#"));
        assert!(of("0.0.0.0:1064", &["a.example:80"]).starts_with("http://a.example:80/admin/#"));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; x_aquifer_admin=1"));
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("c=d;aquifer_admin=2"));
        assert_eq!(cookie(&headers), Some("2"));
    }
}
