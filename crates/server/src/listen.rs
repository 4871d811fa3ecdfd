//! Accepts clients: plain or TLS, HTTP/1.1 or HTTP/2, a bounded number at once, and ends them gracefully.

use crate::host::Host;
use crate::http;
use crate::joined::Joined;
use crate::workers::Workers;
use ::http::Request;
use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// For a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two attempts to accept while the system refuses (no file descriptors left, for one).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How often a silent HTTP/2 client is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// The largest head of a request, and how much of an answer is held for a client that does not take it.
const BUFFER: usize = 64 << 10;
/// After this long without a byte from a client its TCP is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// A client that takes nothing of what it was sent for this long is gone.
const STALLED: Duration = Duration::from_secs(600);

/// A listener's certificate, which a new configuration may replace.
pub(crate) type Certificate = Arc<ArcSwap<ServerConfig>>;

/// The port of the configuration's listeners by which a request came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CameBy(pub(crate) Option<u16>);

/// Accepts until `stop` says so, then waits for the connections to end; they are asked to.
pub(crate) async fn serve(
    listener: TcpListener,
    (certificate, port): (Option<Certificate>, Option<u16>),
    (host, workers): (Arc<Host>, Arc<Workers>),
    permits: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = stream else { break };
        let (host, certificate, watcher) = (Arc::clone(&host), certificate.clone(), graceful.watcher());
        workers.serve(|counted| async move {
            match here(stream) {
                Ok(stream) => connection(stream, (certificate, CameBy(port)), host, watcher).await,
                Err(error) => tracing::warn!(%error, "a client was not taken over"),
            }
            drop((permit, counted));
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Has a client's socket watched by this thread and no longer by the one that accepted it.
fn here(stream: TcpStream) -> std::io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?)
}

/// The next client, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, permit)),
            Err(error) => {
                tracing::warn!(%error, "a client was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    (certificate, came_by): (Option<Certificate>, CameBy),
    host: Arc<Host>,
    watcher: Watcher,
) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "a client's socket was not set up");
    }
    let Some(certificate) = certificate else {
        return match tokio::time::timeout(host.limits.header_timeout, says_http1(&stream)).await {
            Ok(true) => speak_http1(stream, came_by, host, watcher).await,
            Ok(false) => Box::pin(speak(stream, came_by, host, watcher)).await,
            Err(_) => tracing::debug!("a client connected and asked nothing"),
        };
    };
    // Apart, because what TLS holds is large, and a connection in clear would hold room for it.
    Box::pin(over_tls(stream, certificate.load_full(), came_by, host, watcher)).await;
}

async fn over_tls(
    stream: TcpStream,
    certificate: Arc<ServerConfig>,
    came_by: CameBy,
    host: Arc<Host>,
    watcher: Watcher,
) {
    let handshake = TlsAcceptor::from(certificate).accept(stream);
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
        Ok(Ok(stream)) => match stream.get_ref().1.alpn_protocol() {
            Some(b"http/1.1") => speak_http1(stream, came_by, host, watcher).await,
            _ => Box::pin(speak(stream, came_by, host, watcher)).await,
        },
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// What an HTTP/2 client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the client's first bytes, which stay unread, cannot begin HTTP/2.
async fn says_http1(stream: &TcpStream) -> bool {
    let mut first = [0; PREFACE.len()];
    let seen = stream.peek(&mut first).await.unwrap_or_default();
    !PREFACE.starts_with(&first[..seen])
}

/// Each part of an answer is sent at once; a client that vanished or stalls is noticed while nothing is sent.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 4))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED))?;
    Ok(())
}

/// Serves HTTP/1.1. That is known, so nothing is held for finding it out.
async fn speak_http1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    came_by: CameBy,
    host: Arc<Host>,
    watcher: Watcher,
) {
    let patience = host.limits.header_timeout;
    let service = service_fn(move |request: Request<Incoming>| http::answer(Arc::clone(&host), came_by, request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(BUFFER);
    let stream = TokioIo::new(Joined(stream));
    ended(watcher.watch(builder.serve_connection(stream, service)).await);
}

fn ended(ended: Result<(), impl std::fmt::Display>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Serves HTTP/2, or HTTP/1.1 when that is what comes.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    came_by: CameBy,
    host: Arc<Host>,
    watcher: Watcher,
) {
    let asked = Arc::new(AtomicBool::new(false));
    let patience = host.limits.header_timeout;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(BUFFER);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).max_header_list_size(BUFFER as u32);
    builder.http2().max_send_buf_size(BUFFER).adaptive_window(true);
    let service = service_fn({
        let asked = Arc::clone(&asked);
        move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            http::answer(Arc::clone(&host), came_by, request)
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    // Before the protocol is known, hyper's own limit for heads is not in force yet.
    let silent = async {
        tokio::time::sleep(patience).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = watcher.watch(connection) => ended(result),
        () = silent => tracing::debug!("a client connected and asked nothing"),
    }
}
