//! Long prompts: repeated in part only, cached where they are marked; and calls that are ordered word by word.

use crate::invoked::{body, two};
use crate::support::{Reply, Simulator, ask, ask_with, tools};
use aquifer_simulator::Options;
use serde_json::{Value, json};

const SONNET_5: &str = "anthropic.claude-sonnet-5";

fn usage(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
    serde_json::from_slice::<Value>(&reply.bytes).unwrap()["usage"].clone()
}

#[tokio::test]
async fn a_marked_prefix_is_written_and_then_read_over_either_api() {
    let simulator = Simulator::start_with(Options { prompt_cache: true, ..Options::default() }).await;
    let long = "word ".repeat(2000);
    let system = json!([
        { "type": "text", "text": long, "cache_control": { "type": "ephemeral", "ttl": "1h" } },
        { "type": "text", "text": long, "cache_control": { "type": "ephemeral" } },
    ]);
    let asked = body("Hello?", json!({ "system": system }));
    let first = usage(&simulator.post(SONNET_5, "invoke", &asked).await);
    assert_eq!(
        first["cache_creation"],
        json!({ "ephemeral_1h_input_tokens": 2500, "ephemeral_5m_input_tokens": 2500 })
    );
    assert_eq!((&first["cache_creation_input_tokens"], &first["cache_read_input_tokens"]), (&json!(5000), &json!(0)));
    let point = |ttl: &str| json!({ "cachePoint": { "type": "default", "ttl": ttl } });
    let system = json!([{ "text": long }, point("1h"), { "text": long }, point("5m"), { "text": long }, point("5m")]);
    let second = usage(&simulator.post(SONNET_5, "converse", &ask_with("Hello?", json!({ "system": system }))).await);
    assert_eq!((&second["cacheReadInputTokens"], &second["cacheWriteInputTokens"]), (&json!(5000), &json!(2500)));
    assert_eq!(second["cacheDetails"], json!([{ "ttl": "5m", "inputTokens": 2500 }]));
    let other = usage(&simulator.post("anthropic.claude-opus-5", "invoke", &asked).await);
    assert_eq!(other["cache_read_input_tokens"], 0, "another model has a cache of its own");
}

#[tokio::test]
async fn short_prefixes_and_simulators_without_a_cache_cache_nothing() {
    for (words, prompt_cache) in [(10, true), (2000, false)] {
        let simulator = Simulator::start_with(Options { prompt_cache, ..Options::default() }).await;
        let control = json!({ "type": "ephemeral" });
        let system = json!([{ "type": "text", "text": "word ".repeat(words), "cache_control": control }]);
        for _ in 0..2 {
            let usage = usage(&simulator.post(SONNET_5, "invoke", &body("Hi", json!({ "system": system }))).await);
            assert_eq!(
                (&usage["cache_creation_input_tokens"], &usage["cache_read_input_tokens"]),
                (&json!(0), &json!(0))
            );
        }
    }
}

#[tokio::test]
async fn only_the_end_of_long_words_is_repeated() {
    let simulator = Simulator::start_with(Options { echo: Some(20), ..Options::default() }).await;
    let asked = ask(&format!("{}and then the end.", "word ".repeat(1000)));
    let answer = simulator.converse("openai.gpt-oss-120b-1:0", &asked).await.unwrap();
    let said = answer.content[1]["text"].as_str().unwrap();
    assert!(said.starts_with("You asked: \"rd and then the end.\""), "{said}");
    let thought = answer.content[0]["reasoningContent"]["reasoningText"]["text"].as_str().unwrap();
    assert!(thought.starts_with("The user says: \"rd and then the end.\""), "{thought}");
}

#[tokio::test]
async fn calls_are_ordered_word_by_word() {
    let simulator = Simulator::start().await;
    let text = r#"Go. [[call:alpha {"city": "Bern"}]] [[call:beta {"city": "Rome"}]]"#;
    let offered = tools();
    let names: Vec<_> = offered["tools"].as_array().unwrap().iter().map(|tool| &tool["toolSpec"]["name"]).collect();
    let text = text.replace("alpha", names[0].as_str().unwrap()).replace("beta", names[1].as_str().unwrap());
    let answer = simulator.converse(SONNET_5, &ask_with(&text, json!({ "toolConfig": offered }))).await.unwrap();
    let inputs: Vec<_> = answer.content.iter().filter_map(|block| block["toolUse"].get("input")).collect();
    assert_eq!(
        (inputs, answer.stop.as_str()),
        (vec![&json!({ "city": "Bern" }), &json!({ "city": "Rome" })], "tool_use")
    );
}

#[tokio::test]
async fn an_operator_may_speak_behind_a_result() {
    let simulator = Simulator::start().await;
    let mut asked = body("What is the weather?", json!({ "tools": two() }));
    let first = simulator.invoke("anthropic.claude-opus-5", &asked).await.unwrap();
    let call = first["content"].as_array().unwrap().last().unwrap();
    let result = json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "18 C" });
    asked["messages"].as_array_mut().unwrap().extend([
        json!({ "role": "assistant", "content": first["content"] }),
        json!({ "role": "user", "content": [result] }),
        json!({ "role": "system", "content": "Be brief." }),
    ]);
    let second = simulator.invoke("anthropic.claude-opus-5", &asked).await.unwrap();
    assert_eq!(second["stop_reason"], "end_turn", "{second}");
}

#[tokio::test]
async fn safeguards_tell_of_each_call() {
    let simulator = Simulator::start().await;
    let asked = |text: &str| {
        let safeguards = json!([{ "type": "dangerous_tool_use", "classifier_context": {} }]);
        let betas = json!(["dangerous-tool-use-2026-09-03"]);
        body(text, json!({ "tools": two(), "safeguards": safeguards, "anthropic_beta": betas }))
    };
    for (text, outcome) in [("What is the weather?", "not_flagged"), ("[[fault:flagged]] The weather?", "flagged")] {
        let answer = simulator.invoke("anthropic.claude-opus-5", &asked(text)).await.unwrap();
        let call = answer["content"].as_array().unwrap().last().unwrap();
        let results = &answer["safeguard_results"][0];
        let verdict = &results["status"]["tool_uses"][call["id"].as_str().unwrap()];
        assert_eq!((&results["type"], &verdict["outcome"]), (&json!("dangerous_tool_use"), &json!(outcome)));
    }
    let answer = simulator.invoke("anthropic.claude-opus-5", &body("[[say:Yes]]?", json!({}))).await.unwrap();
    assert_eq!((&answer["content"][1]["text"], answer.get("safeguard_results")), (&json!("Yes"), None));
}
