//! What each endpoint of the admin API answers, after exchanges that went well and one that failed.

use super::{API, answered, code, get, say};
use crate::support::{Aquifer, region, wait_until};
use serde_json::{Value, json};

/// A demo that has answered two chats and one in Messages, and refused one for its value and one by Bedrock.
fn used() -> Aquifer {
    let aquifer = Aquifer::demo(&[]);
    answered(&aquifer);
    answered(&aquifer);
    let messages = json!({
        "model": "us.anthropic.claude-opus-4-6-v1", "max_tokens": 2000, "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": "Hello?"}],
    });
    assert_eq!(aquifer.ask("POST", "/v1/messages", &messages.to_string()).status, 200);
    assert_eq!(aquifer.chat("{\"model\": \"m\", \"messages\": \"no\"}").status, 400);
    let failing = aquifer.chat(&crate::streams::chat_body("[[fault:validation]]"));
    assert!(failing.status >= 400, "{failing:?}");
    wait_until("five exchanges", || rows(&aquifer, "").len() == 5, String::new);
    aquifer
}

fn page(aquifer: &Aquifer, query: &str) -> Value {
    get(aquifer, &format!("exchanges{query}"))
}

fn rows(aquifer: &Aquifer, query: &str) -> Vec<Value> {
    page(aquifer, query)["exchanges"].as_array().unwrap().clone()
}

fn has_members(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "`{member}` is missing in {value:#}");
    }
}

#[test]
fn exchanges_are_listed_the_newest_first() {
    let aquifer = used();
    let all = rows(&aquifer, "");
    for row in &all {
        has_members(
            row,
            &[
                "id",
                "at_unix_ms",
                "dialect",
                "operation",
                "stream",
                "caller",
                "model",
                "model_id",
                "backend",
                "route",
                "rule",
                "status",
                "outcome",
                "fault",
                "first_reasoning_ms",
                "first_content_ms",
                "duration_ms",
                "tokens",
                "usage",
                "cost_usd",
                "attempts",
                "warnings",
                "source",
            ],
        );
    }
    let [failed, refused, message, chat, _] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (&failed["outcome"], &refused["status"], &refused["tokens"]),
        (&"failed".into(), &400.into(), &Value::Null)
    );
    assert!(failed["fault"].is_string() && failed["attempts"][0]["result"] == "failed", "{failed:#}");
    assert_eq!((&message["dialect"], &chat["dialect"]), (&"anthropic_messages".into(), &"openai_chat".into()));
    assert_eq!(
        (&chat["outcome"], &chat["usage"], &chat["source"]),
        (&"answered".into(), &"reported".into(), &"client".into())
    );
    assert_eq!(chat["attempts"], json!([{"backend": "default/simulator", "result": "answered", "status": 200}]));
    has_members(&chat["tokens"], &["input", "cache_read", "cache_write", "output", "reasoning"]);
    let cost = chat["cost_usd"].as_str().unwrap();
    assert!(cost.starts_with("0.00") && cost.parse::<f64>().unwrap() > 0.0, "{cost}");
    assert!(chat["first_content_ms"].as_f64().unwrap() <= chat["duration_ms"].as_f64().unwrap());
}

#[test]
fn exchanges_are_filtered_and_turned_over_page_by_page() {
    let aquifer = used();
    let all = rows(&aquifer, "");
    for (query, count) in [
        ("?q=outcome:failed", 2),
        ("?q=status:400%20model:m%20-model:claude", 1),
        ("?q=dialect:messages", 1),
        ("?q=sonnet+outcome:answered", 2),
        ("?q=dur:%3E10m", 0),
        ("?q=backend:simulator&limit=2", 2),
        ("?limit=1000", 5),
    ] {
        assert_eq!(rows(&aquifer, query).len(), count, "{query}");
    }
    let first = page(&aquifer, "?limit=2");
    let next = first["next"].as_str().unwrap();
    assert_eq!(next, all[1]["id"]);
    let second = page(&aquifer, &format!("?limit=2&before={next}"));
    assert_eq!(second["exchanges"][0]["id"], all[2]["id"]);
    let last = page(&aquifer, &format!("?limit=2&before={}", second["next"].as_str().unwrap()));
    assert_eq!((last["exchanges"].as_array().unwrap().len(), &last["next"]), (1, &Value::Null));
    assert_eq!(page(&aquifer, "?before=nobody"), json!({"exchanges": [], "next": null}));
    for wrong in ["?q=status:abc", "?q=outcome:lost", "?q=dur:soon", "?limit=0", "?limit=x"] {
        let reply = say(&aquifer, "GET", &format!("{API}exchanges{wrong}"), "", "");
        assert_eq!((reply.status, code(&reply).as_str()), (400, "invalid_value"), "{wrong}");
    }
}

#[test]
fn an_exchange_is_told_whole_without_its_content() {
    let aquifer = used();
    let all = rows(&aquifer, "?q=outcome:answered");
    let whole = get(&aquifer, &format!("exchanges/{}", all[0]["id"].as_str().unwrap()));
    has_members(
        &whole,
        &[
            "fault_message",
            "reasoning_end_ms",
            "thinking_ms",
            "longest_gap_ms",
            "overhead_ms",
            "told_bytes",
            "stop_reason",
            "finish_reason",
            "hedges",
            "amended",
            "costs",
            "estimated_cost_usd",
            "cost_unknown",
            "warnings",
            "cached",
        ],
    );
    assert!(whole["asked"]["body_bytes"].as_u64().unwrap() > 50 && whole["asked"]["max_tokens"] == 2000, "{whole:#}");
    has_members(&whole["turns"], &["kept", "restored", "missed"]);
    has_members(&whole["cost_parts"], &["input_usd", "cache_read_usd", "cache_write_usd", "output_usd"]);
    let attempt = &whole["attempts"][0];
    has_members(
        attempt,
        &[
            "backend",
            "model_id",
            "provider",
            "region",
            "why",
            "result",
            "effort",
            "started_ms",
            "sent_ms",
            "first_byte_ms",
            "ended_ms",
            "status",
            "upstream_request_id",
            "fault",
            "tokens",
            "cost_usd",
        ],
    );
    assert_eq!(
        (&attempt["why"], &attempt["provider"], &attempt["region"]),
        (&"first".into(), &"aws.bedrock".into(), &"us-east-1".into())
    );
    assert!(attempt["started_ms"].as_f64().unwrap() <= attempt["ended_ms"].as_f64().unwrap());
    let failed = rows(&aquifer, "?q=outcome:failed");
    let whole = get(&aquifer, &format!("exchanges/{}", failed[0]["id"].as_str().unwrap()));
    assert!(whole["fault_message"].is_string() && whole["attempts"][0]["fault"].is_string(), "{whole:#}");
    let reply = say(&aquifer, "GET", "/admin/api/v1/exchanges/nobody", "", "");
    assert_eq!((reply.status, code(&reply).as_str()), (404, "not_found"));
}

#[test]
fn the_summary_and_the_series_count_what_happened() {
    let aquifer = used();
    let summary = get(&aquifer, "summary");
    has_members(&summary, &["version", "started_unix_ms", "now_unix_ms", "in_flight", "usd_per_hour", "draining"]);
    assert_eq!((&summary["config"]["ok"], &summary["in_flight"]), (&true.into(), &0.into()));
    let minute = &summary["minute"];
    assert_eq!((&minute["requests"], &minute["failed"], &minute["abandoned"]), (&5.into(), &2.into(), &0.into()));
    assert!(
        minute["first_content_ms"]["p50"].as_f64().unwrap() > 0.0 && minute["tokens"]["output"].as_u64().unwrap() > 0
    );
    assert!(minute["requests_per_s"].as_f64().unwrap() > 0.0 && minute["cost_usd"].is_string());
    assert_eq!(
        (&summary["top_models"][0]["model"], &summary["top_models"][0]["requests"]),
        (&"us.anthropic.claude-sonnet-4-6".into(), &2.into())
    );
    assert_eq!(summary["top_faults"].as_array().unwrap().len(), 2, "{summary:#}");
    for (window, step, steps) in [("", 1, 900), ("?window=15m", 1, 900), ("?window=24h", 60, 1440)] {
        let series = get(&aquifer, &format!("series{window}"));
        assert_eq!(series["step_s"], step);
        assert!(series["end_unix_ms"].as_u64().unwrap() >= summary["now_unix_ms"].as_u64().unwrap());
        let sum = |column: &str| -> f64 {
            let values = series["columns"][column].as_array().unwrap_or_else(|| panic!("{column}"));
            assert_eq!(values.len(), steps, "{column}");
            values.iter().filter_map(Value::as_f64).sum()
        };
        assert_eq!((sum("answered"), sum("failed"), sum("abandoned")), (3.0, 2.0, 0.0));
        assert!(sum("cost_usd") > 0.0 && sum("input_tokens") > 0.0 && sum("output_tokens") > 0.0);
        assert!(sum("first_content_p50_ms") > 0.0 && sum("first_reasoning_p95_ms") > 0.0);
        assert!(
            sum("first_content_p95_ms") > 0.0 && sum("first_reasoning_p50_ms") > 0.0 && sum("reasoning_tokens") >= 0.0
        );
    }
}

#[test]
fn routes_and_backends_are_told_and_explained() {
    let simulator = Aquifer::demo(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    let route = "---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: by-model}
spec:
  rules:
    - name: fast
      matches: [{headers: [{name: x-ai-eg-model, value: fast}, {name: x-tenant, value: hidden-value}]}]
      backendRefs: [{name: region-1, modelNameOverride: us.amazon.nova-2-lite-v1:0, weight: 3}]
    - matches: [{headers: [{name: x-ai-eg-model, value: fast}]}]
      backendRefs: [{name: region-1}]
";
    std::fs::write(&file, region(1, "us.anthropic.claude-sonnet-4-6", simulator.gateway.unwrap()) + route).unwrap();
    let aquifer = Aquifer::serve(&["--config", file.to_str().unwrap()], &[]);
    let routes = get(&aquifer, "routes");
    let rule = &routes["routes"][0]["rules"][0];
    assert_eq!((&routes["routes"][0]["name"], &rule["name"]), (&"default/by-model".into(), &"fast".into()));
    assert_eq!(rule["matches"][0], "model = fast and x-tenant = ••••");
    assert_eq!(
        rule["backends"][0],
        json!({"name": "default/region-1", "weight": 3, "priority": 0, "model": "us.amazon.nova-2-lite-v1:0"})
    );
    assert!(rule["precedence"].as_str().unwrap().contains("2 header conditions"), "{rule:#}");
    assert!(routes["models"].as_array().unwrap().iter().any(|model| model["name"] == "fast"), "{routes:#}");
    assert!(!routes.to_string().contains("hidden-value"));
    let explained = get(&aquifer, "routes/explain?model=fast&header=x-tenant:hidden-value");
    assert_eq!((&explained["rule"]["name"], &explained["rule"]["route"]), (&"fast".into(), &"default/by-model".into()));
    assert!(explained["why"].as_str().unwrap().contains("goes before default/by-model rule 1"), "{explained:#}");
    let explained = get(&aquifer, "routes/explain?model=fast");
    assert_eq!((&explained["rule"]["number"], &explained["rule"]["name"]), (&1.into(), &Value::Null));
    let explained = get(&aquifer, "routes/explain?model=us.anthropic.claude-sonnet-4-6&path=/v1/messages");
    assert!(explained["rule"].is_null() && explained["backend"] == "default/region-1", "{explained:#}");
    let explained = get(&aquifer, "routes/explain?model=nothing");
    assert!(explained["rule"].is_null() && explained["why"].as_str().unwrap().contains("nothing"), "{explained:#}");
    assert_eq!(say(&aquifer, "GET", "/admin/api/v1/routes/explain?header=nonsense", "", "").status, 400);
    let backend = &get(&aquifer, "backends")["backends"][0];
    assert_eq!(
        (&backend["name"], &backend["state"], &backend["open_calls"]),
        (&"default/region-1".into(), &"ok".into(), &0.into())
    );
    assert_eq!((&backend["region"], &backend["provider"]), (&"us-east-1".into(), &"aws.bedrock".into()));
    assert_eq!(backend["endpoint"], format!("http://{}", simulator.gateway.unwrap()));
    assert!(backend["credentials"]["source"].as_str().unwrap().starts_with("none: tried"), "{backend:#}");
    has_members(backend, &["ejected_until_unix_ms", "retry_budget", "last_faults", "model"]);
}

#[test]
fn a_failing_backend_shows_its_faults_and_a_call_that_is_open() {
    let aquifer = used();
    let backend = &get(&aquifer, "backends")["backends"][0];
    assert!(
        backend["last_faults"][0]["fault"].is_string() && backend["last_faults"][0]["at_unix_ms"].is_u64(),
        "{backend:#}"
    );
    assert_eq!(backend["credentials"]["source"], "the credentials file of the configuration");
    let slow = Aquifer::start(&["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--pace", "200ms"], &[]);
    let chat = crate::streams::Chat::begin(&slow, "Hello?");
    let open = || get(&slow, "backends")["backends"][0]["open_calls"].clone();
    wait_until("an open call", || open() == 1 && get(&slow, "summary")["in_flight"] == 1, || open().to_string());
    drop(chat);
    wait_until("its end", || open() == 0, || open().to_string());
}

#[test]
fn the_catalogue_is_that_of_the_command_line() {
    let aquifer = Aquifer::demo(&[]);
    let (_, told, _) = crate::support::run(&["models", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let catalogue = get(&aquifer, "catalogue");
    assert_eq!(catalogue["models"], told);
    let with_price = |model: &&Value| model["row"]["price"].is_object();
    assert!(catalogue["models"].as_array().unwrap().iter().filter(with_price).count() > 20);
}

#[test]
fn the_document_names_every_path() {
    let aquifer = Aquifer::demo(&[]);
    let document = get(&aquifer, "openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for path in ["session", "exchanges/{id}/text", "routes/explain", "live", "play/v1/chat/completions"] {
        assert!(paths.contains_key(&format!("{API}{path}")), "{path}");
    }
    assert_eq!(paths[&format!("{API}log-level")]["post"]["x-scope"], "operate");
}

#[test]
fn answers_are_quick_and_small() {
    let aquifer = used();
    for path in
        ["summary", "series", "series?window=24h", "exchanges?limit=200", "routes", "backends", "config", "catalogue"]
    {
        let reply = say(&aquifer, "GET", &format!("{API}{path}"), "", "");
        assert!(reply.status == 200 && reply.body.len() < 1 << 20, "{path}: {} bytes", reply.body.len());
    }
}
