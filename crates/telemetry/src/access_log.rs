//! The access log: one line for each exchange, formatted from its record.

use crate::line::{Form, Head, Line, line, name};
use aquifer_gateway::record::{Outcome, Record, Tokens};
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

/// Formats a record's line and hands it to `take`, if its level is wanted.
pub(crate) fn lines(
    form: Form,
    now: SystemTime,
    record: &Record,
    wanted: impl Fn(Level) -> bool,
    take: impl Fn(&[u8]),
) {
    let head = head(record);
    if wanted(head.level) {
        line(form, now, head, |line| told(line, record), &take);
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

/// Writes all fields of a record.
fn told(line: &mut Line<'_>, record: &Record) {
    line.text(name!("id"), &record.id);
    line.text(name!("operation"), record.operation);
    line.maybe(name!("caller"), record.caller.as_deref(), Line::text);
    line.text(name!("model"), shortened(&record.model));
    let other = (record.model_id != record.model).then(|| shortened(&record.model_id));
    line.maybe(name!("model_id"), other, Line::text);
    line.maybe(name!("backend"), Some(record.backend.as_str()).filter(|backend| !backend.is_empty()), Line::text);
    line.flag(name!("stream"), record.stream);
    line.number(name!("status"), record.status);
    line.text(name!("outcome"), outcome_word(record.outcome));
    line.maybe(name!("finish_reason"), record.finish_reason, Line::text);
    line.maybe(name!("fault"), record.fault.as_deref(), Line::text);
    line.maybe(name!("fault_message"), record.fault_message.as_deref(), Line::text);
    line.number(name!("duration_ms"), milliseconds(record.duration));
    line.maybe(name!("first_reasoning_ms"), record.time_to_first_reasoning.map(milliseconds), Line::number);
    line.maybe(name!("first_token_ms"), record.time_to_first_token.map(milliseconds), Line::number);
    line.flag(name!("reasoned"), record.reasoned);
    line.maybe(name!("turns_stored"), counted(record.turns.kept), Line::number);
    line.maybe(name!("turns_restored"), counted(record.turns.restored), Line::number);
    line.maybe(name!("turns_missed"), counted(record.turns.missed), Line::number);
    line.maybe(name!("amended"), counted(record.amended), Line::number);
    line.maybe(name!("cached"), Some(record.cached).filter(|cached| *cached), Line::flag);
    line.maybe(name!("attempts"), counted(record.calls()).filter(|attempts| *attempts > 1), Line::number);
    line.maybe(name!("hedged"), counted(record.hedges.all()), Line::number);
    line.maybe(name!("warnings"), Some(record.warnings.as_slice()).filter(|all| !all.is_empty()), Line::list);
    line.number(name!("told_bytes"), record.told);
    if let Some(tokens) = record.tokens {
        used(line, tokens);
    }
    if let Some(estimated) = record.estimated {
        line.number(name!("estimated_input_tokens"), estimated.input);
        line.number(name!("estimated_output_tokens"), estimated.output);
    }
}

fn used(line: &mut Line<'_>, tokens: Tokens) {
    line.number(name!("input_tokens"), tokens.input);
    line.number(name!("output_tokens"), tokens.output);
    line.number(name!("cache_read_tokens"), tokens.cache_read);
    line.number(name!("cache_write_tokens"), tokens.cache_write);
    line.maybe(name!("reasoning_tokens"), tokens.reasoning, Line::number);
}

/// The word for an outcome, in log and metrics.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}

fn counted(count: u32) -> Option<u32> {
    Some(count).filter(|count| *count > 0)
}

/// A client may name a model as long as its body.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
