//! Two calls at once: another backend is asked too when the first is slow, and whichever has something to tell first is
//! the answer.

use super::answer::Waiting;
use super::asked::Asked;
use super::{Deferred, Exchange, Output};
use crate::health::{BackendHealth, Reach};
use crate::record::Turns;
use std::mem::swap;
use std::time::{Duration, Instant};

/// How long a request that probes an ejected backend waits for it alone, at least.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// The same for a stream while nothing is known of how long the backend usually takes.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Which of the calls under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallId {
    /// The only one, or the one that was made first.
    #[default]
    Primary,
    /// The one that was made because the first was slow.
    Hedge,
}

/// The call that is not at hand.
pub(super) struct Other {
    waiting: Option<Waiting>,
    at: usize,
    noted: Noted,
}

/// What the record says of a call.
#[derive(Clone, Default)]
struct Noted {
    model_id: String,
    provider: &'static str,
    backend: String,
    warnings: Vec<String>,
    turns: Turns,
}

impl Exchange {
    /// Takes up the call of a lane; false: there is none.
    pub(super) fn take_up(&mut self, lane: CallId) -> bool {
        if self.at_hand == lane {
            return true;
        }
        let (Some(other), Some(asked)) = (&mut self.other, &mut self.asked) else { return false };
        swap(&mut self.waiting, &mut other.waiting);
        swap(&mut asked.at, &mut other.at);
        let (record, noted) = (&mut self.record, &mut other.noted);
        swap(&mut record.model_id, &mut noted.model_id);
        swap(&mut record.provider, &mut noted.provider);
        swap(&mut record.backend, &mut noted.backend);
        swap(&mut record.warnings, &mut noted.warnings);
        swap(&mut record.turns, &mut noted.turns);
        self.at_hand = lane;
        true
    }

    /// The call at hand is slow: another backend is asked too, where that is allowed and worth it.
    pub(super) fn hedge(&mut self, now: Instant) {
        if self.defers { self.defer(Deferred::Hedge) } else { self.hedge_now(now) }
    }

    pub(super) fn hedge_now(&mut self, now: Instant) {
        if self.is_told() || self.other.is_some() || !self.waiting.as_ref().is_some_and(Waiting::is_silent) {
            return;
        }
        let spent = now.saturating_duration_since(self.begun);
        let Some(asked) = &mut self.asked else { return };
        let Some(next) = asked.place_for_hedge(&self.health, spent, now) else { return };
        let before = std::mem::replace(&mut asked.at, next);
        let written = asked.outgoing(None).ok().filter(|(outgoing, _)| !outgoing.sealed);
        asked.at = before;
        let slow = asked.place().map(|place| place.backend);
        // Whoever is slow pays for it, so that lasting slowness is not answered with twice as many calls.
        let Some((outgoing, put_back)) = written.filter(|_| slow.is_some_and(|slow| self.health.spend(slow))) else {
            return;
        };
        self.other = Some(Box::new(Other { waiting: None, at: next, noted: Noted::default() }));
        self.take_up(CallId::Hedge);
        self.call(outgoing, put_back, Duration::ZERO, now);
        self.take_up(CallId::Primary);
    }

    /// The call at hand has something to tell: the other one is given up.
    pub(super) fn won(&mut self, now: Instant) {
        self.judge(None, now);
        self.note_pace(now);
        let Some(other) = self.other.take() else { return };
        self.estimate(other.waiting.as_ref().map(Waiting::estimate));
        match self.at_hand {
            CallId::Primary => {
                self.record.hedges.lost += 1;
                self.undecided(other.at);
            }
            CallId::Hedge => {
                self.record.hedges.won += 1;
                self.was_slow(other.at, now);
            }
        }
        self.settle(self.at_hand);
    }

    /// Whoever is overtaken again and again is left alone for a while, as if it had failed: the second calls would soon be
    /// more than it may cost.
    fn was_slow(&mut self, at: usize, now: Instant) {
        let failure = |asked: &Asked| Some(asked.failure(asked.places.get(at)?, Reach::Unknown, &self.health, now));
        let failure = self.asked.as_deref().and_then(failure);
        if let Some(failure) = failure {
            self.failed_at(at, failure, now);
        }
    }

    /// The call at hand failed: the other one, if there is one, goes on alone.
    pub(super) fn lost(&mut self) -> bool {
        let rest = match self.at_hand {
            CallId::Primary => CallId::Hedge,
            CallId::Hedge => CallId::Primary,
        };
        if self.is_told() || !self.take_up(rest) {
            return false;
        }
        self.other = None;
        match rest {
            CallId::Primary => self.record.hedges.failed += 1,
            CallId::Hedge => self.record.hedges.won += 1,
        }
        self.settle(rest);
        true
    }

    /// The exchange ends while two calls are under way.
    pub(super) fn abandon_other(&mut self) {
        if let Some(other) = self.other.take() {
            self.undecided(other.at);
            self.estimate(other.waiting.as_ref().map(Waiting::estimate));
            self.record.hedges.abandoned += 1;
            self.at_hand = CallId::Primary;
        }
    }

    fn settle(&mut self, lane: CallId) {
        self.outputs.push_back(Output::Settled(lane));
        self.at_hand = CallId::Primary;
    }

    /// What was to be found out at a place was not.
    pub(super) fn undecided(&mut self, at: usize) {
        if let Some(place) = self.asked.as_mut().and_then(|asked| asked.places.get_mut(at))
            && std::mem::take(&mut place.probing)
        {
            self.health.undecided_of(place.backend, &place.model_id);
        }
    }

    /// Whoever was to find out how a backend is has found out, or never will.
    pub(super) fn all_undecided(&mut self) {
        (0..self.asked.as_ref().map_or(0, |asked| asked.places.len())).for_each(|at| self.undecided(at));
    }
}

impl Asked {
    /// Whether any other backend could be asked too.
    pub(super) fn may_hedge(&self) -> bool {
        let here = self.place().map(|place| place.backend);
        !self.sealed && self.places.iter().any(|place| Some(place.backend) != here)
    }

    /// After how much silence another backend is asked too: whoever finds out whether one is well again has somewhere else
    /// to go, and does not wait for it as long as for one that is.
    pub(super) fn hedges_after(&self, health: &BackendHealth) -> Option<Duration> {
        let probing = self.place().filter(|place| place.probing);
        let patience = probing.and_then(|place| {
            // One that is slow by nature would lose every time, and never come back.
            let usual = health.usual(place.backend, &place.model_id, self.head.stream);
            let usual = usual.map(|usual| (usual + usual / 2).max(PROBE_PATIENCE));
            usual.or_else(|| self.head.stream.then_some(UNKNOWN_PATIENCE))
        });
        patience.into_iter().chain(self.patience.hedge).min()
    }

    /// Where else to ask: the first place whose backend was not asked yet. Sealed reasoning is its issuer's alone.
    fn place_for_hedge(&self, health: &BackendHealth, spent: Duration, now: Instant) -> Option<usize> {
        let never = self.hedges_after(health).is_none();
        let late = self.patience.whole.is_some_and(|whole| spent >= whole);
        if never || self.sealed || late || self.attempts >= self.traffic.retry.most_attempts().1 {
            return None;
        }
        self.places.iter().position(|place| !self.was_asked(place.backend) && !place.is_ejected(health, now))
    }
}
