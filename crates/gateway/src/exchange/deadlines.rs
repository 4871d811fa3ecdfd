//! The time limits of a call, and how long a client is left without a word.
//!
//! One exchange has one next moment at which time alone changes something: the host sets one timer for it. Silence is
//! counted only while the host waits for a backend, not while a slow client keeps it from reading.

use super::contract::HostLimits;
use super::timeouts::CallTimeouts;
use aquifer_translate::fault::Unreachable;
use std::time::{Duration, Instant};

/// A timer takes any time up to this; longer limits are as good as none.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The timeout of the store of turns, whose answer should take milliseconds.
const RECALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The limits of one call.
#[derive(Debug)]
pub(super) struct CallDeadlines {
    /// The most between two reads: `streamIdleTimeout`.
    silence: Duration,
    /// For a client that takes nothing: what the route says.
    idle: Option<Duration>,
    /// For the first content of a stream, or the first byte of a whole answer; passed once it came.
    first_byte: Option<Limit>,
    /// That limit was learned from earlier answers: it holds until the client is told something.
    learned: bool,
    /// For the whole answer: `timeouts.request`.
    request: Option<Limit>,
    /// When another backend is asked too, unless the client was told something before.
    hedge: Option<Instant>,
    /// Since when the call is waited for.
    since: Option<Instant>,
    /// The limits of a call that waits for its turn: they are counted from its beginning.
    queued: Option<CallTimeouts>,
}

/// A time by which something must have happened.
#[derive(Clone, Copy, Debug)]
struct Limit {
    time: Duration,
    until: Instant,
}

impl Limit {
    fn from(now: Instant, time: Duration) -> Self {
        Self { time, until: now + time.min(LONGEST_TIMEOUT) }
    }

    fn is_passed(self, now: Instant) -> bool {
        self.until <= now
    }
}

/// The deadline of the store of turns: without its answer the request goes on as if nothing were remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecallDeadline(Limit);

impl RecallDeadline {
    /// The deadline of a store that is asked now.
    pub(super) fn begin(now: Instant) -> Self {
        Self(Limit::from(now, RECALL_TIMEOUT))
    }

    /// The moment of the deadline.
    pub(super) fn next(self) -> Instant {
        self.0.until
    }

    /// Whether the deadline is passed.
    pub(super) fn is_passed(self, now: Instant) -> bool {
        self.0.is_passed(now)
    }
}

impl CallDeadlines {
    /// The limits of a call that begins now.
    pub(super) fn begin(timeouts: CallTimeouts, limits: &HostLimits, now: Instant) -> Self {
        let configured = timeouts.first_byte.or(limits.first_byte);
        Self {
            silence: timeouts.silence.unwrap_or(limits.upstream_silence).min(LONGEST_TIMEOUT),
            idle: timeouts.silence,
            first_byte: configured.or(timeouts.usual).map(|time| Limit::from(now, time)),
            learned: configured.is_none(),
            request: timeouts.request.map(|time| Limit::from(now, time)),
            hedge: timeouts.hedge.map(|time| Limit::from(now, time).until),
            since: None,
            queued: None,
        }
    }

    /// The call waits for its turn at its backend: only the time for the whole answer runs.
    pub(super) fn queue(&mut self, timeouts: CallTimeouts, limits: &HostLimits) {
        let first_byte = timeouts.first_byte.or(limits.first_byte).or(timeouts.usual);
        self.queued = Some(CallTimeouts { first_byte, ..timeouts });
        (self.first_byte, self.hedge) = (None, None);
    }

    /// The turn of a queued call has come: the first byte, the hedge and silences are counted from now on.
    pub(super) fn start(&mut self, now: Instant) {
        let Some(CallTimeouts { first_byte, hedge, .. }) = self.queued.take() else { return };
        self.first_byte = first_byte.map(|time| Limit::from(now, time));
        self.hedge = hedge.map(|time| Limit::from(now, time).until);
        self.since = None;
    }

    /// Something came: the next silence begins when the host waits again.
    pub(super) fn heard(&mut self) {
        self.since = None;
    }

    /// The first byte of a whole answer came. What was learned is the usual time for all of it, and goes on.
    pub(super) fn first_byte(&mut self) {
        if !self.learned {
            self.first_byte = None;
        }
    }

    /// The client was told some content: nobody else is asked any more.
    pub(super) fn told(&mut self) {
        (self.hedge, self.first_byte) = (None, None);
    }

    /// When the whole answer must be there.
    pub(super) fn request(&self) -> Option<Instant> {
        self.request.map(|limit| limit.until)
    }

    /// How long the route lets a client take nothing.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The next moment at which a limit is passed, for a host that begins to wait now if it did not wait before.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let since = *self.since.get_or_insert(now);
        let silence = since + if self.queued.is_some() { LONGEST_TIMEOUT } else { self.silence };
        let limits = [self.first_byte, self.request].into_iter().flatten().map(|limit| limit.until);
        limits.chain(self.hedge).fold(silence, Instant::min)
    }

    /// The limit that is passed, as the failure of the call.
    pub(super) fn lost(&self, now: Instant) -> Option<Unreachable> {
        let passed = |limit: Option<Limit>| limit.filter(|limit| limit.is_passed(now)).map(|limit| limit.time);
        if let Some(time) = passed(self.request) {
            // A call that was never begun is no backend's fault.
            return Some(match self.queued {
                Some(_) => Unreachable::Busy(format!("the call's turn had not come after {time:?}")),
                None => Unreachable::Timeout(format!("the answer was not complete after {time:?}")),
            });
        }
        if let Some(time) = passed(self.first_byte) {
            return Some(Unreachable::Stalled(format!("the answer had not begun after {time:?}")));
        }
        let silent = self.queued.is_none() && self.since.is_some_and(|since| since + self.silence <= now);
        silent.then(|| Unreachable::Timeout(format!("nothing came for {:?}", self.silence)))
    }

    /// Whether the call has been slow for so long that another backend may be asked too; said once.
    pub(super) fn hedges(&mut self, now: Instant) -> bool {
        self.hedge.take_if(|hedge| *hedge <= now).is_some()
    }
}

/// When a client that has heard nothing should hear something.
#[derive(Debug)]
pub(super) struct ClientDeadlines {
    /// When the client of a stream gets its head at the latest, unless it got it before.
    early_head: Option<Instant>,
    /// The early head is due for the call at hand too.
    may_begin: bool,
    /// After how much silence it hears a keep-alive.
    keep_alive: Option<Duration>,
    /// Since when it was told nothing, while the host waited.
    quiet_since: Option<Instant>,
}

/// What a client should hear now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Its head, although no answer is known yet.
    EarlyHead,
    /// That the answer goes on.
    KeepAlive,
}

impl ClientDeadlines {
    pub(super) fn new(limits: &HostLimits) -> Self {
        let keep_alive = limits.keep_alive.map(|every| every.min(LONGEST_TIMEOUT));
        Self { early_head: None, may_begin: false, keep_alive, quiet_since: None }
    }

    /// A call is made: its client gets a head at this moment at the latest.
    pub(super) fn early_head_at(&mut self, due: Option<Instant>) {
        (self.early_head, self.may_begin) = (due, true);
    }

    /// The client heard something: it has a head.
    pub(super) fn heard(&mut self) {
        (self.quiet_since, self.early_head) = (None, None);
    }

    /// The next moment at which the client should hear something.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        let quiet = *self.quiet_since.get_or_insert(now);
        let early = self.early_head.filter(|_| self.may_begin);
        self.keep_alive.map(|every| quiet + every).into_iter().chain(early).min()
    }

    /// Something that is due: an early head once for each call, keep-alives again and again.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if self.may_begin && self.early_head.is_some_and(|due| due <= now) {
            self.may_begin = false;
            return Some(Due::EarlyHead);
        }
        let every = self.keep_alive?;
        let quiet = self.quiet_since.is_some_and(|since| since + every <= now);
        if quiet {
            self.quiet_since = Some(now);
        }
        quiet.then_some(Due::KeepAlive)
    }
}

#[cfg(test)]
mod tests;
