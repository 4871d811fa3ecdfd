//! Tool loops of clients that give calls ids of their own, or drop the text beside them.

use crate::memory::Memory;
use crate::stage::{ADAPTIVE, BUDGET, Stage, called, said, thought, tool_use, user};
use serde_json::Value;

fn turn(id: &str) -> Vec<Value> {
    vec![thought("One.", "c2lnMQ=="), said("Let me look."), tool_use(id)]
}

fn stage() -> Stage {
    Stage { memory: Memory::answering(false), ..Stage::default() }
}

/// A turn that the model says for these messages.
fn answered(stage: &Stage, model: &str, messages: &[Value], turn: &[Value]) {
    let mut under = stage.ask(model, messages);
    under.answer(turn);
    assert_eq!(under.record().turns.kept, 1);
}

#[test]
fn calls_are_told_by_name_arguments_and_conversation() {
    for (model, content) in [(BUDGET, "Let me look."), (ADAPTIVE, "Let me look."), (BUDGET, ""), (ADAPTIVE, "")] {
        let stage = stage();
        let asked = vec![user("Weather?")];
        answered(&stage, model, &asked, &turn("tooluse_1"));
        let asked = [asked, called(content, &["own-1"])].concat();
        answered(&stage, model, &asked, &turn("tooluse_2"));
        let asked = [asked, called(content, &["own-2"])].concat();
        let mut under = stage.ask(model, &asked);
        assert_eq!(under.turn(), turn("own-1"), "{model} {content}");
        assert_eq!(under.sent()["messages"][3]["content"], Value::from(turn("own-2")), "{model} {content}");
        under.answer(&[said("It is warm.")]);
        assert_eq!((under.record().turns.restored, under.record().turns.missed), (2, 0));
    }
}

#[test]
fn a_turn_of_another_conversation_is_left_alone() {
    let stage = stage();
    answered(&stage, BUDGET, &[user("Weather?")], &turn("tooluse_1"));
    let asked = [vec![user("Weather now?")], called("Let me look.", &["own-1"])].concat();
    let mut under = stage.ask(BUDGET, &asked);
    under.answer(&[said("It is warm.")]);
    assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 1));
}

#[test]
fn of_two_turns_that_fit_none_is_taken() {
    let stage = stage();
    for id in ["tooluse_1", "tooluse_2"] {
        answered(&stage, BUDGET, &[user("Weather?")], &turn(id));
    }
    let asked = |id: &str| [vec![user("Weather?")], called("Let me look.", &[id])].concat();
    let mut under = stage.ask(BUDGET, &asked("own-1"));
    under.answer(&[said("It is warm.")]);
    assert_eq!((under.record().turns.restored, under.record().turns.missed), (0, 1));
    let mut under = stage.ask(BUDGET, &asked("call_tooluse_2"));
    under.answer(&[said("It is warm.")]);
    assert_eq!((under.record().turns.restored, under.record().turns.missed), (1, 0), "its id tells");
}
