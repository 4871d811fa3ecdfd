//! An exchange as a row of the list, and all that is remembered of it.

use super::numbers::{dollars, maybe_ms, milliseconds, tokens};
use aquifer_gateway::cost::{CallCost, CostUnknown};
use aquifer_gateway::record::{AttemptRecord, Record};
use aquifer_gateway::translate::model::reasoning::{Effort, SentEffort};
use aquifer_gateway::translate::model::response::ServiceTier;
use aquifer_telemetry::Seen;
use serde_json::{Map, Value, json};

/// A row of the list of exchanges.
pub(in crate::admin) fn row(seen: &Seen) -> Value {
    let record = &*seen.record;
    let attempts: Vec<Value> = record.attempts.iter().map(short_attempt).collect();
    json!({
        "id": record.id,
        "at_unix_ms": seen.at_unix_ms,
        "dialect": record.dialect.word(),
        "operation": record.operation,
        "stream": record.stream,
        "caller": record.caller.as_deref(),
        "model": record.model,
        "model_id": text(&record.model_id),
        "backend": text(&record.backend),
        "route": record.route,
        "rule": record.rule,
        "status": record.status,
        "outcome": record.outcome.word(),
        "fault": record.fault,
        "first_reasoning_ms": maybe_ms(record.time_to_first_reasoning),
        "first_content_ms": maybe_ms(record.time_to_first_content),
        "duration_ms": milliseconds(record.duration),
        "tokens": record.tokens.as_ref().map(tokens),
        "usage": record.usage_source().word(),
        "cost_usd": record.cost().map(|cost| dollars(cost.total())),
        "attempts": attempts,
        "warnings": record.warnings.len(),
        "source": record.source.word(),
    })
}

/// All that is remembered of an exchange.
pub(in crate::admin) fn whole(seen: &Seen) -> Value {
    let mut whole = row(seen);
    if let Value::Object(whole) = &mut whole {
        whole.extend(more(&seen.record));
    }
    whole
}

fn more(record: &Record) -> Map<String, Value> {
    let attempts: Vec<Value> = record.attempts.iter().map(attempt).collect();
    let warnings: Vec<Value> = record.warnings.iter().map(|text| json!({ "text": text })).collect();
    let costs: Vec<Value> = record.costs.iter().map(|cost| json!({ "key": &*cost.key, "value": cost.value })).collect();
    let more = json!({
        "fault_message": record.fault_message,
        "provider": text(record.provider),
        "reasoning_end_ms": maybe_ms(record.reasoning_end),
        "thinking_ms": milliseconds(record.thinking_time),
        "longest_gap_ms": maybe_ms(record.longest_gap),
        "overhead_ms": maybe_ms(record.overhead),
        "told_bytes": record.told,
        "asked": asked(record),
        "reasoned": record.reasoned,
        "stop_reason": record.stop_reason,
        "finish_reason": record.finish_reason,
        "warnings": warnings,
        "turns": { "kept": record.turns.kept, "restored": record.turns.restored, "missed": record.turns.missed },
        "hedges": {
            "won": record.hedges.won,
            "lost": record.hedges.lost,
            "failed": record.hedges.failed,
            "abandoned": record.hedges.abandoned,
        },
        "amended": record.amended,
        "cached": record.cached,
        "estimated_tokens": record.estimated.map(|it| json!({ "input": it.input, "output": it.output })),
        "costs": costs,
        "estimated_cost_usd": record.estimated_cost().map(dollars),
        "cost_unknown": record.cost_unknown().map(CostUnknown::word),
        "cost_parts": cost_parts(record),
        "attempts": attempts,
    });
    match more {
        Value::Object(more) => more,
        _ => Map::new(),
    }
}

fn asked(record: &Record) -> Value {
    let parameters = &record.asked.parameters;
    json!({
        "body_bytes": record.asked.body_bytes,
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "effort": parameters.effort.map(Effort::word),
        "tier": parameters.tier.map(ServiceTier::word),
        "messages": parameters.messages,
        "tools": parameters.tools,
    })
}

fn cost_parts(record: &Record) -> Value {
    let Some(cost) = record.cost() else { return Value::Null };
    let mut parts = Map::new();
    for (name, amount) in cost.parts().into_iter().chain([("reasoning", cost.reasoning)]) {
        parts.insert(format!("{name}_usd"), dollars(amount).into());
    }
    Value::Object(parts)
}

/// An attempt as a row shows it.
fn short_attempt(attempt: &AttemptRecord) -> Value {
    json!({ "backend": attempt.backend, "result": attempt.result.word(), "status": attempt.status })
}

fn attempt(attempt: &AttemptRecord) -> Value {
    let cost = match attempt.cost {
        CallCost::Known(cost) => Some(dollars(cost.total())),
        CallCost::Nothing | CallCost::Unknown(_) => None,
    };
    json!({
        "backend": attempt.backend,
        "model_id": attempt.model_id,
        "provider": attempt.provider,
        "region": attempt.region,
        "why": attempt.why.word(),
        "result": attempt.result.word(),
        "effort": effort(attempt.effort),
        "started_ms": milliseconds(attempt.started),
        "sent_ms": maybe_ms(attempt.sent),
        "first_byte_ms": maybe_ms(attempt.first_byte),
        "ended_ms": maybe_ms(attempt.ended),
        "status": attempt.status,
        "upstream_request_id": attempt.upstream_request_id,
        "fault": attempt.fault,
        "tokens": attempt.usage.as_ref().map(tokens),
        "cost_usd": cost,
    })
}

/// How hard to reason, as it was sent: a level, or `budget:N`.
fn effort(effort: SentEffort) -> Option<String> {
    match effort {
        SentEffort { level: Some(level), .. } => Some(level.word().to_owned()),
        SentEffort { budget: Some(budget), .. } => Some(format!("budget:{budget}")),
        SentEffort { level: None, budget: None } => None,
    }
}

/// A text that is there.
fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
