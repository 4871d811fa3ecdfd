//! How many calls a backend has under way at once: the others wait for their turn, as many as may.

use aquifer_gateway::config::Circuit;
use aquifer_gateway::translate::fault::Unreachable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

/// How many calls wait at most where nothing else is said.
const PENDING: u32 = 1024;

/// The gate of one backend.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    running: AtomicU32,
    waiting: AtomicU32,
    left: Notify,
}

/// A call under way; its place is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Pass(Arc<Gate>);

/// A call that waits; it waits no more when this is dropped.
struct Queued<'g>(&'g Gate);

impl Gate {
    /// Waits for a place; `None` where nothing is limited.
    ///
    /// # Errors
    /// Too many wait already.
    pub(crate) async fn enter(self: &Arc<Self>, circuit: Circuit) -> Result<Option<Pass>, Unreachable> {
        let Some(most) = circuit.parallel else { return Ok(None) };
        if self.takes(most) {
            return Ok(Some(Pass(Arc::clone(self))));
        }
        let pending = circuit.pending.unwrap_or(PENDING);
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= pending {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(Unreachable::Busy(format!("{most} are under way and {pending} wait")));
        }
        let _queued = Queued(self);
        loop {
            let left = self.left.notified();
            if self.takes(most) {
                return Ok(Some(Pass(Arc::clone(self))));
            }
            left.await;
        }
    }

    fn takes(&self, most: u32) -> bool {
        let one_more = |running: u32| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.left.notify_one();
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
        // A call that leaves may have been told of a place that it does not take.
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const CIRCUIT: Circuit = Circuit { parallel: Some(1), pending: Some(1) };

    #[tokio::test]
    async fn one_is_under_way_one_waits_and_the_next_is_turned_away() {
        let gate = Arc::new(Gate::default());
        let first = gate.enter(CIRCUIT).await.unwrap();
        let second = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(CIRCUIT).await.unwrap() }
        });
        while gate.waiting.load(Ordering::Acquire) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(gate.enter(CIRCUIT).await, Err(Unreachable::Busy(_))));
        drop(first);
        let second = second.await.unwrap();
        assert!(second.is_some());
        drop(second);
        assert!(gate.enter(CIRCUIT).await.is_ok_and(|pass| pass.is_some()));
    }

    #[tokio::test]
    async fn one_that_gives_up_leaves_its_place_in_the_queue() {
        let gate = Arc::new(Gate::default());
        let _first = gate.enter(CIRCUIT).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(10), gate.enter(CIRCUIT)).await.is_err());
        assert_eq!(gate.waiting.load(Ordering::Acquire), 0);
        assert!(gate.enter(Circuit::default()).await.is_ok_and(|pass| pass.is_none()), "no limit, no pass");
    }
}
