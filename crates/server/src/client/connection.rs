//! What the parts of one client's connection know of one another: what is under way, and how long its answer may lie untaken.

use crate::process::clock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A time that never comes.
const NEVER: u64 = u64::MAX;

/// One connection.
pub(crate) struct ConnectionState {
    /// Requests that came.
    asked: AtomicUsize,
    /// Requests whose answer is not given whole.
    under_way: AtomicUsize,
    /// The body of the only request of the connection is still to be read.
    arriving: AtomicBool,
    /// Bytes were written that the system has not taken.
    unsent: AtomicBool,
    /// The answer of a protocol that gives one at a time.
    taking: Arc<DeliveryDeadline>,
    /// The stream that was begun last, until the task that serves it is made.
    begun: Mutex<Option<ActiveRequest>>,
}

/// A request under way, until all who have to do with it drop theirs.
pub(crate) struct ActiveRequest {
    connection_state: Arc<ConnectionState>,
    /// How its answer is taken.
    pub(crate) taking: Arc<DeliveryDeadline>,
}

/// How a client takes one answer.
pub(crate) struct DeliveryDeadline {
    since: Instant,
    /// By when all of it must be taken, in milliseconds.
    whole: AtomicU64,
    /// For how long none of it need be taken, in milliseconds.
    idle: AtomicU64,
    /// What was given is not taken yet.
    held: AtomicBool,
}

impl ConnectionState {
    /// Begins; an answer may lie untaken for so long.
    pub(crate) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            arriving: AtomicBool::new(false),
            unsent: AtomicBool::new(false),
            taking: Arc::new(DeliveryDeadline::new(idle)),
            begun: Mutex::new(None),
        })
    }

    /// A request came, whose answer is the only one of the connection.
    pub(crate) fn begin_request(self: &Arc<Self>, idle: Duration) -> ActiveRequest {
        self.taking.limit(None, idle);
        self.arriving.store(false, Ordering::Relaxed);
        self.begin(Arc::clone(&self.taking))
    }

    /// A request came on a stream of its own; the task that serves it is made next.
    pub(crate) fn begin_stream_request(self: &Arc<Self>, idle: Duration) -> ActiveRequest {
        // Whoever reads the connection reads on all the time.
        self.arriving.store(true, Ordering::Relaxed);
        let request = self.begin(Arc::new(DeliveryDeadline::new(idle)));
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let again = ActiveRequest { connection_state: Arc::clone(self), taking: Arc::clone(&request.taking) };
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(again);
        request
    }

    /// The request of the stream that was begun last.
    pub(crate) fn take_stream_request(&self) -> Option<ActiveRequest> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn begin(self: &Arc<Self>, taking: Arc<DeliveryDeadline>) -> ActiveRequest {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        ActiveRequest { connection_state: Arc::clone(self), taking }
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether an answer is awaited.
    pub(crate) fn is_answering(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    /// Whether the only answer of the connection is awaited, and nothing else of its client.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_answering() && !self.arriving.load(Ordering::Relaxed)
    }

    /// Whether an answer is awaited or not sent whole.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_answering() || self.unsent.load(Ordering::Relaxed)
    }

    /// Whether the system has taken all that was written.
    pub(crate) fn sent(&self, all: bool) {
        self.unsent.store(!all, Ordering::Relaxed);
    }

    /// How the only answer of the connection is taken.
    pub(crate) fn taking(&self) -> &DeliveryDeadline {
        &self.taking
    }
}

impl ActiveRequest {
    /// Whether the request's body is still to be read.
    pub(crate) fn arrives(&self, still: bool) {
        if Arc::ptr_eq(&self.taking, &self.connection_state.taking) {
            self.connection_state.arriving.store(still, Ordering::Relaxed);
        }
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.connection_state.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER)
}

impl DeliveryDeadline {
    fn new(idle: Duration) -> Self {
        Self {
            since: clock::now(),
            whole: AtomicU64::new(NEVER),
            idle: AtomicU64::new(milliseconds(idle)),
            held: AtomicBool::new(false),
        }
    }

    /// The answer must be taken whole by then, and none of it may lie for longer than that.
    pub(crate) fn limit(&self, whole: Option<Instant>, idle: Duration) {
        let whole = whole.map_or(NEVER, |whole| milliseconds(whole.saturating_duration_since(self.since)));
        self.whole.store(whole, Ordering::Relaxed);
        self.idle.store(milliseconds(idle), Ordering::Relaxed);
    }

    /// Whether what was given is not taken yet.
    pub(crate) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// See [`hold`](Self::hold).
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// When the client's time is over, if it takes nothing from then on.
    pub(crate) fn until(&self, taken: Instant) -> Instant {
        let whole = self.after(self.since, self.whole.load(Ordering::Relaxed));
        let idle = self.after(taken, self.idle.load(Ordering::Relaxed));
        whole.min(idle)
    }

    fn after(&self, since: Instant, time: u64) -> Instant {
        // No timer runs for longer.
        since + Duration::from_millis(time).min(aquifer_gateway::exchange::LONGEST_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(300);

    #[test]
    fn a_request_is_under_way_until_it_is_dropped() {
        let connection_state = ConnectionState::new(IDLE);
        let request = connection_state.begin_request(IDLE);
        assert!(connection_state.is_awaited());
        let stream = (connection_state.begin_stream_request(IDLE), connection_state.take_stream_request());
        assert!(
            connection_state.take_stream_request().is_none()
                && connection_state.asked() == 2
                && connection_state.is_busy()
                && !connection_state.is_awaited()
        );
        request.arrives(false);
        assert!(connection_state.is_awaited());
        drop((request, stream));
        assert!(!connection_state.is_busy() && connection_state.asked() == 2);
        connection_state.sent(false);
        assert!(connection_state.is_busy() && !connection_state.is_answering());
    }

    #[test]
    fn the_sooner_of_two_limits_counts_and_no_limit_is_too_long() {
        let connection_state = ConnectionState::new(Duration::MAX);
        let now = clock::now();
        let taking = connection_state.taking();
        assert!(taking.until(now) > now + IDLE);
        taking.limit(Some(now + Duration::from_secs(3)), IDLE);
        assert!(taking.until(now) <= now + Duration::from_secs(3));
        assert!(taking.until(now) > now + Duration::from_secs(1));
        taking.limit(Some(now + IDLE), Duration::from_secs(3));
        assert_eq!(taking.until(now), now + Duration::from_secs(3));
    }
}
