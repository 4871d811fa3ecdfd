//! A request that failed: its client is told by a status while there is one to give, else inside its stream.

use super::State;
use super::attempt::End;
use super::common::{Common, Heard};
use super::known_count::ESTIMATED;
use super::open_call::OpenCall;
use super::plan::Plan;
use crate::config::AccessDenied;
use crate::lessons::Lesson;
use crate::record::{Outcome, Tokens};
use aquifer_translate::Fault;
use aquifer_translate::dialect;
use bytes::BytesMut;
use std::time::Instant;

impl Common {
    /// Tells the client what went wrong with the last attempt, and ends.
    pub(super) fn give_up(&mut self, plan: Box<Plan>, mut call: Box<OpenCall>, fault: &Fault, now: Instant) -> State {
        if plan.counting && self.heard == Heard::Nothing && cannot_count(fault) {
            return self.answer_with_estimate(plan, call, now);
        }
        self.record.blame(self.dialect, fault);
        if let Fault::Refused(refusal) = fault
            && call.attempt.is_of_openai()
        {
            // Its message is a vendor's, who may quote the prompt or a key; the client gets it as it came.
            self.record.fault_message = Some(format!("{} ({})", refusal.exception, refusal.status));
        }
        let denied = self.denied(&plan, &call, fault);
        if self.heard == Heard::Nothing {
            let refusal = if denied.is_none() { call.attempt.take_refusal() } else { None };
            match refusal {
                Some(refusal) => self.answer(refusal),
                None => self.answer_with_error(denied.as_ref().unwrap_or(fault), call.attempt.warnings(), None),
            }
        } else {
            self.fail_in_stream(&mut call, denied.as_ref().unwrap_or(fault));
        }
        call.failed(&mut self.record, fault, now.saturating_duration_since(self.begun));
        self.done(Some(plan), [Some(call), None], Outcome::Failed, now)
    }

    /// Answers with an estimate of a request's tokens, as the model there cannot count them.
    fn answer_with_estimate(&mut self, plan: Box<Plan>, mut call: Box<OpenCall>, now: Instant) -> State {
        self.health.lessons.learn(&call.facts.model_id, Lesson::TokenCounts);
        call.warn(ESTIMATED);
        let tokens = call.attempt.estimate().input;
        let answer = call.attempt.token_count(tokens);
        self.answer(answer);
        self.answered(plan, call, End::default(), now)
    }

    fn fail_in_stream(&mut self, call: &mut OpenCall, fault: &Fault) {
        let mut out = BytesMut::new();
        if call.attempt.fail(fault, self.heard == Heard::Content, &mut out) {
            self.record.tokens = call.attempt.usage().map(Tokens::from);
        } else {
            dialect::fail(self.dialect, fault, &mut out);
        }
        self.say(out);
    }

    /// The fault that the client is told instead of a 401 or 403 which is about the gateway's own credentials, where it
    /// should not take it for its own.
    fn denied(&self, plan: &Plan, call: &OpenCall, fault: &Fault) -> Option<Fault> {
        let Fault::Refused(refusal) = fault else { return None };
        let by_us = match plan.config.access_denied {
            AccessDenied::Auto => self.record.caller.is_some(),
            AccessDenied::Pass => false,
            AccessDenied::BadGateway => true,
        };
        if !by_us || !matches!(refusal.status, 401 | 403) {
            return None;
        }
        let mut told = refusal.clone();
        told.status = 502;
        told.exception = "UpstreamAccessDeniedException".to_owned();
        told.message = match call.attempt.is_of_openai() {
            // A vendor's words may quote the key.
            true => "the upstream refused the gateway's credentials".to_owned(),
            false => format!("the upstream refused the gateway's credentials: {}", refusal.message),
        };
        Some(Fault::Refused(told))
    }
}

/// Whether a refusal says that the model has no count of tokens: Bedrock's words differ from model to model.
fn cannot_count(fault: &Fault) -> bool {
    let Fault::Refused(refusal) = fault else { return false };
    let message = refusal.message.to_ascii_lowercase();
    refusal.status == 400 && message.contains("count") && message.contains("support")
}
