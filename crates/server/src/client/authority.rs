//! The authority of a request: exactly one host, the same in `Host`, `:authority` and the target.

use aquifer_gateway::config::Config;
use aquifer_gateway::ingress;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use http::{HeaderMap, HeaderValue, Uri, Version, header, request};
use std::net::IpAddr;

/// Normalises the authority into `Host`: that of the target where the target has one (RFC 9112 3.2.2, RFC 9113 8.3.1).
///
/// # Errors
/// No host is named, or several are.
pub(crate) fn settle(head: &mut request::Parts) -> Result<(), Fault> {
    let named = one_host(&head.headers)?;
    let target = head.uri.authority().map(|authority| without_user(authority.as_str()));
    match (head.version, target, named) {
        (Version::HTTP_2, Some(target), Some(named)) if !target.eq_ignore_ascii_case(named) => {
            Err(mistake("`host` and `:authority` name different hosts"))
        }
        (Version::HTTP_11, None, Some("")) => Err(mistake("the request names no host: its `Host` is empty")),
        (Version::HTTP_11, _, None) => Err(mistake("the request names no host: HTTP/1.1 wants one `Host`")),
        (Version::HTTP_2, None, None) => Err(mistake("the request names no host: HTTP/2 wants `:authority`")),
        (_, Some(target), _) => {
            let target = HeaderValue::from_str(target).map_err(|_| mistake("the target's host is no host"))?;
            head.headers.insert(header::HOST, target);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn mistake(message: &str) -> Fault {
    Fault::mistake(MistakeKind::BadRequest, None, message)
}

/// The one value of `Host`, if there is any.
fn one_host(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else { return Ok(None) };
    if hosts.next().is_some() {
        return Err(mistake("the request names more than one host: there must be one `Host`"));
    }
    let host = host.to_str().ok().filter(|host| is_host(host));
    host.map(Some).ok_or_else(|| mistake("`Host` is no host"))
}

/// Whether a `Host` value is a host with an optional numeric port. It may be empty beside a target that has an authority.
fn is_host(host: &str) -> bool {
    let name = ingress::without_port(host);
    let port = host.get(name.len()..).and_then(|port| port.strip_prefix(':')).unwrap_or_default();
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    is_port
        && (name.starts_with('[') || !name.contains(':'))
        && !host
            .bytes()
            .any(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'@' | b',' | b'?' | b'#' | b'\\'))
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The host in `Host`, once it is [settled](settle).
pub(crate) fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// Whether a host name may be the work of DNS rebinding: a public name that a web page has pointed at a loopback address.
///
/// No foreign page can be served from an IP address of ours, `localhost`, or a name without a dot.
pub(crate) fn may_be_rebound(host: &str) -> bool {
    let name = ingress::without_port(host).trim_end_matches('.');
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.contains('.')
        && address.parse::<IpAddr>().is_err()
        && !name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

/// Refuses, at a listener on a loopback address, a host that the configuration does not name (DNS rebinding).
///
/// # Errors
/// The host may be the work of DNS rebinding.
pub(crate) fn refuse_rebound(config: &Config, port: Option<u16>, host: &str, allowed: &[Uri]) -> Result<(), Fault> {
    let name = ingress::without_port(host);
    if !may_be_rebound(host)
        || ingress::names(config, port, host)
        || allowed.iter().filter_map(Uri::host).any(|allowed| allowed.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    let message = "this listener is on a loopback address, and a web page may have called it by this name: call it by \
                   `localhost` or its address, name the host in a listener or a route, or start the gateway with \
                   --allow-origin";
    Err(Fault::mistake(MistakeKind::ForeignOrigin, None, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    /// The host that counts for a target and these values of `Host`.
    fn settled(version: Version, target: &str, hosts: &[&str]) -> Option<String> {
        let mut head = Request::builder().version(version).uri(target).body(()).unwrap().into_parts().0;
        for host in hosts {
            head.headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        settle(&mut head).ok().map(|()| host(&head.headers).to_owned())
    }

    #[test]
    fn the_targets_host_counts_and_there_is_one() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        for (version, target, hosts, host) in [
            (one, "/", &["a"][..], Some("a")),
            (one, "http://a/", &["b"], Some("a")),
            (one, "http://b@a:1/", &["b"], Some("a:1")),
            (one, "http://a/", &[], None),
            (one, "/", &[], None),
            (one, "/", &["a", "a"], None),
            (one, "/", &["a", "b"], None),
            (one, "/", &["a, b"], None),
            (one, "/", &["b@a"], None),
            (one, "/", &["a/b"], None),
            (one, "/", &[""], None),
            (one, "http://a/", &[""], Some("a")),
            (one, "/", &["a:80"], Some("a:80")),
            (one, "/", &["a:"], Some("a:")),
            (one, "/", &["[::1]:80"], Some("[::1]:80")),
            (one, "/", &["a:65536"], None),
            (one, "/", &["a:b"], None),
            (two, "http://a:1/", &["a:1"], Some("a:1")),
            (Version::HTTP_10, "/", &[], Some("")),
            (two, "http://a/", &[], Some("a")),
            (two, "http://a/", &["A"], Some("a")),
            (two, "http://a/", &["b"], None),
            (two, "http://a/", &["a", "a"], None),
            (two, "/", &["a"], Some("a")),
            (two, "/", &[], None),
        ] {
            assert_eq!(settled(version, target, hosts).as_deref(), host, "{version:?} {target} {hosts:?}");
        }
    }

    #[test]
    fn a_name_of_a_web_page_is_told_from_ones_own() {
        for own in [
            "localhost",
            "localhost:1975",
            "a.localhost",
            "127.0.0.1:1",
            "[::1]:80",
            "[::1]",
            "aquifer",
            "",
            "10.0.0.1",
        ] {
            assert!(!may_be_rebound(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:1975", "127.0.0.1.evil.example", "localhost.evil.example.", "1.2.3.4.5"]
        {
            assert!(may_be_rebound(foreign), "{foreign}");
        }
    }
}
