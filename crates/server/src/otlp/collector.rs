//! The connection to a collector: one at a time, kept open between exports, of HTTP/1.1 or of HTTP/2 for gRPC.

use super::export_answer::{ExportAnswer, RawAnswer};
use super::settings::{CollectorSettings, OtlpProtocol};
use crate::tls::{self, Authorities};
use crate::upstream::socket::{CONNECT, Connector};
use anyhow::Context as _;
use aquifer_aws::Environment;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::io::Write as _;
use tokio::time::timeout;

const USER_AGENT: &str = concat!("OTel-OTLP-Exporter-aquifer/", env!("CARGO_PKG_VERSION"));
/// The largest answer that is read.
const LARGEST: usize = 64 << 10;

/// Sends exports of one signal to its collector.
pub(super) struct Collector {
    pub(super) settings: CollectorSettings,
    connector: Connector,
    connection: Option<CollectorConnection>,
    headers: HeaderMap,
}

enum CollectorConnection {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

type ExportError = Box<dyn Error + Send + Sync>;

impl Collector {
    /// The collector of these settings; no connection is opened yet.
    ///
    /// # Errors
    /// The authorities, the certificate or the variable of its proxy cannot be used.
    pub(super) fn new(settings: CollectorSettings, environment: &Environment) -> anyhow::Result<Self> {
        let signal = settings.signal.word();
        let is_grpc = settings.protocol == OtlpProtocol::Grpc;
        let authorities = match &settings.authorities {
            Some(pem) => Authorities::Own(pem),
            None if settings.url.scheme_str() == Some("http") => Authorities::Nobody,
            None => Authorities::System,
        };
        let mut config = tls::client_with(&authorities, settings.identity.as_ref())
            .with_context(|| format!("the certificates for the export of {signal}"))?;
        config.alpn_protocols = vec![if is_grpc { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let connector = Connector::with_tls(config, is_grpc, environment, &settings.url)?;
        let headers = headers(&settings);
        Ok(Self { settings, connector, connection: None, headers })
    }

    /// Sends one export, and reads the answer.
    pub(super) async fn export(&mut self, message: &[u8]) -> ExportAnswer {
        let limit = self.settings.timeout;
        let answered = match self.body(message) {
            Ok(body) => timeout(limit, self.exchange(body)).await,
            Err(error) => return ExportAnswer::Refused(format!("it was not compressed: {error}")),
        };
        let why = match answered {
            Ok(Ok(raw)) => return ExportAnswer::of(self.settings.protocol, &raw),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {limit:?}"),
        };
        self.connection = None;
        ExportAnswer::Busy { why, after: None }
    }

    /// The body of an export: the message, compressed where that is wanted, for gRPC behind its prefix.
    fn body(&self, message: &[u8]) -> std::io::Result<Bytes> {
        let compressed;
        let content = match self.settings.gzip {
            true => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 4), Compression::fast());
                encoder.write_all(message)?;
                compressed = encoder.finish()?;
                compressed.as_slice()
            }
            false => message,
        };
        if self.settings.protocol == OtlpProtocol::HttpProtobuf {
            return Ok(Bytes::copy_from_slice(content));
        }
        let mut body = Vec::with_capacity(content.len() + 5);
        body.push(u8::from(self.settings.gzip));
        body.extend_from_slice(&u32::try_from(content.len()).map_err(std::io::Error::other)?.to_be_bytes());
        body.extend_from_slice(content);
        Ok(Bytes::from(body))
    }

    async fn exchange(&mut self, body: Bytes) -> Result<RawAnswer, ExportError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = self.headers.clone();
        let url = &self.settings.url;
        if self.is_closed() {
            let socket = self.connector.connect(url, CONNECT.min(self.settings.timeout)).await;
            let socket = TokioIo::new(socket.map_err(|error| error.to_string())?);
            self.connection = Some(match self.settings.protocol {
                OtlpProtocol::HttpProtobuf => {
                    let (sender, connection) = http1::handshake(socket).await?;
                    tokio::spawn(drive(connection));
                    CollectorConnection::H1(sender)
                }
                OtlpProtocol::Grpc => {
                    let builder = http2::Builder::new(TokioExecutor::new()).timer(TokioTimer::new()).handshake(socket);
                    let (sender, connection) = builder.await?;
                    tokio::spawn(drive(connection));
                    CollectorConnection::H2(sender)
                }
            });
        }
        let response = match &mut self.connection {
            Some(CollectorConnection::H1(sender)) => {
                // A proxy that is asked for URLs takes them whole; any other server its own path.
                let forwarding = self.connector.forwarding(url).map_err(|error| error.to_string())?;
                if let Some(authorization) = forwarding.and_then(|proxy| proxy.authorization.clone()) {
                    request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization);
                }
                *request.uri_mut() = if forwarding.is_some() { url.clone() } else { own_path(url)? };
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Some(CollectorConnection::H2(sender)) => {
                *request.uri_mut() = url.clone();
                request.headers_mut().remove(header::HOST);
                sender.ready().await?;
                sender.send_request(request).await?
            }
            None => return Err("no connection".into()),
        };
        read(response).await
    }

    fn is_closed(&self) -> bool {
        match &self.connection {
            Some(CollectorConnection::H1(sender)) => sender.is_closed(),
            Some(CollectorConnection::H2(sender)) => sender.is_closed(),
            None => true,
        }
    }
}

fn own_path(url: &Uri) -> Result<Uri, ExportError> {
    Ok(url.path_and_query().map_or("/", |path| path.as_str()).parse()?)
}

async fn read(response: Response<Incoming>) -> Result<RawAnswer, ExportError> {
    let (head, body) = response.into_parts();
    let collected = Limited::new(body, LARGEST).collect().await?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Ok(RawAnswer { status: head.status, headers: head.headers, body: collected.to_bytes().to_vec(), trailers })
}

/// The headers of all exports.
fn headers(settings: &CollectorSettings) -> HeaderMap {
    let mut headers = settings.headers.clone();
    let is_grpc = settings.protocol == OtlpProtocol::Grpc;
    let kind = if is_grpc { "application/grpc" } else { "application/x-protobuf" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let host = settings.url.authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    if let Some(host) = host {
        headers.insert(header::HOST, host);
    }
    if is_grpc {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if settings.gzip {
        let name = if is_grpc { "grpc-encoding" } else { "content-encoding" };
        headers.insert(name, HeaderValue::from_static("gzip"));
    }
    headers
}

/// Drives a connection until it ends.
async fn drive(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to a collector ended");
    }
}
