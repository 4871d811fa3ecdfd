//! The log, on standard error: one line for each exchange, never its content.

use super::exchange::{TARGET, lines, wanted};
use super::line::Form;
use super::sink::Sink;
use crate::cli::{Level, LogFormat};
use crate::process::clock;
use anyhow::Context;
use aquifer_gateway::config::LogLevel;
use aquifer_gateway::exchange::{ReasoningProgress, ReasoningState};
use aquifer_gateway::record::Record;
use std::io::{IsTerminal, Write, stderr};
use std::mem::forget;
use std::sync::OnceLock;
use std::thread;
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

/// Where all lines go.
static SINK: Sink = Sink::new();
/// Set when the log starts.
static FORM: OnceLock<Form> = OnceLock::new();
/// How long a process that ends waits for a standard error that takes nothing.
const AT_THE_END: Duration = Duration::from_secs(2);
/// How long a process that goes on waits for it.
const IN_BETWEEN: Duration = Duration::from_millis(100);

/// One line for the sink.
struct Entry;

impl Write for Entry {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        SINK.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the log; a level asked for on the command line stays whatever the configuration says.
pub(crate) fn start(asked: Option<Level>, format: LogFormat) -> anyhow::Result<LogControl> {
    let (filter, handle) = reload::Layer::new(targets(asked.map_or(LevelFilter::INFO, filter_of)));
    let control = LogControl { filter: handle, asked };
    let registry = tracing_subscriber::registry().with(filter);
    let form = match format {
        LogFormat::Json => Form::Json,
        LogFormat::Text if stderr().is_terminal() => Form::Coloured,
        LogFormat::Text => Form::Text,
    };
    let layer = fmt::layer().with_writer(|| Entry);
    let started = match form {
        Form::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        Form::Text | Form::Coloured => registry.with(layer.with_ansi(form == Form::Coloured)).try_init(),
    };
    // A second start in one process (tests) keeps the first.
    if started.is_ok() && FORM.set(form).is_ok() {
        write().context("the log's thread did not start")?;
    }
    std::panic::set_hook(Box::new(|panic| {
        // The message is left out: it may quote what was being read.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: a mistake of this program; one connection ends");
        // This may be the last that the process does.
        flush();
    }));
    Ok(control)
}

fn write() -> std::io::Result<()> {
    let tell = |lines| tracing::error!(lines, "lines of the log were dropped: standard error did not take them");
    thread::Builder::new().name("log".to_owned()).spawn(move || SINK.write_to(stderr(), tell))?;
    Ok(())
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

/// Writes what became of an exchange.
pub(crate) fn exchange(record: &Record) {
    if let Some(form) = FORM.get() {
        lines(*form, clock::wall(), record, wanted, |line| SINK.push(line));
    }
}

/// How many lines were dropped because standard error did not take them.
pub(super) fn dropped() -> u64 {
    SINK.dropped()
}

/// Waits a little until all lines are written.
pub(crate) fn flush() {
    SINK.flush(IN_BETWEEN);
}

/// Has the log written at any end of the process that unwinds, when it is dropped.
pub(crate) struct Flushed;

impl Flushed {
    /// Does so now; whether everything is written.
    pub(crate) fn now(self) -> bool {
        forget(self);
        SINK.flush(AT_THE_END)
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        SINK.flush(AT_THE_END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env::current_exe;
    use std::process::Command;

    #[test]
    fn libraries_stay_quiet() {
        let targets = targets(LevelFilter::TRACE);
        assert!(targets.would_enable("aquifer::http", &tracing::Level::TRACE));
        assert!(targets.would_enable("aquifer_gateway::exchange", &tracing::Level::TRACE));
        assert!(!targets.would_enable("aws_sigv4::http_request", &tracing::Level::DEBUG));
        assert!(!super::targets(LevelFilter::ERROR).would_enable("hyper", &tracing::Level::WARN));
    }

    /// Logs and panics, for the test below.
    #[test]
    #[ignore = "takes the log of its process"]
    #[should_panic(expected = "the message")]
    fn a_panic_in_a_process_of_its_own() {
        start(None, LogFormat::Text).unwrap();
        for number in 0..100 {
            tracing::info!(target: "aquifer", number, "a line");
        }
        panic!("the message");
    }

    #[test]
    fn a_panic_is_told_behind_what_was_logged_and_without_its_message() {
        let mut process = Command::new(current_exe().unwrap());
        process.args(["--ignored", "--exact", "telemetry::log::tests::a_panic_in_a_process_of_its_own"]);
        let log = String::from_utf8(process.output().unwrap().stderr).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.iter().filter(|line| line.contains("aquifer: a line number=")).count(), 100, "{log}");
        assert!(lines[99].ends_with("a line number=99"), "{log}");
        assert!(lines[100].contains("a panic: a mistake of this program"), "{log}");
        assert!(lines[100].contains("src/telemetry/log.rs:"), "{log}");
        assert!(!log.contains("the message"), "{log}");
    }
}
