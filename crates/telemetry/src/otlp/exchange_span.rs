//! The span of an exchange: what its client asked and got, and what it cost. It bears neither a model nor tokens.

use super::attributes as key;
use super::conventions::SpanConventions;
use super::span_parts::{
    self, ATTRIBUTES, HAS_IS_REMOTE, IS_REMOTE, SERVER, SpanHead, maybe, milliseconds, named, nanos, usd, wall_nanos,
};
use super::wire::{self, Attributes};
use crate::access_log::shortened;
use aquifer_gateway::record::{ExchangeTrace, Outcome, Record, RemoteSpan};

/// The most warnings on a span, and the longest of each.
const MOST_WARNINGS: usize = 16;
const LONGEST_WARNING: usize = 256;

/// Writes the span of an exchange.
pub(super) fn encode(to: &mut Vec<u8>, record: &Record, trace: &ExchangeTrace, names: &SpanConventions) {
    let context = &trace.context;
    let start = wall_nanos(trace.began);
    span_parts::head(
        to,
        &SpanHead {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent: context.parent.as_ref().map(|parent| parent.span_id),
            is_remote: context.parent.is_some(),
            state: context.state(),
            name: [method(trace), trace.route.unwrap_or_default()],
            kind: SERVER,
            start,
            end: start.saturating_add(nanos(record.duration)),
        },
    );
    let mut attributes = Attributes::new(to, ATTRIBUTES);
    http(&mut attributes, record, trace);
    what_was_asked(&mut attributes, record);
    how_it_ended(&mut attributes, record);
    times(&mut attributes, record);
    if names.openinference {
        attributes.text(key::OI_KIND, "CHAIN");
    }
    if let Some(link) = &context.link {
        write_link(to, link);
    }
    // A client's mistake is no error of the server that told it so.
    if record.outcome == Outcome::Failed && !(400..500).contains(&record.status) {
        span_parts::status(to, record.fault_message.as_deref().unwrap_or_default());
    }
}

fn write_link(to: &mut Vec<u8>, link: &RemoteSpan) {
    wire::message(to, 13, |to| {
        wire::bytes(to, 1, &link.trace_id.to_be_bytes());
        wire::bytes(to, 2, &link.span_id.to_be_bytes());
        wire::bytes(to, 3, link.state.as_bytes());
        wire::fixed32(to, 6, u32::from(link.is_sampled) | HAS_IS_REMOTE | IS_REMOTE);
    });
}

/// The request's method; one that is a client's invention is `_OTHER`.
fn method(trace: &ExchangeTrace) -> &str {
    match trace.method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE" | "PATCH") => known,
        _ => "_OTHER",
    }
}

fn http(attributes: &mut Attributes<'_>, record: &Record, trace: &ExchangeTrace) {
    attributes.text(key::METHOD, method(trace));
    maybe(trace.route, |route| attributes.text(key::ROUTE, route));
    attributes.text(key::PATH, &trace.path);
    attributes.int(key::STATUS, record.status.into());
    attributes.int(key::REQUEST_SIZE, record.asked.body_bytes);
    attributes.int(key::RESPONSE_SIZE, record.told);
    maybe(trace.client, |client| attributes.text(key::CLIENT, &client.to_string()));
    maybe(trace.user_agent.as_deref(), |agent| attributes.text(key::USER_AGENT, agent));
}

fn what_was_asked(attributes: &mut Attributes<'_>, record: &Record) {
    attributes.text(key::ID, &record.id);
    maybe(Some(record.operation).filter(|it| !it.is_empty()), |it| attributes.text(key::OPERATION, it));
    attributes.text(key::DIALECT, record.dialect.word());
    maybe(record.caller.as_deref(), |caller| attributes.text(key::CALLER, caller));
    maybe(named(&record.model), |model| attributes.text(key::ORIGINAL_MODEL, shortened(model)));
    maybe(record.route.as_deref(), |route| attributes.text(key::RULE_ROUTE, route));
    maybe(record.rule.as_deref(), |rule| attributes.text(key::RULE, rule));
    maybe(named(&record.backend), |backend| attributes.text(key::BACKEND, backend));
    attributes.flag(key::STREAM, record.stream);
}

fn how_it_ended(attributes: &mut Attributes<'_>, record: &Record) {
    attributes.text(key::OUTCOME, record.outcome.word());
    maybe(record.fault.as_deref(), |fault| attributes.text(key::ERROR_TYPE, fault));
    let counts = [
        (key::ATTEMPTS, record.calls()),
        (key::HEDGES, record.hedges.all()),
        (key::AMENDED, record.amended),
        (key::TURNS_STORED, record.turns.kept),
        (key::TURNS_RESTORED, record.turns.restored),
        (key::TURNS_MISSED, record.turns.missed),
    ];
    for (key, count) in counts {
        if count > 0 {
            attributes.int(key, count.into());
        }
    }
    if !record.warnings.is_empty() {
        let warnings = record.warnings.iter().take(MOST_WARNINGS);
        attributes.list(key::WARNINGS, warnings.map(|it| &it[..it.floor_char_boundary(LONGEST_WARNING)]));
    }
    if record.attempts.is_empty() {
        return;
    }
    attributes.flag(key::REASONED, record.reasoned);
    attributes.text(key::USAGE, record.usage_source().word());
    maybe(record.cost(), |cost| attributes.double(key::COST, usd(cost.total())));
    maybe(record.estimated_cost(), |cost| attributes.double(key::COST_ESTIMATED, usd(cost)));
    maybe(record.cost_unknown(), |why| attributes.text(key::COST_UNKNOWN, why.word()));
}

fn times(attributes: &mut Attributes<'_>, record: &Record) {
    let thought = record.reasoning_end.map(|_| record.thinking_time);
    let times = [
        (key::OVERHEAD, record.overhead),
        (key::FIRST_REASONING, record.time_to_first_reasoning),
        (key::REASONING_END, record.reasoning_end),
        (key::REASONING, thought),
        (key::FIRST_CONTENT, record.time_to_first_content),
        (key::LONGEST_GAP, record.longest_gap),
    ];
    for (key, time) in times {
        maybe(time, |time| attributes.double(key, milliseconds(time)));
    }
}
