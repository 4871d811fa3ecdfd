//! Who may use the admin API: hosts, origins, tokens, sessions, scopes.

use super::{API, JSON, TOKEN, answered, code, far, get, say};
use crate::support::Aquifer;

#[test]
fn a_name_that_a_page_may_have_rebound_is_misdirected() {
    let aquifer = Aquifer::demo(&["--admin-host", "admin.example.com"]);
    let port = aquifer.admin.unwrap().port();
    for path in ["/admin/", "/admin/api/v1/summary", "/admin/api/v1/session", "/admin/api/v1/no"] {
        for host in ["evil.example", "localhost.evil.example", "aquifer", "10.1.2.3", "a.admin.example.com"] {
            let reply = say(&aquifer, "GET", path, &format!("host: {host}:{port}\r\n"), "");
            assert_eq!((reply.status, code(&reply).as_str()), (421, "misdirected"), "{path} {host}");
        }
    }
    for host in ["localhost", "127.0.0.1", "[::1]", "ADMIN.example.com"] {
        assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", &format!("host: {host}:{port}\r\n"), "").status, 200);
    }
    let twice = format!("host: localhost:{port}\r\nhost: localhost:{port}\r\n");
    assert_eq!(say(&aquifer, "GET", "/admin/", &twice, "").status, 400);
}

#[test]
fn on_loopback_nothing_is_asked_for_unless_there_is_a_token() {
    let aquifer = Aquifer::demo(&[]);
    let session = get(&aquifer, "session");
    assert_eq!((&session["authenticated"], &session["needs_token"]), (&true.into(), &false.into()));
    assert_eq!(session["scopes"], serde_json::json!(["observe", "observe:text", "play", "operate"]));
    let aquifer = Aquifer::serve(&[], &[("AQUIFER_ADMIN_TOKEN", TOKEN)]);
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", "", "").status, 401);
    assert_eq!(get(&aquifer, "session")["needs_token"], true);
    assert_eq!(get(&aquifer, "session")["authenticated"], false);
}

#[test]
fn elsewhere_a_token_is_asked_for_and_its_link_opens_a_session() {
    let aquifer = far(&[], &[]);
    let line = aquifer.line_with("#token=");
    let (_, token) = line.split_once("#token=").unwrap();
    assert!(line.starts_with("aquifer admin page: http://127.0.0.1:") && token.len() == 64, "{line}");
    assert!(!aquifer.log().contains(token));
    for path in ["summary", "series", "streams", "exchanges", "routes", "backends", "config", "catalogue", "log-level"]
    {
        let reply = say(&aquifer, "GET", &format!("{API}{path}"), "", "");
        assert_eq!((reply.status, code(&reply).as_str()), (401, "missing_token"), "{path}");
        assert!(reply.head.contains("www-authenticate: bearer"), "{}", reply.head);
    }
    for open in ["/healthz", "/readyz", "/metrics", "/admin/", "/admin/api/v1/session"] {
        assert_eq!(say(&aquifer, "GET", open, "", "").status, 200, "{open}");
    }
    let opened = say(&aquifer, "POST", "/admin/api/v1/session", JSON, &format!("{{\"token\": \"{token}\"}}"));
    assert_eq!((opened.status, opened.body.as_str()), (204, ""));
    let cookie = opened.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    for flag in ["httponly", "samesite=strict", "path=/admin", "max-age=43200"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    let pair = format!("cookie: other=1; {}\r\n", cookie.split(';').next().unwrap());
    assert!(!pair.contains(token));
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", &pair, "").status, 200);
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", "cookie: aquifer_admin=no\r\n", "").status, 401);
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", &bearer, "").status, 200);
    let closed = say(&aquifer, "DELETE", "/admin/api/v1/session", &pair, "");
    assert!(closed.status == 204 && closed.head.contains("max-age=0"), "{closed:?}");
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/summary", &pair, "").status, 401, "the session is over");
}

#[test]
fn wrong_tokens_are_refused_and_then_not_looked_at() {
    let aquifer = far(&[], &[("AQUIFER_ADMIN_TOKEN", TOKEN)]);
    for attempt in 0..10 {
        let reply = match attempt % 2 {
            0 => say(&aquifer, "POST", "/admin/api/v1/session", JSON, "{\"token\": \"wrong\"}"),
            _ => say(&aquifer, "GET", "/admin/api/v1/summary", "authorization: Bearer wrong\r\n", ""),
        };
        assert_eq!((reply.status, code(&reply).as_str()), (401, "wrong_token"), "{attempt}");
    }
    let right = format!("authorization: Bearer {TOKEN}\r\n");
    let reply = say(&aquifer, "GET", "/admin/api/v1/summary", &right, "");
    assert_eq!((reply.status, code(&reply).as_str()), (429, "too_many_tries"));
    assert!(reply.head.contains("retry-after: 60"), "{}", reply.head);
    let opened = say(&aquifer, "POST", "/admin/api/v1/session", JSON, &format!("{{\"token\": \"{TOKEN}\"}}"));
    assert_eq!(opened.status, 429);
    assert!(!aquifer.log().contains(TOKEN));
}

#[test]
fn a_token_comes_from_a_file_or_a_variable_and_can_do_what_its_scopes_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();
    let aquifer = far(&["--admin-token-file", file, "--admin-scopes", "observe"], &[]);
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/exchanges", &bearer, "").status, 200);
    let asked = format!("{bearer}{JSON}");
    for (method, path) in [
        ("POST", "/admin/api/v1/log-level"),
        ("POST", "/admin/api/v1/play/v1/chat/completions"),
        ("GET", "/admin/api/v1/exchanges/a/text"),
    ] {
        let reply = say(&aquifer, method, path, &asked, if method == "POST" { "{}" } else { "" });
        assert_eq!((reply.status, code(&reply).as_str()), (403, "missing_scope"), "{path}");
    }
    for (arguments, variable) in [
        (vec!["--admin-token-file", file], TOKEN),
        (vec!["--admin-token-file", "/nowhere/token"], ""),
        (vec![], "short"),
        (vec!["--admin-scopes", "everything"], TOKEN),
    ] {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        all.extend(&arguments);
        let mut command = crate::support::command(&all);
        if !variable.is_empty() {
            command.env("AQUIFER_ADMIN_TOKEN", variable);
        }
        let ended = command.output().unwrap();
        assert!(!ended.status.success() && !String::from_utf8_lossy(&ended.stderr).contains(TOKEN), "{arguments:?}");
    }
}

#[test]
fn a_foreign_page_neither_reads_nor_changes_anything() {
    let aquifer = Aquifer::demo(&[]);
    answered(&aquifer);
    let own = aquifer.admin.unwrap();
    let post = |headers: &str| {
        say(&aquifer, "POST", "/admin/api/v1/log-level", headers, "{\"level\": \"debug\", \"for_s\": 5}").status
    };
    assert_eq!(post(&format!("{JSON}origin: https://evil.example\r\n")), 403);
    assert_eq!(post(&format!("{JSON}origin: null\r\n")), 403);
    assert_eq!(post(&format!("{JSON}origin: http://localhost:1\r\n")), 403);
    assert_eq!(post(&format!("{JSON}sec-fetch-site: cross-site\r\n")), 403);
    assert_eq!(post(&format!("{JSON}sec-fetch-site: same-site\r\n")), 403);
    assert_eq!(post("content-type: text/plain\r\n"), 415);
    assert_eq!(post("content-type: application/x-www-form-urlencoded\r\n"), 415);
    assert_eq!(post(""), 415);
    assert_eq!(get(&aquifer, "log-level")["level"], "info", "nothing was changed");
    assert_eq!(post(&format!("{JSON}origin: http://{own}\r\nsec-fetch-site: same-origin\r\n")), 200);
    for foreign in ["origin: https://evil.example\r\n", "sec-fetch-site: cross-site\r\n"] {
        for path in ["summary", "exchanges", "session", "live"] {
            let reply = say(&aquifer, "GET", &format!("{API}{path}"), foreign, "");
            assert_eq!((reply.status, code(&reply).as_str()), (403, "foreign_origin"), "{path}");
        }
        assert_eq!(say(&aquifer, "DELETE", "/admin/api/v1/session", foreign, "").status, 403);
    }
    assert_eq!(say(&aquifer, "GET", "/admin/", "sec-fetch-site: cross-site\r\n", "").status, 200, "a link leads to it");
}
