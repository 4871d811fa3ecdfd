//! The rules by which the outcome of a probe changes the belief about a model.

mod switch;
mod tools;

use super::examination::Examination;
use super::probe::{Mind, Outcome, What, shortened};
use aquifer_gateway::translate::catalogue::{Allowed, Default as Habit, Entry, Sampling};

/// The least limit that is believed in when a refusal names none.
const LEAST: u32 = 16;

impl Outcome {
    fn works(&self) -> Option<bool> {
        match self {
            Self::Answered(_) => Some(true),
            Self::Refused(_) => Some(false),
            Self::Unprobed(_) => None,
        }
    }

    fn reasons(&self) -> bool {
        self.answer().is_some_and(super::probe::Answer::reasons)
    }

    /// The evidence, for a finding.
    fn evidence(&self) -> String {
        match self {
            Self::Refused(message) => shortened(message),
            other => other.shown(),
        }
    }
}

impl Examination {
    /// Learns from the probe that was just made.
    pub(super) fn learn_from(&mut self, what: What, outcome: &Outcome) {
        match what {
            What::Plain => self.plain(outcome),
            What::Limit => self.limit(outcome),
            What::On(control) => self.switched_on(control, outcome),
            What::Display(display) => self.displayed(display, outcome),
            What::Level(level) => {
                self.levels.insert(level, outcome.clone());
                self.levels_are_known();
            }
            What::Off(off) => self.switched_off(off, outcome),
            What::Tool => self.tool(outcome),
            What::Back(kind) => self.came_back(kind, outcome),
            What::Streamed => self.streamed(outcome),
            What::System => self.flag("system", outcome, |row| &mut row.system, true),
            What::Result { picture: true } => self.pictured(outcome),
            What::Result { picture: false } => self.pictured_without(outcome),
            What::Forced(_) => self.forced(),
            What::Schema => self.schema(outcome),
            What::Temperature(_) => self.sampling(),
            What::TopP => {
                self.flag("one_of_temperature_top_p", outcome, |row| &mut row.one_of_temperature_top_p, false)
            }
            What::TopK => {
                if let Outcome::Refused(_) = outcome {
                    self.believe("top_k", outcome.evidence(), |row| row.top_k = None);
                }
            }
            What::Stop => self.flag("stop", outcome, |row| &mut row.stop, true),
            What::Prefill(_) => self.prefill(),
        }
    }

    fn flag(&mut self, field: &'static str, outcome: &Outcome, of: fn(&mut Entry) -> &mut bool, when_it_works: bool) {
        if let Some(works) = outcome.works() {
            self.believe(field, outcome.evidence(), |row| *of(row) = works == when_it_works);
        }
    }

    /// A schema that is taken and not kept to is not enforced.
    fn schema(&mut self, outcome: &Outcome) {
        let said = outcome.answer().map(|answer| answer.text.trim_start()).unwrap_or_default();
        if said.is_empty() || said.starts_with('{') {
            return self.flag("structured_output", outcome, |row| &mut row.structured_output, true);
        }
        self.believe("structured_output", "taken, and not kept to", |row| row.structured_output = false);
    }

    fn plain(&mut self, outcome: &Outcome) {
        let Outcome::Answered(answer) = outcome else {
            if let (Outcome::Refused(message), true) = (outcome, self.row.converse) {
                self.cannot_tell("everything", format!("a plain question is refused: {}", shortened(message)));
            }
            return self.give_up();
        };
        if !self.row.converse {
            self.believe("converse", outcome.evidence(), |row| row.converse = true);
            self.ask_everything();
        }
        self.facts.by_itself = answer.reasons();
        match (self.row.default, self.facts.by_itself) {
            (Habit::Off, true) => self.believe("default", outcome.evidence(), |row| row.default = Habit::On),
            (Habit::On | Habit::AlwaysOn, false) => {
                self.believe("default", outcome.evidence(), |row| row.default = Habit::Off);
            }
            _ => {}
        }
    }

    fn limit(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(_) => self.believe("min_max_tokens", outcome.evidence(), |row| row.min_max_tokens = None),
            Outcome::Refused(message) if self.row.min_max_tokens.is_none() => {
                let least = least_named(message).unwrap_or(LEAST);
                self.believe("min_max_tokens", outcome.evidence(), |row| row.min_max_tokens = Some(least));
            }
            _ => {}
        }
    }

    fn forced(&mut self) {
        let Some((calm, thinking)) = self.both(What::Forced) else { return };
        if self.facts.can_think(&self.belief) && !self.ever_reasoned() {
            return;
        }
        let accepted = if thinking.as_ref().is_some_and(Outcome::reasons) {
            Allowed::Allowed
        } else {
            Allowed::InsteadOfReasoning
        };
        let always = if thinking.as_ref().and_then(Outcome::works) == Some(true) { accepted } else { Allowed::Allowed };
        let kinds = [always, Allowed::Refused, Allowed::NotWhileReasoning];
        self.settle("forced_tool", (calm, thinking), kinds, |row| &mut row.forced_tool);
    }

    fn sampling(&mut self) {
        let Some(seen) = self.both(What::Temperature) else { return };
        let kinds = [Sampling::Free, Sampling::Never, Sampling::NotWhileReasoning];
        self.settle("sampling", seen, kinds, |row| &mut row.sampling);
    }

    fn prefill(&mut self) {
        let Some(seen) = self.both(What::Prefill) else { return };
        let kinds = [Allowed::Allowed, Allowed::Refused, Allowed::NotWhileReasoning];
        self.settle("prefill", seen, kinds, |row| &mut row.prefill);
    }

    /// The outcomes without and with reasoning, once both have been tried as far as they can be.
    fn both(&self, what: fn(Mind) -> What) -> Option<(Option<Outcome>, Option<Outcome>)> {
        let minds = [Mind::Calm, Mind::Thinking].map(what);
        if self.pends(|pending| minds.contains(&pending)) {
            return None;
        }
        let [calm, thinking] = minds.map(|what| self.outcome(what).cloned());
        Some((calm, thinking))
    }

    /// The first of always, never and only when calm that fits what was seen, unless the row's own word does.
    fn settle<T: Copy + PartialEq>(
        &mut self,
        field: &'static str,
        (calm, thinking): (Option<Outcome>, Option<Outcome>),
        [always, never, when_calm]: [T; 3],
        of: fn(&mut Entry) -> &mut T,
    ) {
        let seen = [calm.as_ref(), thinking.as_ref()];
        if seen.into_iter().flatten().any(|outcome| outcome.works().is_none()) {
            return;
        }
        let works = seen.map(|outcome| outcome.and_then(Outcome::works));
        let fits =
            |word: [bool; 2]| works.into_iter().zip(word).all(|(seen, said)| seen.is_none_or(|seen| seen == said));
        let words = [(always, [true, true]), (never, [false, false]), (when_calm, [true, false])];
        let fitting: Vec<T> = words.into_iter().filter(|(_, word)| fits(*word)).map(|(word, _)| word).collect();
        let deciding =
            seen.into_iter().flatten().find(|outcome| outcome.works() == Some(false)).or(seen[1]).or(seen[0]);
        let why = deciding.map(Outcome::evidence).unwrap_or_default();
        match fitting.first().copied() {
            Some(_) if fitting.contains(of(&mut self.belief)) => {}
            Some(first) => self.believe(field, why, |row| *of(row) = first),
            None => self.cannot_tell(field, format!("refused when calm, and not while it reasons: {why}")),
        }
    }
}

/// The largest number that a refusal of the limit 1 names.
fn least_named(message: &str) -> Option<u32> {
    let numbers = message.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    numbers.filter(|number| (2..=4096).contains(number)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_least_limit() {
        let message =
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead.";
        assert_eq!(least_named(message), Some(16));
        assert_eq!(least_named("too small"), None);
    }
}
