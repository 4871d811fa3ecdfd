//! Plans the probes of a row, stage by stage.

use super::probe::{Mind, What};
use super::question::{Facts, LEVELS, SHAPES, is_level, is_off, level_of};
use aquifer_gateway::translate::catalogue::{Control, Entry, Medium, Off, Sampling};

/// The stages of an examination, in order: later ones rely on what earlier ones have learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A plain question: does the model answer, and does it reason by itself?
    Plain,
    /// Its least limit of tokens.
    Limit,
    /// System prompts.
    System,
    /// Switching reasoning on.
    On,
    /// Levels of reasoning effort.
    Levels,
    /// Switching reasoning off.
    Off,
    /// Tools, and reasoning that comes back with their answers.
    Tools,
    /// Tools in a stream, and pictures in their results.
    ToolsElsewhere,
    /// The kinds of reasoning blocks in answers.
    Replay,
    /// Forced tools.
    Forced,
    /// Structured output: enforcement of a schema.
    Schema,
    /// Temperature.
    Sampling,
    /// Temperature together with top-p and top-k.
    Companions,
    /// Stop sequences.
    Stop,
    /// Prefill: the beginning of an answer.
    Prefill,
}

/// All of them.
pub(super) const STAGES: [Stage; 15] = [
    Stage::Plain,
    Stage::Limit,
    Stage::System,
    Stage::On,
    Stage::Levels,
    Stage::Off,
    Stage::Tools,
    Stage::Replay,
    Stage::ToolsElsewhere,
    Stage::Forced,
    Stage::Schema,
    Stage::Sampling,
    Stage::Companions,
    Stage::Stop,
    Stage::Prefill,
];

/// The probes of a row that turns out right, as far as can be told before: what is wrong costs a few more.
pub(super) fn planned(row: &Entry) -> Vec<What> {
    let facts = Facts::expected(row);
    let stages: &[Stage] = if row.converse { &STAGES } else { &[Stage::Plain] };
    stages.iter().flat_map(|stage| probes(*stage, row, &facts)).collect()
}

/// The probes of one stage, with what is believed and known by then.
pub(super) fn probes(stage: Stage, belief: &Entry, facts: &Facts) -> Vec<What> {
    match stage {
        Stage::Plain => vec![What::Plain],
        Stage::Limit => vec![What::Limit],
        Stage::System => vec![What::System],
        Stage::On => switches(belief),
        Stage::Levels => levels(belief),
        Stage::Off => offs(belief, facts),
        Stage::Tools => vec![What::Tool],
        Stage::Replay => facts.gives.iter().map(|kind| What::Back(Some(*kind))).collect(),
        Stage::ToolsElsewhere | Stage::Forced if !belief.tools => Vec::new(),
        Stage::ToolsElsewhere => {
            let pictures = belief.takes(Medium::Image).then_some(What::Result { picture: true });
            std::iter::once(What::Streamed).chain(pictures).collect()
        }
        Stage::Forced => minds(What::Forced, belief, facts),
        Stage::Schema => vec![What::Schema],
        Stage::Sampling => minds(What::Temperature, belief, facts),
        Stage::Companions => companions(belief, facts),
        Stage::Stop => vec![What::Stop],
        Stage::Prefill => minds(What::Prefill, belief, facts),
    }
}

fn switches(belief: &Entry) -> Vec<What> {
    match belief.control {
        Control::None | Control::Unknown => SHAPES.map(What::On).to_vec(),
        own if !belief.display && own == Control::Adaptive => vec![What::On(own), What::Display(true)],
        own => vec![What::On(own)],
    }
}

/// Every level, the row's own and the others. The one that switched the reasoning on is known by then.
fn levels(belief: &Entry) -> Vec<What> {
    match belief.control {
        Control::None | Control::Unknown => Vec::new(),
        Control::Budget if belief.efforts.is_empty() => vec![What::Level(LEVELS[1])],
        control => {
            let known = is_level(control).then(|| level_of(control, belief));
            LEVELS.into_iter().filter(|level| Some(*level) != known).map(What::Level).collect()
        }
    }
}

/// The ways to switch reasoning off in one shape.
pub(super) fn ways_off(control: Control) -> &'static [Off] {
    match control {
        Control::None | Control::Unknown => &[],
        Control::Budget | Control::Nova => &[Off::Disabled],
        Control::Adaptive => &[Off::Disabled, Off::BetweenTools],
        _ => &[Off::NoneWord],
    }
}

fn offs(belief: &Entry, facts: &Facts) -> Vec<What> {
    let ways = ways_off(belief.control);
    let own = ways.iter().filter(|way| **way == belief.off);
    let others = ways.iter().filter(|way| **way != belief.off);
    match (facts.by_itself, belief.off) {
        // The row's own way first: when it works, the others are of no interest.
        (true, off) if is_off(off) && ways.contains(&off) => own.map(|way| What::Off(*way)).collect(),
        (true, _) | (false, Off::Unknown) => own.chain(others).map(|way| What::Off(*way)).collect(),
        (false, _) => own.map(|way| What::Off(*way)).collect(),
    }
}

fn minds(what: impl Fn(Mind) -> What, belief: &Entry, facts: &Facts) -> Vec<What> {
    let calm = facts.can_be_calm(belief).then(|| what(Mind::Calm));
    let thinking = facts.can_think(belief).then(|| what(Mind::Thinking));
    calm.into_iter().chain(thinking).collect()
}

fn companions(belief: &Entry, facts: &Facts) -> Vec<What> {
    let taken = match belief.sampling {
        Sampling::Free => true,
        Sampling::NotWhileReasoning => facts.can_be_calm(belief),
        Sampling::Never => false,
    };
    if !taken {
        return Vec::new();
    }
    let top_k = belief.top_k.as_ref().map(|_| What::TopK);
    std::iter::once(What::TopP).chain(top_k).collect()
}

/// The shapes other than this one.
pub(super) fn other_shapes(own: Control) -> Vec<What> {
    SHAPES.into_iter().filter(|shape| *shape != own).map(What::On).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aquifer_gateway::translate::catalogue::Catalogue;
    use aquifer_gateway::translate::catalogue::Replay;
    use aquifer_gateway::translate::model::reasoning::Effort;

    fn of(model: &str) -> Vec<What> {
        planned(Catalogue::builtin().lookup(model))
    }

    #[test]
    fn a_model_that_always_reasons_is_never_calm() {
        let planned = of("anthropic.claude-opus-5-5");
        assert!(planned.contains(&What::Off(Off::Disabled)) && planned.contains(&What::Off(Off::BetweenTools)));
        assert!(planned.contains(&What::Forced(Mind::Thinking)) && !planned.contains(&What::Forced(Mind::Calm)));
        assert!(planned.contains(&What::Back(Some(Replay::Unsigned))), "{planned:?}");
        assert_eq!(planned.iter().filter(|what| matches!(what, What::Level(_))).count(), 6);
    }

    #[test]
    fn a_model_that_reasons_when_asked_is_tried_both_ways() {
        let planned = of("anthropic.claude-sonnet-4-5");
        for mind in [Mind::Calm, Mind::Thinking] {
            for what in [What::Forced(mind), What::Temperature(mind), What::Prefill(mind)] {
                assert!(planned.contains(&what), "{what:?}");
            }
        }
        assert!(planned.contains(&What::TopP) && planned.contains(&What::TopK));
        assert!(!planned.iter().any(|what| matches!(what, What::Off(_))), "it is off when nothing is said");
    }

    #[test]
    fn a_switch_that_nobody_knows_is_searched() {
        for model in ["mistral.magistral-small-2509", "nobody.knows", "amazon.nova-lite-v1:0", "deepseek.r1-v1:0"] {
            assert_eq!(of(model).iter().filter(|what| matches!(what, What::On(_))).count(), SHAPES.len(), "{model}");
        }
    }

    #[test]
    fn the_level_of_the_switch_is_not_tried_twice() {
        let level = |model: &str, level| of(model).contains(&What::Level(level));
        assert!(!level("openai.gpt-6-sol", Effort::Medium) && level("openai.gpt-6-sol", Effort::Minimal));
        assert!(!level("zai.glm-5", Effort::High) && level("zai.glm-5", Effort::Medium));
        assert_eq!(of("anthropic.claude-sonnet-4").iter().filter(|it| matches!(it, What::Level(_))).count(), 1);
    }

    #[test]
    fn what_converse_does_not_serve_is_asked_once() {
        assert_eq!(of("openai.gpt-5.6-cyber"), [What::Plain]);
    }
}
