//! The log, on standard error: one line for each exchange, never its content.

use crate::access_log::{TARGET, lines, wanted};
use crate::clock;
use crate::line::Form;
use crate::line_buffer::LineBuffer;
use anyhow::Context;
use aquifer_gateway::config::{AccessLog, LogLevel};
use aquifer_gateway::exchange::{ReasoningProgress, ReasoningState};
use aquifer_gateway::record::Record;
use arc_swap::ArcSwap;
use std::io::{IsTerminal, Write, stderr};
use std::mem::forget;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Words and `name=value` fields, coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Changes the log's level while it is written.
pub struct LogControl {
    filter: reload::Handle<Targets, Registry>,
    asked: Option<LogLevel>,
    levels: Mutex<Levels>,
}

/// The levels that were asked for. No request looks at them.
struct Levels {
    /// The level of the command line or the configuration.
    lasting: LogLevel,
    /// The level that takes its place for a while.
    temporary: Option<LogLevel>,
    /// The number of temporary levels so far.
    number: u64,
}

impl Levels {
    fn in_force(&self) -> LogLevel {
        self.temporary.unwrap_or(self.lasting)
    }
}

/// The buffer of all lines of the log.
static LINES: LineBuffer = LineBuffer::new();
/// The access log as the operator wants it.
static ACCESS: LazyLock<ArcSwap<AccessLog>> = LazyLock::new(ArcSwap::default);
/// Set when the log starts.
static FORM: OnceLock<Form> = OnceLock::new();
/// The limit of the flush at the end of the process, when standard error takes nothing.
const AT_THE_END: Duration = Duration::from_secs(2);
/// The limit of a flush while the process goes on.
const IN_BETWEEN: Duration = Duration::from_millis(100);

/// One line for the sink.
struct Entry;

impl Write for Entry {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LINES.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the log; a level asked for on the command line stays whatever the configuration says.
pub fn start(asked: Option<LogLevel>, format: LogFormat) -> anyhow::Result<LogControl> {
    let (filter, handle) = reload::Layer::new(targets(filter_of(asked.unwrap_or(LogLevel::Info))));
    let levels = Levels { lasting: asked.unwrap_or(LogLevel::Info), temporary: None, number: 0 };
    let control = LogControl { filter: handle, asked, levels: Mutex::new(levels) };
    let registry = tracing_subscriber::registry().with(filter);
    let form = match format {
        LogFormat::Json => Form::Json,
        LogFormat::Text if stderr().is_terminal() => Form::Coloured,
        LogFormat::Text => Form::Text,
    };
    let layer = fmt::layer().with_writer(|| Entry);
    let started = match form {
        Form::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        Form::Text | Form::Coloured | Form::Plain | Form::Value => {
            registry.with(layer.with_ansi(form == Form::Coloured)).try_init()
        }
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
    thread::Builder::new().name("log".to_owned()).spawn(move || LINES.write_to(stderr(), tell))?;
    Ok(())
}

impl LogControl {
    /// Takes the configuration's level, unless the command line named one.
    pub fn configured(&self, level: Option<LogLevel>) {
        if self.asked.is_some() {
            return;
        }
        self.change(|levels| levels.lasting = level.unwrap_or(LogLevel::Info));
    }

    /// The level in force.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).in_force()
    }

    /// Puts a level in force until [`fall_back`](Self::fall_back) is called with the number that this gives.
    pub fn set_temporarily(&self, level: LogLevel) -> u64 {
        self.change(|levels| (levels.temporary, levels.number) = (Some(level), levels.number + 1))
    }

    /// Falls back to the lasting level, unless another temporary level was set since; returns whether it did.
    pub fn fall_back(&self, number: u64) -> bool {
        let mut did = false;
        self.change(|levels| {
            did = levels.number == number && levels.temporary.is_some();
            levels.temporary = levels.temporary.filter(|_| !did);
        });
        did
    }

    fn change(&self, change: impl FnOnce(&mut Levels)) -> u64 {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let before = levels.in_force();
        change(&mut levels);
        let level = levels.in_force();
        if level != before
            && let Err(error) = self.filter.reload(targets(filter_of(level)))
        {
            tracing::error!(%error, "the log's level was not changed");
        }
        levels.number
    }
}

fn filter_of(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Libraries stay at `warn`: below it some of them log requests with their headers.
fn targets(level: LevelFilter) -> Targets {
    Targets::new().with_target("aquifer", level).with_default(level.min(LevelFilter::WARN))
}

/// Logs, at debug, that a block of reasoning began, was signed or ended; never its text.
pub fn reasoning(id: &str, progress: ReasoningProgress) {
    let ReasoningProgress { block, state, bytes } = progress;
    match state {
        ReasoningState::Opened => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: block opened"),
        ReasoningState::Signature => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: signature seen"),
        ReasoningState::Closed => tracing::debug!(target: TARGET, id, block, bytes, "reasoning: block closed"),
    }
}

/// Writes the access log so from now on.
pub(crate) fn access(log: &AccessLog) {
    ACCESS.store(Arc::new(log.clone()));
}

/// Writes the access log's line of an exchange.
pub(crate) fn exchange(record: &Record) {
    if let Some(form) = FORM.get() {
        lines(*form, clock::wall(), record, &ACCESS.load(), wanted, |line| LINES.push(line));
    }
}

/// The number of lines that were dropped because standard error did not take them.
pub(crate) fn dropped() -> u64 {
    LINES.dropped()
}

/// Waits a moment for all lines to be written.
pub fn flush() {
    LINES.flush(IN_BETWEEN);
}

/// Flushes the log when it is dropped, at any end of the process that unwinds.
pub struct Flushed;

impl Flushed {
    /// Flushes now; returns whether everything is written.
    pub fn now(self) -> bool {
        forget(self);
        LINES.flush(AT_THE_END)
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        LINES.flush(AT_THE_END);
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
        process.args(["--ignored", "--exact", "log::tests::a_panic_in_a_process_of_its_own"]);
        let log = String::from_utf8(process.output().unwrap().stderr).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.iter().filter(|line| line.contains("aquifer: a line number=")).count(), 100, "{log}");
        assert!(lines[99].ends_with("a line number=99"), "{log}");
        assert!(lines[100].contains("a panic: a mistake of this program"), "{log}");
        assert!(lines[100].contains("src/log.rs:"), "{log}");
        assert!(!log.contains("the message"), "{log}");
    }
}
