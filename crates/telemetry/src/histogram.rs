//! A latency histogram of fixed size whose counts are atomic: three buckets an octave, from 1 ms to about 4 minutes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Buckets an octave.
const AN_OCTAVE: f64 = 3.0;
/// The number of buckets; the last one takes all that is longer.
const BUCKETS: usize = 55;

/// A latency histogram that many threads count into at once.
pub(crate) struct AtomicHistogram([AtomicU32; BUCKETS]);

/// The counts of a histogram at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts([u64; BUCKETS]);

/// Quantiles of a latency, in milliseconds; `None` where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
}

impl Default for AtomicHistogram {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; BUCKETS])
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

/// The upper bound of a bucket, in milliseconds.
fn bound(bucket: usize) -> f64 {
    (bucket as f64 / AN_OCTAVE).exp2()
}

impl AtomicHistogram {
    /// Counts a latency.
    pub(crate) fn count(&self, time: Duration) {
        let milliseconds = time.as_secs_f64() * 1e3;
        let bucket = if milliseconds <= 1.0 { 0.0 } else { (milliseconds.log2() * AN_OCTAVE).ceil() };
        let bucket = (bucket as usize).min(BUCKETS - 1);
        if let Some(count) = self.0.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sets every count to zero.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Adds its counts to these.
    pub(crate) fn add_to(&self, counts: &mut Counts) {
        for (count, sum) in self.0.iter().zip(&mut counts.0) {
            *sum += u64::from(count.load(Ordering::Relaxed));
        }
    }
}

impl Counts {
    /// The median and the 95th percentile.
    pub(crate) fn quantiles(&self) -> Quantiles {
        Quantiles { p50: self.quantile(0.5), p95: self.quantile(0.95) }
    }

    /// A quantile, interpolated within its bucket.
    fn quantile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.0.iter().sum();
        if all == 0 {
            return None;
        }
        let rank = (all as f64 * share).max(1.0);
        let mut before = 0;
        for (bucket, count) in self.0.iter().enumerate() {
            let upto = before + count;
            if *count > 0 && upto as f64 >= rank {
                let lower = if bucket == 0 { 0.0 } else { bound(bucket - 1) };
                let within = (rank - before as f64) / *count as f64;
                return Some(lower + (bound(bucket) - lower) * within);
            }
            before = upto;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(milliseconds: impl Iterator<Item = u64>) -> Quantiles {
        let histogram = AtomicHistogram::default();
        milliseconds.for_each(|it| histogram.count(Duration::from_millis(it)));
        let mut counts = Counts::default();
        histogram.add_to(&mut counts);
        counts.quantiles()
    }

    #[test]
    fn quantiles_are_near_and_nothing_has_none() {
        assert_eq!(of(std::iter::empty()), Quantiles::default());
        let Quantiles { p50, p95 } = of(1..=1000);
        assert!((p50.unwrap() / 500.0 - 1.0).abs() < 0.1, "{p50:?}");
        assert!((p95.unwrap() / 950.0 - 1.0).abs() < 0.1, "{p95:?}");
        let Quantiles { p50, p95 } = of(std::iter::repeat_n(250, 10));
        assert!(p50.unwrap() > 200.0 && p95.unwrap() < 330.0, "{p50:?} {p95:?}");
    }

    #[test]
    fn nothing_is_too_short_or_too_long() {
        assert_eq!(of([0, 0].into_iter()).p95.map(|it| it <= 1.0), Some(true));
        assert!(of([u64::MAX / 2].into_iter()).p50.unwrap() > 200_000.0);
    }
}
