//! A client's socket whose small parts go out together from one place: that costs the system less than to gather them.

use std::cell::RefCell;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is put together.
const ROOM: usize = 16 << 10;

thread_local! {
    /// Where it is put together: one place for all sockets of a thread, so that a connection holds none.
    static DESK: RefCell<[u8; ROOM]> = const { RefCell::new([0; ROOM]) };
}

/// A socket of that kind.
pub(crate) struct Joined<S>(pub(crate) S);

impl<S: AsyncRead + Unpin> AsyncRead for Joined<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let socket = Pin::new(&mut self.0);
        match slices {
            [one] => socket.poll_write(cx, one),
            _ => DESK.with(|desk| match desk.try_borrow_mut() {
                Ok(mut desk) => match join(slices, &mut desk[..]) {
                    Some(joined) => socket.poll_write(cx, joined),
                    None => socket.poll_write_vectored(cx, slices),
                },
                Err(_) => socket.poll_write_vectored(cx, slices),
            }),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// All of them behind one another; `None` when there is not room enough.
fn join<'r>(slices: &[IoSlice<'_>], room: &'r mut [u8]) -> Option<&'r [u8]> {
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
    use tokio::io::{AsyncReadExt as _, duplex};

    async fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let (near, mut far) = duplex(64);
        let written: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        tokio::spawn(async move {
            let mut near = Joined(near);
            let mut rest: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
            while !rest.is_empty() {
                let slices: Vec<IoSlice<'_>> = rest.iter().map(|piece| IoSlice::new(piece)).collect();
                let mut taken = poll_fn(|cx| Pin::new(&mut near).poll_write_vectored(cx, &slices)).await.unwrap();
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
        let (small, large) = ([b'x'; 100], vec![b'y'; ROOM]);
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
        assert_eq!(join(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")], &mut room), Some(&b"abcd"[..]));
        assert_eq!(join(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")], &mut room), None);
    }
}
