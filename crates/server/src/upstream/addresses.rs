//! Happy Eyeballs: connects to the addresses of a name one after the other, each a head start after the one before.

use http::Uri;
use socket2::{SockRef, TcpKeepalive};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A model may think for minutes without a byte; a peer that vanished is found by TCP's own probes.
pub(super) const TCP_KEEPALIVE: Duration = Duration::from_secs(45);
/// The delay before the next address is tried beside the one before. Source: RFC 8305 (Happy Eyeballs), 5.
const HEAD_START: Duration = Duration::from_millis(250);

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// A connection to the host of a URL. It does not watch the `limit` itself, but begins with the last address in time.
///
/// # Errors
/// The name has no address, or none of them takes a connection: what the first one said.
pub(super) async fn connect(to: &Uri, limit: Duration) -> io::Result<TcpStream> {
    let host = bare_host(to);
    let addresses: Vec<SocketAddr> = lookup_host((host, port(to))).await?.collect();
    let connected = first(&interleaved(addresses), limit).await?;
    if let Err(error) = prepare(&connected) {
        tracing::warn!(%error, host, "a connection to a backend was not set up as it should be");
    }
    Ok(connected)
}

/// The host of a URL; an address of IPv6 without its brackets.
pub(super) fn bare_host(of: &Uri) -> &str {
    let host = of.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The port of a URL, or its scheme's.
pub(super) fn port(of: &Uri) -> u16 {
    of.port_u16().unwrap_or_else(|| if of.scheme_str() == Some("https") { 443 } else { 80 })
}

/// Addresses of IPv6 and IPv4 by turns, in the system's order otherwise, so that a network that lacks one of the two costs
/// one head start only. Source: RFC 8305, 4.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let of_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == of_first);
    let shorter = one.len().min(other.len());
    let (more_of_one, more_of_other) = (one.split_off(shorter), other.split_off(shorter));
    let pairs = one.into_iter().zip(other).flat_map(<[SocketAddr; 2]>::from);
    pairs.chain(more_of_one).chain(more_of_other).collect()
}

/// Races connections and returns the first that is established. An address is tried when all before it have failed or had
/// their head start, which is short enough for the last one to be tried within the limit.
async fn first(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let share = u32::try_from(addresses.len()).ok().and_then(|number| limit.checked_div(number)).unwrap_or(limit);
    let mut left = addresses.iter();
    let mut trying: Vec<Connecting> = Vec::new();
    let mut failed = None;
    loop {
        match left.next() {
            Some(address) => trying.push(Box::pin(TcpStream::connect(*address))),
            None if trying.is_empty() => {
                return Err(failed.unwrap_or_else(|| io::Error::new(ErrorKind::NotFound, "the name has no address")));
            }
            None => {}
        }
        let tried = if left.len() == 0 {
            Ok(any(&mut trying).await)
        } else {
            timeout(HEAD_START.min(share), any(&mut trying)).await
        };
        match tried {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failed = failed.or(Some(error)),
            // The head start is over: this attempt goes on beside the next one.
            Err(_) => {}
        }
    }
}

/// Waits for the first connection attempt to end, and removes it.
async fn any(trying: &mut Vec<Connecting>) -> io::Result<TcpStream> {
    poll_fn(|cx| {
        for at in 0..trying.len() {
            if let Some(Poll::Ready(end)) = trying.get_mut(at).map(|connecting| connecting.as_mut().poll(cx)) {
                drop(trying.swap_remove(at));
                return Poll::Ready(end);
            }
        }
        Poll::Pending
    })
    .await
}

/// Sets `TCP_NODELAY` and TCP keep-alive.
fn prepare(connected: &TcpStream) -> io::Result<()> {
    connected.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(TCP_KEEPALIVE).with_interval(TCP_KEEPALIVE / 3).with_retries(4);
    SockRef::from(connected).set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LIMIT, blackhole};
    use super::*;
    use tokio::net::TcpListener;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Nobody listens there.
    async fn dead() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[test]
    fn both_families_by_turns_in_their_order() {
        for (given, tried) in [
            (
                &["[::1]:1", "[::2]:1", "1.0.0.1:1", "1.0.0.2:1"][..],
                &["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1"][..],
            ),
            (&["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "[::1]:1"], &["1.0.0.1:1", "[::1]:1", "1.0.0.2:1", "1.0.0.3:1"]),
            (&["[::1]:1", "1.0.0.1:1", "1.0.0.2:1"], &["[::1]:1", "1.0.0.1:1", "1.0.0.2:1"]),
            (&["1.0.0.2:1", "1.0.0.1:1"], &["1.0.0.2:1", "1.0.0.1:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(addresses(given)), addresses(tried));
        }
    }

    #[tokio::test]
    async fn the_first_one_that_answers_is_taken_whatever_the_others_do() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap();
        let (silent, _sockets) = blackhole();
        let refusing = dead().await;
        for order in [&[refusing, live][..], &[silent, live], &[silent, refusing, silent, live], &[live, silent]] {
            let connected = timeout(LIMIT / 10, first(order, LIMIT)).await.unwrap().unwrap();
            assert_eq!(connected.peer_addr().unwrap(), live, "{order:?}");
        }
        // Within a short limit each has its share.
        let shared = timeout(HEAD_START, first(&[silent, silent, silent, live], HEAD_START)).await;
        assert_eq!(shared.unwrap().unwrap().peer_addr().unwrap(), live);
    }

    #[tokio::test]
    async fn when_none_answers_the_first_refusal_is_told_or_nothing_in_time() {
        let (silent, _sockets) = blackhole();
        let refused = first(&[dead().await, dead().await], LIMIT).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(timeout(HEAD_START, first(&[dead().await, silent], HEAD_START)).await.is_err());
        assert_eq!(first(&[], LIMIT).await.unwrap_err().to_string(), "the name has no address");
    }

    #[tokio::test]
    async fn a_name_with_a_dead_and_a_live_address_is_reached() {
        let found: Vec<SocketAddr> = lookup_host(("localhost", 0)).await.unwrap().collect();
        for address in &found {
            let listener = TcpListener::bind(address).await.unwrap();
            let live = listener.local_addr().unwrap();
            let uri = format!("http://localhost:{}/", live.port()).parse().unwrap();
            assert_eq!(connect(&uri, LIMIT).await.unwrap().peer_addr().unwrap(), live, "of {found:?}");
        }
        let numbered = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let uri = format!("https://{numbered}").parse().unwrap();
        assert_eq!((bare_host(&uri), port(&uri)), ("127.0.0.1", numbered.port()));
    }

    #[test]
    fn hosts_and_ports() {
        for (uri, expected) in [
            ("https://h/", ("h", 443)),
            ("http://h/", ("h", 80)),
            ("http://[::1]:9/", ("::1", 9)),
            ("https://[::1]/", ("::1", 443)),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!((bare_host(&uri), port(&uri)), expected);
        }
    }
}
