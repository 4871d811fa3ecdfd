//! Listener matching: the listeners that take a request by its port and host, and the routes that are attached to them.

use crate::config::{Config, Listener, Parent, Route};
use crate::key_ring::KeyRing;
use std::borrow::Cow;

/// The ingress of a request: the port, where the configuration's listeners are served, and the authority that the
/// client called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingress<'a> {
    /// The listeners' port. `None`: the address is not the configuration's, and every route can be taken.
    pub port: Option<u16>,
    /// The authority, `host` or `host:port`.
    pub host: Option<&'a str>,
}

impl<'a> From<Option<&'a str>> for Ingress<'a> {
    fn from(host: Option<&'a str>) -> Self {
        Self { port: None, host }
    }
}

/// Whether the configuration names this host: in a listener of the port or in a route. A port whose listeners all name
/// hosts takes no other, and tells so.
#[must_use]
pub fn names(config: &Config, port: Option<u16>, host: &str) -> bool {
    let host = without_port(host).to_ascii_lowercase();
    let of_port: Vec<&Listener> =
        config.listeners.iter().filter(|listener| port.is_none_or(|port| listener.port == port)).collect();
    of_port.iter().any(|listener| listener.hostname.as_ref().is_some_and(|name| hostname_takes(name, &host)))
        || port.is_some() && of_port.iter().all(|listener| listener.hostname.is_some())
        || config.routes.names_host(&host)
}

/// Whether requests for two hosts come by the same listeners of a port.
#[must_use]
pub fn is_same(config: &Config, port: Option<u16>, one: &str, other: &str) -> bool {
    let listeners = |host| ListenerMatch::of(config, Ingress { port, host: Some(host) }).listeners;
    let (one, other) = (listeners(one).unwrap_or_default(), listeners(other).unwrap_or_default());
    one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| std::ptr::eq(*one, *other))
}

/// The listeners that take a request: those of the port whose hostname says most of the host.
#[derive(Debug)]
pub(crate) struct ListenerMatch<'c> {
    /// `None`: there is no choice of listeners.
    listeners: Option<Vec<&'c Listener>>,
    host: Option<Cow<'c, str>>,
}

impl<'c> ListenerMatch<'c> {
    pub(crate) fn of(config: &'c Config, ingress: Ingress<'c>) -> Self {
        let host = ingress.host.map(|host| in_small_letters(without_port(host)));
        let Some(port) = ingress.port else { return Self { listeners: None, host } };
        let fit = |listener: &Listener| match (&listener.hostname, &host) {
            (None, _) => Some(0),
            (Some(hostname), Some(host)) if hostname_takes(hostname, host) => Some(weight(hostname)),
            (Some(_), _) => None,
        };
        let of_port = || config.listeners.iter().filter(|listener| listener.port == port);
        let best = of_port().filter_map(fit).max();
        let listeners = of_port().filter(|listener| fit(listener).is_some() && fit(listener) == best).collect();
        Self { listeners: Some(listeners), host }
    }

    /// Whether any listener takes the request.
    pub(crate) fn is_open(&self) -> bool {
        self.listeners.as_ref().is_none_or(|listeners| !listeners.is_empty())
    }

    /// The keys that are accepted here unless a route has its own: the listener's, else those of the keys file. An
    /// address of
    /// the command line stands for all listeners. None: nobody is asked for a key.
    pub(crate) fn key_rings(&self, config: &'c Config) -> Vec<&'c KeyRing> {
        let of_listeners: Vec<&KeyRing> = match &self.listeners {
            Some(listeners) => listeners.iter().filter_map(|listener| listener.keys.as_deref()).collect(),
            None => config.listeners.iter().filter_map(|listener| listener.keys.as_deref()).collect(),
        };
        if of_listeners.is_empty() { config.keys.as_deref().into_iter().collect() } else { of_listeners }
    }

    /// The host that was called, in lower case and without its port.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether a route is attached to these listeners and takes this host.
    pub(crate) fn leads_to(&self, route: &Route) -> bool {
        self.weight_of(route).is_some()
    }

    /// The precedence of a route's hostname for this host; `None`: the route cannot be taken.
    pub(crate) fn weight_of(&self, route: &Route) -> Option<usize> {
        let attached = match &self.listeners {
            Some(listeners) if !route.parents.is_empty() => {
                route.parents.iter().any(|parent| listeners.iter().any(|listener| is_parent(parent, listener)))
            }
            Some(listeners) => !listeners.is_empty(),
            None => true,
        };
        if !attached || route.hostnames.is_empty() {
            return attached.then_some(0);
        }
        let host = self.host.as_ref()?;
        route.hostnames.iter().filter(|hostname| hostname_takes(hostname, host)).map(|hostname| weight(hostname)).max()
    }
}

fn is_parent(parent: &Parent, listener: &Listener) -> bool {
    parent.namespace == listener.namespace
        && parent.name == listener.gateway
        && parent.listener.as_ref().is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

fn in_small_letters(host: &str) -> Cow<'_, str> {
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

/// A whole name says more than any suffix.
fn weight(hostname: &str) -> usize {
    if hostname.starts_with('*') { hostname.len() } else { usize::MAX }
}

/// The host of an authority.
#[must_use]
pub fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `*.example.com` takes every name below `example.com`, and not that name itself.
pub(crate) fn hostname_takes(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => hostname == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(gateway: &str, name: &str, port: u16, hostname: Option<&str>) -> Listener {
        Listener {
            namespace: "default".to_owned(),
            gateway: gateway.to_owned(),
            name: name.to_owned(),
            port,
            hostname: hostname.map(str::to_owned),
            tls: None,
            keys: None,
        }
    }

    fn config() -> Config {
        let listeners = vec![
            listener("one", "any", 80, None),
            listener("one", "wide", 80, Some("*.example.com")),
            listener("one", "wider", 80, Some("*.a.example.com")),
            listener("one", "exact", 80, Some("x.a.example.com")),
            listener("two", "named", 81, Some("only.example.com")),
            listener("three", "shared", 80, None),
        ];
        Config { listeners, ..Config::default() }
    }

    fn names(config: &Config, port: Option<u16>, host: Option<&str>) -> Option<String> {
        let entry = ListenerMatch::of(config, Ingress { port, host });
        let names: Vec<&str> = entry.listeners?.iter().map(|listener| listener.name.as_str()).collect();
        Some(names.join(" "))
    }

    #[test]
    fn the_listener_whose_hostname_says_most_takes_it() {
        let config = config();
        let at = |port, host| names(&config, Some(port), host).unwrap();
        assert_eq!(at(80, Some("X.a.example.com:80")), "exact");
        assert_eq!(at(80, Some("y.a.example.com")), "wider");
        assert_eq!(at(80, Some("b.example.com")), "wide");
        assert_eq!(at(80, Some("example.com")), "any shared");
        assert_eq!(at(80, None), "any shared");
        assert_eq!(at(81, Some("other.example.com")), "");
        assert_eq!(names(&config, None, Some("x")), None);
    }

    #[test]
    fn hosts_are_named_by_listeners_and_routes() {
        let mut config = config();
        for (port, host, named) in [
            (Some(80), "b.Example.com:80", true),
            (Some(80), "other.com", false),
            (Some(81), "other.com", true),
            (None, "only.example.com", true),
            (None, "other.com", false),
        ] {
            assert_eq!(super::names(&config, port, host), named, "{port:?} {host}");
        }
        let hostnames = vec!["other.com".to_owned()];
        let (namespace, name) = (String::new(), String::new());
        let route =
            Route { namespace, name, parents: Vec::new(), hostnames, rules: Vec::new(), costs: [].into(), keys: None };
        config.routes.change(|routes| routes.push(route));
        assert!(super::names(&config, None, "other.com"));
    }

    #[test]
    fn two_hosts_may_come_by_the_same_listeners() {
        let config = config();
        assert!(is_same(&config, Some(80), "b.example.com", "c.example.com:80"));
        assert!(!is_same(&config, Some(80), "b.example.com", "x.a.example.com"));
        assert!(is_same(&config, None, "b.example.com", "x.a.example.com"));
    }

    #[test]
    fn routes_belong_to_their_parents_listeners() {
        let config = config();
        let parent = |name: &str, listener: Option<&str>, port| Parent {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            listener: listener.map(str::to_owned),
            port,
        };
        let leads = |parents: Vec<Parent>, hostnames: &[&str], port: Option<u16>, host: &str| {
            let hostnames = hostnames.iter().map(|name| (*name).to_owned()).collect();
            let (namespace, name) = (String::new(), String::new());
            let route = Route { namespace, name, parents, hostnames, rules: Vec::new(), costs: [].into(), keys: None };
            ListenerMatch::of(&config, Ingress { port, host: Some(host) }).leads_to(&route)
        };
        let (everywhere, wide) = (|| vec![parent("one", None, None)], || vec![parent("one", Some("wide"), None)]);
        assert!(leads(Vec::new(), &[], Some(80), "h") && leads(everywhere(), &[], Some(80), "h"));
        assert!(!leads(Vec::new(), &[], Some(81), "h"), "no listener takes it");
        assert!(!leads(everywhere(), &[], Some(81), "only.example.com"));
        assert!(leads(wide(), &[], Some(80), "b.example.com") && !leads(wide(), &[], Some(80), "h"));
        assert!(!leads(vec![parent("one", None, Some(81))], &[], Some(80), "h"));
        assert!(leads(everywhere(), &["*.example.com"], Some(80), "b.example.com"));
        assert!(!leads(everywhere(), &["other.com"], Some(80), "b.example.com"));
        assert!(leads(wide(), &[], None, "h"), "an address of the command line serves all routes");
    }
}
