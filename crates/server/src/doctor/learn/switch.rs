//! Learns how a model's reasoning is switched on, to a level, and off.

use super::super::examination::Examination;
use super::super::plan::{other_shapes, ways_off};
use super::super::probe::{Outcome, What, shortened};
use super::super::question::{LEVELS, SHAPES, adopt, is_level, is_switch, level_of};
use aquifer_gateway::translate::catalogue::{Control, Default as Habit, Off};
use aquifer_gateway::translate::model::reasoning::Effort;

impl Examination {
    pub(super) fn switched_on(&mut self, control: Control, outcome: &Outcome) {
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
        if !own || SHAPES.iter().any(|shape| *shape != control && tried(What::On(*shape))) {
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

    pub(super) fn displayed(&mut self, display: bool, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(_) => self.believe("display", outcome.evidence(), |row| row.display = display),
            // Without it the switch is refused just as well.
            Outcome::Refused(_) if !display => self.ask_first(other_shapes(self.row.control)),
            _ => {}
        }
    }

    pub(super) fn levels_are_known(&mut self) {
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

    /// The evidence about these levels, those with the same evidence together.
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
    pub(super) fn ever_reasoned(&self) -> bool {
        self.outcomes(|_| true).iter().any(|(_, outcome)| outcome.reasons())
    }

    /// Where nothing can be said about it, saying nothing decides.
    pub(in super::super) fn off_without_a_way(&mut self) {
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

    pub(super) fn switched_off(&mut self, off: Off, outcome: &Outcome) {
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
}
