//! What all states of an exchange share: who asks, what the client heard, the record, and what the host is to do.

use super::State;
use super::attempt::{Attempt, End, Told, WholeAnswer};
use super::contract::{HostTerms, Output, RequestHead};
use super::deadlines::ClientDeadlines;
use super::open_call::OpenCall;
use super::passed::Glance;
use super::plan::Plan;
use crate::config::Config;
use crate::health::BackendHealth;
use crate::record::{Estimate, Outcome, Record, Tokens};
use crate::restore::{Keep, TurnKey};
use aquifer_translate::Fault;
use aquifer_translate::dialect::{self, AnswerKind, Dialect, ErrorAnswer};
use aquifer_translate::model::milestones::Milestones;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::ReasoningState;
use aquifer_translate::wire::sse;
use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, header};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all states of an exchange share.
pub(super) struct Common {
    pub(super) id: RequestId,
    /// What its client speaks.
    pub(super) dialect: Dialect,
    pub(super) config: Arc<Config>,
    pub(super) health: Arc<BackendHealth>,
    pub(super) terms: HostTerms,
    pub(super) begun: Instant,
    pub(super) record: Record,
    pub(super) heard: Heard,
    /// When the client should hear something.
    pub(super) client: ClientDeadlines,
    /// The host is asked before the request is written once more.
    pub(super) defers: bool,
    /// When the request's body was there, and when the last part of an answer came.
    pub(super) body_at: Option<Instant>,
    pub(super) heard_at: Option<Instant>,
    /// When the client left, of an exchange that goes on without it.
    pub(super) left: Option<Instant>,
    /// Since when a block of reasoning is open.
    pub(super) thinking_since: Option<Instant>,
    /// What came of the part of an answer that is being read.
    pub(super) told: Told,
    /// The words of the body at which the host's question for its weight has looked.
    pub(super) glance: Option<Glance>,
    outputs: VecDeque<Output>,
}

/// What the client has heard of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing: an error can still be a status.
    Nothing,
    /// The head of a stream and perhaps keep-alives: another backend may still be asked.
    Head,
    /// Content: the answer is this one.
    Content,
}

impl Common {
    pub(super) fn new(
        config: Arc<Config>,
        health: Arc<BackendHealth>,
        terms: HostTerms,
        head: &RequestHead<'_>,
        dialect: Dialect,
    ) -> Self {
        let mut terms = terms;
        if dialect == Dialect::Bedrock {
            // Nothing can be said in an event stream that says nothing.
            terms.limits.keep_alive = None;
        }
        let mut common = Self { terms, dialect, id: RequestId(head.random), ..Self::nothing(config, health, head.now) };
        common.client = ClientDeadlines::new(&common.terms.limits);
        (common.record.id, common.record.dialect) = (common.dialect.id(common.id), common.dialect);
        common
    }

    /// What stands beside an exchange that is over.
    pub(super) fn nothing(config: Arc<Config>, health: Arc<BackendHealth>, now: Instant) -> Self {
        let terms = HostTerms::default();
        Self {
            id: RequestId::default(),
            dialect: Dialect::default(),
            config,
            health,
            terms,
            begun: now,
            record: Record::default(),
            heard: Heard::Nothing,
            client: ClientDeadlines::new(&terms.limits),
            defers: false,
            body_at: None,
            heard_at: None,
            left: None,
            thinking_since: None,
            told: Told::default(),
            glance: None,
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // Resets the queue's head, so that the next output reuses the same cache line.
            self.outputs.clear();
        }
        output
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Records when the first reasoning and the first token of a call were seen; `at` is its place in the record.
    pub(super) fn note(&mut self, at: usize, seen: Option<Milestones>, now: Instant) {
        let Some(seen) = seen else { return };
        let begun = self.begun;
        let since = || now.saturating_duration_since(begun);
        if seen.reasoning {
            self.record.reasoned = true;
        }
        let mut attempt = self.record.attempts.get_mut(at);
        if seen.thought {
            self.record.time_to_first_reasoning.get_or_insert_with(since);
            if let Some(attempt) = &mut attempt {
                attempt.first_reasoning.get_or_insert_with(since);
            }
        }
        if seen.said {
            self.record.time_to_first_content.get_or_insert_with(since);
            if let Some(attempt) = &mut attempt {
                attempt.first_content.get_or_insert_with(since);
            }
        }
    }

    /// Records how long blocks of reasoning were open.
    pub(super) fn note_progress(&mut self, now: Instant) {
        for progress in &self.told.progress {
            match progress.state {
                ReasoningState::Opened => self.thinking_since = Some(now),
                ReasoningState::Signature => {}
                ReasoningState::Closed => {
                    let since = self.thinking_since.take().unwrap_or(now);
                    self.record.thinking_time += now.saturating_duration_since(since);
                    self.record.reasoning_end = Some(now.saturating_duration_since(self.begun));
                }
            }
        }
    }

    /// Records the silence before a part of an answer that comes now.
    pub(super) fn note_gap(&mut self, now: Instant) {
        if let Some(before) = self.heard_at.replace(now) {
            let gap = now.saturating_duration_since(before);
            if self.record.longest_gap.is_none_or(|longest| longest < gap) {
                self.record.longest_gap = Some(gap);
            }
        }
    }

    /// The time since the request's body was there.
    pub(super) fn since_body(&self, now: Instant) -> Option<Duration> {
        self.body_at.map(|at| now.saturating_duration_since(at))
    }

    /// Has the turn remembered that came, before its client is told of it: it may be sent back at once.
    pub(super) fn keep(&mut self, plan: &Plan, call: &OpenCall) {
        let Some(turn) = self.told.turn.take() else { return };
        let Some(target) = plan.targets.get(call.target).filter(|_| turn.bytes() <= plan.room(call.target)) else {
            return;
        };
        let Some(before) = plan.before else { return };
        self.record.turns.kept += 1;
        let turn = turn.issued(target.mark(&plan.config));
        let key = plan.key(&target.model_id, turn.calls().collect()).after(before);
        let alike = TurnKey::alike(plan.caller.clone(), &target.model_id, turn.likeness(&plan.talk));
        let (limits, group) = (plan.limits(call.target), plan.group(call.target));
        self.push(Output::Keep(Box::new(Keep { key, alike, turn, group, limits })));
    }

    /// Tells the client what came of its stream, and the log how the reasoning goes on.
    pub(super) fn say_told(&mut self) {
        if let Some(out) = self.told.stream.take() {
            self.say(out);
        }
        self.outputs.extend(self.told.progress.drain(..).map(Output::Reasoning));
    }

    /// Gives an answer that is whole.
    pub(super) fn answer(&mut self, answer: WholeAnswer) {
        let WholeAnswer { status, headers, body } = answer;
        self.record.status = status.as_u16();
        self.push(Output::Head { status, headers, local: self.record.attempts.is_empty() });
        self.heard = Heard::Content;
        self.client.heard();
        self.record.told = body.len() as u64;
        self.push(Output::Body(body));
    }

    /// Begins an answer that is a stream.
    pub(super) fn begin_stream(&mut self, attempt: &Attempt) {
        let status = http::StatusCode::OK;
        self.record.status = status.as_u16();
        self.push(Output::Head { status, headers: attempt.stream_head(), local: false });
    }

    /// Begins the client's stream although no content has come.
    pub(super) fn begin_early(&mut self, attempt: &Attempt) {
        if self.heard == Heard::Nothing {
            self.heard = Heard::Head;
            self.begin_stream(attempt);
        }
    }

    /// Tells the client that its stream goes on, as the attempt tells it whose answer it may become.
    pub(super) fn keep_alive(&mut self, attempt: Option<&mut Attempt>) {
        let mut out = BytesMut::new();
        let begun = self.heard == Heard::Content;
        match attempt {
            Some(attempt) => attempt.keep_alive(self.terms.limits.keep_alive_kind, begun, &mut out),
            None if self.dialect == Dialect::Bedrock => {}
            None => sse::comment(&mut out),
        }
        self.say(out);
    }

    pub(super) fn say(&mut self, out: BytesMut) {
        if !out.is_empty() {
            self.client.heard();
            self.record.told += out.len() as u64;
            self.push(Output::Body(out.freeze()));
        }
    }

    /// Ends with an answer that the client was told whole.
    pub(super) fn answered(&mut self, plan: Box<Plan>, call: Box<OpenCall>, end: End, now: Instant) -> State {
        let dialect = self.dialect;
        self.record.warnings.extend(end.warnings.iter().map(|warning| dialect.warning(warning)));
        (self.record.finish_reason, self.record.stop_reason) = (end.finish_reason, end.stop_reason);
        self.record.tokens = end.usage.map(Tokens::from);
        self.done(Some(plan), [Some(call), None], Outcome::Answered, now)
    }

    /// Refuses a request before any call was made.
    pub(super) fn refuse(&mut self, fault: &Fault, allow: Option<HeaderValue>, now: Instant) -> State {
        self.record.blame(self.dialect, fault);
        self.answer_with_error(fault, HeaderMap::new(), allow);
        self.done(None, [None, None], Outcome::Failed, now)
    }

    /// Tells a fault by a status and a body.
    pub(super) fn answer_with_error(&mut self, fault: &Fault, warnings: HeaderMap, allow: Option<HeaderValue>) {
        let ErrorAnswer { status, headers: refusing, body } = dialect::error_of(self.dialect, fault, Some(self.id));
        let mut headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, warnings);
        headers.extend(refusing);
        headers.extend(allow.map(|allowed| (header::ALLOW, allowed)));
        self.answer(WholeAnswer { status, headers, body });
    }

    /// Ends because the client left before any call was made.
    pub(super) fn abandon(&mut self, now: Instant) -> State {
        self.record.status = 499;
        self.done(None, [None, None], Outcome::Abandoned, now)
    }

    /// Ends because the client left while these calls were under way.
    pub(super) fn abandoned(&mut self, plan: Box<Plan>, calls: [Option<Box<OpenCall>>; 2], now: Instant) -> State {
        self.record.status = 499;
        self.done(Some(plan), calls, Outcome::Abandoned, now)
    }

    /// Adds tokens that nobody will report.
    pub(super) fn estimate(&mut self, spent: Estimate) {
        self.record.estimated = Some(self.record.estimated.unwrap_or_default().and(spent));
    }

    /// Ends the exchange: the primary call, which the record is about, and a hedge that is not needed any more are over.
    pub(super) fn done(
        &mut self,
        plan: Option<Box<Plan>>,
        [primary, hedge]: [Option<Box<OpenCall>>; 2],
        outcome: Outcome,
        now: Instant,
    ) -> State {
        let since = now.saturating_duration_since(self.begun);
        let untold = outcome == Outcome::Abandoned || outcome == Outcome::Failed && self.record.status == 200;
        if let Some(call) = &primary
            && untold
            && self.record.tokens.is_none()
        {
            self.estimate(call.attempt.estimate());
        }
        if let Some(hedge) = hedge {
            self.hedge_abandoned(&hedge, now);
        }
        if let Some(call) = primary {
            call.recorded(&mut self.record, outcome, since);
        }
        if let Some(mut plan) = plan {
            self.record.count_costs(&plan.costs);
            self.release_probes(&mut plan);
        }
        self.record.outcome = outcome;
        self.record.duration = self.left.unwrap_or(now).saturating_duration_since(self.begun);
        // The exchange keeps its id.
        let kept = Record { id: self.record.id.clone(), ..Record::default() };
        let record = Box::new(std::mem::replace(&mut self.record, kept));
        self.push(Output::Done(record));
        State::Over
    }
}
