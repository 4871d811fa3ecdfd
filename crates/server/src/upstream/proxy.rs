//! Egress proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use super::addresses::{bare_host, port};
use crate::tls::{self, Authorities};
use aquifer_aws::Environment;
use aquifer_gateway::secret::Secret;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use hyper_util::client::proxy::matcher::Matcher;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// The proxy settings of the environment.
#[derive(Clone, Default)]
pub(super) struct Proxies {
    for_http: Option<Variable>,
    for_https: Option<Variable>,
    /// `NO_PROXY`: the hosts that are called directly.
    direct: String,
}

/// A variable that is set; its value may hold a password.
#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: Secret,
}

/// A proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Its URL, without user and password.
    pub(super) uri: Uri,
    /// The `proxy-authorization` header (Basic) from the URL's user and password.
    pub(crate) authorization: Option<HeaderValue>,
    /// The TLS connector of a proxy with an `https` URL.
    pub(super) tls: Option<TlsConnector>,
    /// The variable that names it.
    variable: &'static str,
}

/// The route of connections to one endpoint.
#[derive(Clone)]
pub(super) enum Route {
    /// To the endpoint itself.
    Direct,
    /// To a proxy, which gets requests with absolute URLs.
    Forwarded(Proxy),
    /// Through a tunnel that a proxy opens (`CONNECT`).
    Tunnelled(Proxy),
}

impl Proxies {
    /// Reads the variables. In capitals they win, as in Go and AWS's SDK.
    pub(super) fn read(environment: &Environment) -> Self {
        let set = |names: [&'static str; 4]| {
            names.into_iter().find_map(|name| {
                let value = Secret::new(environment.get(name)?.to_owned());
                Some(Variable { name, value })
            })
        };
        let direct = environment.get("NO_PROXY").or_else(|| environment.get("no_proxy"));
        Self {
            for_http: set(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
            for_https: set(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            direct: direct.unwrap_or_default().to_owned(),
        }
    }

    /// The route to an endpoint. Loopback addresses are called directly, as in Go.
    ///
    /// # Errors
    /// The variable that names its proxy is wrong.
    pub(super) fn route(&self, to: &Uri, http2: bool) -> Result<Route, String> {
        let is_https = to.scheme_str() == Some("https");
        let Some(variable) = (if is_https { &self.for_https } else { &self.for_http }) else {
            return Ok(Route::Direct);
        };
        if is_loopback(bare_host(to)) || self.is_direct(to) {
            return Ok(Route::Direct);
        }
        let proxy = variable.proxy(to)?;
        // Many proxies open tunnels to port 443 only, but only HTTP/1.1 can be forwarded.
        Ok(if is_https || http2 { Route::Tunnelled(proxy) } else { Route::Forwarded(proxy) })
    }

    /// Whether `NO_PROXY` names the endpoint. hyper-util's matcher knows no ports and takes `*` for names only, so entries
    /// with another port are removed first.
    fn is_direct(&self, to: &Uri) -> bool {
        let port = port(to);
        let entries = self.direct.split(|c: char| c == ',' || c.is_whitespace());
        let entries: Vec<&str> = entries.filter_map(|entry| without_port(entry, port)).collect();
        let all_but_listed = Matcher::builder().all("http://proxy".to_owned()).no(entries.join(",")).build();
        entries.contains(&"*") || all_but_listed.intercept(to).is_none()
    }
}

impl Variable {
    fn proxy(&self, to: &Uri) -> Result<Proxy, String> {
        let wrong = |what: &str| format!("{}: {what}expected http://HOST:PORT or https://HOST:PORT", self.name);
        let matcher = Matcher::builder().all(self.value.expose().to_owned()).build();
        let found = matcher.intercept(to).ok_or_else(|| wrong(""))?;
        let uri = found.uri().clone();
        if bare_host(&uri).is_empty() {
            return Err(wrong(""));
        }
        // A raw `@` in the password would put the rest of it into the host, which is logged.
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(wrong("an @ in the user or the password must be %40; "));
        }
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => {
                let config = tls::client(&Authorities::System).map_err(|error| format!("{}: {error:#}", self.name))?;
                Some(TlsConnector::from(Arc::new(config)))
            }
            _ => return Err(wrong("SOCKS is not supported; ")),
        };
        Ok(Proxy { authorization: found.basic_auth().cloned(), uri, tls, variable: self.name })
    }
}

impl Proxy {
    /// Adds `proxy-authorization` to a request that the proxy forwards.
    pub(super) fn authorize(&self, headers: &mut HeaderMap) {
        if let Some(authorization) = &self.authorization {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
    }

    /// The error message for a proxy's refusal, with what to change.
    pub(super) fn refusal(&self, status: StatusCode) -> String {
        let variable = self.variable;
        let advice = match (status, &self.authorization) {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, None) => format!(" ({variable} names no user and password)"),
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(_)) => {
                format!(" (it does not take the user and the password of {variable})")
            }
            _ => String::new(),
        };
        format!("it answered {status}{advice}")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "the proxy {}://{authority}", self.uri.scheme_str().unwrap_or_default())
    }
}

/// An entry of the list without its port; `None` when it speaks of another port than this.
fn without_port(entry: &str, port: u16) -> Option<&str> {
    let (host, named) = match entry.rsplit_once(':') {
        // An address of IPv6 has colons of its own.
        Some((host, named)) if !host.contains(':') || host.ends_with(']') => (host, Some(named)),
        _ => (entry, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_prefix('*').filter(|suffix| suffix.starts_with('.')).unwrap_or(host);
    named.is_none_or(|named| named.parse() == Ok(port)).then_some(host)
}

/// Whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route<const N: usize>(variables: [(&str, &str); N], to: &str, http2: bool) -> Result<Route, String> {
        Proxies::read(&Environment::from(variables)).route(&to.parse().unwrap(), http2)
    }

    /// `via`, the form and the authorization.
    fn told(route: &Route) -> String {
        let (form, proxy) = match route {
            Route::Direct => return "direct".to_owned(),
            Route::Forwarded(proxy) => ("forwarded", proxy),
            Route::Tunnelled(proxy) => ("tunnelled", proxy),
        };
        let authorization = proxy.authorization.as_ref().map_or("", |value| value.to_str().unwrap());
        format!("{form} {proxy} {authorization}")
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2"), ("ALL_PROXY", "http://a:3")];
        assert_eq!(told(&route(both, "https://h/", false).unwrap()), "tunnelled the proxy http://s:1 ");
        assert_eq!(told(&route(both, "https://h/", true).unwrap()), "tunnelled the proxy http://s:1 ");
        assert_eq!(told(&route(both, "http://h/", false).unwrap()), "forwarded the proxy http://p:2 ");
        assert_eq!(told(&route(both, "http://h/", true).unwrap()), "tunnelled the proxy http://p:2 ");
        for (name, to) in [
            ("ALL_PROXY", "https://h/"),
            ("all_proxy", "http://h/"),
            ("https_proxy", "https://h/"),
            ("http_proxy", "http://h/"),
        ] {
            assert!(told(&route([(name, "proxy:8080")], to, false).unwrap()).contains(" the proxy http://proxy:8080 "));
        }
        let capitals = [("https_proxy", "http://small"), ("HTTPS_PROXY", "http://large")];
        assert!(told(&route(capitals, "https://h/", false).unwrap()).contains("http://large "));
        for (name, to) in [("HTTP_PROXY", "https://h/"), ("HTTPS_PROXY", "http://h/")] {
            assert_eq!(told(&route([(name, "http://p:1")], to, false).unwrap()), "direct");
        }
    }

    #[test]
    fn user_and_password_are_told_to_the_proxy_and_to_nobody_else() {
        let route = route([("HTTPS_PROXY", "https://a%40b:p%3Aw@proxy:3128/")], "https://h/", false).unwrap();
        // a@b:p:w
        assert_eq!(told(&route), "tunnelled the proxy https://proxy:3128 Basic YUBiOnA6dw==");
        let Route::Tunnelled(proxy) = route else { panic!("a tunnel") };
        assert!(proxy.tls.is_some() && !format!("{:?}", proxy.authorization).contains("YUBi"));
        let refusal = proxy.refusal(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(
            refusal,
            "it answered 407 Proxy Authentication Required (it does not take the user and the password of HTTPS_PROXY)"
        );
        let refusal = Proxy { authorization: None, ..proxy }.refusal(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert!(refusal.ends_with(" (HTTPS_PROXY names no user and password)"), "{refusal}");
    }

    #[test]
    fn a_wrong_one_names_its_variable_and_not_its_value() {
        for (value, what) in [
            ("socks5://user:hunter2@p:1", "SOCKS is not supported; "),
            ("http://user:hunter2@x@p:1", ""),
            ("ftp://user:hunter2@p", ""),
            ("http://", ""),
            ("no url: hunter2", ""),
        ] {
            let Err(why) = route([("ALL_PROXY", value)], "https://h/", false) else { panic!("{value}") };
            assert!(why.starts_with(&format!("ALL_PROXY: {what}")), "{why}");
            assert!(why.ends_with("expected http://HOST:PORT or https://HOST:PORT"), "{why}");
            assert!(!why.contains("hunter2"), "{why}");
            // Who does not need it is not told.
            assert_eq!(told(&route([("ALL_PROXY", value)], "http://127.0.0.1:1/", false).unwrap()), "direct");
        }
    }

    #[test]
    fn what_is_loopback_is_called_directly() {
        for host in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"]
        {
            let route = route([("ALL_PROXY", "http://p:1")], &format!("http://{host}:9/"), false).unwrap();
            assert_eq!(told(&route), "direct", "{host}");
        }
        assert_ne!(told(&route([("ALL_PROXY", "http://p:1")], "http://notlocalhost/", false).unwrap()), "direct");
    }

    #[test]
    fn who_is_on_the_list_is_called_directly() {
        for (list, direct, through) in [
            ("example.com", &["http://example.com", "https://a.EXAMPLE.com:8443"][..], &["http://notexample.com"][..]),
            (".example.com", &["http://example.com", "http://a.b.example.com"], &["http://example.org"]),
            ("*.example.com", &["http://a.example.com"], &["http://example.org"]),
            ("*", &["http://a", "https://10.0.0.1", "http://[fd00::1]"], &[]),
            (
                "10.0.0.0/8, fd00::/8",
                &["http://10.9.8.7:99", "http://[fd12::1]:9"],
                &["http://11.0.0.1", "http://[fe80::1]"],
            ),
            ("192.168.0.1", &["http://192.168.0.1"], &["http://192.168.0.10"]),
            ("a.com:8443,b.com", &["https://a.com:8443", "http://b.com:1"], &["https://a.com", "http://a.com:80"]),
            ("a.com:443 b.com:80", &["https://a.com", "http://x.a.com:443", "http://b.com"], &["https://b.com"]),
            (
                "[fd00::1]:9,[fd00::2],fd00::3",
                &["http://[fd00::1]:9", "http://[fd00::2]:7", "http://[fd00::3]"],
                &["http://[fd00::1]:8"],
            ),
            ("10.1.2.3:99", &["http://10.1.2.3:99"], &["http://10.1.2.3"]),
            ("", &[], &["http://a"]),
        ] {
            for name in ["NO_PROXY", "no_proxy"] {
                let told = |to: &str| told(&route([("ALL_PROXY", "http://p:1"), (name, list)], to, false).unwrap());
                direct.iter().for_each(|to| assert_eq!(told(to), "direct", "{list}: {to}"));
                through.iter().for_each(|to| assert_ne!(told(to), "direct", "{list}: {to}"));
            }
        }
    }
}
