//! The client's side: a request is read whole within its limits, the answer goes out as it comes.

use crate::client::admission::{self, ConnectionInfo};
use crate::client::body_memory::Reservation;
use crate::client::connection::ActiveRequest;
use crate::client::cors::{self, PageOrigin};
use crate::client::driver::{ExchangeDriver, Step};
use crate::client::offload;
use crate::host::{Host, RequestPermit};
use crate::process::clock;
use aquifer_gateway::exchange::Arrival;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::dialect::{Dialect, ErrorAnswer, error};
use aquifer_gateway::translate::fault::MistakeKind;
use aquifer_gateway::translate::model::request_id::RequestId;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most room that is made for a body before it is there.
const LARGEST_ROOM: usize = 4 << 20;

/// What takes so much beside its body takes milliseconds to translate: other streams of the thread need not wait for it.
const LARGE: usize = 1 << 20;

/// So much of a body that is refused is read and dropped: many clients read the answer only after they have sent all.
const DROPPED: usize = 1 << 20;

/// For how long what does not fit is read and dropped.
const DROPPING: Duration = Duration::from_secs(1);

/// The body of an answer, with the request whose answer it is.
pub(crate) struct Answer {
    content: Content,
    visit: ActiveRequest,
    _seat: Option<RequestPermit>,
}

enum Content {
    /// Known whole.
    Whole(Option<Bytes>),
    /// Comes as the exchange goes on; the first part is there already.
    Driven {
        /// What was said together with the head.
        first: Option<Bytes>,
        /// What says the rest.
        drive: Box<ExchangeDriver>,
    },
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

/// What is known of a request before it is read.
struct Asked {
    arrived: Instant,
    /// Of the exchange.
    random: u128,
    page: PageOrigin,
}

/// Answers one request.
pub(crate) async fn answer(
    host: Arc<Host>,
    came_by: Arc<ConnectionInfo>,
    visit: ActiveRequest,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let mut asked = Asked { arrived: clock::now(), random: 0, page: PageOrigin::Own };
    let seat = host.seat();
    let begun = match seat {
        Some(_) => start(&host, came_by, &visit, request, &mut asked).await,
        None => Err(refuse(&host, &asked, &Fault::Overloaded("as many requests as may be are under way".to_owned()))),
    };
    let mut response = match begun {
        Ok(drive) => {
            let response = first_words(drive).await;
            if let Content::Driven { drive, .. } = response.body() {
                let (whole, idle) = drive.client_limits();
                visit.taking.limit(whole, idle);
            }
            response
        }
        Err(refused) => refused,
    };
    cors::allow(&asked.page, response.headers_mut());
    visit.taking.hold(true);
    Ok(response.map(|content| Answer { content, visit, _seat: seat }))
}

/// Reads the request and begins its exchange, or says why there is none.
async fn start(
    host: &Arc<Host>,
    came_by: Arc<ConnectionInfo>,
    visit: &ActiveRequest,
    request: Request<Incoming>,
    asked: &mut Asked,
) -> Result<Box<ExchangeDriver>, Response<Content>> {
    let (mut head, body) = request.into_parts();
    visit.arrives(!body.is_end_stream());
    let mut random = [0; 16];
    if crate::process::random::fill(&mut random).is_err() {
        return Err(refuse(host, asked, &Fault::Ours("the system gives no randomness".to_owned())));
    }
    asked.random = u128::from_ne_bytes(random);
    match admission::check(host, &came_by, &mut head) {
        Ok(page) => asked.page = page,
        Err(fault) => {
            if let Some(delay) = host.refused_key(&fault, came_by.peer) {
                tokio::time::sleep(delay).await;
            }
            return Err(refuse_unread(host, asked, &fault, &head, body).await);
        }
    }
    if let Some(headers) = cors::preflight(&head, &asked.page) {
        return Err(respond(StatusCode::NO_CONTENT, headers, Bytes::new()));
    }
    let mut place = host.room.place();
    let read = read_whole(host, &head, body, &mut place).await;
    let body = read.map_err(|fault| closing(&head, refuse(host, asked, &fault)))?;
    visit.arrives(false);
    let beside = host.serving().config.limits.weight(&body);
    place.hold(body.len() + beside).map_err(|fault| refuse(host, asked, &fault))?;
    let beside = Some(beside).filter(|beside| *beside >= LARGE);
    let (host_of, random, now) = (Arc::clone(host), asked.random, asked.arrived);
    let begin = Begin { host: host_of, came_by, head, body, place, beside, random, now };
    let begun = if beside.is_some() { begin_elsewhere(begin).await } else { Ok(begin.run()) };
    begun.map_err(|fault| refuse(host, asked, &fault))
}

/// The rest of the body was not read, so the connection cannot carry another request.
fn closing(head: &request::Parts, mut response: Response<Content>) -> Response<Content> {
    if head.version != http::Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Refuses for what the head says. Where it is in doubt what the body is, nothing more is read.
async fn refuse_unread(
    host: &Host,
    asked: &Asked,
    fault: &Fault,
    head: &request::Parts,
    body: Incoming,
) -> Response<Content> {
    let response = refuse(host, asked, fault);
    let doubtful = matches!(fault, Fault::ClientMistaken(mistake) if mistake.kind == MistakeKind::BadRequest);
    let awaits = head.headers.contains_key(header::EXPECT);
    if !doubtful
        && !awaits
        && tokio::time::timeout(host.limits.body_timeout, drop_all(body, DROPPED)).await.unwrap_or(false)
    {
        return response;
    }
    closing(head, response)
}

/// Reads what a client sends and drops it; whether that was all.
async fn drop_all(mut body: Incoming, most: usize) -> bool {
    let mut read = 0_usize;
    while let Some(frame) = body.frame().await {
        read += frame.ok().and_then(|frame| frame.into_data().ok()).map_or(most, |data| data.len());
        if read >= most {
            return false;
        }
    }
    true
}

/// What an exchange begins with.
struct Begin {
    host: Arc<Host>,
    came_by: Arc<ConnectionInfo>,
    head: request::Parts,
    body: Bytes,
    place: Reservation,
    /// What stands beside the body of a large request.
    beside: Option<usize>,
    random: u128,
    now: Instant,
}

impl Begin {
    /// Reads the request and says it in Bedrock's words.
    fn run(self) -> Box<ExchangeDriver> {
        let arrival = Arrival {
            method: &self.head.method,
            path: self.head.uri.path(),
            headers: &self.head.headers,
            port: self.came_by.port,
            body: &self.body,
            turns: &*self.host.turns,
            random: self.random,
            unix_seconds: clock::unix_seconds(),
            now: self.now,
        };
        Box::new(ExchangeDriver::begin(&self.host, &arrival, self.place, self.beside))
    }
}

/// Begins on a thread of its own.
async fn begin_elsewhere(begin: Begin) -> Result<Box<ExchangeDriver>, Fault> {
    let turn = offload::permit(&begin.host).await?;
    let (done, begun) = oneshot::channel();
    let ours = |why: &str| Fault::Ours(why.to_owned());
    let thread = offload::spawn(move || {
        // A client that has left needs nothing.
        if !done.is_closed() {
            drop(done.send(begin.run()));
        }
        drop(turn);
    });
    thread.map_err(|_| ours("the system gives no thread"))?;
    begun.await.map_err(|_| ours("a large request was not translated"))
}

/// Waits until the exchange says how it answers.
async fn first_words(mut drive: Box<ExchangeDriver>) -> Response<Content> {
    match std::future::poll_fn(|cx| drive.poll_next(cx)).await {
        Step::Head(status, headers) => {
            let mut response = Response::new(begin_body(drive));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        step => {
            tracing::error!(?step, "an exchange gave no answer");
            let fault = Fault::Ours("no answer was made".to_owned());
            let ErrorAnswer { status, headers, body } = error(Dialect::default(), &fault);
            named(respond(status, headers, body), drive.id())
        }
    }
}

/// An answer that is known whole goes out whole, with its length.
fn begin_body(mut drive: Box<ExchangeDriver>) -> Content {
    let first = match drive.next_ready() {
        Some(Step::Body(bytes)) => Some(bytes),
        Some(_) => return Content::Whole(None),
        None => None,
    };
    let Some(first) = first else { return Content::Driven { first: None, drive } };
    match drive.next_ready() {
        Some(Step::Body(second)) => {
            let mut both = BytesMut::from(first);
            both.extend_from_slice(&second);
            Content::Driven { first: Some(both.freeze()), drive }
        }
        Some(_) => Content::from(first),
        None => Content::Driven { first: Some(first), drive },
    }
}

/// Refuses before there is an exchange, and records it.
fn refuse(host: &Host, asked: &Asked, fault: &Fault) -> Response<Content> {
    let id = Dialect::default().id(RequestId(asked.random));
    let ErrorAnswer { status, headers, body } = error(Dialect::default(), fault);
    let response = named(respond(status, headers, body), &id);
    let mut record = Record {
        id,
        status: status.as_u16(),
        outcome: Outcome::Failed,
        duration: clock::now().saturating_duration_since(asked.arrived),
        ..Record::default()
    };
    record.blame(Dialect::default(), fault);
    host.telemetry.observe(&record);
    response
}

/// Says the id by which the log calls the request.
fn named(mut response: Response<Content>, id: &str) -> Response<Content> {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn respond(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Content> {
    let mut response = Response::new(Content::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Reads the body, at most as long and for as long as the limits say.
async fn read_whole(
    host: &Host,
    head: &request::Parts,
    mut body: Incoming,
    place: &mut Reservation,
) -> Result<Bytes, Fault> {
    if head.method == Method::GET && body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let limit = host.limits.max_body;
    if body.size_hint().lower() > limit as u64 && head.headers.contains_key(header::EXPECT) {
        return Err(too_large(limit));
    }
    let read = tokio::time::timeout(host.limits.body_timeout, collect(&mut body, limit, place)).await;
    if matches!(read, Ok(Err(Fault::Overloaded(_)))) {
        place.shrink(0);
        drop(tokio::time::timeout(DROPPING, drop_all(body, limit)).await);
    }
    read.unwrap_or_else(|_| {
        let message = format!("the request's body did not arrive within {:?}", host.limits.body_timeout);
        Err(Fault::mistake(MistakeKind::TooSlow, None, message))
    })
}

async fn collect(body: &mut Incoming, limit: usize, place: &mut Reservation) -> Result<Bytes, Fault> {
    let announced = body.size_hint().lower();
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
            return place.hold(read).map(|()| data);
        }
        if !beyond {
            // Room that grows is twice as large as what it holds, and stands beside what it was.
            let grown = if read > ahead { read.saturating_mul(2) } else { ahead };
            place.hold(grown)?;
            if whole.is_empty() {
                whole.reserve(ahead);
            }
            whole.extend_from_slice(&data);
            continue;
        }
        whole = BytesMut::new();
        place.shrink(0);
        // Many clients read the answer only after they have sent everything, so some of it is read and dropped.
        if read > limit.saturating_mul(2).max(1 << 20) {
            break;
        }
    }
    if beyond { Err(too_large(limit)) } else { Ok(whole.freeze()) }
}

fn too_large(limit: usize) -> Fault {
    let message = format!("the request's body is larger than the limit of {limit} bytes");
    Fault::mistake(MistakeKind::TooLarge, None, message)
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let answer = self.get_mut();
        answer.visit.taking.hold(false);
        let bytes = std::task::ready!(answer.content.poll_bytes(cx));
        answer.visit.taking.hold(true);
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Driven { .. } => SizeHint::default(),
        }
    }
}

impl Content {
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let (first, drive) = match self {
            Self::Whole(bytes) => return Poll::Ready(bytes.take()),
            Self::Driven { first, drive } => (first, drive),
        };
        if let Some(first) = first.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            match std::task::ready!(drive.poll_next(cx)) {
                Step::Body(bytes) if bytes.is_empty() => {}
                Step::Body(bytes) => return Poll::Ready(Some(bytes)),
                Step::End => return Poll::Ready(None),
                step @ (Step::Head(..) | Step::Stuck) => {
                    tracing::error!(?step, "an exchange went wrong in the middle of its answer");
                    return Poll::Ready(None);
                }
            }
        }
    }
}
