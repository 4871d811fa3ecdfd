//! Faults that happen every so many calls, and those of the connection itself.

use crate::support::{Simulator, ask};
use serde_json::json;

const PATH: &str = "/model/amazon.nova-lite-v1%3A0/converse";

#[tokio::test]
async fn every_so_many_calls_fail() {
    let simulator = Simulator::start().await;
    let set = simulator.ask("PUT", "/simulator/faults", &json!({ "throttling": 3, "unavailable": 4 }), true).await;
    assert_eq!(set.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(simulator.ask("POST", PATH, &ask("Hello?"), true).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 503, 200, 429, 200, 503, 429, 200, 200, 503]);
    let told = simulator.get("/simulator/faults").await;
    assert_eq!((&told["calls"], &told["happened"]), (&json!(12), &json!({ "throttling": 3, "unavailable": 3 })));
    let wrong = simulator.ask("PUT", "/simulator/faults", &json!({ "nothing": 1 }), true).await;
    assert_eq!(wrong.status, 400);
    simulator.ask("PUT", "/simulator/faults", &json!({}), true).await;
    for _ in 0..5 {
        assert_eq!(simulator.ask("POST", PATH, &ask("Hello?"), true).await.status, 200);
    }
}

#[tokio::test]
async fn a_stream_comes_byte_by_byte_or_not_at_all() {
    let simulator = Simulator::start().await;
    let path = format!("{PATH}-stream");
    let dripped = simulator.ask("POST", &path, &ask("Hello? [[fault:drip]]"), true).await.bytes;
    assert!(dripped.len() > 500);
    for fault in ["cut-before-first-byte", "garbage"] {
        let bytes = simulator.ask("POST", &path, &ask(&format!("Hello? [[fault:{fault}]]")), true).await.bytes;
        assert_eq!(bytes.len(), if fault == "garbage" { 64 } else { 0 }, "{fault}");
    }
}

/// A client of the lowest kind: it sees how the connection ends.
#[tokio::test]
async fn a_reset_is_one() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let simulator = Simulator::start().await;
    for fault in ["reset", "reset-before-first-byte"] {
        let body = ask(&format!("Hello? [[fault:{fault}]]")).to_string();
        let head = format!(
            "POST {PATH}-stream HTTP/1.1\r\nhost: a\r\nauthorization: Bearer key\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = simulator.connect().await;
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{fault}");
    }
}
