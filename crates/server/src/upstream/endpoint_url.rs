//! The URL of an endpoint, parsed once: each call only appends its path.

use bytes::Bytes;
use http::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};

/// The parsed URL of an endpoint.
pub(super) struct EndpointUrl {
    scheme: Scheme,
    authority: Authority,
    /// The URL with the path `/`: the target of the connection.
    pub(super) root: Uri,
    /// The path of the endpoint, which is put in front of the path of every call.
    prefix: String,
    /// The authority as HTTP/1.1 names it: without a port that the scheme says already.
    pub(super) host: HeaderValue,
}

impl EndpointUrl {
    /// Parses a base URL, which ends before the path of a call; `None` when it is no absolute URL.
    pub(super) fn of(base: &str) -> Option<Self> {
        let parts = base.parse::<Uri>().ok()?.into_parts();
        let (scheme, authority) = (parts.scheme?, parts.authority?);
        let prefix = parts.path_and_query.map(|path| path.path().trim_end_matches('/').to_owned());
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port != usual => HeaderValue::try_from(format!("{}:{port}", authority.host())),
            _ => HeaderValue::try_from(authority.host()),
        };
        let root = PathAndQuery::from_static("/");
        let root =
            Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(root).build().ok()?;
        Some(Self { scheme, authority, root, prefix: prefix.unwrap_or_default(), host: host.ok()? })
    }

    /// The URL of a path, which is percent-encoded as it must stand on the wire.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        let path = PathAndQuery::from_maybe_shared(Bytes::from([&self.prefix, path].concat())).ok()?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_url_as_read_whole() {
        for base in
            ["http://127.0.0.1:8080", "https://h:443", "https://h.example", "http://h:80/prefix/deep", "http://[::1]:9"]
        {
            let place = EndpointUrl::of(base).unwrap();
            for path in ["/model/a%3A0/converse", "/x?y=z", "/"] {
                assert_eq!(place.uri(path).unwrap(), format!("{base}{path}").parse::<Uri>().unwrap());
            }
        }
    }

    #[test]
    fn the_host_has_its_port_where_the_scheme_does_not_say_it() {
        for (base, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://h:443", "h"),
            ("http://h:443", "h:443"),
            ("http://h:80/p", "h"),
            ("https://h", "h"),
            ("http://[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(EndpointUrl::of(base).unwrap().host, host, "{base}");
        }
    }

    #[test]
    fn what_is_no_url_is_none() {
        for base in ["", "h", "/path", "http://"] {
            assert!(EndpointUrl::of(base).is_none(), "{base}");
        }
        assert!(EndpointUrl::of("http://h").unwrap().uri("/with space").is_none());
    }
}
