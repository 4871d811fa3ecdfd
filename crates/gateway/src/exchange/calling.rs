//! Calls under way before the client was told any content: whichever has something to tell first is the answer.

use super::common::{Common, Heard};
use super::contract::{CallId, Input, Output};
use super::deadlines::Due;
use super::make_call::Making;
use super::open_call::OpenCall;
use super::plan::{Plan, Written};
use super::{Answering, State};
use crate::record::{AttemptReason, Tokens};
use aquifer_translate::Fault;
use std::time::{Duration, Instant};

/// An exchange with one call under way, or two.
pub(super) struct Calling {
    pub(super) plan: Box<Plan>,
    pub(super) primary: Box<OpenCall>,
    /// The call to another backend, while the primary one is slow.
    pub(super) hedge: Option<Box<OpenCall>>,
    /// What the host was asked about with [`Output::Retry`].
    pub(super) deferred: Option<Box<Deferred>>,
    /// The client got its head early, as the operator wants it: no other backend is asked any more.
    pub(super) search_over: bool,
}

/// What awaits [`Exchange::retry`](super::Exchange::retry).
pub(super) enum Deferred {
    /// Another attempt after this fault, or else its being told.
    Retry(Fault),
    /// A second call.
    Hedge,
}

impl Calling {
    /// Makes the first call.
    pub(super) fn begin(common: &mut Common, mut plan: Box<Plan>, written: Written, now: Instant) -> Self {
        let making = Making { id: CallId::Primary, why: AttemptReason::First, after: Duration::ZERO };
        let primary = common.call(&mut plan, making, written, now);
        Self { plan, primary, hedge: None, deferred: None, search_over: false }
    }

    pub(super) fn handle(mut self, common: &mut Common, id: CallId, input: Input<'_>, now: Instant) -> State {
        match input {
            Input::Timeout => return self.timeout(common, now),
            Input::ClientGone => {
                common.record.tokens = self.primary.attempt.usage().map(Tokens::from);
                return common.abandoned(self.plan, [Some(self.primary), self.hedge], now);
            }
            Input::Body { .. } | Input::Refused(_) | Input::Recalled(_) => return State::Calling(self),
            Input::CallQueued
            | Input::CallStarted
            | Input::UpstreamHead { .. }
            | Input::UpstreamBody(_)
            | Input::UpstreamEnd
            | Input::UpstreamFailed(_) => {}
        }
        let begun = common.heard != Heard::Nothing;
        let since_body = common.since_body(now);
        let limits = common.terms.limits;
        let stream = common.record.stream;
        let Some(call) = self.call_mut(id) else { return State::Calling(self) };
        common.told.clear();
        let taken = match input {
            Input::UpstreamBody(bytes) => {
                call.heard(&mut common.record, common.begun, now);
                if !stream {
                    call.deadlines.first_byte();
                }
                call.attempt.body(bytes, begun, &mut common.told)
            }
            Input::UpstreamHead { status, headers } => {
                call.head(&mut common.record, status, headers, common.begun, now)
            }
            Input::UpstreamEnd => {
                call.deadlines.heard();
                call.attempt.end(begun, &mut common.told)
            }
            Input::UpstreamFailed(why) => Err(Fault::UpstreamUnreachable(why)),
            Input::CallQueued => {
                call.left(&mut common.record, since_body);
                call.deadlines.queue(call.timeouts, &limits);
                Ok(())
            }
            Input::CallStarted => {
                call.left(&mut common.record, since_body);
                call.sent(&mut common.record, common.begun, now);
                call.deadlines.start(now);
                Ok(())
            }
            Input::Body { .. } | Input::Refused(_) | Input::Recalled(_) | Input::Timeout | Input::ClientGone => Ok(()),
        };
        self.told(common, id, taken, now)
    }

    /// The call of this id, if it is under way.
    fn call_mut(&mut self, id: CallId) -> Option<&mut OpenCall> {
        match id {
            // A call that failed is over, although its retry waits for the host's word.
            CallId::Primary if matches!(self.deferred.as_deref(), Some(Deferred::Retry(_))) => None,
            CallId::Primary => Some(&mut self.primary),
            CallId::Hedge => self.hedge.as_deref_mut(),
        }
    }

    /// The place of a call in the record.
    fn place(&self, id: CallId) -> usize {
        match (id, &self.hedge) {
            (CallId::Hedge, Some(hedge)) => hedge.at,
            (CallId::Hedge, None) | (CallId::Primary, _) => self.primary.at,
        }
    }

    /// Goes on with what came of a call: it is the answer, or it failed, or more is awaited.
    fn told(self, common: &mut Common, id: CallId, taken: Result<(), Fault>, now: Instant) -> State {
        if let Some(answer) = common.told.part.take() {
            return self.part_answered(common, id, &answer, now);
        }
        if common.told.whole.is_some() {
            return self.answer_whole(common, id, now);
        }
        if common.told.stream.is_none() && common.told.end.is_none() {
            common.note(self.place(id), common.told.seen, now);
            common.note_progress(now);
            common.say_told();
            return match taken {
                Ok(()) => State::Calling(self),
                Err(fault) => self.failed(common, id, fault, now),
            };
        }
        common.note_gap(now);
        let answering = self.won(common, id, now);
        if common.heard == Heard::Nothing {
            common.begin_stream(&answering.call.attempt);
        }
        common.heard = Heard::Content;
        answering.told(common, taken, now)
    }

    /// Gives a whole answer.
    fn answer_whole(self, common: &mut Common, id: CallId, now: Instant) -> State {
        let Answering { plan, call, .. } = self.won(common, id, now);
        // A whole answer has no first delta whose time could be told.
        common.record.reasoned = common.told.seen.take().is_some_and(|seen| seen.reasoning);
        common.keep(&plan, &call);
        common.keep_response(&plan, &call);
        let (whole, end) = (common.told.whole.take(), common.told.end.take());
        if let (Some(key), Some(tokens)) = (call.count_key, common.told.counted.take()) {
            common.health.counts.insert(key, tokens, common.terms.limits.token_count_life, now);
        }
        if let Some(whole) = whole {
            common.answer(*whole);
        }
        common.answered(plan, call, end.map(|end| *end).unwrap_or_default(), now)
    }

    /// This call is the answer: the other one is given up, and nothing is kept for a further attempt.
    pub(super) fn won(mut self, common: &mut Common, id: CallId, now: Instant) -> Answering {
        let mut call = match (id, self.hedge.take()) {
            (CallId::Primary, None) | (CallId::Hedge, None) => {
                common.report(&mut self.plan, &self.primary, None, now);
                common.note_pace(&self.plan, &self.primary, now);
                self.primary
            }
            (CallId::Primary, Some(hedge)) => {
                common.report(&mut self.plan, &self.primary, None, now);
                common.note_pace(&self.plan, &self.primary, now);
                common.hedge_lost(&mut self.plan, &hedge, now);
                self.primary
            }
            (CallId::Hedge, Some(hedge)) => {
                common.report(&mut self.plan, &hedge, None, now);
                common.note_pace(&self.plan, &hedge, now);
                common.hedge_won(&mut self.plan, &self.primary, now);
                hedge
            }
        };
        call.deadlines.told();
        let restarts = common.terms.abilities.retry && self.plan.restarts(call.target) && call.attempt.is_thinking();
        let mut answering = Answering { plan: self.plan, call, restartable: restarts };
        if !restarts {
            answering.settle();
        }
        answering
    }

    /// A call failed: the other one goes on alone, or another attempt is made if that is worth it; else the client is told.
    pub(super) fn failed(mut self, common: &mut Common, id: CallId, fault: Fault, now: Instant) -> State {
        let hedge = self.hedge.take();
        let call = match (id, &hedge) {
            (CallId::Primary, _) | (CallId::Hedge, None) => &self.primary,
            (CallId::Hedge, Some(hedge)) => hedge,
        };
        common.report(&mut self.plan, call, Some(&fault), now);
        call.failed(&mut common.record, &fault, now.saturating_duration_since(common.begun));
        if let Some(hedge) = hedge {
            match id {
                CallId::Primary => {
                    common.record.hedges.won += 1;
                    common.push(Output::Settled(CallId::Hedge));
                    self.primary = hedge;
                }
                CallId::Hedge => {
                    common.record.hedges.failed += 1;
                    common.push(Output::Settled(CallId::Primary));
                }
            }
            return State::Calling(self);
        }
        let may_ask = !self.search_over && common.terms.abilities.retry;
        if may_ask && common.defers {
            return self.defer(common, Deferred::Retry(fault));
        }
        if may_ask { self.retry_or_give_up(common, &fault, now) } else { self.give_up(common, &fault, now) }
    }

    fn retry_or_give_up(mut self, common: &mut Common, fault: &Fault, now: Instant) -> State {
        let again = self.adjusted(common, fault, now).or_else(|| self.again(common, fault, now));
        match again {
            Some(mut next) => {
                if common.heard == Heard::Content {
                    common.carry_over(&mut self.primary, &mut next);
                }
                State::Calling(Self { primary: next, ..self })
            }
            None => self.give_up(common, fault, now),
        }
    }

    /// The state behind an answer that broke off while only reasoning was told: another attempt may go on behind that.
    pub(super) fn again_after(plan: Box<Plan>, broken: Box<OpenCall>) -> Self {
        Self { plan, primary: broken, hedge: None, deferred: None, search_over: false }
    }

    fn give_up(self, common: &mut Common, fault: &Fault, now: Instant) -> State {
        common.give_up(self.plan, self.primary, fault, now)
    }

    fn defer(mut self, common: &mut Common, deferred: Deferred) -> State {
        self.deferred = Some(Box::new(deferred));
        common.push(Output::Retry);
        State::Calling(self)
    }

    /// The host says whether what was deferred is done.
    pub(super) fn retry_deferred(mut self, common: &mut Common, allowed: bool, now: Instant) -> State {
        match self.deferred.take().map(|deferred| *deferred) {
            Some(Deferred::Hedge) if allowed => self.hedge(common, now),
            Some(Deferred::Retry(fault)) if allowed => self.retry_or_give_up(common, &fault, now),
            Some(Deferred::Retry(fault)) => self.give_up(common, &fault, now),
            Some(Deferred::Hedge) | None => State::Calling(self),
        }
    }

    /// A moment came: a limit is passed, or another backend may be asked too, or the client should hear something.
    fn timeout(mut self, common: &mut Common, now: Instant) -> State {
        if let Some(lost) = self.primary.deadlines.lost(now) {
            common.push(Output::Cancel(CallId::Primary));
            return self.failed(common, CallId::Primary, Fault::UpstreamUnreachable(lost), now);
        }
        if let Some(lost) = self.hedge.as_ref().and_then(|hedge| hedge.deadlines.lost(now)) {
            common.push(Output::Cancel(CallId::Hedge));
            return self.failed(common, CallId::Hedge, Fault::UpstreamUnreachable(lost), now);
        }
        if self.primary.deadlines.hedges(now) {
            return match common.defers {
                true => self.defer(common, Deferred::Hedge),
                false => self.hedge(common, now),
            };
        }
        match common.client.due(now) {
            Some(Due::EarlyHead) => self.early_head(common),
            Some(Due::KeepAlive) => self.keep_alive(common),
            None => {}
        }
        State::Calling(self)
    }

    /// The client has waited for a head as long as it may: it gets one, and what goes wrong from then on is told behind it.
    fn early_head(&mut self, common: &mut Common) {
        if self.primary.attempt.may_begin_early() {
            self.search_over = true;
            common.begin_early(&self.primary.attempt);
            common.keep_alive(None);
        }
    }

    /// Tells the client of a stream that it goes on. That is no answer: another backend may still be asked.
    fn keep_alive(&mut self, common: &mut Common) {
        let calls = [Some(&mut self.primary), self.hedge.as_mut()].into_iter().flatten();
        if let Some(call) = calls.into_iter().find(|call| call.attempt.is_streaming()) {
            common.begin_early(&call.attempt);
            common.keep_alive(Some(&mut call.attempt));
            return;
        }
        // Before a backend's head nothing is lost by a head of ours where no other attempt could be made anyway.
        let alone = self.hedge.is_none() && self.plan.is_last_attempt();
        if common.heard != Heard::Nothing || alone && self.primary.attempt.may_begin_early() {
            common.begin_early(&self.primary.attempt);
            common.keep_alive(None);
        }
    }
}
