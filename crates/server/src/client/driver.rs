//! Drives one exchange: what it asks for is done, what happens is fed to it, in lockstep with the client.

use crate::client::body_memory::Reservation;
use crate::client::offload::{self, WaitForThread};
use crate::client::patience::{Passed, Waiting};
use crate::host::{Host, Limits, Serving};
use crate::process::clock;
use crate::telemetry::{InFlight, log};
use crate::turn_store::RecallFuture;
use crate::upstream::concurrency::Permit;
use crate::upstream::{Begun, Queued, Sending, UpstreamBody, UpstreamResponse};
use aquifer_gateway::exchange::{Arrival, Call, CallId, CallTimeouts, Exchange, Input, Output};
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::TurnStore;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// One exchange with its call. Dropped before the end, it tells the exchange that the client left.
///
/// Nothing is read from Bedrock before the client's connection has asked for more, so a slow client slows
/// the call; and the call is dropped with the drive, so a client that leaves ends it at once.
pub(crate) struct ExchangeDriver {
    host: Arc<Host>,
    serving: Arc<Serving>,
    exchange: Exchange,
    first: UpstreamCall,
    /// The call to another backend, while the first is slow.
    second: Option<Box<UpstreamCall>>,
    over: bool,
    /// A large request is said once more, apart from the thread that serves its client.
    away: Option<Away>,
    /// What stands beside the body of a large one while that is done.
    beside: Option<usize>,
    /// What the request takes, while it may be sent again.
    place: Reservation,
    /// How long its body is.
    body: usize,
    _in_flight: InFlight,
}

/// A call, and how long it is waited for.
struct UpstreamCall {
    call: CallState,
    waiting: Waiting,
}

/// How far a retry is that takes its time.
enum Away {
    /// It waits for its turn.
    Waiting(WaitForThread),
    /// The exchange is on a thread, which gives it back, or ends it when nobody waits for it any more.
    Working(oneshot::Receiver<Exchange>),
}

/// How far the call is.
enum CallState {
    Idle,
    Recalling(RecallFuture),
    /// It waits for its turn, which is no time of the backend's.
    Queued(Queued),
    Sending(Sending),
    Answering {
        body: UpstreamBody,
        /// The backend's place is free when it is dropped.
        _pass: Option<Permit>,
    },
}

/// What to tell the client next. Its `Debug` shows no content.
pub(crate) enum Step {
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
            Self::Head(status, _) => f.debug_tuple("Head").field(status).finish_non_exhaustive(),
            Self::Body(bytes) => f.debug_struct("Body").field("bytes", &bytes.len()).finish(),
            Self::End => f.write_str("End"),
            Self::Stuck => f.write_str("Stuck"),
        }
    }
}

impl ExchangeDriver {
    /// Begins with a request that has this place; so much stands beside it while it is read, if it is a large one.
    pub(crate) fn begin(host: &Arc<Host>, arrival: &Arrival<'_>, place: Reservation, beside: Option<usize>) -> Self {
        let serving = host.serving();
        let mut exchange = Exchange::begin(Arc::clone(&serving.config), Arc::clone(&serving.health), arrival);
        if beside.is_some() {
            exchange.defer_retries();
        }
        let in_flight = host.telemetry.begin();
        Self {
            host: Arc::clone(host),
            serving,
            exchange,
            first: UpstreamCall { call: CallState::Idle, waiting: Waiting::new(CallTimeouts::default(), &host.limits) },
            second: None,
            over: false,
            away: None,
            beside,
            place,
            body: arrival.body.len(),
            _in_flight: in_flight,
        }
    }

    /// What can be told the client without waiting for anything.
    pub(crate) fn next_ready(&mut self) -> Option<Step> {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Recall(keys) => self.first.call = CallState::Recalling(self.host.turns.recall(&keys)),
                Output::Keep(keep) => TurnStore::keep(&*self.host.turns, *keep),
                Output::Call(call) => {
                    // What was noted of the body is forgotten; what is sent may have been changed once more.
                    self.place.shrink(self.body + 2 * call.body.len());
                    match call.lane {
                        CallId::Primary => self.first = self.line(*call),
                        CallId::Hedge => self.second = Some(Box::new(self.line(*call))),
                    }
                }
                Output::Retry => self.away = Some(Away::Waiting(offload::permit(&self.host))),
                Output::Settled(lane) => self.settle(lane),
                Output::Head { status, headers } => {
                    self.is_told();
                    return Some(Step::Head(status, headers));
                }
                Output::Body(bytes) => {
                    self.first.waiting.said();
                    self.is_told();
                    return Some(Step::Body(bytes));
                }
                Output::Ejected { backend, model, alone } => {
                    self.serving.tell_of_ejection(backend, model.as_deref(), alone);
                }
                Output::Reasoning(progress) => log::reasoning(self.exchange.id(), progress),
                Output::Done(record) => {
                    self.finish(&record);
                    return Some(Step::End);
                }
            }
        }
        self.over.then_some(Step::End)
    }

    /// The exchange's id.
    pub(crate) fn id(&self) -> &str {
        self.exchange.id()
    }

    /// By when the client must have taken the whole answer, and for how long it may take nothing of it.
    pub(crate) fn client_limits(&self) -> (Option<Instant>, Duration) {
        let waiting = &self.first.waiting;
        let idle = self.host.limits.client_idle;
        (waiting.whole(), waiting.idle().map_or(idle, |routes| routes.min(idle)))
    }

    /// Begins a call.
    fn line(&self, mut call: Call) -> UpstreamCall {
        let limits = &self.host.limits;
        call.patience.connect.get_or_insert(limits.connect);
        let patience = call.patience;
        match self.serving.upstreams.begin(call) {
            Begun::Sent(sending) => {
                UpstreamCall { call: CallState::Sending(sending), waiting: Waiting::new(patience, limits) }
            }
            Begun::Queued(queued) => {
                UpstreamCall { call: CallState::Queued(queued), waiting: Waiting::queued(patience, limits) }
            }
        }
    }

    /// The client may have been told some content: from then on nothing is sent once more, and nobody else is asked.
    fn is_told(&mut self) {
        if self.exchange.is_told() {
            self.place.shrink(0);
            self.first.waiting.told();
        }
    }

    /// Gives up the other call.
    fn settle(&mut self, lane: CallId) {
        let second = self.second.take();
        if let Some(second) = second.filter(|_| lane == CallId::Hedge) {
            let before = std::mem::replace(&mut self.first, *second);
            self.first.waiting.is_heard_like(&before.waiting);
        }
    }

    /// What to tell the client next.
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
        self.place.hold(self.body + self.beside.unwrap_or_default()).ok()?;
        let nothing = Exchange::nothing(Arc::clone(&self.serving.health), clock::now());
        let slot = Arc::new(Mutex::new(Some(std::mem::replace(&mut self.exchange, nothing))));
        let (done, again) = oneshot::channel();
        let (host, taken) = (Arc::clone(&self.host), Arc::clone(&slot));
        let begun = offload::spawn(move || {
            let exchange = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut exchange) = exchange {
                if !done.is_closed() {
                    exchange.retry(true, clock::now());
                }
                if let Err(exchange) = done.send(exchange) {
                    abandon(exchange, &host);
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
        let polled = self.first.poll(CallId::Primary, &mut self.exchange, &self.host.limits, cx);
        match &mut self.second {
            Some(second) if polled.is_pending() => {
                second.poll(CallId::Hedge, &mut self.exchange, &self.host.limits, cx)
            }
            _ => polled,
        }
    }

    fn finish(&mut self, record: &Record) {
        self.give_up();
        if !std::mem::replace(&mut self.over, true) {
            self.host.telemetry.observe(record);
        }
    }

    /// Drops what is under way.
    fn give_up(&mut self) {
        self.first.call = CallState::Idle;
        self.second = None;
    }
}

impl UpstreamCall {
    /// Waits for the next thing to happen to this call and feeds it; false when nothing can.
    fn poll(&mut self, lane: CallId, exchange: &mut Exchange, limits: &Limits, cx: &mut Context<'_>) -> Poll<bool> {
        let polled = self.poll_call(lane, exchange, cx);
        if polled.is_ready() {
            self.waiting.is_over();
            return polled;
        }
        let input = match ready!(self.waiting.poll_passed(cx)) {
            Passed::Lost(why) => {
                self.call = CallState::Idle;
                Input::UpstreamFailed(why)
            }
            Passed::Slow => Input::Slow,
            // The first one has told it, or will.
            Passed::Early if lane == CallId::Hedge => return Poll::Ready(true),
            Passed::Early => Input::Early,
            // The client is told by whichever call was the first.
            Passed::Quiet if lane == CallId::Hedge => return Poll::Ready(true),
            Passed::Quiet => Input::Quiet(limits.keep_alive_kind),
        };
        exchange.handle_from(lane, input, clock::now());
        Poll::Ready(true)
    }

    fn poll_call(&mut self, lane: CallId, exchange: &mut Exchange, cx: &mut Context<'_>) -> Poll<bool> {
        match &mut self.call {
            CallState::Idle => return Poll::Ready(false),
            CallState::Recalling(recalling) => {
                let turns = ready!(recalling.as_mut().poll(cx));
                self.call = CallState::Idle;
                exchange.handle_from(lane, Input::Recalled(turns), clock::now());
            }
            CallState::Queued(queued) => match ready!(queued.as_mut().poll(cx)) {
                Ok(sending) => {
                    self.call = CallState::Sending(sending);
                    self.waiting.started();
                    exchange.handle_from(lane, Input::CallStarted, clock::now());
                }
                Err(unreachable) => {
                    self.call = CallState::Idle;
                    exchange.handle_from(lane, Input::UpstreamFailed(unreachable), clock::now());
                }
            },
            CallState::Sending(sending) => match ready!(sending.as_mut().poll(cx)) {
                Ok(UpstreamResponse { head, body, pass }) => {
                    self.call = CallState::Answering { body, _pass: pass };
                    exchange.handle_from(
                        lane,
                        Input::UpstreamHead { status: head.status, headers: &head.headers },
                        clock::now(),
                    );
                }
                Err(unreachable) => {
                    self.call = CallState::Idle;
                    exchange.handle_from(lane, Input::UpstreamFailed(unreachable), clock::now());
                }
            },
            CallState::Answering { body, .. } => match ready!(body.poll_data(cx, &mut |data| {
                exchange.handle_from(lane, Input::UpstreamBody(data), clock::now());
                // The beginning of a stream says nothing yet.
                if !exchange.is_stream() || exchange.is_told() {
                    self.waiting.begun();
                }
            })) {
                Some(Ok(())) => {}
                Some(Err(why)) => {
                    self.call = CallState::Idle;
                    exchange.handle_from(lane, Input::UpstreamFailed(Unreachable::Broken(why)), clock::now());
                }
                None => {
                    self.call = CallState::Idle;
                    exchange.handle_from(lane, Input::UpstreamEnd, clock::now());
                }
            },
        }
        Poll::Ready(true)
    }
}

/// The client left while its exchange was on another thread.
fn abandon(mut exchange: Exchange, host: &Host) {
    exchange.handle(Input::ClientGone, clock::now());
    while let Some(output) = exchange.poll() {
        if let Output::Done(record) = output {
            host.telemetry.observe(&record);
        }
    }
}

impl Drop for ExchangeDriver {
    fn drop(&mut self) {
        if self.over {
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
                    self.finish(&record);
                }
            }
        }
        if !self.over {
            let fault = Some("internal".to_owned());
            self.finish(&Record { outcome: Outcome::Failed, status: 500, fault, ..Record::default() });
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
