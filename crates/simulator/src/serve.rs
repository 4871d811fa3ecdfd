//! The socket: which path does what, and streams sent frame by frame.

use crate::encoders::{self, Encoded, Encoder};
use crate::families::{self, Model};
use crate::fault::{self, Wanted};
use crate::operation::Operation;
use crate::refused::Refused;
use crate::script::Script;
use crate::socket::{Ending, Socket};
use crate::state::State;
use crate::steps::{self, Step};
use crate::{Options, control, frames, messages, pointers, script, tokens};
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
    let state = Arc::new(State::new(&options.faults));
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
            let ending = Ending::default();
            let socket = TokioIo::new(Socket::new(stream, ending.clone()));
            let place = Place { state, options, ending };
            let service = service_fn(move |request| answer(place.clone(), request));
            let builder = auto::Builder::new(TokioExecutor::new());
            // A broken connection is the other side's business.
            let _ = builder.serve_connection(socket, service).await;
        });
    }
}

/// What an answer needs to know of where it is given.
#[derive(Clone)]
struct Place {
    state: Arc<State>,
    options: Options,
    ending: Ending,
}

async fn answer(place: Place, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let state = &place.state;
    let path = head.uri.path().to_owned();
    match (&head.method, path.as_str()) {
        (&Method::GET, "/simulator/requests") => return Ok(plain(&state.requests())),
        (&Method::DELETE, "/simulator/requests") => {
            state.forget();
            return Ok(plain(&json!({})));
        }
        (&Method::GET, "/simulator/streams") => return Ok(plain(&state.streams())),
        (&Method::GET, "/simulator/lookups") => return Ok(plain(&state.lookups())),
        (&Method::GET, "/simulator/faults") => return Ok(plain(&state.outage.told())),
        (&Method::PUT, "/simulator/faults") => return Ok(set_faults(state, body).await),
        _ => {}
    }
    let called = match (&head.method, path.strip_prefix("/inference-profiles")) {
        (&Method::GET, Some("")) => list(&head),
        (&Method::GET, Some(identifier)) => look_up(state, &head, identifier.trim_start_matches('/')),
        _ => call(&place, &head, body).await,
    };
    let mut response = called.unwrap_or_else(|no| refuse(&no));
    if let Ok(id) = state.request_id().parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    Ok(response)
}

/// What goes wrong from now on.
async fn set_faults(state: &State, body: Incoming) -> Answer {
    let body = Limited::new(body, LARGEST).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    match state.outage.read(&body) {
        Ok(()) => plain(&state.outage.told()),
        Err(why) => refuse(&Refused::invalid(why)),
    }
}

/// A call of a model.
async fn call(place: &Place, head: &http::request::Parts, body: Incoming) -> Result<Answer, Refused> {
    let unknown = || Refused::new(404, "UnknownOperationException", "");
    let rest = head.uri.path().strip_prefix("/model/").ok_or_else(unknown)?;
    let (id, operation) = rest.rsplit_once('/').ok_or_else(unknown)?;
    let operation = Operation::named(operation).filter(|_| head.method == Method::POST).ok_or_else(unknown)?;
    let model = decoded(id);
    authorize(head)?;
    let unreadable = |_| Refused::new(400, "SerializationException", "the body is too large or broke off");
    let bytes = Limited::new(body, LARGEST).collect().await.map_err(unreadable)?.to_bytes();
    let body: Value = serde_json::from_slice(&bytes).map_err(|_| operation.malformed())?;
    let headers: Map<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    place.state.remember(json!({
        "method": "POST", "path": head.uri.path(), "model": model, "headers": headers, "body": body,
    }));
    let model = families::of(&model).ok_or_else(|| Refused::invalid("The provided model identifier is invalid."))?;
    let said = body;
    if let Some(encoder) = encoders::of(&model.id) {
        return encoded(place, operation, encoder, &said);
    }
    let body = operation.read(&model, &said, &head.headers)?;
    let due = match operation {
        Operation::CountTokens => None,
        Operation::Converse { .. } | Operation::Invoke { .. } => place.state.outage.due(),
    };
    let due = due.map(|name| Wanted { name, argument: None });
    let wanted = fault::of(&body).or(due);
    if let Some(refusal) = wanted.as_ref().and_then(|wanted| fault::refusal(wanted, &model, &body)) {
        return Err(operation.told(refusal));
    }
    let at_once = wanted.as_ref().filter(|_| !operation.is_streamed()).and_then(steps::before_anything);
    if let Some(steps) = at_once {
        return Ok(stream(place, steps));
    }
    let mut script = script::write(&model, &body, wanted.as_ref(), place.options.echo);
    if place.options.prompt_cache && operation != Operation::CountTokens {
        script.cached = place.state.prompts.take(&model, &said, &body);
    }
    if matches!(operation, Operation::Invoke { .. }) {
        let flagged = wanted.as_ref().is_some_and(|wanted| wanted.name == "flagged");
        script.safeguards = messages::safeguards(&said, &script, flagged);
    }
    Ok(answered(place, operation, &Said { model: &model, body: &body, script, wanted }))
}

/// What an encoder answers.
fn encoded(place: &Place, operation: Operation, encoder: Encoder, body: &Value) -> Result<Answer, Refused> {
    if operation != (Operation::Invoke { streamed: false }) {
        return Err(encoders::other_operation(operation.is_streamed()));
    }
    let due = place.state.outage.due().map(|name| Wanted { name, argument: None });
    let wanted = encoders::wanted(body).or(due);
    if let Some(refusal) = wanted.as_ref().and_then(|wanted| fault::plain(&wanted.name)) {
        return Err(refusal);
    }
    if let Some(steps) = wanted.as_ref().and_then(steps::before_anything) {
        return Ok(stream(place, steps));
    }
    let Encoded { body, tokens } = encoder.answer(body)?;
    let mut answer = plain(&body);
    answer.headers_mut().insert("x-amzn-bedrock-input-token-count", http::HeaderValue::from(tokens));
    Ok(answer)
}

/// What the model says to a request that is in order.
struct Said<'r> {
    model: &'r Model,
    /// The request, in the words of Converse.
    body: &'r Value,
    script: Script,
    wanted: Option<Wanted>,
}

/// Its answer, as this operation gives it.
fn answered(place: &Place, operation: Operation, said: &Said<'_>) -> Answer {
    let Said { model, body, script, wanted } = said;
    let wanted = wanted.as_ref();
    let streamed = operation.is_streamed();
    let found = pointers::found(model.family, body, script, streamed);
    match operation {
        Operation::CountTokens => plain(&json!({ "inputTokens": tokens::of(body) })),
        Operation::Converse { streamed: false } => plain(&frames::whole(script, found)),
        Operation::Converse { streamed: true } => {
            let fault = wanted.map_or("", |wanted| wanted.name.as_str());
            stream(place, steps::of(&frames::all(script, found, fault), wanted))
        }
        Operation::Invoke { streamed: false } => {
            let mut answer = plain(&messages::whole(model, body, script));
            counts(body, script, answer.headers_mut());
            answer
        }
        Operation::Invoke { streamed: true } => {
            let mut answer = stream(place, steps::of(&messages::events(model, body, script), wanted));
            let kind = http::HeaderValue::from_static("application/json");
            answer.headers_mut().insert("x-amzn-bedrock-content-type", kind);
            answer
        }
    }
}

/// What the headers of a whole invocation count.
fn counts(body: &Value, script: &Script, headers: &mut http::HeaderMap) {
    for (name, count) in [
        ("x-amzn-bedrock-input-token-count", script.cached.rest(tokens::of(body))),
        ("x-amzn-bedrock-output-token-count", tokens::said(script)),
        ("x-amzn-bedrock-cache-read-input-token-count", script.cached.read),
        ("x-amzn-bedrock-cache-write-input-token-count", script.cached.written()),
        ("x-amzn-bedrock-invocation-latency", 120),
    ] {
        headers.insert(name, http::HeaderValue::from(count));
    }
}

fn authorize(head: &http::request::Parts) -> Result<(), Refused> {
    let authorized = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if authorized.starts_with("AWS4-HMAC-SHA256 ") || authorized.starts_with("Bearer ") {
        return Ok(());
    }
    Err(Refused::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token"))
}

/// The control plane: the profiles that there are.
fn list(head: &http::request::Parts) -> Result<Answer, Refused> {
    authorize(head)?;
    control::profiles(head.uri.query().unwrap_or_default()).map(|list| plain(&list))
}

/// The control plane: which model is behind a profile.
fn look_up(state: &State, head: &http::request::Parts, identifier: &str) -> Result<Answer, Refused> {
    authorize(head)?;
    let identifier = decoded(identifier);
    state.looked_up(&identifier);
    control::profile(&identifier).map(|profile| plain(&profile))
}

/// Starts a stream; a task of its own sends the frames, until the client leaves.
fn stream(place: &Place, steps: Vec<Step>) -> Answer {
    let (sender, receiver) = mpsc::channel(1);
    let place = place.clone();
    place.state.opened();
    tokio::spawn(async move {
        let mut finished = true;
        for step in steps {
            if !take(step, &place, &sender).await {
                finished = false;
                break;
            }
        }
        place.state.closed(finished);
    });
    let mut response = Response::new(BoxBody::new(Frames(receiver)));
    let kind = http::HeaderValue::from_static("application/vnd.amazon.eventstream");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

type Sent = Result<Bytes, std::io::Error>;

/// Takes one step; false when the client has left.
async fn take(step: Step, place: &Place, sender: &mpsc::Sender<Sent>) -> bool {
    let broken = || Err(std::io::Error::other("cut on demand"));
    let sent = match step {
        Step::Send(bytes) => sender.send(Ok(bytes)).await,
        Step::Drip(bytes) => {
            for at in 0..bytes.len() {
                if sender.send(Ok(bytes.slice(at..=at))).await.is_err() {
                    return false;
                }
            }
            Ok(())
        }
        Step::Break => sender.send(broken()).await,
        Step::Reset => {
            place.ending.reset();
            sender.send(broken()).await
        }
        Step::Wait => {
            sender.closed().await;
            return false;
        }
    };
    // A timer's shortest sleep is a millisecond, which long answers would feel.
    if sent.is_ok() && !place.options.pace.is_zero() {
        tokio::time::sleep(place.options.pace).await;
    }
    sent.is_ok()
}

struct Frames(mpsc::Receiver<Sent>);

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
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
