//! A count of tokens that needs no call: it is cached, or another exchange asks for it, or the model was found to count none.

use super::State;
use super::begin_attempt::Begun;
use super::calling::Calling;
use super::common::Common;
use super::contract::Input;
use super::plan::{Plan, Written};
use crate::lessons::Lesson;
use crate::record::Outcome;
use std::time::{Duration, Instant};

/// How often it is looked whether another exchange got its count.
const LOOK: Duration = Duration::from_millis(10);
/// For how long another exchange's count is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// An exchange that waits for the count that another one has asked for: clients ask for the same many times at once.
pub(super) struct AwaitedCount {
    plan: Box<Plan>,
    written: Box<Written>,
    /// The number of the other one's turn.
    turn: u64,
    look: Instant,
    until: Instant,
}

impl AwaitedCount {
    pub(super) fn new(plan: Box<Plan>, written: Written, turn: u64, now: Instant) -> Self {
        Self { plan, written: Box::new(written), turn, look: now + LOOK, until: now + PATIENCE }
    }

    /// When it is looked again.
    pub(super) fn next(&self) -> Instant {
        self.look
    }

    pub(super) fn handle(self, common: &mut Common, input: &Input<'_>, now: Instant) -> State {
        match input {
            Input::ClientGone => common.abandoned(self.plan, [None, None], now),
            Input::Timeout if self.look <= now => self.look(common, now),
            Input::Body { .. }
            | Input::Refused(_)
            | Input::Recalled(_)
            | Input::CallQueued
            | Input::CallStarted
            | Input::UpstreamHead { .. }
            | Input::UpstreamBody(_)
            | Input::UpstreamEnd
            | Input::UpstreamFailed(_)
            | Input::Timeout => State::AwaitingCount(self),
        }
    }

    /// Answers with what the other exchange got. If that got nothing, nobody else is waited for.
    fn look(self, common: &mut Common, now: Instant) -> State {
        let Self { mut plan, written, turn, until, .. } = self;
        if let Some(known) = common.known_count(&written, now) {
            return common.answer_count(plan, *written, known, now);
        }
        let counts = &common.health.counts;
        if now < until && written.count_key.is_some_and(|key| counts.is_under_way(key, turn)) {
            return State::AwaitingCount(Self { plan, written, turn, look: now + LOOK, until });
        }
        plan.count_turn = written.count_key.and_then(|key| counts.take_turn(key).ok());
        State::Calling(Calling::begin(common, plan, *written, now))
    }
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
