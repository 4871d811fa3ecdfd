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
use super::idle_connections::IdleConnections;
use super::proxy::Proxy;
use super::socket::{Connector, host};
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The interval at which idle connections that are too old or were closed by the server are dropped.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// The connections to one backend.
pub(super) struct H1Pool {
    connector: Connector,
    connections: Connections,
    idle: Arc<IdleConnections<H1Connection>>,
}

impl H1Pool {
    /// An empty pool, and the task that drops connections that have been idle for too long.
    pub(super) fn new(connector: Connector, connections: Connections) -> Arc<Self> {
        let pool = Arc::new(Self { connector, connections, idle: Arc::new(IdleConnections::new()) });
        tokio::spawn(tidy_periodically(Arc::downgrade(&pool)));
        pool
    }

    /// Sends a request over an idle connection, or over a new one to `to`, which must be established within `connect`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        &self,
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
        while !sent && let Some(connection) = self.idle.take(is_good) {
            match connection.call(&encoded, decoder, Arc::clone(&self.idle)).await {
                // The server closed the idle connection just now, without processing the request. A request that was sent whole
                // is retried once at most, over a new connection, lest it be processed twice.
                Err(CallFailure { again: Some(again), .. }) => (decoder, sent) = (again.decoder, again.sent),
                answer => return answered(answer, to, proxy),
            }
        }
        let connection = H1Connection::new(self.connector.connect(to, connect).await?, self.connections);
        answered(connection.call(&encoded, decoder, Arc::clone(&self.idle)).await, to, proxy)
    }

    fn tidy(&self) {
        self.idle.tidy(is_good);
    }
}

/// Whether a connection can carry another call: not open for too long, and not closed by the server.
fn is_good(connection: &mut H1Connection, now: Instant) -> bool {
    !connection.is_old(now) && connection.is_open()
}

#[cfg(test)]
impl H1Pool {
    /// The number of idle connections that are left after one round of tidying.
    pub(super) fn tidied(&self) -> usize {
        self.tidy();
        self.idle.len()
    }

    /// Puts an idle connection into the pool.
    pub(super) fn put(&self, connection: H1Connection) {
        self.idle.put(connection);
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
