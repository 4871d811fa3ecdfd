//! What a probe teaches: the rules by which the belief changes.

use super::examination::Examination;
use super::plan::{other_shapes, ways_off};
use super::probe::{Mind, Outcome, What, shortened};
use super::question::{LEVELS, adopt, is_level, is_switch, level_of};
use aquifer_gateway::translate::catalogue::{Allowed, Control, Default as Habit, Entry, Off, Replay, Sampling};
use aquifer_gateway::translate::model::reasoning::Effort;

/// The least limit that is believed in when a refusal names none.
const LEAST: u32 = 16;
/// Tags in which models write thoughts into their texts.
const TAGS: [&str; 3] = ["thinking", "reasoning", "think"];

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

    /// What it shows, for a finding.
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

    fn switched_on(&mut self, control: Control, outcome: &Outcome) {
        let own = control == self.row.control;
        if let Outcome::Answered(answer) = outcome {
            self.placeholder(&answer.thought);
        }
        if is_level(control) && control == self.belief.control {
            self.levels.insert(level_of(control, &self.belief), outcome.clone());
        }
        if outcome.reasons() && (own || !self.facts.by_itself) {
            self.forget(|what| matches!(what, What::On(_)));
            self.adopted(control, outcome);
        } else if !self.pends(|what| matches!(what, What::On(_))) {
            self.search_on(control, outcome);
        }
    }

    /// A word in brackets in the place of every thought.
    fn placeholder(&mut self, thought: &str) {
        let word = thought.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if word.is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())) {
            let why = format!("the whole thought is {thought}");
            self.believe("redacted_text", why, |row| row.redacted_text = Some(thought.to_owned()));
        }
    }

    fn adopted(&mut self, control: Control, outcome: &Outcome) {
        if control == self.belief.control {
            return;
        }
        self.believe("control", outcome.evidence(), |row| adopt(row, control));
        self.levels.clear();
        if is_level(control) {
            self.levels.insert(level_of(control, &self.belief), outcome.clone());
        } else if control == Control::Adaptive && !self.belief.display {
            self.ask_first(vec![What::Display(true)]);
        }
    }

    /// The row's own shape does not do: another level in it might, or no display, or another shape.
    fn search_on(&mut self, control: Control, outcome: &Outcome) {
        let tried = |what| self.outcome(what).is_some();
        let own = control == self.row.control && is_switch(control);
        if !own || SHAPED.iter().any(|shape| *shape != control && tried(What::On(*shape))) {
            return self.search_is_over();
        }
        let Outcome::Refused(message) = outcome else {
            if outcome.works().is_some() {
                self.ask_first(other_shapes(control));
            }
            return;
        };
        let mut another = self.belief.clone();
        adopt(&mut another, control);
        if is_level(control) && level_of(control, &another) != level_of(control, &self.belief) {
            self.belief.efforts = another.efforts;
            self.ask_first(vec![What::On(control)]);
        } else if self.belief.display && message.contains("display") && !tried(What::Display(false)) {
            self.ask_first(vec![What::Display(false)]);
        } else {
            self.ask_first(other_shapes(control));
        }
    }

    /// Every shape was tried. One that a model takes while it refuses others is understood; where all are taken, none
    /// need be.
    fn search_is_over(&mut self) {
        let tried = self.outcomes(|what| matches!(what, What::On(_)));
        if tried.iter().any(|(_, outcome)| outcome.works().is_none()) {
            return;
        }
        let taken = tried.iter().find(|(_, outcome)| outcome.works() == Some(true));
        let taken = taken.map(|(what, outcome)| (*what, (*outcome).clone()));
        let refused = tried.iter().rev().find_map(|(_, outcome)| match outcome {
            Outcome::Refused(message) => Some(shortened(message)),
            _ => None,
        });
        match (taken, refused) {
            (Some((What::On(control), outcome)), Some(_)) if self.facts.by_itself => self.adopted(control, &outcome),
            (Some(_), None) if self.facts.by_itself => {
                self.cannot_tell("control", "it takes every switch, so that none need be understood");
            }
            (Some((What::On(control), _)), _) if control == self.row.control => {}
            (_, refused) => {
                let why = refused.unwrap_or_else(|| "accepted, and it never reasoned".to_owned());
                self.believe("control", why.clone(), |row| row.control = Control::None);
                self.believe("efforts", why.clone(), |row| row.efforts = Vec::new());
                self.believe("min_budget", why, |row| row.min_budget = None);
            }
        }
    }

    fn displayed(&mut self, display: bool, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(_) => self.believe("display", outcome.evidence(), |row| row.display = display),
            // Without it the switch is refused just as well.
            Outcome::Refused(_) if !display => self.ask_first(other_shapes(self.row.control)),
            _ => {}
        }
    }

    fn levels_are_known(&mut self) {
        if self.pends(|what| matches!(what, What::Level(_))) {
            return;
        }
        let by_level = is_level(self.belief.control);
        let own = if self.belief.control == self.row.control { self.row.efforts.clone() } else { Vec::new() };
        let works = |level: Effort| self.levels.get(&level).and_then(Outcome::works);
        let reasons = |level: Effort| self.levels.get(&level).is_some_and(Outcome::reasons);
        if !by_level && own.is_empty() && works(LEVELS[1]) == Some(true) && works(LEVELS[2]).is_none() {
            let others = LEVELS.into_iter().filter(|level| *level != LEVELS[1]);
            return self.ask_first(others.map(What::Level).collect());
        }
        let any = LEVELS.into_iter().any(reasons);
        let has = |level: &Effort| match works(*level) {
            Some(false) => false,
            Some(true) if by_level => reasons(*level) || !any && own.contains(level),
            Some(true) => true,
            None => own.contains(level),
        };
        let found: Vec<Effort> = LEVELS.into_iter().filter(has).collect();
        let changed = LEVELS.into_iter().filter(|level| found.contains(level) != own.contains(level));
        let why = self.evidence_of(&changed.collect::<Vec<_>>());
        if by_level && !any && !self.facts.by_itself {
            self.cannot_tell("control", "its switch is taken, but the model reasoned at no level");
        }
        self.belief.efforts.clone_from(&own);
        self.believe("efforts", why, |row| row.efforts = found);
    }

    /// What was seen of these levels; those of which the same was seen stand together.
    fn evidence_of(&self, levels: &[Effort]) -> String {
        let mut seen: Vec<(String, Vec<&str>)> = Vec::new();
        for level in levels {
            let evidence = self.levels.get(level).map(Outcome::evidence).unwrap_or_default();
            match seen.iter_mut().find(|(known, _)| *known == evidence) {
                Some((_, words)) => words.push(level.word()),
                None => seen.push((evidence, vec![level.word()])),
            }
        }
        let told: Vec<String> = seen.iter().map(|(why, words)| format!("{}: {why}", words.join(", "))).collect();
        told.join("; ")
    }

    /// Whether the model was seen to reason at all: only then it means something that it did not.
    fn ever_reasoned(&self) -> bool {
        self.outcomes(|_| true).iter().any(|(_, outcome)| outcome.reasons())
    }

    /// Where nothing can be said about it, saying nothing decides.
    pub(super) fn off_without_a_way(&mut self) {
        if self.row.default != self.belief.default && is_switch(self.belief.control) && !self.ever_reasoned() {
            self.cannot_tell("default", "the model did not reason when it was asked to either");
            (self.belief.default, self.facts.by_itself) = (self.row.default, true);
        }
        let way = ways_off(self.belief.control).contains(&self.belief.off);
        if !self.facts.by_itself && !way && (self.belief.off != Off::Unknown || self.belief.control == Control::None) {
            self.believe("off", "it does not reason when nothing is said", |row| row.off = Off::Omit);
        }
        if self.facts.by_itself && self.belief.control == Control::None {
            self.always_on("it reasons when nothing is said, and takes no switch".to_owned());
        }
    }

    fn always_on(&mut self, why: String) {
        self.believe("default", why.clone(), |row| row.default = Habit::AlwaysOn);
        self.believe("off", why, |row| row.off = Off::Impossible);
    }

    fn switched_off(&mut self, off: Off, outcome: &Outcome) {
        if outcome.works() == Some(true) && !outcome.reasons() {
            self.forget(|what| matches!(what, What::Off(_)));
            self.believe("off", outcome.evidence(), |row| row.off = off);
            if self.facts.by_itself {
                self.believe("default", outcome.evidence(), |row| row.default = Habit::On);
            }
            return;
        }
        if self.pends(|what| matches!(what, What::Off(_))) {
            return;
        }
        let ways = ways_off(self.belief.control).iter().map(|way| What::Off(*way));
        let untried: Vec<What> = ways.filter(|way| self.outcome(*way).is_none()).collect();
        let all = self.outcomes(|what| matches!(what, What::Off(_)));
        let unknown = all.iter().any(|(_, outcome)| outcome.works().is_none());
        match (self.facts.by_itself, untried.is_empty(), unknown) {
            (true, false, _) => self.ask_first(untried),
            (true, true, false) => self.always_on(outcome.evidence()),
            (false, _, false) => self.believe("off", outcome.evidence(), |row| row.off = Off::Omit),
            (_, _, true) => {}
        }
    }

    fn tool(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(answer) => {
                self.believe("tools", outcome.evidence(), |row| row.tools = true);
                self.tag(&answer.text);
                let thinks = self.facts.can_think(&self.belief);
                if thinks && !answer.calls {
                    self.cannot_tell("replay", "the model called no tool");
                } else if thinks && answer.thoughts.is_empty() {
                    self.cannot_tell("replay", "the model called a tool without reasoning");
                } else if answer.calls && self.belief.redacted_text.as_ref() == Some(&answer.thought) {
                    self.note("what it gives for its reasoning is always the same word, which is not sent back");
                } else if answer.calls {
                    self.facts.gives.clone_from(&answer.thoughts);
                    if answer.thoughts.contains(&Replay::Signed) && !answer.thought.trim().is_empty() {
                        self.facts.gives.push(Replay::Unsigned);
                    }
                    self.facts.call = answer.message.clone();
                }
            }
            Outcome::Refused(_) if !self.row.tools => {}
            Outcome::Refused(message) if message.to_lowercase().contains("tool") => {
                self.believe("tools", outcome.evidence(), |row| row.tools = false);
            }
            Outcome::Refused(message) => self.cannot_tell("tools", shortened(message)),
            Outcome::Unprobed(_) => {}
        }
    }

    fn tag(&mut self, text: &str) {
        let begins = |tag: &&&str| text.trim_start().starts_with(&format!("<{tag}>"));
        if let (Some(tag), None) = (TAGS.iter().find(begins), &self.belief.inline_tag) {
            let why = format!("its text begins with <{tag}>");
            self.believe("inline_tag", why, |row| row.inline_tag = Some((*tag).to_owned()));
        }
    }

    fn came_back(&mut self, kind: Option<Replay>, outcome: &Outcome) {
        let Some(kind) = kind else { return self.came_back_bare(outcome) };
        let known = self.belief.takes_back(kind);
        match outcome {
            Outcome::Answered(_) if !known && kind == Replay::Unsigned && self.belief.inline_tag.is_some() => {
                self.note("it takes its reasoning back; that is not sent, as such models then write tags into answers");
            }
            Outcome::Answered(_) if !known => {
                let all = [Replay::Signed, Replay::Unsigned, Replay::Redacted];
                let has = |row: &Entry, it: &Replay| *it == kind || row.takes_back(*it);
                self.believe("replay", outcome.evidence(), |row| {
                    row.replay = all.into_iter().filter(|it| has(row, it)).collect();
                });
            }
            Outcome::Refused(_) if known => self.ask_first(vec![What::Back(None)]),
            _ => {}
        }
    }

    /// The same without the reasoning: whether it was the reasoning that was refused.
    fn came_back_bare(&mut self, outcome: &Outcome) {
        let refused = self.outcomes(|what| matches!(what, What::Back(Some(_))));
        let Some((What::Back(Some(kind)), with)) = refused.last().map(|(what, outcome)| (*what, (*outcome).clone()))
        else {
            return;
        };
        match outcome {
            Outcome::Answered(_) => {
                self.believe("replay", with.evidence(), |row| row.replay.retain(|known| *known != kind));
            }
            Outcome::Refused(message) => {
                let why = format!("a tool loop is refused without reasoning too: {}", shortened(message));
                self.cannot_tell("replay", why);
            }
            Outcome::Unprobed(_) => {}
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

    /// What was seen calm and thinking, when both have been tried as far as they can be.
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

/// The shapes.
const SHAPED: [Control; 6] = super::question::SHAPES;

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
