//! A count of tokens that needs no call: it is cached, or another exchange asks for it, or the model was found to count none.

use super::State;
use super::begin_attempt::Begun;
use super::common::Common;
use super::plan::{Plan, Written};
use crate::lessons::Lesson;
use crate::record::Outcome;
use std::time::Instant;

/// The warning about a count of tokens that is an estimate.
pub(super) const ESTIMATED: &str =
    "the model cannot count tokens; the number is an estimate of a token for each four bytes";

/// What is known of a count of tokens before a call is made for it.
pub(super) enum KnownCount {
    /// The cache has it.
    Cached(u64),
    /// The model has refused to count, so that it can only be estimated.
    Estimate,
}

impl Common {
    /// Takes the turn to ask for the count that a request asks for, if it asks for one; the number of the turn that is waited
    /// for where another exchange has it.
    pub(super) fn turn_to_count(&self, plan: &mut Plan, written: &Written) -> Option<u64> {
        let shares = self.terms.abilities.pause && !self.terms.limits.token_count_life.is_zero();
        match self.health.counts.take_turn(written.count_key.filter(|_| shares)?) {
            Ok(turn) => {
                plan.count_turn = Some(turn);
                None
            }
            Err(other) => Some(other),
        }
    }

    /// What is known of the count that a request asks for, if it asks for one.
    pub(super) fn known_count(&self, written: &Written, now: Instant) -> Option<KnownCount> {
        let key = written.count_key?;
        let cached = self.health.counts.get(key, self.terms.limits.token_count_life, now);
        if let Some(tokens) = cached {
            return Some(KnownCount::Cached(tokens));
        }
        self.health.lessons.knows(&written.model_id, Lesson::TokenCounts).then_some(KnownCount::Estimate)
    }

    /// Answers with a count of tokens without a call.
    pub(super) fn answer_count(&mut self, plan: Box<Plan>, written: Written, known: KnownCount, now: Instant) -> State {
        let Begun { mut attempt, mut warnings, .. } = plan.begin(written, self.id);
        let tokens = match known {
            KnownCount::Cached(tokens) => {
                self.record.cached = true;
                tokens
            }
            KnownCount::Estimate => {
                attempt.warn(&[ESTIMATED.to_owned()]);
                warnings.push(ESTIMATED.to_owned());
                attempt.estimate().input
            }
        };
        self.answer(attempt.token_count(tokens));
        self.record.warnings = warnings;
        self.done(Some(plan), [None, None], Outcome::Answered, now)
    }
}
