//! Configurations on disk: checked, served, changed while they are served; certificates too.

use crate::support::{Aquifer, run, wait_until};
use crate::tls::{Pair, ask_over_tls, pair};
use std::fs::write;
use std::os::unix::fs::symlink;
use std::path::Path;

const GOOD: &str = "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {name: one}\n\
                    spec: {provider: awsbedrock, config: {model: amazon.nova-lite-v1:0, region: us-east-1}}\n";
const WRONG: &str = "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {name: one}\n\
                     spec: {provider: awsbedrock, config: {model: 7, region: [x]}}\n";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn check_tells_every_mistake_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, WRONG).unwrap();
    let (code, out, err) = run(&["check", text(&file)]);
    assert_eq!(code, 1, "{out}{err}");
    let mistakes: Vec<_> = out.lines().filter(|line| line.contains("gateway.yaml:4:")).collect();
    assert_eq!(mistakes.len(), 2, "{out}");
    assert!(mistakes[0].contains("spec.config"), "{out}");
    write(&file, GOOD).unwrap();
    for path in [&file, folder.path()] {
        let (code, out, err) = run(&["check", text(path)]);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("OK: 1 backend,"), "{out}");
    }
}

#[test]
fn check_shows_the_schema_of_a_kind() {
    let (code, out, err) = run(&["check", "--schema", "ReasoningPolicy"]);
    assert_eq!(code, 0, "{err}");
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(schema["title"], "ReasoningPolicy");
    let (code, out, _) = run(&["check", "--schema"]);
    assert!(code == 0 && out.contains("\"AIGatewayRoute\"") && out.contains("\"oneOf\""));
    let (code, _, err) = run(&["check", "--schema", "Pod"]);
    assert!(code == 1 && err.contains("the kinds are AIServiceBackend, AIGatewayRoute"), "{code} {err}");
}

#[test]
fn a_wrong_configuration_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, WRONG).unwrap();
    let (code, out, err) =
        run(&["serve", "--config", text(&file), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(!out.contains("listening"));
    assert_eq!(err.matches("gateway.yaml:4:").count(), 2, "{err}");
}

#[test]
fn a_change_is_taken_over_and_a_wrong_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, GOOD).unwrap();
    let aquifer = Aquifer::serve(&["--config", text(&file)], &[]);
    write(&file, WRONG).unwrap();
    aquifer.wait_for_log("the old one stays");
    assert_eq!(aquifer.log().matches("gateway.yaml:4:").count(), 2, "{}", aquifer.log());
    assert_eq!(aquifer.admin("/readyz").status, 200);
    write(&file, format!("{GOOD}---\n{}", GOOD.replace("one", "two").replace("lite", "pro"))).unwrap();
    aquifer.wait_for_log("serving 2 backends");
}

#[test]
fn a_hangup_reads_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, GOOD).unwrap();
    let aquifer = Aquifer::serve(&["--config", text(&file)], &[]);
    aquifer.signal("HUP");
    wait_until("a second `serving`", || aquifer.log().matches("serving 1 backend").count() == 2, || aquifer.log());
}

#[test]
fn a_wrong_endpoint_in_the_environment_is_named() {
    let mut started = Aquifer::spawn(
        &["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
        &[("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "nonsense"), ("AWS_REGION", "us-east-1")],
    );
    started.wait_for_log("AWS_ENDPOINT_URL_BEDROCK_RUNTIME");
    assert_eq!(started.wait(), Some(1));
}

#[test]
fn tls_by_the_command_line_with_a_certificate_that_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let (first, second) = (pair(), pair());
    write(&certificate, &first.certificate).unwrap();
    write(&key, &first.key).unwrap();
    let aquifer = Aquifer::serve(&["--tls-cert", text(&certificate), "--tls-key", text(&key)], &[]);
    assert!(ask_over_tls(&aquifer, &first.certificate).is_ok());
    assert!(ask_over_tls(&aquifer, &second.certificate).is_err());
    write(&certificate, &second.certificate).unwrap();
    write(&key, &second.key).unwrap();
    aquifer.wait_for_log("new certificate");
    assert!(ask_over_tls(&aquifer, &second.certificate).is_ok());
}

#[test]
fn half_a_pair_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    write(&certificate, pair().certificate).unwrap();
    write(&key, pair().key).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--tls-cert", text(&certificate)];
    let (code, _, err) = run(&[&arguments[..], &["--tls-key", text(&key)]].concat());
    assert_eq!(code, 1);
    assert!(err.contains("do not belong together"), "{err}");
}

#[test]
fn a_volume_of_kubernetes_is_swapped_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (version, text) in [("..v1", GOOD.to_owned()), ("..v2", format!("{GOOD}---\n{}", GOOD.replace("one", "two")))] {
        std::fs::create_dir(at(version)).unwrap();
        write(at(version).join("gateway.yaml"), text.replace("nova-lite", version.trim_matches('.'))).unwrap();
    }
    symlink("..v1", at("..data")).unwrap();
    symlink("..data/gateway.yaml", at("gateway.yaml")).unwrap();
    let aquifer = Aquifer::serve(&[], &[("AQUIFER_CONFIG", text(folder.path()))]);
    aquifer.wait_for_log("serving 1 backend");
    symlink("..v2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    aquifer.wait_for_log("serving 2 backends");
}

#[test]
fn the_configuration_sets_the_logs_level_and_the_command_line_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let log = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ai-gateway-config}\ndata: {log_level: error}\n";
    write(&file, format!("{GOOD}{log}")).unwrap();
    let quiet = Aquifer::serve(&["--config", text(&file)], &[]);
    let loud = Aquifer::serve(&["--config", text(&file), "--log-level", "info"], &[]);
    loud.wait_for_log("serving 1 backend");
    assert!(!quiet.log().contains("serving"), "{}", quiet.log());
    write(&file, GOOD).unwrap();
    quiet.wait_for_log("serving 1 backend");
}

#[test]
fn a_listener_of_the_configuration_has_its_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let (first, second) = (pair(), pair());
    write(&file, format!("{GOOD}---\n{}", listener(&first))).unwrap();
    let aquifer = Aquifer::serve(&["--config", text(&file)], &[]);
    assert!(ask_over_tls(&aquifer, &first.certificate).is_ok());
    write(&file, format!("{GOOD}---\n{}", listener(&second))).unwrap();
    wait_until("the new certificate", || ask_over_tls(&aquifer, &second.certificate).is_ok(), || aquifer.log());
}

fn listener(pair: &Pair) -> String {
    let indented = |pem: &str| pem.trim_end().replace('\n', "\n    ");
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gateway}}\nspec:\n  \
         gatewayClassName: aquifer\n  listeners:\n  - {{name: https, protocol: HTTPS, port: 8443, \
         tls: {{mode: Terminate, certificateRefs: [{{name: pair}}]}}}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: pair}}\nstringData:\n  tls.crt: |\n    {}\n  tls.key: |\n    {}\n",
        indented(&pair.certificate),
        indented(&pair.key)
    )
}

#[test]
fn what_is_no_file_is_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("gateway.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (code, _, told) = run(&["check", text(&fifo)]);
    assert!(code == 1 && told.contains("no regular file"), "{told}");
}

#[test]
fn a_configuration_that_is_empty_or_blocks_for_a_while_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    write(&file, GOOD).unwrap();
    let aquifer = Aquifer::serve(&["--config", text(&file)], &[]);
    write(&file, "").unwrap();
    aquifer.wait_for_log("the old configuration stays");
    std::fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    aquifer.signal("HUP");
    aquifer.wait_for_log("no regular file");
    assert!(aquifer.ask("GET", "/v1/models", "").body.contains("nova-lite"));
    std::fs::remove_file(&file).unwrap();
    write(&file, GOOD.replace("lite", "pro")).unwrap();
    wait_until("the new one", || aquifer.ask("GET", "/v1/models", "").body.contains("nova-pro"), || aquifer.log());
}
