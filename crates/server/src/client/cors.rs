//! CORS: requests of web pages are refused unless they are same-origin or their origin is allowed.

use crate::client::authority;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request};

/// `access-control-expose-headers`.
const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id, x-aquifer-warning, retry-after");
/// `access-control-allow-methods`.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
/// `access-control-max-age`, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// The content types of requests that a page may send to any origin without a preflight.
const OF_FORMS: [&str; 3] = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];

/// The origin of a request, as CORS sees it.
pub(crate) enum PageOrigin {
    /// No web page, or one of the same origin.
    Own,
    /// A page of an allowed origin, which the answer must name.
    Allowed(HeaderValue),
}

/// Parses an origin as browsers send it: `https://app.example.com`, with a port where it is not the scheme's default.
///
/// # Errors
/// The text is no origin; in words for the command line.
pub(crate) fn read(text: &str) -> Result<Uri, String> {
    let wrong = || format!("expected an origin, such as https://app.example.com, not `{text}`");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let plain =
        uri.scheme().is_some() && uri.host().is_some() && matches!(uri.path(), "" | "/") && uri.query().is_none();
    if plain && !text.ends_with('/') && !text.contains('@') { Ok(uri) } else { Err(wrong()) }
}

/// The origin of a request.
///
/// # Errors
/// A foreign origin, or a form's content type.
pub(crate) fn page(head: &request::Parts, allowed: &[Uri]) -> Result<PageOrigin, Fault> {
    let mut origins = head.headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return if is_form(head) { Err(form()) } else { Ok(PageOrigin::Own) };
    };
    let read = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    let page = match read.filter(|_| origins.next().is_none()) {
        Some(read) if is_same(&read, authority::host(&head.headers)) => PageOrigin::Own,
        Some(read) if allowed.iter().any(|one| is_equal(one, &read)) => PageOrigin::Allowed(origin.clone()),
        _ => return Err(foreign()),
    };
    if is_form(head) { Err(form()) } else { Ok(page) }
}

fn foreign() -> Fault {
    let message = "a web page of another origin may not use this gateway; --allow-origin names origins that may";
    Fault::mistake(MistakeKind::ForeignOrigin, None, message)
}

fn form() -> Fault {
    let message = "the body's type must be JSON: send the header `content-type: application/json`";
    Fault::mistake(MistakeKind::MediaType, None, message)
}

/// Whether an origin is that of this host (same-origin).
fn is_same(origin: &Uri, host: &str) -> bool {
    let of_scheme = if origin.scheme_str() == Some("https") { ":443" } else { ":80" };
    let plain = |authority: &str| authority.strip_suffix(of_scheme).unwrap_or(authority).to_ascii_lowercase();
    origin.authority().is_some_and(|authority| plain(authority.as_str()) == plain(host))
}

fn is_equal(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && other.authority().is_some_and(|authority| is_same(one, authority.as_str()))
}

/// Whether a page could have sent this request without a preflight: a form's content type, and no `authorization`.
fn is_form(head: &request::Parts) -> bool {
    if matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS)
        || head.headers.contains_key(header::AUTHORIZATION)
    {
        return false;
    }
    let mut kinds = head.headers.get_all(header::CONTENT_TYPE).iter().peekable();
    if kinds.peek().is_none() {
        // Programs may leave the content type out. Browsers add `sec-fetch-site` to every request of a page.
        return head.headers.contains_key("sec-fetch-site");
    }
    kinds.any(|kind| {
        let essence = kind.as_bytes().split(|byte| *byte == b';' || *byte == b',').next().unwrap_or_default();
        OF_FORMS.iter().any(|form| essence.trim_ascii().eq_ignore_ascii_case(form.as_bytes()))
    })
}

/// Whether the request is a CORS preflight.
pub(crate) fn is_preflight(head: &request::Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of the answer to a preflight of an allowed origin; `None` for any other request.
pub(crate) fn preflight(head: &request::Parts, page: &PageOrigin) -> Option<HeaderMap> {
    let PageOrigin::Allowed(_) = page else { return None };
    if !is_preflight(head) {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    if let Some(asked) = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    if head.headers.contains_key(PRIVATE_NETWORK_ASKED) {
        headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    Some(headers)
}

/// Adds the CORS headers of an allowed origin to an answer.
pub(crate) fn allow(page: &PageOrigin, headers: &mut HeaderMap) {
    if let PageOrigin::Allowed(origin) = page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(method: &Method, headers: &[(&str, &str)]) -> request::Parts {
        let mut request =
            Request::builder().method(method).uri("/v1/chat/completions").header("host", "127.0.0.1:1975");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn verdict(method: &Method, headers: &[(&str, &str)]) -> &'static str {
        let allowed = [read("https://app.example.com").unwrap(), read("http://localhost:3000").unwrap()];
        match page(&head(method, headers), &allowed) {
            Ok(PageOrigin::Own) => "own",
            Ok(PageOrigin::Allowed(_)) => "allowed",
            Err(Fault::ClientMistaken(mistake)) if mistake.kind == MistakeKind::ForeignOrigin => "foreign",
            Err(_) => "form",
        }
    }

    #[test]
    fn a_page_may_ask_where_it_came_from_or_is_allowed() {
        for (origin, said) in [
            ("http://127.0.0.1:1975", "own"),
            ("https://127.0.0.1:1975", "own"),
            ("http://127.0.0.1", "foreign"),
            ("https://app.example.com", "allowed"),
            ("https://APP.example.com:443", "allowed"),
            ("http://app.example.com", "foreign"),
            ("https://app.example.com:8443", "foreign"),
            ("https://app.example.com.evil.example", "foreign"),
            ("http://localhost:3000", "allowed"),
            ("https://evil.example", "foreign"),
            ("null", "foreign"),
            ("", "foreign"),
            ("\u{e9}", "foreign"),
        ] {
            let json = ("content-type", "application/json");
            assert_eq!(verdict(&Method::POST, &[json, ("origin", origin)]), said, "{origin}");
            assert_eq!(verdict(&Method::GET, &[("origin", origin)]), said, "{origin}");
        }
        let twice = [("origin", "http://127.0.0.1:1975"), ("origin", "https://evil.example")];
        assert_eq!(verdict(&Method::GET, &twice), "foreign");
    }

    #[test]
    fn what_a_form_can_send_is_no_request() {
        for kind in [
            "text/plain",
            "Text/Plain; charset=utf-8",
            " multipart/form-data;boundary=a",
            "application/x-www-form-urlencoded",
        ] {
            assert_eq!(verdict(&Method::POST, &[("content-type", kind)]), "form", "{kind}");
            assert_eq!(
                verdict(&Method::POST, &[("content-type", kind), ("authorization", "Bearer a")]),
                "own",
                "{kind}"
            );
            assert_eq!(verdict(&Method::GET, &[("content-type", kind)]), "own", "{kind}");
        }
        for kind in ["application/json", "application/json; charset=utf-8", "application/octet-stream"] {
            assert_eq!(verdict(&Method::POST, &[("content-type", kind)]), "own", "{kind}");
        }
        assert_eq!(verdict(&Method::POST, &[]), "own");
        assert_eq!(verdict(&Method::POST, &[("sec-fetch-site", "cross-site")]), "form");
        assert_eq!(
            verdict(&Method::POST, &[("content-type", "application/json"), ("content-type", "text/plain")]),
            "form"
        );
    }

    #[test]
    fn origins_are_read_as_browsers_say_them() {
        for good in ["https://a.example", "http://localhost:3000", "app://obsidian.md"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for wrong in ["a.example", "https://a.example/", "https://a.example/b", "https://u@a.example", "*", "null", ""]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
