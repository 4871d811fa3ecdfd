//! Whether a call that failed is made once more, where, and when: before the client was told anything.

use super::asked::{Asked, Place};
use super::{Exchange, Output};
use crate::config::Retry;
use crate::health::{Availability, BackendHealth, Failure, Reach};
use aquifer_translate::Fault;
use aquifer_translate::fault::{Misbehaviour, Unreachable};
use std::time::{Duration, Instant};

/// How often one backend is tried before those of the next priority.
const TRIES_OF_ONE: u32 = 2;

/// How Bedrock tells of a call that a model could not write.
const UNUSABLE_CALL: &str = "invalid sequence as part of ToolUse";

/// What a failure says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    /// The same backend may do better.
    same: bool,
    /// It asked for this pause.
    after: Option<Duration>,
    /// It was the backend's fault.
    blamed: bool,
    /// Any other place may do better, the same one does not come first.
    elsewhere: bool,
    /// The request is longer than what the model there takes: it has answered.
    too_long: bool,
    /// It would say the same again: this request does not come back to it.
    once: bool,
}

/// Whether a fault is worth another attempt.
pub(super) fn hint(fault: &Fault, retry: &Retry) -> Option<Hint> {
    let plain = Hint { same: true, after: None, blamed: true, elsewhere: false, too_long: false, once: false };
    match fault {
        // Nobody would do better with it.
        Fault::UpstreamUnreachable(Unreachable::Ours(_)) => None,
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => Some(Hint { same: false, ..plain }),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) => Some(Hint { blamed: false, ..plain }),
        // Whoever waited that long for one backend will not wait for it once more.
        Fault::UpstreamUnreachable(Unreachable::Timeout(_)) => Some(Hint { same: false, ..plain }),
        Fault::UpstreamUnreachable(Unreachable::Stalled(_)) => Some(Hint { elsewhere: true, ..plain }),
        Fault::UpstreamUnreachable(_) => Some(plain),
        // The model's own output: another one would cost as much.
        Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput(_)) => None,
        Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly | Misbehaviour::CutFrame) => Some(plain),
        // The same request makes the same model say the same.
        Fault::Refused(refusal) if refusal.message.contains(UNUSABLE_CALL) => None,
        // Whoever answers so is not what it is thought to be, and will be none the next time.
        Fault::UpstreamMisbehaved(Misbehaviour::Head(_)) => Some(Hint { same: false, once: true, ..plain }),
        // What is no answer, before anything of it was told; the cause may be something of this request.
        Fault::UpstreamMisbehaved(_) => Some(Hint { same: false, blamed: false, once: true, ..plain }),
        Fault::Refused(refusal) if refusal.is_too_long() => {
            Some(Hint { same: false, blamed: false, too_long: true, once: true, ..plain })
        }
        Fault::Refused(refusal) if retry.takes(refusal.status) => Some(Hint {
            // A quota of the day is not back in seconds.
            same: !refusal.message.contains("per day"),
            after: refusal.retry_after,
            // Too many requests are the clients' doing, not a sign of illness.
            blamed: refusal.status >= 500 || refusal.status == 424,
            ..plain
        }),
        _ => None,
    }
}

impl Exchange {
    /// Tells the backends' health how the call went; `None`: well.
    pub(super) fn judge(&mut self, fault: Option<&Fault>, now: Instant) {
        let Some(asked) = &self.asked else { return };
        let Some(place) = asked.place().filter(|_| self.waiting.is_some()) else { return };
        let at = asked.at;
        if self.had_little_time(fault, now) {
            self.undecided(at);
            return;
        }
        // Whether a backend is ill does not depend on what is tried again.
        match fault.map(|fault| (fault, hint(fault, &Retry::default()))) {
            None => self.succeeded_at(at),
            Some((fault, Some(Hint { blamed: true, .. }))) => {
                self.failed_at(at, asked.failure(place, reach(fault), &self.health, now), now);
            }
            // A refusal that no attempt there would change is an answer: the backend is there.
            Some((Fault::Refused(_), None | Some(Hint { too_long: true, .. }))) => self.succeeded_at(at),
            Some(_) => self.undecided(at),
        }
    }

    /// Whether the time for the whole is over and others had most of it: who was asked before, or the queue.
    fn had_little_time(&self, fault: Option<&Fault>, now: Instant) -> bool {
        let timeout = matches!(fault, Some(Fault::UpstreamUnreachable(Unreachable::Timeout(_))));
        let (Some(asked), Some(waiting), true) = (&self.asked, &self.waiting, timeout) else { return false };
        asked.patience.whole.is_some_and(|whole| {
            now.saturating_duration_since(self.begun) >= whole
                && now.saturating_duration_since(waiting.started) < whole / 2
        })
    }

    /// Notes how long the call at hand took to begin to answer, where that may decide how long others are waited for.
    pub(super) fn note_pace(&self, now: Instant) {
        let (Some(asked), Some(waiting)) = (&self.asked, &self.waiting) else { return };
        if let Some(place) = asked.place().filter(|_| asked.places.len() > 1) {
            let took = now.saturating_duration_since(waiting.started);
            self.health.began(place.backend, &place.model_id, asked.head.stream, took);
        }
    }

    fn succeeded_at(&mut self, at: usize) {
        let Some(place) = self.asked.as_mut().and_then(|asked| asked.places.get_mut(at)) else { return };
        place.probing = false;
        self.health.succeeded_of(place.backend, &place.model_id);
    }

    pub(super) fn failed_at(&mut self, at: usize, failure: Failure, now: Instant) {
        let Some(asked) = &mut self.asked else { return };
        let Some(place) = asked.places.get_mut(at) else { return };
        place.probing = false;
        let backend = place.backend;
        let alone = self.health.failed_of(backend, &place.model_id, failure, asked.traffic.outliers, now);
        let model = (failure.reach != Reach::Nowhere).then(|| place.model_id.clone());
        self.outputs.extend(alone.map(|alone| Output::Ejected { backend, model, alone }));
    }

    /// Makes the call once more, if that is worth it; `false`: the client is told.
    pub(super) fn try_again(&mut self, fault: &Fault, now: Instant) -> bool {
        let Some(asked) = &mut self.asked else { return false };
        let Some(hint) = hint(fault, &asked.traffic.retry).filter(|_| self.waiting.is_some()) else { return false };
        let spent = now.saturating_duration_since(self.begun);
        if !asked.traffic.retry.unanswered && !matches!(fault, Fault::Refused(_)) {
            return false;
        }
        if asked.attempts >= asked.traffic.retry.most_attempts().1 {
            return false;
        }
        if let Some(place) = asked.places.get_mut(asked.at).filter(|_| hint.once) {
            place.excluded = true;
        }
        let next = asked.next_place(hint, &self.health, now);
        // What this gateway itself turned away is no load on the backend.
        let free = matches!(fault, Fault::UpstreamUnreachable(Unreachable::Busy(_)));
        let Some(next) =
            next.and_then(|next| if free { Some(next) } else { asked.affordable(next, &self.health, now) })
        else {
            return false;
        };
        let pause = asked.pause(next, hint);
        if asked.patience.whole.is_some_and(|whole| spent.saturating_add(pause) >= whole) {
            return false;
        }
        asked.go_to(next);
        match asked.outgoing(None) {
            Ok((outgoing, put_back)) => {
                self.call(outgoing, put_back, pause, now);
                true
            }
            Err(_) => false,
        }
    }
}

impl Place {
    pub(super) fn is_ejected(&self, health: &BackendHealth, now: Instant) -> bool {
        health.is_ejected_of(self.backend, &self.model_id, now)
    }
}

/// How far a call came that failed so.
fn reach(fault: &Fault) -> Reach {
    match fault {
        Fault::UpstreamUnreachable(Unreachable::Connect(_) | Unreachable::Credentials(_)) => Reach::Nowhere,
        Fault::Refused(_) => Reach::Answered,
        _ => Reach::Unknown,
    }
}

impl Asked {
    /// The first place to try: the first one that is not known to be ill, else the first.
    pub(super) fn first_place(&mut self, health: &BackendHealth, now: Instant) -> usize {
        if self.places.len() < 2 || self.panics(health, now) {
            return 0;
        }
        for (at, place) in self.places.iter_mut().enumerate() {
            match health.availability_of(place.backend, &place.model_id, now) {
                Availability::Ejected => {}
                standing => {
                    place.probing = standing == Availability::Probe;
                    place.probed = place.probing;
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

    /// How long the place at hand is waited for, when another one could be asked that was not.
    pub(super) fn usual_first_byte(&self, health: &BackendHealth, now: Instant) -> Option<Duration> {
        let here = self.place()?;
        let panics = self.panics(health, now);
        let fresh = |place: &Place| {
            place.backend != here.backend && place.tries == 0 && (panics || !place.is_ejected(health, now))
        };
        let further = self.attempts < self.traffic.retry.most_attempts().1 && self.traffic.retry.unanswered;
        (further && self.places.iter().any(fresh)).then(|| {
            let places = self.places.iter().map(|place| (place.backend, place.model_id.as_str()));
            health.first_byte_limit(places, (here.backend, &here.model_id), self.head.stream)
        })
    }

    /// How many of the places are ejected, and how many there are.
    fn ejected(&self, health: &BackendHealth, now: Instant) -> (u64, u64) {
        let ejected = self.places.iter().filter(|place| place.is_ejected(health, now)).count();
        (ejected as u64, self.places.len() as u64)
    }

    /// What the backends' health is told of a call that failed at a place.
    pub(super) fn failure(&self, place: &Place, reach: Reach, health: &BackendHealth, now: Instant) -> Failure {
        let (ejected, all) = self.ejected(health, now);
        let ejected = ejected.saturating_sub(u64::from(place.is_ejected(health, now)));
        let most = u64::from(self.traffic.outliers.max_ejection_percent) * all;
        let spared = ejected > 0 && (ejected + 1) * 100 > most;
        Failure { reach, probe: place.probing, spared }
    }

    /// Whether no failure of the attempt at hand would be followed by another one.
    pub(super) fn is_last_attempt(&self) -> bool {
        let (each, all) = self.traffic.retry.most_attempts();
        self.attempts >= all || self.places.iter().all(|place| place.tries >= each)
    }

    /// The next place to try: of one priority as often as is worth it, the least tried first, then of the next ones. The
    /// one at hand is the last resort while it is ejected, as after a probe that failed.
    fn next_place(&self, hint: Hint, health: &BackendHealth, now: Instant) -> Option<usize> {
        let here = self.place()?;
        let of = |priority: u32| self.places.iter().enumerate().filter(move |(_, place)| place.priority == priority);
        let (each, _) = self.traffic.retry.most_attempts();
        let tried: u32 = of(here.priority).map(|(_, place)| place.tries).sum();
        let backends = u32::try_from(of(here.priority).count()).unwrap_or(u32::MAX);
        let most = self.traffic.retry.per_priority.unwrap_or_else(|| TRIES_OF_ONE.saturating_mul(backends));
        let mut priorities: Vec<u32> = self.places.iter().map(|place| place.priority).collect();
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
        let fit = |at: usize, place: &Place| {
            let elsewhere = at != self.at && (place.backend != here.backend || hint.too_long);
            !place.excluded && (hint.same || elsewhere) && (at == self.at || panics || !place.is_ejected(health, now))
        };
        let find = |stays: bool| {
            priorities.iter().find_map(|priority| {
                let fitting = of(*priority).filter(|(at, _)| stays || *at != self.at);
                let fitting = fitting.filter(|(at, place)| place.tries < each && fit(*at, place));
                fitting.min_by_key(|(at, place)| (place.tries, *at == self.at)).map(|(at, _)| at)
            })
        };
        let leaves = hint.elsewhere || !panics && (here.probed || here.is_ejected(health, now));
        leaves.then(|| find(false)).flatten().or_else(|| find(true))
    }

    /// The next place if its backend may be asked once more, else one whose backend was not asked yet: that one gets no
    /// more than each request once, as if it had been the first.
    fn affordable(&self, next: usize, health: &BackendHealth, now: Instant) -> Option<usize> {
        let wanted = self.places.get(next)?.backend;
        if !self.was_asked(wanted) || health.spend(wanted) {
            return Some(next);
        }
        let panics = self.panics(health, now);
        let fresh = |place: &Place| !self.was_asked(place.backend) && (panics || !place.is_ejected(health, now));
        self.places.iter().position(fresh)
    }

    pub(super) fn was_asked(&self, backend: usize) -> bool {
        self.places.iter().any(|place| place.backend == backend && place.tries > 0)
    }

    /// How long to wait before the next attempt: not at all for a backend that was not tried yet, else up to a time that
    /// doubles, by lot; and at least as long as the backend asked for.
    fn pause(&mut self, next: usize, hint: Hint) -> Duration {
        let Some(place) = self.places.get(next).filter(|place| place.tries > 0) else { return Duration::ZERO };
        let asked = hint.after.filter(|_| next == self.at).unwrap_or_default();
        let Retry { base, most, .. } = self.traffic.retry;
        let ceiling = base.saturating_mul(1 << place.tries.saturating_sub(1).min(16)).min(most);
        let ceiling = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        let lot = self.draw.number() % ceiling.saturating_add(1);
        Duration::from_micros(lot).max(asked.min(most))
    }
}
