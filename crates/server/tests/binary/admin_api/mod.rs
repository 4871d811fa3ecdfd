//! The admin API of a running gateway: who may use it, and what it answers.

mod access;
mod endpoints;
mod operations;
mod page;
mod secrets;

use crate::support::{Aquifer, Reply, connect, read_reply};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The beginning of the API's paths.
const API: &str = "/admin/api/v1/";
/// A token for tests.
const TOKEN: &str = "0123456789abcdef-for-tests";

/// The address of the admin listener as this machine reaches it.
fn near(aquifer: &Aquifer) -> SocketAddr {
    let address = aquifer.admin.unwrap();
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// One request to the admin listener, with these lines of headers; `host` is that of the listener unless it is among them.
fn say(aquifer: &Aquifer, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let address = near(aquifer);
    let is_named = headers.lines().any(|line| line.starts_with("host:"));
    let host = if is_named { String::new() } else { format!("host: {address}\r\n") };
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let mut stream = connect(address);
    let head = format!("{method} {path} HTTP/1.1\r\n{host}{headers}{length}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    read_reply(&mut stream)
}

/// What the API answers to a `GET`.
fn get(aquifer: &Aquifer, path: &str) -> Value {
    let reply = say(aquifer, "GET", &format!("{API}{path}"), "", "");
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{path}: {error} in {}", reply.body))
}

/// The refusal of a request, by its code.
fn code(reply: &Reply) -> String {
    let value: Value = serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error} in {reply:?}"));
    assert!(value["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{reply:?}");
    assert!(value["error"]["type"].is_string(), "{reply:?}");
    value["error"]["code"].as_str().unwrap().to_owned()
}

const JSON: &str = "content-type: application/json\r\n";

/// A gateway on every address, without clients' keys.
fn far(arguments: &[&str], variables: &[(&str, &str)]) -> Aquifer {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"];
    all.extend(arguments);
    Aquifer::start(&all, variables)
}

/// A chat completion with a model whose price is known, which thinks first.
fn chat(aquifer: &Aquifer, content: &str) -> Reply {
    let body = json!({
        "model": "us.anthropic.claude-sonnet-4-6",
        "reasoning_effort": "low",
        "stream": true,
        "messages": [{"role": "user", "content": content}],
    });
    aquifer.chat(&body.to_string())
}

/// One that succeeds.
fn answered(aquifer: &Aquifer) {
    let reply = chat(aquifer, "Hello?");
    assert_eq!(reply.status, 200, "{reply:?}");
}
