//! Examinations of models that are played by rows: whatever row one begins with, the played one is found.

use super::*;
use crate::doctor::probe::{Answer, Mind};
use crate::doctor::question::{is_level, usual};
use aquifer_gateway::translate::catalogue::{
    Allowed, Catalogue, Control, Default as Habit, Off, Replay, Sampling, Streaming,
};
use serde_json::json;

fn row(id: &str) -> Entry {
    Catalogue::builtin().lookup(id).clone()
}

/// One model for each kind of row of which everything is known.
const MODELS: [&str; 14] = [
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-sonnet-4-5",
    "anthropic.claude-opus-4-5",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-5",
    "anthropic.claude-sonnet-5-5",
    "anthropic.claude-opus-5-5",
    "amazon.nova-2-lite-v1:0",
    "openai.gpt-6-sol",
    "openai.gpt-6.1-sol",
    "deepseek.r1-v1:0",
    "deepseek.v3.2",
    "qwen.qwen3-32b-v1:0",
];

fn answered(truth: &Entry, thinks: bool) -> Outcome {
    let kinds: &[Replay] = match truth.vendor.as_str() {
        "anthropic" => &[Replay::Signed],
        "openai" => &[Replay::Redacted],
        _ => &[Replay::Unsigned],
    };
    let thoughts = if thinks { kinds.to_vec() } else { Vec::new() };
    let thought = truth.redacted_text.clone().unwrap_or_else(|| "Hm.".to_owned());
    let thought = if thinks { thought } else { String::new() };
    let message = json!({ "role": "assistant", "content": "I will look." });
    let text = truth.inline_tag.as_ref().map_or_else(|| "{}".to_owned(), |tag| format!("<{tag}>"));
    Outcome::Answered(Answer { thoughts, thought, text, message, ..Answer::default() })
}

/// What a model whose row is `truth` answers.
fn played(truth: &Entry, probe: &Probe) -> Outcome {
    let by_itself = truth.default != Habit::Off;
    let takes = |works: bool, thinks: bool| match works {
        true => answered(truth, thinks),
        false => Outcome::Refused("no".to_owned()),
    };
    let mind = |mind: Mind, calm: bool, thinking: bool| match mind {
        Mind::Calm => takes(calm, false),
        Mind::Thinking => takes(thinking, true),
    };
    let same = probe.row.control == truth.control;
    let level = same && (!is_level(truth.control) || truth.efforts.contains(&usual(&probe.row)));
    match probe.what {
        What::Plain => takes(true, by_itself),
        What::Limit => takes(truth.min_max_tokens.is_none(), by_itself),
        What::On(_) if probe.row.display && !truth.display => {
            if level && truth.control == Control::Adaptive {
                Outcome::Refused("thinking.adaptive.display: Extra inputs are not permitted".to_owned())
            } else {
                takes(level, true)
            }
        }
        What::On(_) => takes(level, true),
        What::Display(display) => takes(same && (!display || truth.display), true),
        What::Level(level) => takes(same && truth.efforts.contains(&level), true),
        What::Off(off) => takes(same && truth.off == off, false),
        What::Tool => match takes(truth.tools, truth.can_reason()) {
            Outcome::Answered(answer) => Outcome::Answered(Answer { calls: true, ..answer }),
            other => other,
        },
        What::Back(kind) => takes(kind.is_none_or(|kind| truth.takes_back(kind)), true),
        What::Streamed => takes(truth.tools && truth.streaming == Streaming::Allowed, by_itself),
        What::System => takes(truth.system, by_itself),
        What::Result { picture } => takes(!picture || truth.result_images, by_itself),
        What::Forced(Mind::Thinking) if truth.forced_tool == Allowed::InsteadOfReasoning => takes(true, false),
        What::Forced(how) => {
            let (calm, thinking) = both(truth.forced_tool);
            mind(how, calm, thinking)
        }
        What::Schema => takes(truth.structured_output, by_itself),
        What::Temperature(how) => mind(how, truth.sampling != Sampling::Never, truth.sampling == Sampling::Free),
        What::TopP => takes(!truth.one_of_temperature_top_p, by_itself),
        What::TopK => takes(truth.top_k == probe.row.top_k, by_itself),
        What::Stop => takes(truth.stop, by_itself),
        What::Prefill(how) => {
            let (calm, thinking) = both(truth.prefill);
            mind(how, calm, thinking)
        }
    }
}

fn both(allowed: Allowed) -> (bool, bool) {
    match allowed {
        Allowed::Allowed | Allowed::InsteadOfReasoning => (true, true),
        Allowed::NotWhileReasoning => (true, false),
        Allowed::Refused => (false, false),
    }
}

fn examined(row: &Entry, mut answer: impl FnMut(&Probe) -> Outcome) -> Examined {
    let mut examination = Examination::of(row);
    let mut made = 0;
    while let Some(probe) = examination.next() {
        let outcome = answer(&probe);
        examination.take(probe.what, outcome);
        made += 1;
        assert!(made < 100, "it goes on and on");
    }
    examination.report()
}

/// The fields that say everything that a model was played by, where it can be seen.
fn visible(entry: &Entry) -> Value {
    let silent = entry.default == Habit::Off;
    // What nobody can see does not count: a model that always reasons is never calm, another never thinks.
    let seen = |(calm, thinking): (bool, bool)| {
        json!([(entry.default != Habit::AlwaysOn).then_some(calm), entry.can_reason().then_some(thinking)])
    };
    let instead = entry.can_reason() && entry.forced_tool == Allowed::InsteadOfReasoning;
    json!({
        "control": entry.control,
        "default": entry.default,
        "off": if silent { json!("by saying nothing") } else { json!(entry.off) },
        "efforts": entry.efforts.iter().map(|effort| effort.word()).collect::<Vec<_>>(),
        "display": entry.display && entry.control == Control::Adaptive,
        "sampling": seen((entry.sampling != Sampling::Never, entry.sampling == Sampling::Free)),
        "min_max_tokens": entry.min_max_tokens,
        "forced_tool": [seen(both(entry.forced_tool)), json!(instead)],
        "structured_output": entry.structured_output,
        "stop": entry.stop,
        "system": entry.system,
        "prefill": seen(both(entry.prefill)),
    })
}

#[test]
fn a_row_that_is_right_differs_in_nothing() {
    for entry in Catalogue::builtin().entries() {
        let unknown = entry.control == Control::Unknown || entry.off == Off::Unknown;
        if !unknown && entry.converse {
            let examined = examined(entry, |probe| played(entry, probe));
            assert!(examined.findings.is_empty() && examined.unprobed.is_empty(), "{}: {examined:#?}", entry.id);
        }
    }
}

#[test]
fn whatever_is_believed_the_truth_is_found() {
    for (one, other) in MODELS.iter().flat_map(|one| MODELS.iter().map(move |other| (one, other))) {
        let (believed, truth) = (row(one), row(other));
        let found = examined(&believed, |probe| played(&truth, probe));
        assert_eq!(visible(&found.belief), visible(&truth), "{other} taken for {one}: {found:#?}");
        if truth.tools {
            assert_eq!(found.belief.streaming, truth.streaming, "{other} taken for {one}");
        }
        let again = examined(&found.belief, |probe| played(&truth, probe));
        assert!(again.findings.is_empty(), "{other} taken for {one}, cured: {again:#?}");
    }
}

#[test]
fn one_wrong_field_is_found_and_no_other() {
    let truth = row("anthropic.claude-opus-5");
    let efforts = truth.efforts.iter().copied().take(2).collect();
    for (field, wrong) in [
        ("default", Entry { default: Habit::Off, ..truth.clone() }),
        ("off", Entry { off: Off::BetweenTools, ..truth.clone() }),
        ("efforts", Entry { efforts, ..truth.clone() }),
        ("display", Entry { display: false, ..truth.clone() }),
        ("forced_tool", Entry { forced_tool: Allowed::Refused, ..truth.clone() }),
        ("structured_output", Entry { structured_output: false, ..truth.clone() }),
        ("sampling", Entry { sampling: Sampling::Free, ..truth.clone() }),
        ("stop", Entry { stop: false, ..truth.clone() }),
        ("prefill", Entry { prefill: Allowed::Allowed, ..truth.clone() }),
        ("min_max_tokens", Entry { min_max_tokens: Some(16), ..truth.clone() }),
        ("tools", Entry { tools: false, ..truth.clone() }),
        ("system", Entry { system: false, ..truth.clone() }),
        ("streaming", Entry { streaming: Streaming::NotWithTools, ..truth.clone() }),
        ("streaming", Entry { streaming: Streaming::Refused, ..truth.clone() }),
        ("result_images", Entry { result_images: false, ..truth.clone() }),
        ("replay", Entry { replay: vec![Replay::Signed, Replay::Unsigned, Replay::Redacted], ..truth.clone() }),
    ] {
        let found = examined(&wrong, |probe| played(&truth, probe)).findings;
        let fields: Vec<&str> = found.iter().map(|finding| finding.field.as_str()).collect();
        assert_eq!(fields, [field], "{found:#?}");
        assert!(!found[0].why.is_empty(), "{found:#?}");
    }
}

#[test]
fn a_probe_that_could_not_be_made_changes_nothing() {
    for id in MODELS {
        let truth = row(id);
        let mut made = Vec::new();
        examined(&truth, |probe| {
            made.push(probe.what);
            played(&truth, probe)
        });
        for lost in made {
            let examined = examined(&truth, |probe| match probe.what == lost {
                true => Outcome::Unprobed("throttled".to_owned()),
                false => played(&truth, probe),
            });
            assert!(examined.findings.is_empty(), "{id} without {lost:?}: {examined:#?}");
            assert_eq!(examined.unprobed[0], (lost.title(), "throttled".to_owned()), "{id}");
        }
    }
}

#[test]
fn a_model_that_does_not_answer_is_asked_nothing_else() {
    for (id, unprobed) in [("anthropic.claude-opus-5", 1), ("openai.gpt-5.6-cyber", 0)] {
        let found = examined(&row(id), |_| Outcome::Refused("The provided model identifier is invalid.".to_owned()));
        assert_eq!((found.probes.len(), found.findings.len(), found.unprobed.len()), (1, 0, unprobed), "{found:#?}");
    }
}

#[test]
fn a_tool_loop_that_is_refused_anyway_is_no_difference() {
    let truth = row("anthropic.claude-opus-5");
    let found = examined(&truth, |probe| match probe.what {
        What::Back(_) => Outcome::Refused("messages.2: no".to_owned()),
        _ => played(&truth, probe),
    });
    assert!(found.findings.is_empty() && found.unprobed.iter().any(|(what, _)| what == "replay"), "{found:#?}");
    let found = examined(&truth, |probe| match probe.what {
        What::Back(Some(_)) => Outcome::Refused("messages.1: Invalid `signature`".to_owned()),
        _ => played(&truth, probe),
    });
    assert_eq!(found.findings[0].seen, json!(["redacted"]), "{found:#?}");
}

#[test]
fn a_model_that_takes_everything_teaches_nothing_of_its_switch() {
    let mut believed = row("minimax.minimax-m2");
    believed.default = Habit::On;
    let found = examined(&believed, |_| answered(&believed, true));
    assert!(found.findings.iter().all(|finding| finding.field != "control"), "{found:#?}");
    assert!(found.unprobed.iter().any(|(what, _)| what == "control"), "{found:#?}");
}

#[test]
fn a_model_that_was_never_seen_to_reason_teaches_nothing_of_it() {
    for id in ["anthropic.claude-opus-5-5", "openai.gpt-6.1-sol"] {
        let truth = row(id);
        let found = examined(&truth, |probe| match played(&truth, probe) {
            Outcome::Answered(answer) => {
                Outcome::Answered(Answer { thoughts: Vec::new(), thought: String::new(), ..answer })
            }
            other => other,
        });
        assert!(found.findings.is_empty(), "{id}: {found:#?}");
        assert!(found.unprobed.iter().any(|(what, _)| what == "default"), "{id}: {found:#?}");
    }
}

#[test]
fn levels_that_are_taken_and_do_nothing_are_no_levels() {
    let truth = row("zai.glm-5");
    let mut believed = truth.clone();
    believed.efforts = vec![super::super::question::LEVELS[1], super::super::question::LEVELS[3]];
    let found = examined(&believed, |probe| match probe.what {
        What::Level(_) | What::On(Control::ReasoningEffort) => {
            let thinks = truth.efforts.contains(&usual(&probe.row));
            answered(&truth, thinks)
        }
        _ => played(&truth, probe),
    });
    let shown: Vec<_> = found.findings.iter().map(|it| (it.field.as_str(), &it.seen, it.why.as_str())).collect();
    assert_eq!(shown, [("efforts", &json!(["high"]), "low: accepted, without reasoning")], "{found:#?}");
}

#[test]
fn a_stop_leaves_the_rest_unprobed() {
    let mut examination = Examination::of(&row("anthropic.claude-opus-5"));
    let probe = examination.next().unwrap();
    examination.take(probe.what, answered(&row("anthropic.claude-opus-5"), true));
    examination.stop("enough");
    assert!(examination.next().is_none());
    assert_eq!(examination.report().unprobed, [("the rest".to_owned(), "enough".to_owned())]);
}

#[test]
fn what_a_row_takes_that_the_model_does_not_is_found() {
    let right = row("meta.llama4-maverick-17b-instruct-v1:0");
    for (field, truth, wrong) in [
        ("streaming", right.clone(), Entry { streaming: Streaming::Allowed, ..right.clone() }),
        ("result_images", Entry { result_images: false, ..right.clone() }, right.clone()),
        ("system", Entry { system: false, ..right.clone() }, right),
    ] {
        let found = examined(&wrong, |probe| played(&truth, probe));
        let fields: Vec<&str> = found.findings.iter().map(|finding| finding.field.as_str()).collect();
        assert_eq!((fields, found.unprobed.as_slice()), (vec![field], &[][..]));
    }
}

#[test]
fn a_result_that_is_refused_without_an_image_too_is_no_difference() {
    let truth = row("anthropic.claude-opus-5");
    let examined = examined(&truth, |probe| match probe.what {
        What::Result { .. } => Outcome::Refused("no results today".to_owned()),
        _ => played(&truth, probe),
    });
    assert!(examined.findings.is_empty(), "{examined:#?}");
    let why = "a tool loop is refused without an image too: no results today";
    assert_eq!(examined.unprobed, [("result_images".to_owned(), why.to_owned())]);
}
