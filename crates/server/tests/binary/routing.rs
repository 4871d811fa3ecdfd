//! The examples about routing, run: weights as they are drawn, another backend for an ill one, a stream that falls silent.

use crate::support::{Aquifer, Reply};
use std::net::{SocketAddr, TcpListener};

/// Serves an example with these texts replaced: hosts of AWS by simulators.
fn serve(example: &str, replaced: &[(&str, &str)]) -> Aquifer {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).unwrap();
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "for-the-simulator-only"),
        ("ELSEWHERE_API_KEY", "a-key"),
    ];
    Aquifer::serve(&["--config", file.to_str().unwrap()], &variables)
}

fn simulator(arguments: &[&str]) -> (Aquifer, SocketAddr) {
    let all = [&["simulator", "--listen", "127.0.0.1:0", "--pace", "0ms"], arguments].concat();
    let simulator = Aquifer::spawn(&all, &[]);
    let address = simulator.address("aquifer simulator listening on ");
    (simulator, address)
}

fn fqdn(host: &str) -> String {
    format!("fqdn: {{hostname: {host}, port: 443}}")
}

fn at(address: SocketAddr) -> String {
    format!("ip: {{address: {}, port: {}}}", address.ip(), address.port())
}

const VIRGINIA: &str = "bedrock-runtime.us-east-1.amazonaws.com";
const OREGON: &str = "bedrock-runtime.us-west-2.amazonaws.com";

fn ask(gateway: &Aquifer, model: &str, stream: bool, content: &str) -> Reply {
    let messages = serde_json::json!([{"role": "user", "content": content}]);
    gateway.chat(&serde_json::json!({"model": model, "stream": stream, "messages": messages}).to_string())
}

fn answered_by(gateway: &Aquifer, backend: &str) -> f64 {
    let text = gateway.admin("/metrics").body;
    let lines = text.lines().filter(|line| line.starts_with("aquifer_requests_total{outcome=\"answered\""));
    let of_backend = lines.filter(|line| line.contains(&format!("backend=\"default/{backend}\"")));
    of_backend.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

#[test]
fn requests_are_split_as_the_weights_say() {
    let (virginia, oregon) = (simulator(&[]), simulator(&[]));
    let replaced = [(fqdn(VIRGINIA), at(virginia.1)), (fqdn(OREGON), at(oregon.1))];
    let replaced: Vec<_> = replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let gateway = serve("traffic-splitting.yaml", &replaced);
    for _ in 0..400 {
        assert_eq!(ask(&gateway, "assistant", false, "Hi").status, 200);
    }
    gateway.wait_for_metric("aquifer_requests_total{outcome=\"answered\"", 400.0);
    // Three of four, give or take six standard deviations.
    let first = answered_by(&gateway, "virginia");
    assert!((248.0..=352.0).contains(&first), "{first}");
    assert!((first + answered_by(&gateway, "oregon") - 400.0).abs() < f64::EPSILON);
    let models: serde_json::Value = serde_json::from_str(&gateway.ask("GET", "/v1/models", "").body).unwrap();
    assert_eq!((&models["data"][0]["id"], &models["data"][0]["owned_by"]), (&"assistant".into(), &"example".into()));
}

#[test]
fn another_service_answers_for_a_bedrock_that_throttles_or_is_not_there() {
    let throttled = simulator(&["--fault", "throttling=1"]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = Aquifer::demo(&[]);
    for bedrock in [throttled.1, nobody] {
        let (first, second) = (at(bedrock), at(elsewhere.gateway.unwrap()));
        let hosts = (fqdn(VIRGINIA), fqdn("llm.example.com"));
        let gateway = serve("provider-fallback.yaml", &[(&hosts.0, &first), (&hosts.1, &second)]);
        let whole = ask(&gateway, "assistant", false, "Hi");
        assert!(whole.status == 200 && whole.body.contains("\"finish_reason\""), "{whole:?}");
        let streamed = ask(&gateway, "assistant", true, "Hi");
        assert!(streamed.status == 200 && streamed.body.ends_with("data: [DONE]\n\n"), "{streamed:?}");
        gateway.wait_for_metric("aquifer_requests_total{outcome=\"answered\"", 2.0);
        assert!((answered_by(&gateway, "elsewhere") - 2.0).abs() < f64::EPSILON);
    }
}

#[test]
fn another_region_is_asked_when_the_first_is_slow() {
    let (stalled, well) = (simulator(&["--fault", "stall-before-first-byte=1"]), simulator(&[]));
    let replaced = [(fqdn(VIRGINIA), at(stalled.1)), (fqdn(OREGON), at(well.1))];
    let mut replaced: Vec<_> = replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    replaced.push(("hedge-after: 2s", "hedge-after: 50ms"));
    let gateway = serve("hedging.yaml", &replaced);
    // Much more often than second calls alone would be allowed: a region that is overtaken again and again rests.
    for _ in 0..10 {
        let reply = ask(&gateway, "assistant", true, "Hi");
        assert!(reply.status == 200 && reply.body.ends_with("data: [DONE]\n\n"), "{reply:?}");
    }
    gateway.wait_for_metric("aquifer_requests_total{outcome=\"answered\"", 10.0);
    assert!((answered_by(&gateway, "oregon") - 10.0).abs() < f64::EPSILON);
    assert!(gateway.metric("aquifer_hedges_total{result=\"won\"}") >= 5.0, "{}", gateway.admin("/metrics").body);
    let streams = || crate::support::ask(stalled.1, "GET", "/simulator/streams", "").body;
    crate::support::wait_until("the slow calls to be dropped", || streams().contains("\"open\":0"), streams);
}

#[test]
fn a_stream_that_falls_silent_ends_with_an_error() {
    let simulated = simulator(&[]);
    let (from, to) = (fqdn(VIRGINIA), at(simulated.1));
    let replaced = [(from.as_str(), to.as_str()), ("streamIdleTimeout: 30s", "streamIdleTimeout: 300ms")];
    let gateway = serve("stream-idle-timeout.yaml", &replaced);
    let model = "us.anthropic.claude-opus-4-8";
    let silent = ask(&gateway, model, true, "Hi [[fault:stall]]");
    assert_eq!(silent.status, 200, "{silent:?}");
    let last = silent.body.trim_end().rsplit("\n\n").nth(1).unwrap();
    assert!(last.contains("\"code\":\"upstream_timeout\"") && last.contains("300ms"), "{last}");
    let before = ask(&gateway, model, true, "Hi [[fault:stall-before-first-byte]]");
    assert!(before.status == 504 && before.body.contains("\"code\":\"upstream_timeout\""), "{before:?}");
    assert_eq!(ask(&gateway, model, true, "Hi").status, 200);
    assert_eq!(ask(&gateway, "amazon.nova-lite-v1:0", true, "Hi").status, 404, "the whole id must match");
}
