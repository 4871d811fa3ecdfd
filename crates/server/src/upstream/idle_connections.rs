//! Idle connections, kept in shards so that many threads use them without waiting for one another.

use crate::process::clock;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shorter than the minute after which AWS closes idle connections.
pub(super) const IDLE: Duration = Duration::from_secs(50);
/// The number of shards, each with a lock of its own.
const SHARDS: usize = 64;

/// Idle connections of one kind to one backend. It knows nothing of them but since when they are idle, so that a connection
/// can hold the place to which it returns.
pub(super) struct IdleConnections<C> {
    shards: [Mutex<Vec<Idle<C>>>; SHARDS],
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

thread_local! {
    /// The number of this thread's shard.
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

impl<C> IdleConnections<C> {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Puts a connection into this thread's shard.
    pub(super) fn put(&self, connection: C) {
        self.shard(own_shard()).push(Idle { connection, since: clock::now() });
    }

    /// Takes the idle connection that was used last, so that those which are not needed reach the idle timeout: one of this
    /// thread's shard, or else one of another, which costs a wake-up across threads, but no handshake. Those that are not
    /// good any more are dropped on the way.
    pub(super) fn take(&self, is_good: impl Fn(&mut C, Instant) -> bool) -> Option<C> {
        let own = own_shard();
        (own..own + SHARDS).find_map(|shard| {
            let mut shard = self.shard(shard);
            while let Some(mut idle) = shard.pop() {
                if idle.is_good(&is_good) {
                    return Some(idle.connection);
                }
            }
            None
        })
    }

    /// Drops connections that were idle for too long or are not good any more.
    pub(super) fn tidy(&self, is_good: impl Fn(&mut C, Instant) -> bool) {
        for shard in 0..SHARDS {
            self.shard(shard).retain_mut(|idle| idle.is_good(&is_good));
        }
    }

    fn shard(&self, number: usize) -> MutexGuard<'_, Vec<Idle<C>>> {
        let shards = &self.shards;
        shards[number % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl<C> IdleConnections<C> {
    /// The number of idle connections.
    pub(super) fn len(&self) -> usize {
        (0..SHARDS).map(|shard| self.shard(shard).len()).sum()
    }
}

impl<C> Idle<C> {
    fn is_good(&mut self, is_good: &impl Fn(&mut C, Instant) -> bool) -> bool {
        let now = clock::now();
        now.saturating_duration_since(self.since) < IDLE && is_good(&mut self.connection, now)
    }
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.get().unwrap_or_else(|| {
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        SHARD.set(Some(shard));
        shard
    })
}
