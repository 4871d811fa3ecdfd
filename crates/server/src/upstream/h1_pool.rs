//! The pool of idle HTTP/1.1 connections to one backend.
//!
//! ```text
//!           take: own shard first, most recently used first        return_to_pool
//!  call ──┬─────────────► idle connection ──► request, answer ──► body read whole ──► idle in this thread's shard
//!         └─ none is good ─► new connection ─┘                └─► body dropped early, or `close` ──► dropped
//! ```

use super::Connections;
use super::h1_codec;
use super::h1_connection::{CallFailure, H1Body, H1Connection};
use super::proxy::Proxy;
use super::socket::{Connector, host};
use crate::process::clock;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Shorter than the minute after which AWS closes idle connections.
pub(super) const IDLE: Duration = Duration::from_secs(50);
/// The interval at which idle connections that are too old or were closed by the server are dropped.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// The number of shards, each with a lock of its own: as many threads use a pool without waiting for one another.
const SHARDS: usize = 64;

/// The idle connections of one backend.
pub(super) struct H1Pool {
    connector: Connector,
    connections: Connections,
    shards: [Mutex<Vec<Idle>>; SHARDS],
}

struct Idle {
    connection: H1Connection,
    since: Instant,
}

thread_local! {
    /// The number of this thread's shard.
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

impl H1Pool {
    /// An empty pool, and the task that drops connections that have been idle for too long.
    pub(super) fn new(connector: Connector, connections: Connections) -> Arc<Self> {
        let pool = Arc::new(Self { connector, connections, shards: std::array::from_fn(|_| Mutex::default()) });
        tokio::spawn(tidy_periodically(Arc::downgrade(&pool)));
        pool
    }

    /// Sends a request over an idle connection, or over a new one to `to`, which must be established within `connect`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        self: &Arc<Self>,
        to: &Uri,
        connect: Duration,
        mut request: Request<()>,
        body: Bytes,
    ) -> Result<(Response<()>, H1Body), Unreachable> {
        let proxy = self.connector.forwarding(to)?;
        if let Some(proxy) = proxy {
            proxy.authorize(request.headers_mut());
        }
        let (mut encoded, mut decoder) = h1_codec::encode(request, &body).map_err(Unreachable::Ours)?;
        if proxy.is_some() {
            encoded.in_absolute_form(host(to));
        }
        let mut sent = false;
        while !sent && let Some(connection) = self.take() {
            match connection.call(&encoded, decoder, Arc::clone(self)).await {
                // The server closed the idle connection just now, without processing the request. A request that was sent whole
                // is retried once at most, over a new connection, lest it be processed twice.
                Err(CallFailure { again: Some(again), .. }) => (decoder, sent) = (again.decoder, again.sent),
                answer => return answered(answer, to, proxy),
            }
        }
        let connection = H1Connection::new(self.connector.connect(to, connect).await?, self.connections);
        answered(connection.call(&encoded, decoder, Arc::clone(self)).await, to, proxy)
    }

    /// Puts a connection back into this thread's shard, unless it has reached its maximum age.
    pub(super) fn put(&self, connection: H1Connection) {
        let since = clock::now();
        if !connection.is_old(since) {
            self.shard(own_shard()).push(Idle { connection, since });
        }
    }

    /// Takes the idle connection that was used last, so that those which are not needed reach the idle timeout: one of this
    /// thread's shard, or else one of another, which costs a wake-up across threads, but no handshake.
    fn take(&self) -> Option<H1Connection> {
        let own = own_shard();
        (own..own + SHARDS).find_map(|shard| {
            let mut shard = self.shard(shard);
            while let Some(mut idle) = shard.pop() {
                if idle.is_good() {
                    return Some(idle.connection);
                }
            }
            None
        })
    }

    fn shard(&self, number: usize) -> MutexGuard<'_, Vec<Idle>> {
        let shards = &self.shards;
        shards[number % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tidy(&self) {
        for shard in 0..SHARDS {
            self.shard(shard).retain_mut(Idle::is_good);
        }
    }
}

impl Idle {
    /// Whether the connection can carry another call: neither idle nor open for too long, and not closed by the server.
    fn is_good(&mut self) -> bool {
        let now = clock::now();
        now.saturating_duration_since(self.since) < IDLE && !self.connection.is_old(now) && self.connection.is_open()
    }
}

#[cfg(test)]
impl H1Pool {
    /// The number of idle connections that are left after one round of tidying.
    pub(super) fn tidied(&self) -> usize {
        self.tidy();
        (0..SHARDS).map(|shard| self.shard(shard).len()).sum()
    }
}

/// Turns a failed call, or a proxy's own answer, into an error that names the endpoint. Only proxies answer 407. Source:
/// RFC 9110, 15.5.8.
fn answered(
    answer: Result<(Response<()>, H1Body), CallFailure>,
    to: &Uri,
    proxy: Option<&Proxy>,
) -> Result<(Response<()>, H1Body), Unreachable> {
    let (head, body) = answer.map_err(|CallFailure { why, .. }| {
        Unreachable::Broken(match proxy {
            Some(proxy) => format!("{} through {proxy}: {why}", host(to)),
            None => format!("{}: {why}", host(to)),
        })
    })?;
    match proxy {
        Some(proxy) if head.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(Unreachable::Connect(format!("{}: {proxy}: {}", host(to), proxy.refusal(head.status()))))
        }
        _ => Ok((head, body)),
    }
}

/// Tidies a pool for as long as it exists.
async fn tidy_periodically(pool: Weak<H1Pool>) {
    loop {
        tokio::time::sleep(TIDY_INTERVAL).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.tidy();
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
