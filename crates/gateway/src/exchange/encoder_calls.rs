//! A request to an encoder, which embeds or ranks: calls in sequence, until every input has its vector.

use super::State;
use super::attempt::{End, WholeAnswer};
use super::calling::Calling;
use super::common::Common;
use super::contract::{CallId, RequestHead};
use super::encoding::{Encoding, PartAnswer};
use super::make_call::Making;
use super::open_call::OpenCall;
use super::plan::{Plan, Written};
use super::target::Target;
use super::{Answering, relayed};
use crate::record::{Asked, AttemptReason};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::EncoderTask;
use aquifer_translate::dialect::{self, Head};
use aquifer_translate::translation::{EncoderRequest, Parameters, Road};
use bytes::Bytes;
use http::StatusCode;
use std::borrow::Cow;
use std::time::{Duration, Instant};

impl Common {
    /// Routes a request to an encoder, and makes the first call.
    pub(super) fn plan_encoding(
        &mut self,
        task: EncoderTask,
        head: &RequestHead<'_>,
        body: Bytes,
        now: Instant,
    ) -> Result<State, Fault> {
        let limits = self.config.limits;
        let read = EncoderRequest::read(task, &body, &limits);
        if read.is_err() {
            self.record.model = dialect::read_model(self.dialect, &body).map(Cow::into_owned).unwrap_or_default();
        }
        let model = match &read {
            Ok(request) => request.model().to_owned(),
            // What Bedrock's models do not take, a backend that speaks the client's dialect may.
            Err(fault) if relayed::may_be_relayed(fault) => {
                let head = dialect::read_head(self.dialect, &body, &limits).map_err(|_| fault.clone())?;
                head.model.into_owned()
            }
            Err(fault) => return Err(fault.clone()),
        };
        self.record.model.clone_from(&model);
        self.record.asked = Asked { body_bytes: body.len() as u64, parameters: Parameters::default() };
        let asked = Head { model: Cow::Owned(model), stream: false };
        let mut plan = self.routed(head, body, asked, head.random as u64, read.as_ref().err())?;
        let relays = |target: &Target| target.road(plan.dialect, &plan.config) == Road::Relay;
        let first_relays = plan.targets.first().is_some_and(relays);
        let none_relays = !plan.targets.iter().any(relays);
        let request = match read {
            Err(_) if first_relays => None,
            read => Some(Box::new(read?)),
        };
        if none_relays {
            // All that is sent of it was read.
            plan.body = Bytes::new();
        }
        plan.encoding = Some(Encoding { task, request });
        self.first_call(Box::new(plan), None, now)
    }

    /// Makes the call that follows one which was answered, at the same target: in the record they are one attempt.
    fn next_call(&mut self, plan: &mut Plan, written: Written, before: usize, now: Instant) -> Box<OpenCall> {
        let making = Making { id: CallId::Primary, why: AttemptReason::First, after: Duration::ZERO };
        let mut call = self.call(plan, making, written, now);
        self.record.attempts.truncate(call.at);
        if let Some(attempt) = self.record.attempts.get_mut(before) {
            attempt.ended = None;
        }
        // Its first byte was that of the first call.
        (call.at, call.has_begun) = (before, true);
        call
    }
}

impl Calling {
    /// Takes the answer to one call: the client is told when it was the last one, else the next one is made.
    pub(super) fn part_answered(mut self, common: &mut Common, id: CallId, answer: &PartAnswer, now: Instant) -> State {
        let taken = match &mut self.plan.encoding {
            Some(encoding) => encoding.take(answer),
            None => Err(Fault::Ours("an answer to a request that nobody made".to_owned())),
        };
        if let Err(fault) = taken {
            return self.failed(common, id, fault, now);
        }
        let Answering { mut plan, call, .. } = self.won(common, id, now);
        let complete = plan.encoding.as_mut().and_then(|encoding| encoding.request().ok());
        if let Some(request) = complete.filter(|request| request.is_complete()) {
            let body = Bytes::from(request.answer(&call.attempt.model(), common.id));
            let usage = request.usage();
            common.answer(WholeAnswer { status: StatusCode::OK, headers: call.attempt.whole_head(), body });
            return common.answered(plan, call, End { usage, ..End::default() }, now);
        }
        common.release_probes(&mut plan);
        let at = plan.stay_with(call.target);
        match plan.write(at, None) {
            Ok(written) => {
                let primary = common.next_call(&mut plan, written, call.at, now);
                State::Calling(Self { plan, primary, hedge: None, deferred: None, search_over: false })
            }
            Err(fault) => common.give_up(plan, call, &fault, now),
        }
    }
}

impl Plan {
    /// Keeps the targets that have the same model as this one, whose vectors alone can stand beside its own, and forgets
    /// how often they were tried; gives where it stands now.
    fn stay_with(&mut self, at: usize) -> usize {
        let Some(here) = self.targets.get(at).cloned() else { return at };
        let (dialect, config) = (self.dialect, &self.config);
        let is_alike = |target: &Target| {
            target.road(dialect, config) != Road::Relay
                && (target.model_id == here.model_id
                    || target
                        .encoder(config)
                        .is_some_and(|encoder| !encoder.prefix && here.encoder(config) == Some(encoder)))
        };
        let before = self.targets.iter().take(at).filter(|target| is_alike(target)).count();
        self.targets.retain(is_alike);
        self.attempts = 0;
        for target in &mut self.targets {
            target.tries = 0;
        }
        before
    }
}
