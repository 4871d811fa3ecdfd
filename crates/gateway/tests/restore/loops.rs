//! Tool loops of clients that drop the model's reasoning.

use crate::memory::Memory;
use crate::stage::{ADAPTIVE, BUDGET, PROFILE, Stage, called, said, thought, tool_use, user};
use aquifer_gateway::config::{Expose, ReasoningPolicy, RestorePolicy};
use serde_json::{Value, json};
use std::time::Duration;

/// Streamed and whole, with a store that answers at once and one that does not.
fn stages() -> impl Iterator<Item = Stage> {
    [(false, false), (false, true), (true, false), (true, true)].into_iter().map(|(stream, later)| Stage {
        memory: Memory::answering(later),
        stream,
        ..Stage::default()
    })
}

fn turn() -> Vec<Value> {
    vec![
        thought("One é\n", "c2lnMQ=="),
        said("Let me look. "),
        json!({"reasoningContent": {"redactedContent": "cmVkYWN0ZWQ="}}),
        thought("", "c2lnMg=="),
        tool_use("tooluse_1"),
    ]
}

/// The first turn of a loop: the model calls a tool.
fn first(stage: &Stage, model: &str, turn: &[Value]) {
    let mut under = stage.ask(model, &[user("Weather?")]);
    under.answer(turn);
    assert_eq!((under.told.status, under.record().turns.kept), (200, 1), "{}", under.told.body);
}

fn next(content: &str, ids: &[&str]) -> Vec<Value> {
    [vec![user("Weather?")], called(content, ids)].concat()
}

fn only_calls(turn: &[Value]) -> bool {
    turn.iter().all(|block| block.get("reasoningContent").is_none())
}

#[test]
fn a_store_that_never_answers_is_waited_for_no_longer_than_its_deadline() {
    for stream in [false, true] {
        let mut stage = Stage { memory: Memory::answering(true), stream, ..Stage::default() };
        first(&stage, BUDGET, &turn());
        stage.silent = true;
        let mut under = stage.ask(BUDGET, &next("Let me look. ", &["tooluse_1"]));
        assert_eq!((under.recalls, under.calls.len()), (1, 0));
        under.too_early();
        assert!(under.calls.is_empty());
        let waited = under.time_out().unwrap();
        assert!(waited <= Duration::from_secs(2) && waited > Duration::from_secs(1), "{waited:?}");
        assert_eq!(under.calls.len(), 1);
        assert!(only_calls(&under.turn()));
        under.recalled();
        under.answer(&[said("Rain.")]);
        assert_eq!((under.told.status, under.calls.len()), (200, 1), "{}", under.told.body);
        let warned = under.told.warnings.iter().any(|warning| warning.contains("store of turns"));
        assert!(warned, "{:?}", under.told.warnings);
        assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 1));
    }
}

#[test]
fn reasoning_that_a_client_dropped_is_put_back() {
    for stage in stages() {
        for model in [BUDGET, ADAPTIVE] {
            first(&stage, model, &turn());
            let mut under = stage.ask(model, &next("Let me look. ", &["tooluse_1"]));
            assert_eq!(under.turn(), turn());
            assert_eq!(under.recalls, usize::from(stage.memory.later));
            assert!(under.sent()["additionalModelRequestFields"]["thinking"].is_object());
            under.answer(&[thought("Warm.", "c2lnMw=="), said("It is warm.")]);
            let turns = under.record().turns;
            assert_eq!((turns.restored, turns.missed, turns.kept), (1, 0, 0));
            assert!(under.told.warnings.is_empty(), "{:?}", under.told.warnings);
        }
    }
}

#[test]
fn every_turn_of_a_loop_is_put_back() {
    for stage in stages() {
        first(&stage, ADAPTIVE, &turn());
        let second = [thought("Again.", "c2lnMw=="), tool_use("tooluse_2")];
        let mut under = stage.ask(ADAPTIVE, &next("Let me look. ", &["tooluse_1"]));
        under.answer(&second);
        let history = [next("Let me look. ", &["tooluse_1"]), called("", &["tooluse_2"])].concat();
        let mut under = stage.ask(ADAPTIVE, &history);
        assert_eq!(under.turn(), turn());
        assert_eq!(under.sent()["messages"][3]["content"], json!(second));
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.record().turns.restored, 2);
    }
}

#[test]
fn callers_do_not_share_what_is_remembered() {
    for mut stage in stages() {
        let of = |caller: &str| vec![thought(caller, "c2ln"), tool_use("tooluse_1")];
        for caller in ["Bearer one", "Bearer two"] {
            stage.caller = Some(caller);
            first(&stage, BUDGET, &of(caller));
        }
        for caller in ["Bearer one", "Bearer two"] {
            stage.caller = Some(caller);
            assert_eq!(stage.ask(BUDGET, &next("", &["tooluse_1"])).turn(), of(caller));
        }
        for caller in [Some("Bearer three"), None] {
            stage.caller = caller;
            let mut under = stage.ask(BUDGET, &next("", &["tooluse_1"]));
            assert!(only_calls(&under.turn()), "{caller:?}");
            under.answer(&[said("It is warm.")]);
            assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 1));
        }
    }
}

#[test]
fn another_conversation_does_not_get_it_whatever_its_ids_are() {
    for stage in stages() {
        first(&stage, ADAPTIVE, &turn());
        let alice = next("Let me look. ", &["tooluse_1"]);
        for at_first in [
            vec![user("What is the weather?")],
            vec![user("Weather?"), user("Mine, please.")],
            vec![json!({"role": "system", "content": "Her number is 5."}), user("Weather?")],
            vec![user("Hi"), json!({"role": "assistant", "content": "Hello!"}), user("Weather?")],
            Vec::new(),
        ] {
            let bob = [at_first, alice[1..].to_vec()].concat();
            let mut under = stage.ask(ADAPTIVE, &bob);
            assert!(only_calls(&under.turn()), "{bob:?}");
            under.answer(&[said("It is warm.")]);
            assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 1));
        }
        let mut as_parts = alice.clone();
        as_parts[0] = json!({"role": "user", "content": [
            {"type": "text", "text": "Weather?", "cache_control": {"type": "ephemeral"}}]});
        assert_eq!(stage.ask(ADAPTIVE, &as_parts).turn(), turn());
        // The result of an earlier call is a part of it too.
        let mut under = stage.ask(ADAPTIVE, &alice);
        under.answer(&[thought("18 is warm.", "c2lnMw=="), tool_use("tooluse_2")]);
        let mut other = [alice.clone(), called("", &["tooluse_2"])].concat();
        other[2]["content"] = json!("19 C");
        let under = stage.ask(ADAPTIVE, &other);
        assert_eq!(under.turn(), turn());
        assert_eq!(under.sent()["messages"][3]["content"], json!([tool_use("tooluse_2")]));
    }
}

#[test]
fn a_policy_leaves_callers_without_a_key_out() {
    let restore = RestorePolicy { anonymous: false, ..RestorePolicy::default() };
    for mut stage in stages() {
        stage.policy = ReasoningPolicy { restore, ..ReasoningPolicy::default() };
        stage.ask(ADAPTIVE, &[user("Weather?")]).answer(&turn());
        assert_eq!(stage.memory.len(), 0);
        let under = stage.ask(ADAPTIVE, &next("Let me look. ", &["tooluse_1"]));
        assert!(only_calls(&under.turn()) && under.recalls == 0);
        stage.caller = Some("Bearer one");
        first(&stage, ADAPTIVE, &turn());
        assert_eq!(stage.ask(ADAPTIVE, &next("Let me look. ", &["tooluse_1"])).turn(), turn());
    }
}

#[test]
fn another_model_does_not_get_it() {
    for stage in stages() {
        first(&stage, BUDGET, &turn());
        let mut under = stage.ask(ADAPTIVE, &next("Let me look. ", &["tooluse_1"]));
        assert!(only_calls(&under.turn()));
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.record().turns.missed, 1);
        assert!(under.told.warnings[0].starts_with("reasoning-unavailable reasoning_effort: "));
    }
}

#[test]
fn a_turn_that_was_changed_is_another_turn() {
    for stage in stages() {
        first(&stage, BUDGET, &turn());
        let mut arguments = next("Let me look. ", &["tooluse_1"]);
        arguments[1]["tool_calls"][0]["function"]["arguments"] = json!("{\"city\": \"Rome\"}");
        let mut name = next("Let me look. ", &["tooluse_1"]);
        name[1]["tool_calls"][0]["function"]["name"] = json!("get_time");
        let text = next("Let me see. ", &["tooluse_1"]);
        let more = next("Let me look. ", &["tooluse_1", "tooluse_2"]);
        for changed in [arguments, name, text, more] {
            let under = stage.ask(BUDGET, &changed);
            assert!(only_calls(&under.turn()), "{changed:?}");
            assert!(under.sent()["additionalModelRequestFields"].is_null(), "no reasoning for that call");
        }
        assert_eq!(stage.ask(BUDGET, &next("Let me look. ", &["tooluse_1"])).turn(), turn());
    }
}

#[test]
fn what_is_remembered_counts_more_than_what_came_back() {
    for stage in stages() {
        first(&stage, ADAPTIVE, &turn());
        let mut history = next("Let me look. ", &["tooluse_1"]);
        history[1]["reasoning_details"] =
            json!([{"type": "reasoning.text", "text": "x", "signature": "eA==", "index": 0}]);
        assert_eq!(stage.ask(ADAPTIVE, &history).turn(), turn());
    }
}

#[test]
fn what_no_client_sees_is_put_back_all_the_same() {
    let shown = Expose { think_tags: true, ..Expose::default() };
    for (hidden, expose) in [(true, None), (false, Some(Expose::default())), (false, Some(shown))] {
        for mut stage in stages() {
            stage.policy = ReasoningPolicy { hidden, expose, ..ReasoningPolicy::default() };
            let mut under = stage.ask(ADAPTIVE, &[user("Weather?")]);
            under.answer(&turn());
            let tagged = expose.is_some_and(|expose| expose.think_tags);
            assert_eq!(under.told.body.contains("One"), tagged, "{}", under.told.body);
            assert!(!under.told.body.contains("c2lnMQ==") && !under.told.body.contains("reasoning"));
            let text = if tagged { "<think>One é\n</think>Let me look. " } else { "Let me look. " };
            assert_eq!(stage.ask(ADAPTIVE, &next(text, &["tooluse_1"])).turn(), turn());
        }
    }
}

#[test]
fn excluded_reasoning_is_put_back_too() {
    for stage in stages() {
        let excluded = json!({"reasoning": {"effort": "low", "exclude": true}});
        let mut under = stage.ask_with(BUDGET, &[user("Weather?")], excluded.clone());
        under.answer(&[thought("Secret", "c2lnMQ=="), tool_use("tooluse_1")]);
        assert!(!under.told.body.contains("Secret") && !under.told.body.contains("c2lnMQ=="), "{}", under.told.body);
        let under = stage.ask_with(BUDGET, &next("", &["tooluse_1"]), excluded);
        assert_eq!(under.turn(), [thought("Secret", "c2lnMQ=="), tool_use("tooluse_1")]);
    }
}

#[test]
fn a_turn_is_kept_before_its_client_can_send_it_back() {
    for stage in stages() {
        let mut under = stage.ask(ADAPTIVE, &[user("Weather?")]);
        under.answer(&turn());
        let order = &under.told.order;
        let keep = order.iter().position(|told| *told == "keep").unwrap();
        assert_eq!(order.iter().filter(|told| **told == "keep").count(), 1);
        assert_eq!(order[keep + 1..].last(), Some(&"body"), "{order:?}");
        assert!(under.told.body.contains("\"finish_reason\":\"tool_calls\""));
        let rest = if stage.stream { 1 } else { 2 };
        assert_eq!(order.len() - keep - 1, rest, "only the finish follows: {order:?}");
    }
}

#[test]
fn only_turns_that_call_tools_are_kept_and_only_where_that_is_wanted() {
    for mut stage in stages() {
        stage.ask(ADAPTIVE, &[user("Hi")]).answer(&[thought("Hm.", "c2ln"), said("Hi.")]);
        stage.ask_with(BUDGET, &[user("Weather?")], json!({})).answer(&[tool_use("tooluse_1")]);
        stage.ask_with("anthropic.claude-sonnet-5-5", &[user("Weather?")], json!({"tools": []})).answer(&turn());
        assert_eq!(stage.memory.len(), 0);
        let off = RestorePolicy { enabled: false, ..RestorePolicy::default() };
        stage.policy = ReasoningPolicy { restore: off, ..ReasoningPolicy::default() };
        stage.ask(ADAPTIVE, &[user("Weather?")]).answer(&turn());
        let under = stage.ask(ADAPTIVE, &next("Let me look. ", &["tooluse_1"]));
        assert_eq!((stage.memory.len(), under.recalls), (0, 0));
        let small = RestorePolicy { max_bytes: 20, ..RestorePolicy::default() };
        stage.policy = ReasoningPolicy { restore: small, ..ReasoningPolicy::default() };
        stage.ask(ADAPTIVE, &[user("Weather?")]).answer(&turn());
        assert_eq!(stage.memory.len(), 0, "a turn that is larger than all that may be remembered");
    }
}

#[test]
fn between_tools_alone_is_remembered_too() {
    for stage in stages() {
        let off = json!({"reasoning_effort": "none"});
        let mut under = stage.ask_with("anthropic.claude-sonnet-5-5", &[user("Weather?")], off);
        under.answer(&turn());
        assert_eq!(under.record().turns.kept, 1);
    }
}

#[test]
fn a_store_that_forgot_is_no_failure() {
    for stage in stages() {
        first(&stage, BUDGET, &turn());
        stage.memory.forget();
        let mut under = stage.ask(BUDGET, &next("Let me look. ", &["tooluse_1"]));
        assert!(only_calls(&under.turn()));
        under.answer(&[said("It is warm.")]);
        assert_eq!((under.told.status, under.record().turns.missed), (200, 1));
        assert_eq!(under.told.warnings.len(), 1, "{:?}", under.told.warnings);
    }
}

#[test]
fn a_turn_without_reasoning_is_known_to_have_had_none() {
    for stage in stages() {
        first(&stage, BUDGET, &[tool_use("tooluse_1")]);
        let mut under = stage.ask(BUDGET, &next("", &["tooluse_1"]));
        assert!(under.sent()["additionalModelRequestFields"]["thinking"].is_object(), "nothing is missing");
        under.answer(&[said("It is warm.")]);
        assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 0));
    }
}

/// What a profile stands for nobody may know: its thoughts come back to it all the same.
#[test]
fn an_id_of_which_nothing_is_known_gets_its_thoughts_back() {
    let asked = [
        json!({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "max_tokens": 4000}),
        json!({"additional_model_request_fields": {"reasoning_config": {"type": "enabled", "budget_tokens": 2000}}}),
    ];
    for (stage, asked) in stages().zip(asked.iter().cycle()) {
        let mut under = stage.ask_with(PROFILE, &[user("Weather?")], asked.clone());
        under.answer(&turn());
        assert_eq!((under.told.status, under.record().turns.kept), (200, 1), "{}", under.told.body);
        let mut under = stage.ask_with(PROFILE, &next("Let me look. ", &["tooluse_1"]), asked.clone());
        assert_eq!(under.turn(), turn());
        under.answer(&[said("It is warm.")]);
        assert_eq!(under.record().turns.restored, 1);
        assert!(under.told.warnings.is_empty(), "{:?}", under.told.warnings);
        // Nothing was asked of its reasoning: nothing is remembered.
        let mut under = stage.ask_with(PROFILE, &[user("Weather?")], json!({}));
        under.answer(&turn());
        assert_eq!(under.record().turns.kept, 0);
    }
}
