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

#[tokio::test]
async fn profiles_are_listed_in_pages() {
    let simulator = Simulator::start().await;
    let all = simulator.get("/inference-profiles?type=SYSTEM_DEFINED").await;
    let all = all["inferenceProfileSummaries"].as_array().unwrap();
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let page = simulator.get(&format!("/inference-profiles?maxResults=50{token}")).await;
        paged.extend(page["inferenceProfileSummaries"].as_array().unwrap().clone());
        let Some(next) = page["nextToken"].as_str() else { break };
        token = format!("&nextToken={next}");
    }
    assert_eq!(&paged, all);
    for profile in all.iter().step_by(20) {
        let id = profile["inferenceProfileId"].as_str().unwrap();
        assert_eq!(&simulator.get(&format!("/inference-profiles/{}", id.replace(':', "%3A"))).await, profile);
    }
    let none = simulator.get("/inference-profiles?type=APPLICATION").await;
    assert_eq!(none["inferenceProfileSummaries"], json!([]));
    for wrong in ["type=ALL", "maxResults=0", "nextToken=x"] {
        let reply = simulator.ask("GET", &format!("/inference-profiles?{wrong}"), &json!({}), true).await;
        assert_eq!((reply.status, reply.error.as_str()), (400, "ValidationException"), "{wrong}");
    }
    assert_eq!(simulator.ask("GET", "/inference-profiles", &json!({}), false).await.status, 403);
}

#[tokio::test]
async fn the_profiles_are_those_of_the_catalogue() {
    let simulator = Simulator::start().await;
    let listed = simulator.get("/inference-profiles").await;
    let listed = listed["inferenceProfileSummaries"].as_array().unwrap();
    let mut ids: Vec<_> = listed.iter().map(|profile| profile["inferenceProfileId"].as_str().unwrap()).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../translate/src/catalogue/models.json");
    let catalogue: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut known = Vec::new();
    for model in catalogue["models"].as_array().unwrap() {
        let geographies = model["profiles"].as_array().into_iter().flatten();
        let id = model["id"].as_str().unwrap();
        known.extend(geographies.map(|geography| format!("{}.{id}", geography.as_str().unwrap())));
    }
    ids.sort_unstable();
    known.sort_unstable();
    assert_eq!(ids, known);
}
