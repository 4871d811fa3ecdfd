//! The rules of every family: what it accepts, whether it then reasons, and what it refuses in which words.

use crate::support::{Simulator, ask_with, own, tools};
use serde_json::{Value, json};

/// A model, the members beside the messages, and whether it reasons, or words of the refusal.
type Row = (&'static str, Value, Result<bool, &'static str>);

async fn play(rows: Vec<Row>) {
    let simulator = Simulator::start().await;
    for (model, members, expected) in rows {
        let case = format!("{model} {members}");
        let seen = simulator.converse(model, &ask_with("Hello?", members)).await;
        match (seen, expected) {
            (Ok(answer), Ok(reasons)) => assert_eq!(answer.reasons(), reasons, "{case}"),
            (Err(refused), Err(words)) => {
                assert!(refused.starts_with("400 ValidationException: "), "{case}: {refused}");
                assert!(refused.contains(words), "{case}: {refused}");
            }
            (seen, expected) => panic!("{case}: {seen:?} instead of {expected:?}"),
        }
    }
}

const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const SONNET_3_7: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";

fn thinking(kind: &str) -> Value {
    own(json!({ "thinking": { "type": kind } }))
}

fn budget(tokens: u64) -> Value {
    own(json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } }))
}

fn effort(level: &str) -> Value {
    own(json!({ "output_config": { "effort": level } }))
}

fn forced() -> Value {
    let mut config = tools();
    config["toolChoice"] = json!({ "any": {} });
    json!({ "toolConfig": config })
}

fn config(settings: Value) -> Value {
    json!({ "inferenceConfig": settings })
}

/// Members of several together; those of objects too.
fn with(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut all = json!({});
    for (name, value) in parts.into_iter().flat_map(|part| part.as_object().cloned().unwrap()) {
        match (all[&name].as_object_mut(), value) {
            (Some(known), Value::Object(more)) => known.extend(more),
            (_, value) => all[&name] = value,
        }
    }
    all
}

#[tokio::test]
async fn claude_with_a_budget() {
    let beta = || own(json!({ "anthropic_beta": ["interleaved-thinking-2025-05-14"] }));
    let limit = |most: u64| config(json!({ "maxTokens": most }));
    let has_tools = || json!({ "toolConfig": tools() });
    play(vec![
        (SONNET_4, json!({}), Ok(false)),
        (SONNET_4, budget(1024), Ok(true)),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", budget(1024), Ok(true)),
        (SONNET_3_7, budget(1024), Ok(true)),
        (SONNET_4, thinking("disabled"), Ok(false)),
        (SONNET_4, budget(1023), Err("budget_tokens: Input should be greater than or equal to 1024")),
        (SONNET_4, thinking("enabled"), Err("thinking.enabled.budget_tokens: Field required")),
        (SONNET_4, with([budget(2048), limit(2049)]), Ok(true)),
        (
            SONNET_4,
            with([budget(2048), limit(2048)]),
            Err("`max_tokens` must be greater than `thinking.budget_tokens`"),
        ),
        (SONNET_4, with([budget(2048), limit(2048), beta(), has_tools()]), Ok(true)),
        (SONNET_4, with([budget(2048), limit(2048), beta()]), Err("`max_tokens` must be greater")),
        (SONNET_3_7, with([budget(2048), limit(2048), beta(), has_tools()]), Err("`max_tokens` must be greater")),
        (SONNET_4, forced(), Ok(false)),
        (
            SONNET_4,
            with([budget(1024), forced()]),
            Err("Thinking may not be enabled when tool_choice forces tool use."),
        ),
        (SONNET_4, thinking("adaptive"), Err("adaptive thinking is not supported on this model")),
        (SONNET_4, thinking("between_tools"), Err("\"thinking.type.between_tools\" is not supported for this model.")),
        (SONNET_4, thinking("on"), Err("thinking: Input tag 'on' found using 'type'")),
        (SONNET_4, own(json!({ "thinking": {} })), Err("thinking: Unable to extract tag")),
        (SONNET_4, own(json!({ "reasoning_effort": "low" })), Err("reasoning_effort: Extra inputs are not permitted")),
        (SONNET_4, own(json!({ "reasoning_config": "low" })), Err("reasoning_config: Extra inputs are not permitted")),
    ])
    .await;
}

#[tokio::test]
async fn claudes_sampling() {
    let cool = || config(json!({ "temperature": 0.5 }));
    let both = || config(json!({ "temperature": 0.5, "topP": 0.9 }));
    let top_k = || own(json!({ "top_k": 5 }));
    play(vec![
        (SONNET_4, with([both(), top_k()]), Ok(false)),
        (SONNET_4, with([budget(1024), cool()]), Err("`temperature` may only be set to 1 when thinking is enabled.")),
        (SONNET_4, with([budget(1024), config(json!({ "temperature": 1.0 }))]), Ok(true)),
        (SONNET_4, with([budget(1024), config(json!({ "topP": 0.9 }))]), Err("`top_p` must be unset")),
        (SONNET_4, with([budget(1024), top_k()]), Err("`top_k` must be unset")),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", cool(), Ok(false)),
        (
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            both(),
            Err("`temperature` and `top_p` cannot both be specified"),
        ),
        ("anthropic.claude-opus-4-6-v1", cool(), Ok(false)),
        ("anthropic.claude-opus-4-6-v1", with([thinking("adaptive"), cool()]), Err("enabled or in adaptive mode.")),
        ("anthropic.claude-opus-4-7", cool(), Err("`temperature` is deprecated for this model.")),
        ("anthropic.claude-sonnet-5", config(json!({ "topP": 0.9 })), Err("`top_p` is deprecated for this model.")),
        ("anthropic.claude-opus-5-5", top_k(), Err("`top_k` is deprecated for this model.")),
        (SONNET_4, config(json!({ "temperature": 1.5 })), Err("inferenceConfig.temperature")),
    ])
    .await;
}

#[tokio::test]
async fn claudes_efforts() {
    let opus = "anthropic.claude-opus-4-5-20251101-v1:0";
    let beta = || own(json!({ "anthropic_beta": ["effort-2025-11-24"] }));
    let none = "This model does not support the effort parameter.";
    let capped = "output_config.effort 'xhigh' is not supported when thinking is disabled on this model.";
    play(vec![
        (SONNET_4, effort("low"), Err(none)),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", effort("low"), Err(none)),
        (opus, with([effort("medium"), beta()]), Ok(false)),
        (opus, effort("medium"), Err("output_config.effort: Extra inputs are not permitted")),
        (opus, with([effort("max"), beta()]), Err("effort level 'max'. Supported levels: high, low, medium.")),
        ("anthropic.claude-sonnet-4-6", effort("max"), Ok(false)),
        (
            "anthropic.claude-sonnet-4-6",
            effort("xhigh"),
            Err("This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."),
        ),
        (
            "anthropic.claude-sonnet-4-6",
            effort("minimal"),
            Err("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"),
        ),
        ("anthropic.claude-opus-4-7", effort("xhigh"), Ok(false)),
        ("anthropic.claude-sonnet-5", with([thinking("disabled"), effort("max")]), Ok(false)),
        ("anthropic.claude-opus-5", with([thinking("disabled"), effort("high")]), Ok(false)),
        ("anthropic.claude-opus-5", with([thinking("disabled"), effort("xhigh")]), Err(capped)),
        ("anthropic.claude-opus-5", effort("xhigh"), Ok(true)),
        ("anthropic.claude-haiku-5-5", with([thinking("disabled"), effort("xhigh")]), Err(capped)),
        ("anthropic.claude-sonnet-5-5", with([thinking("between_tools"), effort("high")]), Ok(false)),
        ("anthropic.claude-sonnet-5-5", with([thinking("between_tools"), effort("xhigh")]), Err(capped)),
        ("anthropic.claude-opus-5-5", json!({ "outputConfig": { "effort": "max" } }), Ok(true)),
        (
            "anthropic.claude-opus-5-5",
            with([effort("low"), json!({ "outputConfig": { "effort": "low" } })]),
            Err("The additional field output_config/effort conflicts with the existing field outputConfig.effort."),
        ),
        ("zai.glm-5", json!({ "outputConfig": { "effort": "low" } }), Err("outputConfig.effort")),
    ])
    .await;
}

#[tokio::test]
async fn claude_that_adapts() {
    let no_enabled = "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \
                      \"output_config.effort\" to control thinking behavior.";
    let no_disabled = "\"thinking.type.disabled\" is not supported for this model.";
    let between = "\"thinking.type.disabled\" is not supported for this model. Use \"thinking.type.between_tools\" for \
                   the lowest thinking setting";
    play(vec![
        ("anthropic.claude-opus-4-6-v1", json!({}), Ok(false)),
        ("anthropic.claude-opus-4-6-v1", thinking("adaptive"), Ok(true)),
        ("anthropic.claude-opus-4-6-v1", budget(2000), Ok(true)),
        ("anthropic.claude-sonnet-4-6", with([thinking("adaptive"), forced()]), Ok(false)),
        ("anthropic.claude-sonnet-4-6", with([budget(2000), forced()]), Err("tool_choice forces tool use")),
        ("anthropic.claude-opus-4-7", json!({}), Ok(false)),
        ("anthropic.claude-opus-4-7", thinking("adaptive"), Ok(true)),
        ("anthropic.claude-opus-4-7", budget(2000), Err(no_enabled)),
        ("anthropic.claude-opus-4-7", thinking("disabled"), Err(no_disabled)),
        ("anthropic.claude-opus-4-8", thinking("disabled"), Ok(false)),
        ("anthropic.claude-opus-4-8", budget(2000), Err(no_enabled)),
        ("anthropic.claude-sonnet-5", json!({}), Ok(true)),
        ("anthropic.claude-sonnet-5", thinking("disabled"), Ok(false)),
        ("anthropic.claude-sonnet-5", budget(2000), Err(no_enabled)),
        ("anthropic.claude-opus-5", forced(), Ok(false)),
        ("anthropic.claude-haiku-5-5", thinking("disabled"), Ok(false)),
        ("anthropic.claude-haiku-5-5", thinking("between_tools"), Err("between_tools\" is not supported")),
        ("anthropic.claude-sonnet-5-5", json!({}), Ok(true)),
        ("anthropic.claude-sonnet-5-5", thinking("between_tools"), Ok(false)),
        ("anthropic.claude-sonnet-5-5", thinking("disabled"), Err(between)),
        ("anthropic.claude-opus-5-5", json!({}), Ok(true)),
        ("anthropic.claude-opus-5-5", thinking("disabled"), Err(no_disabled)),
        ("anthropic.claude-mythos-5", thinking("disabled"), Err(no_disabled)),
        ("anthropic.claude-mythos-5", json!({}), Ok(true)),
        ("global.anthropic.claude-fable-5-1", thinking("adaptive"), Ok(true)),
        ("anthropic.claude-opus-7", thinking("disabled"), Err(no_disabled)),
        ("anthropic.claude-opus-7", json!({}), Ok(true)),
        (
            "anthropic.claude-opus-4-7",
            own(json!({ "thinking": { "type": "adaptive", "budget_tokens": 2000 } })),
            Err("thinking.adaptive.budget_tokens: Extra inputs are not permitted"),
        ),
        (
            "anthropic.claude-sonnet-4-6",
            own(json!({ "thinking": { "type": "adaptive", "display": "summarized" } })),
            Err("thinking.adaptive.display: Extra inputs are not permitted"),
        ),
        (
            "anthropic.claude-opus-4-7",
            own(json!({ "thinking": { "type": "adaptive", "display": "all" } })),
            Err("thinking.adaptive.display: Input should be 'summarized' or 'omitted'"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn claudes_forced_tools_and_betas() {
    let never = "tool_choice: type \"tool\" and \"any\" are not supported for this model.";
    let own_forced = || with([json!({ "toolConfig": tools() }), own(json!({ "tool_choice": { "type": "any" } }))]);
    let binding = || {
        own(json!({ "thinking": { "type": "adaptive", "block_binding": {
        "prefix_mismatch_behavior": "drop_block" } } }))
    };
    let beta = |name: &str| own(json!({ "anthropic_beta": [name] }));
    let edits = || own(json!({ "context_management": { "edits": [] } }));
    play(vec![
        ("anthropic.claude-fable-5", forced(), Ok(false)),
        ("anthropic.claude-mythos-5", forced(), Ok(false)),
        ("anthropic.claude-fable-5-1", forced(), Err(never)),
        ("anthropic.claude-mythos-5-1", forced(), Err(never)),
        ("anthropic.claude-sonnet-5-5", forced(), Err(never)),
        ("anthropic.claude-opus-5-5", own_forced(), Err(never)),
        ("anthropic.claude-opus-5", own_forced(), Ok(false)),
        (
            "anthropic.claude-opus-5",
            with([forced(), own(json!({ "tool_choice": { "type": "auto" } }))]),
            Err("The additional field tool_choice/type conflicts with the existing field toolConfig.toolChoice.any."),
        ),
        (
            "anthropic.claude-opus-5-5",
            binding(),
            Err("thinking.adaptive.block_binding: Extra inputs are not permitted"),
        ),
        ("anthropic.claude-opus-5-5", with([binding(), beta("thinking-binding-controls-2026-08-01")]), Ok(true)),
        ("anthropic.claude-opus-5", beta("prompt-caching-2024-07-31"), Err("invalid beta flag")),
        ("anthropic.claude-opus-5", own(json!({ "anthropic_beta": "a" })), Err("anthropic_beta: Input should be")),
        ("anthropic.claude-opus-5", edits(), Err("context_management: Extra inputs are not permitted")),
        ("anthropic.claude-opus-5", with([edits(), beta("context-management-2025-06-27")]), Ok(true)),
        ("anthropic.claude-3-haiku-20240307-v1:0", json!({}), Ok(false)),
        ("anthropic.claude-3-haiku-20240307-v1:0", budget(1024), Err("thinking: Extra inputs are not permitted")),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", json!({}), Ok(true)),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", budget(1024), Err("thinking: Extra inputs are not permitted")),
    ])
    .await;
}

#[tokio::test]
async fn nova() {
    let nova = "us.amazon.nova-2-lite-v1:0";
    let asked = |effort: &str| own(json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": effort } }));
    let invalid = "Malformed input request: the provided reasoning config value is invalid";
    let unset = "must be unset when maxReasoningEffort is high";
    play(vec![
        (nova, json!({}), Ok(false)),
        (nova, with([asked("low"), config(json!({ "maxTokens": 100, "temperature": 0.5 }))]), Ok(true)),
        (nova, asked("high"), Ok(true)),
        (nova, with([asked("high"), config(json!({ "maxTokens": 100 }))]), Err(unset)),
        (nova, with([asked("high"), config(json!({ "temperature": 0.5 }))]), Err(unset)),
        (nova, with([asked("high"), config(json!({ "topP": 0.5 }))]), Err(unset)),
        (nova, asked("max"), Err(invalid)),
        (nova, own(json!({ "reasoningConfig": { "type": "enabled" } })), Err(invalid)),
        (nova, own(json!({ "reasoningConfig": { "type": "disabled" } })), Ok(false)),
        (nova, budget(1024), Err("#: extraneous key [thinking] is not permitted")),
        ("amazon.nova-pro-v1:0", json!({}), Ok(false)),
        ("amazon.nova-lite-v1:0", asked("low"), Err(invalid)),
        ("amazon.nova-lite-v1:0", budget(1024), Err("#: extraneous key [thinking] is not permitted")),
        ("amazon.nova-lite-v1:0", own(json!({ "inferenceConfig": { "topK": 5 } })), Ok(false)),
    ])
    .await;
}

#[tokio::test]
async fn gpt_and_gpt_oss() {
    let flat = |effort: &str| own(json!({ "reasoning_effort": effort }));
    let nested = |effort: &str| own(json!({ "reasoning": { "effort": effort } }));
    let oss = "openai.gpt-oss-120b-1:0";
    let point = || json!({ "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default" } }] });
    let stops = || config(json!({ "stopSequences": ["."] }));
    play(vec![
        (oss, config(json!({ "temperature": 0.5 })), Ok(true)),
        (oss, flat("low"), Ok(true)),
        (oss, flat("none"), Err("Supported values are: 'low', 'medium', 'high'.")),
        (oss, flat("xhigh"), Err("'xhigh'")),
        (oss, own(json!({ "reasoning_effort": 3 })), Err("expected a string")),
        (oss, nested("low"), Err("Unknown parameter: 'reasoning'.")),
        (oss, stops(), Err("This model doesn't support the stopSequences field.")),
        (oss, point(), Err("This model doesn't support the cachePoint field.")),
        ("openai.gpt-5.4", json!({}), Ok(false)),
        ("openai.gpt-5.4", nested("medium"), Ok(true)),
        ("openai.gpt-5.4", nested("minimal"), Err("does not support 'minimal' with the 'openai.gpt-5.4' model.")),
        ("openai.gpt-5.5", json!({}), Ok(true)),
        ("openai.gpt-5.5", nested("max"), Err("'max'")),
        ("openai.gpt-5.6-sol", nested("max"), Ok(true)),
        ("openai.gpt-5.6-sol", nested("none"), Ok(false)),
        ("openai.gpt-6-astra", json!({}), Ok(true)),
        ("openai.gpt-6-astra", nested("none"), Err("'none'")),
        ("openai.gpt-6.1-sol", nested("none"), Err("'none'")),
        ("openai.gpt-6.1-terra", nested("none"), Ok(false)),
        ("openai.gpt-6-sol", nested("minimal"), Err("'minimal'")),
        ("openai.gpt-6-sol", flat("low"), Err("Unknown parameter: 'reasoning_effort'.")),
        ("openai.gpt-6-sol", budget(1024), Err("Unknown parameter: 'thinking'.")),
        ("openai.gpt-6-sol", config(json!({ "temperature": 0.5 })), Err("support the temperature field.")),
        ("openai.gpt-6-sol", config(json!({ "topP": 0.5 })), Err("support the topP field.")),
        ("openai.gpt-6-sol", stops(), Err("support the stopSequences field.")),
        ("openai.gpt-6-sol", point(), Err("support the cachePoint field.")),
        ("openai.gpt-6-sol", config(json!({ "maxTokens": 15 })), Err("Expected a value >= 16, but got 15")),
        ("openai.gpt-6-sol", config(json!({ "maxTokens": 16 })), Ok(true)),
    ])
    .await;
}

#[tokio::test]
async fn grok_and_deepseek() {
    let flat = |effort: &str| own(json!({ "reasoning_effort": effort }));
    let nested = |effort: &str| own(json!({ "reasoning": { "effort": effort } }));
    let point = || json!({ "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default" } }] });
    let auto = || with([json!({ "toolConfig": tools() }), json!({ "toolConfig": { "toolChoice": { "auto": {} } } })]);
    play(vec![
        ("xai.grok-4.6", nested("xhigh"), Ok(true)),
        ("xai.grok-4.6", forced(), Ok(true)),
        ("xai.grok-4.7", nested("none"), Err("'none'")),
        ("xai.grok-4.7", nested("max"), Err("'max'")),
        ("xai.grok-4.7", flat("low"), Err("Unknown parameter: 'reasoning_effort'.")),
        ("xai.grok-4.7", config(json!({ "temperature": 0.5 })), Err("support the temperature field.")),
        ("xai.grok-4.7", config(json!({ "stopSequences": ["."] })), Err("support the stopSequences field.")),
        ("xai.grok-4.7", config(json!({ "maxTokens": 15 })), Err("Expected a value >= 16, but got 15")),
        ("xai.grok-4.7", point(), Err("support the cachePoint field.")),
        ("deepseek.r1-v1:0", json!({}), Ok(true)),
        ("deepseek.r1-v1:0", point(), Err("support the cachePoint field.")),
        ("deepseek.r1-v1:0", flat("low"), Err("extraneous key [reasoning_effort] is not permitted")),
        ("deepseek.r1-v1:0", budget(1024), Err("extraneous key [thinking] is not permitted")),
        ("deepseek.r1-v1:0", auto(), Err("This model doesn't support the toolConfig.toolChoice.auto field.")),
        ("deepseek.r1-v1:0", json!({ "toolConfig": tools() }), Err("This model doesn't support tool use.")),
        ("deepseek.v3.2", json!({}), Ok(false)),
        ("deepseek.v3.2", flat("high"), Ok(true)),
        ("deepseek.v3.2", flat("low"), Ok(false)),
        ("deepseek.v3.2", flat("none"), Ok(false)),
        ("deepseek.v3.2", flat("max"), Err("'max'")),
        ("deepseek.v3.2", budget(1024), Ok(false)),
        ("deepseek.v3.2", nested("high"), Err("extraneous key [reasoning] is not permitted")),
        ("deepseek.v3-v1:0", forced(), Ok(false)),
        ("deepseek.v3.2", with([flat("high"), forced()]), Err("support the toolConfig.toolChoice.any field.")),
    ])
    .await;
}

#[tokio::test]
async fn the_others() {
    let flat = |effort: &str| own(json!({ "reasoning_effort": effort }));
    let word = |effort: &str| own(json!({ "reasoning_config": effort }));
    let point = || json!({ "system": [{ "text": "Be brief." }, { "cachePoint": { "type": "default" } }] });
    play(vec![
        ("zai.glm-5", flat("high"), Ok(true)),
        ("zai.glm-5", config(json!({ "stopSequences": ["."] })), Err("support the stopSequences field.")),
        ("zai.glm-4.7", flat("medium"), Ok(false)),
        ("zai.glm-4.7", word("high"), Err("extraneous key [reasoning_config]")),
        ("zai.glm-5.3", json!({}), Ok(true)),
        ("zai.glm-5.3", flat("max"), Ok(true)),
        ("zai.glm-5.3", flat("none"), Err("'none'")),
        ("qwen.qwen3-32b-v1:0", word("high"), Ok(true)),
        ("qwen.qwen3-32b-v1:0", word("low"), Ok(false)),
        ("qwen.qwen3-32b-v1:0", flat("high"), Err("extraneous key [reasoning_effort]")),
        ("qwen.qwen3-32b-v1:0", own(json!({ "reasoning_config": { "type": "enabled" } })), Err("expected a string")),
        ("qwen.qwen3-coder-next", json!({}), Ok(false)),
        ("qwen.qwen3-coder-next", word("high"), Err("extraneous key [reasoning_config]")),
        ("moonshot.kimi-k2-thinking", json!({}), Ok(true)),
        ("moonshot.kimi-k2-thinking", flat("max"), Ok(true)),
        ("moonshot.kimi-k2-thinking", flat("medium"), Err("Supported values are: 'low', 'high', 'max'.")),
        ("moonshotai.kimi-k2.5", json!({}), Ok(false)),
        ("moonshotai.kimi-k2.5", flat("high"), Ok(true)),
        ("moonshotai.kimi-k3", json!({}), Ok(true)),
        ("moonshotai.kimi-k3", config(json!({ "temperature": 0.5 })), Err("support the temperature field.")),
        ("moonshotai.kimi-k3", point(), Err("support the cachePoint field.")),
        ("moonshotai.kimi-k3", config(json!({ "maxTokens": 15 })), Err("Expected a value >= 16, but got 15")),
        ("minimax.minimax-m2.1", json!({}), Ok(true)),
        ("minimax.minimax-m2.1", flat("low"), Err("extraneous key [reasoning_effort]")),
        ("meta.llama3-3-70b-instruct-v1:0", with([config(json!({ "temperature": 0.5 })), point()]), Ok(false)),
        ("meta.llama3-3-70b-instruct-v1:0", flat("low"), Err("extraneous key [reasoning_effort]")),
        ("meta.llama3-3-70b-instruct-v1:0", own(json!({ "top_k": 5 })), Err("extraneous key [top_k]")),
    ])
    .await;
}

/// A tool of these arguments.
fn tool_of(name: &str, schema: &Value) -> Value {
    json!({ "toolConfig": { "tools": [{ "toolSpec": { "name": name, "inputSchema": { "json": schema } } }] } })
}

#[tokio::test]
async fn tools_and_their_schemas() {
    const NOVA: &str = "us.amazon.nova-pro-v1:0";
    const LLAMA: &str = "us.meta.llama4-scout-17b-instruct-v1:0";
    const CLAUDE: &str = "anthropic.claude-opus-4-8";
    let plain = || json!({ "type": "object", "properties": {} });
    let of = |extra: Value| {
        let mut schema = plain();
        schema.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
        tool_of("get_weather", &schema)
    };
    let mut cached = of(json!({}));
    cached["toolConfig"]["tools"].as_array_mut().unwrap().push(json!({ "cachePoint": { "type": "default" } }));
    let refers = json!({ "properties": { "a": { "$ref": "#/$defs/A" } } });
    play(vec![
        (NOVA, of(json!({})), Ok(false)),
        (NOVA, of(json!({ "title": "T" })), Err("inputSchema/json: extraneous key [title] is not permitted")),
        (NOVA, of(refers.clone()), Err("extraneous key [$ref] is not permitted")),
        (CLAUDE, of(refers), Ok(false)),
        (CLAUDE, of(json!({ "anyOf": [] })), Err("does not support oneOf, allOf, or anyOf at the top level")),
        (CLAUDE, of(json!({ "type": ["object", "null"] })), Err("json.type must be one of the following: object.")),
        (CLAUDE, of(json!({ "required": null })), Err("JSON schema is invalid")),
        (CLAUDE, of(json!({ "properties": { "a": { "default": null, "enum": [null] } } })), Ok(false)),
        (NOVA, cached.clone(), Err("#/toolConfig/tools/1: extraneous key [cachePoint] is not permitted")),
        (CLAUDE, cached, Ok(false)),
        (CLAUDE, tool_of("get-weather", &plain()), Ok(false)),
        ("mistral.mixtral-8x7b-instruct-v0:1", of(json!({})), Err("This model doesn't support tool use.")),
    ])
    .await;
    let simulator = Simulator::start().await;
    let seen = simulator.converse(NOVA, &ask_with("Hello?", tool_of("get-weather", &plain()))).await;
    assert!(seen.unwrap_err().contains("424 ModelErrorException: Model produced invalid sequence as part of ToolUse"));
    let body = ask_with("Hello?", of(json!({})));
    let streamed = simulator.stream(LLAMA, &body).await;
    assert!(streamed.unwrap_err().contains("This model doesn't support tool use in streaming mode."));
    assert!(simulator.stream(LLAMA, &ask_with("Hello?", json!({}))).await.is_ok());
    let path = format!("/model/{}/converse", LLAMA.replace(':', "%3A"));
    assert_eq!(simulator.ask("POST", &path, &body, true).await.status, 200);
    let refused = simulator.ask("POST", &path, &ask_with("Hello?", forced()), true).await;
    assert!(String::from_utf8_lossy(&refused.bytes).contains("doesn't support the toolConfig.toolChoice.any field"));
}

#[tokio::test]
async fn limits_system_texts_and_documents() {
    const NOVA: &str = "latam.amazon.nova-pro-v1:0";
    const MIXTRAL: &str = "mistral.mixtral-8x7b-instruct-v0:1";
    let system = || json!({ "system": [{ "text": "Be brief." }] });
    let document = json!({ "document": { "format": "txt", "name": "a", "source": { "bytes": "eA==" } } });
    let documents = |count: usize| {
        let mut content = vec![json!({ "text": "Read." })];
        content.extend(std::iter::repeat_n(document.clone(), count));
        json!({ "messages": [{ "role": "user", "content": content }] })
    };
    play(vec![
        (NOVA, config(json!({ "maxTokens": 10_000 })), Ok(false)),
        (NOVA, config(json!({ "maxTokens": 10_001 })), Err("exceeds the model limit of 10000")),
        (NOVA, config(json!({ "stopSequences": ["a", "b", "c", "d"] })), Ok(false)),
        (NOVA, config(json!({ "stopSequences": ["a", "b", "c", "d", "e"] })), Err("expected maximum item count: 4")),
        (
            "zai.glm-5",
            config(json!({ "stopSequences": ["a"] })),
            Err("This model doesn't support the stopSequences field"),
        ),
        (MIXTRAL, system(), Err("This model doesn't support system messages")),
        ("amazon.titan-text-premier-v1:0", system(), Err("This model doesn't support system messages")),
        (NOVA, system(), Ok(false)),
        (NOVA, documents(5), Ok(false)),
        (NOVA, documents(6), Err("at most 5 documents")),
        ("openai.gpt-6-sol", documents(1), Err("This model doesn't support the document content block")),
    ])
    .await;
}
