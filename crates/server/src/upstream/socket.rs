//! The connector: name lookup, TCP, a proxy's tunnel and TLS to a backend, all within one connect timeout.

use super::addresses::{self, bare_host, port};
use super::h1_codec;
use super::proxy::{Proxies, Proxy, Route};
use crate::tls::{self, Authorities};
use anyhow::Context as _;
use aquifer_aws::Environment;
use aquifer_gateway::config::Service;
use aquifer_gateway::translate::fault::Unreachable;
use http::Uri;
use rustls::client::ClientConfig;
use rustls_pki_types::ServerName;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The default connect timeout, name lookup and TLS handshake included.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// Establishes connections to one backend.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: TlsConnector,
    /// The name that the backend's certificate must bear, when it is not the URL's host.
    name: Option<ServerName<'static>>,
    http2: bool,
    proxies: Proxies,
    /// The route to the endpoint, direct or by proxy: known with the first call, because the region is.
    route: OnceLock<std::result::Result<Route, String>>,
}

/// A connection in clear or over TLS; what TLS holds stands elsewhere, so that a connection in clear is small. Through a
/// proxy that is spoken to over TLS there is one inside the other.
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<Self>>),
}

impl Connector {
    /// For one backend: its authorities, the name its certificate must bear, its version of HTTP, its proxy. `like` is a
    /// URL as those that it is called with.
    ///
    /// # Errors
    /// The authorities, the name or the variable of its proxy cannot be used.
    pub(super) fn new(service: &Service, environment: &Environment, like: &str) -> anyhow::Result<Self> {
        let authorities = match &service.tls_ca_pem {
            Some(pem) => Authorities::Own(pem),
            None if like.starts_with("http:") => Authorities::Nobody,
            None => Authorities::System,
        };
        let name = service.tls_hostname.clone().map(ServerName::try_from).transpose();
        let name = name.context("the TLS host name is not one")?;
        let mut config = tls::client(&authorities)?;
        if service.http2 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let tls = TlsConnector::from(Arc::new(config));
        let proxies = Proxies::read(environment);
        if let Ok(like) = like.parse() {
            proxies.route(&like, service.http2).map_err(anyhow::Error::msg)?;
        }
        Ok(Self { tls, name, http2: service.http2, proxies, route: OnceLock::new() })
    }

    /// For a server that is not a backend: its TLS configuration, its version of HTTP, its proxy.
    ///
    /// # Errors
    /// The variable of its proxy cannot be used.
    pub(crate) fn with_tls(
        config: ClientConfig,
        http2: bool,
        environment: &Environment,
        like: &Uri,
    ) -> anyhow::Result<Self> {
        let proxies = Proxies::read(environment);
        proxies.route(like, http2).map_err(anyhow::Error::msg)?;
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { tls, name: None, http2, proxies, route: OnceLock::new() })
    }

    /// The proxy that is asked for the URLs of the endpoint, when there is one.
    ///
    /// # Errors
    /// The variable that names the proxy is wrong.
    pub(crate) fn forwarding(&self, to: &Uri) -> std::result::Result<Option<&Proxy>, Unreachable> {
        match self.route(to) {
            Ok(Route::Forwarded(proxy)) => Ok(Some(proxy)),
            Ok(Route::Direct | Route::Tunnelled(_)) => Ok(None),
            Err(why) => Err(Unreachable::Connect(format!("{}: {why}", host(to)))),
        }
    }

    fn route(&self, to: &Uri) -> std::result::Result<&Route, &str> {
        let route = self.route.get_or_init(|| {
            let route = self.proxies.route(to, self.http2);
            if let Ok(Route::Forwarded(proxy) | Route::Tunnelled(proxy)) = &route {
                tracing::info!(endpoint = host(to), "it is called through {proxy}");
            }
            route
        });
        route.as_ref().map_err(String::as_str)
    }

    /// A new connection to where the URL says, within this time.
    ///
    /// # Errors
    /// There is none, or not in time.
    pub(crate) async fn connect(&self, to: &Uri, limit: Duration) -> std::result::Result<Socket, Unreachable> {
        // Boxed, because the future of every call would be as large as that of a handshake.
        match timeout(limit, Box::pin(self.connected(to, limit))).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) if error.kind() != ErrorKind::TimedOut => {
                Err(Unreachable::Connect(format!("{}: {error}", host(to))))
            }
            Ok(Err(_)) | Err(_) => Err(self.late(to, limit)),
        }
    }

    /// The error of a connection that was not established in time. With a shorter connect timeout than the default it can
    /// be retried elsewhere.
    pub(super) fn late(&self, to: &Uri, limit: Duration) -> Unreachable {
        let what = match self.route(to) {
            Ok(Route::Forwarded(proxy) | Route::Tunnelled(proxy)) => {
                format!("{} through {proxy}: no connection in {limit:?}", host(to))
            }
            Ok(Route::Direct) | Err(_) => format!("{}: no connection in {limit:?}", host(to)),
        };
        if limit < CONNECT { Unreachable::Stalled(what) } else { Unreachable::Timeout(what) }
    }

    async fn connected(&self, to: &Uri, limit: Duration) -> Result<Socket> {
        let socket = match self.route(to).map_err(Error::other)? {
            Route::Direct => Socket::Plain(addresses::connect(to, limit).await?),
            Route::Forwarded(proxy) => proxy_socket(proxy, limit).await.map_err(by(proxy))?,
            Route::Tunnelled(proxy) => tunnel(proxy, to, limit).await.map_err(by(proxy))?,
        };
        match to.scheme_str() {
            Some("https") => over_tls(&self.tls, self.name.clone().map_or_else(|| named(to), Ok)?, socket).await,
            _ => Ok(socket),
        }
    }
}

/// Connects to a proxy.
async fn proxy_socket(proxy: &Proxy, limit: Duration) -> Result<Socket> {
    let socket = Socket::Plain(addresses::connect(&proxy.uri, limit).await?);
    match &proxy.tls {
        Some(tls) => over_tls(tls, named(&proxy.uri)?, socket).await,
        None => Ok(socket),
    }
}

/// Opens a tunnel (`CONNECT`) through a proxy. Nothing behind the head of the proxy's answer is read: those bytes are the
/// backend's.
async fn tunnel(proxy: &Proxy, to: &Uri, limit: Duration) -> Result<Socket> {
    let mut socket = proxy_socket(proxy, limit).await?;
    let place = format!("{}:{}", to.host().unwrap_or_default(), port(to));
    socket.write_all(&h1_codec::encode_connect(&place, proxy.authorization.as_ref())).await?;
    socket.flush().await?;
    let mut head = Vec::new();
    loop {
        let byte = match socket.read_u8().await {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(Error::new(
                    error.kind(),
                    "the connection was closed before there was an answer to CONNECT",
                ));
            }
            read => read?,
        };
        head.push(byte);
        if byte != b'\n' && head.len() < h1_codec::LONGEST_TUNNEL_HEAD {
            continue;
        }
        match h1_codec::decode_connect(&head)
            .map_err(|why| Error::other(format!("its answer to CONNECT is none: {why}")))?
        {
            Some(status) if status.is_success() => return Ok(socket),
            Some(status) => return Err(Error::other(proxy.refusal(status))),
            None => {}
        }
    }
}

/// Puts the proxy's name in front of an I/O error.
fn by(proxy: &Proxy) -> impl Fn(Error) -> Error {
    move |error| Error::new(error.kind(), format!("{proxy}: {error}"))
}

/// The TLS server name of a URL's host.
fn named(of: &Uri) -> Result<ServerName<'static>> {
    let name = ServerName::try_from(bare_host(of).to_owned());
    name.map_err(|_| Error::new(ErrorKind::InvalidInput, "no certificate can bear the name of the host"))
}

async fn over_tls(tls: &TlsConnector, name: ServerName<'static>, socket: Socket) -> Result<Socket> {
    Ok(Socket::Tls(Box::new(tls.connect(name, socket).await?)))
}

/// Host and port as in the URL, without a user and a password.
pub(super) fn host(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default()
}

impl Socket {
    /// Switches between delayed TCP acknowledgements, one for two segments (RFC 1122), and immediate ones: delayed ones
    /// save a packet for each pair. Where the other end waits for an acknowledgement before it sends more, the system sends
    /// it after 40 ms, and acknowledges each part at once from then on (Linux, tcp(7):
    /// `TCP_QUICKACK` is not permanent).
    pub(super) fn acknowledge_in_pairs(&self, pairs: bool) {
        match self {
            Self::Plain(plain) => {
                #[cfg(target_os = "linux")]
                if let Err(error) = plain.set_quickack(!pairs) {
                    tracing::debug!(%error, pairs, "how parts of an answer are acknowledged was not set");
                }
                #[cfg(not(target_os = "linux"))]
                let _ = (plain, pairs);
            }
            Self::Tls(tls) => tls.get_ref().0.acknowledge_in_pairs(pairs),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, into),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
