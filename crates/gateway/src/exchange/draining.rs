//! An answer whose client has left: it is read on, and told to nobody, until its tokens are reported or a limit is reached.

use super::common::Common;
use super::contract::{CallId, Input, Output};
use super::open_call::OpenCall;
use super::plan::Plan;
use super::{Answering, Calling, Exchange, State};
use crate::config::OnClientGone;
use crate::record::{AttemptResult, Drain, DrainResult, Tokens};
use aquifer_translate::Fault;
use std::time::Instant;

/// An exchange whose client has left and whose call is read on.
pub(super) struct Draining {
    plan: Box<Plan>,
    pub(super) call: Box<OpenCall>,
    /// When the client left.
    left: Instant,
    /// When the call is given up.
    pub(super) until: Instant,
    /// The bytes that were read since the client left.
    bytes: u64,
}

impl Exchange {
    /// Whether the backend's answer is to be read on if its client leaves now: its route or the host wants its tokens known,
    /// and a call is under way that may cost something. A host then asks for a place among those that it reads on at once,
    /// and says with [`drain`](Self::drain) whether there was one.
    #[must_use]
    pub fn wants_drain(&self) -> bool {
        let (plan, call) = match &self.state {
            State::Answering(Answering { plan, call, .. }) if call.attempt.finished().is_none() => (plan, call),
            State::Calling(Calling { plan, primary, deferred: None, .. }) => (plan, primary),
            State::Answering(_)
            | State::Calling(_)
            | State::Draining(_)
            | State::Head(_)
            | State::Recalling(_)
            | State::AwaitingCount(_)
            | State::Over => return false,
        };
        let wanted = plan.traffic.on_client_gone.unwrap_or(self.common.terms.limits.on_client_gone);
        let is_sent = self.common.record.attempts.get(call.at).is_some_and(|attempt| attempt.sent.is_some());
        wanted == OnClientGone::Drain && is_sent && call.facts.price.is_some() && call.attempt.is_chat()
    }

    /// The client is gone, of an exchange that [wants to be read on](Self::wants_drain); `has_room`: the host has a place for
    /// it. Returns whether the exchange goes on: the host drives it as before, reading as fast as it can, and nothing is told to a
    /// client any more. Else [`Input::ClientGone`] ends it.
    pub fn drain(&mut self, has_room: bool, now: Instant) -> bool {
        if !self.wants_drain() {
            return false;
        }
        let common = &mut self.common;
        if !has_room {
            common.record.drain = Some(Drain { result: DrainResult::NoRoom, ..Drain::default() });
            return false;
        }
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Answering(Answering { plan, call, .. }) => common.draining(plan, call, now),
            State::Calling(Calling { plan, primary, hedge, .. }) => {
                if let Some(hedge) = hedge {
                    common.hedge_abandoned(&hedge, now);
                    common.push(Output::Cancel(CallId::Hedge));
                }
                common.draining(plan, primary, now)
            }
            state @ (State::Head(_)
            | State::Recalling(_)
            | State::AwaitingCount(_)
            | State::Draining(_)
            | State::Over) => state,
        };
        true
    }
}

impl Common {
    fn draining(&mut self, plan: Box<Plan>, call: Box<OpenCall>, now: Instant) -> State {
        self.left = Some(now);
        let until = now + self.terms.limits.drain.time.min(super::LONGEST_TIMEOUT);
        State::Draining(Draining { plan, call, left: now, until, bytes: 0 })
    }

    /// The hedge is given up because the client left.
    pub(super) fn hedge_abandoned(&mut self, hedge: &OpenCall, now: Instant) {
        self.estimate(hedge.attempt.estimate());
        self.record.hedges.abandoned += 1;
        hedge.over(&mut self.record, AttemptResult::Abandoned, now.saturating_duration_since(self.begun));
    }
}

impl Draining {
    /// The next moment at which time alone changes something.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        self.call.deadlines.next(now).min(self.until)
    }

    pub(super) fn handle(mut self, common: &mut Common, id: CallId, input: Input<'_>, now: Instant) -> State {
        if id != CallId::Primary {
            return State::Draining(self);
        }
        common.told.clear();
        let taken = match input {
            Input::UpstreamHead { status, headers } => {
                self.call.head(&mut common.record, status, headers, common.begun, now)
            }
            Input::UpstreamBody(bytes) => {
                self.bytes += bytes.len() as u64;
                self.call.heard(&mut common.record, common.begun, now);
                self.call.attempt.body(bytes, true, &mut common.told)
            }
            Input::UpstreamEnd => self.call.attempt.end(true, &mut common.told),
            Input::UpstreamFailed(why) => Err(Fault::UpstreamUnreachable(why)),
            Input::Timeout => match self.call.deadlines.lost(now) {
                Some(lost) => Err(Fault::UpstreamUnreachable(lost)),
                None if self.until <= now => return self.over(common, DrainResult::Limit, now),
                None => Ok(()),
            },
            Input::ClientGone => return self.over(common, DrainResult::Limit, now),
            Input::Body { .. } | Input::Refused(_) | Input::Recalled(_) | Input::CallQueued | Input::CallStarted => {
                Ok(())
            }
        };
        if common.told.end.is_some() {
            return self.over(common, DrainResult::Broken, now);
        }
        match taken {
            Err(_) => self.over(common, DrainResult::Broken, now),
            Ok(()) if self.bytes > common.terms.limits.drain.bytes => self.over(common, DrainResult::Limit, now),
            Ok(()) => State::Draining(self),
        }
    }

    /// Ends the exchange: well, if the answer was whole and its tokens were reported, whatever became of the call after that.
    fn over(self, common: &mut Common, otherwise: DrainResult, now: Instant) -> State {
        let end = common.told.end.take().map(|end| *end).or_else(|| self.call.attempt.finished()).unwrap_or_default();
        let result = if end.usage.is_some() { DrainResult::Reported } else { otherwise };
        common.record.stop_reason = end.stop_reason;
        common.record.tokens = end.usage.or_else(|| self.call.attempt.usage()).map(Tokens::from);
        let time = now.saturating_duration_since(self.left);
        common.record.drain = Some(Drain { result, time, bytes: self.bytes });
        common.abandoned(self.plan, [Some(self.call), None], now)
    }
}
