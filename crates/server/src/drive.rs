//! Drives one exchange: what it asks for is done, what happens is fed to it, in lockstep with the client.

use crate::clock;
use crate::gate::Pass;
use crate::host::{Host, Serving};
use crate::patience::{Passed, Waiting};
use crate::telemetry::{InFlight, log};
use crate::upstream::{Answer, Answered};
use aquifer_gateway::exchange::{Arrival, Exchange, Input, Output, Patience};
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::restore::Recalling;
use aquifer_gateway::translate::fault::Unreachable;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// One exchange with its call. Dropped before the end, it tells the exchange that the client left.
///
/// Nothing is read from Bedrock before the client's connection has asked for more, so a slow client slows
/// the call; and the call is dropped with the drive, so a client that leaves ends it at once.
pub(crate) struct Drive {
    host: Arc<Host>,
    serving: Arc<Serving>,
    exchange: Exchange,
    call: Progress,
    waiting: Waiting,
    over: bool,
    _in_flight: InFlight,
}

type Sending = Pin<Box<dyn Future<Output = Result<Answered, Unreachable>> + Send>>;

/// How far the call is.
enum Progress {
    Idle,
    Recalling(Recalling),
    Sending(Sending),
    Answering {
        body: Answer,
        /// The backend's place is free when it is dropped.
        _pass: Option<Pass>,
    },
}

/// What to tell the client next.
#[derive(Debug)]
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

impl Drive {
    /// Begins.
    pub(crate) fn begin(host: &Arc<Host>, arrival: &Arrival<'_>) -> Self {
        let serving = host.serving();
        let exchange = Exchange::begin(Arc::clone(&serving.config), Arc::clone(&serving.fleet), arrival);
        let in_flight = host.telemetry.begin();
        Self {
            host: Arc::clone(host),
            serving,
            exchange,
            call: Progress::Idle,
            waiting: Waiting::new(Patience::default(), &host.limits),
            over: false,
            _in_flight: in_flight,
        }
    }

    /// What can be told the client without waiting for anything.
    pub(crate) fn next_ready(&mut self) -> Option<Step> {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Recall(keys) => self.call = Progress::Recalling(self.host.turns.recall(keys)),
                Output::Keep(keep) => self.host.turns.keep(*keep),
                Output::Call(call) => {
                    // The time of an attempt begins when its pause is over.
                    let first = call.patience.first.map(|first| first.saturating_add(call.after));
                    self.waiting = Waiting::new(Patience { first, ..call.patience }, &self.host.limits);
                    self.call = Progress::Sending(Box::pin(self.serving.upstreams.call(call)));
                }
                Output::Settled(_) => {}
                Output::Head { status, headers } => return Some(Step::Head(status, headers)),
                Output::Body(bytes) => {
                    self.waiting.said();
                    return Some(Step::Body(bytes));
                }
                Output::Ejected { backend, alone } => self.serving.tell_of_ejection(backend, alone),
                Output::Reasoning(progress) => log::reasoning(self.exchange.id(), progress),
                Output::Done(record) => {
                    self.finish(&record);
                    return Some(Step::End);
                }
            }
        }
        self.over.then_some(Step::End)
    }

    /// What to tell the client next.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(step) = self.next_ready() {
                return Poll::Ready(step);
            }
            if !ready!(self.poll_input(cx)) {
                return Poll::Ready(Step::Stuck);
            }
        }
    }

    /// Waits for the next thing to happen and feeds it; false when nothing can.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let polled = self.poll_call(cx);
        if polled.is_ready() {
            self.waiting.is_over();
            return polled;
        }
        match ready!(self.waiting.poll_passed(cx)) {
            Passed::Lost(why) => self.call_failed(why),
            Passed::Quiet => self.exchange.handle(Input::Quiet(self.host.limits.keep_alive_kind), clock::now()),
        }
        Poll::Ready(true)
    }

    fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        match &mut self.call {
            Progress::Idle => return Poll::Ready(false),
            Progress::Recalling(recalling) => {
                let turns = ready!(recalling.as_mut().poll(cx));
                self.call = Progress::Idle;
                self.exchange.handle(Input::Recalled(turns), clock::now());
            }
            Progress::Sending(sending) => match ready!(sending.as_mut().poll(cx)) {
                Ok(Answered { head, body, pass }) => {
                    self.call = Progress::Answering { body, _pass: pass };
                    let input = Input::UpstreamHead { status: head.status, headers: &head.headers };
                    self.exchange.handle(input, clock::now());
                }
                Err(unreachable) => self.call_failed(unreachable),
            },
            Progress::Answering { body, .. } => match ready!(body.poll_data(cx, &mut |data| {
                self.waiting.begun();
                self.exchange.handle(Input::UpstreamBody(data), clock::now());
            })) {
                Some(Ok(())) => {}
                Some(Err(why)) => self.call_failed(Unreachable::Broken(why)),
                None => {
                    self.call = Progress::Idle;
                    self.exchange.handle(Input::UpstreamEnd, clock::now());
                }
            },
        }
        Poll::Ready(true)
    }

    fn call_failed(&mut self, unreachable: Unreachable) {
        self.call = Progress::Idle;
        self.exchange.handle(Input::UpstreamFailed(unreachable), clock::now());
    }

    fn finish(&mut self, record: &Record) {
        self.call = Progress::Idle;
        if !std::mem::replace(&mut self.over, true) {
            self.host.telemetry.observe(record);
        }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.call = Progress::Idle;
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
