//! Hosts that are named twice, and web pages that ask: what is in doubt, or somebody else's, is refused.

use crate::support::{Aquifer, Reply, connect, read_reply};
use std::io::Write;
use std::net::SocketAddr;

fn say_to(address: SocketAddr, head: &str, body: &str) -> Reply {
    let mut stream = connect(address);
    let head = format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    read_reply(&mut stream)
}

fn say(aquifer: &Aquifer, head: &str, body: &str) -> Reply {
    say_to(aquifer.gateway.unwrap(), head, body)
}

const JSON: &str = "content-type: application/json\r\n";

#[test]
fn a_request_names_one_host() {
    let aquifer = Aquifer::serve(&[], &[]);
    for (head, status) in [
        ("GET /v1/models HTTP/1.1\r\nhost: a\r\n", 200),
        ("GET http://a/v1/models HTTP/1.1\r\nhost: b\r\n", 200),
        ("GET /v1/models HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /v1/models HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET /v1/models HTTP/1.1\r\n", 400),
        ("GET http://a/v1/models HTTP/1.1\r\n", 400),
        ("GET /v1/models HTTP/1.0\r\n", 200),
        ("GET /v1/models HTTP/1.1\r\nhost: a, b\r\n", 400),
    ] {
        assert_eq!(say(&aquifer, head, "").status, status, "{head}");
    }
}

#[test]
fn a_page_of_somebody_elses_may_not_ask() {
    let aquifer = Aquifer::demo(&[]);
    let gateway = aquifer.gateway.unwrap();
    let body = crate::streams::chat_body("Hello?");
    let post = "POST /v1/chat/completions HTTP/1.1\r\n";
    let own = format!("host: {gateway}\r\n");
    for (headers, status) in [
        (format!("{own}{JSON}"), 200),
        (format!("{own}{JSON}origin: http://{gateway}\r\n"), 200),
        (format!("{own}{JSON}origin: https://evil.example\r\n"), 403),
        (format!("{own}{JSON}origin: null\r\n"), 403),
        (format!("{own}content-type: text/plain\r\norigin: https://evil.example\r\n"), 403),
        (format!("{own}content-type: text/plain\r\n"), 415),
        (format!("{own}content-type: application/x-www-form-urlencoded\r\n"), 415),
        (format!("{own}content-type: multipart/form-data; boundary=a\r\n"), 415),
        (format!("{own}{JSON}content-encoding: gzip\r\n"), 415),
        (format!("host: evil.example:{}\r\n{JSON}", gateway.port()), 403),
        (format!("host: evil.example\r\norigin: http://evil.example\r\n{JSON}"), 403),
        (format!("host: localhost:{}\r\n{JSON}", gateway.port()), 200),
        (format!("host: aquifer\r\n{JSON}"), 200),
        (own.clone(), 200),
    ] {
        let reply = say(&aquifer, &format!("{post}{headers}"), &body);
        assert_eq!(reply.status, status, "{headers} {reply:?}");
        assert!(reply.head.contains("x-request-id: chatcmpl-"), "{reply:?}");
    }
    let preflight = format!(
        "OPTIONS /v1/chat/completions HTTP/1.1\r\n{own}origin: https://evil.example\r\naccess-control-request-method: POST\r\n"
    );
    assert_eq!(say(&aquifer, &preflight, "").status, 403);
}

#[test]
fn an_origin_that_is_allowed_may_ask_and_read() {
    let origin = "https://app.example.com";
    let aquifer = Aquifer::serve(&["--allow-origin", origin, "--allow-origin", "http://localhost:3000"], &[]);
    let asks = "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: a\r\naccess-control-request-method: POST\r\naccess-control-request-headers: authorization,content-type\r\n";
    let told = say(&aquifer, &format!("{asks}origin: {origin}\r\n"), "");
    assert_eq!(told.status, 204, "{told:?}");
    for header in [
        "access-control-allow-origin: https://app.example.com",
        "access-control-allow-headers: authorization,content-type",
        "access-control-allow-methods: get, head, post",
        "vary: origin",
    ] {
        assert!(told.head.contains(header), "{header} is missing in {told:?}");
    }
    let models = format!("GET /v1/models HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n");
    let told = say(&aquifer, &models, "");
    assert!(
        told.status == 200 && told.head.contains("access-control-allow-origin: https://app.example.com"),
        "{told:?}"
    );
    assert!(told.head.contains("access-control-expose-headers: x-request-id, x-aquifer-warning"), "{told:?}");
    // An error can be read too.
    let wrong = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n{JSON}origin: {origin}\r\n");
    let told = say(&aquifer, &wrong, "{");
    assert!(
        told.status == 400 && told.head.contains("access-control-allow-origin: https://app.example.com"),
        "{told:?}"
    );
    assert_eq!(say(&aquifer, &format!("{asks}origin: https://evil.example\r\n"), "").status, 403);
}

#[test]
fn the_admin_listener_is_not_for_pages_either() {
    let aquifer = Aquifer::serve(&[], &[]);
    let admin = aquifer.admin.unwrap();
    let get = |headers: &str| say_to(admin, &format!("GET /metrics HTTP/1.1\r\n{headers}"), "").status;
    assert_eq!(get(&format!("host: {admin}\r\n")), 200);
    assert_eq!(get("host: localhost\r\n"), 200);
    assert_eq!(get("host: evil.example\r\n"), 403);
    assert_eq!(get("host: localhost\r\norigin: https://evil.example\r\n"), 403);
}

#[test]
fn a_body_is_framed_in_one_way() {
    let aquifer = Aquifer::serve(&[], &[]);
    for framing in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
    ] {
        let mut stream = connect(aquifer.gateway.unwrap());
        let hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n{JSON}{framing}\r\n");
        stream.write_all(format!("{head}2\r\n{{}}\r\n0\r\n\r\n{hidden}").as_bytes()).unwrap();
        let reply = read_reply(&mut stream);
        assert!(reply.status == 400 && !reply.body.contains("hidden"), "{framing} {reply:?}");
    }
}

#[test]
fn what_is_refused_has_an_id_that_the_log_has_too() {
    let aquifer = Aquifer::serve(&["--max-body", "1KiB", "--body-timeout", "300ms"], &[]);
    let post = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n{JSON}");
    let large = say(&aquifer, &post, &"x".repeat(2000));
    let mut slow = connect(aquifer.gateway.unwrap());
    slow.write_all(format!("{post}content-length: 100\r\n\r\n{{").as_bytes()).unwrap();
    let slow = read_reply(&mut slow);
    let form = say(&aquifer, "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n", "{}");
    let hosts = say(&aquifer, "GET /v1/models HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "");
    for (reply, status) in [(large, 413), (slow, 408), (form, 415), (hosts, 400)] {
        assert_eq!(reply.status, status, "{reply:?}");
        let id = reply.head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned();
        aquifer.wait_for_log(&id);
    }
}
