//! The listener: accepts a bounded number of connections, detects TLS and the HTTP version, and shuts down gracefully.
//!
//! ```text
//!  accept ─► permit ─► worker ─┬─ clear ─► peek: HTTP/2 preface? ─┬─ no ──► hyper http1 ─┐
//!                              │                                  └─ yes ─► hyper auto ──┤
//!                              └─ TLS ───► ALPN ──────────────────┬─ http/1.1 ► http1 ───┼─► ManagedConnection
//!                                                                 └─ h2, none ► auto ────┘
//! ```

use crate::client::admission::ConnectionInfo;
use crate::client::coalesce::{ClientSocket, CoalescingIo};
use crate::client::connection::ConnectionState;
use crate::client::connection_limit::{ConnectionLimit, ConnectionPermit};
use crate::client::graceful::{GRACE, ManagedConnection};
use crate::client::http;
use crate::client::stream_executor::StreamExecutor;
use crate::host::Host;
use crate::process::workers::Workers;
use ::http::{Request, Version};
use aquifer_gateway::record::RequestSource;
use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The timeout of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed accept (no file descriptors left, for one).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// The interval of HTTP/2 keep-alive pings.
const PING: Duration = Duration::from_secs(20);

/// The largest head of a request, and how much of an answer is held for a client that does not take it.
const BUFFER: usize = 64 << 10;
/// The idle time before TCP keep-alive probes.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// `TCP_USER_TIMEOUT`: unacknowledged data for this long ends the connection.
const STALLED: Duration = Duration::from_secs(600);

/// A listener's certificate, which a new configuration may replace.
pub(crate) type Certificate = Arc<ArcSwap<ServerConfig>>;

/// A listener for clients, with what its connections are served by.
pub(crate) struct Listen {
    /// The socket.
    pub(crate) listener: TcpListener,
    /// Its certificate, when it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The port of the configuration's listeners; `None`: an address of the command line.
    pub(crate) port: Option<u16>,
    /// The state that all requests share.
    pub(crate) host: Arc<Host>,
    /// The workers that serve its connections.
    pub(crate) workers: Arc<Workers>,
    /// The limit of open connections.
    pub(crate) connections: Arc<ConnectionLimit>,
}

/// An accepted connection, with what it is served by.
struct Client {
    arrived: ConnectionInfo,
    host: Arc<Host>,
    workers: Arc<Workers>,
    /// The number of its worker.
    home: usize,
    connection_state: Arc<ConnectionState>,
    stop: watch::Receiver<bool>,
}

/// Accepts connections until `stop`, then shuts them down gracefully and waits for their end.
pub(crate) async fn serve(listen: Listen, mut stop: watch::Receiver<bool>) {
    let (ask, asked) = watch::channel(false);
    let loopback = listen.listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    loop {
        let stream = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listen.listener, &listen.connections) => accepted,
        };
        let Some((stream, permit)) = stream else { break };
        let client = Client {
            arrived: ConnectionInfo {
                port: listen.port,
                peer: stream.peer_addr().ok().map(|peer| peer.ip()),
                loopback,
                sni: None,
                source: RequestSource::Client,
            },
            host: Arc::clone(&listen.host),
            workers: Arc::clone(&listen.workers),
            home: 0,
            connection_state: ConnectionState::new(listen.host.limits.client_idle),
            stop: asked.clone(),
        };
        let certificate = listen.certificate.clone();
        listen.workers.serve(|counted| async move {
            let client = Client { home: counted.worker, ..client };
            match here(stream) {
                Ok(stream) => connection(stream, certificate, client).await,
                Err(error) => tracing::warn!(%error, "a client was not taken over"),
            }
            drop((permit, counted));
        });
    }
    drop((listen, asked));
    ask.send_replace(true);
    ask.closed().await;
}

/// Registers a socket with this worker's runtime instead of the one that accepted it.
fn here(stream: TcpStream) -> std::io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?)
}

/// Accepts the next client, once the connection limit permits it.
async fn accept(listener: &TcpListener, connections: &Arc<ConnectionLimit>) -> Option<(TcpStream, ConnectionPermit)> {
    let permit = connections.wait().await?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => match connections.admit(address.ip()) {
                Some(place) => return Some((stream, ConnectionPermit { _permit: permit, _place: place })),
                None => tracing::debug!(%address, "an address has as many connections as it may"),
            },
            Err(error) => {
                tracing::warn!(%error, "a client was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, certificate: Option<Certificate>, mut client: Client) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "a client's socket was not set up");
    }
    let Some(certificate) = certificate else {
        let patience = client.host.limits.header_timeout;
        return match begun(says_http1(&stream), patience, &mut client.stop).await {
            Some(true) => speak_http1(stream, client).await,
            Some(false) => Box::pin(speak(stream, client)).await,
            None => tracing::debug!("a client connected and asked nothing"),
        };
    };
    // Boxed, because TLS state is large, and the future of a connection in clear would be as large.
    Box::pin(over_tls(stream, certificate.load_full(), client)).await;
}

/// Waits for a connection's first bytes or TLS handshake; `None` after the timeout, or when the process ends.
async fn begun<T>(begin: impl Future<Output = T>, patience: Duration, stop: &mut watch::Receiver<bool>) -> Option<T> {
    let end = async {
        drop(stop.wait_for(|stop| *stop).await);
        // A request that is already on its way may still begin.
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        begun = tokio::time::timeout(patience, begin) => begun.ok(),
        () = end => None,
    }
}

async fn over_tls(stream: TcpStream, certificate: Arc<ServerConfig>, mut client: Client) {
    let handshake = TlsAcceptor::from(certificate).accept(stream);
    match begun(handshake, HANDSHAKE_TIMEOUT, &mut client.stop).await {
        Some(Ok(stream)) => {
            let session = stream.get_ref().1;
            // The configuration's listeners of one port differ by hostname (SNI).
            client.arrived.sni = session.server_name().map(str::to_owned).filter(|_| client.arrived.port.is_some());
            match session.alpn_protocol() {
                Some(b"http/1.1") => speak_http1(stream, client).await,
                _ => Box::pin(speak(stream, client)).await,
            }
        }
        Some(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        None => tracing::debug!("a TLS handshake took too long"),
    }
}

/// The connection preface of HTTP/2 with prior knowledge (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the first bytes rule out the HTTP/2 preface. They are peeked, so that hyper still reads them; a client whose
/// first segment is a part of the preface is left to hyper's own detection.
async fn says_http1(stream: &TcpStream) -> bool {
    let mut first = [0; PREFACE.len()];
    let seen = stream.peek(&mut first).await.unwrap_or_default();
    !PREFACE.starts_with(&first[..seen])
}

/// Sets `TCP_NODELAY`, TCP keep-alive and `TCP_USER_TIMEOUT`.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 4))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED))?;
    Ok(())
}

/// Serves HTTP/1.1 with hyper's own server, which is smaller per connection than one that detects the version.
async fn speak_http1(stream: impl ClientSocket, client: Client) {
    let Client { arrived, host, connection_state, stop, .. } = client;
    let limits = host.limits;
    let (arrived, of_connection) = (Arc::new(arrived), Arc::clone(&connection_state));
    let service = service_fn(move |request: Request<Incoming>| {
        http::answer(Arc::clone(&host), Arc::clone(&arrived), of_connection.begin_request(limits.client_idle), request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(BUFFER);
    let stream = TokioIo::new(CoalescingIo::new(stream, Arc::clone(&connection_state)));
    let connection = builder.serve_connection(stream, service);
    ended(ManagedConnection::new(connection, connection_state, stop, &limits).await);
}

fn ended(ended: Result<(), impl std::fmt::Display>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Serves HTTP/2, or HTTP/1.1 when the preface does not come.
async fn speak(stream: impl ClientSocket, client: Client) {
    let Client { arrived, host, workers, home, connection_state, stop } = client;
    let limits = host.limits;
    let spread = StreamExecutor { workers, home, connection_state: Arc::clone(&connection_state) };
    let mut builder = auto::Builder::new(spread);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(BUFFER);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).max_header_list_size(BUFFER as u32);
    builder.http2().max_send_buf_size(BUFFER).adaptive_window(true);
    let (arrived, of_connection) = (Arc::new(arrived), Arc::clone(&connection_state));
    let service = service_fn(move |request: Request<Incoming>| {
        let idle = limits.client_idle;
        let by_stream = request.version() == Version::HTTP_2;
        let visit =
            if by_stream { of_connection.begin_stream_request(idle) } else { of_connection.begin_request(idle) };
        http::answer(Arc::clone(&host), Arc::clone(&arrived), visit, request)
    });
    let stream = TokioIo::new(CoalescingIo::new(stream, Arc::clone(&connection_state)));
    let connection = builder.serve_connection(stream, service).into_owned();
    ended(ManagedConnection::new(connection, connection_state, stop, &limits).until_idle(&limits).await);
}
