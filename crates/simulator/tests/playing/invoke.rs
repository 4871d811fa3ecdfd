//! InvokeModel for Claude: the rules of its own body, its answers, its thoughts on their way back, and its faults.

use crate::invoked::{body, two, types};
use crate::support::{Simulator, ask_with, kinds, own};
use serde_json::{Value, json};

const HAIKU_3: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const SONNET_3_7: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const HAIKU_4_5: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const OPUS_4_6: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "us.anthropic.claude-opus-4-7";
const OPUS_4_8: &str = "us.anthropic.claude-opus-4-8";
const OPUS_5: &str = "us.anthropic.claude-opus-5";
const OPUS_5_5: &str = "global.anthropic.claude-opus-5-5";

/// A model, the members of the body, and whether it thinks, or the whole of the refusal.
type Row = (&'static str, Value, Result<bool, &'static str>);

async fn play(rows: Vec<Row>) {
    let simulator = Simulator::start().await;
    for (model, members, expected) in rows {
        let case = format!("{model} {members}");
        match (simulator.invoke(model, &body("Hello?", members)).await, expected) {
            (Ok(answer), Ok(thinks)) => assert_eq!(types(&answer).contains(&"thinking"), thinks, "{case}"),
            (Err(refused), Err(words)) => assert_eq!(refused, format!("400 ValidationException: {words}"), "{case}"),
            (seen, expected) => panic!("{case}: {seen:?} instead of {expected:?}"),
        }
    }
}

fn budget(tokens: u64) -> Value {
    json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } })
}

fn adaptive() -> Value {
    json!({ "thinking": { "type": "adaptive", "display": "summarized" } })
}

#[tokio::test]
async fn the_top_of_the_body() {
    let newest = || json!({ "anthropic_version": "2026-10-21" });
    let null = |name: &str| json!({ name: null });
    play(vec![
        (HAIKU_3, json!({}), Ok(false)),
        (SONNET_4, json!({ "metadata": { "user_id": "u" }, "stop_sequences": ["END"], "top_k": 5 }), Ok(false)),
        (SONNET_4, json!({ "model": "claude" }), Err("model: Extra inputs are not permitted")),
        (SONNET_4, json!({ "stream": true }), Err("stream: Extra inputs are not permitted")),
        (OPUS_5, json!({ "cache_control": {} }), Err("cache_control: Extra inputs are not permitted")),
        (OPUS_5, json!({ "speed": "fast" }), Err("speed: Extra inputs are not permitted")),
        (SONNET_4, null("max_tokens"), Err("max_tokens: Field required")),
        (SONNET_4, json!({ "max_tokens": 0 }), Err("max_tokens: Input should be greater than or equal to 1")),
        (SONNET_4, null("anthropic_version"), Err("anthropic_version: Field required")),
        (OPUS_4_6, newest(), Err("anthropic_version: Input should be 'bedrock-2023-05-31'")),
        (OPUS_4_7, newest(), Ok(false)),
        (SONNET_4, json!({ "temperature": 1.5 }), Err("temperature: range: 0..1")),
        (SONNET_4, json!({ "anthropic_beta": ["files-api-2025-04-14"] }), Err("invalid beta flag")),
        (SONNET_4, json!({ "anthropic_beta": ["interleaved-thinking-2025-05-14"] }), Ok(false)),
        (OPUS_4_6, json!({ "anthropic_beta": ["claude-code-20250219"] }), Ok(false)),
        (OPUS_4_7, json!({ "anthropic_beta": ["claude-code-20250219"] }), Err("invalid beta flag")),
        (OPUS_4_6, json!({ "anthropic_beta": ["thinking-token-count-2026-05-13"] }), Err("invalid beta flag")),
        (OPUS_5, json!({ "safeguards": [] }), Err("safeguards: Extra inputs are not permitted")),
        (OPUS_5, json!({ "safeguards": [], "anthropic_beta": ["dangerous-tool-use-2026-09-03"] }), Ok(true)),
        (OPUS_5, json!({ "context_management": {} }), Err("context_management: Extra inputs are not permitted")),
        (
            OPUS_5,
            json!({
                "context_management": { "edits": [{ "type": "clear_thinking_20251015", "keep": "all" }] },
                "anthropic_beta": ["context-management-2025-06-27"],
            }),
            Ok(true),
        ),
        (OPUS_5, json!({ "messages": [] }), Err("messages: at least one message is required")),
        ("amazon.nova-pro-v1:0", json!({}), Err("Only the models of Anthropic are simulated behind InvokeModel.")),
    ])
    .await;
}

#[tokio::test]
async fn thinking_and_sampling_follow_the_rules_of_converse_in_the_models_words_alone() {
    let effort = |level: &str| json!({ "output_config": { "effort": level } });
    let format = json!({ "output_config": { "format": { "type": "json_schema", "schema": { "type": "object" } } } });
    let forced = |more: Value| {
        let mut members = json!({ "tools": two(), "tool_choice": { "type": "any" } });
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        members
    };
    let shown = json!({ "thinking": { "type": "enabled", "budget_tokens": 1024, "display": "omitted" } });
    let mut cool = budget(1024);
    cool["temperature"] = json!(0.5);
    play(vec![
        (SONNET_3_7, budget(1024), Ok(true)),
        (HAIKU_4_5, budget(1024), Ok(true)),
        (HAIKU_3, budget(1024), Err("thinking: Extra inputs are not permitted")),
        (SONNET_4, budget(1000), Err("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")),
        (SONNET_4, budget(4096), Err("`max_tokens` must be greater than `thinking.budget_tokens`.")),
        (SONNET_4, adaptive(), Err("thinking.adaptive.display: Extra inputs are not permitted")),
        (SONNET_4, shown, Err("thinking.enabled.display: Extra inputs are not permitted")),
        (
            SONNET_4,
            json!({ "thinking": { "type": "adaptive" } }),
            Err("adaptive thinking is not supported on this model"),
        ),
        (
            OPUS_5,
            budget(1024),
            Err("\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \
                 \"output_config.effort\" to control thinking behavior."),
        ),
        (OPUS_4_6, json!({ "thinking": { "type": "adaptive" } }), Ok(true)),
        (OPUS_4_8, json!({}), Ok(false)),
        (OPUS_5_5, json!({}), Ok(true)),
        (OPUS_5, effort("high"), Ok(true)),
        (SONNET_4, effort("high"), Err("output_config: Extra inputs are not permitted")),
        (HAIKU_4_5, effort("high"), Err("This model does not support the effort parameter.")),
        (HAIKU_4_5, format, Ok(false)),
        (
            OPUS_5,
            json!({ "output_config": { "task_budget": {} } }),
            Err("output_config.task_budget: Extra inputs are not permitted"),
        ),
        (SONNET_4, cool, Err("`temperature` may only be set to 1 when thinking is enabled.")),
        (
            HAIKU_4_5,
            json!({ "temperature": 0.5, "top_p": 0.9 }),
            Err("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        ),
        (OPUS_5, json!({ "temperature": 0.5 }), Err("`temperature` is deprecated for this model.")),
        (SONNET_4, forced(json!({})), Ok(false)),
        (SONNET_4, forced(budget(1024)), Err("Thinking may not be enabled when tool_choice forces tool use.")),
        (OPUS_5_5, forced(json!({})), Err("tool_choice: type \"tool\" and \"any\" are not supported for this model.")),
    ])
    .await;
}

#[tokio::test]
async fn the_tools_of_the_body() {
    let tool = |name: &str, value: Value| {
        let mut tool = two()[0].clone();
        tool[name] = value;
        json!({ "tools": [tool] })
    };
    let search = json!({ "type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex" });
    let mut searched = tool("defer_loading", json!(true));
    searched["tools"].as_array_mut().unwrap().push(search);
    searched["anthropic_beta"] = json!(["tool-search-tool-2025-10-19"]);
    play(vec![
        (SONNET_4, json!({ "tools": [{ "type": "bash_20250124", "name": "bash" }] }), Ok(false)),
        (
            SONNET_4,
            json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
            Err(
                "tools.0: Input tag 'web_search_20250305' found using 'type' does not match any of the expected tags: \
                 'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'",
            ),
        ),
        (OPUS_5, searched, Ok(true)),
        (
            OPUS_5,
            tool("defer_loading", json!(true)),
            Err("tools.0.custom.defer_loading: Extra inputs are not permitted"),
        ),
        (OPUS_5, tool("input_schema", json!({})), Err("tools.0.custom.input_schema.type: Field required")),
        (
            SONNET_4,
            json!({ "tools": two(), "tool_choice": { "type": "tool", "name": "other" } }),
            Err("Tool 'other' not found in provided tools"),
        ),
        (SONNET_4, json!({ "tools": [two()[0], two()[0]] }), Err("tools: Tool names must be unique.")),
    ])
    .await;
}

/// A question of these blocks.
fn said(blocks: Value) -> Value {
    json!({ "messages": [{ "role": "user", "content": blocks }] })
}

fn many(count: usize, block: &Value) -> Value {
    std::iter::repeat_n(block.clone(), count).collect()
}

#[tokio::test]
async fn where_cache_control_may_stand() {
    let cached = |control: Value| json!({ "type": "text", "text": "Hi", "cache_control": control });
    let (short, long) = (json!({ "type": "ephemeral" }), json!({ "type": "ephemeral", "ttl": "1h" }));
    play(vec![
        (HAIKU_4_5, said(json!([cached(long.clone()), cached(short.clone())])), Ok(false)),
        (
            HAIKU_4_5,
            said(json!([cached(short.clone()), cached(long.clone())])),
            Err(
                "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' \
                 cache_control block. Note that blocks are processed in the following order: `tools`, `system`, \
                 `messages`.",
            ),
        ),
        (
            SONNET_4,
            said(json!([cached(long)])),
            Err("messages.0.content.0.cache_control.ephemeral.ttl: Extra inputs are not permitted"),
        ),
        (
            HAIKU_4_5,
            json!({ "system": [cached(json!({ "type": "ephemeral", "scope": "global" }))] }),
            Err("system.0.cache_control.ephemeral.scope: Extra inputs are not permitted"),
        ),
        (
            HAIKU_4_5,
            said(many(5, &cached(short))),
            Err("A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_blocks_of_a_message() {
    let image = |source: Value| json!({ "type": "image", "source": source });
    let png = |data: &str| image(json!({ "type": "base64", "media_type": "image/png", "data": data }));
    let pdf = json!({ "type": "base64", "media_type": "application/pdf", "data": "AAAA" });
    let pdf = json!({ "type": "document", "source": pdf });
    let system = json!({ "messages": [
        { "role": "user", "content": "Hello?" }, { "role": "system", "content": "Be brief." },
    ] });
    play(vec![
        (
            HAIKU_4_5,
            said(json!([image(json!({ "type": "url", "url": "https://example.com/a.png" }))])),
            Err("messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any of the expected \
                 tags: 'base64'"),
        ),
        (HAIKU_4_5, said(many(20, &png("AAAA"))), Ok(false)),
        (HAIKU_4_5, said(many(21, &png("AAAA"))), Err("messages.0.content: Too many images: 21 > 20")),
        (
            HAIKU_4_5,
            said(json!([png("?")])),
            Err("messages.0.content.0.image.source.base64.data: Invalid base64 data"),
        ),
        (HAIKU_4_5, said(many(5, &pdf)), Ok(false)),
        (
            HAIKU_4_5,
            said(many(6, &pdf)),
            Err("messages.0.content: a message holds at most 5 documents, and this one 6."),
        ),
        (
            HAIKU_4_5,
            said(json!([])),
            Err("messages.0: all messages must have non-empty content except for the optional final assistant message"),
        ),
        (
            HAIKU_4_5,
            said(json!([{ "type": "text", "text": "" }])),
            Err("messages: text content blocks must be non-empty"),
        ),
        (
            HAIKU_4_5,
            said(json!([{ "type": "text", "text": " " }])),
            Err("messages: text content blocks must contain non-whitespace text"),
        ),
        (
            HAIKU_4_5,
            said(json!([{ "type": "thinking", "thinking": "Hm.", "signature": "c2ln" }])),
            Err("messages.0: `thinking` blocks can only be in `assistant` messages"),
        ),
        (HAIKU_4_5, system.clone(), Err("messages.1.role: Input should be 'user' or 'assistant'")),
        (OPUS_4_8, system, Ok(false)),
    ])
    .await;
}

#[tokio::test]
async fn calls_and_results_come_in_pairs() {
    let call = |id: &str| json!({ "type": "tool_use", "id": id, "name": "get_weather", "input": { "city": "Paris" } });
    let result = |id: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": "18 C" });
    let text = || json!({ "type": "text", "text": "So?" });
    let talk = |calls: Value, results: Vec<Value>| {
        let mut messages =
            vec![json!({ "role": "user", "content": "Weather?" }), json!({ "role": "assistant", "content": calls })];
        messages.extend(results.into_iter().map(|content| json!({ "role": "user", "content": content })));
        json!({ "tools": two(), "messages": messages })
    };
    let unanswered =
        Err("messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a. Each \
         `tool_use` block must have a corresponding `tool_result` block in the next message.");
    play(vec![
        (HAIKU_4_5, talk(json!([call("a"), call("b")]), vec![json!([result("a")]), json!([result("b"), text()])]), Ok(false)),
        (HAIKU_4_5, talk(json!([call("a")]), vec![json!([text(), result("a")])]), unanswered),
        (HAIKU_4_5, talk(json!([call("a")]), vec![]), unanswered),
        (
            HAIKU_4_5,
            talk(json!([text()]), vec![json!([result("a")])]),
            Err("messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a. Each `tool_result` block \
                 must have a corresponding `tool_use` block in the previous message."),
        ),
        (
            HAIKU_4_5,
            talk(json!([call("a"), call("a")]), vec![json!([result("a")])]),
            Err("messages.1.content.1: `tool_use` ids must be unique"),
        ),
        (
            HAIKU_4_5,
            talk(json!([{ "type": "tool_use", "id": "a", "name": "get_weather", "input": [] }]), vec![]),
            Err("messages.1.content.0.tool_use.input: Input should be a valid dictionary"),
        ),
        (
            HAIKU_4_5,
            talk(json!([{ "type": "thinking", "thinking": "Hm.", "signature": "c2ln" }, text()]), vec![json!([text()])]),
            Err("messages.1.content.0: Invalid `signature` in `thinking` block"),
        ),
        (
            HAIKU_4_5,
            talk(json!([{ "type": "thinking", "thinking": "Hm.", "signature": "" }, text()]), vec![json!([text()])]),
            Err("messages.1.content.0.thinking.signature: Field required"),
        ),
    ])
    .await;
}

/// The next request of a loop: the answer, and a result of every call.
fn answered(request: &Value, answer: &Value) -> Value {
    let mut next = request.clone();
    let calls = answer["content"].as_array().unwrap().iter().filter(|block| block["type"] == "tool_use");
    let results: Vec<_> =
        calls.map(|call| json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "18 C" })).collect();
    let messages = next["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": answer["content"] }));
    messages.push(json!({ "role": "user", "content": results }));
    next
}

#[tokio::test]
async fn a_loop_keeps_its_thoughts() {
    let simulator = Simulator::start().await;
    for (model, mut members) in [(SONNET_4, budget(1024)), (OPUS_5, adaptive()), (OPUS_5_5, json!({}))] {
        members["tools"] = two();
        let first = body("What is the weather?", members);
        let answer = simulator.invoke(model, &first).await.unwrap();
        assert_eq!(types(&answer), ["thinking", "text", "tool_use"], "{model}");
        assert_eq!(answer["stop_reason"], "tool_use");
        let next = answered(&first, &answer);
        let last = simulator.invoke(model, &next).await.unwrap();
        assert_eq!(last["stop_reason"], "end_turn", "{model}");
        let mut altered = next.clone();
        altered["messages"][1]["content"][0]["thinking"] = json!("Something else.");
        let refused = simulator.invoke(model, &altered).await.unwrap_err();
        assert_eq!(
            refused, "400 ValidationException: messages.1.content.0: Invalid `signature` in `thinking` block",
            "{model}"
        );
        let mut lost = next;
        lost["messages"][1]["content"].as_array_mut().unwrap().remove(0);
        match simulator.invoke(model, &lost).await {
            Err(refused) => assert!(model == SONNET_4 && refused.contains("but found `text`"), "{model}: {refused}"),
            Ok(answer) => assert!(model != SONNET_4 && types(&answer) == ["text"], "{model}"),
        }
    }
}

#[tokio::test]
async fn a_thought_of_converse_is_known_to_invoke() {
    let simulator = Simulator::start().await;
    let asked = ask_with("Hello?", own(json!({ "thinking": { "type": "adaptive", "display": "summarized" } })));
    let thought = &simulator.converse(OPUS_5_5, &asked).await.unwrap().content[0]["reasoningContent"]["reasoningText"];
    let invoked = simulator.invoke(OPUS_5_5, &body("Hello?", adaptive())).await.unwrap();
    assert_eq!(invoked["content"][0]["thinking"], thought["text"]);
    assert_eq!(invoked["content"][0]["signature"], thought["signature"]);
}

#[tokio::test]
async fn redacted_thoughts_come_whole_and_go_back() {
    let simulator = Simulator::start().await;
    let first = body("[[fault:redacted]] the weather", {
        let mut members = budget(1024);
        members["tools"] = two();
        members
    });
    let answer = simulator.invoke(SONNET_4, &first).await.unwrap();
    assert_eq!(types(&answer)[0], "redacted_thinking");
    let next = answered(&first, &answer);
    simulator.invoke(SONNET_4, &next).await.unwrap();
    let mut altered = next;
    altered["messages"][1]["content"][0]["data"] = json!("c2ln");
    let refused = simulator.invoke(SONNET_4, &altered).await.unwrap_err();
    assert!(refused.ends_with("messages.1.content.0: Invalid `data` in `redacted_thinking` block"), "{refused}");
}

#[tokio::test]
async fn faults_are_those_of_converse() {
    let simulator = Simulator::start().await;
    let of =
        async |fault: &str| simulator.invoke_stream(OPUS_5_5, &body(&format!("[[fault:{fault}]]"), adaptive())).await;
    assert_eq!(
        of("throttling").await.unwrap_err(),
        "429 ThrottlingException: Too many tokens, please wait before trying again."
    );
    assert_eq!(of("validation").await.unwrap_err(), "400 ValidationException: simulated");
    let seen = of("first-frame-exception:modelTimeoutException").await.unwrap();
    assert_eq!(kinds(&seen), ["modelTimeoutException"]);
    for (fault, last) in [
        ("mid-stream-exception", "modelStreamErrorException"),
        ("abort-mid-block:throttlingException", "throttlingException"),
        ("cut", "broken"),
        ("bad-crc", "broken"),
        ("garbage", "broken"),
        ("malformed-json", "broken"),
        ("eof", "content_block_stop"),
        ("no-metadata", "message_delta"),
        ("drip", "message_stop"),
    ] {
        let seen = of(fault).await.unwrap();
        assert_eq!(*kinds(&seen).last().unwrap(), last, "{fault}: {:?}", kinds(&seen));
    }
    for (fault, kind) in [("unknown-event", "something_new"), ("unknown-block", "content_block_delta")] {
        let seen = of(fault).await.unwrap();
        let at = if fault == "unknown-event" { 1 } else { 2 };
        assert_eq!(seen[at].as_ref().unwrap().0, kind);
        assert_eq!(*kinds(&seen).last().unwrap(), "message_stop");
    }
    let refused = simulator.invoke(OPUS_5_5, &body("[[fault:refusal]]", adaptive())).await.unwrap();
    assert_eq!(refused["stop_reason"], "refusal");
}

#[tokio::test]
async fn a_guardrail_stands_in_the_headers() {
    let simulator = Simulator::start().await;
    let headers = [
        ("authorization", "Bearer key"),
        ("x-amzn-bedrock-guardrailidentifier", "g1"),
        ("x-amzn-bedrock-guardrailversion", "1"),
        ("x-amzn-bedrock-trace", "ENABLED"),
    ];
    for (text, action) in [("Hello?", "NONE"), ("[[fault:guardrail]]", "INTERVENED")] {
        let path = format!("/model/{HAIKU_3}/invoke");
        let reply = simulator.send("POST", &path, &body(text, json!({})), &headers).await;
        let answer: Value = serde_json::from_slice(&reply.bytes).unwrap();
        assert_eq!(
            (&answer["amazon-bedrock-guardrailAction"], &answer["stop_reason"]),
            (&json!(action), &json!("end_turn"))
        );
        assert!(answer["amazon-bedrock-trace"]["guardrail"].is_object(), "{answer}");
    }
}

#[tokio::test]
async fn what_goes_wrong_by_itself_goes_wrong_here_too() {
    let simulator = Simulator::start().await;
    simulator.ask("PUT", "/simulator/faults", &json!({ "throttling": 2 }), true).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(simulator.post(HAIKU_3, "invoke", &body("Hello?", json!({}))).await.status);
        simulator.post(HAIKU_3, "count-tokens", &json!({ "input": { "converse": {} } })).await;
    }
    assert_eq!(seen, [200, 429, 200, 429], "counts are no calls of a model");
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() {
    let simulator = Simulator::start().await;
    let words = "400 ValidationException: Malformed input request, please reformat your input and try again.";
    for wrong in [json!([]), json!("text"), json!(1)] {
        assert_eq!(simulator.invoke(HAIKU_3, &wrong).await.unwrap_err(), words);
    }
    for members in [
        json!({ "messages": {} }),
        json!({ "messages": [1] }),
        json!({ "messages": [{ "role": "user", "content": [null] }] }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": 1 }] }] }),
        json!({ "tools": [1] }),
        json!({ "tools": {} }),
        json!({ "system": 1 }),
        json!({ "tool_choice": [] }),
        json!({ "anthropic_beta": "all" }),
        json!({ "max_tokens": "many" }),
        json!({ "temperature": "hot" }),
    ] {
        let refused = simulator.invoke(HAIKU_4_5, &body("Hello?", members.clone())).await.unwrap_err();
        assert!(refused.starts_with("400 ValidationException: "), "{members}: {refused}");
    }
}

#[tokio::test]
async fn a_limit_and_a_stop_sequence_are_told() {
    let simulator = Simulator::start().await;
    let short = simulator.invoke(HAIKU_3, &body("Hello?", json!({ "max_tokens": 1 }))).await.unwrap();
    assert_eq!((&short["stop_reason"], &short["content"][0]["text"]), (&json!("max_tokens"), &json!("You")));
    let stopped = body("Hello?", json!({ "stop_sequences": ["simulated"] }));
    let stopped = simulator.invoke(HAIKU_3, &stopped).await.unwrap();
    assert_eq!((&stopped["stop_reason"], &stopped["stop_sequence"]), (&json!("stop_sequence"), &json!("simulated")));
    assert_eq!(stopped["model"], "claude-3-haiku-20240307");
    assert_eq!(simulator.invoke(OPUS_4_6, &body("Hi", json!({}))).await.unwrap()["model"], "claude-opus-4-6");
}
