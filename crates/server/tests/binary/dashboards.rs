//! The dashboard and the alert rules of `deploy/`, against the names that the binary exposes.

use crate::streams::{Chat, pair, under_way};
use crate::support::{Aquifer, connect, request};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana/aquifer.json");
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/rules.yml");
const PROMETHEUS_RULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/prometheusrule.yaml");

/// The labels that Prometheus adds to each series.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];
/// The metrics that a demo does not have: its credentials do not expire.
const NOT_OF_A_DEMO: [&str; 1] = ["aquifer_credentials_expiry_timestamp_seconds"];

/// The metrics that are exposed, each with its labels.
fn exposed(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')).map_or("", |(labels, _)| labels);
        let names = labels.split("\",").filter_map(|label| label.split('=').next()).filter(|name| !name.is_empty());
        metrics.entry(name.to_owned()).or_default().extend(names.map(str::to_owned));
    }
    metrics
}

/// The expressions of the dashboard: of panels, annotations and variables.
fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if ["expr", "definition"].contains(&name.as_str()) => found.push(text.to_owned()),
                    _ => expressions(member, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

/// The words of an expression that can be names, each with what follows it.
fn words(expression: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        let from = &rest[at..];
        let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        let (word, after) = from.split_at(from.find(|letter| !inside(letter)).unwrap_or(from.len()));
        words.push((word, after));
        rest = after;
    }
    words
}

/// The names of labels in a selector or a grouping: what stands before an operator, or between commas.
fn labels(inside: &str) -> Vec<&str> {
    let names = inside.split(',').map(|part| part.split(['=', '!']).next().unwrap().trim());
    names.filter(|name| !name.is_empty()).collect()
}

/// Fails where an expression names a metric that is not exposed, or a label that the metric does not have.
fn check(expression: &str, exposed: &BTreeMap<String, BTreeSet<String>>) -> usize {
    let (mut seen, mut grouped) = (BTreeSet::new(), BTreeSet::new());
    let mut metrics = 0;
    for (word, after) in words(expression) {
        let group = after.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
        if let (true, Some((inside, _))) = (["by", "on", "without"].contains(&word), group) {
            grouped.extend(labels(inside));
        }
        let is_metric = ["aquifer_", "gen_ai_", "process_"].iter().any(|begin| word.starts_with(begin));
        let is_label = after.trim_start().starts_with(['=', ',', ')']) && !exposed.contains_key(word);
        if !is_metric || is_label && !word.starts_with("aquifer_") || NOT_OF_A_DEMO.contains(&word) {
            continue;
        }
        metrics += 1;
        let known = exposed.get(word).unwrap_or_else(|| panic!("nobody exposes {word}, of {expression}"));
        seen.extend(known.iter().map(String::as_str));
        let selector = after.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        for label in labels(selector) {
            let is_known = known.contains(label) || OF_PROMETHEUS.contains(&label);
            assert!(is_known, "{word} has no label {label}, of {expression}");
        }
    }
    for label in grouped.into_iter().filter(|_| !seen.is_empty()) {
        assert!(seen.contains(label) || OF_PROMETHEUS.contains(&label), "nothing has a label {label}, of {expression}");
    }
    metrics
}

/// A demo that answered: with reasoning, with a warning, to a client that left, to nobody.
fn demo() -> Aquifer {
    let demo = Aquifer::demo(&[]);
    let ask = |more: serde_json::Value| {
        let mut body = serde_json::json!({
            "model": "us.anthropic.claude-sonnet-4-6",
            "stream": true,
            "reasoning_effort": "low",
            "messages": [{"role": "user", "content": "Hello?"}],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let reply = demo.chat(&ask(serde_json::json!({"temperature": 0.5})));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut leaving = connect(demo.gateway.unwrap());
    let begun = request("POST", "/v1/chat/completions", &ask(serde_json::json!({})));
    leaving.write_all(begun.as_bytes()).unwrap();
    let mut chat = Chat { stream: leaving, read: String::new() };
    chat.read_until("reasoning");
    drop(chat);
    demo.wait_for_metric("aquifer_requests_total{outcome=\"abandoned\",status=\"499\"", 1.0);
    demo
}

#[test]
fn every_name_in_the_dashboard_and_the_rules_is_exposed() {
    let exposed = exposed(&demo().admin("/metrics").body);
    let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(DASHBOARD).unwrap()).unwrap();
    let mut all = Vec::new();
    expressions(&dashboard, &mut all);
    let rules = fs::read_to_string(RULES).unwrap();
    // What is said to people is no expression; one that takes several lines is read line by line, but for its groups.
    let said = ["summary:", "description:", "#", "- name:", "- record:", "- alert:", "for:", "labels:", "annotations:"];
    let lines = rules.lines().filter(|line| !said.iter().any(|begin| line.trim_start().starts_with(begin)));
    all.extend(lines.map(str::to_owned));
    let metrics: usize = all.iter().map(|expression| check(expression, &exposed)).sum();
    assert!(metrics > 90, "only {metrics} metrics were found in {} expressions", all.len());
}

#[test]
fn a_name_that_nobody_exposes_is_found() {
    let exposed = exposed("aquifer_requests_total{outcome=\"answered\",model=\"m\"} 1\naquifer_tasks 3\n# EOF\n");
    check("sum by (job, outcome) (rate(aquifer_requests_total{model=~\"$model\"}[5m])) / aquifer_tasks", &exposed);
    for wrong in [
        "rate(aquifer_request_total[5m])",
        "aquifer_tasks{model=\"m\"}",
        "sum by (fault) (rate(aquifer_requests_total[5m]))",
        "sum(rate(gen_ai_requests_total[5m]))",
    ] {
        assert!(std::panic::catch_unwind(|| check(wrong, &exposed)).is_err(), "{wrong}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever writes the rules anew says so")]
fn the_resource_of_the_operator_has_the_same_rules() {
    let rules = fs::read_to_string(RULES).unwrap();
    let groups = rules.split_once("groups:").unwrap().1;
    let mut expected = "# The rules of rules.yml for Prometheus' operator; written with AQUIFER_WRITE_RULES=1 by the test that compares them.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: aquifer
spec:
  groups:"
        .to_owned();
    for line in groups.lines() {
        let indent = if line.is_empty() { "" } else { "  " };
        expected.push_str(&format!("{indent}{line}\n"));
    }
    if std::env::var_os("AQUIFER_WRITE_RULES").is_some() {
        fs::write(PROMETHEUS_RULE, &expected).unwrap();
    }
    let told = fs::read_to_string(PROMETHEUS_RULE).unwrap();
    assert!(told == expected, "prometheusrule.yaml is old: write it with AQUIFER_WRITE_RULES=1");
}

#[test]
fn open_streams_and_calls_are_counted_by_what_they_do() {
    let (aquifer, bedrock) = pair(&[]);
    let mut chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    aquifer.wait_for_metric(r#"aquifer_backend_open_calls{backend="default/bedrock"}"#, 1.0);
    let phase = |phase: &str| {
        let text = aquifer.admin("/metrics").body;
        let of =
            |line: &&str| line.starts_with("aquifer_open_streams{") && line.contains(&format!("phase=\"{phase}\""));
        text.lines().find(of).and_then(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok())
    };
    assert_eq!(phase("called"), Some(1));
    call.begin();
    call.event("messageStart", r#"{"role":"assistant"}"#);
    call.reasoning("a thought");
    chat.read_until("a thought");
    assert_eq!([phase("called"), phase("thinking")], [Some(0), Some(1)]);
    call.signature("c2lnbmF0dXJl");
    call.text("an answer");
    chat.read_until("an answer");
    assert_eq!([phase("thinking"), phase("answering")], [Some(0), Some(1)]);
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    drop(chat);
    aquifer.wait_for_metric("aquifer_backend_open_calls", 0.0);
    aquifer.wait_for_metric("aquifer_open_streams", 0.0);
    let (chat, mut call) = under_way(&aquifer, &bedrock);
    drop(chat);
    call.wait_until_dropped();
    aquifer.wait_for_metric("aquifer_open_streams", 0.0);
}
