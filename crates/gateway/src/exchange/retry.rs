//! Whether a call that failed is made once more, where, and when: before the client was told anything.

use super::calling::Calling;
use super::common::{Common, Heard};
use super::contract::{CallId, Output};
use super::make_call::Making;
use super::open_call::OpenCall;
use super::plan::{Plan, Written};
use super::target::Target;
use crate::config::Retry;
use crate::health::{Availability, BackendHealth, Failure, Reach};
use crate::record::{AttemptReason, AttemptResult};
use aquifer_translate::Fault;
use aquifer_translate::fault::{Misbehaviour, Unreachable};
use aquifer_translate::translation::Road;
use bytes::BytesMut;
use std::time::{Duration, Instant};

/// The number of tries of one backend before those of the next priority.
const TRIES_OF_ONE: u32 = 2;

/// Bedrock's words for a tool call that a model could not write.
const UNUSABLE_CALL: &str = "invalid sequence as part of ToolUse";

/// The retry decision of a failure: where another attempt may do better, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetryHint {
    /// The same backend may do better.
    same: bool,
    /// It asked for this pause.
    after: Option<Duration>,
    /// It was the backend's fault.
    blamed: bool,
    /// Any other target may do better, the same one does not come first.
    elsewhere: bool,
    /// The request is longer than what the model there takes: it has answered.
    too_long: bool,
    /// It would say the same again: this request does not come back to it.
    once: bool,
}

/// Whether a fault is worth another attempt.
pub(super) fn hint(fault: &Fault, retry: &Retry) -> Option<RetryHint> {
    let plain = RetryHint { same: true, after: None, blamed: true, elsewhere: false, too_long: false, once: false };
    match fault {
        // Nobody would do better with it.
        Fault::UpstreamUnreachable(Unreachable::Ours(_)) => None,
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => Some(RetryHint { same: false, ..plain }),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) => Some(RetryHint { blamed: false, ..plain }),
        // Whoever waited that long for one backend will not wait for it once more.
        Fault::UpstreamUnreachable(Unreachable::Timeout(_)) => Some(RetryHint { same: false, ..plain }),
        Fault::UpstreamUnreachable(Unreachable::Stalled(_)) => Some(RetryHint { elsewhere: true, ..plain }),
        Fault::UpstreamUnreachable(_) => Some(plain),
        // The model's own output: another one would cost as much.
        Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(_)) => None,
        Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly | Misbehaviour::CutFrame) => Some(plain),
        // The same request makes the same model say the same.
        Fault::Refused(refusal) if refusal.message.contains(UNUSABLE_CALL) => None,
        // Whoever answers so is not what it is thought to be, and will be none the next time.
        Fault::UpstreamMisbehaved(Misbehaviour::Head(_)) => Some(RetryHint { same: false, once: true, ..plain }),
        // What is no answer, before anything of it was told; the cause may be something of this request.
        Fault::UpstreamMisbehaved(_) => Some(RetryHint { same: false, blamed: false, once: true, ..plain }),
        Fault::Refused(refusal) if refusal.is_too_long() => {
            Some(RetryHint { same: false, blamed: false, too_long: true, once: true, ..plain })
        }
        Fault::Refused(refusal) if retry.takes(refusal.status) => Some(RetryHint {
            // A quota of the day is not back in seconds.
            same: !refusal.message.contains("per day"),
            after: refusal.retry_after,
            // Too many requests are the clients' doing, not a sign of illness.
            blamed: refusal.status >= 500 || refusal.status == 424,
            ..plain
        }),
        Fault::Refused(_)
        | Fault::ClientMistaken(_)
        | Fault::Unsupported(_)
        | Fault::Ours(_)
        | Fault::Overloaded(_) => None,
    }
}

impl Common {
    /// Reports to the health of backends how a call went; no fault: well.
    pub(super) fn report(&mut self, plan: &mut Plan, call: &OpenCall, fault: Option<&Fault>, now: Instant) {
        let at = call.target;
        let Some(target) = plan.targets.get(at) else { return };
        if self.had_little_time(plan, call, fault, now) {
            self.release_probe(plan, at);
            return;
        }
        // Whether a backend is ill does not depend on what is tried again.
        match fault.map(|fault| (fault, hint(fault, &Retry::default()))) {
            None => self.succeeded_at(plan, at),
            Some((fault, Some(RetryHint { blamed: true, .. }))) => {
                let failure = plan.failure(target, reach(fault), &self.health, now);
                self.failed_at(plan, at, failure, now);
            }
            // A refusal that no attempt there would change is an answer: the backend is there.
            Some((Fault::Refused(_), None | Some(RetryHint { too_long: true, .. }))) => self.succeeded_at(plan, at),
            Some(_) => self.release_probe(plan, at),
        }
    }

    /// Whether the time for the whole answer is over and others had most of it: who was asked before, or the queue.
    fn had_little_time(&self, plan: &Plan, call: &OpenCall, fault: Option<&Fault>, now: Instant) -> bool {
        let timeout = matches!(fault, Some(Fault::UpstreamUnreachable(Unreachable::Timeout(_))));
        timeout
            && plan.timeouts.request.is_some_and(|request| {
                now.saturating_duration_since(self.begun) >= request
                    && now.saturating_duration_since(call.started) < request / 2
            })
    }

    /// Notes how long a call took to begin to answer, where that may decide how long others are waited for.
    pub(super) fn note_pace(&self, plan: &Plan, call: &OpenCall, now: Instant) {
        if let Some(target) = plan.targets.get(call.target).filter(|_| plan.targets.len() > 1) {
            let took = now.saturating_duration_since(call.started);
            self.health.began(target.backend, &target.model_id, plan.head.stream, took);
        }
    }

    fn succeeded_at(&self, plan: &mut Plan, at: usize) {
        let Some(target) = plan.targets.get_mut(at) else { return };
        target.probing = false;
        self.health.succeeded_of(target.backend, &target.model_id);
    }

    pub(super) fn failed_at(&mut self, plan: &mut Plan, at: usize, failure: Failure, now: Instant) {
        let Some(target) = plan.targets.get_mut(at) else { return };
        target.probing = false;
        let backend = target.backend;
        let alone = self.health.failed_of(backend, &target.model_id, failure, plan.traffic.outliers, now);
        let model = (failure.reach != Reach::Nowhere).then(|| target.model_id.clone());
        if let Some(alone) = alone {
            self.push(Output::Ejected { backend, model, alone });
        }
    }

    /// The request did not find out whether a target's backend is well again: if it was the probe, the next one may be.
    pub(super) fn release_probe(&self, plan: &mut Plan, at: usize) {
        if let Some(target) = plan.targets.get_mut(at)
            && std::mem::take(&mut target.probing)
        {
            self.health.undecided_of(target.backend, &target.model_id);
        }
    }

    /// The same for all targets, when the exchange ends.
    pub(super) fn release_probes(&self, plan: &mut Plan) {
        (0..plan.targets.len()).for_each(|at| self.release_probe(plan, at));
    }
}

impl Common {
    /// Whether the answer to this call can go on behind what the client was told.
    fn may_go_on(&self, written: &Written) -> bool {
        let goes_on = matches!(written.road, Road::Translate(_) | Road::TranslateToOpenAi | Road::Reframe(_));
        self.heard != Heard::Content || goes_on
    }

    /// Has the answer of the next call go on behind what the client was told of this one, which broke off.
    pub(super) fn carry_over(&mut self, broken: &mut OpenCall, next: &mut OpenCall) {
        let mut out = BytesMut::new();
        if let Some(interrupted) = broken.attempt.interrupt(&mut out) {
            next.attempt.resume(interrupted);
        }
        self.say(out);
        self.estimate(broken.attempt.estimate());
        next.warn(
            "the stream broke off while the model was thinking; the answer began again behind its unfinished thought",
        );
    }
}

impl Calling {
    /// Makes the call adjusted to its refusal, if that can help.
    pub(super) fn adjusted(&mut self, common: &mut Common, fault: &Fault, now: Instant) -> Option<Box<OpenCall>> {
        // The remedies are those of chats.
        if self.primary.attempt.is_of_openai() || self.plan.encoding.is_some() {
            return None;
        }
        let (at, told) = (self.primary.target, self.plan.adjusted.len());
        while self.plan.adjust(at, fault, self.primary.attempt.schema()) {
            let written = self.plan.write(at, None).ok()?;
            if !common.may_go_on(&written) {
                return None;
            }
            if !self.primary.attempt.sent(&written.outgoing) {
                common.record.amended += 1;
                if let Some(refused) = common.record.attempts.get_mut(self.primary.at) {
                    refused.result = AttemptResult::Amended;
                }
                let making = Making { id: CallId::Primary, why: AttemptReason::Adjusted, after: Duration::ZERO };
                return Some(common.call(&mut self.plan, making, written, now));
            }
            // That changed nothing of this request; another remedy may.
            self.plan.adjusted.truncate(told);
        }
        None
    }

    /// Makes the call once more, if that is worth it.
    pub(super) fn again(&mut self, common: &mut Common, fault: &Fault, now: Instant) -> Option<Box<OpenCall>> {
        let Self { plan, primary, .. } = self;
        let hint = hint(fault, &plan.traffic.retry)?;
        let spent = now.saturating_duration_since(common.begun);
        if !plan.traffic.retry.unanswered && !matches!(fault, Fault::Refused(_)) {
            return None;
        }
        if plan.attempts >= plan.traffic.retry.most_attempts().1 {
            return None;
        }
        let at = primary.target;
        if let Some(target) = plan.targets.get_mut(at).filter(|_| hint.once) {
            target.excluded = true;
        }
        let next = plan.next_target(at, hint, &common.health, now)?;
        // What this gateway itself turned away is no load on the backend.
        let free = matches!(fault, Fault::UpstreamUnreachable(Unreachable::Busy(_)));
        let next = if free { next } else { plan.affordable(next, &common.health, now)? };
        let after = if common.terms.abilities.pause { plan.pause(at, next, hint) } else { Duration::ZERO };
        if plan.timeouts.request.is_some_and(|request| spent.saturating_add(after) >= request) {
            return None;
        }
        plan.leave(at, next);
        let written = plan.write(next, None).ok().filter(|written| common.may_go_on(written))?;
        let why = if common.heard == Heard::Content { AttemptReason::Restart } else { AttemptReason::Retry };
        let making = Making { id: CallId::Primary, why, after };
        Some(common.call(plan, making, written, now))
    }
}

/// The reach of a call that failed so.
fn reach(fault: &Fault) -> Reach {
    match fault {
        Fault::UpstreamUnreachable(Unreachable::Connect(_) | Unreachable::Credentials(_)) => Reach::Nowhere,
        Fault::Refused(_) => Reach::Answered,
        Fault::UpstreamUnreachable(_)
        | Fault::UpstreamMisbehaved(_)
        | Fault::ClientMistaken(_)
        | Fault::Unsupported(_)
        | Fault::Ours(_)
        | Fault::Overloaded(_) => Reach::Unknown,
    }
}

impl Plan {
    /// The first target to try: the first one that is not known to be ill, else the first.
    pub(super) fn first_target(&mut self, health: &BackendHealth, now: Instant) -> usize {
        if self.targets.len() < 2 || self.panics(health, now) {
            return 0;
        }
        for (at, target) in self.targets.iter_mut().enumerate() {
            match health.availability_of(target.backend, &target.model_id, now) {
                Availability::Ejected => {}
                available @ (Availability::Healthy | Availability::Probe) => {
                    target.probing = available == Availability::Probe;
                    target.probed = target.probing;
                    return at;
                }
            }
        }
        0
    }

    /// Whether so few of the backends are well that all of them are tried in order, the ejected ones too.
    fn panics(&self, health: &BackendHealth, now: Instant) -> bool {
        let (ejected, all) = self.ejected(health, now);
        (all - ejected) * 100 < u64::from(self.traffic.outliers.panic_threshold) * all
    }

    /// The longest wait for a target's first byte, when another one could be asked that was not.
    pub(super) fn usual_first_byte(&self, at: usize, health: &BackendHealth, now: Instant) -> Option<Duration> {
        let here = self.targets.get(at)?;
        let panics = self.panics(health, now);
        let fresh = |target: &Target| {
            target.backend != here.backend && target.tries == 0 && (panics || !target.is_ejected(health, now))
        };
        let further = self.attempts < self.traffic.retry.most_attempts().1 && self.traffic.retry.unanswered;
        (further && self.targets.iter().any(fresh)).then(|| {
            let places = self.targets.iter().map(|target| (target.backend, target.model_id.as_str()));
            health.first_byte_limit(places, (here.backend, &here.model_id), self.head.stream)
        })
    }

    /// The number of targets that are ejected, and of all.
    fn ejected(&self, health: &BackendHealth, now: Instant) -> (u64, u64) {
        let ejected = self.targets.iter().filter(|target| target.is_ejected(health, now)).count();
        (ejected as u64, self.targets.len() as u64)
    }

    /// The failure of a call to a target, as the health of backends is told of it.
    pub(super) fn failure(&self, target: &Target, reach: Reach, health: &BackendHealth, now: Instant) -> Failure {
        let (ejected, all) = self.ejected(health, now);
        let ejected = ejected.saturating_sub(u64::from(target.is_ejected(health, now)));
        let most = u64::from(self.traffic.outliers.max_ejection_percent) * all;
        let spared = ejected > 0 && (ejected + 1) * 100 > most;
        Failure { reach, probe: target.probing, spared }
    }

    /// Whether a stream of a target begins again that breaks off while only reasoning of it was told.
    pub(super) fn restarts(&self, at: usize) -> bool {
        self.targets.get(at).is_some_and(|target| target.policy.restarts(target.entry(&self.config)))
    }

    /// Whether no failure of the attempt under way would be followed by another one.
    pub(super) fn is_last_attempt(&self) -> bool {
        let (each, all) = self.traffic.retry.most_attempts();
        self.attempts >= all || self.targets.iter().all(|target| target.tries >= each)
    }

    /// The next target to try after `last`: of one priority as often as is worth it, the least tried first, then of the next ones. The
    /// last one comes last while it is ejected, as after a probe that failed.
    pub(super) fn next_target(
        &self,
        last: usize,
        hint: RetryHint,
        health: &BackendHealth,
        now: Instant,
    ) -> Option<usize> {
        let here = self.targets.get(last)?;
        let of = |priority: u32| self.targets.iter().enumerate().filter(move |(_, target)| target.priority == priority);
        let (each, _) = self.traffic.retry.most_attempts();
        let tried: u32 = of(here.priority).map(|(_, target)| target.tries).sum();
        let backends = u32::try_from(of(here.priority).count()).unwrap_or(u32::MAX);
        let most = self.traffic.retry.per_priority.unwrap_or_else(|| TRIES_OF_ONE.saturating_mul(backends));
        let mut priorities: Vec<u32> = self.targets.iter().map(|target| target.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        // Those before were passed over: they come last.
        let at_hand = priorities.partition_point(|priority| *priority < here.priority);
        priorities.rotate_left(at_hand);
        let further = priorities.len().saturating_sub(at_hand);
        if tried >= most && further > 1 {
            priorities.get_mut(..further)?.rotate_left(1);
        }
        let panics = self.panics(health, now);
        let fit = |at: usize, target: &Target| {
            let elsewhere = at != last && (target.backend != here.backend || hint.too_long);
            !target.excluded && (hint.same || elsewhere) && (at == last || panics || !target.is_ejected(health, now))
        };
        let find = |stays: bool| {
            priorities.iter().find_map(|priority| {
                let fitting = of(*priority).filter(|(at, _)| stays || *at != last);
                let fitting = fitting.filter(|(at, target)| target.tries < each && fit(*at, target));
                fitting.min_by_key(|(at, target)| (target.tries, *at == last)).map(|(at, _)| at)
            })
        };
        let leaves = hint.elsewhere || !panics && (here.probed || here.is_ejected(health, now));
        leaves.then(|| find(false)).flatten().or_else(|| find(true))
    }

    /// The next target if its backend may be asked once more, else one whose backend was not asked yet: that one gets no
    /// more than each request once, as if it had been the first.
    pub(super) fn affordable(&self, next: usize, health: &BackendHealth, now: Instant) -> Option<usize> {
        let wanted = self.targets.get(next)?.backend;
        if !self.was_asked(wanted) || health.spend(wanted) {
            return Some(next);
        }
        let panics = self.panics(health, now);
        let fresh = |target: &Target| !self.was_asked(target.backend) && (panics || !target.is_ejected(health, now));
        self.targets.iter().position(fresh)
    }

    pub(super) fn was_asked(&self, backend: usize) -> bool {
        self.targets.iter().any(|target| target.backend == backend && target.tries > 0)
    }

    /// How long to wait before the next attempt: not at all for a backend that was not tried yet, else up to a time that
    /// doubles, by lot; and at least as long as the backend asked for.
    pub(super) fn pause(&mut self, last: usize, next: usize, hint: RetryHint) -> Duration {
        let Some(target) = self.targets.get(next).filter(|target| target.tries > 0) else { return Duration::ZERO };
        let asked = hint.after.filter(|_| next == last).unwrap_or_default();
        let Retry { base, most, .. } = self.traffic.retry;
        let ceiling = base.saturating_mul(1 << target.tries.saturating_sub(1).min(16)).min(most);
        let ceiling = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        let lot = self.draw.number() % ceiling.saturating_add(1);
        Duration::from_micros(lot).max(asked.min(most))
    }
}
