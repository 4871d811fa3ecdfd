//! The first call of an exchange: it is made, or the count that it asks for is known or awaited.

use super::State;
use super::calling::Calling;
use super::common::Common;
use super::contract::Input;
use super::plan::{self, Plan, Written};
use aquifer_translate::Fault;
use aquifer_translate::translation::Incoming;
use std::time::{Duration, Instant};

/// How often it is looked whether another exchange got its count.
const LOOK: Duration = Duration::from_millis(10);
/// For how long another exchange's count is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Writes the first call of a plan and makes it.
    pub(super) fn first_call(
        &mut self,
        mut plan: Box<Plan>,
        incoming: Option<Incoming<'_>>,
        now: Instant,
    ) -> Result<State, Fault> {
        let (body, betas, counting) = (plan.body.clone(), plan.betas.clone(), plan.counting);
        // A request that is passed through is read only where another service answers it.
        let is_chat = plan.encoding.is_none() && plan.passed.is_none();
        let again = || plan::read(self.dialect, &body, &betas, counting, &self.config).ok();
        let incoming = if is_chat { incoming.or_else(again) } else { None };
        if let Some(incoming) = &incoming {
            plan.prefer_issuer(incoming);
        }
        let target = plan.first_target(&self.health, now);
        let written = plan.write(target, incoming);
        if let Some(target) = plan.targets.get(target) {
            self.record.model_id.clone_from(&target.model_id);
        }
        let written = match written {
            Ok(written) => written,
            Err(fault) => {
                self.release_probes(&mut plan);
                return Err(fault);
            }
        };
        if let Some(known) = self.known_count(&written, now) {
            return Ok(self.answer_count(plan, written, known, now));
        }
        if let Some(turn) = self.turn_to_count(&mut plan, &written) {
            return Ok(State::AwaitingCount(AwaitedCount::new(plan, written, turn, now)));
        }
        Ok(State::Calling(Calling::begin(self, plan, written, now)))
    }
}
