//! One call over one connection in HTTP/1.1, driven by whoever waits for it: no task and no buffer of its own.

use super::Connections;
use super::h1_codec::ResponseDecoder;
use super::h1_pool::H1Pool;
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

/// How much is read at once.
const READ_BUFFER: usize = 64 << 10;

/// From this part of a body on, parts are acknowledged to the other end in pairs. A short answer is not worth the call, and
/// nobody's first words are to wait for it.
const PAIRS_FROM: u32 = 8;

/// What every read of a thread goes through, so that a call that waits holds nothing.
struct ReadBuffers {
    raw: Box<[u8]>,
    body: Box<[u8]>,
}

thread_local! {
    static READ_BUFFERS: Cell<Option<ReadBuffers>> = const { Cell::new(None) };
}

/// A connection that ends so soon after a request, and without a word, was closed before the request came: nobody can
/// have worked on it.
const LATE: Duration = Duration::from_secs(1);

/// A connection, with what came over it and was not understood yet.
pub(super) struct H1Connection {
    socket: Socket,
    rest: Vec<u8>,
    /// Something came over it since the last request.
    heard: bool,
    /// Whether parts of a long answer are acknowledged in pairs.
    in_pairs: bool,
    /// From when on it is too old for another call. `None`: never.
    old: Option<Instant>,
}

/// Why there is no answer.
pub(super) struct CallFailure {
    /// The decoder, when another connection may be tried for it.
    pub(super) again: Option<Retryable>,
    /// What happened.
    pub(super) why: String,
}

/// What another connection may be tried for.
pub(super) struct Retryable {
    pub(super) decoder: ResponseDecoder,
    /// The request was sent whole, so that it may not be sent often.
    pub(super) sent: bool,
}

/// An answer's body.
pub(crate) struct H1Body {
    connection: Option<H1Connection>,
    decoder: ResponseDecoder,
    /// Where the connection goes when the body is over; nowhere when the request was not sent whole.
    pool: Option<Arc<H1Pool>>,
    /// How often some of it was read.
    reads: u32,
}

/// What of a request is still to be sent.
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

    /// Whether no other call shall begin on it.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        self.old.is_some_and(|old| old <= now)
    }

    /// Reads the body from what was left; what it held is given back when nothing is left.
    fn understand(&mut self, decoder: &mut ResponseDecoder, into: &mut [u8]) -> Result<usize, String> {
        let (used, given) = decoder.body(&self.rest, into)?;
        match used == self.rest.len() {
            true => self.rest = Vec::new(),
            false => drop(self.rest.drain(..used)),
        }
        Ok(given)
    }

    /// Whether nothing came from the other end since the last answer, not even its end.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0; 1];
        let mut cx = Context::from_waker(Waker::noop());
        let read = poll_fn(|cx| Pin::new(&mut self.socket).poll_read(cx, &mut ReadBuf::new(&mut byte)));
        // A task that has done much is told by all that it waits for to wait, as if nothing had come.
        self.rest.is_empty() && pin!(unconstrained(read)).poll(&mut cx).is_pending()
    }

    /// Makes a call, whose bytes are these, one part after the other; the answer's body is read by the caller.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn call(
        mut self,
        (first, rest): (&[u8], &[u8]),
        mut decoder: ResponseDecoder,
        pool: Arc<H1Pool>,
    ) -> Result<(Response<()>, H1Body), CallFailure> {
        self.heard = false;
        let mut sending = Sending { first, rest };
        let early = match poll_fn(|cx| sending.poll(&mut self, &mut decoder, cx)).await {
            Ok(early) => early,
            // Who refuses a request before it is whole may have said why.
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

    /// The answer's head.
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

    /// Reads more of what is not understood yet; none at the end.
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
    /// Sends all of it, or as much as it takes until there is an answer.
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
    /// Shows more of the body, or says that it is over.
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

    /// Leaves the connection to the next call, if it can carry one.
    fn return_to_pool(&mut self) {
        if let (Some(connection), Some(pool)) = (self.connection.take(), self.pool.take())
            && self.decoder.keeps_the_connection()
            && connection.rest.is_empty()
        {
            if self.reads >= PAIRS_FROM && connection.in_pairs {
                connection.socket.acknowledge_in_pairs(false);
            }
            pool.put(connection);
        }
    }
}
