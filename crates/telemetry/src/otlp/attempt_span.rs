//! The span of one attempt: OpenTelemetry's attributes of generative models, with the tokens and the cost.

use super::attributes as key;
use super::conventions::{CacheWriteName, SpanConventions};
use super::openinference;
use super::span_parts::{self, ATTRIBUTES, CLIENT, SpanHead, maybe, milliseconds, nanos, usd, wall_nanos};
use super::wire::Attributes;
use crate::access_log::shortened;
use aquifer_gateway::cost::CallCost;
use aquifer_gateway::record::{AttemptRecord, AttemptResult, ExchangeTrace, Record};
use aquifer_gateway::translate::model::reasoning::SentEffort;
use aquifer_gateway::translate::model::response::ServiceTier;
use std::time::Duration;

/// The provider whose ids of requests are AWS's.
const AWS: &str = "aws.bedrock";

/// Writes the span of the attempt of this number.
pub(super) fn encode(to: &mut Vec<u8>, record: &Record, trace: &ExchangeTrace, number: usize, names: &SpanConventions) {
    let Some(attempt) = record.attempts.get(number) else { return };
    let began = wall_nanos(trace.began);
    let ended = attempt.ended.unwrap_or(record.duration).max(attempt.started);
    span_parts::head(
        to,
        &SpanHead {
            trace_id: trace.context.trace_id,
            span_id: trace.context.attempt(number),
            parent: Some(trace.context.span_id),
            is_remote: false,
            state: trace.context.state(),
            name: [record.operation, shortened(&attempt.model_id)],
            kind: CLIENT,
            start: began.saturating_add(nanos(attempt.started)),
            end: began.saturating_add(nanos(ended)),
        },
    );
    let own = record.last_attempt().is_some_and(|last| std::ptr::eq(last, attempt));
    let mut attributes = Attributes::new(to, ATTRIBUTES);
    attributes.text(key::GEN_OPERATION, record.operation);
    attributes.text(key::PROVIDER, attempt.provider);
    attributes.text(key::MODEL, shortened(&attempt.model_id));
    request(&mut attributes, record, attempt, names);
    where_to(&mut attributes, trace, attempt, number);
    result(&mut attributes, record, attempt, own);
    if names.usage {
        usage(&mut attributes, attempt, names);
    }
    if names.openinference {
        openinference::write(&mut attributes, record, attempt, own, names.usage);
    }
    if matches!(attempt.result, AttemptResult::Failed | AttemptResult::Throttled | AttemptResult::Amended) {
        let message = record.fault_message.as_deref().filter(|_| own).or(attempt.fault.as_deref());
        span_parts::status(to, message.unwrap_or_default());
    }
}

fn request(attributes: &mut Attributes<'_>, record: &Record, attempt: &AttemptRecord, names: &SpanConventions) {
    let asked = &record.asked.parameters;
    if record.stream {
        attributes.flag(key::GEN_STREAM, true);
    }
    maybe(asked.max_tokens, |most| attributes.int(key::MAX_TOKENS, most.into()));
    maybe(asked.temperature, |it| attributes.double(key::TEMPERATURE, it));
    maybe(asked.top_p, |it| attributes.double(key::TOP_P, it));
    match asked.top_k {
        Some(top_k) if names.is_v141 => attributes.double(key::TOP_K, top_k.into()),
        Some(top_k) => attributes.int(key::TOP_K, top_k.into()),
        None => {}
    }
    maybe(effort(attempt.effort).as_deref(), |effort| attributes.text(key::EFFORT, effort));
    if asked.json {
        attributes.text(key::OUTPUT_TYPE, "json");
    }
}

/// How hard to reason, as it was sent.
fn effort(SentEffort { level, budget }: SentEffort) -> Option<String> {
    match (level, budget) {
        (Some(level), _) => Some(level.word().to_owned()),
        (None, Some(budget)) => Some(format!("budget:{budget}")),
        (None, None) => None,
    }
}

fn where_to(attributes: &mut Attributes<'_>, trace: &ExchangeTrace, attempt: &AttemptRecord, number: usize) {
    if let Some(Some(server)) = trace.servers.get(number) {
        attributes.text(key::SERVER, &server.host);
        attributes.int(key::PORT, server.port.into());
    }
    attributes.text(key::BACKEND, &attempt.backend);
    maybe(attempt.region.as_deref(), |region| attributes.text(key::REGION, region));
    let id = if attempt.provider == AWS { key::AWS_REQUEST_ID } else { key::UPSTREAM_REQUEST_ID };
    maybe(attempt.upstream_request_id.as_deref(), |told| attributes.text(id, told));
    attributes.int(key::REQUEST_SIZE, attempt.sent_bytes);
    attributes.int(key::RESPONSE_SIZE, attempt.came_bytes);
    if number > 0 {
        attributes.int(key::RESENDS, number as u64);
    }
    attributes.int(key::ATTEMPT, number as u64 + 1);
    attributes.text(key::REASON, attempt.why.word());
}

fn result(attributes: &mut Attributes<'_>, record: &Record, attempt: &AttemptRecord, own: bool) {
    attributes.text(key::RESULT, attempt.result.word());
    maybe(attempt.status, |status| attributes.int(key::STATUS, status.into()));
    // What the exchange failed of is told with its last attempt, which may bear no fault of its own.
    let failed = matches!(attempt.result, AttemptResult::Failed | AttemptResult::Throttled);
    let fault = attempt.fault.as_deref().or_else(|| record.fault.as_deref().filter(|_| own && failed));
    maybe(fault, |fault| attributes.text(key::ERROR_TYPE, fault));
    if own && attempt.result == AttemptResult::Answered {
        attributes.text(key::RESPONSE_MODEL, shortened(&attempt.model_id));
        attributes.text(key::RESPONSE_ID, &record.id);
        maybe(record.finish_reason, |reason| attributes.list(key::FINISH_REASONS, [reason].into_iter()));
    } else if own && failed && attempt.status.is_some_and(|status| status < 300) {
        attributes.list(key::FINISH_REASONS, ["error"].into_iter());
    }
    let since = |time: Option<Duration>| time.and_then(|time| time.checked_sub(attempt.started));
    let queued = since(attempt.sent).filter(|queued| *queued >= Duration::from_millis(1));
    maybe(queued, |time| attributes.double(key::QUEUE, milliseconds(time)));
    maybe(since(attempt.first_byte), |time| attributes.double(key::FIRST_BYTE, milliseconds(time)));
    let [reasoning, content] = [attempt.first_reasoning, attempt.first_content].map(since);
    maybe(reasoning, |time| attributes.double(key::FIRST_REASONING, milliseconds(time)));
    maybe(content, |time| attributes.double(key::FIRST_CONTENT, milliseconds(time)));
    let first = reasoning.into_iter().chain(content).min().filter(|_| record.stream);
    maybe(first, |time| attributes.double(key::FIRST_CHUNK, time.as_secs_f64()));
}

fn usage(attributes: &mut Attributes<'_>, attempt: &AttemptRecord, names: &SpanConventions) {
    match attempt.cost {
        CallCost::Known(cost) => attributes.double(key::USAGE_COST, usd(cost.total())),
        CallCost::Unknown(why) => attributes.text(key::COST_UNKNOWN, why.word()),
        CallCost::Nothing => {}
    }
    maybe(attempt.estimated_cost, |cost| attributes.double(key::COST_ESTIMATED, usd(cost)));
    let Some(tokens) = attempt.usage else { return };
    attributes.int(key::INPUT_TOKENS, tokens.prompt());
    attributes.int(key::OUTPUT_TOKENS, tokens.output);
    if tokens.cache_read > 0 {
        attributes.int(key::CACHE_READ_TOKENS, tokens.cache_read);
    }
    if tokens.cache_write > 0 {
        if names.cache_write != CacheWriteName::Write {
            attributes.int(key::CACHE_CREATION_TOKENS, tokens.cache_write);
        }
        if names.cache_write != CacheWriteName::Creation {
            attributes.int(key::CACHE_WRITE_TOKENS, tokens.cache_write);
        }
    }
    maybe(tokens.reasoning, |reasoning| attributes.int(key::REASONING_TOKENS, reasoning));
    maybe(tokens.tier.map(ServiceTier::word), |tier| attributes.text(key::TIER, tier));
}
