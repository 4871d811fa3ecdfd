//! Secrets of a configuration, and what clients and models say, are found in no answer of the admin API.

use super::{API, answered, chat, get, say};
use crate::support::Aquifer;

const MARKER: &str = "marker-of-a-secret";

const FILE: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {apiKey: marker-of-a-secret-1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ai-gateway-config}
data: {log_level: info}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: inline}
spec: {provider: awsbedrock, config: {model: inline-model, region: us-east-1, apiKey: marker-of-a-secret-2}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: by-variable}
spec: {provider: awsbedrock, config: {model: variable-model, region: us-east-1, apiKey: "${A_KEY}"}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: route}
spec:
  rules:
    - matches: [{headers: [{name: x-ai-eg-model, value: routed}, {name: x-key, value: marker-of-a-secret-3}]}]
      backendRefs:
        - name: inline
          headerMutation: {set: [{name: x-upstream-key, value: marker-of-a-secret-4}]}
"#;

#[test]
fn no_answer_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, FILE).unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, "alice: marker-of-a-secret-6\n").unwrap();
    let arguments = ["--config", file.to_str().unwrap(), "--api-keys-file", keys.to_str().unwrap()];
    let aquifer = Aquifer::serve(&arguments, &[("A_KEY", "marker-of-a-secret-5")]);
    let paths =
        ["summary", "series", "streams", "exchanges", "routes", "backends", "config", "catalogue", "openapi.json"];
    for path in paths {
        let told = get(&aquifer, path).to_string();
        assert!(!told.contains(MARKER), "{path}: {told}");
    }
    let explained = get(&aquifer, "routes/explain?model=routed&header=x-key:marker-of-a-secret-3").to_string();
    assert!(explained.contains("default/route") && !explained.contains(MARKER), "{explained}");
    let config = get(&aquifer, "config");
    let text = config["text"].as_str().unwrap();
    assert!(text.contains("model: inline-model") && text.contains("•••• (sha256:"), "{text}");
    assert!(text.contains("apiKey: \"${A_KEY}\"") && text.contains("value: routed"), "{text}");
    assert_eq!((&config["ok"], &config["settings"]["max_body_bytes"]), (&true.into(), &(32 << 20).into()));
    assert!(config["notices"].is_array() && config["loaded_unix_ms"].as_u64().unwrap() > 0);
}

#[test]
fn a_configuration_without_files_is_told_too() {
    let aquifer = Aquifer::demo(&[]);
    let config = get(&aquifer, "config");
    let text = config["text"].as_str().unwrap();
    assert!(text.contains("default/simulator") && text.contains("every-model"), "{text}");
    assert!(!text.contains("AKIDEXAMPLE") && !text.contains("for-the-simulator-only"), "{text}");
}

#[test]
fn a_refused_configuration_is_told_until_a_right_one_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, FILE).unwrap();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[("A_KEY", "k")]);
    std::fs::write(&file, FILE.replace("kind: AIGatewayRoute", "kind: AIGatewayRout")).unwrap();
    aquifer.signal("HUP");
    aquifer.wait_for_log("the old one stays");
    let config = get(&aquifer, "config");
    let error = config["last_error"].as_str().unwrap();
    assert!(config["ok"] == false && error.contains("gateway.yaml:") && !error.contains(MARKER), "{config:#}");
    assert_eq!(get(&aquifer, "summary")["config"]["ok"], false);
    std::fs::write(&file, FILE.replace("inline-model", "newer-model")).unwrap();
    aquifer.signal("HUP");
    crate::support::wait_until("the new one", || get(&aquifer, "config")["ok"] == true, || aquifer.log());
    assert!(get(&aquifer, "config")["text"].as_str().unwrap().contains("newer-model"));
}

#[test]
fn what_clients_and_models_say_is_in_no_list() {
    let aquifer = Aquifer::demo(&[]);
    answered(&aquifer);
    let reply = chat(&aquifer, "xyzzy-prompt [[say:xyzzy-answer]]");
    assert!(reply.status == 200 && reply.body.contains("xy"), "{reply:?}");
    assert_eq!(aquifer.chat("{\"model\": \"m\", \"messages\": \"xyzzy\", \"n\": \"xyzzy\"}").status, 400);
    let ids = get(&aquifer, "exchanges");
    for row in ids["exchanges"].as_array().unwrap() {
        let path = format!("{API}exchanges/{}", row["id"].as_str().unwrap());
        let told = say(&aquifer, "GET", &path, "", "").body;
        assert!(!told.contains("xyzzy"), "{told}");
    }
    for path in ["summary", "exchanges", "backends", "streams"] {
        assert!(!get(&aquifer, path).to_string().contains("xyzzy"), "{path}");
    }
}
