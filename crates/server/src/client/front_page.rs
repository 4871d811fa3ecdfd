//! The page that a person sees who opens the gateway's address in a browser: what this is, and where to go on.

use crate::host::Host;
use crate::page_headers;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header, request};
use std::net::{IpAddr, SocketAddr};

/// Whether a browser asks for the page at the root: `GET /` with `text/html` among what it accepts.
pub(crate) fn is_asked(head: &request::Parts) -> bool {
    head.method == Method::GET
        && head.uri.path() == "/"
        && head.headers.get_all(header::ACCEPT).iter().any(|accept| {
            let mut kinds = accept.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            kinds.any(|kind| kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html")))
        })
}

/// The page with its headers. The admin page is named only where it is on a loopback address, and only to this machine.
pub(crate) fn answer(host: &Host, peer: Option<IpAddr>) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    page_headers::of_static_page(&mut headers);
    let is_near = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let admin = host.admin_page.get().filter(|_| is_near);
    (headers, page(admin).into())
}

fn page(admin: Option<&SocketAddr>) -> String {
    let admin = match admin {
        Some(address) => format!("<p>What it does now: <a href=\"http://{address}/admin/\">the admin page</a>.</p>\n"),
        None => String::new(),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Aquifer</title>\n<h1>Aquifer</h1>\n\
         <p>This is an AI gateway for AWS Bedrock. Programs speak to it as to OpenAI or Anthropic; it has no pages for \
         people at this address.</p>\n\
         <ul>\n<li><code>POST /v1/chat/completions</code>: Chat Completions</li>\n\
         <li><code>POST /v1/responses</code>: Responses</li>\n<li><code>POST /v1/messages</code>: Messages</li>\n\
         <li><code>GET /v1/models</code>: the models that can be named</li>\n</ul>\n{admin}\
         <p>Its documentation is the folder <code>docs</code> of its source, beginning with <code>README.md</code>. On the \
         command line: <code>aquifer --help</code>, and <code>aquifer chat</code> to talk to a model.</p>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn asks(method: &str, path: &str, accept: Option<&str>) -> bool {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        is_asked(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_a_browser_at_the_root_asks_for_it() {
        let browser = Some("text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(asks("GET", "/", browser) && asks("GET", "/?a=b", Some("a/b, TEXT/HTML;q=0.5")));
        assert!(!asks("GET", "/", None) && !asks("GET", "/", Some("*/*")) && !asks("GET", "/", Some("text")));
        assert!(!asks("POST", "/", browser) && !asks("GET", "/v1/models", browser) && !asks("HEAD", "/", browser));
    }

    #[test]
    fn the_page_names_the_admin_page_where_there_is_one() {
        assert!(page(Some(&SocketAddr::from(([127, 0, 0, 1], 1064)))).contains("http://127.0.0.1:1064/admin/"));
        assert!(!page(None).contains("admin"));
    }
}
