//! Drives one exchange: what it asks for is done, what happens is fed to it, in lockstep with the client.

use crate::client::body_memory::Reservation;
use crate::client::offload::{self, WaitForThread};
use crate::host::{Host, Serving};
use crate::live::Watch;
use crate::otlp::tracer::OpenTrace;
use crate::process::clock;
use crate::turn_store::RecallFuture;
use crate::upstream::concurrency::Permit;
use crate::upstream::{QueuedCall, SendingCall, StartedCall, UpstreamBody, UpstreamResponse};
use aquifer_gateway::config::Config;
use aquifer_gateway::exchange::{Call, CallId, Exchange, Input, Output, RequestHead};
use aquifer_gateway::record::{Record, RequestSource};
use aquifer_gateway::restore::TurnStore;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::Unreachable;
use aquifer_telemetry::{InFlight, log};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Sleep, sleep_until};

/// One exchange with its calls. Dropped before the end, it tells the exchange that the client left.
///
/// Nothing is read from a backend before the client's connection has asked for more, so a slow client slows the call; and
/// the calls are dropped with the driver, so a client that leaves ends them at once.
pub(crate) struct ExchangeDriver {
    host: Arc<Host>,
    serving: Arc<Serving>,
    /// Where its request came from.
    source: RequestSource,
    exchange: Exchange,
    /// The store's answer about the turns of the conversation.
    recall: Option<RecallFuture>,
    primary: CallState,
    /// The call to another backend, while the primary one is slow.
    hedge: Option<Box<CallState>>,
    /// The one timer of the exchange.
    timer: Option<ExchangeTimer>,
    over: bool,
    /// A large request is written once more, apart from the thread that serves its client.
    away: Option<Away>,
    /// The memory that stands beside the body of a large one while that is done.
    beside: Option<usize>,
    /// The memory of the request, while it may be sent again.
    reservation: Reservation,
    /// The length of its body.
    body: usize,
    in_flight: Option<InFlight>,
    /// Its place among the exchanges that can be watched.
    watch: Option<Watch>,
    /// Its place in a trace, where the host traces.
    trace: Option<OpenTrace>,
}

/// The stage of a retry that takes its time.
enum Away {
    /// It waits for its turn.
    Waiting(WaitForThread),
    /// The exchange is on a thread, which gives it back, or ends it when nobody waits for it any more.
    Working(oneshot::Receiver<Exchange>),
}

/// The timer of an exchange, with the waker of the task that it wakes.
struct ExchangeTimer {
    sleep: Pin<Box<Sleep>>,
    waker: Waker,
}

/// The state of one call.
///
/// ```text
/// Idle ──► Queued ──► Sending ──► Answering ──► Idle
///   └─────────────────┘
/// ```
enum CallState {
    Idle,
    /// It waits for its turn, which is no time of the backend's.
    Queued(QueuedCall),
    Sending(SendingCall),
    Answering {
        body: UpstreamBody,
        /// The permit of the backend's concurrency limit, held until the body is read.
        _pass: Option<Permit>,
    },
}

/// What to do next. Its `Debug` shows no content.
pub(crate) enum Step {
    /// Read the request's body, of at most so many bytes.
    ReadBody(usize),
    /// The answer's head.
    Head(StatusCode, HeaderMap),
    /// More of its body.
    Body(Bytes),
    /// Its end.
    End,
    /// The exchange has neither anything to do nor anything to wait for.
    Stuck,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadBody(limit) => f.debug_tuple("ReadBody").field(limit).finish(),
            Self::Head(status, _) => f.debug_tuple("Head").field(status).finish_non_exhaustive(),
            Self::Body(bytes) => f.debug_struct("Body").field("bytes", &bytes.len()).finish(),
            Self::End => f.write_str("End"),
            Self::Stuck => f.write_str("Stuck"),
        }
    }
}

impl ExchangeDriver {
    /// Begins with the head of a request.
    pub(crate) fn begin(host: &Arc<Host>, source: RequestSource, head: &RequestHead<'_>) -> Self {
        let serving = host.serving();
        let (config, health) = (config(&serving, source), Arc::clone(&serving.health));
        let exchange = Exchange::begin(config, health, host.limits.terms(), head);
        Self::new(host, serving, source, exchange)
    }

    /// Begins with the head of a request that is refused for it.
    pub(crate) fn refuse(host: &Arc<Host>, source: RequestSource, head: &RequestHead<'_>, fault: &Fault) -> Self {
        let serving = host.serving();
        let (config, health) = (config(&serving, source), Arc::clone(&serving.health));
        let exchange = Exchange::refuse(config, health, host.limits.terms(), head, fault);
        Self::new(host, serving, source, exchange)
    }

    fn new(host: &Arc<Host>, serving: Arc<Serving>, source: RequestSource, exchange: Exchange) -> Self {
        Self {
            host: Arc::clone(host),
            serving,
            source,
            exchange,
            recall: None,
            primary: CallState::Idle,
            hedge: None,
            timer: None,
            over: false,
            away: None,
            beside: None,
            reservation: host.body_memory.reservation(),
            body: 0,
            in_flight: None,
            watch: None,
            trace: None,
        }
    }

    /// Traces the exchange, where the host traces.
    pub(crate) fn traced(mut self, head: &RequestHead<'_>, client: Option<IpAddr>) -> Self {
        self.trace = self.host.tracer.as_ref().and_then(|tracer| tracer.begin(head, client));
        self
    }

    /// The memory of the request while its body is read, and of what will stand beside it.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Fault> {
        self.reservation.resize(bytes)
    }

    /// Gives back the memory of a body that is not kept.
    pub(crate) fn release(&mut self) {
        self.reservation.shrink(0);
    }

    /// The memory that stands beside a body while it is read.
    pub(crate) fn weight(&mut self, body: &[u8]) -> usize {
        self.exchange.body_weight(body)
    }

    /// Takes the body, with the memory that stands beside a large one while it is read: such a one is written once more
    /// only apart from this thread.
    pub(crate) fn take_body(&mut self, head: &RequestHead<'_>, bytes: Bytes, beside: Option<usize>) {
        if beside.is_some() {
            self.exchange.defer_retries();
        }
        (self.beside, self.body) = (beside, bytes.len());
        self.in_flight = Some(self.host.telemetry.begin());
        let shown = self.serving.may_show_bodies().then(|| bytes.clone());
        self.exchange.handle(Input::Body { head, bytes, turns: &*self.host.turns }, clock::now());
        self.watch = self.host.live.begin(&self.exchange, shown, self.serving.lists_early());
    }

    /// Refuses the request whose body was asked for.
    pub(crate) fn refuse_body(&mut self, fault: Fault) {
        self.exchange.handle(Input::Refused(fault), clock::now());
    }

    /// The next step that can be made without waiting for anything.
    pub(crate) fn next_ready(&mut self) -> Option<Step> {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::ReadBody { limit } => return Some(Step::ReadBody(limit)),
                Output::Recall(keys) => self.recall = Some(self.host.turns.recall(&keys)),
                Output::Keep(keep) => TurnStore::keep(&*self.host.turns, *keep),
                Output::KeepResponse(keep) => self.host.turns.keep_response(*keep),
                Output::Call(call) => {
                    self.call(*call);
                    self.note_stream();
                }
                Output::Cancel(CallId::Primary) => self.primary = CallState::Idle,
                Output::Cancel(CallId::Hedge) => self.hedge = None,
                Output::Retry => self.away = Some(Away::Waiting(offload::permit(&self.host))),
                Output::Settled(CallId::Primary) => self.hedge = None,
                Output::Settled(CallId::Hedge) => {
                    self.primary = self.hedge.take().map_or(CallState::Idle, |hedge| *hedge);
                }
                Output::Head { status, headers, local: _ } => {
                    self.release_when_told();
                    if let Some(watch) = &mut self.watch {
                        watch.head(&headers);
                    }
                    return Some(Step::Head(status, headers));
                }
                Output::Body(bytes) => {
                    self.release_when_told();
                    if let Some(watch) = &mut self.watch {
                        watch.body(&bytes, self.exchange.phase(), self.exchange.heard_at());
                    }
                    self.note_stream();
                    return Some(Step::Body(bytes));
                }
                Output::Ejected { backend, model, alone } => {
                    self.serving.log_ejection(backend, model.as_deref(), alone);
                }
                Output::Reasoning(progress) => {
                    log::reasoning(self.exchange.id(), progress);
                    if let Some(watch) = &self.watch {
                        watch.progress(self.exchange.phase());
                    }
                }
                Output::Done(record) => {
                    self.finish(record);
                    return Some(Step::End);
                }
            }
        }
        self.over.then_some(Step::End)
    }

    /// When the client must have taken the whole answer, and how long it may take nothing of it.
    pub(crate) fn client_limits(&self) -> (Option<Instant>, Duration) {
        let (whole, idle) = self.exchange.client_limits();
        let most = self.host.limits.client_idle;
        (whole, idle.map_or(most, |routes| routes.min(most)))
    }

    /// Begins a call.
    fn call(&mut self, mut call: Call) {
        let backend = self.serving.config.backends.get(call.backend);
        if let Some(trace) = &mut self.trace {
            trace.write(&mut call, backend);
        }
        // A store of turns that has not answered by now is not waited for any more.
        self.recall = None;
        // What was noted of the body is forgotten; what is sent may have been changed once more.
        self.reservation.shrink(self.body + 2 * call.body.len());
        if let Some(watch) = &mut self.watch {
            watch.called(self.exchange.record(), &call.body);
        }
        let (id, at_once) = (call.id, call.after.is_zero());
        let state = match self.serving.upstreams.begin(call) {
            StartedCall::Sent(sending) => {
                if at_once {
                    self.exchange.handle_from(id, Input::CallStarted, clock::now());
                }
                self.show_sent();
                CallState::Sending(sending)
            }
            StartedCall::Queued(queued) => {
                self.exchange.handle_from(id, Input::CallQueued, clock::now());
                CallState::Queued(queued)
            }
        };
        match id {
            CallId::Primary => self.primary = state,
            CallId::Hedge => self.hedge = Some(Box::new(state)),
        }
    }

    /// Counts the stream as open in the phase that it is in now.
    fn note_stream(&mut self) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.set_stream(self.exchange.open_stream());
        }
    }

    /// A client that was told some content is answered by this attempt: its request is not kept for another one.
    fn release_when_told(&mut self) {
        if self.exchange.is_told() {
            self.reservation.shrink(0);
        }
    }

    /// The next step.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(step) = self.next_ready() {
                return Poll::Ready(step);
            }
            if self.away.is_some() {
                ready!(self.poll_away(cx));
                continue;
            }
            if !ready!(self.poll_input(cx)) {
                return Poll::Ready(Step::Stuck);
            }
        }
    }

    /// Has a large request said once more on a thread of its own, when there is one for it and room.
    fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.away {
                None => return Poll::Ready(()),
                Some(Away::Waiting(turn)) => {
                    let turn = ready!(turn.as_mut().poll(cx)).ok();
                    self.away = turn.and_then(|turn| self.go_away(turn));
                    if self.away.is_none() {
                        self.exchange.retry(false, clock::now());
                    }
                }
                Some(Away::Working(done)) => {
                    let exchange = ready!(Pin::new(done).poll(cx));
                    self.away = None;
                    if let Ok(exchange) = exchange {
                        self.exchange = exchange;
                    }
                }
            }
        }
    }

    fn go_away(&mut self, turn: OwnedSemaphorePermit) -> Option<Away> {
        self.reservation.resize(self.body + self.beside.unwrap_or_default()).ok()?;
        let nothing = {
            let (config, health) = (Arc::clone(&self.serving.config), Arc::clone(&self.serving.health));
            Exchange::nothing(config, health, clock::now())
        };
        let slot = Arc::new(Mutex::new(Some(std::mem::replace(&mut self.exchange, nothing))));
        let (done, again) = oneshot::channel();
        let (host, taken, source) = (Arc::clone(&self.host), Arc::clone(&slot), self.source);
        let begun = offload::spawn(move || {
            let exchange = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut exchange) = exchange {
                if !done.is_closed() {
                    exchange.retry(true, clock::now());
                }
                if let Err(exchange) = done.send(exchange) {
                    abandon(exchange, &host, source);
                }
            }
            drop(turn);
        });
        if begun.is_err() {
            let back = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.exchange = back?;
            return None;
        }
        Some(Away::Working(again))
    }

    /// Waits for the next thing to happen and feeds it; false when nothing can.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if let Some(recall) = &mut self.recall {
            match recall.as_mut().poll(cx) {
                Poll::Ready(turns) => {
                    self.recall = None;
                    self.exchange.handle(Input::Recalled(turns), clock::now());
                }
                Poll::Pending => ready!(self.poll_timer(cx)),
            }
            return Poll::Ready(true);
        }
        let is_queued = matches!(self.primary, CallState::Queued(_));
        let polled = self.primary.poll(CallId::Primary, &mut self.exchange, cx);
        if polled.is_ready() {
            if is_queued {
                self.show_sent();
            }
            return polled;
        }
        if let Some(hedge) = &mut self.hedge {
            let polled = hedge.poll(CallId::Hedge, &mut self.exchange, cx);
            if polled.is_ready() {
                return polled;
            }
        }
        ready!(self.poll_timer(cx));
        Poll::Ready(true)
    }

    /// Waits for the moment that the exchange named, and feeds it. The timer is set anew when it has run out, and not with
    /// every byte.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = clock::now();
            let Some(next) = self.exchange.poll_timeout(now) else { return Poll::Pending };
            if next <= now {
                self.exchange.handle(Input::Timeout, now);
                return Poll::Ready(());
            }
            let next = tokio::time::Instant::from_std(next);
            let ExchangeTimer { sleep, waker } = match &mut self.timer {
                Some(timer) if timer.wakes(cx, next, now) => return Poll::Pending,
                timer => timer.get_or_insert_with(|| ExchangeTimer::until(next, cx)),
            };
            // A timer that runs out too early is set anew then.
            if sleep.deadline() > next || sleep.is_elapsed() {
                sleep.as_mut().reset(next);
            }
            waker.clone_from(cx.waker());
            ready!(sleep.as_mut().poll(cx));
        }
    }

    fn finish(&mut self, mut record: Box<Record>) {
        self.give_up();
        if !std::mem::replace(&mut self.over, true) {
            if let Some(mut watch) = self.watch.take() {
                watch.end(record.outcome);
            }
            record.source = self.source;
            record.trace = self.trace.take().map(|trace| trace.end(&self.serving.upstreams));
            self.host.telemetry.observe(record);
        }
    }

    /// Tells those who watch that a call was sent.
    fn show_sent(&self) {
        if let Some(watch) = &self.watch {
            watch.sent(self.exchange.phase());
        }
    }

    /// Drops what is under way.
    fn give_up(&mut self) {
        (self.primary, self.hedge, self.recall) = (CallState::Idle, None, None);
    }
}

impl ExchangeTimer {
    fn until(next: tokio::time::Instant, cx: &Context<'_>) -> Self {
        Self { sleep: Box::pin(sleep_until(next)), waker: cx.waker().clone() }
    }

    /// Whether the timer runs, and wakes this task by then without being polled again: with every byte of an answer that
    /// would cost as much as its translation.
    fn wakes(&self, cx: &Context<'_>, next: tokio::time::Instant, now: Instant) -> bool {
        let deadline = self.sleep.deadline();
        deadline <= next && deadline.into_std() > now && self.waker.will_wake(cx.waker())
    }
}

impl CallState {
    /// Waits for the next thing to happen to this call and feeds it; false when nothing can.
    fn poll(&mut self, id: CallId, exchange: &mut Exchange, cx: &mut Context<'_>) -> Poll<bool> {
        match self {
            Self::Idle => return Poll::Ready(false),
            Self::Queued(queued) => match ready!(queued.as_mut().poll(cx)) {
                Ok(sending) => {
                    *self = Self::Sending(sending);
                    exchange.handle_from(id, Input::CallStarted, clock::now());
                }
                Err(unreachable) => self.failed(id, exchange, unreachable),
            },
            Self::Sending(sending) => match ready!(sending.as_mut().poll(cx)) {
                Ok(UpstreamResponse { head, body, pass }) => {
                    *self = Self::Answering { body, _pass: pass };
                    let input = Input::UpstreamHead { status: head.status, headers: &head.headers };
                    exchange.handle_from(id, input, clock::now());
                }
                Err(unreachable) => self.failed(id, exchange, unreachable),
            },
            Self::Answering { body, .. } => {
                let read = body.poll_data(cx, &mut |data| {
                    exchange.handle_from(id, Input::UpstreamBody(data), clock::now());
                });
                match ready!(read) {
                    Some(Ok(())) => {}
                    Some(Err(why)) => self.failed(id, exchange, Unreachable::Broken(why)),
                    None => {
                        *self = Self::Idle;
                        exchange.handle_from(id, Input::UpstreamEnd, clock::now());
                    }
                }
            }
        }
        Poll::Ready(true)
    }

    fn failed(&mut self, id: CallId, exchange: &mut Exchange, why: Unreachable) {
        *self = Self::Idle;
        exchange.handle_from(id, Input::UpstreamFailed(why), clock::now());
    }
}

/// The configuration by which requests of a source are decided: the playground's were authenticated by the admin listener.
fn config(serving: &Serving, source: RequestSource) -> Arc<Config> {
    match source {
        RequestSource::Client => Arc::clone(&serving.config),
        RequestSource::Playground => serving.config_without_keys(),
    }
}

/// The client left while its exchange was on another thread.
fn abandon(mut exchange: Exchange, host: &Host, source: RequestSource) {
    exchange.handle(Input::ClientGone, clock::now());
    while let Some(output) = exchange.poll() {
        if let Output::Done(record) = output {
            host.telemetry.observe(Record { source, ..*record });
        }
    }
}

impl ExchangeDriver {
    /// Where the exchange wants its tokens known although the client left, a task of its own reads on; false where it does
    /// not, or none may any more.
    fn drain(&mut self) -> bool {
        if self.away.is_some() || !self.exchange.wants_drain() {
            return false;
        }
        let permit = Arc::clone(&self.host.drains).try_acquire_owned();
        let (Ok(runtime), has_room) = (Handle::try_current(), permit.is_ok()) else { return false };
        if !self.exchange.drain(has_room, clock::now()) {
            return false;
        }
        let serving = Arc::clone(&self.serving);
        let nothing = Exchange::nothing(Arc::clone(&serving.config), Arc::clone(&serving.health), clock::now());
        let exchange = std::mem::replace(&mut self.exchange, nothing);
        let mut detached = Self::new(&self.host, serving, self.source, exchange);
        detached.primary = std::mem::replace(&mut self.primary, CallState::Idle);
        (detached.watch, detached.trace) = (self.watch.take(), self.trace.take());
        detached.show_sent();
        self.over = true;
        runtime.spawn(async move {
            // A host that ends drops this, and with it the exchange, which is recorded then.
            while !matches!(poll_fn(|cx| detached.poll_next(cx)).await, Step::End | Step::Stuck) {}
            drop(permit);
        });
        true
    }
}

impl Drop for ExchangeDriver {
    fn drop(&mut self) {
        if self.over || !std::thread::panicking() && self.drain() {
            return;
        }
        self.give_up();
        if let Some(Away::Working(done)) = &mut self.away {
            done.close();
            // Whoever still has the exchange sees that nobody waits for it, and records it.
            let Ok(exchange) = done.try_recv() else { return };
            self.exchange = exchange;
        }
        if !std::thread::panicking() {
            self.exchange.handle(Input::ClientGone, clock::now());
            while let Some(output) = self.exchange.poll() {
                if let Output::Done(record) = output {
                    self.finish(record);
                }
            }
        }
        if !self.over {
            let record = self.exchange.broken(clock::now());
            self.finish(Box::new(record));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shows_none_of_what_it_tells() {
        let head = HeaderMap::from_iter([(http::header::WARNING, http::HeaderValue::from_static("xyzzy"))]);
        for step in [Step::Body(Bytes::from_static(b"xyzzy")), Step::Head(StatusCode::OK, head), Step::End, Step::Stuck]
        {
            assert!(!format!("{step:?}").contains("xyzzy"), "{step:?}");
        }
    }
}
