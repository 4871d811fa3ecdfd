//! An HTTP/1.1 connection and the call over it, driven by the future that awaits it: no task and no buffer of its own.
//!
//! ```text
//!  H1Connection ── call ──► send request ──────────────► read head ──► H1Body ── read whole ──► back into the pool
//!                             │    └─ answered early ────────┘ (not pooled)   └─ dropped ─────► closed
//!                             └─ broken before an answer ──► CallFailure, retryable on another connection
//! ```

use super::Connections;
use super::h1_codec::{EncodedRequest, ResponseDecoder};
use super::idle_connections::IdleConnections;
use super::socket::Socket;
use crate::process::clock;
use aquifer_gateway::translate::wire::slice::Slice as _;
use http::Response;
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::task::coop::unconstrained;

/// The size of one read.
const READ_BUFFER: usize = 64 << 10;

/// From this read of a body on, TCP acknowledgements are delayed. A short answer is not worth the system call, and the
/// first tokens of a stream must not wait.
const PAIRS_FROM: u32 = 8;

/// The read buffers of a thread, shared by its connections, so that a call which waits for bytes holds no memory for them.
struct ReadBuffers {
    raw: Box<[u8]>,
    body: Box<[u8]>,
}

thread_local! {
    static READ_BUFFERS: Cell<Option<ReadBuffers>> = const { Cell::new(None) };
}

/// A pooled connection that ends this soon after a request, without a byte, was closed while the request was on its way:
/// the server cannot have processed it, and it is safe to retry.
const LATE: Duration = Duration::from_secs(1);

/// A connection, with the bytes that were read and not parsed yet.
pub(super) struct H1Connection {
    socket: Socket,
    rest: Vec<u8>,
    /// Something was received since the last request.
    heard: bool,
    /// Whether TCP acknowledgements of long answers are delayed.
    in_pairs: bool,
    /// When it reaches its maximum age. `None`: never.
    old: Option<Instant>,
}

/// A call that got no response.
pub(super) struct CallFailure {
    /// Set when the call may be retried on another connection.
    pub(super) again: Option<Retryable>,
    /// The cause, in words.
    pub(super) why: String,
}

/// A call that may be retried on another connection.
pub(super) struct Retryable {
    pub(super) decoder: ResponseDecoder,
    /// The request was sent whole: it may be sent once more at most.
    pub(super) sent: bool,
}

/// The body of a response, which owns the connection until it is read.
pub(crate) struct H1Body {
    connection: Option<H1Connection>,
    decoder: ResponseDecoder,
    /// The pool that gets the connection back after the body; `None` when the request was not sent whole, since then the
    /// next one would be read as its rest.
    pool: Option<Arc<IdleConnections<H1Connection>>>,
    /// The number of reads so far.
    reads: u32,
}

/// The part of a request that is still to be sent.
struct Sending<'r> {
    first: &'r [u8],
    rest: &'r [u8],
}

impl ReadBuffers {
    fn take() -> Self {
        let make =
            || Self { raw: vec![0; READ_BUFFER].into_boxed_slice(), body: vec![0; READ_BUFFER].into_boxed_slice() };
        READ_BUFFERS.take().unwrap_or_else(make)
    }

    fn give_back(self) {
        READ_BUFFERS.set(Some(self));
    }
}

impl H1Connection {
    pub(super) fn new(socket: Socket, connections: Connections) -> Self {
        let (in_pairs, old) = (connections.acknowledged_in_pairs, connections.old());
        Self { socket, rest: Vec::new(), heard: false, in_pairs, old }
    }

    /// Whether it has reached its maximum age.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        self.old.is_some_and(|old| old <= now)
    }

    /// Decodes body bytes out of what was read before; frees that buffer when it is used up.
    fn understand(&mut self, decoder: &mut ResponseDecoder, into: &mut [u8]) -> Result<usize, String> {
        let (used, given) = decoder.body(&self.rest, into)?;
        match used == self.rest.len() {
            true => self.rest = Vec::new(),
            false => drop(self.rest.drain(..used)),
        }
        Ok(given)
    }

    /// Whether the idle connection is still usable: neither data nor EOF since the last response.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0; 1];
        let mut cx = Context::from_waker(Waker::noop());
        let read = poll_fn(|cx| Pin::new(&mut self.socket).poll_read(cx, &mut ReadBuf::new(&mut byte)));
        // Unconstrained: once a task has used up tokio's cooperative budget, every poll is pending, and a closed connection
        // would look open.
        self.rest.is_empty() && pin!(unconstrained(read)).poll(&mut cx).is_pending()
    }

    /// Sends a request and reads the head of the response; the caller reads the body.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        mut self,
        request: &EncodedRequest<'_>,
        mut decoder: ResponseDecoder,
        pool: Arc<IdleConnections<Self>>,
    ) -> Result<(Response<()>, H1Body), CallFailure> {
        self.heard = false;
        let mut sending = Sending { first: &request.first, rest: request.rest };
        let early = match poll_fn(|cx| sending.poll(&mut self, &mut decoder, cx)).await {
            Ok(early) => early,
            // The server may have answered (413, for one) before it had the whole request, and closed its side.
            Err(error) => match poll_fn(|cx| self.poll_head(&mut decoder, cx)).await {
                Ok(answer) => Some(answer),
                Err(_) => {
                    return Err(CallFailure {
                        again: Some(Retryable { decoder, sent: false }),
                        why: error.to_string(),
                    });
                }
            },
        };
        let sent = clock::now();
        let pool = early.is_none().then_some(pool);
        let answer = match early {
            Some(answer) => answer,
            None => match poll_fn(|cx| self.poll_head(&mut decoder, cx)).await {
                Ok(answer) => answer,
                Err(why) => {
                    let late = !self.heard && clock::now().saturating_duration_since(sent) < LATE;
                    return Err(CallFailure { again: late.then_some(Retryable { decoder, sent: true }), why });
                }
            },
        };
        Ok((answer, H1Body { connection: Some(self), decoder, pool, reads: 0 }))
    }

    /// Reads until the head of the response is complete.
    fn poll_head(&mut self, decoder: &mut ResponseDecoder, cx: &mut Context<'_>) -> Poll<Result<Response<()>, String>> {
        loop {
            if !self.rest.is_empty() {
                let (read, head) = decoder.head(&self.rest)?;
                self.rest.drain(..read);
                if let Some(head) = head {
                    return Poll::Ready(Ok(head));
                }
            }
            if ready!(self.poll_more(cx)).map_err(|error| error.to_string())? == 0 {
                return Poll::Ready(Err("the connection was closed before there was an answer".to_owned()));
            }
        }
    }

    /// Reads more bytes into `rest`; 0 at the end of the connection.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = ReadBuffers::take();
        let polled = poll_read(&mut self.socket, &mut scratch.raw, cx);
        if let Poll::Ready(Ok(read)) = &polled {
            self.heard |= *read > 0;
            self.rest.extend_from_slice(scratch.raw.upto(*read));
        }
        scratch.give_back();
        polled
    }
}

fn poll_read(socket: &mut Socket, into: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(into);
    Pin::new(socket).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
}

impl Sending<'_> {
    /// Sends the request; stops early, with the head, when a response arrives before it is sent whole.
    fn poll(
        &mut self,
        connection: &mut H1Connection,
        decoder: &mut ResponseDecoder,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Response<()>>>> {
        while !(self.first.is_empty() && self.rest.is_empty()) {
            let socket = Pin::new(&mut connection.socket);
            let written = match (self.first, self.rest) {
                (one, []) | ([], one) => socket.poll_write(cx, one),
                (first, rest) => socket.poll_write_vectored(cx, &[IoSlice::new(first), IoSlice::new(rest)]),
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => self.advance(written?),
                Poll::Pending => return connection.poll_head(decoder, cx).map_err(io::Error::other).map_ok(Some),
            }
        }
        Pin::new(&mut connection.socket).poll_flush(cx).map_ok(|()| None)
    }

    fn advance(&mut self, written: usize) {
        let of_first = written.min(self.first.len());
        self.first = self.first.behind(of_first);
        self.rest = self.rest.behind(written - of_first);
    }
}

impl H1Body {
    /// Reads more of the body and hands it to `show`; `None` at the end of the body.
    ///
    /// # Errors
    /// The connection broke before the body was whole, or what came is no body.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        show: &mut dyn FnMut(&[u8]),
    ) -> Poll<Option<Result<(), String>>> {
        let mut scratch = ReadBuffers::take();
        let polled = self.poll_through(&mut scratch, cx, show);
        scratch.give_back();
        if !matches!(polled, Poll::Pending | Poll::Ready(Some(Ok(())))) {
            self.return_to_pool();
        }
        polled
    }

    fn poll_through(
        &mut self,
        scratch: &mut ReadBuffers,
        cx: &mut Context<'_>,
        show: &mut dyn FnMut(&[u8]),
    ) -> Poll<Option<Result<(), String>>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
        let mut given = match connection.rest.is_empty() {
            true => 0,
            false => connection.understand(&mut self.decoder, &mut scratch.body)?,
        };
        while given == 0 && !self.decoder.is_over() {
            let read =
                ready!(poll_read(&mut connection.socket, &mut scratch.raw, cx)).map_err(|error| error.to_string())?;
            if read == 0 {
                return Poll::Ready(match self.decoder.ends_with_the_connection() {
                    true => None,
                    false => Some(Err("the connection was closed in the middle of the answer".to_owned())),
                });
            }
            self.reads = self.reads.saturating_add(1);
            if self.reads == PAIRS_FROM && connection.in_pairs {
                connection.socket.acknowledge_in_pairs(true);
            }
            let raw = scratch.raw.upto(read);
            given = if connection.rest.is_empty() {
                let (used, given) = self.decoder.body(raw, &mut scratch.body)?;
                connection.rest.extend_from_slice(raw.behind(used));
                given
            } else {
                connection.rest.extend_from_slice(raw);
                connection.understand(&mut self.decoder, &mut scratch.body)?
            };
        }
        if given == 0 {
            return Poll::Ready(None);
        }
        show(scratch.body.upto(given));
        Poll::Ready(Some(Ok(())))
    }

    /// Returns the connection to its pool, if it can carry another call.
    fn return_to_pool(&mut self) {
        if let (Some(connection), Some(pool)) = (self.connection.take(), self.pool.take())
            && self.decoder.keeps_the_connection()
            && connection.rest.is_empty()
            && !connection.is_old(clock::now())
        {
            if self.reads >= PAIRS_FROM && connection.in_pairs {
                connection.socket.acknowledge_in_pairs(false);
            }
            pool.put(connection);
        }
    }
}
