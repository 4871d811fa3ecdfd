//! The socket: which path does what, and streams sent frame by frame.

use crate::check::check;
use crate::families;
use crate::fault::{self, Refused, Wanted};
use crate::state::State;
use crate::{Options, control, frames, pointers, script};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The largest request that is read.
const LARGEST: usize = 32 << 20;

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// Plays until `shutdown` is over.
///
/// # Errors
///
/// Those of accepting connections.
pub async fn serve<F: Future<Output = ()>>(
    listener: TcpListener,
    options: Options,
    shutdown: F,
) -> std::io::Result<()> {
    let state = Arc::new(State::default());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = &mut shutdown => return Ok(()),
        };
        // Frames are to arrive as they are sent.
        let _ = stream.set_nodelay(true);
        let (state, options) = (Arc::clone(&state), options.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), options.clone(), request));
            let builder = auto::Builder::new(TokioExecutor::new());
            // A broken connection is the other side's business.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: Arc<State>, options: Options, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    match (&head.method, path.as_str()) {
        (&Method::GET, "/simulator/requests") => return Ok(plain(&state.requests())),
        (&Method::DELETE, "/simulator/requests") => {
            state.forget();
            return Ok(plain(&json!({})));
        }
        (&Method::GET, "/simulator/streams") => return Ok(plain(&state.streams())),
        (&Method::GET, "/simulator/lookups") => return Ok(plain(&state.lookups())),
        _ => {}
    }
    let called = match (&head.method, path.strip_prefix("/inference-profiles/")) {
        (&Method::GET, Some(identifier)) => look_up(&state, &head, identifier),
        _ => converse(&state, &options, &head, body).await,
    };
    let mut response = called.unwrap_or_else(|no| refuse(&no));
    if let Ok(id) = state.request_id().parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    Ok(response)
}

async fn converse(
    state: &Arc<State>,
    options: &Options,
    head: &http::request::Parts,
    body: Incoming,
) -> Result<Answer, Refused> {
    let unknown = || Refused::new(404, "UnknownOperationException", "");
    let rest = head.uri.path().strip_prefix("/model/").ok_or_else(unknown)?;
    let (id, operation) = rest.rsplit_once('/').ok_or_else(unknown)?;
    if head.method != Method::POST || !matches!(operation, "converse" | "converse-stream") {
        return Err(unknown());
    }
    let model = decoded(id);
    authorize(head)?;
    let unreadable = |_| Refused::new(400, "SerializationException", "the body is too large or broke off");
    let bytes = Limited::new(body, LARGEST).collect().await.map_err(unreadable)?.to_bytes();
    let malformed = |_| Refused::new(400, "SerializationException", "the body is not JSON");
    let body: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    let headers: Map<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    state.remember(json!({
        "method": "POST", "path": head.uri.path(), "model": model, "headers": headers, "body": body,
    }));
    let model = families::of(&model).ok_or_else(|| Refused::invalid("The provided model identifier is invalid."))?;
    let body = check(&model, &body)?;
    let wanted = fault::of(&body);
    if let Some(refusal) = wanted.as_ref().and_then(|wanted| fault::refusal(wanted, &model, &body)) {
        return Err(refusal);
    }
    let script = script::write(&model, &body, wanted.as_ref());
    let streamed = operation == "converse-stream";
    let found = pointers::found(model.family, &body, &script, streamed);
    if !streamed {
        return Ok(plain(&frames::whole(&script, found)));
    }
    let fault = wanted.as_ref().map_or("", |wanted| wanted.name.as_str());
    Ok(stream(state, options, frames::all(&script, found, fault), wanted))
}

fn authorize(head: &http::request::Parts) -> Result<(), Refused> {
    let authorized = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if authorized.starts_with("AWS4-HMAC-SHA256 ") || authorized.starts_with("Bearer ") {
        return Ok(());
    }
    Err(Refused::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token"))
}

/// The control plane: which model is behind a profile.
fn look_up(state: &State, head: &http::request::Parts, identifier: &str) -> Result<Answer, Refused> {
    authorize(head)?;
    let identifier = decoded(identifier);
    state.looked_up(&identifier);
    control::profile(&identifier).map(|profile| plain(&profile))
}

/// Starts a stream; a task of its own sends the frames, until the client leaves.
fn stream(state: &Arc<State>, options: &Options, events: Vec<(&'static str, Value)>, wanted: Option<Wanted>) -> Answer {
    let (sender, receiver) = mpsc::channel(1);
    let (state, pace) = (Arc::clone(state), options.pace);
    state.opened();
    tokio::spawn(async move {
        let mut finished = true;
        for step in crate::steps::of(events, wanted.as_ref()) {
            let sent = match step {
                crate::steps::Step::Send(bytes) => sender.send(Ok(bytes)).await,
                crate::steps::Step::Break => sender.send(Err(std::io::Error::other("cut on demand"))).await,
                crate::steps::Step::Wait => {
                    sender.closed().await;
                    finished = false;
                    break;
                }
            };
            if sent.is_err() {
                finished = false;
                break;
            }
            tokio::time::sleep(pace).await;
        }
        state.closed(finished);
    });
    let mut response = Response::new(BoxBody::new(Frames(receiver)));
    let kind = http::HeaderValue::from_static("application/vnd.amazon.eventstream");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

struct Frames(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|next| next.map(|sent| sent.map(Frame::data)))
    }
}

fn plain(value: &Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string())).map_err(|never| match never {});
    let mut response = Response::new(BoxBody::new(body));
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

fn refuse(no: &Refused) -> Answer {
    let mut response = plain(&json!({ "message": no.message }));
    *response.status_mut() = StatusCode::from_u16(no.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("x-amzn-errortype", http::HeaderValue::from_static(no.exception));
    response
}

/// A path's segment without its percent-encoding.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
