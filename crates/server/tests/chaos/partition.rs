//! A network that falls apart without a word: the backend's end of the wire is down, nothing is reset and nothing closed.

use crate::client::MODEL;
use crate::site::{KEYS, Region, loudly};
use crate::support::{Aquifer, Reply, connect, read_reply, region, request, wait_until};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A namespace with a wire to it; gone when dropped.
struct Elsewhere {
    name: String,
    wire: String,
    /// Its own address.
    address: String,
}

fn ip(arguments: &str) -> Result<(), String> {
    let said = Command::new("ip").args(arguments.split_whitespace()).output().map_err(|error| error.to_string())?;
    if said.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said.stderr).trim().to_owned()) }
}

impl Elsewhere {
    /// Needs iproute2, and the rights of the machine's owner.
    fn new() -> Result<Self, String> {
        let number = std::process::id();
        let name = format!("aquifer-{number}");
        let (here, wire) = (format!("aq{number}h"), format!("aq{number}e"));
        // A network for measurements between devices; this one has two hosts.
        let network = format!("198.18.{}", number % 250);
        ip(&format!("netns add {name}"))?;
        let elsewhere = Self { address: format!("{network}.2"), name, wire };
        let Self { name, wire, address } = &elsewhere;
        ip(&format!("link add {here} type veth peer name {wire} netns {name}"))?;
        ip(&format!("addr add {network}.1/30 dev {here}"))?;
        ip(&format!("link set {here} up"))?;
        ip(&format!("-n {name} addr add {address}/30 dev {wire}"))?;
        elsewhere.wire("up")?;
        Ok(elsewhere)
    }

    /// Takes the far end of the wire `down` or `up`.
    fn wire(&self, state: &str) -> Result<(), String> {
        ip(&format!("-n {} link set {} {state}", self.name, self.wire))
    }

    /// A simulated region there.
    fn region(&self) -> (Aquifer, SocketAddr) {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, env!("CARGO_BIN_EXE_aquifer"), "simulator", "--pace", "20ms"]);
        command.args(["--listen", &format!("{}:0", self.address)]);
        let region = Aquifer::spawn_logging_to(command, Stdio::piped());
        let address = region.address("aquifer simulator listening on ");
        (region, address)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// The first region is preferred; after two failures it is left alone for a second.
fn configuration(regions: [SocketAddr; 2]) -> String {
    let mut text = "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: route}
spec: {rules: [{backendRefs: [{name: region-0}, {name: region-1, priority: 1}]}]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: policy}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: route}]
  healthCheck: {passive: {consecutive5XxErrors: 2, baseEjectionTime: 1s}}
"
    .to_owned();
    text.extend(regions.iter().enumerate().map(|(at, address)| region(at, MODEL, *address)));
    text
}

fn body(content: &str) -> String {
    serde_json::json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": content}]}).to_string()
}

fn answered_by(gateway: &Aquifer, region: usize) -> f64 {
    let start = format!("aquifer_requests_total{{outcome=\"answered\",status=\"200\",model=\"{MODEL}\"");
    gateway.metric(&format!("{start},backend=\"default/region-{region}\"}}"))
}

fn assert_whole(reply: &Reply) {
    let whole = reply.status == 200 && reply.body.ends_with("data: [DONE]\n\n") && !reply.body.contains("\"error\"");
    assert!(whole, "{reply:?}");
}

#[test]
fn a_region_behind_a_wire_that_is_cut_and_mended() {
    let elsewhere = match Elsewhere::new() {
        Ok(elsewhere) => elsewhere,
        Err(why) => return loudly(&format!("SKIPPED: no network was taken apart: {why}")),
    };
    let (_far, first) = elsewhere.region();
    let near = Region::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, configuration([first, near.address])).unwrap();
    let limits = ["--upstream-timeout", "700ms", "--connect-timeout", "300ms"];
    let gateway = Aquifer::serve(&[&["--config", file.to_str().unwrap()], &limits[..]].concat(), &KEYS);

    assert_whole(&gateway.chat(&body("Hello?")));
    gateway.wait_for_metric("aquifer_requests_total", 1.0);
    assert!((answered_by(&gateway, 0) - 1.0).abs() < f64::EPSILON);

    // In the middle of an answer, behind its thoughts: an error at its end, when the silence was too long.
    let mut stream = connect(gateway.gateway.unwrap());
    stream.write_all(request("POST", "/v1/chat/completions", &body("[[fault:long]]")).as_bytes()).unwrap();
    let mut rest = Vec::new();
    while !String::from_utf8_lossy(&rest).contains(r#""delta":{"content":""#) {
        let mut begun = [0; 1024];
        let read = stream.read(&mut begun).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&rest));
        rest.extend_from_slice(&begun[..read]);
    }
    elsewhere.wire("down").unwrap();
    stream.read_to_end(&mut rest).unwrap();
    let reply = read_reply(&mut &rest[..]);
    let last = reply.body.strip_suffix("data: [DONE]\n\n").and_then(|rest| rest.trim_end().rsplit("\n\n").next());
    assert!(last.is_some_and(|last| last.contains("\"code\":\"upstream_timeout\"")), "{last:?}");

    // New requests, over connections that are there and over new ones.
    for _ in 0..8 {
        assert_whole(&gateway.chat(&body("Hello?")));
    }
    gateway.wait_for_metric("aquifer_requests_total", 10.0);
    assert!((answered_by(&gateway, 1) - 8.0).abs() < f64::EPSILON);
    assert!(gateway.log().contains("it is left alone"), "{}", gateway.log());

    elsewhere.wire("up").unwrap();
    let back = || {
        assert_whole(&gateway.chat(&body("Hello?")));
        answered_by(&gateway, 0) > 1.0
    };
    wait_until("the region to be called again", back, || gateway.log());
    gateway.wait_for_metric("aquifer_requests_in_flight", 0.0);
}
