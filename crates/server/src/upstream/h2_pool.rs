//! Calls in HTTP/2: many share a connection, as many as its other end takes at once; further ones open another.

use super::addresses::TCP_KEEPALIVE;
use super::h1_pool::IDLE;
use super::socket::{Connector, Socket, host};
use super::{Connections, deepest};
use crate::process::clock;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// What a connection is said to take before its other end has said it.
const UNKNOWN_STREAM_LIMIT: usize = 1021;
/// How often it is looked whether it has, and how long it is waited for: it comes with the first bytes.
const SETTINGS_POLL: Duration = Duration::from_millis(1);
const SETTINGS_POLLS: u32 = 250;
/// How often a request is sent once more that the other end did not look at.
const REFUSALS: u32 = 3;
/// How often connections are looked for that nobody used for long.
const TIDY: Duration = Duration::from_secs(5);

/// The connections to one backend.
pub(super) struct H2Pool {
    connector: Connector,
    connections: Connections,
    connections_open: Mutex<Vec<Arc<H2Connection>>>,
    /// One connection is opened after the other, so that those who wait find room on it.
    opening: tokio::sync::Mutex<()>,
}

/// A connection.
struct H2Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Driven by a task; here it is asked how much its other end takes at once. `None` once it has ended: what waits to be
    /// sent is given back then.
    connection: Arc<Mutex<Option<Driven>>>,
    used: Mutex<Used>,
    /// From when on it is too old for another call. `None`: never.
    old: Option<Instant>,
}

type Driven = Connection<TokioIo<Socket>, Full<Bytes>, TokioExecutor>;

struct Used {
    /// Calls under way.
    calls: usize,
    /// When the last one ended.
    since: Instant,
}

/// A call's room on a connection, which is free when this is dropped.
pub(super) struct StreamPermit(Arc<H2Connection>);

impl H2Pool {
    /// Holds no connection yet.
    pub(super) fn new(connector: Connector, connections: Connections) -> Arc<Self> {
        let (connections_open, opening) = (Mutex::default(), tokio::sync::Mutex::default());
        let pool = Arc::new(Self { connector, connections, connections_open, opening });
        tokio::spawn(tidy_periodically(Arc::downgrade(&pool)));
        pool
    }

    /// Makes a call over a connection that has room, or over a new one to `to`, which must be there within `connect`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        &self,
        (to, connect): (&Uri, Duration),
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, StreamPermit), Unreachable> {
        let mut refused = 0;
        loop {
            let (room, is_new) = match self.room() {
                Some(room) => (room, false),
                None => self.opened(to, connect).await?,
            };
            let again = request.clone();
            match room.0.sender.clone().try_send_request(request).await {
                Ok(answer) => return Ok((answer, room)),
                // It was closed just now; the request was not sent.
                Err(failed) if !is_new && failed.message().is_some() => request = again,
                Err(failed) if refused < REFUSALS && is_untouched(failed.error()) => {
                    refused += 1;
                    request = again;
                }
                Err(failed) => return Err(Unreachable::Broken(format!("{}: {}", host(to), deepest(failed.error())))),
            }
        }
    }

    /// Room on a new connection, or on one that was opened for others meanwhile.
    async fn opened(&self, to: &Uri, connect: Duration) -> Result<(StreamPermit, bool), Unreachable> {
        let opened = async {
            let _opening = self.opening.lock().await;
            if let Some(room) = self.room() {
                return Ok((room, false));
            }
            let connection_of = self.open(to, connect).await?;
            self.connections_open().push(Arc::clone(&connection_of));
            connection_of.used().calls += 1;
            Ok((StreamPermit(connection_of), true))
        };
        timeout(connect, opened).await.unwrap_or_else(|_| Err(self.connector.late(to, connect)))
    }

    async fn open(&self, to: &Uri, connect: Duration) -> Result<Arc<H2Connection>, Unreachable> {
        let socket = TokioIo::new(self.connector.connect(to, connect).await?);
        let shaken = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .adaptive_window(true)
            .initial_max_send_streams(UNKNOWN_STREAM_LIMIT)
            .keep_alive_interval(TCP_KEEPALIVE)
            .handshake(socket)
            .await;
        let failed = |error: hyper::Error| Unreachable::Connect(format!("{}: {}", host(to), deepest(&error)));
        let (sender, connection) = shaken.map_err(failed)?;
        let connection = Arc::new(Mutex::new(Some(connection)));
        tokio::spawn(drive(Arc::clone(&connection)));
        let used = Mutex::new(Used { calls: 0, since: clock::now() });
        let connection_of = H2Connection { sender, connection, used, old: self.connections.old() };
        for _ in 0..SETTINGS_POLLS {
            if connection_of.most() != UNKNOWN_STREAM_LIMIT {
                break;
            }
            sleep(SETTINGS_POLL).await;
        }
        Ok(Arc::new(connection_of))
    }

    /// Room on the first connection that has some, so that those that are not needed grow old.
    fn room(&self) -> Option<StreamPermit> {
        let mut connections_open = self.connections_open();
        connections_open.retain(|connection_of| !connection_of.is_over());
        connections_open.iter().find_map(|connection_of| {
            let mut used = connection_of.used();
            (used.calls < connection_of.most()).then(|| {
                used.calls += 1;
                StreamPermit(Arc::clone(connection_of))
            })
        })
    }

    fn connections_open(&self) -> MutexGuard<'_, Vec<Arc<H2Connection>>> {
        self.connections_open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl H2Connection {
    /// How many calls its other end takes at once.
    fn most(&self) -> usize {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().map_or(0, Driven::current_max_send_streams)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self) -> bool {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether no call shall begin on it: it is closed, too old, or was not needed for long. Those under way hold it.
    fn is_over(&self) -> bool {
        let (ended, now) = (self.sender.is_closed() || self.has_ended(), clock::now());
        let used = self.used();
        ended
            || self.old.is_some_and(|old| old <= now)
            || used.calls == 0 && now.saturating_duration_since(used.since) >= IDLE
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut used = self.0.used();
        used.calls = used.calls.saturating_sub(1);
        used.since = clock::now();
    }
}

/// Whether the other end says that it did nothing with a request (RFC 9113, 8.7): it refused its stream, or ended the
/// connection before it. It may be sent once more, and is no failure.
fn is_untouched(error: &hyper::Error) -> bool {
    let reset = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    reset.is_some_and(|reset| {
        let reason = reset.reason();
        reset.is_remote()
            && (reset.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM)
                || reset.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
    })
}

/// Drives a connection until it ends.
async fn drive(connection: Arc<Mutex<Option<Driven>>>) {
    let ended = poll_fn(|cx| {
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = connection.as_mut().map_or(Poll::Ready(Ok(())), |driven| Pin::new(driven).poll(cx));
        let over = if polled.is_ready() { connection.take() } else { None };
        drop(connection);
        drop(over);
        polled
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a connection to a backend ended");
    }
}

/// Looks after a pool as long as it is there.
async fn tidy_periodically(pool: Weak<H2Pool>) {
    loop {
        sleep(TIDY).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.connections_open().retain(|connection_of| !connection_of.is_over());
    }
}
