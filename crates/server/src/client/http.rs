//! The client's side: a request is read whole within its limits, the answer goes out as it comes.

use crate::client::admission::{self, ConnectionInfo};
use crate::client::connection::ActiveRequest;
use crate::client::cors::{self, PageOrigin};
use crate::client::driver::{ExchangeDriver, Step};
use crate::client::front_page;
use crate::client::offload;
use crate::host::{Host, RequestPermit};
use crate::process::clock;
use aquifer_gateway::exchange::RequestHead;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::dialect::{Dialect, ErrorAnswer, error};
use aquifer_gateway::translate::fault::MistakeKind;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

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
    active: ActiveRequest,
    _permit: Option<RequestPermit>,
}

enum Content {
    /// Known whole.
    Whole(Option<Bytes>),
    /// Comes as the exchange goes on; the first part is there already.
    Driven {
        /// What was said together with the head.
        first: Option<Bytes>,
        /// What says the rest.
        driver: Box<ExchangeDriver>,
    },
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

/// A request, before its body is read.
struct Incoming {
    head: request::Parts,
    connection: Arc<ConnectionInfo>,
    /// For the exchange.
    random: u128,
    unix_seconds: u64,
    arrived: Instant,
}

impl Incoming {
    fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.head.method,
            path: self.head.uri.path(),
            query: self.head.uri.query().unwrap_or_default(),
            headers: &self.head.headers,
            port: self.connection.port,
            random: self.random,
            unix_seconds: self.unix_seconds,
            now: self.arrived,
        }
    }
}

/// Answers one request.
pub(crate) async fn answer(
    host: Arc<Host>,
    connection: Arc<ConnectionInfo>,
    active: ActiveRequest,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let (head, body) = request.into_parts();
    active.set_body_pending(!body.is_end_stream());
    let unix_seconds = clock::unix_seconds();
    let mut incoming = Incoming { head, connection, random: 0, unix_seconds, arrived: clock::now() };
    let mut page = PageOrigin::Own;
    let permit = host.request_permit();
    let begun = match permit {
        Some(_) => start(&host, &active, &mut incoming, body, &mut page).await,
        None => {
            let fault = Fault::Overloaded("as many requests as may be are under way".to_owned());
            Err(refuse(&host, &incoming, &fault))
        }
    };
    let mut response = match begun {
        Ok(driver) => {
            let response = first_words(driver).await;
            if let Content::Driven { driver, .. } = response.body() {
                let (whole, idle) = driver.client_limits();
                active.delivery.limit(whole, idle);
            }
            response
        }
        Err(answered) => answered,
    };
    cors::allow(&page, response.headers_mut());
    active.delivery.set_held(true);
    Ok(response.map(|content| Answer { content, active, _permit: permit }))
}

/// Reads the request and begins its exchange; or gives the answer that its head alone has.
async fn start(
    host: &Arc<Host>,
    active: &ActiveRequest,
    incoming: &mut Incoming,
    body: hyper::body::Incoming,
    page: &mut PageOrigin,
) -> Result<Box<ExchangeDriver>, Response<Content>> {
    let mut random = [0; 16];
    if crate::process::random::fill(&mut random).is_err() {
        return Err(refuse(host, incoming, &Fault::Ours("the system gives no randomness".to_owned())));
    }
    incoming.random = u128::from_ne_bytes(random);
    match admission::check(host, &incoming.connection, &mut incoming.head) {
        Ok(from) => *page = from,
        Err(fault) => {
            if let Some(delay) = host.refused_key(&fault, incoming.connection.peer) {
                tokio::time::sleep(delay).await;
            }
            let response = refuse(host, incoming, &fault);
            let doubtful = matches!(fault, Fault::ClientMistaken(mistake) if mistake.kind == MistakeKind::BadRequest);
            return Err(answered_unread(host, &incoming.head, body, response, doubtful).await);
        }
    }
    if let Some(headers) = cors::preflight(&incoming.head, page) {
        return Err(respond(StatusCode::NO_CONTENT, headers, Bytes::new()));
    }
    if front_page::is_asked(&incoming.head) {
        let (headers, page) = front_page::answer(host, incoming.connection.peer);
        return Err(respond(StatusCode::OK, headers, page));
    }
    let (head, ConnectionInfo { source, peer, .. }) = (incoming.head(), &*incoming.connection);
    let mut driver = Box::new(ExchangeDriver::begin(host, *source, &head).traced(&head, *peer));
    let limit = match driver.next_ready() {
        Some(Step::ReadBody(limit)) => limit,
        step => return Err(answered_unread(host, &incoming.head, body, begun(step, driver), false).await),
    };
    let bytes = match read_whole(host, &incoming.head, body, limit, &mut driver).await {
        Ok(bytes) => bytes,
        Err(fault) => {
            driver.refuse_body(fault);
            return Err(closing(&incoming.head, first_words(driver).await));
        }
    };
    active.set_body_pending(false);
    take_body(host, incoming, driver, bytes).await
}

/// Has the exchange read the body, a large one on a thread of its own.
async fn take_body(
    host: &Arc<Host>,
    incoming: &mut Incoming,
    mut driver: Box<ExchangeDriver>,
    bytes: Bytes,
) -> Result<Box<ExchangeDriver>, Response<Content>> {
    let beside = driver.weight(&bytes);
    if let Err(fault) = driver.reserve(bytes.len() + beside) {
        driver.refuse_body(fault);
        return Ok(driver);
    }
    if beside < LARGE {
        driver.take_body(&incoming.head(), bytes, None);
        return Ok(driver);
    }
    let turn = match offload::permit(host).await {
        Ok(turn) => turn,
        Err(fault) => {
            driver.refuse_body(fault);
            return Ok(driver);
        }
    };
    let (done, taken) = oneshot::channel();
    let (method, headers, uri) =
        (incoming.head.method.clone(), std::mem::take(&mut incoming.head.headers), incoming.head.uri.clone());
    let Incoming { random, unix_seconds, arrived, .. } = *incoming;
    let port = incoming.connection.port;
    let thread = offload::spawn(move || {
        // A client that has left needs nothing.
        if !done.is_closed() {
            let (method, headers) = (&method, &headers);
            let head = RequestHead {
                method,
                path: uri.path(),
                query: uri.query().unwrap_or_default(),
                headers,
                port,
                random,
                unix_seconds,
                now: arrived,
            };
            driver.take_body(&head, bytes, Some(beside));
            drop(done.send(driver));
        }
        drop(turn);
    });
    let why = match thread {
        Ok(()) => match taken.await {
            Ok(driver) => return Ok(driver),
            Err(_) => "a large request was not translated",
        },
        Err(_) => "the system gives no thread",
    };
    Err(refuse(host, incoming, &Fault::Ours(why.to_owned())))
}

/// The rest of the body was not read, so the connection cannot carry another request.
fn closing(head: &request::Parts, mut response: Response<Content>) -> Response<Content> {
    if head.version != http::Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Answers a request whose body was not read: it is read and dropped first, unless it is in doubt where it ends.
async fn answered_unread(
    host: &Host,
    head: &request::Parts,
    body: hyper::body::Incoming,
    response: Response<Content>,
    doubtful: bool,
) -> Response<Content> {
    let awaits = head.headers.contains_key(header::EXPECT);
    if body.is_end_stream()
        || !doubtful
            && !awaits
            && tokio::time::timeout(host.limits.body_timeout, drop_all(body, DROPPED)).await.unwrap_or(false)
    {
        return response;
    }
    closing(head, response)
}

/// Reads what a client sends and drops it; whether that was all.
async fn drop_all(mut body: hyper::body::Incoming, most: usize) -> bool {
    let mut read = 0_usize;
    while let Some(frame) = body.frame().await {
        read += frame.ok().and_then(|frame| frame.into_data().ok()).map_or(most, |data| data.len());
        if read >= most {
            return false;
        }
    }
    true
}

/// Waits until the exchange says how it answers.
async fn first_words(mut driver: Box<ExchangeDriver>) -> Response<Content> {
    let step = std::future::poll_fn(|cx| driver.poll_next(cx)).await;
    begun(Some(step), driver)
}

/// The answer that begins with this step.
fn begun(step: Option<Step>, driver: Box<ExchangeDriver>) -> Response<Content> {
    match step {
        Some(Step::Head(status, headers)) => {
            let mut response = Response::new(begin_body(driver));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        step => {
            tracing::error!(?step, "an exchange gave no answer");
            let fault = Fault::Ours("no answer was made".to_owned());
            let ErrorAnswer { status, headers, body } = error(Dialect::default(), &fault);
            respond(status, headers, body)
        }
    }
}

/// An answer that is known whole goes out whole, with its length.
fn begin_body(mut driver: Box<ExchangeDriver>) -> Content {
    let first = match driver.next_ready() {
        Some(Step::Body(bytes)) => Some(bytes),
        Some(_) => return Content::Whole(None),
        None => None,
    };
    let Some(first) = first else { return Content::Driven { first: None, driver } };
    match driver.next_ready() {
        Some(Step::Body(second)) => {
            let mut both = BytesMut::from(first);
            both.extend_from_slice(&second);
            Content::Driven { first: Some(both.freeze()), driver }
        }
        Some(_) => Content::from(first),
        None => Content::Driven { first: Some(first), driver },
    }
}

/// Refuses a request by its head.
fn refuse(host: &Arc<Host>, incoming: &Incoming, fault: &Fault) -> Response<Content> {
    let (head, ConnectionInfo { source, peer, .. }) = (incoming.head(), &*incoming.connection);
    let mut driver = Box::new(ExchangeDriver::refuse(host, *source, &head, fault).traced(&head, *peer));
    begun(driver.next_ready(), driver)
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
    mut body: hyper::body::Incoming,
    limit: usize,
    driver: &mut ExchangeDriver,
) -> Result<Bytes, Fault> {
    if head.method == Method::GET && body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 && head.headers.contains_key(header::EXPECT) {
        return Err(too_large(limit));
    }
    let read = tokio::time::timeout(host.limits.body_timeout, collect(&mut body, limit, driver)).await;
    if matches!(read, Ok(Err(Fault::Overloaded(_)))) {
        driver.release();
        drop(tokio::time::timeout(DROPPING, drop_all(body, limit)).await);
    }
    read.unwrap_or_else(|_| {
        let message = format!("the request's body did not arrive within {:?}", host.limits.body_timeout);
        Err(Fault::mistake(MistakeKind::TooSlow, None, message))
    })
}

async fn collect(body: &mut hyper::body::Incoming, limit: usize, driver: &mut ExchangeDriver) -> Result<Bytes, Fault> {
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
            return driver.reserve(read).map(|()| data);
        }
        if !beyond {
            // Room that grows is twice as large as what it holds, and stands beside what it was.
            let grown = if read > ahead { read.saturating_mul(2) } else { ahead };
            driver.reserve(grown)?;
            if whole.is_empty() {
                whole.reserve(ahead);
            }
            whole.extend_from_slice(&data);
            continue;
        }
        whole = BytesMut::new();
        driver.release();
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
        answer.active.delivery.set_held(false);
        let bytes = std::task::ready!(answer.content.poll_bytes(cx));
        answer.active.delivery.set_held(true);
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
        let (first, driver) = match self {
            Self::Whole(bytes) => return Poll::Ready(bytes.take()),
            Self::Driven { first, driver } => (first, driver),
        };
        if let Some(first) = first.take() {
            return Poll::Ready(Some(first));
        }
        loop {
            match std::task::ready!(driver.poll_next(cx)) {
                Step::Body(bytes) if bytes.is_empty() => {}
                Step::Body(bytes) => return Poll::Ready(Some(bytes)),
                Step::End => return Poll::Ready(None),
                step @ (Step::ReadBody(_) | Step::Head(..) | Step::Stuck) => {
                    tracing::error!(?step, "an exchange went wrong in the middle of its answer");
                    return Poll::Ready(None);
                }
            }
        }
    }
}
