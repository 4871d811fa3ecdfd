//! A time series of exchanges in memory of fixed size: a bucket for each second or minute, counted into without a lock.

use crate::histogram::{AtomicHistogram, Counts, Quantiles};
use aquifer_gateway::record::{Outcome, Record};
use std::sync::atomic::{AtomicU64, Ordering};

/// A time series: a circle of buckets, of which each takes the exchanges that ended in one step of time.
pub(crate) struct TimeSeries {
    /// The length of a step, in seconds.
    step: u64,
    buckets: Box<[Bucket]>,
}

/// The exchanges that ended in one step of time.
#[derive(Default)]
struct Bucket {
    /// The step that the counts are of, by its number since 1970.
    step: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    abandoned: AtomicU64,
    input: AtomicU64,
    cache_read: AtomicU64,
    cache_write: AtomicU64,
    output: AtomicU64,
    reasoning: AtomicU64,
    cost: AtomicU64,
    first_reasoning: AtomicHistogram,
    first_content: AtomicHistogram,
}

/// The exchanges that ended in some time, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Exchanges whose whole answer was given.
    pub answered: u64,
    /// Exchanges whose client got an error.
    pub failed: u64,
    /// Exchanges whose client left.
    pub abandoned: u64,
    /// Prompt tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Prompt tokens that were read from the cache.
    pub cache_read: u64,
    /// Prompt tokens that were written to the cache.
    pub cache_write: u64,
    /// Tokens of answers, reasoning included.
    pub output: u64,
    /// Reasoning tokens, where they were told.
    pub reasoning: u64,
    /// The known cost, in 10⁻¹² US dollars.
    pub cost: u64,
    first_reasoning: Counts,
    first_content: Counts,
}

impl Totals {
    /// All exchanges.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.answered + self.failed + self.abandoned
    }

    /// The time to the first reasoning.
    #[must_use]
    pub fn first_reasoning(&self) -> Quantiles {
        self.first_reasoning.quantiles()
    }

    /// The time to the first content.
    #[must_use]
    pub fn first_content(&self) -> Quantiles {
        self.first_content.quantiles()
    }
}

impl TimeSeries {
    /// A series of so many steps, each of so many seconds.
    pub(crate) fn new(steps: usize, step: u64) -> Self {
        Self { step, buckets: std::iter::repeat_with(Bucket::default).take(steps).collect() }
    }

    fn bucket(&self, step: u64) -> Option<&Bucket> {
        let at = step.checked_rem(self.buckets.len() as u64)?;
        self.buckets.get(usize::try_from(at).ok()?)
    }

    /// Counts an exchange that ended in this second since 1970.
    pub(crate) fn count(&self, record: &Record, second: u64) {
        let step = second / self.step;
        if let Some(bucket) = self.bucket(step) {
            bucket.begin(step);
            bucket.count(record);
        }
    }

    /// Clears the buckets of the next steps ahead of time, so that no count is lost between two threads of which one clears.
    pub(crate) fn prepare(&self, second: u64) {
        let now = second / self.step;
        for step in now..now + 3 {
            if let Some(bucket) = self.bucket(step) {
                bucket.begin(step);
            }
        }
    }

    /// The totals of each of the newest steps, the oldest first; the step that goes on is the last one.
    pub(crate) fn newest(&self, steps: u64, second: u64) -> Vec<Totals> {
        let last = second / self.step;
        let mut all = Vec::with_capacity(self.buckets.len());
        for step in (last + 1).saturating_sub(steps)..=last {
            let mut totals = Totals::default();
            self.add_step(step, &mut totals);
            all.push(totals);
        }
        all
    }

    /// The totals of the newest steps together.
    pub(crate) fn sum(&self, steps: u64, second: u64) -> Totals {
        let last = second / self.step;
        let mut totals = Totals::default();
        for step in (last + 1).saturating_sub(steps)..=last {
            self.add_step(step, &mut totals);
        }
        totals
    }

    fn add_step(&self, step: u64, totals: &mut Totals) {
        if let Some(bucket) = self.bucket(step).filter(|bucket| bucket.step.load(Ordering::Acquire) == step) {
            bucket.add_to(totals);
        }
    }
}

impl Bucket {
    /// Makes it the bucket of this step, with nothing counted, unless it is that already. Steps that are over stay over.
    fn begin(&self, step: u64) {
        let before = self.step.load(Ordering::Acquire);
        if before >= step || self.step.compare_exchange(before, step, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        for count in [
            &self.answered,
            &self.failed,
            &self.abandoned,
            &self.input,
            &self.cache_read,
            &self.cache_write,
            &self.output,
            &self.reasoning,
            &self.cost,
        ] {
            count.store(0, Ordering::Relaxed);
        }
        self.first_reasoning.clear();
        self.first_content.clear();
    }

    fn count(&self, record: &Record) {
        let outcome = match record.outcome {
            Outcome::Answered => &self.answered,
            Outcome::Failed => &self.failed,
            Outcome::Abandoned => &self.abandoned,
        };
        outcome.fetch_add(1, Ordering::Relaxed);
        if let Some(tokens) = record.tokens {
            self.input.fetch_add(tokens.input, Ordering::Relaxed);
            self.cache_read.fetch_add(tokens.cache_read, Ordering::Relaxed);
            self.cache_write.fetch_add(tokens.cache_write, Ordering::Relaxed);
            self.output.fetch_add(tokens.output, Ordering::Relaxed);
            self.reasoning.fetch_add(tokens.reasoning.unwrap_or(0), Ordering::Relaxed);
        }
        if let Some(cost) = record.cost() {
            self.cost.fetch_add(cost.total(), Ordering::Relaxed);
        }
        if let Some(time) = record.time_to_first_reasoning {
            self.first_reasoning.count(time);
        }
        if let Some(time) = record.time_to_first_content {
            self.first_content.count(time);
        }
    }

    fn add_to(&self, totals: &mut Totals) {
        for (count, sum) in [
            (&self.answered, &mut totals.answered),
            (&self.failed, &mut totals.failed),
            (&self.abandoned, &mut totals.abandoned),
            (&self.input, &mut totals.input),
            (&self.cache_read, &mut totals.cache_read),
            (&self.cache_write, &mut totals.cache_write),
            (&self.output, &mut totals.output),
            (&self.reasoning, &mut totals.reasoning),
            (&self.cost, &mut totals.cost),
        ] {
            *sum = sum.saturating_add(count.load(Ordering::Relaxed));
        }
        self.first_reasoning.add_to(&mut totals.first_reasoning);
        self.first_content.add_to(&mut totals.first_content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn record(outcome: Outcome) -> Record {
        Record { outcome, time_to_first_content: Some(Duration::from_millis(100)), ..Record::default() }
    }

    #[test]
    fn each_step_has_its_own_and_what_is_too_old_is_forgotten() {
        let series = TimeSeries::new(10, 1);
        series.prepare(1000);
        for second in 1000..1025 {
            series.count(&record(Outcome::Answered), second);
            series.prepare(second);
        }
        series.count(&record(Outcome::Failed), 1024);
        let newest = series.newest(5, 1024);
        assert_eq!(newest.iter().map(Totals::requests).collect::<Vec<_>>(), [1, 1, 1, 1, 2]);
        assert_eq!(series.sum(5, 1024).failed, 1);
        assert!(series.sum(5, 1024).first_content().p50.is_some_and(|it| (it - 100.0).abs() < 30.0));
        assert_eq!(series.sum(5, 1024).first_reasoning(), Quantiles::default());
        // Nothing happens for a while: what a bucket held before is not told as new.
        assert_eq!(series.sum(8, 1100), Totals::default());
        series.count(&record(Outcome::Abandoned), 1100);
        assert_eq!(series.sum(8, 1100).requests(), 1);
        // What comes late, for a step that was given away, is not counted into the newer one.
        assert_eq!(series.newest(3, 1101).iter().map(Totals::requests).collect::<Vec<_>>(), [0, 1, 0]);
    }

    #[test]
    fn many_threads_count_at_once_and_nothing_is_lost() {
        let series = TimeSeries::new(10, 1);
        series.prepare(1000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| series.count(&record(Outcome::Answered), 1001)));
            }
        });
        assert_eq!(series.sum(2, 1001).answered, 4000);
    }
}
