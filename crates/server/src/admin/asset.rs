//! Static files of the admin page: stored as they are sent, plain and gzipped, with validators for caches.

use super::reply::{self, Answer};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request};

/// A static file.
pub(super) struct Asset {
    /// The path at which it is served.
    pub(super) path: &'static str,
    /// Its content type.
    pub(super) kind: &'static str,
    /// Its entity tag, quoted.
    pub(super) etag: &'static str,
    /// Whether its name has its digest, so that it never changes.
    pub(super) immutable: bool,
    /// The file.
    pub(super) bytes: &'static [u8],
    /// The file, gzipped.
    pub(super) gzip: Option<&'static [u8]>,
}

/// Answers with the file of this path, of these.
pub(super) fn answer(assets: &[Asset], head: &request::Parts) -> Answer {
    let Some(asset) = assets.iter().find(|asset| asset.path == head.uri.path()) else {
        return reply::error(StatusCode::NOT_FOUND, "not_found", "there is no such file; the page is at /admin/");
    };
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return reply::method_not_allowed("GET, HEAD");
    }
    let gzip = asset.gzip.filter(|_| takes_gzip(&head.headers));
    let mut response = match is_known(&head.headers, asset.etag) {
        true => reply::empty(StatusCode::NOT_MODIFIED),
        false => reply::typed(StatusCode::OK, asset.kind, Bytes::from_static(gzip.unwrap_or(asset.bytes))),
    };
    let headers = response.headers_mut();
    if gzip.is_some() && headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// Whether the client has this version already. The tag is that of the file, whatever its coding (RFC 9110, 13.1.2: weak).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether the client takes gzip: it names it, and not with a weight of nought.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::assets::ASSETS;
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        for (value, takes) in [
            ("gzip, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
    }

    #[test]
    fn a_known_version_is_found_in_any_list() {
        for value in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(is_known(&headers(header::IF_NONE_MATCH, value), "\"a\""), "{value}");
        }
        assert!(!is_known(&headers(header::IF_NONE_MATCH, "\"b\""), "\"a\""));
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(ASSETS.iter().any(|asset| asset.path == "/admin/"));
        for asset in ASSETS {
            assert!(asset.etag.starts_with('"') && asset.etag.ends_with('"') && asset.etag.len() > 8, "{}", asset.path);
            assert!(asset.path.starts_with("/admin/") && !asset.path.starts_with("/admin/api/"), "{}", asset.path);
            assert_eq!(ASSETS.iter().filter(|other| other.path == asset.path).count(), 1, "{}", asset.path);
            // A name with a hash is never anything else.
            assert_eq!(asset.immutable, asset.path.starts_with("/admin/assets/app-"), "{}", asset.path);
        }
    }
}
