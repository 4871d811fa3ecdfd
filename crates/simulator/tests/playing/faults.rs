//! The faults that concern reasoning, and the scripts around them.

use crate::support::{Simulator, ask, ask_with, kinds, own, tools};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const OPUS_5_5: &str = "anthropic.claude-opus-5-5";
const GPT: &str = "openai.gpt-6-sol";

fn thinking(text: &str) -> Value {
    ask_with(text, own(json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } })))
}

/// The deltas of one kind of reasoning in a stream.
async fn deltas(simulator: &Simulator, model: &str, body: &Value, kind: &str) -> Vec<String> {
    let events = simulator.stream(model, body).await.unwrap();
    let deltas = events.iter().flatten().map(|(_, payload)| &payload["delta"]["reasoningContent"][kind]);
    deltas.filter_map(|delta| delta.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn signatures_and_redacted_contents_come_in_pieces() {
    let simulator = Simulator::start().await;
    assert_eq!(deltas(&simulator, SONNET_4, &thinking("Hello?"), "signature").await.len(), 1);
    let body = thinking("[[fault:split-signature]]");
    assert!(deltas(&simulator, SONNET_4, &body, "signature").await.len() > 2);
    let whole = simulator.converse(SONNET_4, &body).await.unwrap();
    let mut again = body.clone();
    let turns = again["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": whole.content }));
    turns.push(json!({ "role": "user", "content": [{ "text": "And?" }] }));
    simulator.converse(SONNET_4, &again).await.unwrap();
    for model in [SONNET_4, GPT] {
        let body = if model == GPT { ask("[[fault:split-redacted]]") } else { thinking("[[fault:split-redacted]]") };
        let parts = deltas(&simulator, model, &body, "redactedContent").await;
        assert!(parts.len() > 2, "{parts:?}");
        let (_, but_last) = parts.split_last().unwrap();
        assert!(but_last.iter().all(|part| STANDARD.decode(part).unwrap().len() % 3 != 0), "{parts:?}");
        simulator.converse(model, &body).await.unwrap();
    }
}

#[tokio::test]
async fn the_block_of_gpt_never_ends() {
    let simulator = Simulator::start().await;
    let events = simulator.stream(GPT, &ask("[[fault:multi-block]]")).await.unwrap();
    let of = |wanted: &str| -> Vec<u64> {
        let found = events.iter().flatten().filter(|(kind, _)| kind == wanted);
        found.map(|(_, payload)| payload["contentBlockIndex"].as_u64().unwrap()).collect()
    };
    let mut begun = of("contentBlockDelta");
    begun.dedup();
    assert_eq!((begun, of("contentBlockStop")), (vec![0, 1, 2, 3], vec![2, 3]));
}

#[tokio::test]
async fn a_thought_is_cut_off_before_its_signature() {
    let simulator = Simulator::start().await;
    for (body, before) in [
        (thinking("[[fault:abort-mid-block]]"), "contentBlockDelta"),
        (ask("[[fault:abort-mid-block:throttlingException]]"), "messageStart"),
    ] {
        let model = if before == "messageStart" { OPUS_5_5 } else { SONNET_4 };
        let events = simulator.stream(model, &body).await.unwrap();
        let kinds = kinds(&events);
        assert!(kinds.last().unwrap().ends_with("Exception"), "{kinds:?}");
        assert_eq!(kinds[kinds.len() - 2], before);
        assert!(!kinds.contains(&"contentBlockStop"), "{kinds:?}");
    }
    assert!(deltas(&simulator, SONNET_4, &thinking("[[fault:abort-mid-block]]"), "signature").await.is_empty());
}

#[tokio::test]
async fn thoughts_are_shown_hidden_or_left_without_text() {
    let simulator = Simulator::start().await;
    let shown = async |model: &str, text: &str, fields: Value| {
        let answer = simulator.converse(model, &ask_with(text, own(fields))).await.unwrap();
        let thought = answer.content[0]["reasoningContent"]["reasoningText"].clone();
        assert!(thought["signature"].is_string(), "{thought}");
        thought["text"] != ""
    };
    let display = |display: &str| json!({ "thinking": { "type": "adaptive", "display": display } });
    assert!(!shown(OPUS_5_5, "Hello?", json!({})).await);
    assert!(shown(OPUS_5_5, "Hello?", display("summarized")).await);
    assert!(shown("anthropic.claude-sonnet-4-6", "Hello?", json!({ "thinking": { "type": "adaptive" } })).await);
    assert!(!shown("anthropic.claude-opus-4-7", "Hello?", display("omitted")).await);
    assert!(!shown(OPUS_5_5, "[[fault:signature-only]]", display("summarized")).await);
    let unsigned = simulator.converse("openai.gpt-oss-20b-1:0", &ask("[[fault:signature-only]]")).await.unwrap();
    assert_ne!(unsigned.content[0]["reasoningContent"]["reasoningText"]["text"], "", "nothing but a text to show");
    let nova = json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } });
    let answer = simulator.converse("amazon.nova-2-lite-v1:0", &ask_with("Hello?", own(nova))).await.unwrap();
    assert_eq!(answer.content[0]["reasoningContent"], json!({ "reasoningText": { "text": "[REDACTED]" } }));
}

#[tokio::test]
async fn refusals_that_depend_on_what_is_still_asked() {
    let simulator = Simulator::start().await;
    let schema = json!({ "type": "json_schema", "structure": { "jsonSchema": { "schema": "{\"type\":\"object\"}" } } });
    let form = |text: &str| ask_with(text, json!({ "outputConfig": { "textFormat": schema } }));
    let refused = simulator.converse(SONNET_4, &form("[[fault:no-schema]]")).await.unwrap_err();
    assert!(refused.contains("output_config.format: structured output is not supported"), "{refused}");
    simulator.converse(SONNET_4, &form("Hello?")).await.unwrap();
    simulator.converse(SONNET_4, &ask("[[fault:no-schema]]")).await.unwrap();
    for (model, asked, other, words) in [
        (
            OPUS_5_5,
            json!({ "output_config": { "effort": "max" } }),
            json!({ "output_config": { "effort": "xhigh" } }),
            "effort level 'max'. Supported levels: high, low, medium, xhigh.",
        ),
        (GPT, json!({ "reasoning": { "effort": "max" } }), json!({}), "'reasoning.effort' does not support 'max'"),
    ] {
        let body = |fields: &Value| ask_with("[[fault:no-effort:max]]", own(fields.clone()));
        let refused = simulator.converse(model, &body(&asked)).await.unwrap_err();
        assert!(refused.starts_with("400 ValidationException: ") && refused.contains(words), "{refused}");
        simulator.converse(model, &body(&other)).await.unwrap();
    }
}

#[tokio::test]
async fn thoughts_that_are_refused_however_good_they_are() {
    let simulator = Simulator::start().await;
    let mut body = thinking("What is the weather? [[fault:invalid-thinking]]");
    body["toolConfig"] = tools();
    let answer = simulator.converse(SONNET_4, &body).await.unwrap();
    let result = json!({ "toolResult": { "toolUseId": "tooluse_1_0", "content": [{ "text": "18 C" }] } });
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": answer.content }));
    turns.push(json!({ "role": "user", "content": [result] }));
    let refused = simulator.converse(SONNET_4, &body).await.unwrap_err();
    assert!(refused.contains("messages.1.content.0: Invalid `signature` in `thinking` block"), "{refused}");
    body["messages"][1]["content"].as_array_mut().unwrap().remove(0);
    body["additionalModelRequestFields"] = json!({});
    let answer = simulator.converse(SONNET_4, &body).await.unwrap();
    assert_eq!(answer.content[0]["text"], "The tool says: 18 C. That is all there is to know.");
}

#[tokio::test]
async fn thoughts_between_tags() {
    let simulator = Simulator::start().await;
    let said = async |model: &str, body: Value| {
        let answer = simulator.converse(model, &body).await.unwrap();
        assert!(!answer.reasons(), "{answer:?}");
        answer.content[0]["text"].as_str().unwrap().to_owned()
    };
    let with_tools = |text: &str| ask_with(text, json!({ "toolConfig": tools() }));
    let text = said("amazon.nova-pro-v1:0", with_tools("What is the weather?")).await;
    assert!(text.starts_with("<thinking>") && text.contains("</thinking>\n\nI will look that up."), "{text}");
    assert!(!said("amazon.nova-pro-v1:0", ask("Hello?")).await.contains("<thinking>"));
    let open = said("amazon.nova-pro-v1:0", with_tools("Hello? [[fault:unclosed-tag]]")).await;
    assert!(open.starts_with("<thinking>") && !open.contains("</thinking>"), "{open}");
    let text = said("openai.gpt-oss-120b-1:0", ask("Hello? [[fault:inline-tags]]")).await;
    assert!(text.starts_with("<reasoning>") && text.contains("</reasoning>\n\nYou asked"), "{text}");
    let open = said("openai.gpt-oss-120b-1:0", ask("Hello? [[fault:unclosed-tag]]")).await;
    assert!(open.starts_with("<reasoning>") && !open.contains("</reasoning>"), "{open}");
}

#[tokio::test]
async fn calls_in_the_text_and_reasons_that_do_not_fit() {
    let simulator = Simulator::start().await;
    let body =
        |fault: &str| ask_with(&format!("What is the weather? [[fault:{fault}]]"), json!({ "toolConfig": tools() }));
    for (model, token) in [
        ("moonshot.kimi-k2-thinking", "<|tool_call_begin|>functions.get_weather:"),
        ("openai.gpt-oss-120b-1:0", "<|channel|>commentary to=functions.get_weather "),
        ("qwen.qwen3-32b-v1:0", "<function=get_weather>"),
        ("deepseek.v3.2", "<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"),
        ("zai.glm-5", "<tool_call>get_weather\n<arg_key>"),
        ("minimax.minimax-m2", "<minimax:tool_call>\n<invoke name=\"get_weather\">"),
        ("mistral.mistral-large-2407-v1:0", "[TOOL_CALLS]get_weather[ARGS]{"),
    ] {
        let answer = simulator.converse(model, &body("calls-in-text")).await.unwrap();
        let text = answer.content.last().unwrap()["text"].as_str().unwrap();
        assert!(text.starts_with(token) && answer.stop == "end_turn", "{answer:?}");
    }
    assert_eq!(simulator.converse(SONNET_4, &body("wrong-stop")).await.unwrap().stop, "end_turn");
    assert_eq!(simulator.converse(SONNET_4, &ask("Hello? [[fault:wrong-stop]]")).await.unwrap().stop, "tool_use");
    assert_eq!(simulator.converse(SONNET_4, &ask("Hello? [[fault:refusal]]")).await.unwrap().stop, "refusal");
}

#[tokio::test]
async fn steps_and_their_ids() {
    let simulator = Simulator::start().await;
    let mut body = ask_with("Do it in two steps.", json!({ "toolConfig": tools() }));
    for (turn, name) in [(1, "get_weather"), (3, "get_time")] {
        let answer = simulator.converse(SONNET_4, &body).await.unwrap();
        let call = &answer.content.last().unwrap()["toolUse"];
        let id = format!("tooluse_{turn}_0");
        assert_eq!((call["toolUseId"].as_str(), call["name"].as_str()), (Some(id.as_str()), Some(name)));
        let result = json!({ "toolResult": { "toolUseId": id, "content": [{ "text": name }] } });
        let turns = body["messages"].as_array_mut().unwrap();
        turns.push(json!({ "role": "assistant", "content": answer.content }));
        turns.push(json!({ "role": "user", "content": [result] }));
    }
    let answer = simulator.converse(SONNET_4, &body).await.unwrap();
    assert_eq!(answer.content[0]["text"], "The tool says: get_time. That is all there is to know.");
}

#[tokio::test]
async fn parts_of_the_models_own_answer() {
    let simulator = Simulator::start().await;
    let paths = |paths: Value| json!({ "additionalModelResponseFieldPaths": paths });
    let mut body = thinking("Hello?");
    body["additionalModelResponseFieldPaths"] =
        json!(["/usage/output_tokens_details", "/delta/stop_sequence", "/none"]);
    let answer = simulator.converse(SONNET_4, &body).await.unwrap();
    let tokens = answer.fields["usage"]["output_tokens_details"]["thinking_tokens"].as_u64().unwrap();
    assert!(tokens > 0 && tokens < answer.usage["outputTokens"].as_u64().unwrap(), "{answer:?}");
    assert_eq!(answer.fields["delta"], json!({ "stop_sequence": null }));
    let reply = simulator.ask("POST", &format!("/model/{OPUS_5_5}/converse"), &body, true).await;
    assert_eq!(reply.status, 400, "a budget");
    body["additionalModelRequestFields"] = json!({});
    let reply = simulator.ask("POST", &format!("/model/{OPUS_5_5}/converse"), &body, true).await;
    let whole: Value = serde_json::from_slice(&reply.bytes).unwrap();
    let hidden = &whole["additionalModelResponseFields"]["usage"]["output_tokens_details"]["thinking_tokens"];
    assert!(hidden.as_u64().unwrap() > 0, "{whole}");
    for model in [GPT, "amazon.nova-lite-v1:0", "anthropic.claude-3-5-sonnet-20241022-v2:0"] {
        let body = ask_with("Hello?", paths(json!(["/usage/output_tokens_details"])));
        assert_eq!(simulator.converse(model, &body).await.unwrap().fields, Value::Null, "{model}");
    }
    simulator.converse(SONNET_4, &ask_with("Hello?", paths(json!(vec!["/a"; 10])))).await.unwrap();
    for wrong in [json!(vec!["/a"; 11]), json!(["usage"]), json!([""]), json!([3]), json!("/usage")] {
        let refused = simulator.converse(SONNET_4, &ask_with("Hello?", paths(wrong))).await.unwrap_err();
        assert!(refused.contains("additionalModelResponseFieldPaths"), "{refused}");
    }
}
