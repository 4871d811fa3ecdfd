//! CountTokens: stable numbers under the rules of the request, and the models that cannot.

use crate::invoked::{body, two};
use crate::support::{Reply, Simulator, ask, refusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

fn invoke(body: &Value) -> Value {
    json!({ "input": { "invokeModel": { "body": STANDARD.encode(body.to_string()) } } })
}

fn tokens(reply: &Reply) -> u64 {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
    let counted: Value = serde_json::from_slice(&reply.bytes).unwrap();
    counted["inputTokens"].as_u64().unwrap()
}

#[tokio::test]
async fn the_count_is_what_the_answer_says_was_read() {
    let simulator = Simulator::start().await;
    for members in [json!({}), json!({ "system": "Be brief." }), json!({ "tools": two() })] {
        let asked = body("Hello, world!", members);
        let counted = tokens(&simulator.post(SONNET_4, "count-tokens", &invoke(&asked)).await);
        let answer = simulator.invoke(SONNET_4, &asked).await.unwrap();
        assert_eq!(counted, answer["usage"]["input_tokens"]);
    }
    let converse = json!({ "input": { "converse": ask("Hello, world!") } });
    let counted = tokens(&simulator.post(SONNET_4, "count-tokens", &converse).await);
    assert_eq!(
        counted,
        tokens(&simulator.post(SONNET_4, "count-tokens", &invoke(&body("Hello, world!", json!({})))).await)
    );
    assert!((8..20).contains(&counted), "{counted}");
    let with = tokens(&simulator.post(SONNET_4, "count-tokens", &invoke(&body("Hi", json!({ "tools": two() })))).await);
    assert!((350..420).contains(&with), "{with}");
}

#[tokio::test]
async fn some_cannot_count_and_rules_hold() {
    let simulator = Simulator::start().await;
    let asked = invoke(&body("Hello, world!", json!({})));
    for model in ["us.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-opus-5", "amazon.nova-pro-v1:0"] {
        let refused = refusal(&simulator.post(model, "count-tokens", &asked).await);
        assert_eq!(refused, "400 ValidationException: The provided model doesn't support counting tokens.", "{model}");
    }
    let search = json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] });
    let refused = refusal(&simulator.post(SONNET_4, "count-tokens", &invoke(&body("Hello?", search))).await);
    assert!(refused.contains("tools.0: Input tag 'web_search_20250305' found using 'type'"), "{refused}");
    let both = json!({ "input": {} });
    assert!(refusal(&simulator.post(SONNET_4, "count-tokens", &both).await).contains("must set exactly one key"));
    let throttled = invoke(&body("[[fault:throttling]]", json!({})));
    assert_eq!(simulator.post(SONNET_4, "count-tokens", &throttled).await.status, 429);
}
