//! `aquifer models`: the table, one model in full, JSON, and what a configuration knows better.

use crate::support::run;
use serde_json::{Value, json};

const PROFILE: &str = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123def456";

const CONFIGURATION: &str = "
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: b}
spec:
  provider: awsbedrock
  config: {model: mine, region: us-east-1, baseModel: anthropic.claude-opus-4-8}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: r}
spec: {rules: [{backendRefs: [{name: b}]}]}
---
apiVersion: aquifer.dev/v1alpha1
kind: ReasoningPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}]
  models:
  - {id: 'PROFILE', base: anthropic.claude-haiku-4-5, row: {max_budget: 9000}}
  - {id: deepseek.v3.2, row: {replay: [unsigned], unproven: null}}
---
apiVersion: aquifer.dev/v1alpha1
kind: ReasoningPolicy
metadata: {name: q}
spec:
  targetRefs: [{group: aigateway.envoyproxy.io, kind: AIGatewayRoute, name: r}]
  models: [{id: deepseek.v3.2, row: {name: Nearer}}]
";

fn with_configuration(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    std::fs::write(&path, CONFIGURATION.replace("PROFILE", PROFILE)).unwrap();
    let path = path.to_string_lossy();
    run(&[&["models", "--config", &path], arguments].concat())
}

fn rows(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

/// The value of a line of one model's description.
fn line<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or_default()
}

#[test]
fn a_line_for_each_model() {
    let (code, table, _) = run(&["models"]);
    assert_eq!(code, 0);
    let head = table.lines().next().unwrap_or_default();
    for column in ["MODEL", "REASONS", "SWITCH", "LEVELS", "OFF", "TAKES BACK", "BOUND", "SCHEMA", "CACHE", "OUTPUT"] {
        assert!(head.contains(column), "{head}");
    }
    let of = |id: &str| {
        let found = table.lines().find(|line| line.starts_with(&format!("{id} "))).unwrap_or_default();
        found.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(
        of("anthropic.claude-sonnet-4-5-20250929-v1:0"),
        "anthropic.claude-sonnet-4-5-20250929-v1:0|when asked|thinking.budget_tokens|from 1024 tokens|left out|-|\
         signed,redacted|-|yes|1h|64000|legacy"
    );
    assert_eq!(
        of("anthropic.claude-sonnet-5-5"),
        "anthropic.claude-sonnet-5-5|by default|thinking adaptive|low,medium,high,xhigh,max|between_tools|yes|\
         signed,redacted|yes|yes|1h|128000|unproven"
    );
    assert_eq!(
        of("minimax.minimax-m2"),
        "minimax.minimax-m2|unknown|unknown|-|unknown|-|unsigned|-|yes|-|8000|unproven"
    );
}

#[test]
fn one_model_in_full() {
    let (code, text, _) = run(&["models", "us.anthropic.claude-opus-5-5"]);
    assert_eq!(code, 0);
    for (name, value) in [
        ("model", "us.anthropic.claude-opus-5-5"),
        ("found", "the row anthropic.claude-opus-5-5"),
        ("reasons", "always"),
        ("levels", "low, medium, high, xhigh, max; medium when none is said"),
        ("off", "cannot"),
        ("shown", "with thinking.display: summarized"),
        ("takes back", "signed,redacted"),
        ("bound", "to the conversation before it"),
        ("longest answer", "128000 tokens; filled in when it is left out"),
        ("sampling", "not taken"),
        ("forced tool", "not taken"),
        ("prefill", "not taken"),
        ("structured output", "taken"),
        ("cache points", "1h"),
        ("unproven", "sources conflict on structured output and on strict tools"),
        ("after a 400", "asked again with the schema as an instruction, asked again one level of effort lower"),
    ] {
        assert_eq!(line(&text, name), value, "{name} in\n{text}");
    }
    assert!(line(&text, "fallback").starts_with("try structured output and on a 400"), "{text}");
    let (_, nova, _) = run(&["models", "amazon.nova-lite-v1:0"]);
    assert_eq!(line(&nova, "shown"), "what stands in its text between <thinking> and </thinking>");
    let (_, nova, _) = run(&["models", "eu.amazon.nova-2-lite-v1:0"]);
    assert_eq!(line(&nova, "shown"), "never: `[REDACTED]` stands for it");
}

#[test]
fn what_a_model_takes_of_tools_and_texts_is_told() {
    let told = |model: &str, lines: &[(&str, &str)]| {
        let (code, text, _) = run(&["models", model]);
        assert_eq!(code, 0);
        lines.iter().for_each(|(name, value)| assert_eq!(line(&text, name), *value, "{name} in\n{text}"));
    };
    let apart = "not taken; they stand beside the result";
    told(
        "us.meta.llama3-3-70b-instruct-v1:0",
        &[
            ("streams", "not while it is offered tools; its answer is played as a stream"),
            ("system text", "taken"),
            ("tools", "taken"),
            ("forced tool", "not taken"),
            ("calls in its text", "read out of it, in the tokens function"),
            ("beside calls", "nothing; it is left out"),
            ("beside results", "nothing; it has a turn of its own"),
            ("images in results", apart),
            ("documents", "taken"),
        ],
    );
    told(
        "amazon.nova-lite-v1:0",
        &[
            ("tool names", "without `-`"),
            ("tool schemas", "no references; type, properties and required at the top"),
            ("stop sequences", "4 at most"),
            ("cache points", "5m, none behind tools"),
            ("images in results", "taken"),
            ("files in results", "csv and txt; others stand beside the result"),
            ("beside calls", "anything"),
            ("calls in its text", "not looked for"),
        ],
    );
    told(
        "mistral.mistral-large-2407-v1:0",
        &[("ids of calls", "nine letters or digits"), ("documents", "unknown"), ("files in results", "taken")],
    );
    told(
        "zai.glm-5",
        &[
            ("stop sequences", "not taken"),
            ("documents", "not taken; those that are text go as text"),
            ("calls in its text", "read out of it, in the tokens glm"),
            ("files in results", apart),
        ],
    );
    told("amazon.titan-text-express-v1", &[("tools", "not taken"), ("system text", "not taken")]);
}

#[test]
fn what_a_model_takes_of_tools_and_texts_is_told_in_json_too() {
    let (_, json, _) = run(&["models", "us.meta.llama3-3-70b-instruct-v1:0", "--json"]);
    let row = &rows(&json)[0]["row"];
    for (field, value) in [
        ("streaming", json!("not_with_tools")),
        ("system", json!(true)),
        ("forced_tool", json!("refused")),
        ("stop", json!(true)),
        ("call_ids", json!("any")),
        ("call_tokens", json!("function")),
        ("result_images", json!(false)),
        ("result_documents", json!("all")),
        ("beside_calls", json!("left_out")),
        ("hyphens_in_tools", json!(true)),
        ("cache_tools", json!(true)),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
}

#[test]
fn an_id_without_a_row_says_so() {
    let (code, like, _) = run(&["models", "eu.anthropic.claude-sonnet-7"]);
    assert_eq!(code, 0);
    assert_eq!(line(&like, "found"), "no row has this model; it is treated like anthropic.claude-sonnet-5-5");
    for hidden in [PROFILE, "nobody.knows"] {
        let (code, text, _) = run(&["models", hidden]);
        assert_eq!(code, 0);
        assert!(
            line(&text, "found").starts_with("nothing: the id names no model that is known, or hides it"),
            "{text}"
        );
    }
    let (_, json, _) = run(&["models", PROFILE, "--json"]);
    assert_eq!(rows(&json)[0]["found"], "nothing");
}

#[test]
fn json_has_rows_that_a_policy_takes() {
    let (code, json, _) = run(&["models", "--json"]);
    assert_eq!(code, 0);
    let all = rows(&json);
    assert!(all.len() > 80);
    let opus = all.iter().find(|row| row["model"] == "anthropic.claude-opus-4-8").unwrap();
    assert_eq!((&opus["found"], &opus["row"]["control"]), (&"row".into(), &"adaptive".into()));
    let row = serde_json::to_string(&opus["row"]).unwrap();
    let policy = format!(
        "apiVersion: aquifer.dev/v1alpha1\nkind: ReasoningPolicy\nmetadata: {{name: p}}\nspec:\n  \
         targetRefs: [{{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: b}}]\n  \
         models: [{{id: m, row: {row}}}]\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, policy).unwrap();
    let (code, said, _) = run(&["check", &path.to_string_lossy()]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_configuration_knows_better() {
    let (code, table, _) = with_configuration(&[]);
    assert_eq!(code, 0);
    let of = |id: &str| -> Vec<&str> { table.lines().filter(|line| line.starts_with(&format!("{id} "))).collect() };
    let deepseek = of("deepseek.v3.2");
    assert_eq!(deepseek.len(), 2, "one for each place:\n{table}");
    assert!(deepseek[0].ends_with("  overridden") && deepseek[0].contains("  unsigned "), "{table}");
    assert!(deepseek[1].ends_with("  overridden; unproven"), "{table}");
    assert!(of(PROFILE)[0].contains("  1024 to 9000 tokens "), "{table}");
    assert!(of("mine")[0].ends_with("  declared as anthropic.claude-opus-4-8; unproven"), "{table}");

    let (_, text, _) = with_configuration(&[PROFILE]);
    let places = "overridden by the configuration at AIServiceBackend default/b, AIGatewayRoute default/r";
    assert_eq!((line(&text, "found"), line(&text, "name")), (places, "Claude Haiku 4.5"));
    assert_eq!(line(&text, "budget"), "1024 to 9000 tokens");
    let (_, text, _) = with_configuration(&["eu.deepseek.v3.2"]);
    let [first, second] = text.split("\n\n").collect::<Vec<_>>()[..] else { panic!("{text}") };
    assert_eq!(line(first, "found"), "overridden by the configuration at AIServiceBackend default/b");
    assert_eq!((line(second, "model"), line(second, "name")), ("eu.deepseek.v3.2", "Nearer"));
    let (_, text, _) = with_configuration(&["mine"]);
    let declared = "declared as anthropic.claude-opus-4-8 by the configuration at AIServiceBackend default/b";
    assert_eq!(line(&text, "found"), declared);
    let (_, json, _) = with_configuration(&["anthropic.claude-opus-4-8", "--json"]);
    assert_eq!((rows(&json).len(), &rows(&json)[0]["found"]), (1, &Value::from("row")));
}

#[test]
fn a_configuration_that_is_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    std::fs::write(&path, "apiVersion: aquifer.dev/v2\nkind: ReasoningPolicy\n").unwrap();
    let (code, _, err) = run(&["models", "--config", &path.to_string_lossy()]);
    assert_eq!(code, 1);
    assert!(err.contains("gateway.yaml:1:13: apiVersion: Unsupported value"), "{err}");
}
