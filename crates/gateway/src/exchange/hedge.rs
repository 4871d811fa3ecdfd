//! Hedged requests: another backend is asked too when the first is slow, and whichever has something to tell first is the
//! answer.

use super::State;
use super::calling::Calling;
use super::common::Common;
use super::contract::{CallId, Output};
use super::make_call::Making;
use super::open_call::OpenCall;
use super::plan::Plan;
use crate::health::{BackendHealth, Reach};
use crate::record::{AttemptReason, AttemptResult};
use std::time::{Duration, Instant};

/// The time that a request which probes an ejected backend waits for it alone, at least.
const PROBE_TIME: Duration = Duration::from_secs(2);
/// The same for a stream while the backend's usual time is not known.
const UNKNOWN_TIME: Duration = Duration::from_secs(5);

impl Calling {
    /// The primary call is slow: another backend is asked too, where that is allowed and worth it.
    pub(super) fn hedge(mut self, common: &mut Common, now: Instant) -> State {
        if self.hedge.is_some() || !self.primary.attempt.is_silent() {
            return State::Calling(self);
        }
        let spent = now.saturating_duration_since(common.begun);
        let slow = self.plan.targets.get(self.primary.target).map(|target| target.backend);
        let next = self.plan.target_for_hedge(self.primary.target, &common.health, spent, now);
        let written = next.and_then(|next| self.plan.write(next, None).ok());
        // Sealed reasoning is its issuer's alone. The slow backend's retry budget pays, so that lasting slowness is not
        // answered with twice as many calls.
        let written = written
            .filter(|written| !written.outgoing.sealed)
            .filter(|_| slow.is_some_and(|slow| common.health.spend(slow)));
        if let Some(written) = written {
            let making = Making { id: CallId::Hedge, why: AttemptReason::Hedge, after: Duration::ZERO };
            self.hedge = Some(common.call(&mut self.plan, making, written, now));
        }
        State::Calling(self)
    }
}

impl Common {
    /// The hedge was quicker than the primary call, which is given up.
    pub(super) fn hedge_won(&mut self, plan: &mut Plan, primary: &OpenCall, now: Instant) {
        self.estimate(primary.attempt.estimate());
        primary.over(&mut self.record, AttemptResult::HedgeLost, now.saturating_duration_since(self.begun));
        self.record.hedges.won += 1;
        self.was_slow(plan, primary.target, now);
        self.push(Output::Settled(CallId::Hedge));
    }

    /// The primary call was quicker than the hedge, which is given up.
    pub(super) fn hedge_lost(&mut self, plan: &mut Plan, hedge: &OpenCall, now: Instant) {
        self.estimate(hedge.attempt.estimate());
        hedge.over(&mut self.record, AttemptResult::HedgeLost, now.saturating_duration_since(self.begun));
        self.record.hedges.lost += 1;
        self.release_probe(plan, hedge.target);
        self.push(Output::Settled(CallId::Primary));
    }

    /// A backend that is overtaken again and again is ejected for a while, as if it had failed: hedges would soon be more
    /// than they may cost.
    fn was_slow(&mut self, plan: &mut Plan, at: usize, now: Instant) {
        let failure = plan.targets.get(at).map(|target| plan.failure(target, Reach::Unknown, &self.health, now));
        if let Some(failure) = failure {
            self.failed_at(plan, at, failure, now);
        }
    }
}

impl Plan {
    /// Whether any other backend than a target's could be asked too.
    pub(super) fn may_hedge(&self, at: usize) -> bool {
        let here = self.targets.get(at).map(|target| target.backend);
        !self.sealed && self.targets.iter().any(|target| Some(target.backend) != here)
    }

    /// The silence of a target after which another backend is asked too. A request that probes an ejected backend has
    /// somewhere else to go, and does not wait for it as long as for one that is well.
    pub(super) fn hedges_after(&self, at: usize, health: &BackendHealth) -> Option<Duration> {
        let probing = self.targets.get(at).filter(|target| target.probing);
        let time = probing.and_then(|target| {
            // One that is slow by nature would lose every time, and never come back.
            let usual = health.usual(target.backend, &target.model_id, self.head.stream);
            let usual = usual.map(|usual| (usual + usual / 2).max(PROBE_TIME));
            usual.or_else(|| self.head.stream.then_some(UNKNOWN_TIME))
        });
        time.into_iter().chain(self.timeouts.hedge).min()
    }

    /// The target of a hedge beside a call to `at`: the first whose backend was not asked yet. Sealed reasoning is its
    /// issuer's alone.
    fn target_for_hedge(&self, at: usize, health: &BackendHealth, spent: Duration, now: Instant) -> Option<usize> {
        let never = self.hedges_after(at, health).is_none();
        let late = self.timeouts.request.is_some_and(|request| spent >= request);
        if never || self.sealed || late || self.attempts >= self.traffic.retry.most_attempts().1 {
            return None;
        }
        self.targets.iter().position(|target| !self.was_asked(target.backend) && !target.is_ejected(health, now))
    }
}
