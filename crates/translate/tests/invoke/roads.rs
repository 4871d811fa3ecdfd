//! The road of each pair of dialect and API, and what takes a request from it.

use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::reasoning::Effort;
use aquifer_translate::translation::{Exposure, Incoming, Road, UpstreamApi};

const MODEL: &str = "us.anthropic.claude-opus-5";
const CONVERSE: Road = Road::Translate(Api::Converse);
const FAST: Road = Road::Reframe(Api::InvokeModel);

/// What the operator says of a request.
#[derive(Clone, Default)]
struct Said {
    rules: Rules,
    adjustment: Adjustment,
    exposure: Exposure,
}

fn road(dialect: Dialect, model: &str, more: &str, said: &Said) -> Road {
    let body =
        format!(r#"{{"model":"{model}","max_tokens":4000,"messages":[{{"role":"user","content":"Hi"}}]{more}}}"#);
    let asked = Incoming::read_in(dialect, body.as_bytes(), std::iter::empty(), &Limits::default()).unwrap();
    let entry = &*Catalogue::builtin().entry(model);
    let terms = Terms {
        api: Api::InvokeModel,
        model_id: model,
        entry,
        mark: Mark::of(model, ""),
        rules: &said.rules,
        adjustment: said.adjustment,
        allowed: ClientFields::default(),
    };
    asked.road(Road::between(dialect, UpstreamApi::Bedrock(Some(Api::InvokeModel))), &terms, said.exposure)
}

#[test]
fn each_dialect_has_its_road_over_each_api() {
    let between = |client, api| Road::between(client, UpstreamApi::Bedrock(api));
    assert_eq!(between(Dialect::AnthropicMessages, Some(Api::InvokeModel)), FAST);
    assert_eq!(between(Dialect::AnthropicMessages, Some(Api::Converse)), CONVERSE);
    assert_eq!(between(Dialect::OpenAiChat, Some(Api::InvokeModel)), Road::Translate(Api::InvokeModel));
    assert_eq!(between(Dialect::OpenAiChat, Some(Api::Converse)), CONVERSE);
    // Where the operator leaves the API open, the client's words decide.
    assert_eq!(between(Dialect::AnthropicMessages, None), FAST);
    assert_eq!(between(Dialect::OpenAiChat, None), CONVERSE);
}

#[test]
fn what_cannot_hold_on_the_fast_road_goes_over_converse() {
    let messages = |more: &str, said: &Said| road(Dialect::AnthropicMessages, MODEL, more, said);
    let plain = Said::default();
    assert_eq!(messages("", &plain), FAST);
    assert_eq!(messages(r#","thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, &plain), FAST);
    let hidden = Said { exposure: Exposure { hidden: true, ..Exposure::default() }, ..Said::default() };
    assert_eq!(messages("", &hidden), CONVERSE);
    let limited = Said { rules: Rules { most_effort: Some(Effort::Medium), ..Rules::default() }, ..Said::default() };
    assert_eq!(messages(r#","thinking":{"type":"adaptive"},"output_config":{"effort":"low"}"#, &limited), FAST);
    assert_eq!(messages(r#","thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, &limited), CONVERSE);
    let mending = Said { rules: Rules { repair: true, ..Rules::default() }, ..Said::default() };
    assert_eq!(messages("", &mending), FAST);
    let open = r#","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":"Go on"}]"#;
    assert_eq!(messages(open, &mending), CONVERSE);
    let apart = Said { adjustment: Adjustment { apart: true, ..Adjustment::default() }, ..Said::default() };
    assert_eq!(messages("", &apart), CONVERSE);
    assert_eq!(road(Dialect::AnthropicMessages, "amazon.nova-pro-v1:0", "", &plain), CONVERSE);
    assert_eq!(road(Dialect::OpenAiChat, "amazon.nova-pro-v1:0", "", &plain), CONVERSE);
    assert_eq!(road(Dialect::OpenAiChat, MODEL, "", &plain), Road::Translate(Api::InvokeModel));
    let guardrail = r#","guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}"#;
    assert_eq!(road(Dialect::OpenAiChat, MODEL, guardrail, &plain), CONVERSE);
}
