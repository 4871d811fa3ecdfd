//! What becomes of odd requests on their way to a backend that takes them as they are.

use super::*;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::dialect::openai_chat::request::read_head;
use aquifer_translate::model::reasoning::Effort;
use serde_json::{Value, json};

fn sent_under(body: &str, model_id: &str, policy: &ReasoningPolicy) -> Outgoing {
    let body = Bytes::from(body.to_owned());
    relayed(&body, &read_head(&body, &aquifer_translate::limits::Limits::default()).unwrap(), model_id, policy, "v1")
        .unwrap()
}

fn sent(body: &str, model_id: &str) -> String {
    let sent = sent_under(body, model_id, &ReasoningPolicy::default());
    assert!(sent.warnings.is_empty());
    String::from_utf8(sent.body.to_vec()).unwrap()
}

#[test]
fn only_the_models_name_changes() {
    let body = Bytes::from_static(b"{\"n\": 2,\n \"model\" : \"a\", \"stream\":true, \"x\":[1e2]}");
    let head = read_head(&body, &aquifer_translate::limits::Limits::default()).unwrap();
    let sent = |model_id, prefix| relayed(&body, &head, model_id, &ReasoningPolicy::default(), prefix).unwrap();
    let same = sent("a", "v1");
    assert_eq!((same.path.as_str(), same.stream, &same.body), ("/v1/chat/completions", true, &body));
    let other = sent("b\"", "/openai/v1/");
    assert_eq!(other.path, "/openai/v1/chat/completions");
    assert_eq!(other.body, "{\"n\": 2,\n \"model\" : \"b\\\"\", \"stream\":true, \"x\":[1e2]}");
    assert_eq!(sent("a", "/").path, "/chat/completions");
}

#[test]
fn what_could_be_read_in_two_ways_is_sent_in_one() {
    for (body, expected) in [
        ("\u{feff}{\"model\":\"a\", \"x\":1}", r#"{"model":"a", "x":1}"#),
        (r#"{"model":"b","x":1,"model":"a"}"#, r#"{"x":1,"model":"a"}"#),
        (r#"{"mod\u0065l":"b","stream":false,"model":"a","stream":true}"#, r#"{"model":"a","stream":true}"#),
        (r#"{"extra_body":{"model":"a","x":1}, "y":2}"#, r#"{"y":2,"model":"a","x":1}"#),
        (r#"{"model":"a","extra_body":{"model":"b","x":1,"x":2}}"#, r#"{"model":"a","x":2}"#),
        (r#"{"model":"a","extra_body":{"extra_body":{"x":1}}}"#, r#"{"model":"a"}"#),
        (r#"{"model":"a","extra_body":null}"#, r#"{"model":"a","extra_body":null}"#),
        (r#"{"m":"\ud83e","mod\u0065l":"\u0061"}"#, r#"{"m":"\ud83e","mod\u0065l":"\u0061"}"#),
    ] {
        assert_eq!(sent(body, "a"), expected, "{body}");
    }
    assert_eq!(sent(r#"{"model":"a\ud83e"}"#, "a\u{fffd}"), "{\"model\":\"a\u{fffd}\"}");
    assert_eq!(sent(r#"{"mod\u0065l":"a"}"#, "b"), r#"{"mod\u0065l":"b"}"#);
}

#[test]
fn the_backend_is_told_the_model_and_the_stream_that_were_read() {
    arbtest::arbtest(|u| {
        let members = [
            r#""model":"a""#,
            r#""mod\u0065l":"b""#,
            r#""model":"\ud83e""#,
            r#""stream":true"#,
            r#""stream":false"#,
            r#""stream":null"#,
            r#""extra_body":{"model":"c","stream":true}"#,
            r#""extra_body":null"#,
            r#""x":[{"model":"no"}]"#,
        ];
        let mut said = Vec::new();
        for _ in 0..u.int_in_range(0..=6)? {
            said.push(*u.choose(&members)?);
        }
        let body = Bytes::from(format!("{}{{{}}}", u.choose(&["", "\u{feff}", " "])?, said.join(", ")));
        let Ok(head) = read_head(&body, &aquifer_translate::limits::Limits::default()) else { return Ok(()) };
        let policy = ReasoningPolicy { most_effort: Some(Effort::Low), ..ReasoningPolicy::default() };
        let sent = relayed(&body, &head, &head.model, &policy, "v1").unwrap();
        let again: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(again["model"], head.model.as_ref(), "{body:?}");
        assert_eq!(again["stream"].as_bool().unwrap_or_default(), head.stream, "{body:?}");
        Ok(())
    })
    .budget_ms(300);
}

/// What is sent of these fields under limits, and the fields of which a warning tells.
fn limited(fields: &Value, most_effort: Option<Effort>, most_budget: Option<u32>) -> (Value, Vec<String>) {
    let mut body = fields.clone();
    body["model"] = json!("a");
    let policy = ReasoningPolicy { most_effort, most_budget, ..ReasoningPolicy::default() };
    let sent = sent_under(&body.to_string(), "a", &policy);
    let mut sent_fields: Value = serde_json::from_slice(&sent.body).unwrap();
    sent_fields.as_object_mut().unwrap().remove("model");
    (
        sent_fields,
        sent.warnings.into_iter().map(|warning| Dialect::OpenAiChat.path(&warning.field).into_owned()).collect(),
    )
}

#[test]
fn an_effort_beyond_the_limit_is_lowered_wherever_it_is_asked_for() {
    for (field, pointer, path) in [
        (json!({"reasoning_effort": "high"}), "/reasoning_effort", "reasoning_effort"),
        (json!({"reasoning": {"effort": "xhigh", "summary": "auto"}}), "/reasoning/effort", "reasoning.effort"),
        (json!({"output_config": {"effort": "max"}}), "/output_config/effort", "output_config.effort"),
        (json!({"reasoning_effort": "HIGH"}), "/reasoning_effort", "reasoning_effort"),
        (json!({"reasoning_effort": "ultra"}), "/reasoning_effort", "reasoning_effort"),
        (json!({"reasoning_effort": 99}), "/reasoning_effort", "reasoning_effort"),
        (json!({"extra_body": {"reasoning_effort": "high"}}), "/reasoning_effort", "reasoning_effort"),
        (
            json!({"chat_template_kwargs": {"reasoning_effort": "high"}}),
            "/chat_template_kwargs/reasoning_effort",
            "chat_template_kwargs.reasoning_effort",
        ),
        (
            json!({"additionalModelRequestFields": {"output_config": {"effort": "max"}}}),
            "/additionalModelRequestFields/output_config/effort",
            "additionalModelRequestFields.output_config.effort",
        ),
        (
            json!({"google": {"thinkingConfig": {"thinkingLevel": "high"}}}),
            "/google/thinkingConfig/thinkingLevel",
            "google.thinkingConfig.thinkingLevel",
        ),
    ] {
        let (sent, warned) = limited(&field, Some(Effort::Low), None);
        assert_eq!(sent.pointer(pointer), Some(&json!("low")), "{sent}");
        assert_eq!(warned, [path]);
        let unlimited = limited(&field, None, None).1;
        assert!(unlimited.is_empty());
    }
    for within in [
        json!({"reasoning_effort": "low"}),
        json!({"reasoning_effort": "minimal"}),
        json!({"reasoning_effort": "none"}),
        json!({"reasoning_effort": null}),
        json!({"tools": [{"function": {"name": "f", "parameters": {"effort": "high"}}}], "metadata": {"effort": "high"}}),
        json!({"messages": [{"effort": "high"}]}),
    ] {
        assert_eq!(limited(&within, Some(Effort::Low), Some(1024)), (within, Vec::new()));
    }
}

#[test]
fn a_budget_beyond_the_limit_is_lowered_wherever_it_is_asked_for() {
    for (field, pointer) in [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 50000}}), "/thinking/budget_tokens"),
        (json!({"reasoning": {"max_tokens": 50000}}), "/reasoning/max_tokens"),
        (json!({"thinking_budget": 50000.5}), "/thinking_budget"),
        (json!({"thinking_budget": "50000"}), "/thinking_budget"),
        (json!({"google": {"thinking_config": {"thinking_budget": -1}}}), "/google/thinking_config/thinking_budget"),
        (
            json!({"additional_model_request_fields": {"thinking": {"budget_tokens": 9000}}}),
            "/additional_model_request_fields/thinking/budget_tokens",
        ),
    ] {
        for (effort, budget, most) in [(None, Some(2000), 2000), (Some(Effort::Low), None, 2048)] {
            let (sent, warned) = limited(&field, effort, budget);
            assert_eq!(sent.pointer(pointer), Some(&json!(most)), "{sent}");
            assert_eq!(warned.len(), 1);
        }
    }
    let answers = json!({"max_tokens": 50000, "max_completion_tokens": 50000, "thinking": {"budget_tokens": 2000}});
    assert_eq!(limited(&answers, None, Some(2000)), (answers.clone(), Vec::new()), "an answer is no thought");
    let (body, warnings) = {
        let policy = ReasoningPolicy { most_budget: Some(2000), ..ReasoningPolicy::default() };
        let doubled = r#"{"model":"a","thinking":{"budget_tokens":1,"budget_t\u006fkens":1e999}, "x" : 1 }"#;
        let sent = sent_under(doubled, "a", &policy);
        (sent.body, sent.warnings)
    };
    assert_eq!(body, r#"{"model":"a","thinking":{"budget_tokens":1,"budget_t\u006fkens":2000}, "x" : 1 }"#);
    assert_eq!(warnings.len(), 1);
}
