//! Application inference profiles: the model behind them is looked up, once, and failing that nothing is assumed.

use crate::support::{Aquifer, ask, wait_until};
use serde_json::Value;
use std::fs::write;
use std::net::SocketAddr;
use std::path::Path;

const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile";
const KNOWN: &str = "sim-anthropic.claude-sonnet-4-5-20250929-v1:0";

fn simulator() -> (Aquifer, SocketAddr) {
    let simulator = Aquifer::spawn(&["simulator", "--listen", "127.0.0.1:0"], &[]);
    let address = simulator.address("aquifer simulator listening on ");
    (simulator, address)
}

fn backend(name: &str, profile: &str, rest: &str) -> String {
    format!(
        "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {{name: {name}}}\n\
         spec: {{provider: awsbedrock, config: {{model: '{PROFILE}/{profile}', region: us-east-1{rest}}}}}\n---\n"
    )
}

fn serve(file: &Path, address: SocketAddr, arguments: &[&str], more: &[(&str, &str)]) -> Aquifer {
    let url = format!("http://{address}");
    let variables = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str()),
        ("AWS_ENDPOINT_URL_BEDROCK", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests"),
    ];
    Aquifer::serve(&[&["--config", file.to_str().unwrap()], arguments].concat(), &[&variables, more].concat())
}

/// What the simulator keeps under a path.
fn kept(address: SocketAddr, path: &str) -> Value {
    serde_json::from_str(&ask(address, "GET", path, "").body).unwrap()
}

/// Whether the model was asked to reason, when a client wanted it to.
fn asked_to_reason(aquifer: &Aquifer, address: SocketAddr, profile: &str) -> bool {
    let reply = aquifer.chat(&format!(
        r#"{{"model":"{PROFILE}/{profile}","reasoning_effort":"low","messages":[{{"role":"user","content":"Hello?"}}]}}"#
    ));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let requests = kept(address, "/simulator/requests");
    let last = requests.as_array().unwrap().last().unwrap();
    assert_eq!(last["model"], format!("{PROFILE}/{profile}"));
    !last["body"]["additionalModelRequestFields"]["thinking"].is_null()
}

#[test]
fn the_model_behind_a_profile_is_looked_up_when_that_is_wanted() {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, backend("one", KNOWN, "")).unwrap();
    let without = serve(&file, address, &[], &[]);
    assert!(!asked_to_reason(&without, address, KNOWN), "nothing is known of it");
    assert_eq!(kept(address, "/simulator/lookups"), serde_json::json!([]));
    let with = serve(&file, address, &["--resolve-inference-profiles"], &[]);
    assert!(asked_to_reason(&with, address, KNOWN));
    let by_variable = serve(&file, address, &[], &[("AQUIFER_RESOLVE_INFERENCE_PROFILES", "true")]);
    assert!(asked_to_reason(&by_variable, address, KNOWN));
    let arn = format!("{PROFILE}/{KNOWN}");
    assert_eq!(kept(address, "/simulator/lookups"), serde_json::json!([arn, arn]));
}

#[test]
fn what_is_declared_or_known_is_not_looked_up_and_a_new_one_is_when_it_comes() {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let declared = backend("told", "sim-amazon.nova-pro-v1:0", ", baseModel: amazon.nova-pro-v1:0");
    write(&file, format!("{declared}{}", backend("one", KNOWN, ""))).unwrap();
    let aquifer = serve(&file, address, &["--resolve-inference-profiles"], &[]);
    let other = "sim-anthropic.claude-haiku-4-5-20251001-v1:0";
    write(&file, format!("{declared}{}{}", backend("one", KNOWN, ""), backend("two", other, ""))).unwrap();
    aquifer.wait_for_log("serving 3 backends");
    assert!(asked_to_reason(&aquifer, address, KNOWN) && asked_to_reason(&aquifer, address, other));
    let expected = [KNOWN, other].map(|profile| format!("{PROFILE}/{profile}"));
    assert_eq!(kept(address, "/simulator/lookups"), serde_json::json!(expected), "each once");
}

#[test]
fn a_lookup_that_fails_is_told_and_hinders_nothing() {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, format!("{}{}", backend("one", "abc123def456", ""), backend("two", KNOWN, ""))).unwrap();
    let aquifer = serve(&file, address, &["--resolve-inference-profiles"], &[]);
    for words in [&format!("{PROFILE}/abc123def456"), "bedrock:GetInferenceProfile", "ResourceNotFoundException"] {
        aquifer.wait_for_log(words);
    }
    assert!(asked_to_reason(&aquifer, address, KNOWN));
    let nobody = "127.0.0.1:9".parse().unwrap();
    let unreached = serve(&file, nobody, &["--resolve-inference-profiles"], &[]);
    wait_until("two warnings", || unreached.log().matches("GetInferenceProfile").count() == 2, || unreached.log());
    assert_eq!(unreached.admin("/readyz").status, 200);
}

#[test]
fn a_bearer_key_will_do() {
    let (_simulator, address) = simulator();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, backend("one", KNOWN, ", apiKey: key")).unwrap();
    let aquifer = serve(&file, address, &["--resolve-inference-profiles"], &[]);
    assert!(asked_to_reason(&aquifer, address, KNOWN));
}
