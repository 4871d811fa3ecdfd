//! The concurrency limit of a backend (circuit breaker): calls beyond `maxParallelRequests` queue, up to
//! `maxPendingRequests`.
//!
//! ```text
//!  acquire ──┬─ running < limit ──────────────────────► Permit ── dropped ──► first waiter gets a Permit
//!            ├─ queue < pending ──► queued, in order ────┘
//!            └─ queue full ───────► Unreachable::Busy
//! ```

use aquifer_gateway::config::Circuit;
use aquifer_gateway::translate::fault::Unreachable;
use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The default limit of the queue.
const PENDING: u32 = 1024;

/// The limit of one backend. Whoever came first goes first: a semaphore would do if all calls had one limit, but it is
/// each route's to say. Permits by weight do not say it either: a call would hold all those above its limit until its task
/// runs, and who comes meanwhile would be turned away although there is a permit.
#[derive(Debug, Default)]
pub struct ConcurrencyLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: u32,
    queue: VecDeque<Waiter>,
    /// The number of the next waiter.
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    /// The limit of this waiter's route: it gets a permit when fewer calls than this are under way.
    most: u32,
    permit: oneshot::Sender<Permit>,
}

/// The permit of a call under way, returned when it is dropped.
#[derive(Debug)]
pub struct Permit(Option<Arc<ConcurrencyLimit>>);

/// A waiter's place in the queue, given up when it is dropped.
struct QueuedCall<'g> {
    limit: &'g Arc<ConcurrencyLimit>,
    number: u64,
}

impl ConcurrencyLimit {
    /// Waits for a permit; `None` when the route has no limit.
    ///
    /// # Errors
    /// The queue is full.
    pub async fn acquire(self: &Arc<Self>, circuit: Circuit) -> Result<Option<Permit>, Unreachable> {
        let Some(most) = circuit.parallel else { return Ok(None) };
        let (number, permit) = {
            let mut state = self.state();
            if state.queue.is_empty() && state.running < most {
                state.running += 1;
                return Ok(Some(Permit(Some(Arc::clone(self)))));
            }
            let pending = circuit.pending.unwrap_or(PENDING);
            if state.queue.len() >= usize::try_from(pending).unwrap_or(usize::MAX) {
                return Err(Unreachable::Busy(format!("{most} are under way and {pending} wait")));
            }
            let (sender, permit) = oneshot::channel();
            let number = state.next;
            state.next += 1;
            state.queue.push_back(Waiter { number, most, permit: sender });
            (number, permit)
        };
        let _queued = QueuedCall { limit: self, number };
        permit.await.map(Some).map_err(|_| Unreachable::Busy("the gate is gone".to_owned()))
    }

    /// Grants permits to waiters in their order, as far as the first one's limit allows.
    fn release_waiters(self: &Arc<Self>) {
        loop {
            let waiter = {
                let mut state = self.state();
                let running = state.running;
                let Some(waiter) = state.queue.pop_front_if(|first| running < first.most) else { return };
                state.running += 1;
                waiter
            };
            if let Err(mut pass) = waiter.permit.send(Permit(Some(Arc::clone(self)))) {
                // The waiter was dropped between its wake-up and now.
                take(&mut pass.0);
                self.state().running -= 1;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.state().queue.len()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(limit) = take(&mut self.0) {
            limit.state().running -= 1;
            limit.release_waiters();
        }
    }
}

impl Drop for QueuedCall<'_> {
    fn drop(&mut self) {
        let mut state = self.limit.state();
        if let Ok(at) = state.queue.binary_search_by_key(&self.number, |waiter| waiter.number) {
            state.queue.remove(at);
        }
        drop(state);
        // The next waiter may have a higher limit, and get its permit now.
        self.limit.release_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const CIRCUIT: Circuit = Circuit { parallel: Some(1), pending: Some(1) };

    #[tokio::test]
    async fn one_is_under_way_one_waits_and_the_next_is_turned_away() {
        let limit = Arc::new(ConcurrencyLimit::default());
        let first = limit.acquire(CIRCUIT).await.unwrap();
        let second = tokio::spawn({
            let limit = Arc::clone(&limit);
            async move { limit.acquire(CIRCUIT).await.unwrap() }
        });
        while limit.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(limit.acquire(CIRCUIT).await, Err(Unreachable::Busy(_))));
        drop(first);
        let second = second.await.unwrap();
        assert!(second.is_some());
        drop(second);
        assert!(limit.acquire(CIRCUIT).await.is_ok_and(|pass| pass.is_some()));
    }

    #[tokio::test]
    async fn one_that_gives_up_leaves_its_place_in_the_queue() {
        let limit = Arc::new(ConcurrencyLimit::default());
        let _first = limit.acquire(CIRCUIT).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(10), limit.acquire(CIRCUIT)).await.is_err());
        assert_eq!(limit.waiting(), 0);
        assert!(limit.acquire(Circuit::default()).await.is_ok_and(|pass| pass.is_none()), "no limit, no pass");
    }

    #[tokio::test]
    async fn who_waits_goes_before_who_comes_and_in_order() {
        let limit = Arc::new(ConcurrencyLimit::default());
        let many = Circuit { parallel: Some(1), pending: None };
        let mut running = limit.acquire(many).await.unwrap();
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..5 {
            let (entered, told) = (Arc::clone(&limit), told.clone());
            tokio::spawn(async move {
                let pass = entered.acquire(many).await.unwrap();
                told.send((number, pass)).unwrap();
            });
            while limit.waiting() <= number {
                tokio::task::yield_now().await;
            }
        }
        for number in 0..5 {
            drop(running.take());
            let newcomer = tokio::time::timeout(Duration::ZERO, limit.acquire(many)).await;
            assert!(newcomer.is_err(), "the permit is somebody's who came before");
            let (went, pass) = order.recv().await.unwrap();
            assert_eq!(went, number);
            running = pass;
        }
        drop(running);
        assert!(limit.acquire(many).await.is_ok());
    }

    #[tokio::test]
    async fn no_place_is_lost_when_those_who_wait_leave() {
        let limit = Arc::new(ConcurrencyLimit::default());
        let many = |parallel| Circuit { parallel: Some(parallel), pending: None };
        for round in 0..200_u64 {
            let first = limit.acquire(many(2)).await.unwrap();
            let second = limit.acquire(many(2)).await.unwrap();
            let mut waiting = tokio::task::JoinSet::new();
            for number in 0..8 {
                let limit = Arc::clone(&limit);
                let circuit = many(1 + number % 2);
                waiting.spawn(async move { drop(limit.acquire(circuit).await) });
            }
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            drop(first);
            if round % 3 == 0 {
                waiting.abort_all();
            }
            drop(second);
            while waiting.join_next().await.is_some() {}
            let running = limit.state().running;
            assert_eq!((running, limit.waiting()), (0, 0), "round {round}");
        }
    }
}
