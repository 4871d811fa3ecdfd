//! Inference profiles: looked up, and called.

use crate::support::{Simulator, ask, ask_with, own};
use serde_json::{Value, json};

const PROFILE: &str = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile";

#[tokio::test]
async fn a_profile_tells_its_model() {
    let simulator = Simulator::start().await;
    let found = async |identifier: &str| {
        let encoded = identifier.replace('/', "%2F").replace(':', "%3A");
        simulator.get(&format!("/inference-profiles/{encoded}")).await
    };
    let arn = format!("{PROFILE}/sim-anthropic.claude-sonnet-4-5-20250929-v1:0");
    let profile = found(&arn).await;
    let model = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(profile["models"], json!([{ "modelArn": model }]));
    assert_eq!((&profile["inferenceProfileArn"], &profile["type"]), (&json!(arn), &json!("APPLICATION")));
    assert_eq!(profile["inferenceProfileId"], "sim-anthropic.claude-sonnet-4-5-20250929-v1:0");
    let profile = found("us.anthropic.claude-opus-5-5").await;
    assert_eq!(profile["type"], "SYSTEM_DEFINED");
    assert!(
        profile["models"][0]["modelArn"].as_str().unwrap().ends_with("::foundation-model/anthropic.claude-opus-5-5")
    );
    assert_eq!(simulator.get("/simulator/lookups").await, json!([arn, "us.anthropic.claude-opus-5-5"]));
    assert_eq!(simulator.get("/simulator/requests").await, json!([]), "no call of a model");
}

#[tokio::test]
async fn an_unknown_profile_is_not_found() {
    let simulator = Simulator::start().await;
    for unknown in [
        format!("{PROFILE}%2Fabc123def456"),
        format!("{PROFILE}%2Fsim-nobodys.model"),
        "anthropic.claude-opus-5-5".to_owned(),
        "arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-5-5".to_owned(),
    ] {
        let reply = simulator.ask("GET", &format!("/inference-profiles/{unknown}"), &json!({}), true).await;
        assert_eq!((reply.status, reply.error.as_str()), (404, "ResourceNotFoundException"), "{unknown}");
    }
    let reply = simulator.ask("GET", "/inference-profiles/us.xai.grok-4.7", &json!({}), false).await;
    assert_eq!(reply.status, 403);
    let refused = simulator.converse(&format!("{PROFILE}/abc123def456"), &ask("Hello?")).await.unwrap_err();
    assert_eq!(refused, "400 ValidationException: The provided model identifier is invalid.");
}

#[tokio::test]
async fn a_profile_is_called_as_its_model() {
    let simulator = Simulator::start().await;
    let adaptive = || ask_with("Hello?", own(json!({ "thinking": { "type": "adaptive" } })));
    let model = format!("{PROFILE}/sim-anthropic.claude-opus-4-8");
    assert!(simulator.converse(&model, &adaptive()).await.unwrap().reasons());
    let model = format!("{PROFILE}/sim-amazon.nova-pro-v1:0");
    let refused = simulator.converse(&model, &adaptive()).await.unwrap_err();
    assert!(refused.contains("extraneous key [thinking]"), "{refused}");
    let seen: Value = simulator.get("/simulator/requests").await;
    assert_eq!(seen[0]["model"], format!("{PROFILE}/sim-anthropic.claude-opus-4-8"));
}
