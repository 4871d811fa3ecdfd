//! The lifetime of a client connection: graceful shutdown at the end of the process, at its maximum age, and when it is
//! idle.
//!
//! ```text
//!          ┌─ maximum age, or idle after a request ──► Ending ── last answer given ──► closed by hyper
//!  Open ───┤                                             │
//!          ├─ idle without any request ──► dropped       │ the process ends
//!          └─ the process ends ──────────────────────────┴──► Draining ── free for GRACE ──► dropped
//! ```

use crate::client::connection::ConnectionState;
use crate::host::Limits;
use hyper_util::server::graceful::GracefulConnection;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

/// While draining: how long a connection without a request is kept, for a request that is already on its way.
pub(crate) const GRACE: Duration = Duration::from_millis(250);
/// The same for HTTP/2 with earlier requests, where `GOAWAY` tells the client to close.
const TOLD: Duration = Duration::from_secs(10);

/// A hyper connection whose lifetime is limited.
pub(crate) struct ManagedConnection<C> {
    connection: Pin<Box<C>>,
    connection_state: Arc<ConnectionState>,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Held until the connection ends: the listener waits until all receivers are dropped.
    _until_dropped: watch::Receiver<bool>,
    /// When it reaches its maximum age.
    old: Option<Instant>,
    idle: Option<Idle>,
    state: State,
    /// The timer of the next limit; none is made for a connection without limits.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The idle timeout of an HTTP/2 connection.
struct Idle {
    time: Duration,
    /// The time to close after `GOAWAY`, at least the write timeout.
    more: Duration,
    /// The number of requests at the last check, and the time since when it is idle.
    asked: usize,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Graceful shutdown was begun for its age or idleness.
    Ending,
    /// Graceful shutdown was begun because the process ends; and since when no request is under way.
    Draining(Option<Instant>),
}

impl<C: GracefulConnection> ManagedConnection<C> {
    /// A connection that is shut down gracefully by `stop` and at its maximum age.
    pub(crate) fn new(
        connection: C,
        connection_state: Arc<ConnectionState>,
        mut stop: watch::Receiver<bool>,
        limits: &Limits,
    ) -> Self {
        let until_dropped = stop.clone();
        let stop = Box::pin(async move { drop(stop.wait_for(|stop| *stop).await) });
        let old = limits.max_connection_age.map(|age| Instant::now() + age);
        Self {
            connection: Box::pin(connection),
            connection_state,
            stop,
            _until_dropped: until_dropped,
            old,
            idle: None,
            state: State::Open,
            timer: None,
        }
    }

    /// Adds an idle timeout, for HTTP/2; HTTP/1.1 has hyper's header timeout.
    pub(crate) fn until_idle(mut self, limits: &Limits) -> Self {
        let (time, more) = (limits.header_timeout, limits.client_idle);
        self.idle = Some(Idle { time, more, asked: 0, since: Instant::now() });
        self
    }

    /// Checks all limits; true when the connection is to be dropped.
    fn look(&mut self, cx: &mut Context<'_>) -> bool {
        if !matches!(self.state, State::Draining(_)) && self.stop.as_mut().poll(cx).is_ready() {
            self.end(State::Draining(None));
        }
        if self.state == State::Open && self.old.is_none() && self.idle.is_none() {
            return false;
        }
        loop {
            let now = Instant::now();
            if self.is_over(now) {
                return true;
            }
            let Some(next) = self.next(now) else { return false };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
            if timer.deadline() > next || timer.is_elapsed() {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return false;
            }
        }
    }

    fn end(&mut self, state: State) {
        self.state = state;
        self.connection.as_mut().graceful_shutdown();
    }

    /// Applies the limits that have passed; true when the connection is to be dropped.
    fn is_over(&mut self, now: Instant) -> bool {
        if let State::Draining(free) = self.state {
            let free = (!self.connection_state.is_busy()).then(|| free.unwrap_or(now));
            self.state = State::Draining(free);
            let told = self.idle.is_some() && self.connection_state.requests() > 0;
            return free.is_some_and(|free| free + if told { TOLD } else { GRACE } <= now);
        }
        let idle = self.idle.as_mut().is_some_and(|idle| idle.is_over(&self.connection_state, now));
        if idle && (self.connection_state.requests() == 0 || self.state == State::Ending) {
            return true;
        }
        if self.state == State::Open && (idle || self.old.is_some_and(|old| old <= now)) {
            self.end(State::Ending);
        }
        false
    }

    /// The time of the next limit.
    fn next(&self, now: Instant) -> Option<Instant> {
        if let State::Draining(free) = self.state {
            return Some(free.unwrap_or(now) + GRACE);
        }
        let old = self.old.filter(|_| self.state == State::Open);
        let idle = self.idle.as_ref().map(|idle| now + idle.time / 4);
        old.into_iter().chain(idle).min()
    }
}

impl Idle {
    fn is_over(&mut self, connection_state: &ConnectionState, now: Instant) -> bool {
        let asked = connection_state.requests();
        if connection_state.is_answering() || self.asked != asked {
            self.asked = asked;
            self.since = now;
        }
        if self.since + self.time > now {
            return false;
        }
        // The connection is asked to shut down now: its clients get the longer time to close it.
        self.since = now;
        self.time = self.time.max(self.more);
        true
    }
}

impl<C: GracefulConnection> Future for ManagedConnection<C> {
    type Output = Result<(), C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Poll::Ready(ended) = self.connection.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            let before = self.state;
            if self.look(cx) {
                tracing::debug!("a connection that asks nothing was closed");
                return Poll::Ready(Ok(()));
            }
            // A connection that was asked to shut down may do so at once: poll it again.
            if before == self.state || before != State::Open {
                return Poll::Pending;
            }
        }
    }
}
