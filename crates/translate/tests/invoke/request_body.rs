//! Any bytes as a client's body in Anthropic's words are refused, or go on as the same JSON twice, without what Bedrock
//! refuses at the top: the body of the fuzz target.

use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::translation::{Exposure, Incoming};
use serde_json::Value;

/// The models that the same request goes to: each has other rules.
const MODELS: [&str; 3] = [
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-5-5",
    "anthropic.claude-3-haiku-20240307-v1:0",
];

const BETAS: &str = "claude-code-20250219,advanced-tool-use-2025-11-20,interleaved-thinking-2025-05-14";

/// Members that Bedrock refuses at the top of a body.
const REFUSED: [&str; 8] =
    ["model", "stream", "cache_control", "mcp_servers", "container", "service_tier", "betas", "output_format"];

pub(crate) fn run(data: &[u8]) {
    for model in MODELS {
        let Some(body) = reframed(data, model) else { continue };
        let said: Value = serde_json::from_slice(&body).unwrap();
        for name in REFUSED {
            assert!(said.get(name).is_none(), "{name}");
        }
        assert_eq!(said["anthropic_version"], "bedrock-2023-05-31");
        assert!(said["messages"].is_array() && said["max_tokens"].is_number());
        assert!(cache_points(&said) <= 4, "more cache points than Bedrock takes");
        assert!(reframed(data, model).is_some_and(|again| again == body), "the same bytes again");
    }
}

/// Cache points of tools, of the system's blocks and of the messages' blocks.
fn cache_points(body: &Value) -> usize {
    let messages = body["messages"].as_array().into_iter().flatten().map(|message| &message["content"]);
    let lists = messages.chain([&body["tools"], &body["system"]]);
    let blocks = lists.filter_map(Value::as_array).flatten();
    blocks.filter(|block| block["cache_control"].is_object()).count()
}

fn reframed(data: &[u8], model: &str) -> Option<Vec<u8>> {
    let limits = Limits::default();
    let asked = Incoming::read_in(Dialect::AnthropicMessages, data, std::iter::once(BETAS), &limits).ok()?;
    let (entry, rules) = (&*Catalogue::builtin().entry(model), Rules::default());
    let terms = Terms {
        api: Api::InvokeModel,
        model_id: model,
        entry,
        mark: Mark::of(model, ""),
        rules: &rules,
        adjustment: Adjustment::default(),
        allowed: ClientFields::default(),
    };
    asked.reframed_on(&terms, Exposure::default()).ok().map(|sent| sent.body.to_vec())
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_requests() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/anthropic_messages");
    let invoke = folder.join("invoke");
    let fixtures: Vec<Vec<u8>> = [folder, invoke]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .filter_map(|case| std::fs::read(case.ok()?.path().join("1-client-request.json")).ok())
        .collect();
    assert!(fixtures.len() > 80, "{}", fixtures.len());
    fixtures.iter().for_each(|fixture| run(fixture));
    arbtest::arbtest(|u| {
        let mut data = u.choose(&fixtures)?.clone();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(data.len())?;
            data[at] = *u.choose(b"{}[]\",:0null\\")?;
        }
        run(&data);
        Ok(())
    });
}
