//! Reasoning on its way back: what is as it was is accepted, what was lost or altered is refused.

use crate::support::{Answer, Simulator, ask_with, own, tools};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const DEMO: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const SONNET_4_6: &str = "anthropic.claude-sonnet-4-6";
const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const OPUS_5: &str = "anthropic.claude-opus-5";
const OPUS_5_5: &str = "anthropic.claude-opus-5-5";
const GPT: &str = "openai.gpt-6-sol";

/// A conversation with one model.
struct Talk<'s> {
    simulator: &'s Simulator,
    model: &'static str,
    body: Value,
}

impl<'s> Talk<'s> {
    /// Asks for something that needs a tool.
    fn new(simulator: &'s Simulator, model: &'static str, text: &str, fields: Value) -> Self {
        let mut body = ask_with(text, own(fields));
        body["toolConfig"] = tools();
        Self { simulator, model, body }
    }

    async fn ask(&self) -> Result<Answer, String> {
        self.simulator.converse(self.model, &self.body).await
    }

    /// Asks, and answers every call of a tool.
    async fn step(&mut self) -> Answer {
        let answer = self.ask().await.unwrap();
        self.push("assistant", json!(answer.content));
        let ids = answer.content.iter().filter_map(|block| block["toolUse"]["toolUseId"].as_str());
        let results = ids.map(|id| json!({ "toolResult": { "toolUseId": id, "content": [{ "text": "18 C" }] } }));
        self.push("user", results.collect());
        answer
    }

    fn push(&mut self, role: &str, content: Value) {
        self.body["messages"].as_array_mut().unwrap().push(json!({ "role": role, "content": content }));
    }

    /// The blocks of a turn.
    fn turn(&mut self, turn: usize) -> &mut Vec<Value> {
        self.body["messages"][turn]["content"].as_array_mut().unwrap()
    }

    fn text(&mut self, turn: usize, at: usize) -> &mut Value {
        &mut self.turn(turn)[at]["reasoningContent"]["reasoningText"]
    }

    async fn refused(&self, words: &str) {
        let refused = self.ask().await.unwrap_err();
        assert!(refused.starts_with("400 ValidationException: ") && refused.contains(words), "{refused}");
    }

    async fn accepted(&self, reasons: bool) {
        assert_eq!(self.ask().await.unwrap().reasons(), reasons, "{} {}", self.model, self.body);
    }
}

fn enabled() -> Value {
    json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } })
}

/// What shows a model's thoughts: Claude 4.6 does it by itself.
fn adaptive(model: &str) -> Value {
    if model.contains("-4-6") {
        return json!({ "thinking": { "type": "adaptive" } });
    }
    json!({ "thinking": { "type": "adaptive", "display": "summarized" } })
}

#[tokio::test]
async fn a_loop_with_its_thoughts_goes_on_and_thinks_again_where_the_model_does() {
    let simulator = Simulator::start().await;
    let beta = || {
        let mut fields = enabled();
        fields["anthropic_beta"] = json!(["interleaved-thinking-2025-05-14"]);
        fields
    };
    for (model, fields, thoughts) in [
        (SONNET_4, enabled(), [true, false, false]),
        (SONNET_4, beta(), [true, true, true]),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", beta(), [true, false, false]),
        (OPUS_4_6, enabled(), [true, false, false]),
        (OPUS_4_6, adaptive(OPUS_4_6), [true, true, true]),
        (OPUS_4_7, json!({ "thinking": { "type": "adaptive" } }), [true, true, true]),
        (OPUS_5, json!({}), [true, true, true]),
        (OPUS_5_5, json!({}), [true, true, true]),
        ("anthropic.claude-sonnet-5-5", json!({ "thinking": { "type": "between_tools" } }), [false, true, true]),
        ("anthropic.claude-opus-4-8", json!({}), [false, false, false]),
        (DEMO, json!({}), [true, true, true]),
        (GPT, json!({}), [true, true, true]),
        ("openai.gpt-oss-20b-1:0", json!({}), [true, true, true]),
    ] {
        let mut talk = Talk::new(&simulator, model, "In two steps, please.", fields);
        for thought in &thoughts[..2] {
            let answer = talk.step().await;
            assert_eq!((answer.reasons(), answer.stop.as_str()), (*thought, "tool_use"), "{model}");
        }
        let last = talk.ask().await.unwrap();
        assert_eq!((last.reasons(), last.stop.as_str()), (thoughts[2], "end_turn"), "{model}");
    }
}

#[tokio::test]
async fn lost_thoughts_are_missed_with_a_budget_and_end_the_thinking_without_one() {
    let simulator = Simulator::start().await;
    for model in [SONNET_4, OPUS_4_6] {
        let mut talk = Talk::new(&simulator, model, "In two steps, please.", enabled());
        talk.step().await;
        talk.step().await;
        talk.accepted(false).await;
        talk.turn(1).remove(0);
        talk.refused("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.").await;
        talk.turn(1).remove(0);
        talk.refused("but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with")
            .await;
        // A new question closes the loop.
        talk.turn(4).push(json!({ "text": "Go on." }));
        talk.accepted(true).await;
    }
    for model in [OPUS_4_6, OPUS_4_7, OPUS_5_5] {
        for lost in [1, 3] {
            let mut talk = Talk::new(&simulator, model, "In two steps, please.", adaptive(model));
            talk.step().await;
            talk.step().await;
            talk.turn(lost).remove(0);
            // Bound thoughts may only be forgotten from the oldest on.
            talk.accepted(false).await;
        }
    }
}

#[tokio::test]
async fn the_model_of_the_demo_thinks_whatever_was_lost() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, DEMO, "What is the weather?", json!({}));
    talk.step().await;
    talk.text(1, 0)["text"] = json!("Something else.");
    talk.refused("Invalid `signature` in `thinking` block").await;
    talk.turn(1).remove(0);
    talk.accepted(true).await;
}

#[tokio::test]
async fn thoughts_in_an_open_loop_need_thinking_with_a_budget() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, SONNET_4, "What is the weather?", enabled());
    talk.step().await;
    talk.body["additionalModelRequestFields"] = json!({});
    talk.refused(
        "messages.1.content.0: When thinking is disabled, an `assistant` message in the final position cannot contain \
         `thinking`. To use thinking blocks, enable `thinking` in your request.",
    )
    .await;
    talk.push("assistant", json!([{ "text": "18 C." }]));
    talk.push("user", json!([{ "text": "Thanks." }]));
    talk.accepted(false).await;
    let mut talk = Talk::new(&simulator, OPUS_4_6, "What is the weather?", adaptive(OPUS_4_6));
    talk.step().await;
    talk.body["additionalModelRequestFields"] = json!({});
    talk.accepted(false).await;
}

#[tokio::test]
async fn a_signature_belongs_to_a_text_and_a_model() {
    let simulator = Simulator::start().await;
    let fresh = async |model, fields| {
        let mut talk = Talk::new(&simulator, model, "What is the weather?", fields);
        talk.step().await;
        talk
    };
    let invalid = "messages.1.content.0: Invalid `signature` in `thinking` block";
    let mut talk = fresh(SONNET_4, enabled()).await;
    talk.text(1, 0)["text"] = json!("Something else.");
    talk.refused(invalid).await;
    let mut talk = fresh(SONNET_4, enabled()).await;
    talk.text(1, 0)["signature"] = json!("c2ln");
    talk.refused(invalid).await;
    talk.text(1, 0)["signature"] = json!("");
    talk.refused("messages.1.content.0.thinking.signature: Field required").await;
    talk.text(1, 0).as_object_mut().unwrap().remove("signature");
    talk.refused("messages.1.content.0.thinking.signature: Field required").await;
    for (from, to, fits) in [
        (SONNET_4_6, OPUS_4_6, true),
        (OPUS_4_6, SONNET_4_6, false),
        (OPUS_5, OPUS_5_5, false),
        (SONNET_4_6, "us.anthropic.claude-sonnet-4-6", true),
        (OPUS_4_7, "anthropic.claude-opus-4-8", false),
    ] {
        let mut talk = fresh(from, adaptive(from)).await;
        talk.model = to;
        if fits { talk.accepted(true).await } else { talk.refused(invalid).await }
    }
}

#[tokio::test]
async fn thoughts_without_their_text_are_sealed_too() {
    let simulator = Simulator::start().await;
    let mut talk =
        Talk::new(&simulator, OPUS_4_7, "What is the weather?", json!({ "thinking": { "type": "adaptive" } }));
    let answer = talk.step().await;
    let thought = &answer.content[0]["reasoningContent"]["reasoningText"];
    assert!(thought["text"] == "" && thought["signature"].as_str().unwrap().len() > 20, "{thought}");
    talk.accepted(true).await;
    talk.text(1, 0)["text"] = json!("A text of my own.");
    talk.refused("Invalid `signature` in `thinking` block").await;
}

#[tokio::test]
async fn redacted_thoughts_come_back_whole_or_not_at_all() {
    let simulator = Simulator::start().await;
    let redacted = async |model| {
        let mut talk = Talk::new(&simulator, model, "What is the weather? [[fault:redacted]]", enabled());
        talk.step().await;
        talk
    };
    let mut talk = redacted(SONNET_4).await;
    talk.accepted(false).await;
    talk.turn(1)[0]["reasoningContent"]["redactedContent"] = json!(STANDARD.encode("something"));
    talk.refused("messages.1.content.0: Invalid `data` in `redacted_thinking` block").await;
    let modified = "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be \
                    modified. These blocks must remain as they were in the original response.";
    talk.turn(1).remove(0);
    talk.refused(modified).await;
    let mut talk = redacted(SONNET_4).await;
    talk.turn(1).swap(0, 1);
    talk.refused(modified).await;
    let mut talk = redacted(SONNET_4).await;
    talk.model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    talk.refused("Invalid `data`").await;
    // A signature is no data.
    let mut talk = redacted(SONNET_4).await;
    let signature = talk.text(1, 1)["signature"].take();
    talk.turn(1)[1] = json!({ "reasoningContent": { "redactedContent": signature } });
    talk.refused("messages.1.content.1: Invalid `data`").await;
}

#[tokio::test]
async fn thoughts_stay_in_their_order_and_between_their_neighbours() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, OPUS_4_6, "[[fault:interleaved]] The weather?", adaptive(OPUS_4_6));
    let answer = talk.step().await;
    assert_eq!(answer.kinds(), ["reasoningContent", "text", "reasoningContent", "toolUse"]);
    talk.accepted(true).await;
    let modified = "blocks in the latest assistant message cannot be modified";
    let text = talk.turn(1).remove(1);
    talk.refused(modified).await;
    talk.turn(1).insert(2, text);
    talk.refused(modified).await;
    talk.turn(1).swap(1, 2);
    talk.turn(1).insert(1, json!({ "text": "Split off." }));
    talk.accepted(true).await;
    talk.turn(1).remove(0);
    talk.refused(modified).await;
    // Older turns may lose theirs.
    talk.push("assistant", json!([{ "text": "18 C." }]));
    talk.push("user", json!([{ "text": "Thanks." }]));
    talk.accepted(true).await;
}

#[tokio::test]
async fn bound_thoughts_belong_to_their_conversation() {
    let simulator = Simulator::start().await;
    let bound = "The block is bound to a different conversation.";
    for model in ["anthropic.claude-haiku-5-5", "anthropic.claude-sonnet-5-5", OPUS_5_5, "anthropic.claude-fable-5-1"] {
        let mut talk = Talk::new(&simulator, model, "What is the weather?", json!({}));
        talk.step().await;
        talk.turn(0).push(json!({ "cachePoint": { "type": "default" } }));
        talk.accepted(true).await;
        talk.body["system"] = json!([{ "text": "Be brief." }]);
        talk.refused(bound).await;
        talk.body["system"] = Value::Null;
        talk.body["toolConfig"]["tools"].as_array_mut().unwrap().swap(0, 1);
        talk.refused(bound).await;
        talk.body["toolConfig"] = tools();
        talk.turn(0)[0]["text"] = json!("What is the weather in Rome?");
        talk.refused("messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound").await;
        talk.body["additionalModelRequestFields"] = json!({
            "thinking": { "type": "adaptive", "block_binding": { "prefix_mismatch_behavior": "drop_block" } },
            "anthropic_beta": ["thinking-binding-controls-2026-08-01"],
        });
        talk.accepted(false).await;
    }
    for model in [OPUS_5, "anthropic.claude-fable-5", "anthropic.claude-mythos-5-1"] {
        let mut talk = Talk::new(&simulator, model, "What is the weather?", json!({}));
        talk.step().await;
        talk.body["system"] = json!([{ "text": "Be brief." }]);
        talk.accepted(true).await;
    }
}

#[tokio::test]
async fn bound_thoughts_are_forgotten_from_the_oldest_on() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, OPUS_5_5, "In three steps, please.", json!({}));
    for _ in 0..3 {
        talk.step().await;
    }
    let first = talk.turn(1).remove(0);
    talk.accepted(false).await;
    talk.turn(1).insert(0, first);
    talk.accepted(true).await;
    talk.turn(3).remove(0);
    talk.refused("messages.5.content.0: Invalid `signature` in `thinking` block. The block is bound").await;
}

#[tokio::test]
async fn no_turn_ends_with_a_thought_and_none_is_begun_for_the_model() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, OPUS_4_6, "Hello? [[fault:reasoning-only]]", adaptive(OPUS_4_6));
    let answer = talk.ask().await.unwrap();
    assert_eq!(answer.kinds(), ["reasoningContent"]);
    talk.push("assistant", json!(answer.content));
    talk.push("user", json!([{ "text": "And?" }]));
    talk.refused("messages.1: The final block in an assistant message cannot be `thinking`.").await;
    let begun = |model, fields| {
        let mut talk = Talk::new(&simulator, model, "Hello?", fields);
        talk.push("assistant", json!([{ "text": "I say:" }]));
        talk
    };
    let prefill =
        "This model does not support assistant message prefill. The conversation must end with a user message.";
    for model in [OPUS_4_6, OPUS_4_7, OPUS_5_5] {
        begun(model, json!({})).refused(prefill).await;
    }
    begun(SONNET_4, json!({})).accepted(false).await;
    begun(SONNET_4, enabled()).refused("messages.1.content.0.type: Expected `thinking`").await;
}

#[tokio::test]
async fn cache_points_do_not_follow_thoughts_and_are_four() {
    let simulator = Simulator::start().await;
    let point = || json!({ "cachePoint": { "type": "default" } });
    let mut talk = Talk::new(&simulator, OPUS_4_6, "What is the weather?", adaptive(OPUS_4_6));
    talk.step().await;
    talk.turn(1).push(point());
    talk.accepted(true).await;
    talk.turn(1).insert(1, point());
    talk.refused("Cache point cannot be inserted after reasoning block").await;
    talk.turn(1).remove(1);
    talk.turn(0).extend([point(), point(), point()]);
    talk.accepted(true).await;
    talk.turn(0).push(point());
    talk.refused("A maximum of 4 blocks with cache_control may be provided. Found 5.").await;
}

/// A turn of the assistant with this reasoning, and a new question.
fn after(reasoning: Value) -> Value {
    json!({ "messages": [
        { "role": "user", "content": [{ "text": "Hello?" }] },
        { "role": "assistant", "content": [{ "reasoningContent": reasoning }, { "text": "Hi." }] },
        { "role": "user", "content": [{ "text": "And?" }] },
    ] })
}

#[tokio::test]
async fn other_families_take_what_they_take() {
    let simulator = Simulator::start().await;
    let unsigned = || json!({ "reasoningText": { "text": "Hm." } });
    let signed = |seal: &str| json!({ "reasoningText": { "text": "Hm.", "signature": seal } });
    let redacted = || json!({ "redactedContent": STANDARD.encode("rsn_something") });
    let no_signature = "This model doesn't support the reasoningContent.reasoningText.signature field.";
    let never = "User messages cannot contain reasoning content. Please remove the reasoning content and try again.";
    let refused = async |model: &str, reasoning: Value, words: &str| {
        let refused = simulator.converse(model, &after(reasoning)).await.unwrap_err();
        assert!(refused.contains(words), "{model}: {refused}");
    };
    for model in ["openai.gpt-oss-120b-1:0", "amazon.nova-2-lite-v1:0", "minimax.minimax-m2", "moonshotai.kimi-k2.5"] {
        simulator.converse(model, &after(unsigned())).await.unwrap();
        refused(model, signed("c2ln"), no_signature).await;
        refused(model, signed(""), no_signature).await;
        refused(model, redacted(), "support the reasoningContent.redactedContent field.").await;
    }
    for model in [
        "amazon.nova-lite-v1:0",
        "deepseek.r1-v1:0",
        "deepseek.v3.2",
        "xai.grok-4.7",
        "qwen.qwen3-32b-v1:0",
        "zai.glm-5.3",
        "meta.llama3-3-70b-instruct-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "openai.gpt-5.5",
    ] {
        refused(model, unsigned(), never).await;
        refused(model, signed("c2ln"), no_signature).await;
        refused(model, redacted(), never).await;
    }
    refused(GPT, unsigned(), "support the reasoningContent.reasoningText field.").await;
    refused(GPT, signed("c2ln"), no_signature).await;
    refused(GPT, redacted(), "The encrypted content could not be verified.").await;
    refused(SONNET_4, unsigned(), "thinking.signature: Field required").await;
    let mut by_user = after(unsigned());
    by_user["messages"][0]["content"][0] = json!({ "reasoningContent": unsigned() });
    let refused = simulator.converse("openai.gpt-oss-20b-1:0", &by_user).await.unwrap_err();
    assert!(refused.contains(never), "{refused}");
}

#[tokio::test]
async fn what_gpt_encrypted_comes_back_and_images_do_not() {
    let simulator = Simulator::start().await;
    let mut talk = Talk::new(&simulator, GPT, "What is the weather?", json!({}));
    let answer = talk.step().await;
    assert!(answer.content[0]["reasoningContent"]["redactedContent"].is_string(), "{answer:?}");
    talk.accepted(true).await;
    talk.turn(1).remove(0);
    talk.accepted(true).await;
    let image = json!({ "image": { "format": "png", "source": { "bytes": "AAAA" } } });
    talk.turn(2)[0]["toolResult"]["content"] = json!([image]);
    talk.refused("This model doesn't support the image content block").await;
}
