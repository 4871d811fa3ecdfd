//! The admin page's files, the headers of each answer, and the page at the clients' port.

use super::{API, say};
use crate::support::{Aquifer, Reply, connect, read_reply};
use std::io::Write;

fn has_security_headers(reply: &Reply) {
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'\r\n",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "permissions-policy: ",
    ] {
        assert!(format!("{}\r\n", reply.head).contains(header), "{header} is missing in {}", reply.head);
    }
}

#[test]
fn every_answer_of_the_page_and_its_api_has_the_headers() {
    let aquifer = Aquifer::demo(&[]);
    for (method, path, headers, status) in [
        ("GET", "/admin/", "", 200),
        ("HEAD", "/admin/", "", 200),
        ("POST", "/admin/", "", 405),
        ("GET", "/admin/nothing", "", 404),
        ("GET", "/admin", "", 302),
        ("GET", "/", "accept: text/html,*/*\r\n", 302),
        ("GET", "/admin/", "host: evil.example\r\n", 421),
        ("GET", "/admin/api/v1/summary", "", 200),
        ("HEAD", "/admin/api/v1/summary", "", 200),
        ("HEAD", "/admin/api/v1/live", "", 405),
        ("PUT", "/admin/api/v1/summary", "", 405),
        ("DELETE", "/admin/api/v1/exchanges", "", 405),
        ("GET", "/admin/api/v1/play/v1/chat/completions", "", 405),
        ("GET", "/admin/api/v1/", "", 404),
        ("GET", "/admin/api/v1/summary/", "", 404),
        ("GET", "/admin/api/v1/summary", "origin: https://evil.example\r\n", 403),
        ("GET", "/admin/api/v1/exchanges/nobody", "", 404),
        ("GET", "/admin/api/v1/series?window=1h", "", 400),
    ] {
        let reply = say(&aquifer, method, path, headers, "");
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        has_security_headers(&reply);
        assert_eq!(reply.status == 405, reply.head.contains("allow: "), "{method} {path}: {}", reply.head);
        if path.starts_with(API) && status != 421 {
            assert!(reply.head.contains("cache-control: no-store"), "{path}: {}", reply.head);
        }
        assert!(method != "HEAD" || reply.body.is_empty());
    }
    assert_eq!(
        say(&aquifer, "GET", "/metrics", "host: aquifer\r\n", "").status,
        200,
        "probes take any name without a dot"
    );
    let told = say(&aquifer, "GET", "/", "", "");
    assert_eq!((told.status, told.body.as_str()), (404, "here are /healthz, /readyz and /metrics\n"));
}

#[test]
fn files_are_sent_once_and_then_named() {
    let aquifer = Aquifer::demo(&[]);
    let page = say(&aquifer, "GET", "/admin/", "", "");
    assert!(
        page.head.contains("content-type: text/html") && page.head.contains("cache-control: no-cache"),
        "{}",
        page.head
    );
    assert!(page.head.contains("vary: accept-encoding") && !page.head.contains("content-encoding"), "{}", page.head);
    let etag = page.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = say(&aquifer, "GET", "/admin/", &format!("if-none-match: {etag}\r\n"), "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert!(again.head.contains(&format!("etag: {etag}")), "{}", again.head);
    assert_eq!(say(&aquifer, "GET", "/admin/", "if-none-match: \"other\"\r\n", "").status, 200);
    for path in ["/admin/../Cargo.toml", "/admin/%2e%2e/a", "/admin/assets/", "/admin//", "/admin/index.html.gz"] {
        assert_eq!(say(&aquifer, "GET", path, "", "").status, 404, "{path}");
    }
}

fn at_the_clients_port(aquifer: &Aquifer, method: &str, path: &str, headers: &str) -> Reply {
    let address = aquifer.gateway.unwrap();
    let mut stream = connect(address);
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    read_reply(&mut stream)
}

#[test]
fn a_browser_at_the_clients_port_is_told_what_this_is() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "alice: key-of-alice-0123456789\n").unwrap();
    let aquifer = Aquifer::serve(&["--api-keys-file", keys.to_str().unwrap()], &[]);
    let page = at_the_clients_port(&aquifer, "GET", "/", "accept: text/html,application/xhtml+xml\r\n");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-type: text/html") && page.head.contains("default-src 'none'"), "{}", page.head);
    assert!(page.body.contains("Aquifer") && !page.body.contains("<script"), "{}", page.body);
    assert!(page.body.contains(&format!("http://{}/admin/", aquifer.admin.unwrap())), "{}", page.body);
    for (method, path, headers, status) in [
        ("GET", "/", "", 401),
        ("GET", "/", "accept: */*\r\n", 401),
        ("HEAD", "/", "accept: text/html\r\n", 200),
        ("GET", "/v1/models", "accept: text/html\r\n", 401),
    ] {
        let reply = at_the_clients_port(&aquifer, method, path, headers);
        assert_eq!(reply.status, status, "{method} {path} {headers}");
        assert!(!reply.head.contains("text/html"), "{}", reply.head);
    }
    let far = super::far(&[], &[]);
    let page = at_the_clients_port(&far, "GET", "/", "accept: text/html\r\n");
    assert!(page.status == 200 && !page.body.contains("/admin/"), "{}", page.body);
    let rebound = "accept: text/html\r\nhost: evil.example\r\n";
    assert_ne!(at_the_clients_port(&far, "GET", "/", rebound).status, 200, "two hosts");
}
