//! The admin listener of a running gateway, and how the process ends.

use crate::support::{Aquifer, ask, connect};

#[test]
fn health_readiness_and_metrics() {
    let aquifer = Aquifer::serve(&[], &[]);
    assert_eq!(aquifer.admin("/healthz").status, 200);
    assert_eq!(aquifer.admin("/readyz").status, 200);
    let metrics = aquifer.admin("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.head.contains("content-type: application/openmetrics-text"), "{}", metrics.head);
    assert!(metrics.body.contains("aquifer_build_info{version="), "{}", metrics.body);
    assert!(metrics.body.ends_with("# EOF\n"));
    assert_eq!(aquifer.admin("/nothing").status, 404);
    let posted = ask(aquifer.admin.unwrap(), "POST", "/metrics", "");
    assert_eq!(posted.status, 405);
    assert!(posted.head.contains("allow: get, head"));
}

#[test]
fn either_signal_ends_an_idle_gateway_well() {
    for signal in ["TERM", "INT"] {
        let mut aquifer = Aquifer::serve(&[], &[]);
        aquifer.signal(signal);
        assert_eq!(aquifer.wait(), Some(0), "{}", aquifer.log());
        aquifer.wait_for_log("drained");
    }
}

#[test]
fn json_logs_are_json() {
    let aquifer = Aquifer::serve(&["--log-format", "json"], &[]);
    aquifer.wait_for_log("serving");
    for line in aquifer.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn what_is_refused_is_counted() {
    let aquifer = Aquifer::serve(&["--max-body", "1KiB"], &[]);
    let reply = aquifer.chat(&format!("{{\"model\": \"{}\"}}", "x".repeat(2000)));
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert!(reply.body.contains("limit of 1024 bytes"), "{reply:?}");
    aquifer.wait_for_metric("aquifer_requests_total{outcome=\"failed\"", 1.0);
}

#[test]
fn clients_that_ask_nothing_do_not_keep_others_out() {
    let aquifer = Aquifer::serve(&[], &[]);
    let _idle: Vec<_> = (0..300).map(|_| connect(aquifer.admin.unwrap())).collect();
    assert_eq!(aquifer.admin("/healthz").status, 200);
}

#[test]
fn a_gateway_with_nothing_to_serve_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let nothing = "{apiVersion: v1, kind: ConfigMap, metadata: {name: ai-gateway-config}, data: {no_backends: 'true'}}";
    std::fs::write(&file, nothing).unwrap();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[]);
    let reply = aquifer.admin("/readyz");
    assert_eq!((reply.status, reply.body.as_str()), (503, "nothing to serve\n"));
    assert_eq!(aquifer.admin("/healthz").status, 200);
}
