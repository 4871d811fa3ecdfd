//! The backends as exchanges have found them: which are left alone for a while, and how much may be tried again.
//!
//! Every exchange of a process shares this. It has no clock. A backend of which nothing bad is known is one number to
//! look at; only those that fail have more, behind a lock.

use crate::config::Outliers;
use crate::lessons::Lessons;
use crate::pace::{self, Paces};
use crate::token_counts::TokenCounts;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request earns so much of a retry, in thousandths: under lasting failure a backend gets at most half as much again.
const EARNED: i64 = 500;
/// The cost of one retry, in thousandths.
const COST: i64 = 1000;
/// The retry budget that a backend begins with, and the most that it saves up.
const SAVED: i64 = 100 * COST;
/// The most failing models of one backend that are tracked apart.
const MOST_MODELS: usize = 64;
/// A probe that has told nothing for so long is no reason not to make another one.
const PROBE_LASTS: Duration = Duration::from_secs(3);

/// All backends of one configuration.
#[derive(Debug)]
pub struct BackendHealth {
    began: Instant,
    backends: Vec<Health>,
    /// The lessons from refusals of models.
    pub(crate) lessons: Lessons,
    /// The cache of token counts.
    pub(crate) counts: Arc<TokenCounts>,
}

/// One backend.
#[derive(Debug)]
struct Health {
    /// The number of `outliers`, to look at without the lock.
    count: AtomicUsize,
    /// The outliers: the models of the backend, or all of it, that failed lately.
    outliers: Mutex<Vec<Outlier>>,
    /// The retry budget, in thousandths of a retry.
    credit: AtomicI64,
    /// The usual response times of its models.
    paces: Mutex<Paces>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            count: AtomicUsize::new(0),
            outliers: Mutex::default(),
            credit: AtomicI64::new(SAVED),
            paces: Mutex::default(),
        }
    }
}

/// A backend, or one model of it, that has failed since its last success. Times are in milliseconds since the
/// backends' health began.
#[derive(Debug, Default)]
struct Outlier {
    /// The model; `None`: the whole backend.
    model: Option<String>,
    /// Failures since the last success or ejection.
    failures: u32,
    /// The number of ejections in a row.
    ejections: u32,
    /// Until when it is ejected; `None`: it is not.
    until: Option<u64>,
    /// The number of probes in a row that failed before the ejection was over.
    probes: u32,
    /// When the next probe may be made.
    next_probe: u64,
    /// Since when somebody probes it.
    probing: Option<u64>,
}

/// Whether a backend should be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It should.
    Healthy,
    /// It was left alone long enough: one call finds out.
    Probe,
    /// It should not yet.
    Ejected,
}

/// A call that failed by the backend's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stage at which the call failed.
    pub reach: Reach,
    /// The call was a probe.
    pub probe: bool,
    /// As many other backends are ejected as may be at once.
    pub spared: bool,
}

/// The stage at which a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There was no connection: no model of that backend would have done better.
    Nowhere,
    /// The connection broke, or nothing came in time.
    Unknown,
    /// The backend said itself that it failed.
    Answered,
}

impl Outlier {
    fn concerns(&self, model: Option<&str>) -> bool {
        model.is_none() || self.model.is_none() || self.model.as_deref() == model
    }

    /// Whether calls must stay away, but for a probe.
    fn is_ejected(&self) -> bool {
        self.until.is_some()
    }

    fn may_be_probed(&self, now: u64) -> bool {
        let probed = self.probing.is_some_and(|since| now < since.saturating_add(millis(PROBE_LASTS)));
        !probed && (now >= self.next_probe || self.until.is_some_and(|until| now >= until))
    }

    /// Counts a failure. Gives for how long it is ejected, when it is from now on.
    fn failed(&mut self, failure: Failure, outliers: Outliers, now: u64) -> Option<Duration> {
        if failure.probe {
            self.probing = None;
        }
        match self.until {
            // What was called before the ejection fails now: that is no news.
            Some(until) if now < until && !failure.probe => return None,
            Some(until) if now < until => {
                self.probes = self.probes.saturating_add(1);
                self.next_probe = now.saturating_add(self.pause(outliers));
                return None;
            }
            Some(_) => {}
            None => {
                self.failures = self.failures.saturating_add(1);
                if outliers.failures == 0 || self.failures < outliers.failures || failure.spared {
                    return None;
                }
            }
        }
        let times = self.ejections.min(16);
        self.ejections = self.ejections.saturating_add(1);
        let alone = outliers.base.saturating_mul(1 << times).min(outliers.most);
        self.until = Some(now.saturating_add(millis(alone)));
        self.next_probe = now.saturating_add(self.pause(outliers));
        self.failures = 0;
        Some(alone)
    }

    /// The pause before the next probe: twice as long after each one that failed, up to a third of the longest
    /// ejection.
    fn pause(&self, outliers: Outliers) -> u64 {
        match outliers.interval {
            Duration::ZERO => u64::MAX,
            first => millis(first.saturating_mul(1 << self.probes.min(16)).min(first.max(outliers.most / 3))),
        }
    }
}

impl Health {
    /// The outliers of the backend; `None`: there are none.
    fn ill(&self) -> Option<MutexGuard<'_, Vec<Outlier>>> {
        (self.count.load(Ordering::Acquire) != 0).then(|| self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Outlier>> {
        self.outliers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what is well.
    fn forget(&self, well: impl Fn(&Outlier) -> bool) {
        if let Some(mut outliers) = self.ill() {
            outliers.retain(|outlier| !well(outlier));
            self.count.store(outliers.len(), Ordering::Release);
        }
    }

    /// The outlier for a model or for the whole, a new one when there is room.
    fn with<T: Default>(&self, model: Option<&str>, act: impl FnOnce(&mut Outlier) -> T) -> T {
        let mut outliers = self.lock();
        if let Some(known) = outliers.iter_mut().find(|outlier| outlier.model.as_deref() == model) {
            return act(known);
        }
        if outliers.len() > MOST_MODELS {
            // A model that only failed now and then makes room; who is ejected stays.
            let Some(at) = outliers.iter().position(|outlier| !outlier.is_ejected()) else { return T::default() };
            outliers.remove(at);
        }
        outliers.push(Outlier { model: model.map(str::to_owned), ..Outlier::default() });
        self.count.store(outliers.len(), Ordering::Release);
        outliers.last_mut().map(act).unwrap_or_default()
    }
}

impl BackendHealth {
    /// The health of so many backends, of which nothing is known yet.
    #[must_use]
    pub fn new(backends: usize, now: Instant) -> Self {
        Self {
            began: now,
            backends: std::iter::repeat_with(Health::default).take(backends).collect(),
            lessons: Lessons::default(),
            counts: Arc::default(),
        }
    }

    /// Whether a backend should be called now, whatever the model. A probe is granted to one caller at a time, who must
    /// then tell how it went.
    pub fn availability(&self, backend: usize, now: Instant) -> Availability {
        self.availability_for(backend, None, now)
    }

    /// The same for one model.
    pub fn availability_of(&self, backend: usize, model: &str, now: Instant) -> Availability {
        self.availability_for(backend, Some(model), now)
    }

    fn availability_for(&self, backend: usize, model: Option<&str>, now: Instant) -> Availability {
        let Some(health) = self.backends.get(backend) else { return Availability::Ejected };
        let Some(mut outliers) = health.ill() else { return Availability::Healthy };
        let now = self.milliseconds(now);
        let mut ejected =
            outliers.iter_mut().filter(|outlier| outlier.is_ejected() && outlier.concerns(model)).peekable();
        if ejected.peek().is_none() {
            return Availability::Healthy;
        }
        let mut probed: Vec<&mut Outlier> = Vec::new();
        for outlier in ejected {
            if !outlier.may_be_probed(now) {
                return Availability::Ejected;
            }
            probed.push(outlier);
        }
        probed.into_iter().for_each(|outlier| outlier.probing = Some(now));
        Availability::Probe
    }

    /// A call was answered.
    pub fn succeeded(&self, backend: usize) {
        self.is_well(backend, None);
    }

    /// A call for this model was answered.
    pub fn succeeded_of(&self, backend: usize, model: &str) {
        self.is_well(backend, Some(model));
    }

    fn is_well(&self, backend: usize, model: Option<&str>) {
        if let Some(health) = self.backends.get(backend) {
            health.forget(|outlier| outlier.concerns(model));
        }
    }

    /// A probe ended without telling anything of the backend, as when its client left. Only whoever was granted the
    /// probe
    /// may say so.
    pub fn undecided(&self, backend: usize) {
        self.tells_nothing(backend, None);
    }

    /// The same of a probe with this model.
    pub fn undecided_of(&self, backend: usize, model: &str) {
        self.tells_nothing(backend, Some(model));
    }

    fn tells_nothing(&self, backend: usize, model: Option<&str>) {
        if let Some(mut outliers) = self.backends.get(backend).and_then(Health::ill) {
            outliers.iter_mut().filter(|outlier| outlier.concerns(model)).for_each(|outlier| outlier.probing = None);
        }
    }

    /// A call failed by the fault of the whole backend. Gives how long the backend is left alone, when it is from now
    /// on.
    pub fn failed(&self, backend: usize, outliers: Outliers, now: Instant) -> Option<Duration> {
        let health = self.backends.get(backend)?;
        let now = self.milliseconds(now);
        health.with(None, |outlier| {
            let failure = Failure { reach: Reach::Nowhere, probe: outlier.probing.is_some(), spared: false };
            outlier.failed(failure, outliers, now)
        })
    }

    /// The same of a call for this model: a failure that others need not have counts for the model alone.
    pub fn failed_of(
        &self,
        backend: usize,
        model: &str,
        failure: Failure,
        outliers: Outliers,
        now: Instant,
    ) -> Option<Duration> {
        let health = self.backends.get(backend)?;
        if outliers.failures == 0 && !failure.probe {
            return None;
        }
        let now = self.milliseconds(now);
        if failure.reach == Reach::Answered {
            // What is known of the whole is over.
            health.forget(|outlier| outlier.model.is_none());
        }
        let of = Some(model).filter(|_| failure.reach != Reach::Nowhere);
        if failure.probe {
            let mut probed = health.lock();
            let others = probed.iter_mut().filter(|outlier| outlier.concerns(Some(model)) && outlier.probing.is_some());
            others.filter(|outlier| outlier.model.as_deref() != of).for_each(|outlier| {
                outlier.failed(failure, outliers, now);
            });
        }
        health.with(of, |outlier| outlier.failed(failure, outliers, now))
    }

    /// An answer of this model began so long after its call.
    pub fn began(&self, backend: usize, model: &str, stream: bool, took: Duration) {
        if let Some(health) = self.backends.get(backend) {
            health.paces.lock().unwrap_or_else(PoisonError::into_inner).note(model, stream, took);
        }
    }

    /// The usual time to the first byte of this model there, when it is known.
    pub fn usual(&self, backend: usize, model: &str, stream: bool) -> Option<Duration> {
        self.backends.get(backend)?.paces.lock().unwrap_or_else(PoisonError::into_inner).usual(model, stream)
    }

    /// The hedge delay for these backends, each with its model: the time that one is waited for before another is
    /// asked too, as long as the
    /// slowest of them needs.
    pub fn first_byte_limit<'p>(
        &self,
        places: impl IntoIterator<Item = (usize, &'p str)>,
        at: (usize, &str),
        stream: bool,
    ) -> Duration {
        let limit = |(backend, model): (usize, &str)| {
            let health = self.backends.get(backend)?;
            health.paces.lock().unwrap_or_else(PoisonError::into_inner).limit(model, stream)
        };
        let own = limit(at).unwrap_or_else(|| pace::unknown(stream));
        places.into_iter().filter_map(limit).fold(own, Duration::max)
    }

    /// A request was sent to this backend for the first time: it earns a part of a retry.
    pub fn earn(&self, backend: usize) {
        if let Some(health) = self.backends.get(backend)
            && health.credit.load(Ordering::Relaxed) < SAVED
        {
            health.credit.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Whether the retry budget of this backend allows one more attempt, which is then spent.
    pub fn spend(&self, backend: usize) -> bool {
        let Some(health) = self.backends.get(backend) else { return false };
        if health.credit.fetch_sub(COST, Ordering::Relaxed) >= COST {
            return true;
        }
        health.credit.fetch_add(COST, Ordering::Relaxed);
        false
    }

    /// Whether a backend, or any model of it, is ejected now. Nothing changes by asking: no probe is granted.
    #[must_use]
    pub fn is_ejected(&self, backend: usize, now: Instant) -> bool {
        self.is_out(backend, None, now)
    }

    /// Whether a backend is ejected now for this model. Nothing changes by asking: no probe is granted.
    #[must_use]
    pub fn is_ejected_of(&self, backend: usize, model: &str, now: Instant) -> bool {
        self.is_out(backend, Some(model), now)
    }

    /// The time for which a backend, or some model of it, is still ejected; `None`: nothing of it is.
    #[must_use]
    pub fn ejected_for(&self, backend: usize, now: Instant) -> Option<Duration> {
        let outliers = self.backends.get(backend).and_then(Health::ill)?;
        let now = self.milliseconds(now);
        let last = outliers.iter().filter_map(|outlier| outlier.until).max()?;
        last.checked_sub(now).filter(|left| *left > 0).map(Duration::from_millis)
    }

    /// The retry budget of a backend: the number of retries that it would allow now, with parts of one.
    #[must_use]
    pub fn retry_budget(&self, backend: usize) -> f64 {
        let credit = self.backends.get(backend).map_or(0, |health| health.credit.load(Ordering::Relaxed));
        credit as f64 / COST as f64
    }

    fn is_out(&self, backend: usize, model: Option<&str>, now: Instant) -> bool {
        let Some(outliers) = self.backends.get(backend).and_then(Health::ill) else { return false };
        let now = self.milliseconds(now);
        let out = |outlier: &Outlier| outlier.until.is_some_and(|until| now < until) && outlier.concerns(model);
        outliers.iter().any(out)
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
    fn backends() -> (BackendHealth, Instant) {
        let now = Instant::now();
        (BackendHealth::new(1, now), now)
    }

    const OUTLIERS: Outliers = Outliers {
        failures: 3,
        base: Duration::from_secs(10),
        most: Duration::from_secs(30),
        interval: Duration::ZERO,
        max_ejection_percent: 100,
        panic_threshold: 1,
    };

    fn eject(health: &BackendHealth, now: Instant) {
        assert_eq!(health.failed(0, OUTLIERS, now), None);
        assert_eq!(health.failed(0, OUTLIERS, now), None);
        assert_eq!(health.failed(0, OUTLIERS, now), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_backend_that_fails_in_a_row_is_left_alone_and_then_tried_once() {
        let (health, now) = backends();
        eject(&health, now);
        assert_eq!(health.availability(0, now + Duration::from_secs(9)), Availability::Ejected);
        let later = now + Duration::from_secs(10);
        assert_eq!(health.availability(0, later), Availability::Probe);
        assert_eq!(health.availability(0, later), Availability::Ejected, "one probe at a time");
        health.succeeded(0);
        assert_eq!(health.availability(0, later), Availability::Healthy);
    }

    #[test]
    fn a_probe_that_fails_leaves_it_alone_for_longer_up_to_a_limit() {
        let (health, now) = backends();
        eject(&health, now);
        let mut at = now;
        for alone in [20, 30, 30] {
            at += Duration::from_secs(60);
            assert_eq!(health.availability(0, at), Availability::Probe);
            assert_eq!(health.failed(0, OUTLIERS, at), Some(Duration::from_secs(alone)));
        }
        at += Duration::from_secs(60);
        assert_eq!(health.availability(0, at), Availability::Probe);
        health.undecided(0);
        assert_eq!(health.availability(0, at), Availability::Probe, "a probe that told nothing is made again");
    }

    #[test]
    fn an_ejection_ends_early_by_a_probe_and_failed_probes_come_ever_later() {
        let (health, now) = backends();
        let outliers = Outliers { interval: Duration::from_secs(1), base: Duration::from_secs(100), ..OUTLIERS };
        let outliers = Outliers { most: Duration::from_secs(300), ..outliers };
        (0..3).for_each(|_| _ = health.failed(0, outliers, now));
        let mut at = now;
        for pause in [1, 2, 4, 8] {
            let early = at + Duration::from_secs(pause) - Duration::from_millis(1);
            assert_eq!(health.availability(0, early), Availability::Ejected, "{pause}");
            at += Duration::from_secs(pause);
            assert_eq!(health.availability(0, at), Availability::Probe, "{pause}");
            assert_eq!(health.availability(0, at), Availability::Ejected, "one probe at a time");
            assert_eq!(health.failed(0, outliers, at), None, "it is left alone no longer for that");
        }
        at += Duration::from_secs(16);
        assert_eq!(health.availability(0, at), Availability::Probe);
        health.succeeded(0);
        assert_eq!(health.availability(0, at), Availability::Healthy);
    }

    #[test]
    fn what_was_called_before_the_ejection_does_not_make_it_longer() {
        let (health, now) = backends();
        eject(&health, now);
        let straggler = Failure { reach: Reach::Nowhere, probe: false, spared: false };
        assert!((0..50).all(|_| health.failed_of(0, "m", straggler, OUTLIERS, now).is_none()));
        assert!(!health.is_ejected(0, now + Duration::from_secs(10)));
        assert_eq!(health.ejected_for(0, now), Some(Duration::from_secs(10)));
        assert_eq!(health.ejected_for(0, now + Duration::from_secs(10)), None);
    }

    const BY_MODEL: Failure = Failure { reach: Reach::Answered, probe: false, spared: false };

    #[test]
    fn a_model_that_fails_leaves_the_others_alone_and_a_connection_that_fails_concerns_all() {
        let (health, now) = backends();
        (0..3).for_each(|_| _ = health.failed_of(0, "a", BY_MODEL, OUTLIERS, now));
        assert_eq!(health.availability_of(0, "a", now), Availability::Ejected);
        assert_eq!(health.availability_of(0, "b", now), Availability::Healthy);
        let no_connection = Failure { reach: Reach::Nowhere, ..BY_MODEL };
        for model in ["a", "b", "c"] {
            health.failed_of(0, model, no_connection, OUTLIERS, now);
        }
        assert!(["a", "b", "z"].iter().all(|model| health.is_ejected_of(0, model, now)));
        health.succeeded_of(0, "b");
        assert_eq!(health.availability_of(0, "b", now), Availability::Healthy);
        assert_eq!(health.availability_of(0, "a", now), Availability::Ejected);
    }

    #[test]
    fn failing_models_that_nobody_has_heard_of_take_bounded_room() {
        let (health, now) = backends();
        for model in 0..10_000 {
            health.failed_of(0, &model.to_string(), BY_MODEL, OUTLIERS, now);
        }
        (0..3).for_each(|_| _ = health.failed_of(0, "real", BY_MODEL, OUTLIERS, now));
        assert!(health.is_ejected_of(0, "real", now));
        assert!(health.backends[0].lock().len() <= MOST_MODELS + 1);
        (0..10_000).for_each(|model| health.succeeded_of(0, &model.to_string()));
        health.succeeded_of(0, "real");
        assert_eq!(health.backends[0].count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_that_is_spared_is_not_ejected() {
        let (health, now) = backends();
        let spared = Failure { spared: true, ..BY_MODEL };
        assert!((0..20).all(|_| health.failed_of(0, "a", spared, OUTLIERS, now).is_none()));
        assert!(health.failed_of(0, "a", BY_MODEL, OUTLIERS, now).is_some());
    }

    #[test]
    fn successes_between_failures_count_anew() {
        let (health, now) = backends();
        for _ in 0..10 {
            assert_eq!(health.failed(0, OUTLIERS, now), None);
            health.succeeded(0);
        }
        let never = Outliers { failures: 0, ..OUTLIERS };
        assert!((0..100).all(|_| health.failed(0, never, now).is_none()));
    }

    #[test]
    fn retries_are_bounded_by_what_requests_earn() {
        let (health, _) = backends();
        let saved = (0..1000).filter(|_| health.spend(0)).count();
        assert_eq!(saved, 100);
        (0..50).for_each(|_| health.earn(0));
        assert!((health.retry_budget(0) - 25.0).abs() < f64::EPSILON, "{}", health.retry_budget(0));
        assert_eq!((0..1000).filter(|_| health.spend(0)).count(), 25);
        assert!(!health.spend(9), "there is no such backend");
    }
}
