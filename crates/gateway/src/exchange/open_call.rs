//! A call under way: its attempt, its limits, and what the record says of it.

use super::attempt::Attempt;
use super::deadlines::CallDeadlines;
use super::plan::PutBack;
use super::timeouts::CallTimeouts;
use crate::cost::{CallCost, CallPrice, CostUnknown};
use crate::record::{AttemptRecord, AttemptResult, Estimate, Outcome, Record, Tokens};
use crate::token_counts::CountKey;
use aquifer_translate::Fault;
use http::{HeaderMap, StatusCode};
use std::time::{Duration, Instant};

/// AWS's id of a request, which its support asks for; a service of OpenAI's dialect has the second one.
const UPSTREAM_REQUEST_IDS: [&str; 2] = ["x-amzn-requestid", "x-request-id"];
/// The longest of these ids that is recorded.
const LONGEST_ID: usize = 128;

/// A call under way.
pub(super) struct OpenCall {
    pub(super) attempt: Attempt,
    /// Its target: an index into [`Plan::targets`].
    pub(super) target: usize,
    pub(super) deadlines: CallDeadlines,
    /// The limits that it was made with, for a call that is queued.
    pub(super) timeouts: CallTimeouts,
    /// Since when the backend has had it.
    pub(super) started: Instant,
    /// Something came of it.
    pub(super) has_begun: bool,
    /// What the record of the exchange says when this call is the one that counts.
    pub(super) facts: Facts,
    /// The key of the count that is asked for, where one is.
    pub(super) count_key: Option<CountKey>,
    /// Its place in [`Record::attempts`](crate::record::Record::attempts).
    pub(super) at: usize,
}

/// What the record of an exchange says of the call that counts.
pub(super) struct Facts {
    /// The price of the call; `None`: it costs nothing, whatever it counts.
    pub(super) price: Option<CallPrice>,
    pub(super) model_id: String,
    pub(super) provider: &'static str,
    pub(super) backend: String,
    pub(super) known_models: [bool; 2],
    pub(super) warnings: Vec<String>,
    pub(super) put_back: PutBack,
}

impl OpenCall {
    /// Takes the head of its answer.
    pub(super) fn head(
        &mut self,
        record: &mut Record,
        status: StatusCode,
        headers: &HeaderMap,
        begun: Instant,
        now: Instant,
    ) -> Result<(), Fault> {
        self.heard(record, begun, now);
        if let Some(record) = record.attempts.get_mut(self.at) {
            record.status = Some(status.as_u16());
            let id = UPSTREAM_REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
            record.upstream_request_id = id.map(|id| crate::beginning::of(id, LONGEST_ID).to_owned());
        }
        self.attempt.head(status, headers)
    }

    /// Adds a warning to those of its answer's head and of the record.
    pub(super) fn warn(&mut self, why: &str) {
        let warnings = [why.to_owned()];
        self.attempt.warn(&warnings);
        self.facts.warnings.extend(warnings);
    }

    /// Something came of it.
    pub(super) fn heard(&mut self, record: &mut Record, begun: Instant, now: Instant) {
        self.deadlines.heard();
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        if let Some(record) = record.attempts.get_mut(self.at) {
            record.first_byte = Some(now.saturating_duration_since(begun));
        }
    }

    /// It was sent, or queued: all that the gateway does before a call is done.
    pub(super) fn left(&self, record: &mut Record, since_body: Option<Duration>) {
        if self.at == 0 {
            record.overhead = record.overhead.or(since_body);
        }
    }

    /// It was sent.
    pub(super) fn sent(&mut self, record: &mut Record, begun: Instant, now: Instant) {
        self.started = now;
        if let Some(record) = record.attempts.get_mut(self.at) {
            record.sent = record.sent.or_else(|| Some(now.saturating_duration_since(begun)));
        }
    }

    /// It is over.
    pub(super) fn over(&self, record: &mut Record, result: AttemptResult, since: Duration) {
        if let Some(record) = record.attempts.get_mut(self.at)
            && record.ended.is_none()
        {
            record.ended = Some(since);
            record.result = result;
            record.usage = self.attempt.usage().map(Tokens::from);
            (record.sent_bytes, record.came_bytes) = self.attempt.bytes();
            self.bill(record);
        }
    }

    /// Records what the call cost.
    fn bill(&self, record: &mut AttemptRecord) {
        let Some(price) = &self.facts.price else { return };
        (record.cost, record.estimated_cost) = match &record.usage {
            Some(tokens) => (price.cost(tokens).map_or_else(CallCost::Unknown, CallCost::Known), None),
            None if !record.may_have_cost() => (CallCost::Nothing, None),
            None => {
                let Estimate { input, output } = self.attempt.estimate();
                let guessed = price.cost(&Tokens { input, output, ..Tokens::default() });
                (CallCost::Unknown(CostUnknown::NoUsage), guessed.ok().map(|cost| cost.total()))
            }
        };
    }

    /// It failed.
    pub(super) fn failed(&self, record: &mut Record, fault: &Fault, since: Duration) {
        self.over(record, AttemptResult::of(fault), since);
        if let Some(record) = record.attempts.get_mut(self.at) {
            record.fault = Some(fault.label().to_owned());
        }
    }

    /// It is the call that the record of the exchange is about.
    pub(super) fn recorded(self, record: &mut Record, outcome: Outcome, since: Duration) {
        let result = match outcome {
            Outcome::Answered => AttemptResult::Answered,
            Outcome::Failed => AttemptResult::Failed,
            Outcome::Abandoned => AttemptResult::Abandoned,
        };
        self.over(record, result, since);
        if let Some(attempt) = record.attempts.get_mut(self.at) {
            attempt.usage = record.tokens;
            self.bill(attempt);
        }
        let Facts { price: _, model_id, provider, backend, known_models, mut warnings, put_back } = self.facts;
        (record.model_id, record.provider, record.backend) = (model_id, provider, backend);
        record.known_models = known_models;
        (record.turns.restored, record.turns.missed) = (put_back.restored, put_back.missed);
        warnings.append(&mut record.warnings);
        record.warnings = warnings;
    }
}
