//! How many calls a backend has under way at once: the others wait for their turn, as many as may.

use aquifer_gateway::config::Circuit;
use aquifer_gateway::translate::fault::Unreachable;
use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How many calls wait at most where nothing else is said.
const PENDING: u32 = 1024;

/// The gate of one backend. Whoever came first goes first: a semaphore would do if all calls had one limit, but it is
/// each route's to say. Permits by weight do not say it either: a call would hold all those above its limit until its task
/// runs, and who comes meanwhile would be turned away although there is a place.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<State>);

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
    /// It goes when fewer than this are under way.
    most: u32,
    place: oneshot::Sender<Pass>,
}

/// A call under way; its place is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Pass(Option<Arc<Gate>>);

/// A call that waits; it waits no more when this is dropped.
struct Queued<'g> {
    gate: &'g Arc<Gate>,
    number: u64,
}

impl Gate {
    /// Waits for a place; `None` where nothing is limited.
    ///
    /// # Errors
    /// Too many wait already.
    pub(crate) async fn enter(self: &Arc<Self>, circuit: Circuit) -> Result<Option<Pass>, Unreachable> {
        let Some(most) = circuit.parallel else { return Ok(None) };
        let (number, place) = {
            let mut state = self.state();
            if state.queue.is_empty() && state.running < most {
                state.running += 1;
                return Ok(Some(Pass(Some(Arc::clone(self)))));
            }
            let pending = circuit.pending.unwrap_or(PENDING);
            if state.queue.len() >= usize::try_from(pending).unwrap_or(usize::MAX) {
                return Err(Unreachable::Busy(format!("{most} are under way and {pending} wait")));
            }
            let (sender, place) = oneshot::channel();
            let number = state.next;
            state.next += 1;
            state.queue.push_back(Waiter { number, most, place: sender });
            (number, place)
        };
        let _queued = Queued { gate: self, number };
        place.await.map(Some).map_err(|_| Unreachable::Busy("the gate is gone".to_owned()))
    }

    /// Gives the places that are free to those who wait, in their order.
    fn hand_on(self: &Arc<Self>) {
        loop {
            let waiter = {
                let mut state = self.state();
                let running = state.running;
                let Some(waiter) = state.queue.pop_front_if(|first| running < first.most) else { return };
                state.running += 1;
                waiter
            };
            if let Err(mut pass) = waiter.place.send(Pass(Some(Arc::clone(self)))) {
                // It has left just now.
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

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = take(&mut self.0) {
            gate.state().running -= 1;
            gate.hand_on();
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if let Ok(at) = state.queue.binary_search_by_key(&self.number, |waiter| waiter.number) {
            state.queue.remove(at);
        }
        drop(state);
        // Whoever stood behind it may need fewer to have left.
        self.gate.hand_on();
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
        while gate.waiting() == 0 {
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
        assert_eq!(gate.waiting(), 0);
        assert!(gate.enter(Circuit::default()).await.is_ok_and(|pass| pass.is_none()), "no limit, no pass");
    }

    #[tokio::test]
    async fn who_waits_goes_before_who_comes_and_in_order() {
        let gate = Arc::new(Gate::default());
        let many = Circuit { parallel: Some(1), pending: None };
        let mut running = gate.enter(many).await.unwrap();
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..5 {
            let (entered, told) = (Arc::clone(&gate), told.clone());
            tokio::spawn(async move {
                let pass = entered.enter(many).await.unwrap();
                told.send((number, pass)).unwrap();
            });
            while gate.waiting() <= number {
                tokio::task::yield_now().await;
            }
        }
        for number in 0..5 {
            drop(running.take());
            let newcomer = tokio::time::timeout(Duration::ZERO, gate.enter(many)).await;
            assert!(newcomer.is_err(), "the place is somebody's who came before");
            let (went, pass) = order.recv().await.unwrap();
            assert_eq!(went, number);
            running = pass;
        }
        drop(running);
        assert!(gate.enter(many).await.is_ok());
    }

    #[tokio::test]
    async fn no_place_is_lost_when_those_who_wait_leave() {
        let gate = Arc::new(Gate::default());
        let many = |parallel| Circuit { parallel: Some(parallel), pending: None };
        for round in 0..200_u64 {
            let first = gate.enter(many(2)).await.unwrap();
            let second = gate.enter(many(2)).await.unwrap();
            let mut waiting = tokio::task::JoinSet::new();
            for number in 0..8 {
                let gate = Arc::clone(&gate);
                let circuit = many(1 + number % 2);
                waiting.spawn(async move { drop(gate.enter(circuit).await) });
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
            let running = gate.state().running;
            assert_eq!((running, gate.waiting()), (0, 0), "round {round}");
        }
    }
}
