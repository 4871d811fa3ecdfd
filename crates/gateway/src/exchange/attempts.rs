//! Whether a call that failed is made once more, where, and when: before the client was told anything.

use super::asked::Asked;
use super::{Exchange, Output};
use crate::config::Retry;
use crate::fleet::{Fleet, Standing};
use aquifer_translate::Fault;
use aquifer_translate::fault::{Misbehaviour, Unreachable};
use std::time::{Duration, Instant};

/// How often one backend is tried before those of the next priority.
const TRIES_OF_ONE: u32 = 2;

/// What a failure says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    /// The same backend may do better.
    same: bool,
    /// It asked for this pause.
    after: Option<Duration>,
    /// It was the backend's fault.
    blamed: bool,
}

/// Whether a fault is worth another attempt.
pub(super) fn hint(fault: &Fault, retry: &Retry) -> Option<Hint> {
    let plain = Hint { same: true, after: None, blamed: true };
    match fault {
        // Nobody would do better with it.
        Fault::UpstreamUnreachable(Unreachable::Ours(_)) => None,
        Fault::UpstreamUnreachable(Unreachable::Credentials(_)) => Some(Hint { same: false, ..plain }),
        Fault::UpstreamUnreachable(Unreachable::Busy(_)) => Some(Hint { blamed: false, ..plain }),
        // Whoever waited that long for one backend will not wait for it once more.
        Fault::UpstreamUnreachable(Unreachable::Timeout(_)) => Some(Hint { same: false, ..plain }),
        Fault::UpstreamUnreachable(_) => Some(plain),
        Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly | Misbehaviour::CutFrame) => Some(plain),
        Fault::Refused(refusal) if retry.takes(refusal.status) => Some(Hint {
            // A quota of the day is not back in seconds.
            same: !refusal.message.contains("per day"),
            after: refusal.retry_after,
            // Too many requests are the clients' doing, not a sign of illness.
            blamed: refusal.status >= 500 || refusal.status == 424,
        }),
        _ => None,
    }
}

impl Exchange {
    /// Tells the fleet how the call went; `None`: well.
    pub(super) fn judge(&mut self, fault: Option<&Fault>, now: Instant) {
        let Some(asked) = &self.asked else { return };
        let Some(place) = asked.place().filter(|_| self.waiting.is_some()) else { return };
        // Whether a backend is ill does not depend on what is tried again.
        match fault.map(|fault| hint(fault, &Retry::default())) {
            None => self.fleet.succeeded(place.backend),
            Some(Some(Hint { blamed: true, .. })) => {
                let alone = self.fleet.failed(place.backend, asked.traffic.outliers, now);
                if let Some(alone) = alone {
                    self.outputs.push_back(Output::Ejected { backend: place.backend, alone });
                }
            }
            // A refusal that no attempt would change is an answer: the backend is there.
            Some(None) if matches!(fault, Some(Fault::Refused(_))) => self.fleet.succeeded(place.backend),
            Some(_) => self.fleet.undecided(place.backend),
        }
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
        let next = asked.next_place(hint.same, &self.fleet, now);
        let Some(next) = next.and_then(|next| asked.affordable(next, &self.fleet, now)) else { return false };
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

impl Asked {
    /// The first place to try: the first one that is not known to be ill, else the first.
    pub(super) fn first_place(&self, fleet: &Fleet, now: Instant) -> usize {
        let well = |at: &usize| {
            self.places.get(*at).is_some_and(|place| fleet.standing(place.backend, now) != Standing::Ejected)
        };
        if self.places.len() < 2 { 0 } else { (0..self.places.len()).find(well).unwrap_or(0) }
    }

    /// The next place to try: of one priority as often as is worth it, the least tried first, then of the next one.
    fn next_place(&self, same: bool, fleet: &Fleet, now: Instant) -> Option<usize> {
        let here = self.place()?;
        let of = |priority: u32| self.places.iter().enumerate().filter(move |(_, place)| place.priority == priority);
        let (each, _) = self.traffic.retry.most_attempts();
        let tried: u32 = of(here.priority).map(|(_, place)| place.tries).sum();
        let backends = u32::try_from(of(here.priority).count()).unwrap_or(u32::MAX);
        let most = self.traffic.retry.per_priority.unwrap_or_else(|| TRIES_OF_ONE.saturating_mul(backends));
        let further = self.places.iter().map(|place| place.priority).filter(|found| *found > here.priority).min();
        let priorities = match further {
            Some(next) if tried >= most => [Some(next), Some(here.priority)],
            _ => [Some(here.priority), further],
        };
        let fit = |at: usize, backend: usize| {
            (same || at != self.at && backend != here.backend) && (at == self.at || !fleet.is_ejected(backend, now))
        };
        priorities.into_iter().flatten().find_map(|priority| {
            let fitting = of(priority).filter(|(at, place)| place.tries < each && fit(*at, place.backend));
            fitting.min_by_key(|(at, place)| (place.tries, *at == self.at)).map(|(at, _)| at)
        })
    }

    /// The next place if its backend may be asked once more, else one whose backend was not asked yet: that one gets no
    /// more than each request once, as if it had been the first.
    fn affordable(&self, next: usize, fleet: &Fleet, now: Instant) -> Option<usize> {
        let wanted = self.places.get(next)?.backend;
        if !self.was_asked(wanted) || fleet.spend(wanted) {
            return Some(next);
        }
        self.places.iter().position(|place| !self.was_asked(place.backend) && !fleet.is_ejected(place.backend, now))
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
