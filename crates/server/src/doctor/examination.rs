//! The examination of one model: the next probe, the current belief, and its differences from the catalogue row.

use super::plan::{STAGES, Stage, probes};
use super::probe::{Outcome, Probe, What};
use super::question::{Facts, probe};
use aquifer_gateway::translate::catalogue::Entry;
use aquifer_gateway::translate::model::reasoning::Effort;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};

/// An examination under way: a sans-I/O machine that gives the next probe and takes its outcome.
pub(super) struct Examination {
    /// The row in force.
    pub(super) row: Entry,
    /// The belief: the row as it should be, by all outcomes so far.
    pub(super) belief: Entry,
    pub(super) facts: Facts,
    queue: VecDeque<Step>,
    seen: Vec<(What, Outcome)>,
    /// The evidence about each level of effort.
    pub(super) levels: BTreeMap<Effort, Outcome>,
    reasons: BTreeMap<&'static str, String>,
    unprobed: Vec<(String, String)>,
    notes: Vec<String>,
}

enum Step {
    Stage(Stage),
    Ask(What),
}

/// The result of an examination.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Examined {
    /// Every probe with its outcome in words.
    pub(super) probes: Vec<(&'static str, String, String)>,
    /// The fields in which the row is wrong.
    pub(super) findings: Vec<Finding>,
    /// The fields that could not be probed, and why.
    pub(super) unprobed: Vec<(String, String)>,
    /// Remarks that change no field.
    pub(super) notes: Vec<String>,
    /// The row as it should be.
    pub(super) belief: Entry,
}

/// One field in which a row is wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) field: String,
    /// The value in the row.
    pub(super) row: Value,
    /// The value that was observed.
    pub(super) seen: Value,
    /// The evidence: Bedrock's message, shortened, or the kind of answer.
    pub(super) why: String,
}

impl Examination {
    /// Begins with the row in force.
    pub(super) fn of(row: &Entry) -> Self {
        let stages: &[Stage] = if row.converse { &STAGES } else { &[Stage::Plain] };
        Self {
            row: row.clone(),
            belief: row.clone(),
            facts: Facts::default(),
            queue: stages.iter().copied().map(Step::Stage).collect(),
            seen: Vec::new(),
            levels: BTreeMap::new(),
            reasons: BTreeMap::new(),
            unprobed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The next probe, while there is one.
    pub(super) fn next(&mut self) -> Option<Probe> {
        loop {
            match self.queue.pop_front()? {
                Step::Ask(what) => return Some(probe(what, &self.belief, &self.facts)),
                Step::Stage(stage) => {
                    if stage == Stage::Off {
                        self.off_without_a_way();
                    }
                    let asked = probes(stage, &self.belief, &self.facts);
                    self.ask_first(asked);
                }
            }
        }
    }

    /// Takes the outcome of a probe, and changes the belief by it.
    pub(super) fn take(&mut self, what: What, outcome: Outcome) {
        if let Outcome::Unprobed(why) = &outcome {
            self.cannot_tell(what.title(), why.clone());
        }
        self.seen.push((what, outcome.clone()));
        self.learn_from(what, &outcome);
    }

    /// The outcomes so far.
    pub(super) fn report(self) -> Examined {
        let probes = self.seen.iter().map(|(what, outcome)| (what.field(), what.title(), outcome.shown())).collect();
        // What belongs to another switch goes with it.
        let why =
            |field: &str| self.reasons.get(field).or_else(|| self.reasons.get("control")).cloned().unwrap_or_default();
        let differing = differences(&self.row, &self.belief).into_iter();
        let findings = differing.map(|(field, row, seen)| Finding { why: why(&field), field, row, seen }).collect();
        Examined { probes, findings, unprobed: self.unprobed, notes: self.notes, belief: self.belief }
    }

    /// Changes the belief and records the evidence.
    pub(super) fn believe(&mut self, field: &'static str, why: impl Into<String>, change: impl FnOnce(&mut Entry)) {
        let before = self.belief.clone();
        change(&mut self.belief);
        if self.belief != before {
            self.reasons.insert(field, why.into());
        }
    }

    /// The outcome of a probe, if it was made; the last one of several.
    pub(super) fn outcome(&self, what: What) -> Option<&Outcome> {
        self.seen.iter().rev().find(|(made, _)| *made == what).map(|(_, outcome)| outcome)
    }

    /// The outcomes of all probes of one kind, in order.
    pub(super) fn outcomes(&self, wanted: impl Fn(What) -> bool) -> Vec<(What, &Outcome)> {
        self.seen.iter().filter(|(what, _)| wanted(*what)).map(|(what, outcome)| (*what, outcome)).collect()
    }

    /// These come before everything else.
    pub(super) fn ask_first(&mut self, whats: Vec<What>) {
        whats.into_iter().rev().for_each(|what| self.queue.push_front(Step::Ask(what)));
    }

    /// The stages after the first one, for a model that was not expected to answer at all.
    pub(super) fn ask_everything(&mut self) {
        self.queue = STAGES.iter().copied().skip(1).map(Step::Stage).collect();
    }

    /// Whether probes of this kind are still to be made.
    pub(super) fn pends(&self, kind: impl Fn(What) -> bool) -> bool {
        self.queue.iter().any(|step| matches!(step, Step::Ask(what) if kind(*what)))
    }

    /// Probes of this kind are no longer of interest.
    pub(super) fn forget(&mut self, kind: impl Fn(What) -> bool) {
        self.queue.retain(|step| !matches!(step, Step::Ask(what) if kind(*what)));
    }

    /// Nothing more is asked.
    pub(super) fn give_up(&mut self) {
        self.queue.clear();
    }

    /// Nothing more can be asked.
    pub(super) fn stop(&mut self, why: &str) {
        if !self.queue.is_empty() {
            self.cannot_tell("the rest", why);
            self.give_up();
        }
    }

    pub(super) fn cannot_tell(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.unprobed.push((what.into(), why.into()));
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// The fields in which two rows differ, with both values.
pub(super) fn differences(one: &Entry, other: &Entry) -> Vec<(String, Value, Value)> {
    let (one, other) = (members(one), members(other));
    let differing = one.into_iter().filter_map(|(field, value)| {
        let now = other.get(&field).cloned().unwrap_or_default();
        (now != value).then_some((field, value, now))
    });
    differing.collect()
}

fn members(entry: &Entry) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
