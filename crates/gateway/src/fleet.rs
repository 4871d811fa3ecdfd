//! The backends as exchanges have found them: which are left alone for a while, and how much may be tried again.
//!
//! Every exchange of a process shares this. It has no clock and no lock: a backend's state is a few numbers.

use crate::config::Outliers;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A request earns so much of a retry, in thousandths: under lasting failure a backend gets at most half as much again.
const EARNED: i64 = 500;
/// What one retry costs.
const COST: i64 = 1000;
/// What a backend begins with, and the most that it saves up.
const SAVED: i64 = 100 * COST;

/// All backends of one configuration.
#[derive(Debug)]
pub struct Fleet {
    began: Instant,
    backends: Vec<Health>,
}

/// One backend.
#[derive(Debug)]
struct Health {
    /// Failures since the last success.
    failures: AtomicU32,
    /// How often in a row it was left alone.
    ejections: AtomicU32,
    /// Until when, in milliseconds since the beginning; 0: it is not.
    until: AtomicU64,
    /// Somebody is trying it again.
    probing: AtomicBool,
    /// What may be tried again, in thousandths.
    credit: AtomicI64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            until: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            credit: AtomicI64::new(SAVED),
        }
    }
}

/// Whether a backend should be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It should.
    Well,
    /// It was left alone long enough: one call finds out.
    Probe,
    /// It should not yet.
    Ejected,
}

impl Fleet {
    /// So many backends, of which nothing is known yet.
    #[must_use]
    pub fn new(backends: usize, now: Instant) -> Self {
        Self { began: now, backends: std::iter::repeat_with(Health::default).take(backends).collect() }
    }

    /// Whether a backend should be called now. A probe is granted to one caller at a time, who must then tell how it
    /// went.
    pub fn standing(&self, backend: usize, now: Instant) -> Standing {
        let Some(health) = self.backends.get(backend) else { return Standing::Ejected };
        match health.until.load(Ordering::Relaxed) {
            0 => Standing::Well,
            until if self.milliseconds(now) < until => Standing::Ejected,
            _ if health.probing.swap(true, Ordering::Relaxed) => Standing::Ejected,
            _ => Standing::Probe,
        }
    }

    /// A call was answered.
    pub fn succeeded(&self, backend: usize) {
        let Some(health) = self.backends.get(backend) else { return };
        if health.failures.load(Ordering::Relaxed) != 0 || health.until.load(Ordering::Relaxed) != 0 {
            health.failures.store(0, Ordering::Relaxed);
            health.ejections.store(0, Ordering::Relaxed);
            health.until.store(0, Ordering::Relaxed);
            health.probing.store(false, Ordering::Relaxed);
        }
    }

    /// A call ended without telling anything of the backend, as when its client left.
    pub fn undecided(&self, backend: usize) {
        if let Some(health) = self.backends.get(backend) {
            health.probing.store(false, Ordering::Relaxed);
        }
    }

    /// A call failed by the backend's fault. Gives how long the backend is left alone, when it is from now on.
    pub fn failed(&self, backend: usize, outliers: Outliers, now: Instant) -> Option<Duration> {
        let health = self.backends.get(backend)?;
        let failures = health.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let probed = health.probing.swap(false, Ordering::Relaxed);
        if outliers.failures == 0 || failures < outliers.failures && !probed {
            return None;
        }
        let times = health.ejections.fetch_add(1, Ordering::Relaxed).min(16);
        let alone = outliers.base.saturating_mul(1 << times).min(outliers.most);
        let until = self.milliseconds(now).saturating_add(millis(alone)).max(1);
        health.until.store(until, Ordering::Relaxed);
        health.failures.store(0, Ordering::Relaxed);
        Some(alone)
    }

    /// A request was sent to this backend for the first time: it earns a part of a retry.
    pub fn earn(&self, backend: usize) {
        if let Some(health) = self.backends.get(backend)
            && health.credit.load(Ordering::Relaxed) < SAVED
        {
            health.credit.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Whether a request may be sent to this backend once more; that much is then spent.
    pub fn spend(&self, backend: usize) -> bool {
        let Some(health) = self.backends.get(backend) else { return false };
        if health.credit.fetch_sub(COST, Ordering::Relaxed) >= COST {
            return true;
        }
        health.credit.fetch_add(COST, Ordering::Relaxed);
        false
    }

    /// Whether a backend is left alone now, for those who only look.
    #[must_use]
    pub fn is_ejected(&self, backend: usize, now: Instant) -> bool {
        self.backends.get(backend).is_some_and(|health| self.milliseconds(now) < health.until.load(Ordering::Relaxed))
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
    fn fleet() -> (Fleet, Instant) {
        let now = Instant::now();
        (Fleet::new(1, now), now)
    }

    const OUTLIERS: Outliers = Outliers { failures: 3, base: Duration::from_secs(10), most: Duration::from_secs(30) };

    fn eject(fleet: &Fleet, now: Instant) {
        assert_eq!(fleet.failed(0, OUTLIERS, now), None);
        assert_eq!(fleet.failed(0, OUTLIERS, now), None);
        assert_eq!(fleet.failed(0, OUTLIERS, now), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_backend_that_fails_in_a_row_is_left_alone_and_then_tried_once() {
        let (fleet, now) = fleet();
        eject(&fleet, now);
        assert_eq!(fleet.standing(0, now + Duration::from_secs(9)), Standing::Ejected);
        let later = now + Duration::from_secs(10);
        assert_eq!(fleet.standing(0, later), Standing::Probe);
        assert_eq!(fleet.standing(0, later), Standing::Ejected, "one probe at a time");
        fleet.succeeded(0);
        assert_eq!(fleet.standing(0, later), Standing::Well);
    }

    #[test]
    fn a_probe_that_fails_leaves_it_alone_for_longer_up_to_a_limit() {
        let (fleet, now) = fleet();
        eject(&fleet, now);
        let mut at = now;
        for alone in [20, 30, 30] {
            at += Duration::from_secs(60);
            assert_eq!(fleet.standing(0, at), Standing::Probe);
            assert_eq!(fleet.failed(0, OUTLIERS, at), Some(Duration::from_secs(alone)));
        }
        at += Duration::from_secs(60);
        assert_eq!(fleet.standing(0, at), Standing::Probe);
        fleet.undecided(0);
        assert_eq!(fleet.standing(0, at), Standing::Probe, "a probe that told nothing is made again");
    }

    #[test]
    fn successes_between_failures_count_anew() {
        let (fleet, now) = fleet();
        for _ in 0..10 {
            assert_eq!(fleet.failed(0, OUTLIERS, now), None);
            fleet.succeeded(0);
        }
        let never = Outliers { failures: 0, ..OUTLIERS };
        assert!((0..100).all(|_| fleet.failed(0, never, now).is_none()));
    }

    #[test]
    fn retries_are_bounded_by_what_requests_earn() {
        let (fleet, _) = fleet();
        let saved = (0..1000).filter(|_| fleet.spend(0)).count();
        assert_eq!(saved, 100);
        (0..50).for_each(|_| fleet.earn(0));
        assert_eq!((0..1000).filter(|_| fleet.spend(0)).count(), 25);
        assert!(!fleet.spend(9), "there is no such backend");
    }
}
