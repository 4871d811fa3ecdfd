//! The I/O of a client connection under hyper: coalesces small writes, and detects clients that left or stopped reading.
//!
//! Copying small buffers into one costs less than a vectored write of them. hyper notices a client that left only while it
//! has buffered no byte of a further request, and has no write timeout: both are done here.
//!
//! ```text
//!  writes:  flushed ── write ──► pending ── socket full ──► stuck ── DeliveryDeadline passed ──► TimedOut
//!              ▲                    │                          │
//!              └─── flush done ◄────┴────── socket writable ◄──┘
//!
//!  reads, while an answer is awaited:  EOF (half-closed) ── HALF_CLOSED_GRACE ──► the connection ends
//! ```

use crate::client::connection::ConnectionState;
use crate::process::clock;
use std::cell::RefCell;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::time::{Instant as TimerInstant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

/// The size of the write buffer: larger writes are vectored.
const WRITE_BUFFER_BYTES: usize = 16 << 10;
/// The interval at which a client that has pipelined a further request is checked for liveness.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of pipelined requests that may wait unread: behind more of them an EOF would not be seen.
const LARGEST_PIPELINE: usize = 64 << 10;
/// The time that a client which has shut down its side (half-closed) gets for its answer: most of them have left.
const HALF_CLOSED_GRACE: Duration = Duration::from_secs(1);

thread_local! {
    /// The write buffer of a thread, shared by its connections, so that an idle connection holds none.
    static WRITE_BUFFER: RefCell<[u8; WRITE_BUFFER_BYTES]> = const { RefCell::new([0; WRITE_BUFFER_BYTES]) };
}

/// A client's byte stream: TCP, or TLS over TCP.
pub(crate) trait ClientSocket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The TCP socket beneath.
    fn tcp(&self) -> &TcpStream;
}

impl ClientSocket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl ClientSocket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A client's byte stream with write coalescing, a write timeout, and detection of clients that left.
pub(crate) struct CoalescingIo<S> {
    socket: S,
    connection_state: Arc<ConnectionState>,
    /// A read is pending: hyper will be woken by the client's next byte or EOF itself.
    reading: bool,
    /// When the client's EOF was seen first.
    ended: Option<Instant>,
    /// Since when the socket's send buffer is full.
    stuck: Option<Instant>,
    /// The timer of the write timeout and of liveness checks; none is made for connections that need neither.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S: ClientSocket> CoalescingIo<S> {
    /// Wraps the byte stream of a connection.
    pub(crate) fn new(socket: S, connection_state: Arc<ConnectionState>) -> Self {
        Self { socket, connection_state, reading: false, ended: None, stuck: None, timer: None }
    }

    /// Applies the write timeout to the result of a write.
    fn written<T>(&mut self, cx: &mut Context<'_>, polled: Poll<Result<T>>) -> Poll<Result<T>> {
        if polled.is_ready() {
            self.stuck = None;
            return polled;
        }
        let since = *self.stuck.get_or_insert_with(clock::now);
        let until = TimerInstant::from_std(self.connection_state.delivery().deadline_after(since));
        ready!(self.poll_timer(cx, until));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }

    /// Checks from time to time whether the client is still connected, while no read would report its EOF.
    fn check_liveness(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.reading || !self.connection_state.is_awaited() {
            return Ok(());
        }
        let left = Err(Error::new(ErrorKind::ConnectionReset, "the client left before its answer"));
        loop {
            let ready = self.ready();
            if ready.is_error() || ready.is_read_closed() && self.has_left() || self.is_far_ahead(cx) {
                return left;
            }
            let next = self.timer.as_ref().map(|timer| timer.deadline());
            let next = next
                .filter(|next| *next > TimerInstant::now())
                .unwrap_or_else(|| TimerInstant::now() + LIVENESS_INTERVAL);
            if self.poll_timer(cx, next.min(TimerInstant::now() + LIVENESS_INTERVAL)).is_pending() {
                return Ok(());
            }
        }
    }

    /// The readiness of the socket (error, EOF), whatever is unread before it.
    fn ready(&self) -> Ready {
        let ready = pin!(self.socket.tcp().ready(Interest::READABLE | Interest::ERROR));
        match ready.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ready) => ready.unwrap_or(Ready::ERROR),
            Poll::Pending => Ready::EMPTY,
        }
    }

    /// Whether the client has pipelined more than may wait unread.
    fn is_far_ahead(&self, cx: &mut Context<'_>) -> bool {
        let mut unread = vec![0; LARGEST_PIPELINE];
        let mut unread = ReadBuf::new(&mut unread);
        let peeked = self.socket.tcp().poll_peek(cx, &mut unread);
        matches!(peeked, Poll::Ready(Ok(read)) if read >= LARGEST_PIPELINE)
    }

    /// Whether the grace of a half-closed client is over.
    fn has_left(&mut self) -> bool {
        let now = clock::now();
        *self.ended.get_or_insert(now) + HALF_CLOSED_GRACE <= now
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, until: TimerInstant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx)
    }

    /// Holds a client's EOF back from hyper while an answer is awaited, since hyper would drop the request at once.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.connection_state.is_awaited() && !self.ready().is_error() && !self.has_left() {
            let since = self.ended.unwrap_or_else(clock::now);
            ready!(self.poll_timer(cx, TimerInstant::from_std(since + HALF_CLOSED_GRACE)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: ClientSocket> AsyncRead for CoalescingIo<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = into.filled().len();
        let mut polled = Pin::new(&mut self.socket).poll_read(cx, into);
        if matches!(polled, Poll::Ready(Ok(()))) && into.filled().len() == before {
            polled = self.linger(cx);
        }
        self.reading = polled.is_pending();
        polled
    }
}

impl<S: ClientSocket> AsyncWrite for CoalescingIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.connection_state.set_flushed(false);
        let polled = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.written(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.connection_state.set_flushed(false);
        let polled = write_coalesced(Pin::new(&mut self.socket), cx, slices);
        self.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(cx);
        ready!(self.written(cx, polled))?;
        self.connection_state.set_flushed(true);
        Poll::Ready(self.check_liveness(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.written(cx, polled)
    }
}

/// Writes slices that fit into the write buffer as one, and others vectored.
fn write_coalesced<S: AsyncWrite>(
    socket: Pin<&mut S>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<Result<usize>> {
    match slices {
        [one] => socket.poll_write(cx, one),
        _ => WRITE_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => match copy_into(slices, &mut buffer[..]) {
                Some(coalesced) => socket.poll_write(cx, coalesced),
                None => socket.poll_write_vectored(cx, slices),
            },
            Err(_) => socket.poll_write_vectored(cx, slices),
        }),
    }
}

/// Copies slices into one buffer; `None` when they do not fit.
fn copy_into<'r>(slices: &[IoSlice<'_>], room: &'r mut [u8]) -> Option<&'r [u8]> {
    let mut filled = 0;
    for slice in slices {
        room.get_mut(filled..filled + slice.len())?.copy_from_slice(slice);
        filled += slice.len();
    }
    room.get(..filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

    async fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let (near, mut far) = duplex(64);
        let written: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        tokio::spawn(async move {
            let mut near: DuplexStream = near;
            let mut rest: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
            while !rest.is_empty() {
                let slices: Vec<IoSlice<'_>> = rest.iter().map(|piece| IoSlice::new(piece)).collect();
                let mut taken = poll_fn(|cx| write_coalesced(Pin::new(&mut near), cx, &slices)).await.unwrap();
                while let Some(first) = rest.first_mut() {
                    let of_first = taken.min(first.len());
                    *first = &first[of_first..];
                    taken -= of_first;
                    if !first.is_empty() {
                        break;
                    }
                    rest.remove(0);
                }
            }
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn what_is_joined_arrives_as_it_was() {
        let (small, large) = ([b'x'; 100], vec![b'y'; WRITE_BUFFER_BYTES]);
        for pieces in [
            vec![&b"a"[..]],
            vec![b"head\r\n", b"body", b"", b"\r\n"],
            vec![&small, b"!", &small],
            vec![b"head", &large, b"tail"],
            vec![&large],
        ] {
            assert_eq!(through(&pieces).await, pieces.concat());
        }
    }

    #[test]
    fn there_is_room_for_so_much_and_no_more() {
        let mut room = [0; 4];
        assert_eq!(copy_into(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")], &mut room), Some(&b"abcd"[..]));
        assert_eq!(copy_into(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")], &mut room), None);
    }
}
