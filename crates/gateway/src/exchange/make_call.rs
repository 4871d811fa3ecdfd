//! A call is made: its request, its limits, and its place in the record.

use super::attempt::UpstreamRequest;
use super::begin_attempt::Begun;
use super::common::{Common, Heard};
use super::contract::{Call, CallId, Output};
use super::deadlines::CallDeadlines;
use super::open_call::{Facts, OpenCall};
use super::plan::{Plan, Written};
use super::target::Target;
use super::timeouts::CallTimeouts;
use crate::config::{Backend, Config};
use crate::cost::CallPrice;
use crate::record::{AttemptReason, AttemptRecord};
use aquifer_translate::catalogue::{Catalogue, Price};
use aquifer_translate::translation::Road;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a call is made.
#[derive(Clone, Copy)]
pub(super) struct Making {
    pub(super) id: CallId,
    pub(super) why: AttemptReason,
    /// How long the host waits before it.
    pub(super) after: Duration,
}

/// The operation that counts the tokens of a request and costs nothing, as the record names it.
pub(super) const COUNT_TOKENS: &str = "count_tokens";

impl Common {
    /// Makes a call.
    pub(super) fn call(
        &mut self,
        plan: &mut Plan,
        making: Making,
        mut written: Written,
        now: Instant,
    ) -> Box<OpenCall> {
        let Making { id, why, after } = making;
        let Written { at, backend, count_key, .. } = written;
        let (road, put_back, model_id) = (written.road, written.put_back, written.model_id.clone());
        let (whole, effort) = (written.outgoing.whole, written.outgoing.effort);
        plan.attempts += 1;
        plan.sealed = written.outgoing.sealed;
        let first_try = plan.targets.get_mut(at).is_none_or(|target| {
            target.tries += 1;
            target.tries == 1
        });
        if first_try && id == CallId::Primary {
            self.health.earn(backend);
        }
        self.record.observe_as(&written.policy);
        let timeouts = self.timeouts(plan, at, id, whole, now);
        self.early_head_of(id, &timeouts);
        let region =
            plan.config.backends.get(backend).and_then(|backend| backend.kind.bedrock_service()?.region.clone());
        let price = self.tell_price(plan, &mut written, region.as_deref());
        let Begun { attempt, request, warnings } = plan.begin(written, self.id);
        let UpstreamRequest { path, headers, body } = request;
        let connect = timeouts.connect.unwrap_or(self.terms.limits.connect);
        let call = Call { id, backend, path, headers, body, connect, after, circuit: plan.traffic.circuit };
        let facts = Facts {
            price,
            provider: road.provider(),
            backend: plan.config.backends.get(backend).map(full_name).unwrap_or_default(),
            known_models: self.known_models(&plan.config, &model_id),
            warnings,
            model_id,
            put_back,
        };
        let started = now + after;
        let place = self.record.attempts.len();
        self.record.attempts.push(AttemptRecord {
            backend: facts.backend.clone(),
            model_id: facts.model_id.clone(),
            provider: facts.provider,
            region,
            why,
            effort,
            started: started.saturating_duration_since(self.begun),
            ..AttemptRecord::default()
        });
        self.push(Output::Call(Box::new(call)));
        let deadlines = CallDeadlines::begin(timeouts, &self.terms.limits, now);
        Box::new(OpenCall {
            attempt,
            target: at,
            deadlines,
            timeouts,
            started,
            has_begun: false,
            facts,
            count_key,
            at: place,
        })
    }

    /// The price of a call, which the client is told by if it wants to know what its answer cost; `None`: a count of tokens
    /// costs nothing.
    fn tell_price(&self, plan: &Plan, written: &mut Written, region: Option<&str>) -> Option<CallPrice> {
        if self.record.operation == COUNT_TOKENS {
            return None;
        }
        let price = plan.targets.get(written.at).and_then(|target| price(target, written.road, &plan.config));
        let price = CallPrice::of(price, &written.model_id, region, self.record.asked.parameters.tier);
        written.outgoing.style.style.tell_cost(|| price.teller());
        Some(price)
    }

    /// The limits of a call: the whole answer has one time for all attempts.
    fn timeouts(&self, plan: &Plan, at: usize, id: CallId, whole: bool, now: Instant) -> CallTimeouts {
        let spent = now.saturating_duration_since(self.begun);
        let limits = if whole { plan.timeouts_whole } else { plan.timeouts };
        let hedge = if whole { limits.hedge } else { plan.hedges_after(at, &self.health) };
        // What goes on behind words that the client was told is one answer, and no race.
        let alone = self.heard == Heard::Content;
        let may_hedge = id == CallId::Primary && !alone && self.terms.abilities.hedge && plan.may_hedge(at);
        CallTimeouts {
            request: plan.timeouts.request.map(|request| request.saturating_sub(spent)),
            hedge: hedge.filter(|_| may_hedge),
            early_head: plan.timeouts.early_head,
            usual: limits.usual.and_then(|_| plan.usual_first_byte(at, &self.health, now)),
            ..limits
        }
    }

    /// The client of a stream has waited for its head since it asked, whatever call is made now.
    fn early_head_of(&mut self, id: CallId, timeouts: &CallTimeouts) {
        if id == CallId::Primary && self.heard == Heard::Nothing {
            let early = timeouts.early_head.or(self.terms.limits.early_head).filter(|time| !time.is_zero());
            self.client.early_head_at(early.map(|time| self.begun + time.min(super::LONGEST_TIMEOUT)));
        }
    }

    /// Whether the client's model and the one that is called are named by the configuration or the catalogue, each.
    fn known_models(&self, config: &Config, model_id: &str) -> [bool; 2] {
        let called = is_known(config, model_id);
        let asked = if self.record.model == model_id { called } else { is_known(config, &self.record.model) };
        [asked, called]
    }
}

/// `namespace/name` of a backend.
fn full_name(backend: &Backend) -> String {
    [&backend.namespace, "/", &backend.name].concat()
}

/// Whether a model is named by the configuration or by a row of the catalogue: clients can name any other.
fn is_known(config: &Config, id: &str) -> bool {
    Catalogue::builtin().has(id) || config.names_model(id)
}

/// The prices of a target's model. A backend of OpenAI's dialect has its own, which only its operator knows.
fn price(target: &Target, road: Road, config: &Config) -> Option<Arc<Price>> {
    let entry = match road {
        Road::Relay | Road::TranslateToOpenAi => target.policy.entry(&target.model_id)?.as_ref(),
        Road::Translate(_) | Road::Reframe(_) | Road::Passthrough | Road::Closed => target.entry(config),
    };
    entry.price.clone()
}
