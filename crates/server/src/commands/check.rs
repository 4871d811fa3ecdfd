//! `aquifer check`: every mistake of a configuration, with its place.

use super::say;
use crate::cli::Check;
use crate::environment::Environment;
use crate::settings::Settings;
use aquifer_gateway::config::Config;
use std::process::ExitCode;

/// Prints the mistakes, or what the configuration amounts to.
pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let settings = Settings { path: arguments.path.clone(), environment: Environment::read() };
    let (_, loaded) = settings.load();
    match loaded? {
        Err(mistakes) => {
            for mistake in &mistakes {
                say(&mistake.to_string())?;
            }
            let many = if mistakes.len() == 1 { "" } else { "s" };
            say(&format!("{} mistake{many} in {}", mistakes.len(), arguments.path.display()))?;
            Ok(ExitCode::FAILURE)
        }
        Ok(config) => {
            for notice in &config.notices {
                say(&format!("note: {notice}"))?;
            }
            say(&format!("OK: {}", summary(&config)))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What a configuration amounts to, in a few words.
pub(super) fn summary(config: &Config) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}",
        count(config.backends.len(), "backend"),
        count(config.routes.len(), "route"),
        count(config.listeners.len(), "listener")
    )
}
