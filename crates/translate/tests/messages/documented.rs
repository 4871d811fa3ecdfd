//! `docs/messages.md` against the code: each row's example has the fate that the row says.

use aquifer_translate::Fault;
use aquifer_translate::catalogue::{BetaFate, Catalogue, beta_on_converse};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use aquifer_translate::warning::WarningKind;
use serde_json::{Value, json};

const MODEL: &str = "us.anthropic.claude-opus-4-8";
const DOCUMENT: &str = include_str!("../../../../docs/messages.md");

/// Every field of a request in Anthropic's SDKs, and the older ones that clients still send.
const FIELDS: [&str; 36] = [
    "anthropic_beta",
    "betas",
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "safeguards",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user_profile_id",
    "workspace_id",
    "anthropic_version",
    "guardrailConfig",
    "anything_else",
];

/// The rows of a section: their cells, without the backticks around them.
fn rows(section: &str) -> Vec<Vec<String>> {
    let (_, section) = DOCUMENT.split_once(&format!("## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let rows = rows
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim().to_owned()));
    rows.map(Iterator::collect).collect()
}

/// A cell's JSON.
fn json_of(cell: &str) -> &str {
    cell.strip_prefix('`').unwrap().strip_suffix('`').unwrap()
}

/// What came of a request: the fate, and the paths of what was told.
fn fate(body: &Value) -> (&'static str, Vec<String>) {
    let dialect = Dialect::AnthropicMessages;
    let text = body.to_string();
    let asked = Incoming::read_in(dialect, text.as_bytes(), std::iter::empty(), &Limits::default());
    match asked.and_then(|asked| asked.outgoing(MODEL, None)) {
        Ok(sent) => {
            // What stands around an example is not what is looked at.
            let told = sent.warnings.iter().filter(|warning| warning.kind != WarningKind::ReasoningUnavailable);
            let paths = told.clone().map(|warning| dialect.path(&warning.field).into_owned()).collect();
            let dropped =
                told.clone().any(|warning| matches!(warning.kind, WarningKind::Dropped | WarningKind::Ignored));
            let changed = told.clone().any(|warning| warning.kind == WarningKind::Changed);
            (
                if dropped {
                    "dropped"
                } else if changed {
                    "changed"
                } else {
                    "taken"
                },
                paths,
            )
        }
        Err(Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) => {
            ("refused", mistake.field.iter().map(|field| dialect.path(field).into_owned()).collect())
        }
        Err(fault) => panic!("{fault}"),
    }
}

fn check(what: &str, body: &Value, said: &str, path: Option<&str>) {
    let (seen, paths) = fate(body);
    let said = if said == "needless" { "taken" } else { said };
    assert_eq!(seen, said, "{what}: {paths:?}");
    if let Some(path) = path.filter(|_| seen != "taken") {
        assert!(
            paths.iter().any(|seen| seen.starts_with(path) || path.starts_with(seen.as_str())),
            "{what}: {paths:?}"
        );
    }
}

fn request(members: &str) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": "Hi."}]});
    let members: Value = serde_json::from_str(&format!("{{{members}}}")).unwrap();
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn every_field_has_the_fate_of_its_row() {
    let rows = rows("Fields of the request");
    for name in FIELDS {
        let documented = rows.iter().any(|row| json_of(&row[0]).split('.').next() == Some(name));
        assert!(documented, "{name} is not documented");
    }
    for row in rows {
        let [field, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        if field == "`betas`" {
            // Its fate is each name's own.
            continue;
        }
        check(field, &request(json_of(example)), said, Some(json_of(field)));
    }
}

#[test]
fn every_block_has_the_fate_of_its_row() {
    for row in rows("Content blocks") {
        let [field, role, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let block: Value = serde_json::from_str(json_of(example)).unwrap();
        let (text, call) =
            (json!({"type": "text", "text": "a"}), json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}}));
        let user = |content: Value| json!({"role": "user", "content": content});
        let assistant = |content: Value| json!({"role": "assistant", "content": content});
        let result = |content: Value| json!({"type": "tool_result", "tool_use_id": "t1", "content": content});
        let messages = match (role.as_str(), block["type"].as_str().unwrap()) {
            ("user", "tool_result") => json!([user(json!("Hi.")), assistant(json!([call])), user(json!([block]))]),
            ("user", _) => json!([user(json!([block, text]))]),
            ("tool", _) => json!([user(json!("Hi.")), assistant(json!([call])), user(json!([result(json!([block]))]))]),
            ("assistant", "tool_use") => {
                json!([user(json!("Hi.")), assistant(json!([block])), user(json!([result(json!("1"))]))])
            }
            ("assistant", _) => json!([user(json!("Hi.")), assistant(json!([block, text])), user(json!("And?"))]),
            ("system", _) => json!([user(json!("Hi.")), {"role": "system", "content": [block, text]}]),
            other => panic!("{other:?}"),
        };
        let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
        let body = json!({"model": "m", "max_tokens": 4096, "messages": messages, "tools": tools});
        check(&format!("{field} {role}"), &body, said, None);
    }
}

#[test]
fn every_tool_has_the_fate_of_its_row() {
    for row in rows("Tools") {
        let [what, example, said, ..] = row.as_slice() else { panic!("{row:?}") };
        let tool = json_of(example);
        let body = request(&format!(r#""tools": [{{"name": "f", "input_schema": {{"type": "object"}}}}, {tool}]"#));
        check(what, &body, said, Some("tools.1"));
    }
}

#[test]
fn betas_of_the_examples_are_what_the_catalogue_says() {
    let entry = Catalogue::builtin().lookup(MODEL);
    assert_eq!(beta_on_converse("effort-2025-11-24", entry), BetaFate::Needless);
    assert_eq!(beta_on_converse("nobody-2031-01-01", entry), BetaFate::Unknown);
}
