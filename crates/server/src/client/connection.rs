//! The shared state of one client connection: its requests under way, and the write timeout of their answers.
//!
//! The socket ([`coalesce`](super::coalesce)), the connection's lifetime ([`graceful`](super::graceful)), hyper's service
//! and HTTP/2's stream tasks run apart from one another and learn of each other here.

use crate::process::clock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No deadline.
const NEVER: u64 = u64::MAX;

/// The state that the parts of one client connection share.
pub(crate) struct ConnectionState {
    /// The number of requests so far.
    requests: AtomicUsize,
    /// The number of requests whose answer is not complete.
    under_way: AtomicUsize,
    /// The body of the current HTTP/1.1 request is still being read, so that hyper reads the socket anyway.
    arriving: AtomicBool,
    /// Bytes were written that are not flushed to the socket.
    unsent: AtomicBool,
    /// The write timeout of HTTP/1.1, which has one answer at a time.
    delivery: Arc<DeliveryDeadline>,
    /// The request of the HTTP/2 stream that began last, until hyper spawns the task of that stream.
    begun: Mutex<Option<ActiveRequest>>,
}

/// Counts a request as under way until it is dropped.
pub(crate) struct ActiveRequest {
    connection_state: Arc<ConnectionState>,
    /// The write timeout of its answer.
    pub(crate) delivery: Arc<DeliveryDeadline>,
}

/// The write timeout of one answer: a deadline for the whole of it, and a limit for a client that reads nothing.
pub(crate) struct DeliveryDeadline {
    since: Instant,
    /// The deadline of the whole answer, in milliseconds after `since`.
    whole: AtomicU64,
    /// The write timeout: how long the client may read nothing, in milliseconds.
    idle: AtomicU64,
    /// A part of the answer was handed to hyper and is not written yet.
    held: AtomicBool,
}

impl ConnectionState {
    /// The state of a new connection with this write timeout.
    pub(crate) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            requests: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            arriving: AtomicBool::new(false),
            unsent: AtomicBool::new(false),
            delivery: Arc::new(DeliveryDeadline::new(idle)),
            begun: Mutex::new(None),
        })
    }

    /// Begins an HTTP/1.1 request.
    pub(crate) fn begin_request(self: &Arc<Self>, idle: Duration) -> ActiveRequest {
        self.delivery.limit(None, idle);
        self.arriving.store(false, Ordering::Relaxed);
        self.begin(Arc::clone(&self.delivery))
    }

    /// Begins an HTTP/2 request; hyper spawns the task of its stream next.
    pub(crate) fn begin_stream_request(self: &Arc<Self>, idle: Duration) -> ActiveRequest {
        // HTTP/2 reads the socket all the time, so an EOF is always seen.
        self.arriving.store(true, Ordering::Relaxed);
        let request = self.begin(Arc::new(DeliveryDeadline::new(idle)));
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let again = ActiveRequest { connection_state: Arc::clone(self), delivery: Arc::clone(&request.delivery) };
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(again);
        request
    }

    /// Takes the request of the HTTP/2 stream that began last.
    pub(crate) fn take_stream_request(&self) -> Option<ActiveRequest> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn begin(self: &Arc<Self>, delivery: Arc<DeliveryDeadline>) -> ActiveRequest {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        ActiveRequest { connection_state: Arc::clone(self), delivery }
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether a request is under way.
    pub(crate) fn is_answering(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    /// Whether an HTTP/1.1 request was read whole and its answer is under way: the socket is not read meanwhile.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_answering() && !self.arriving.load(Ordering::Relaxed)
    }

    /// Whether a request is under way, or bytes are not flushed.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_answering() || self.unsent.load(Ordering::Relaxed)
    }

    /// Records whether all written bytes are flushed to the socket.
    pub(crate) fn set_flushed(&self, all: bool) {
        self.unsent.store(!all, Ordering::Relaxed);
    }

    /// The write timeout of HTTP/1.1's current answer.
    pub(crate) fn delivery(&self) -> &DeliveryDeadline {
        &self.delivery
    }
}

impl ActiveRequest {
    /// Records whether the request's body is still being read.
    pub(crate) fn set_body_pending(&self, still: bool) {
        if Arc::ptr_eq(&self.delivery, &self.connection_state.delivery) {
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

    /// Sets the deadline of the whole answer and the write timeout.
    pub(crate) fn limit(&self, whole: Option<Instant>, idle: Duration) {
        let whole = whole.map_or(NEVER, |whole| milliseconds(whole.saturating_duration_since(self.since)));
        self.whole.store(whole, Ordering::Relaxed);
        self.idle.store(milliseconds(idle), Ordering::Relaxed);
    }

    /// Records whether a part of the answer waits to be written.
    pub(crate) fn set_held(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// See [`set_held`](Self::set_held).
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// The time at which the answer is given up, if the client has read nothing since `taken`.
    pub(crate) fn deadline_after(&self, taken: Instant) -> Instant {
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
                && connection_state.requests() == 2
                && connection_state.is_busy()
                && !connection_state.is_awaited()
        );
        request.set_body_pending(false);
        assert!(connection_state.is_awaited());
        drop((request, stream));
        assert!(!connection_state.is_busy() && connection_state.requests() == 2);
        connection_state.set_flushed(false);
        assert!(connection_state.is_busy() && !connection_state.is_answering());
    }

    #[test]
    fn the_sooner_of_two_limits_counts_and_no_limit_is_too_long() {
        let connection_state = ConnectionState::new(Duration::MAX);
        let now = clock::now();
        let delivery = connection_state.delivery();
        assert!(delivery.deadline_after(now) > now + IDLE);
        delivery.limit(Some(now + Duration::from_secs(3)), IDLE);
        assert!(delivery.deadline_after(now) <= now + Duration::from_secs(3));
        assert!(delivery.deadline_after(now) > now + Duration::from_secs(1));
        delivery.limit(Some(now + IDLE), Duration::from_secs(3));
        assert_eq!(delivery.deadline_after(now), now + Duration::from_secs(3));
    }
}
