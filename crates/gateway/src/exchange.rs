//! One request with its answer, as a state machine without I/O.
//!
//! ```text
//!                         ┌─ a retry, a hedge ─┐
//!                         ▼                    │
//!  Head ──► Recalling ──► Calling { primary, hedge? } ◄─ broken off while thinking ─┐
//!   │           │             │                                                     │
//!   │           │             └─ the first content ──► Answering ───────────────────┴──► Over
//!   └───────────┴── a refusal, or an answer without a call ────────────────────────────► Over
//! ```
//!
//! A client that leaves ends it; where its tokens are wanted all the same, `Calling` and `Answering` go to `Draining` first.
//!
//! Each state holds what it needs and no more: before the body there is no plan, before a call no attempt, and once the
//! client was told some text or a call there is one attempt and no way back.

mod adjust;
mod admit;
pub mod attempt;
mod begin_attempt;
mod body_weight;
mod calling;
mod candidates;
mod common;
mod contract;
mod deadlines;
mod denied;
mod draining;
mod encoder_calls;
mod encoding;
mod first_call;
mod give_up;
mod heads;
mod hedge;
mod known_count;
mod make_call;
mod models;
mod open_call;
mod passed;
mod phase;
mod plan;
mod profiles;
mod relayed;
mod retry;
mod single_attempt;
mod stored;
mod target;
mod timeouts;
mod veil;
mod watched;

pub use aquifer_translate::translation::{KeepAlive, ReasoningProgress, ReasoningState};
pub use contract::{
    Abilities, Call, CallId, DrainLimits, HostLimits, HostTerms, Input, OpenStream, Output, RequestHead,
};
pub use deadlines::LONGEST_TIMEOUT;
pub use phase::Phase;
pub use single_attempt::ChosenBackend;

use crate::config::Config;
use crate::health::BackendHealth;
use crate::record::{Outcome, Record, Tokens};
use admit::Admitted;
use aquifer_translate::Fault;
use aquifer_translate::dialect::Surface;
use attempt::End;
use calling::Calling;
use common::{Common, Heard};
use deadlines::RecallDeadline;
use draining::Draining;
use first_call::AwaitedCount;
use open_call::OpenCall;
use plan::Plan;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One exchange: a request with its answer, from the head to the record.
///
/// The contract with every host: **feed one [`Input`], then do every [`Output`] until there is none; only then feed the
/// next.** A host that reads from a backend only after the client has taken what came before keeps memory bounded.
///
/// 1. Do all that [`poll`](Self::poll) gives.
/// 2. Set one timer for [`poll_timeout`](Self::poll_timeout).
/// 3. Feed the next thing that happens to [`handle`](Self::handle).
pub struct Exchange {
    common: Common,
    state: State,
}

/// Where an exchange stands.
enum State {
    /// The request's head is known; its body is awaited.
    Head(Admitted),
    /// The store is asked for the turns of the conversation.
    Recalling(Recalling),
    /// Another exchange asks for the same count of tokens just now.
    AwaitingCount(AwaitedCount),
    /// One call is under way, or two; the client was told no content.
    Calling(Calling),
    /// The client is told the answer of this call.
    Answering(Answering),
    /// The client left, and the call is read on until its tokens are reported.
    Draining(Draining),
    /// The record was given.
    Over,
}

/// An exchange that waits for the store of turns.
struct Recalling {
    plan: Box<Plan>,
    deadline: RecallDeadline,
}

/// An exchange whose client is told an answer.
struct Answering {
    plan: Box<Plan>,
    call: Box<OpenCall>,
    /// Only reasoning was told, and a stream that breaks off now begins again.
    restartable: bool,
}

/// What the end of an answer came to.
enum Ended {
    /// The client was told all of it.
    Whole(Box<End>),
    /// It broke off.
    Broken(Fault),
}

impl Exchange {
    /// Begins with a request's head. What the head alone decides is decided here: who asks, and what for. Then
    /// [`Output::ReadBody`] asks for the body, or the client is refused.
    #[must_use]
    pub fn begin(config: Arc<Config>, health: Arc<BackendHealth>, terms: HostTerms, head: &RequestHead<'_>) -> Self {
        let surface = Surface::of(head.method, head.path);
        let mut common = Common::new(config, health, terms, head, head.dialect_at(&surface));
        let state = common.admit(head, surface);
        Self { common, state }
    }

    /// Begins with a request that the host refuses by its head, and ends at once.
    #[must_use]
    pub fn refuse(
        config: Arc<Config>,
        health: Arc<BackendHealth>,
        terms: HostTerms,
        head: &RequestHead<'_>,
        fault: &Fault,
    ) -> Self {
        let mut common = Common::new(config, health, terms, head, head.dialect());
        let state = common.refuse(fault, None, head.now);
        Self { common, state }
    }

    /// An exchange that is over, to stand where another one stood.
    #[must_use]
    pub fn nothing(config: Arc<Config>, health: Arc<BackendHealth>, now: Instant) -> Self {
        Self { common: Common::nothing(config, health, now), state: State::Over }
    }

    /// The id in the answer, in the record and in every line of the log that is about this exchange.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.common.record.id
    }

    /// Takes in what happened; `now` is when. Inputs about a call are about the only one, or the primary one. Once the
    /// exchange is over, nothing that happens matters.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.handle_from(CallId::Primary, input, now);
    }

    /// The same of one of two calls. A call that is over says nothing any more.
    pub fn handle_from(&mut self, id: CallId, input: Input<'_>, now: Instant) {
        let common = &mut self.common;
        // Most of what happens is one more part of an answer, after which the exchange stands where it stood.
        let input = match (&mut self.state, input) {
            (State::Answering(answering), Input::UpstreamBody(bytes)) if id == CallId::Primary => {
                if let Err(broken) = answering.more(common, bytes, now) {
                    self.state = match std::mem::replace(&mut self.state, State::Over) {
                        State::Answering(answering) => answering.ended(common, broken, now),
                        state @ (State::Head(_)
                        | State::Recalling(_)
                        | State::AwaitingCount(_)
                        | State::Calling(_)
                        | State::Draining(_)
                        | State::Over) => state,
                    };
                }
                return;
            }
            (_, input) => input,
        };
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Answering(answering) => answering.handle(common, id, input, now),
            State::Calling(calling) => calling.handle(common, id, input, now),
            State::Draining(draining) => draining.handle(common, id, input, now),
            State::Head(admitted) => match input {
                Input::Body { head, bytes, turns } => common.read(admitted, head, bytes, turns, now),
                Input::Refused(fault) => common.refuse(&fault, None, now),
                Input::ClientGone => common.abandon(now),
                Input::Recalled(_)
                | Input::CallQueued
                | Input::CallStarted
                | Input::UpstreamHead { .. }
                | Input::UpstreamBody(_)
                | Input::UpstreamEnd
                | Input::UpstreamFailed(_)
                | Input::Timeout => State::Head(admitted),
            },
            State::Recalling(recalling) => match input {
                Input::Recalled(turns) => common.recalled(recalling.plan, turns, now),
                Input::ClientGone => common.abandon(now),
                Input::Timeout if recalling.deadline.is_passed(now) => common.not_recalled(recalling.plan, now),
                Input::Body { .. }
                | Input::Refused(_)
                | Input::CallQueued
                | Input::CallStarted
                | Input::UpstreamHead { .. }
                | Input::UpstreamBody(_)
                | Input::UpstreamEnd
                | Input::UpstreamFailed(_)
                | Input::Timeout => State::Recalling(recalling),
            },
            State::AwaitingCount(awaited) => awaited.handle(common, &input, now),
            State::Over => State::Over,
        };
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        self.common.poll()
    }

    /// The moment at which the host feeds [`Input::Timeout`], if nothing else happens before.
    ///
    /// A host asks for it when it begins to wait for a backend: silences are counted from the first asking after an input.
    /// While its client takes nothing, it neither reads from the backend nor asks.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.state {
            State::Head(_) | State::Over => None,
            State::Recalling(recalling) => Some(recalling.deadline.next()),
            State::AwaitingCount(awaited) => Some(awaited.next()),
            State::Draining(draining) => Some(draining.next(now)),
            State::Calling(calling) => {
                let hedge = calling.hedge.as_mut().map(|call| call.deadlines.next(now));
                let calls = hedge.into_iter().fold(calling.primary.deadlines.next(now), Instant::min);
                Some(self.common.client.next(now).into_iter().fold(calls, Instant::min))
            }
            State::Answering(Answering { call, .. }) => {
                let client = self.common.client.next(now);
                Some(client.into_iter().fold(call.deadlines.next(now), Instant::min))
            }
        }
    }

    /// When the client must have taken the whole answer, and how long it may take nothing of it, where a route says so.
    #[must_use]
    pub fn client_limits(&self) -> (Option<Instant>, Option<Duration>) {
        match &self.state {
            State::Calling(Calling { primary: call, .. }) | State::Answering(Answering { call, .. }) => {
                (call.deadlines.request(), call.deadlines.idle())
            }
            State::Head(_) | State::Recalling(_) | State::AwaitingCount(_) | State::Draining(_) | State::Over => {
                (None, None)
            }
        }
    }

    /// Whether the client was told some content that no other answer can go on behind: nothing is sent once more. Before
    /// that it may have heard that the answer goes on, or what the model was thinking.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let restartable = matches!(&self.state, State::Answering(Answering { restartable: true, .. }));
        self.common.heard == Heard::Content && !restartable && !matches!(&self.state, State::Calling(_))
    }

    /// The stream that is under way, with the model that is called; `None` where none was asked for, or it is over.
    #[must_use]
    pub fn open_stream(&self) -> Option<OpenStream<'_>> {
        let facts = match &self.state {
            State::Calling(Calling { primary: call, .. }) | State::Answering(Answering { call, .. }) => &call.facts,
            State::Head(_) | State::Recalling(_) | State::AwaitingCount(_) | State::Draining(_) | State::Over => {
                return None;
            }
        };
        let [_, is_known_model] = facts.known_models;
        let phase = self.phase();
        self.common.record.stream.then_some(OpenStream { model_id: &facts.model_id, is_known_model, phase })
    }

    /// From now on [`Output::Retry`] comes before the request is written once more: one that is large takes its time.
    pub fn defer_retries(&mut self) {
        self.common.defers = true;
    }

    /// Does what [`Output::Retry`] stood for: writes the request once more and calls, if that is `allowed` and worth it.
    pub fn retry(&mut self, allowed: bool, now: Instant) {
        let common = &mut self.common;
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Calling(calling) => calling.retry_deferred(common, allowed, now),
            state @ (State::Head(_)
            | State::Recalling(_)
            | State::AwaitingCount(_)
            | State::Answering(_)
            | State::Draining(_)
            | State::Over) => state,
        };
    }

    /// The record of an exchange that its host failed to carry through, for example because a thread panicked.
    pub fn broken(&mut self, now: Instant) -> Record {
        self.state = State::Over;
        let mut record = std::mem::take(&mut self.common.record);
        (record.outcome, record.status, record.fault) = (Outcome::Failed, 500, Some("internal".to_owned()));
        record.duration = now.saturating_duration_since(self.common.begun);
        record
    }
}

impl Answering {
    fn handle(mut self, common: &mut Common, id: CallId, input: Input<'_>, now: Instant) -> State {
        if id != CallId::Primary {
            return State::Answering(self);
        }
        match input {
            Input::UpstreamEnd => {
                self.call.deadlines.heard();
                common.told.clear();
                let taken = self.call.attempt.end(true, &mut common.told);
                self.told(common, taken, now)
            }
            Input::UpstreamFailed(why) => self.failed(common, Fault::UpstreamUnreachable(why), now),
            Input::Timeout => self.timeout(common, now),
            Input::ClientGone => match self.call.attempt.finished() {
                // A client that leaves once it was told everything has not abandoned its answer.
                Some(end) => common.answered(self.plan, self.call, end, now),
                None => {
                    common.record.tokens = self.call.attempt.usage().map(Tokens::from);
                    common.abandoned(self.plan, [Some(self.call), None], now)
                }
            },
            Input::Body { .. }
            | Input::Refused(_)
            | Input::Recalled(_)
            | Input::CallQueued
            | Input::CallStarted
            | Input::UpstreamHead { .. }
            | Input::UpstreamBody(_) => State::Answering(self),
        }
    }

    /// Tells the client one more part of the answer.
    ///
    /// # Errors
    /// The answer has ended, well or not.
    fn more(&mut self, common: &mut Common, bytes: &[u8], now: Instant) -> Result<(), Ended> {
        self.call.heard(&mut common.record, common.begun, now);
        common.note_gap(now);
        common.told.seen = None;
        let taken = self.call.attempt.body(bytes, true, &mut common.told);
        self.tell(common, taken, now)
    }

    /// Gives the client what came.
    fn tell(&mut self, common: &mut Common, taken: Result<(), Fault>, now: Instant) -> Result<(), Ended> {
        common.note(self.call.at, common.told.seen, now);
        if !common.told.progress.is_empty() {
            common.note_progress(now);
        }
        if common.told.turn.is_some() {
            common.keep(&self.plan, &self.call);
        }
        common.keep_response(&self.plan, &self.call);
        let end = common.told.end.take();
        common.say_told();
        if self.restartable && !self.call.attempt.is_thinking() {
            self.settle();
        }
        if let Some(end) = end {
            return Err(Ended::Whole(end));
        }
        taken.map_err(Ended::Broken)
    }

    /// Nothing is kept for a further attempt.
    fn settle(&mut self) {
        self.restartable = false;
        self.plan.let_go();
        self.call.attempt.let_go();
    }

    /// Ends with what an answer came to.
    fn ended(self, common: &mut Common, ended: Ended, now: Instant) -> State {
        match ended {
            Ended::Whole(end) => common.answered(self.plan, self.call, *end, now),
            Ended::Broken(fault) => self.failed(common, fault, now),
        }
    }

    /// Tells the client what came, and ends with the answer or its failure.
    fn told(mut self, common: &mut Common, taken: Result<(), Fault>, now: Instant) -> State {
        match self.tell(common, taken, now) {
            Ok(()) => State::Answering(self),
            Err(ended) => self.ended(common, ended, now),
        }
    }

    fn timeout(mut self, common: &mut Common, now: Instant) -> State {
        if let Some(lost) = self.call.deadlines.lost(now) {
            common.push(Output::Cancel(CallId::Primary));
            return self.failed(common, Fault::UpstreamUnreachable(lost), now);
        }
        if common.client.due(now).is_some() && self.call.attempt.is_streaming() {
            common.keep_alive(Some(&mut self.call.attempt));
        }
        State::Answering(self)
    }

    /// The answer broke off. What was told whole before that stays an answer. While only reasoning was told, another attempt may go on
    /// behind it; else the client is told inside its stream.
    fn failed(mut self, common: &mut Common, fault: Fault, now: Instant) -> State {
        if let (Some(end), Fault::UpstreamUnreachable(_)) = (self.call.attempt.finished(), &fault) {
            return common.answered(self.plan, self.call, end, now);
        }
        if self.restartable {
            return Calling::again_after(self.plan, self.call).failed(common, CallId::Primary, fault, now);
        }
        common.report(&mut self.plan, &self.call, Some(&fault), now);
        common.give_up(self.plan, self.call, &fault, now)
    }
}
