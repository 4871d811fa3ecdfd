//! The client's side: a request is read whole within its limits, the answer goes out as it comes.

use crate::clock;
use crate::drive::{Drive, Step};
use crate::host::Host;
use crate::listen::CameBy;
use crate::room::Room;
use aquifer_gateway::exchange::{Arrival, refusal};
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// The most room that is made for a body before it is there.
const LARGEST_ROOM: usize = 4 << 20;

/// A body from this size on takes milliseconds to translate: other streams of the thread need not wait for it.
const LARGE: usize = 1 << 20;

/// The body of an answer.
pub(crate) enum Answer {
    /// Known whole.
    Whole(Option<Bytes>),
    /// Comes as the exchange goes on; the first part is there already.
    Driven {
        /// What was said together with the head.
        first: Option<Bytes>,
        /// What says the rest.
        drive: Box<Drive>,
    },
}

impl From<Bytes> for Answer {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

/// Answers one request.
pub(crate) async fn answer(
    host: Arc<Host>,
    came_by: CameBy,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    Ok(match start(host, came_by, request).await {
        Ok(drive) => first_words(drive).await,
        Err(refused) => *refused,
    })
}

/// Reads the request and begins its exchange, or says why there is none.
async fn start(
    host: Arc<Host>,
    came_by: CameBy,
    request: Request<Incoming>,
) -> Result<Box<Drive>, Box<Response<Answer>>> {
    let arrived = clock::now();
    let (mut head, body) = request.into_parts();
    // HTTP/2 says the host elsewhere.
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.entry(header::HOST).or_insert(host);
    }
    let body = match read_whole(&host, &head, body).await {
        Ok(body) => body,
        Err(fault) => {
            let mut response = refuse(&host, &fault, arrived);
            // The rest of the body was not read, so the connection cannot carry another request.
            if head.version != http::Version::HTTP_2 {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            return Err(Box::new(response));
        }
    };
    let mut random = [0; 16];
    let begun = if crate::random::fill(&mut random).is_err() {
        Err("the system gives no randomness")
    } else if body.len() < LARGE {
        Ok(begin(&host, came_by, &head, &body, u128::from_ne_bytes(random), arrived))
    } else {
        let elsewhere = Arc::clone(&host);
        let begin = move || begin(&elsewhere, came_by, &head, &body, u128::from_ne_bytes(random), arrived);
        tokio::task::spawn_blocking(begin).await.map_err(|_| "a large request was not translated")
    };
    begun.map_err(|why| Box::new(refuse(&host, &Fault::Ours(why.to_owned()), arrived)))
}

/// Waits until the exchange says how it answers.
async fn first_words(mut drive: Box<Drive>) -> Response<Answer> {
    match std::future::poll_fn(|cx| drive.poll_next(cx)).await {
        Step::Head(status, headers) => {
            let mut response = Response::new(begin_body(drive));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        step => {
            tracing::error!(?step, "an exchange gave no answer");
            let (status, headers, body) = refusal(&Fault::Ours("no answer was made".to_owned()));
            respond(status, headers, body)
        }
    }
}

/// Reads the request and says it in Bedrock's words.
fn begin(
    host: &Arc<Host>,
    came_by: CameBy,
    head: &request::Parts,
    body: &Bytes,
    random: u128,
    now: Instant,
) -> Box<Drive> {
    let arrival = Arrival {
        method: &head.method,
        path: head.uri.path(),
        headers: &head.headers,
        port: came_by.0,
        body,
        turns: &*host.turns,
        random,
        unix_seconds: clock::unix_seconds(),
        now,
    };
    Box::new(Drive::begin(host, &arrival))
}

/// An answer that is known whole goes out whole, with its length.
fn begin_body(mut drive: Box<Drive>) -> Answer {
    let first = match drive.next_ready() {
        Some(Step::Body(bytes)) => Some(bytes),
        Some(_) => return Answer::Whole(None),
        None => None,
    };
    let Some(first) = first else { return Answer::Driven { first: None, drive } };
    match drive.next_ready() {
        Some(Step::Body(second)) => {
            let mut both = BytesMut::from(first);
            both.extend_from_slice(&second);
            Answer::Driven { first: Some(both.freeze()), drive }
        }
        Some(_) => Answer::from(first),
        None => Answer::Driven { first: Some(first), drive },
    }
}

/// Refuses before there is an exchange, and records it.
fn refuse(host: &Host, fault: &Fault, arrived: Instant) -> Response<Answer> {
    let (status, headers, body) = refusal(fault);
    let mut record = Record {
        status: status.as_u16(),
        outcome: Outcome::Failed,
        duration: clock::now().saturating_duration_since(arrived),
        ..Record::default()
    };
    record.blame(fault);
    host.telemetry.observe(&record);
    respond(status, headers, body)
}

fn respond(status: http::StatusCode, headers: http::HeaderMap, body: Bytes) -> Response<Answer> {
    let mut response = Response::new(Answer::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Reads the body, at most as long and for as long as the limits say.
async fn read_whole(host: &Host, head: &request::Parts, body: Incoming) -> Result<Bytes, Fault> {
    if head.method == Method::GET && body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let limit = host.limits.max_body;
    if body.size_hint().lower() > limit as u64 && head.headers.contains_key(header::EXPECT) {
        return Err(too_large(limit));
    }
    let read = tokio::time::timeout(host.limits.body_timeout, collect(body, limit, &host.room)).await;
    read.unwrap_or_else(|_| {
        let message = format!("the request's body did not arrive within {:?}", host.limits.body_timeout);
        Err(Fault::mistake(MistakeKind::TooSlow, None, message))
    })
}

async fn collect(mut body: Incoming, limit: usize, room: &Room) -> Result<Bytes, Fault> {
    let announced = body.size_hint().lower();
    let mut place = room.place();
    // Room for what is announced, as far as anybody may announce it without sending it.
    let ahead = usize::try_from(announced).unwrap_or(usize::MAX).min(limit).min(LARGEST_ROOM);
    let mut whole = BytesMut::new();
    let mut read = 0_usize;
    let mut beyond = announced > limit as u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Fault::mistake(MistakeKind::Malformed, None, "the request's body ended before it was complete")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        read = read.saturating_add(data.len());
        beyond |= read > limit;
        if !beyond && read == data.len() && body.is_end_stream() {
            return place.grow(read).map(|()| place.hold(data));
        }
        if !beyond {
            place.grow(read)?;
            if whole.is_empty() {
                whole.reserve(ahead);
            }
            whole.extend_from_slice(&data);
            continue;
        }
        whole = BytesMut::new();
        // Many clients read the answer only after they have sent everything, so some of it is read and dropped.
        if read > limit.saturating_mul(2).max(1 << 20) {
            break;
        }
    }
    if beyond { Err(too_large(limit)) } else { Ok(place.hold(whole.freeze())) }
}

fn too_large(limit: usize) -> Fault {
    let message = format!("the request's body is larger than the limit of {limit} bytes");
    Fault::mistake(MistakeKind::TooLarge, None, message)
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => bytes.take(),
            Self::Driven { first, drive } => match first.take() {
                Some(first) => Some(first),
                None => loop {
                    match std::task::ready!(drive.poll_next(cx)) {
                        Step::Body(bytes) if bytes.is_empty() => {}
                        Step::Body(bytes) => break Some(bytes),
                        Step::End => break None,
                        step @ (Step::Head(..) | Step::Stuck) => {
                            tracing::error!(?step, "an exchange went wrong in the middle of its answer");
                            break None;
                        }
                    }
                },
            },
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Driven { .. } => SizeHint::default(),
        }
    }
}
