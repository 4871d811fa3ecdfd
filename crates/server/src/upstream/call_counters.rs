//! The counters of one backend's calls: those that are open, and those that wait for a permit of its concurrency limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The counters of one backend's calls, which are read without a lock.
#[derive(Debug, Default)]
pub(super) struct CallCounters {
    open: AtomicUsize,
    waiting: AtomicUsize,
}

/// The numbers of a backend's calls at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Calls that were sent and whose answers are not over.
    pub open: usize,
    /// Calls that wait for a permit of the concurrency limit.
    pub waiting: usize,
}

/// Counts a call until it is dropped.
#[derive(Debug)]
pub struct CountedCall {
    counters: Arc<CallCounters>,
    waits: bool,
}

impl CallCounters {
    /// Counts a call as open.
    pub(super) fn open(self: &Arc<Self>) -> CountedCall {
        self.open.fetch_add(1, Ordering::Relaxed);
        CountedCall { counters: Arc::clone(self), waits: false }
    }

    /// Counts a call as waiting.
    pub(super) fn waiting(self: &Arc<Self>) -> CountedCall {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        CountedCall { counters: Arc::clone(self), waits: true }
    }

    /// The numbers now.
    pub(super) fn counts(&self) -> CallCounts {
        CallCounts { open: self.open.load(Ordering::Relaxed), waiting: self.waiting.load(Ordering::Relaxed) }
    }
}

impl Drop for CountedCall {
    fn drop(&mut self) {
        let counter = if self.waits { &self.counters.waiting } else { &self.counters.open };
        counter.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_until_it_is_dropped() {
        let counters = Arc::<CallCounters>::default();
        let (open, waiting) = (counters.open(), counters.waiting());
        assert_eq!(counters.counts(), CallCounts { open: 1, waiting: 1 });
        drop(waiting);
        assert_eq!(counters.counts(), CallCounts { open: 1, waiting: 0 });
        drop(open);
        assert_eq!(counters.counts(), CallCounts::default());
    }
}
