//! Several listeners: each port of every Gateway, routes that belong to some of them, hostnames and certificates.

use crate::support::{Aquifer, connect, read_reply, request};
use crate::tls::{Pair, client};
use rustls::pki_types::ServerName;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

const BACKEND: &str = "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec: {provider: awsbedrock, config: {model: short, region: us-east-1, endpoint: 'http://127.0.0.1:1'}}
";

fn gateway(name: &str, listeners: &str) -> String {
    format!(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {name}}}\nspec:\n  listeners: [{listeners}]\n"
    )
}

fn route(model: &str, fields: &str) -> String {
    format!(
        "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {{name: {model}}}\nspec:\n  {fields}\n  \
         rules: [{{matches: [{{headers: [{{name: x-ai-eg-model, value: {model}}}]}}], backendRefs: [{{name: b}}]}}]\n"
    )
}

fn secret(name: &str, pair: &Pair) -> String {
    let indented = |pem: &str| pem.replace('\n', "\n    ");
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData:\n  tls.crt: |\n    {}\n  tls.key: |\n    {}\n",
        indented(&pair.certificate),
        indented(&pair.key)
    )
}

/// Ports that are free now.
fn free<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn serve(text: &str) -> Aquifer {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    let aquifer = Aquifer::spawn(&["serve", "--admin", "127.0.0.1:0", "--config", file.to_str().unwrap()], &[]);
    aquifer.address("aquifer admin on ");
    aquifer
}

/// The ids that `GET /v1/models` lists at this port for this host.
fn models(port: u16, host: &str) -> String {
    let mut stream = connect(SocketAddr::from(([127, 0, 0, 1], port)));
    stream
        .write_all(request("GET", "/v1/models", "").replace("host: aquifer", &format!("host: {host}")).as_bytes())
        .unwrap();
    ids(&read_reply(&mut stream).body)
}

fn ids(body: &str) -> String {
    let list: serde_json::Value = serde_json::from_str(body).unwrap();
    let ids = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned());
    ids.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_listener_serves_the_routes_that_belong_to_it() {
    let [first, second, third] = free();
    let text = [
        BACKEND.to_owned(),
        gateway("one", &format!("{{name: a, port: {first}, protocol: HTTP}}, {{name: b, port: {second}, protocol: HTTP}}")),
        gateway("two", &format!("{{name: c, port: {third}, protocol: HTTP, hostname: '*.example.com'}}, {{name: d, port: {third}, protocol: HTTP, hostname: x.example.com}}")),
        route("everywhere", "hostnames: []"),
        route("of-one", "parentRefs: [{name: one}]"),
        route("of-b", "parentRefs: [{name: one, sectionName: b}]"),
        route("of-port", &format!("parentRefs: [{{name: one, port: {first}}}]")),
        route("of-c", "parentRefs: [{name: two, sectionName: c}]"),
        route("of-d", "parentRefs: [{name: two, sectionName: d}]"),
        route("of-host", "hostnames: [api.example.com]"),
    ]
    .concat();
    let _aquifer = serve(&text);
    assert_eq!(models(first, "h"), "everywhere of-one of-port short");
    assert_eq!(models(second, "h:1"), "everywhere of-one of-b short");
    assert_eq!(models(first, "API.example.com:80"), "everywhere of-one of-port of-host short");
    assert_eq!(models(third, "api.example.com"), "everywhere of-c of-host short");
    assert_eq!(models(third, "x.example.com"), "everywhere of-d short");
    assert_eq!(models(third, "other.com"), "");
    let chat = |port, model: &str| {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}]}}"#);
        crate::support::ask(SocketAddr::from(([127, 0, 0, 1], port)), "POST", "/v1/chat/completions", &body)
    };
    assert_eq!(chat(first, "of-b").status, 404);
    assert_ne!(chat(second, "of-b").status, 404);
    let closed = chat(third, "short");
    assert!(closed.status == 404 && closed.body.contains("No listener of this gateway serves the host"), "{closed:?}");
}

#[test]
fn listeners_of_one_port_show_their_own_certificates() {
    let [port] = free();
    let made = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    };
    let (one, two) = (made("one.example.com"), made("a.two.example.com"));
    let https = |name: &str, hostname: &str| {
        format!(
            "{{name: {name}, port: {port}, protocol: HTTPS, hostname: '{hostname}', tls: {{certificateRefs: [{{name: {name}}}]}}}}"
        )
    };
    let text = [
        BACKEND.to_owned(),
        gateway("g", &format!("{}, {}", https("one", "one.example.com"), https("two", "*.two.example.com"))),
        secret("one", &one),
        secret("two", &two),
        route("of-two", "parentRefs: [{name: g, sectionName: two}]"),
    ]
    .concat();
    let _aquifer = serve(&text);
    let ask = |name: &'static str, host: &str, pair: &Pair| {
        let config = Arc::new(client(&pair.certificate));
        let session = rustls::ClientConnection::new(config, ServerName::try_from(name).unwrap()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, connect(SocketAddr::from(([127, 0, 0, 1], port))));
        let asked = request("GET", "/v1/models", "").replace("host: aquifer", &format!("host: {host}"));
        stream.write_all(asked.as_bytes()).map_err(|error| error.to_string())?;
        Ok::<_, String>(read_reply(&mut stream))
    };
    let models = |name: &'static str, pair: &Pair| ask(name, name, pair).map(|reply| ids(&reply.body));
    assert_eq!(models("one.example.com", &one).unwrap(), "short");
    assert_eq!(models("a.two.example.com", &two).unwrap(), "of-two short");
    assert!(models("a.two.example.com", &one).is_err(), "another certificate is shown");
    let other = ask("one.example.com", "a.two.example.com", &one).unwrap();
    assert!(other.status == 421 && other.body.contains("misdirected_request"), "{other:?}");
    assert_eq!(ask("a.two.example.com", "b.two.example.com", &two).unwrap().status, 200, "the same listener");
}
