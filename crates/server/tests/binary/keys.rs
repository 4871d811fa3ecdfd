//! API keys of clients: who is let in, who is told what, and that no key is told to anybody.

use crate::bedrock::Bedrock;
use crate::streams::chat_body;
use crate::support::{Aquifer, Reply, connect, read_reply, run};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const ALICE: &str = "MARKER-key-of-alice-1";
const BOB: &str = "MARKER-key-of-bob-22";

struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new(text: &str) -> Self {
        let keys = Self { folder: tempfile::tempdir().unwrap() };
        keys.write(text);
        keys
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn serve(&self, arguments: &[&str]) -> Aquifer {
        let path = self.path();
        let mut all = vec!["--api-keys-file", path.to_str().unwrap()];
        all.extend(arguments);
        Aquifer::serve(&all, &[("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")])
    }
}

fn say(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut stream = connect(address);
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}connection: close\r\n");
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    read_reply(&mut stream)
}

fn models(aquifer: &Aquifer, headers: &str) -> u16 {
    say(aquifer.gateway.unwrap(), "GET", "/v1/models", headers, "").status
}

#[test]
fn a_probe_needs_no_key_and_nothing_else_does_without() {
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let aquifer = keys.serve(&[]);
    let status =
        |method: &str, path: &str, headers: &str| say(aquifer.gateway.unwrap(), method, path, headers, "").status;
    assert_eq!(status("HEAD", "/", ""), 200);
    assert_eq!(status("HEAD", "/", "authorization: Bearer wrong\r\n"), 200);
    assert_eq!(status("HEAD", "/", "origin: https://evil.example\r\n"), 403);
    for (method, path) in [("GET", "/"), ("HEAD", "/v1/models"), ("OPTIONS", "/v1/messages")] {
        assert_eq!(status(method, path, ""), 401, "{method} {path}");
    }
    assert_eq!(status("OPTIONS", "/v1/messages", &format!("x-api-key: {ALICE}\r\n")), 204);
}

#[test]
fn a_key_is_asked_for_and_taken_from_each_header() {
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let aquifer = keys.serve(&[]);
    for (headers, status) in [
        (String::new(), 401),
        (format!("authorization: Bearer {ALICE}\r\n"), 200),
        (format!("x-api-key: {ALICE}\r\n"), 200),
        (format!("api-key: {ALICE}\r\n"), 200),
        (format!("authorization: Bearer {BOB}\r\n"), 401),
        (format!("authorization: Bearer {ALICE}\r\nx-api-key: {BOB}\r\n"), 401),
        ("x-aquifer-caller: alice\r\n".to_owned(), 401),
    ] {
        assert_eq!(models(&aquifer, &headers), status, "{headers}");
    }
    let refused = say(aquifer.gateway.unwrap(), "POST", "/v1/chat/completions", "", "not even JSON");
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("www-authenticate: bearer realm=\"aquifer\""), "{}", refused.head);
    assert!(refused.head.contains("x-request-id: "), "{}", refused.head);
    assert!(refused.body.contains("\"code\":\"invalid_api_key\""), "{}", refused.body);
    assert_eq!(aquifer.metric("aquifer_authentication_failures_total"), 5.0);
    assert_eq!(aquifer.admin("/readyz").status, 200, "probes need no key");
}

#[test]
fn the_body_is_not_waited_for() {
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let aquifer = keys.serve(&[]);
    let mut stream = connect(aquifer.gateway.unwrap());
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_reply(&mut stream).status, 401);
}

#[test]
fn new_keys_are_taken_over_and_wrong_ones_are_not() {
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let aquifer = keys.serve(&[]);
    keys.write(&format!("alice: {ALICE}\nbob: {BOB}\n"));
    aquifer.wait_for_log("new API keys");
    assert_eq!(models(&aquifer, &format!("x-api-key: {BOB}\r\n")), 200);
    keys.write("bob\n");
    aquifer.wait_for_log("the old API keys stay");
    assert_eq!(models(&aquifer, &format!("x-api-key: {BOB}\r\n")), 200);
    assert!(!aquifer.log().contains("MARKER"), "{}", aquifer.log());
}

#[test]
fn the_owner_is_told_and_the_key_is_not() {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0"], &[]);
    let bedrock = simulator.address("aquifer simulator listening on ");
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let path = keys.path();
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &*format!("http://{bedrock}")),
        ("AWS_BEARER_TOKEN_BEDROCK", "any"),
        ("AQUIFER_API_KEYS_FILE", path.to_str().unwrap()),
    ];
    let mut aquifer = Aquifer::serve(&["--log-level", "debug"], &variables);
    let body = chat_body("Hello?");
    let headers =
        format!("content-type: application/json\r\nauthorization: Bearer {ALICE}\r\nx-aquifer-caller: bob\r\n");
    let reply = say(aquifer.gateway.unwrap(), "POST", "/v1/chat/completions", &headers, &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let wrong = format!("authorization: Bearer {BOB}\r\n");
    let refused = say(aquifer.gateway.unwrap(), "POST", "/v1/chat/completions", &wrong, &body);
    assert!(refused.status == 401 && !refused.body.contains("MARKER"), "{}", refused.body);
    let metrics = aquifer.admin("/metrics").body;
    aquifer.signal("TERM");
    aquifer.wait();
    let log = aquifer.log();
    assert!(log.contains("caller=\"alice\"") && !log.contains("caller=\"bob\""), "{log}");
    assert!(!log.contains("MARKER") && !metrics.contains("MARKER"), "{log}{metrics}");
}

/// Where nobody but this machine's own interfaces is listening.
const EVERYWHERE: &str = "0.0.0.0:0";

fn refused_start(arguments: &[&str]) -> String {
    let mut all = vec!["serve", "--admin", "127.0.0.1:0"];
    all.extend(arguments);
    let (code, _, log) = run(&all);
    assert_eq!(code, 1, "{log}");
    log
}

#[test]
fn an_address_for_others_needs_keys_or_a_word() {
    let told = refused_start(&["--listen", EVERYWHERE]);
    assert!(told.contains("--api-keys-file") && told.contains("--allow-anonymous"), "{told}");
    let anonymous = Aquifer::start(
        &["serve", "--admin", "127.0.0.1:0", "--listen", EVERYWHERE, "--allow-anonymous"],
        &[("AWS_REGION", "us-east-1")],
    );
    assert!(anonymous.log().contains("clients are served without an API key"), "{}", anonymous.log());
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let file = keys.path();
    let arguments =
        ["serve", "--admin", "127.0.0.1:0", "--listen", EVERYWHERE, "--api-keys-file", file.to_str().unwrap()];
    drop(Aquifer::start(&arguments, &[("AWS_REGION", "us-east-1")]));
}

#[test]
fn a_wrong_file_ends_the_start_without_telling_keys() {
    let keys = Keys::new("alice MARKER-no-colon\nbob: MARKER\n");
    let path = keys.path();
    let told = refused_start(&["--listen", "127.0.0.1:0", "--api-keys-file", path.to_str().unwrap()]);
    assert!(told.contains("keys:1: expected") && told.contains("keys:2: the key is too short"), "{told}");
    assert!(!told.contains("MARKER"), "{told}");
    let missing = Path::new("/nonexistent/keys");
    let told = refused_start(&["--listen", "127.0.0.1:0", "--api-keys-file", missing.to_str().unwrap()]);
    assert!(told.contains("cannot read the API keys /nonexistent/keys"), "{told}");
}

#[test]
fn a_policy_guards_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    let text = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec: {provider: awsbedrock, config: {model: amazon.nova-lite-v1:0, region: us-east-1}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec: {listeners: [{name: http, port: 1, protocol: HTTP}]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]
  apiKeyAuth: {credentialRefs: [{name: s}], extractFrom: [{headers: [x-team-key]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {alice: KEY}
";
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text.replace("KEY", ALICE)).unwrap();
    // Its own port needs rights that a test may not have: an address of the command line stands for all listeners.
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[]);
    assert_eq!(models(&aquifer, &format!("x-team-key: {ALICE}\r\n")), 200);
    assert_eq!(models(&aquifer, &format!("x-api-key: {ALICE}\r\n")), 401, "not where the policy looks");
}

#[test]
fn the_gateways_own_refused_credentials_are_not_told_as_the_clients() {
    let bedrock = Bedrock::listen();
    let keys = Keys::new(&format!("alice: {ALICE}\n"));
    let path = keys.path();
    let endpoint = format!("http://{}", bedrock.address);
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &*endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_BEARER_TOKEN_BEDROCK", "any"),
    ];
    let refused = |arguments: &[&str], headers: &str| {
        let aquifer = Aquifer::serve(arguments, &variables);
        let headers = format!("content-type: application/json\r\n{headers}");
        let (gateway, body) = (aquifer.gateway.unwrap(), chat_body("Hello?"));
        let asking = std::thread::spawn(move || say(gateway, "POST", "/v1/chat/completions", &headers, &body));
        let kind = "x-amzn-errortype: AccessDeniedException\r\n";
        let denied = r#"{"message":"User: arn:aws:sts::123456789012:assumed-role/gw/i-1 is not authorized"}"#;
        bedrock.call().answer("403 Forbidden", kind, denied);
        let reply = asking.join().unwrap();
        assert!(!reply.body.contains("123456789012"), "{}", reply.body);
        aquifer.wait_for_log("AccessDeniedException (403)");
        (reply.status, reply.body)
    };
    let with_keys = ["--api-keys-file", path.to_str().unwrap()];
    let (status, body) = refused(&with_keys, &format!("x-api-key: {ALICE}\r\n"));
    assert_eq!(status, 502, "{body}");
    assert!(body.contains(r#""type":"server_error","param":null,"code":"upstream_access_denied""#), "{body}");
    let (status, body) = refused(&[], "");
    assert!(status == 403 && body.contains(r#""code":"access_denied""#), "nobody else's key is meant: {body}");
    let passing = [&with_keys[..], &["--upstream-access-denied", "pass"]].concat();
    assert_eq!(refused(&passing, &format!("x-api-key: {ALICE}\r\n")).0, 403);
    assert_eq!(refused(&["--upstream-access-denied", "bad-gateway"], "").0, 502);
}
