//! The places of live connections: so many, and one that nobody reads makes room for another.

use super::open::millis;
use crate::process::clock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most live connections.
const MOST: usize = 16;
/// A connection that took nothing for so long gives its place away.
const STALLED: Duration = Duration::from_secs(30);

/// The places of live connections.
pub(super) struct Seats {
    since: Instant,
    taken: Mutex<Vec<Arc<Seat>>>,
}

/// The place of one connection.
pub(super) struct Seat {
    /// When it last took something, in milliseconds.
    read: AtomicU64,
    gone: AtomicBool,
}

impl Seats {
    pub(super) fn new() -> Self {
        Self { since: clock::now(), taken: Mutex::default() }
    }

    /// A place for one more connection; `None`: all are taken by connections that read.
    pub(super) fn take(&self, now: Instant) -> Option<Arc<Seat>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|seat| Arc::strong_count(seat) > 1 && !seat.gone.load(Ordering::Relaxed));
        if taken.len() >= MOST {
            let stalled = taken.iter().position(|seat| self.is_stalled(seat, now))?;
            taken.remove(stalled).gone.store(true, Ordering::Relaxed);
        }
        let seat = Arc::new(Seat { read: AtomicU64::new(self.at(now)), gone: AtomicBool::new(false) });
        taken.push(Arc::clone(&seat));
        Some(seat)
    }

    /// Notes that a connection reads; false: its place was given away.
    pub(super) fn reads(&self, seat: &Seat, now: Instant) -> bool {
        seat.read.store(self.at(now), Ordering::Relaxed);
        !seat.gone.load(Ordering::Relaxed)
    }

    fn is_stalled(&self, seat: &Seat, now: Instant) -> bool {
        self.at(now).saturating_sub(seat.read.load(Ordering::Relaxed)) >= millis(STALLED)
    }

    fn at(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_connection_ends_or_stalls() {
        let seats = Seats::new();
        let now = clock::now();
        let mut all: Vec<_> = (0..MOST).map(|_| seats.take(now).unwrap()).collect();
        assert!(seats.take(now).is_none());
        all.pop();
        all.push(seats.take(now).unwrap());
        let later = now + STALLED;
        for seat in &all[1..] {
            assert!(seats.reads(seat, later));
        }
        let newer = seats.take(later).unwrap();
        assert!(!seats.reads(&all[0], later) && seats.reads(&newer, later));
        assert!(seats.take(later).is_none());
    }
}
