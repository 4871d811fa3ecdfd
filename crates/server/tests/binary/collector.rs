//! A collector of OTLP on hyper, for HTTP/1.1 and gRPC: it decodes what it gets.

use crate::otlp_messages::{AnyValue, KeyValue, MetricsRequest, Span, TracesRequest};
use crate::support::LIMIT;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use prost::Message as _;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How an export is answered: the default takes it.
#[derive(Clone, Default)]
pub(crate) struct CollectorAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Vec<u8>,
    pub(crate) grpc_status: &'static str,
    pub(crate) after: Duration,
}

/// An export as it came.
pub(crate) struct Export {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The message, without gRPC's prefix and uncompressed.
    pub(crate) message: Vec<u8>,
}

/// The receiving side.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    exports: Receiver<Export>,
    answers: Arc<Mutex<VecDeque<CollectorAnswer>>>,
}

impl Collector {
    /// Listens, and answers the first exports so.
    pub(crate) fn listen(answers: Vec<CollectorAnswer>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, exports) = channel();
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let told = Arc::clone(&answers);
        std::thread::spawn(move || serve(listener, sender, told));
        Self { address, exports, answers }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next exports so, behind those that are to be answered otherwise.
    pub(crate) fn answer(&self, told: CollectorAnswer) {
        self.answers.lock().unwrap().push_back(told);
    }

    /// The next export.
    pub(crate) fn export(&self) -> Export {
        self.exports.recv_timeout(LIMIT).expect("something should have been exported")
    }

    /// Whether nothing is exported for this time.
    pub(crate) fn is_silent_for(&self, time: Duration) -> bool {
        self.exports.recv_timeout(time).is_err()
    }

    /// The spans of the next exchange, that of the exchange first.
    pub(crate) fn spans(&self) -> Vec<ReadSpan> {
        self.export().spans()
    }
}

/// A span with its attributes as text.
pub(crate) struct ReadSpan {
    pub(crate) span: Span,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl ReadSpan {
    /// Asserts that attributes have these values.
    pub(crate) fn assert_has(&self, expected: &[(&str, &str)]) {
        for (name, value) in expected {
            assert_eq!(self.attributes.get(*name).map(String::as_str), Some(*value), "{name} in {:?}", self.attributes);
        }
    }

    /// Whether it failed.
    pub(crate) fn is_error(&self) -> bool {
        self.span.status.as_ref().is_some_and(|status| status.code == 2)
    }
}

impl Export {
    pub(crate) fn spans(&self) -> Vec<ReadSpan> {
        let request = TracesRequest::decode(self.message.as_slice()).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        let spans = scopes.flat_map(|scope| scope.spans);
        spans.map(|span| ReadSpan { attributes: told(&span.attributes), span }).collect()
    }

    /// The attributes of the process.
    pub(crate) fn resource(&self) -> BTreeMap<String, String> {
        let request = TracesRequest::decode(self.message.as_slice()).unwrap();
        told(&request.resource_spans[0].resource.as_ref().unwrap().attributes)
    }

    /// The names of metrics.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let request = MetricsRequest::decode(self.message.as_slice()).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn told(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|pair| (pair.key.clone(), text(pair.value.clone()))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    let AnyValue { text: told, flag, int, double, array } = value.unwrap();
    let array = array.map(|all| all.values.into_iter().map(|it| text(Some(it))).collect::<Vec<_>>().join(","));
    let number = int.map(|it| it.to_string()).or_else(|| double.map(|it| it.to_string()));
    told.or(number).or(array).or_else(|| flag.map(|it| it.to_string())).expect("a value")
}

#[tokio::main(flavor = "current_thread")]
async fn serve(
    listener: std::net::TcpListener,
    sender: Sender<Export>,
    answers: Arc<Mutex<VecDeque<CollectorAnswer>>>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (sender, answers) = (sender.clone(), Arc::clone(&answers));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, sender.clone(), Arc::clone(&answers)));
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    sender: Sender<Export>,
    answers: Arc<Mutex<VecDeque<CollectorAnswer>>>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let is_grpc = head.headers.get("content-type").is_some_and(|kind| kind == "application/grpc");
    let mut message = body.to_vec();
    let mut compressed = head.headers.contains_key("content-encoding");
    if is_grpc {
        let length = u32::from_be_bytes(message[1..5].try_into().unwrap());
        assert_eq!(length as usize + 5, message.len());
        compressed = message[0] == 1;
        assert_eq!(compressed, head.headers.contains_key("grpc-encoding"));
        message.drain(..5);
    }
    if compressed {
        let mut whole = Vec::new();
        GzDecoder::new(message.as_slice()).read_to_end(&mut whole).unwrap();
        message = whole;
    }
    let told = answers.lock().unwrap().pop_front().unwrap_or_default();
    let path = head.uri.path().to_owned();
    let _ = sender.send(Export { path, headers: head.headers, message });
    tokio::time::sleep(told.after).await;
    let mut content = told.body;
    if is_grpc {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        content.splice(0..0, [0].into_iter().chain(length));
    }
    let mut trailers = HeaderMap::new();
    let status = if told.grpc_status.is_empty() { "0" } else { told.grpc_status };
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    let content = Full::new(Bytes::from(content));
    let body = if is_grpc { content.with_trailers(async { Some(Ok(trailers)) }).boxed() } else { content.boxed() };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(if told.status == 0 { 200 } else { told.status }).unwrap();
    for (name, value) in told.headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}
