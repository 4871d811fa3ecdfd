//! The level of the log, changed for a while: it falls back by itself.

use crate::process::clock;
use aquifer_gateway::config::LogLevel;
use aquifer_telemetry::log::LogControl;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time for which a level holds unless it is said, in seconds.
const USUAL: u64 = 600;
/// The longest time, in seconds.
const LONGEST: u64 = 24 * 3600;

/// Changes the level of the log for a while.
pub(super) struct LogLevelSwitch {
    control: Arc<LogControl>,
    /// When the level falls back, in milliseconds since 1970; 0: it lasts.
    until: Arc<AtomicU64>,
}

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    level: String,
    for_s: Option<u64>,
}

impl LogLevelSwitch {
    /// A switch over the log.
    pub(super) fn new(control: Arc<LogControl>) -> Self {
        Self { control, until: Arc::default() }
    }

    /// The level, and until when it holds.
    pub(super) fn state(&self) -> Value {
        let until = Some(self.until.load(Ordering::Relaxed)).filter(|until| *until > 0);
        json!({ "level": self.control.level().word(), "until_unix_ms": until })
    }

    /// Changes the level, and has it fall back in time.
    ///
    /// # Errors
    /// What is wrong with the body, in words.
    pub(super) fn change(&self, body: &[u8]) -> Result<(), String> {
        let asked: Asked = serde_json::from_slice(body).map_err(|_| {
            "expected {\"level\": \"debug\", \"for_s\": 600}, of which for_s may be left out".to_owned()
        })?;
        let level = match LogLevel::named(&asked.level) {
            Some(LogLevel::Trace) => {
                return Err(
                    "the level trace writes what clients and models say: it can be chosen with --log-level only"
                        .to_owned(),
                );
            }
            Some(level) => level,
            None => return Err("a level is `error`, `warn`, `info` or `debug`".to_owned()),
        };
        let seconds = asked.for_s.unwrap_or(USUAL);
        if !(1..=LONGEST).contains(&seconds) {
            return Err(format!("for_s is a number of seconds from 1 to {LONGEST}"));
        }
        let number = self.control.set_temporarily(level);
        self.until.store(clock::unix_ms() + seconds * 1000, Ordering::Relaxed);
        tracing::warn!(level = level.word(), seconds, "the log's level is changed for a while, by the admin API");
        let (control, until) = (Arc::clone(&self.control), Arc::clone(&self.until));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if control.fall_back(number) {
                until.store(0, Ordering::Relaxed);
                tracing::warn!(level = control.level().word(), "the log's level has fallen back");
            }
        });
        Ok(())
    }
}
