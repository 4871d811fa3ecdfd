//! Connections that wait for their next call.

use super::Connections;
use super::h1_codec::{self, Said};
use super::h1_connection::{Body, Failed, Wire};
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
/// How often connections are looked for that waited too long or were closed at the other end.
const LOOK: Duration = Duration::from_secs(5);
/// As many threads use a pool without waiting for one another.
const SHELVES: usize = 64;

/// The connections of one backend.
pub(super) struct Pool {
    connector: Connector,
    connections: Connections,
    shelves: [Mutex<Vec<Idle>>; SHELVES],
}

struct Idle {
    wire: Wire,
    since: Instant,
}

thread_local! {
    /// The shelf of this thread.
    static SHELF: Cell<Option<usize>> = const { Cell::new(None) };
}

impl Pool {
    /// Holds no connection yet.
    pub(super) fn new(connector: Connector, connections: Connections) -> Arc<Self> {
        let pool = Arc::new(Self { connector, connections, shelves: std::array::from_fn(|_| Mutex::default()) });
        tokio::spawn(look(Arc::downgrade(&pool)));
        pool
    }

    /// Makes a call over a connection that waits, or over a new one to `to`, which must be there within `connect`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        self: &Arc<Self>,
        (to, connect): (&Uri, Duration),
        mut request: Request<()>,
        body: Bytes,
    ) -> Result<(Response<()>, Body), Unreachable> {
        let proxy = self.connector.forwarding(to)?;
        if let Some(proxy) = proxy {
            proxy.authorize(request.headers_mut());
        }
        let (mut said, mut reply) = h1_codec::ask(request, &body).map_err(Unreachable::Ours)?;
        if proxy.is_some() {
            said.in_absolute_form(host(to));
        }
        let Said { first, rest } = said;
        let mut sent = false;
        while !sent && let Some(wire) = self.take() {
            match wire.call((&first, rest), reply, Arc::clone(self)).await {
                // The other end closed it just now; it never had the request, or did not look at it. One that was sent
                // whole is sent once more at most, over a new connection.
                Err(Failed { again: Some(again), .. }) => (reply, sent) = (again.reply, again.sent),
                answer => return answered(answer, to, proxy),
            }
        }
        let wire = Wire::new(self.connector.connect(to, connect).await?, self.connections);
        answered(wire.call((&first, rest), reply, Arc::clone(self)).await, to, proxy)
    }

    /// Keeps a connection for its next call.
    pub(super) fn put(&self, wire: Wire) {
        let since = clock::now();
        if !wire.is_old(since) {
            self.shelf(own_shelf()).push(Idle { wire, since });
        }
    }

    /// The connection that was used last, so that those that are not needed grow old: one of this thread, or else one of
    /// another, which costs a wake-up across threads, but no handshake.
    fn take(&self) -> Option<Wire> {
        let own = own_shelf();
        (own..own + SHELVES).find_map(|shelf| {
            let mut shelf = self.shelf(shelf);
            while let Some(mut idle) = shelf.pop() {
                if idle.is_good() {
                    return Some(idle.wire);
                }
            }
            None
        })
    }

    fn shelf(&self, number: usize) -> MutexGuard<'_, Vec<Idle>> {
        let shelves = &self.shelves;
        shelves[number % SHELVES].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tidy(&self) {
        for shelf in 0..SHELVES {
            self.shelf(shelf).retain_mut(Idle::is_good);
        }
    }
}

impl Idle {
    /// Whether another call may begin on it.
    fn is_good(&mut self) -> bool {
        let now = clock::now();
        now.saturating_duration_since(self.since) < IDLE && !self.wire.is_old(now) && self.wire.is_open()
    }
}

#[cfg(test)]
impl Pool {
    /// How many connections are left when those that are no good are gone.
    pub(super) fn tidied(&self) -> usize {
        self.tidy();
        (0..SHELVES).map(|shelf| self.shelf(shelf).len()).sum()
    }
}

/// The answer, unless it is a proxy's own: 407 is said by nobody else. Source: RFC 9110, 15.5.8.
fn answered(
    answer: Result<(Response<()>, Body), Failed>,
    to: &Uri,
    proxy: Option<&Proxy>,
) -> Result<(Response<()>, Body), Unreachable> {
    let (head, body) = answer.map_err(|Failed { why, .. }| {
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

/// Looks after a pool as long as it is there.
async fn look(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.tidy();
    }
}

fn own_shelf() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHELF.get().unwrap_or_else(|| {
        let shelf = NEXT.fetch_add(1, Ordering::Relaxed) % SHELVES;
        SHELF.set(Some(shelf));
        shelf
    })
}
