//! The examples that users copy load, and say what their comments promise.

use crate::support::{bedrock, begin};
use aquifer_gateway::config::{
    BindingMismatch, Config, Credentials, Expose, ForcedTool, LogLevel, ReasoningPolicy, Source, load,
};
use aquifer_gateway::exchange::{Input, Output};
use aquifer_gateway::route::{choose, models};
use aquifer_gateway::translate::catalogue::{Replay, Wanted};
use aquifer_gateway::translate::model::reasoning::Effort;
use aquifer_gateway::translate::model::reasoning::Placeholder;
use http::HeaderMap;
use std::time::{Duration, Instant};

fn example(name: &str) -> Config {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let source = Source { name: name.to_owned(), text: std::fs::read_to_string(path).unwrap() };
    let env = |name: &str| match name {
        "HOME" => Some("/home/somebody".to_owned()),
        "ELSEWHERE_API_KEY" => Some("a-key".to_owned()),
        _ => None,
    };
    let read_file = |path: &str| {
        assert_eq!(path, "/home/somebody/.aws/credentials");
        Ok("[default]\naws_access_key_id = AKIDEXAMPLE\n".to_owned())
    };
    load(&[source], &env, &read_file).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

#[test]
fn the_short_form() {
    let config = example("bedrock.yaml");
    let bedrock = bedrock(&config);
    assert_eq!(bedrock.region.as_deref(), Some("us-east-1"));
    assert_eq!((bedrock.endpoint.as_ref(), bedrock.http2), (None, false));
    assert_eq!(bedrock.credentials, Credentials::Default);
    let model = "anthropic.claude-3-5-sonnet-20241022-v2:0";
    let target = choose(&config, model, &HeaderMap::new(), None).unwrap();
    assert_eq!((target.backend, target.model_id.as_str(), target.rule), (0, model, None));
    assert_eq!(config.notices, [""; 0]);
}

#[test]
fn the_model_of_the_short_form_cannot_reason_and_answers_with_a_warning() {
    let now = Instant::now();
    let body = r#"{"model": "anthropic.claude-3-5-sonnet-20241022-v2:0", "reasoning_effort": "high",
        "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let mut exchange = begin(example("bedrock.yaml"), body, now);
    exchange.handle(Input::UpstreamHead { status: http::StatusCode::OK, headers: &HeaderMap::new() }, now);
    let answer = br#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":"end_turn"}"#;
    exchange.handle(Input::UpstreamBody(answer), now);
    exchange.handle(Input::UpstreamEnd, now);
    let heads = std::iter::from_fn(|| exchange.poll()).filter_map(|output| match output {
        Output::Head { status, headers, .. } => Some((status, headers)),
        _ => None,
    });
    let (status, headers) = heads.last().unwrap();
    let warning = headers.get("x-aquifer-warning").unwrap().to_str().unwrap();
    assert!(
        status == http::StatusCode::OK && warning.starts_with("reasoning-unavailable reasoning_effort"),
        "{warning}"
    );
}

#[test]
fn a_model_that_reasons() {
    let config = example("claude.yaml");
    assert_eq!(config.notices, [""; 0]);
    let target = choose(&config, "us.anthropic.claude-sonnet-4-6", &HeaderMap::new(), None).unwrap();
    assert_eq!(target.reasoning.default_effort, Some(Wanted::Effort(Effort::Low)));
    let entry = |id: &str| aquifer_gateway::translate::catalogue::Catalogue::builtin().lookup(id);
    assert!(entry(&target.model_id).can_reason() && !entry("anthropic.claude-3-5-sonnet-20241022-v2:0").can_reason());
}

#[test]
fn the_log_level() {
    assert_eq!(example("debug-log.yaml").log_level, Some(LogLevel::Debug));
}

#[test]
fn the_form_of_envoy_ai_gateway() {
    let config = example("envoy-ai-gateway.yaml");
    assert_eq!(config.notices, [""; 0]);
    assert_eq!((config.listeners[0].port, config.listeners[0].tls.is_none()), (1975, true));
    let bedrock = bedrock(&config);
    assert_eq!(bedrock.endpoint.as_ref().unwrap().as_str(), "https://bedrock-runtime.us-east-1.amazonaws.com/");
    assert_eq!((bedrock.region.as_deref(), &bedrock.tls_hostname), (Some("us-east-1"), &None));
    let Credentials::File { text, profile } = &bedrock.credentials else { panic!("{:?}", bedrock.credentials) };
    assert!(text.expose().contains("AKIDEXAMPLE"));
    assert_eq!(profile, "default");
    assert!(!format!("{config:?}").contains("AKIDEXAMPLE"));

    let target = choose(&config, "thinker", &HeaderMap::new(), None).unwrap();
    assert_eq!(target.model_id, "us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    let rule = target.rule.unwrap();
    assert_eq!(rule.request_timeout, Some(Duration::from_secs(900)));
    assert_eq!(rule.stream_idle_timeout, Some(Duration::from_secs(120)));
    let amazon = choose(&config, "us.amazon.nova-micro-v1:0", &HeaderMap::new(), None).unwrap();
    assert_eq!(amazon.model_id, "us.amazon.nova-micro-v1:0");
    assert!(choose(&config, "not.amazon.nova", &HeaderMap::new(), None).is_err());
    let listed: Vec<(String, String)> = models(&config).into_iter().map(|m| (m.id, m.owned_by)).collect();
    assert_eq!(listed, [("thinker".to_owned(), "Anthropic".to_owned())]);
}

#[test]
fn reasoning_policies() {
    let config = example("reasoning-policy.yaml");
    assert_eq!(config.notices, [""; 0]);
    let policy =
        |model: &str| -> &ReasoningPolicy { choose(&config, model, &HeaderMap::new(), None).unwrap().reasoning };
    let thinker = policy("thinker");
    assert_eq!((thinker.default_effort, thinker.hidden), (Some(Wanted::Effort(Effort::Medium)), false));
    assert_eq!((thinker.most_effort, thinker.most_budget), (Some(Effort::High), Some(32768)));
    assert_eq!(thinker.binding_mismatch, BindingMismatch::DropBlock);
    assert_eq!((thinker.restore.max_entries, thinker.restore.max_age), (20_000, Duration::from_secs(7200)));
    let expose = Expose { reasoning_content: true, reasoning_details: true, ..Expose::default() };
    assert_eq!(thinker.expose, Some(expose));
    let quick = policy("quick");
    assert_eq!((quick.default_effort, quick.hidden), (Some(Wanted::Off), true));
    assert_eq!((quick.forced_tool, quick.expose), (ForcedTool::DropReasoning, Some(expose)));
    assert_eq!(quick.most_effort, Some(Effort::High));

    let profile = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123def456";
    assert_eq!(thinker.entry(profile).unwrap().id, "anthropic.claude-sonnet-4-6");
    assert_eq!(thinker.entry("us.deepseek.v3.2").unwrap().replay, [Replay::Unsigned]);
    let nova = policy("us.amazon.nova-2-lite-v1:0");
    assert_eq!(nova.redacted_text, Placeholder::Dropped);
    assert_eq!(nova.entry("us.amazon.nova-2-lite-v1:0").unwrap().efforts, [Effort::Low, Effort::Medium]);
}

#[test]
fn routing() {
    for name in ["traffic-splitting.yaml", "provider-fallback.yaml", "stream-idle-timeout.yaml", "hedging.yaml"] {
        assert_eq!(example(name).notices, [""; 0], "{name}");
    }
    let traffic = &example("provider-fallback.yaml").routes[0].rules[0].traffic.clone();
    assert_eq!((traffic.retry.attempts, traffic.retry.per_priority), (Some(4), Some(1)));
    assert_eq!((traffic.outliers.failures, traffic.first_byte), (3, Some(Duration::from_secs(20))));
}

#[test]
fn what_clients_may_ask_for() {
    let config = example("request-policy.yaml");
    assert_eq!(config.notices.len(), 0, "{:?}", config.notices);
    let of = |rule| config.client_fields_at(rule, 0);
    assert_eq!((of(None).service_tier, of(None).s3_uris), (Some(false), None));
    let rule = &config.routes[0].rules[0];
    assert_eq!((of(Some(rule)).service_tier, of(Some(rule)).s3_uris), (Some(false), Some(true)));
}
