//! Refusals that a second attempt survives, asked otherwise.

use crate::stage::{ADAPTIVE, BOUND, BUDGET, Stage, Under, called, said, thought, tool_use, user};
use aquifer_gateway::config::{BindingMismatch, ReasoningPolicy};
use aquifer_gateway::record::Outcome;
use serde_json::{Value, json};

const INVALID: &str =
    "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block";
const UNBOUND: &str = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different \
                       conversation.";

/// A loop whose turn came back with reasoning that Bedrock will not take.
fn signed() -> Vec<Value> {
    let mut messages = [vec![user("Weather?")], called("Let me look.", &["tooluse_1"])].concat();
    messages[1]["reasoning_details"] =
        json!([{"type": "reasoning.text", "text": "One.", "signature": "YmFk", "index": 0}]);
    messages
}

fn stages() -> [Stage; 2] {
    [false, true].map(|stream| Stage { stream, ..Stage::default() })
}

/// Refuses the latest call, as a status or in the first frame of a stream.
fn refuse(under: &mut Under<'_>, in_stream: bool, message: &str) {
    if in_stream {
        under.begin_stream();
        under.event("validationException", &json!({"message": message}));
    } else {
        under.refuse(message);
    }
}

fn with_reasoning(under: &Under<'_>) -> bool {
    under.turn().iter().any(|block| block.get("reasoningContent").is_some())
}

#[test]
fn an_invalid_signature_is_asked_again_once_without_reasoning() {
    for stage in stages() {
        for (model, in_stream) in [(BUDGET, false), (ADAPTIVE, false), (ADAPTIVE, stage.stream)] {
            let mut under = stage.ask(model, &signed());
            assert!(with_reasoning(&under));
            refuse(&mut under, in_stream, INVALID);
            assert_eq!((under.calls.len(), under.told.order.len()), (2, 0), "nothing was said yet");
            assert!(!with_reasoning(&under));
            let thinks = under.sent()["additionalModelRequestFields"]["thinking"].is_object();
            assert_eq!(thinks, model == ADAPTIVE, "a budget needs the thoughts of the loop");
            under.answer(&[said("It is warm.")]);
            assert_eq!(
                (under.told.status, under.record().amended, under.record().outcome),
                (200, 1, Outcome::Answered)
            );
            let told = "dropped messages[].reasoning: Bedrock refused the reasoning of earlier turns";
            let told = under.told.warnings.iter().filter(|warning| warning.starts_with(told)).count();
            assert_eq!(told, 1, "{:?}", under.told.warnings);
            assert_eq!(under.record().warnings, under.told.warnings);
        }
    }
}

#[test]
fn what_was_put_back_is_taken_out_again() {
    for stage in stages() {
        stage.ask(ADAPTIVE, &[user("Weather?")]).answer(&[thought("One.", "c2ln"), tool_use("tooluse_1")]);
        let history = [vec![user("Weather?")], called("", &["tooluse_1"])].concat();
        let mut under = stage.ask(ADAPTIVE, &history);
        assert!(with_reasoning(&under));
        under.refuse(INVALID);
        assert!(!with_reasoning(&under) && under.calls.len() == 2);
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.told.status, 200);
    }
}

#[test]
fn a_second_refusal_is_told() {
    for stage in stages() {
        let mut under = stage.ask(ADAPTIVE, &signed());
        under.refuse(INVALID);
        under.refuse(INVALID);
        assert_eq!((under.calls.len(), under.told.status, under.record().amended), (2, 400, 1));
        assert!(under.told.body.contains("Invalid `signature` in `thinking` block"), "{}", under.told.body);
        assert_eq!(under.record().outcome, Outcome::Failed);
    }
}

#[test]
fn a_refusal_of_reasoning_where_there_was_none_is_told() {
    for stage in stages() {
        let mut under = stage.ask(ADAPTIVE, &[user("Weather?")]);
        under.refuse(INVALID);
        assert_eq!((under.calls.len(), under.told.status, under.record().amended), (1, 400, 0));
        let mut under = stage.ask(ADAPTIVE, &signed());
        under.refuse("Input is too long for requested model.");
        assert_eq!((under.calls.len(), under.told.status), (1, 400));
    }
}

#[test]
fn nothing_is_asked_again_once_the_client_was_told_something() {
    let stage = Stage { stream: true, ..Stage::default() };
    let mut under = stage.ask(ADAPTIVE, &signed());
    under.begin_stream();
    under.event("messageStart", &json!({"role": "assistant"}));
    under.event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "It"}}));
    under.event("validationException", &json!({"message": INVALID}));
    assert_eq!((under.calls.len(), under.told.status, under.record().amended), (1, 200, 0));
    assert!(under.told.body.contains("\"error\":{\"message\":") && under.told.body.ends_with("data: [DONE]\n\n"));
}

#[test]
fn a_turn_that_should_have_begun_with_a_thought_goes_on_without_any() {
    let expected = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.";
    for stage in stages() {
        stage.ask(BUDGET, &[user("Weather?")]).answer(&[tool_use("tooluse_1")]);
        let history = [vec![user("Weather?")], called("", &["tooluse_1"])].concat();
        let mut under = stage.ask(BUDGET, &history);
        assert!(under.sent()["additionalModelRequestFields"]["thinking"].is_object());
        under.refuse(expected);
        assert!(under.sent()["additionalModelRequestFields"].is_null());
        under.answer(&[said("It is warm.")]);
        assert_eq!((under.told.status, under.record().amended), (200, 1));
    }
}

#[test]
fn bound_reasoning_is_sent_to_be_dropped_where_the_operator_says_so() {
    for mut stage in stages() {
        stage.policy = ReasoningPolicy { binding_mismatch: BindingMismatch::DropBlock, ..ReasoningPolicy::default() };
        let mut under = stage.ask(BOUND, &signed());
        under.refuse(UNBOUND);
        let own = &under.sent()["additionalModelRequestFields"];
        assert_eq!(own["thinking"]["block_binding"]["prefix_mismatch_behavior"], "drop_block");
        assert_eq!(own["anthropic_beta"], json!(["thinking-binding-controls-2026-08-01"]));
        assert!(with_reasoning(&under));
        under.refuse(UNBOUND);
        assert!(!with_reasoning(&under), "what cannot be dropped there is left out here");
        under.answer(&[said("It is warm.")]);
        assert_eq!((under.told.status, under.record().amended), (200, 2));
    }
}

#[test]
fn bound_reasoning_is_left_out_elsewhere() {
    for mut stage in stages() {
        let mut under = stage.ask(BOUND, &signed());
        under.refuse(UNBOUND);
        assert!(!with_reasoning(&under));
        stage.policy = ReasoningPolicy { binding_mismatch: BindingMismatch::DropBlock, ..ReasoningPolicy::default() };
        let off = json!({"reasoning_effort": "none"});
        let mut under = stage.ask_with("anthropic.claude-sonnet-5-5", &signed(), off);
        under.refuse(UNBOUND);
        assert_eq!(under.calls.len(), 2);
        assert!(!with_reasoning(&under));
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.record().amended, 1);
        assert!(!under.told.warnings.iter().any(|warning| warning.contains("Bedrock drops it")));
    }
}

#[test]
fn an_effort_that_is_refused_is_lowered_by_one() {
    for stage in stages() {
        let mut under = stage.ask_with(ADAPTIVE, &[user("Weather?")], json!({"reasoning_effort": "max"}));
        under.refuse("This model does not support effort level 'max'. Supported levels: high, low, medium, xhigh.");
        assert_eq!(under.sent()["additionalModelRequestFields"]["output_config"]["effort"], "xhigh");
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.told.warnings.len(), 1, "{:?}", under.told.warnings);
    }
}
