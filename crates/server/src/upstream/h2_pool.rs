//! The pool of HTTP/2 connections to one backend: calls share a connection up to its `SETTINGS_MAX_CONCURRENT_STREAMS`;
//! further calls open another connection.

use super::Connections;
use super::addresses::TCP_KEEPALIVE;
use super::error::deepest;
use super::idle_connections::IDLE;
use super::socket::{Connector, Socket, host};
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

/// The limit of streams that hyper assumes before the server's SETTINGS arrive: a number that servers do not send.
const UNKNOWN_STREAM_LIMIT: usize = 1021;
/// The interval and the number of polls for the server's SETTINGS on a new connection: they come with its first bytes.
const SETTINGS_POLL: Duration = Duration::from_millis(1);
const SETTINGS_POLLS: u32 = 250;
/// The number of retries of a request that the server refused unprocessed (`REFUSED_STREAM`).
const REFUSALS: u32 = 3;
/// The interval at which idle connections are dropped.
const TIDY: Duration = Duration::from_secs(5);

/// The open connections to one backend.
pub(super) struct H2Pool {
    connector: Connector,
    connections: Connections,
    connections_open: Mutex<Vec<Arc<H2Connection>>>,
    /// Held while a connection is opened, so that calls which wait for it share it instead of opening one each.
    opening: tokio::sync::Mutex<()>,
}

/// An open connection, which several calls share.
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

/// The permit for one stream of a connection, returned when it is dropped.
pub(super) struct StreamPermit(Arc<H2Connection>);

impl H2Pool {
    /// An empty pool, and the task that drops connections that have been idle for too long.
    pub(super) fn new(connector: Connector, connections: Connections) -> Arc<Self> {
        let (connections_open, opening) = (Mutex::default(), tokio::sync::Mutex::default());
        let pool = Arc::new(Self { connector, connections, connections_open, opening });
        tokio::spawn(tidy_periodically(Arc::downgrade(&pool)));
        pool
    }

    /// Sends a request over a connection with a free stream, or over a new one to `to`, which must be established within
    /// `connect`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        &self,
        to: &Uri,
        connect: Duration,
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
                // The shared connection was closed just now, and hyper gives the unsent request back.
                Err(failed) if !is_new && failed.message().is_some() => request = again,
                Err(failed) if refused < REFUSALS && is_untouched(failed.error()) => {
                    refused += 1;
                    request = again;
                }
                Err(failed) => return Err(Unreachable::Broken(format!("{}: {}", host(to), deepest(failed.error())))),
            }
        }
    }

    /// A stream of a new connection, or of one that another call has opened meanwhile.
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
        let (sender, connection) =
            shaken.map_err(|error| Unreachable::Connect(format!("{}: {}", host(to), deepest(&error))))?;
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

    /// A free stream of the first connection that has one, so that connections which are not needed reach the idle timeout.
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
    /// The server's limit of concurrent streams; 0 once the connection has ended.
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

    /// Whether no further call may begin on the connection: it is closed, has reached its maximum age, or was idle for too
    /// long. Calls under way keep it open.
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

/// Whether the server guarantees that it has not processed a request (RFC 9113, 8.7): `REFUSED_STREAM`, or a `GOAWAY`
/// before its stream. Such a request is safe to retry, and counts as no failure of the backend.
fn is_untouched(error: &hyper::Error) -> bool {
    let reset = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    reset.is_some_and(|reset| {
        let reason = reset.reason();
        reset.is_remote()
            && (reset.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM)
                || reset.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
    })
}

/// Polls a connection until it ends: the task that HTTP/2 needs.
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

/// Tidies a pool for as long as it exists.
async fn tidy_periodically(pool: Weak<H2Pool>) {
    loop {
        sleep(TIDY).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.connections_open().retain(|connection_of| !connection_of.is_over());
    }
}
