//! An operator's limits hold for every model, whatever field and spelling a client uses.
#![expect(clippy::unwrap_used, reason = "a test")]

use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Default as Habit, Entry, Off, Rules};
use aquifer_translate::limits::ClientFields;
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::reasoning::Effort;
use aquifer_translate::translation::{Exposure, Incoming};
use serde_json::Value;

const EFFORTS: [Effort; 6] = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max];

/// Ways to ask for much, each as members of a model's own body.
const OWN: [&str; 24] = [
    r#""thinking":{"type":"enabled","budget_tokens":30000}"#,
    r#""thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#,
    r#""Thinking":{"type":"enabled","budgetTokens":30000}"#,
    r#""\u0074hinking":{"type":"enabled","budget_tokens":30000}"#,
    r#""thinking":{"budget_tokens":30000}"#,
    r#""thinking":"enabled""#,
    r#""thinking":{"type":"unheard_of","budget_tokens":30000}"#,
    r#""thinking_config":{"thinkingBudget":30000}"#,
    r#""reasoning_config":{"type":"enabled","budget_tokens":30000}"#,
    r#""reasoning_config":"high""#,
    r#""reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}"#,
    r#""reasoningConfig":"max""#,
    r#""output_config":{"effort":"max"}"#,
    r#""outputConfig":{"effort":"max"}"#,
    r#""reasoning":{"effort":"high"}"#,
    r#""reasoning":{"max_tokens":30000}"#,
    r#""reasoning":{"effort":["high"]}"#,
    r#""reasoning":{"effort":"loud","max_tokens":"many"}"#,
    r#""reasoning_effort":"high""#,
    r#""reasoningEffort":"xhigh""#,
    r#""reasoning-effort":"max""#,
    r#""effort":"max""#,
    r#""enable_thinking":true,"chat_template_kwargs":{"enable_thinking":true,"reasoning_effort":"high"}"#,
    r#""inferenceConfig":{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#,
];

/// Ways to ask for much at the top.
const TOP: [&str; 7] = [
    r#""reasoning_effort":"max""#,
    r#""reasoning":{"effort":"high"}"#,
    r#""reasoning":{"max_tokens":30000}"#,
    r#""thinking":{"type":"enabled","budget_tokens":30000}"#,
    r#""thinking":{"type":"between_tools"},"output_config":{"effort":"max"}"#,
    r#""enable_thinking":true"#,
    r#""stream":true"#,
];

fn asks() -> Vec<String> {
    let own = |field: &str, members: &str| format!(r#""{field}":{{{members}}}"#);
    let both = OWN.iter().flat_map(|members| {
        [
            own("additionalModelRequestFields", members),
            own("additional_model_request_fields", members),
            format!(r#""extra_body":{{{}}}"#, own("additionalModelRequestFields", members)),
            format!(r#""additionalModelRequestFields":{{}},{}"#, own("additional_model_request_fields", members)),
            format!(r#""reasoning_effort":"low",{}"#, own("additionalModelRequestFields", members)),
        ]
    });
    both.chain(TOP.map(str::to_owned)).collect()
}

fn sent(entry: &Entry, rules: &Rules, ask: &str) -> Option<Value> {
    let body = format!(r#"{{"model":"m",{ask},"max_tokens":60000,"messages":[{{"role":"user","content":"Hello?"}}]}}"#);
    let mark = Mark::default();
    let terms = Terms {
        api: Api::Converse,
        model_id: &entry.id,
        entry,
        mark,
        rules,
        adjustment: Adjustment::default(),
        allowed: ClientFields::default(),
    };
    let sent = Incoming::read(body.as_bytes()).ok()?.outgoing_on(&terms, Exposure::default()).ok()?;
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    Some(body["additionalModelRequestFields"].clone())
}

/// Every effort and every budget that stands anywhere in what is sent.
fn said(value: &Value, efforts: &mut Vec<Effort>, budgets: &mut Vec<u64>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| said(value, efforts, budgets)),
        Value::Array(items) => items.iter().for_each(|value| said(value, efforts, budgets)),
        Value::String(word) => efforts.extend(Effort::from_word(word)),
        Value::Number(number) => budgets.extend(number.as_u64()),
        _ => {}
    }
}

/// The least that a model which cannot be kept from reasoning can be asked for.
fn least(entry: &Entry) -> Option<Effort> {
    let stuck = entry.off == Off::Impossible || entry.off == Off::Unknown && entry.default != Habit::Off;
    entry.efforts.first().copied().filter(|_| stuck)
}

#[test]
fn no_level_above_the_operators_is_asked_of_any_model_through_any_field() {
    let asks = asks();
    for entry in Catalogue::builtin().entries() {
        for most in EFFORTS {
            let rules = Rules { most_effort: Some(most), ..Rules::default() };
            for ask in &asks {
                let Some(fields) = sent(entry, &rules, ask) else { continue };
                let (mut efforts, mut budgets) = (Vec::new(), Vec::new());
                said(&fields, &mut efforts, &mut budgets);
                let allowed = least(entry).map_or(most, |least| least.max(most));
                let above = efforts.iter().find(|effort| **effort > allowed);
                assert_eq!(above, None, "{} at most {}: {ask} gives {fields}", entry.id, most.word());
            }
        }
    }
}

#[test]
fn no_budget_above_the_operators_is_asked_of_any_model_through_any_field() {
    let asks = asks();
    let unknown = Catalogue::builtin().lookup("unheard.of-v1");
    for entry in Catalogue::builtin().entries().iter().chain([unknown]) {
        let rules = Rules { most_effort: Some(Effort::Low), most_budget: Some(1024), ..Rules::default() };
        for ask in &asks {
            let Some(fields) = sent(entry, &rules, ask) else { continue };
            let (mut efforts, mut budgets) = (Vec::new(), Vec::new());
            said(&fields, &mut efforts, &mut budgets);
            assert_eq!(budgets.iter().find(|budget| **budget > 1024), None, "{}: {ask} gives {fields}", entry.id);
            assert_eq!(efforts.iter().find(|effort| **effort > Effort::Low), None, "{}: {ask} {fields}", entry.id);
        }
    }
}

#[test]
fn without_limits_a_models_own_words_stay_as_they_came() {
    for (model, members) in [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", r#"{"thinking": {"type":"enabled","budget_tokens":2048}}"#),
        ("anthropic.claude-opus-4-7", r#"{"output_config": {"effort":"high"}}"#),
        ("anthropic.claude-opus-4-7", r#"{"thinking": {"type":"adaptive"},"output_config":{"effort":"max"}}"#),
        ("amazon.nova-2-lite-v1:0", r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"}}"#),
        ("openai.gpt-oss-120b-1:0", r#"{"reasoning_effort": "high"}"#),
        ("qwen.qwen3-32b-v1:0", r#"{"reasoning_config":"high"}"#),
        ("unheard.of-v1", r#"{"thinking":{"type":"loud"},"reasoning":1}"#),
    ] {
        let entry = Catalogue::builtin().lookup(model);
        let fields = sent(entry, &Rules::default(), &format!(r#""additionalModelRequestFields":{members}"#)).unwrap();
        assert_eq!(fields, serde_json::from_str::<Value>(members).unwrap(), "{model}");
    }
}

#[test]
fn what_is_no_switch_stays_beside_a_limit() {
    let entry = Catalogue::builtin().lookup("anthropic.claude-opus-4-7");
    let rules = Rules { most_effort: Some(Effort::Low), ..Rules::default() };
    let format = r#"{"type":"json_schema","schema":{"properties":{"reasoning":{"type":"string"}}}}"#;
    let members = format!(r#"{{"output_config":{{"effort":"max","format":{format}}},"custom":{{"a":1}}}}"#);
    let fields = sent(entry, &rules, &format!(r#""additionalModelRequestFields":{members}"#)).unwrap();
    assert_eq!(fields["output_config"]["effort"], "low");
    assert_eq!(fields["output_config"]["format"], serde_json::from_str::<Value>(format).unwrap());
    assert_eq!(fields["custom"]["a"], 1);
}
