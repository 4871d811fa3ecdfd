//! The access log: one line for each exchange, formatted from its record.

use crate::line::{Form, Head, Line, Name, formatted, line, name};
use aquifer_gateway::config::{AccessLog, LogFilter, LogPiece};
use aquifer_gateway::cost::CostUnknown;
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::request_cost::CountedCost;
use aquifer_gateway::translate::model::reasoning::{Effort, SentEffort};
use aquifer_gateway::translate::model::response::ServiceTier;
use std::time::{Duration, SystemTime};
use tracing::Level;

/// The tracing target of the access log.
pub(crate) const TARGET: &str = "aquifer::exchange";

/// Whether the log's filter lets the access log pass at this level.
pub(crate) fn wanted(level: Level) -> bool {
    // `enabled!` needs a level that is known at compile time.
    if level == Level::WARN {
        tracing::enabled!(target: TARGET, Level::WARN)
    } else {
        tracing::enabled!(target: TARGET, Level::INFO)
    }
}

/// Formats a record's line and hands it to `take`, if its level and the operator want it.
pub(crate) fn lines(
    form: Form,
    now: SystemTime,
    record: &Record,
    log: &AccessLog,
    wanted: impl Fn(Level) -> bool,
    take: impl Fn(&[u8]),
) {
    let head = head(record);
    if !passes(&log.only, record) || !wanted(head.level) {
        return;
    }
    match &log.format {
        Some(format) => formatted(|line| format.iter().for_each(|piece| write(line, piece, record)), &take),
        None => {
            line(form, now, head, |line| FIELDS.iter().for_each(|field| (field.write)(line, field.name, record)), &take)
        }
    }
}

/// Whether any filter wants an exchange.
fn passes(only: &[LogFilter], record: &Record) -> bool {
    only.is_empty()
        || only.iter().any(|filter| match filter {
            LogFilter::Failed => record.outcome == Outcome::Failed,
            LogFilter::Slow(time) => record.duration >= *time,
            LogFilter::Sampled(share) => lot(&record.id) < *share,
        })
}

/// A number below a million for an id, which is random: the same at every look.
fn lot(id: &str) -> u32 {
    // FNV-1a, whose upper half is mixed best.
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u32::try_from((hash >> 32) % 1_000_000).unwrap_or_default()
}

/// Writes a piece of a format of the operator's own.
fn write(line: &mut Line<'_>, piece: &LogPiece, record: &Record) {
    let (at, form, none) = match piece {
        LogPiece::Text(text) => return line.plain(text),
        LogPiece::Plain(at) => (at, Form::Plain, "-"),
        LogPiece::Json(at) => (at, Form::Value, "null"),
    };
    if let Some(field) = FIELDS.get(*at) {
        line.value(form, none, |line| (field.write)(line, field.name, record));
    }
}

fn head(record: &Record) -> Head {
    let (level, message) = match (record.outcome, record.status) {
        (Outcome::Answered, _) => (Level::INFO, "answered"),
        (Outcome::Abandoned, _) => (Level::INFO, "the client left"),
        (Outcome::Failed, 500..) => (Level::WARN, "failed"),
        // A stream that broke after its head has status 200, but it is no client's mistake.
        (Outcome::Failed, ..400) => (Level::WARN, "failed in mid-stream"),
        (Outcome::Failed, _) => (Level::INFO, "refused"),
    };
    Head { level, target: TARGET, message }
}

/// A field of a line.
struct LogField {
    name: Name,
    /// Writes the field, where the record has it.
    write: fn(&mut Line<'_>, Name, &Record),
}

/// The list of fields: a name, and how it is written.
macro_rules! fields {
    ($($name:literal: $write:expr;)*) => {
        /// All fields, in the order of [`LOG_FIELDS`](aquifer_gateway::config::LOG_FIELDS).
        const FIELDS: &[LogField] = &[$(LogField { name: name!($name), write: $write }),*];
    };
}

fields! {
    "id": |line, name, it| line.text(name, &it.id);
    "trace_id": |line, name, it| {
        if let Some(trace) = &it.trace {
            line.hex(name, trace.context.trace_id, 32);
        }
    };
    "span_id": |line, name, it| {
        if let Some(trace) = &it.trace {
            line.hex(name, trace.context.span_id.into(), 16);
        }
    };
    "operation": |line, name, it| line.text(name, it.operation);
    "dialect": |line, name, it| line.maybe(name, called(it).map(|it| it.dialect.word()), Line::text);
    "caller": |line, name, it| line.maybe(name, it.caller.as_deref(), Line::text);
    "model": |line, name, it| line.text(name, shortened(&it.model));
    "model_id": |line, name, it| {
        line.maybe(name, (it.model_id != it.model).then(|| shortened(&it.model_id)), Line::text);
    };
    "backend": |line, name, it| {
        line.maybe(name, Some(it.backend.as_str()).filter(|backend| !backend.is_empty()), Line::text);
    };
    "route": |line, name, it| line.maybe(name, it.route.as_deref(), Line::text);
    "rule": |line, name, it| line.maybe(name, it.rule.as_deref(), Line::text);
    "region": |line, name, it| {
        line.maybe(name, it.last_attempt().and_then(|attempt| attempt.region.as_deref()), Line::text);
    };
    "stream": |line, name, it| line.flag(name, it.stream);
    "status": |line, name, it| line.number(name, it.status);
    "outcome": |line, name, it| line.text(name, it.outcome.word());
    "stop_reason": |line, name, it| line.maybe(name, it.stop_reason, Line::text);
    "finish_reason": |line, name, it| line.maybe(name, it.finish_reason, Line::text);
    "fault": |line, name, it| line.maybe(name, it.fault.as_deref(), Line::text);
    "fault_message": |line, name, it| line.maybe(name, it.fault_message.as_deref(), Line::text);
    "duration_ms": |line, name, it| line.number(name, milliseconds(it.duration));
    "overhead_ms": |line, name, it| line.maybe(name, it.overhead.map(microseconds), Line::thousandths);
    "queue_ms": |line, name, it| line.maybe(name, queued(it).map(milliseconds), Line::number);
    "first_reasoning_ms": |line, name, it| {
        line.maybe(name, it.time_to_first_reasoning.map(milliseconds), Line::number);
    };
    "first_content_ms": |line, name, it| line.maybe(name, it.time_to_first_content.map(milliseconds), Line::number);
    "first_token_ms": |line, name, it| line.maybe(name, it.time_to_first_token().map(milliseconds), Line::number);
    "reasoned": |line, name, it| line.flag(name, it.reasoned);
    "reasoning_ms": |line, name, it| {
        line.maybe(name, it.reasoning_end.map(|_| milliseconds(it.thinking_time)), Line::number);
    };
    "longest_gap_ms": |line, name, it| line.maybe(name, it.longest_gap.map(milliseconds), Line::number);
    "effort_asked": |line, name, it| line.maybe(name, it.asked.parameters.effort.map(Effort::word), Line::text);
    "effort": effort;
    "tier": |line, name, it| {
        let tier = it.tokens.and_then(|tokens| tokens.tier).or(it.asked.parameters.tier);
        line.maybe(name, tier.map(ServiceTier::word), Line::text);
    };
    "turns_stored": |line, name, it| line.maybe(name, counted(it.turns.kept), Line::number);
    "turns_restored": |line, name, it| line.maybe(name, counted(it.turns.restored), Line::number);
    "turns_missed": |line, name, it| line.maybe(name, counted(it.turns.missed), Line::number);
    "amended": |line, name, it| line.maybe(name, counted(it.amended), Line::number);
    "cached": |line, name, it| line.maybe(name, Some(it.cached).filter(|cached| *cached), Line::flag);
    "attempts": |line, name, it| {
        line.maybe(name, counted(it.calls()).filter(|attempts| *attempts > 1), Line::number);
    };
    "attempt_path": attempt_path;
    "aws_request_id": |line, name, it| {
        line.maybe(name, it.last_attempt().and_then(|attempt| attempt.upstream_request_id.as_deref()), Line::text);
    };
    "hedged": |line, name, it| line.maybe(name, counted(it.hedges.all()), Line::number);
    "warnings": |line, name, it| {
        line.maybe(name, Some(it.warnings.as_slice()).filter(|all| !all.is_empty()), Line::list);
    };
    "bytes_in": |line, name, it| line.maybe(name, Some(it.asked.body_bytes).filter(|bytes| *bytes > 0), Line::number);
    "told_bytes": |line, name, it| line.number(name, it.told);
    "drain": |line, name, it| line.maybe(name, it.drain.map(|drain| drain.result.word()), Line::text);
    "drain_ms": |line, name, it| line.maybe(name, it.drain.map(|drain| milliseconds(drain.time)), Line::number);
    "usage": |line, name, it| line.maybe(name, called(it).map(|it| it.usage_source().word()), Line::text);
    "prompt_tokens": |line, name, it| line.maybe(name, it.tokens.map(|tokens| tokens.prompt()), Line::number);
    "input_tokens": |line, name, it| line.maybe(name, it.tokens.map(|tokens| tokens.input), Line::number);
    "output_tokens": |line, name, it| line.maybe(name, it.tokens.map(|tokens| tokens.output), Line::number);
    "cache_read_tokens": |line, name, it| line.maybe(name, it.tokens.map(|tokens| tokens.cache_read), Line::number);
    "cache_write_tokens": |line, name, it| line.maybe(name, it.tokens.map(|tokens| tokens.cache_write), Line::number);
    "reasoning_tokens": |line, name, it| {
        line.maybe(name, it.tokens.and_then(|tokens| tokens.reasoning), Line::number);
    };
    "estimated_input_tokens": |line, name, it| {
        line.maybe(name, it.estimated.map(|estimated| estimated.input), Line::number);
    };
    "estimated_output_tokens": |line, name, it| {
        line.maybe(name, it.estimated.map(|estimated| estimated.output), Line::number);
    };
    "cost_usd": |line, name, it| line.maybe(name, it.cost().map(|cost| cost.total()), Line::dollars);
    "cost_parts_usd": cost_parts;
    "cost_unknown": |line, name, it| line.maybe(name, it.cost_unknown().map(CostUnknown::word), Line::text);
    "cost_estimated_usd": |line, name, it| line.maybe(name, it.estimated_cost(), Line::dollars);
    "request_costs": request_costs;
}

/// The costs that the route defines: `tokens=12,weighted=30`.
fn request_costs(line: &mut Line<'_>, name: Name, record: &Record) {
    if record.costs.is_empty() {
        return;
    }
    line.joined(name, |line| {
        for (at, CountedCost { key, value }) in record.costs.iter().enumerate() {
            line.plain(if at == 0 { "" } else { "," });
            line.harmless(key);
            line.plain("=");
            line.count(*value);
        }
    });
}

/// The record of an exchange that called something.
fn called(record: &Record) -> Option<&Record> {
    Some(record).filter(|record| !record.attempts.is_empty())
}

/// The time in which the first call waited for its turn, if it had to.
fn queued(record: &Record) -> Option<Duration> {
    let first = record.attempts.first()?;
    first.sent?.checked_sub(first.started).filter(|waited| *waited >= Duration::from_millis(1))
}

/// How hard to reason, as it was sent: a level, or `budget:N`.
fn effort(line: &mut Line<'_>, name: Name, record: &Record) {
    let Some(SentEffort { level, budget }) = record.last_attempt().map(|attempt| attempt.effort) else { return };
    match (level, budget) {
        (Some(level), _) => line.text(name, level.word()),
        (None, Some(budget)) => line.joined(name, |line| {
            line.plain("budget:");
            line.count(budget.into());
        }),
        (None, None) => {}
    }
}

/// The backends of several calls with what they answered: `default/a:429,default/b:200`.
fn attempt_path(line: &mut Line<'_>, name: Name, record: &Record) {
    if record.attempts.len() < 2 {
        return;
    }
    line.joined(name, |line| {
        for (at, attempt) in record.attempts.iter().enumerate() {
            line.plain(if at == 0 { "" } else { "," });
            // Names of resources have no letters that are escaped.
            line.plain(&attempt.backend);
            line.plain(":");
            match attempt.status {
                Some(status) => line.count(status.into()),
                None => line.plain(attempt.result.word()),
            }
        }
    });
}

/// The parts of the cost that are there: `input=0.001,output=0.02`.
fn cost_parts(line: &mut Line<'_>, name: Name, record: &Record) {
    let Some(cost) = record.cost() else { return };
    line.joined(name, |line| {
        let mut comma = "";
        for (part, amount) in cost.parts().into_iter().chain([("reasoning", cost.reasoning)]) {
            if amount > 0 {
                line.plain(std::mem::replace(&mut comma, ","));
                line.plain(part);
                line.plain("=");
                line.amount(amount);
            }
        }
    });
}

fn counted(count: u32) -> Option<u32> {
    Some(count).filter(|count| *count > 0)
}

/// A client may name a model as long as its body.
pub(crate) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
