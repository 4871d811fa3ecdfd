//! The log, on standard error: one line for each exchange, never its content.

use crate::cli::{Level, LogFormat};
use aquifer_gateway::config::LogLevel;
use aquifer_gateway::exchange::{ReasoningProgress, ReasoningState};
use aquifer_gateway::record::{Outcome, Record};
use std::io::{IsTerminal, stderr};
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

/// Changes the log's level while it is written.
pub(crate) struct LogControl {
    filter: reload::Handle<Targets, Registry>,
    asked: Option<Level>,
}

/// Starts the log; a level asked for on the command line stays whatever the configuration says.
pub(crate) fn start(asked: Option<Level>, format: LogFormat) -> LogControl {
    let (filter, handle) = reload::Layer::new(targets(asked.map_or(LevelFilter::INFO, filter_of)));
    let control = LogControl { filter: handle, asked };
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).try_init(),
        LogFormat::Text => registry.with(fmt::layer().with_ansi(stderr().is_terminal()).with_writer(stderr)).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        // The message is left out: it may quote what was being read.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: a mistake of this program; one connection ends");
    }));
    control
}

impl LogControl {
    /// Takes the configuration's level, unless the command line named one.
    pub(crate) fn configured(&self, level: Option<LogLevel>) {
        if self.asked.is_some() {
            return;
        }
        let level = match level.unwrap_or(LogLevel::Info) {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        if let Err(error) = self.filter.reload(targets(level)) {
            tracing::error!(%error, "the log's level was not changed");
        }
    }
}

fn filter_of(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// Libraries stay at `warn`: below it some of them log requests with their headers.
fn targets(level: LevelFilter) -> Targets {
    Targets::new().with_target("aquifer", level).with_default(level.min(LevelFilter::WARN))
}

/// Writes how a block of reasoning goes on.
pub(crate) fn reasoning(id: &str, progress: ReasoningProgress) {
    let ReasoningProgress { block, state, bytes } = progress;
    match state {
        ReasoningState::Opened => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: block opened"),
        ReasoningState::Signature => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: signature seen"),
        ReasoningState::Closed => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: block closed"),
    }
}

/// What the lines about exchanges are filed under.
const TARGET: &str = "aquifer::exchange";

/// Says everything of a record; the level must be known when this is compiled.
macro_rules! record_line {
    ($level:ident, $record:ident, $message:literal) => {{
        let tokens = $record.tokens;
        tracing::$level!(
            target: TARGET,
            id = $record.id,
            operation = $record.operation,
            model = shortened(&$record.model),
            model_id = ($record.model_id != $record.model).then(|| shortened(&$record.model_id)),
            backend = some(&$record.backend),
            stream = $record.stream,
            status = $record.status,
            outcome = outcome_word($record.outcome),
            finish_reason = $record.finish_reason,
            fault = $record.fault,
            fault_message = $record.fault_message,
            duration_ms = milliseconds($record.duration),
            first_reasoning_ms = $record.time_to_first_reasoning.map(milliseconds),
            first_token_ms = $record.time_to_first_token.map(milliseconds),
            reasoned = $record.reasoned,
            turns_stored = counted($record.turns.kept),
            turns_restored = counted($record.turns.restored),
            turns_missed = counted($record.turns.missed),
            amended = counted($record.amended),
            attempts = counted($record.attempts).filter(|attempts| *attempts > 1),
            hedged = counted($record.hedges.all()),
            told_bytes = $record.told,
            input_tokens = tokens.map(|tokens| tokens.input),
            output_tokens = tokens.map(|tokens| tokens.output),
            cache_read_tokens = tokens.map(|tokens| tokens.cache_read),
            cache_write_tokens = tokens.map(|tokens| tokens.cache_write),
            reasoning_tokens = tokens.and_then(|tokens| tokens.reasoning),
            $message
        )
    }};
}

/// Writes an exchange's line.
pub(crate) fn exchange(record: &Record) {
    for warning in &record.warnings {
        tracing::warn!(target: TARGET, id = record.id, model = shortened(&record.model), warning, "served with a warning");
    }
    match (record.outcome, record.status) {
        (Outcome::Answered, _) => record_line!(info, record, "answered"),
        (Outcome::Abandoned, _) => record_line!(info, record, "the client left"),
        (Outcome::Failed, 500..) => record_line!(warn, record, "failed"),
        // A stream that broke after its head has status 200, but it is no client's mistake.
        (Outcome::Failed, ..400) => record_line!(warn, record, "failed in mid-stream"),
        (Outcome::Failed, _) => record_line!(info, record, "refused"),
    }
}

/// The word for an outcome, in log and metrics.
pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}

fn counted(count: u32) -> Option<u32> {
    Some(count).filter(|count| *count > 0)
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A client may name a model as long as its body.
fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(200)).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(shortened("claude"), "claude");
        assert_eq!(shortened(&"ü".repeat(300)).len(), 200);
        assert_eq!(shortened(&format!("a{}", "ü".repeat(300))).len(), 199);
    }

    #[test]
    fn libraries_stay_quiet() {
        let targets = targets(LevelFilter::TRACE);
        assert!(targets.would_enable("aquifer::http", &tracing::Level::TRACE));
        assert!(targets.would_enable("aquifer_gateway::exchange", &tracing::Level::TRACE));
        assert!(!targets.would_enable("aws_sigv4::http_request", &tracing::Level::DEBUG));
        assert!(!super::targets(LevelFilter::ERROR).would_enable("hyper", &tracing::Level::WARN));
    }
}
