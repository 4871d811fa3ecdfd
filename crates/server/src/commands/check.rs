//! `aquifer check`: every mistake of a configuration, with its place.

use crate::cli::Check;
use crate::process::config_files::ConfigFiles;
use crate::process::stdout::say;
use anyhow::Context as _;
use aquifer_aws::Environment;
use aquifer_gateway::config::{Config, Severity, json_schema, kinds};
use std::path::Path;
use std::process::ExitCode;

/// Prints the mistakes of a configuration, or a summary of it; or the JSON schema of a kind of resource.
pub(super) fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    match (&arguments.schema, &arguments.path) {
        (Some(kind), _) => schema(kind.as_deref()),
        (None, path) => check(path.as_deref().context("PATH is missing")?, arguments.strict),
    }
}

/// Prints the JSON schema of a kind of resource, or one of all kinds.
fn schema(kind: Option<&str>) -> anyhow::Result<ExitCode> {
    let found = json_schema(kind);
    let found =
        found.with_context(|| format!("no resource of this kind is read; the kinds are {}", kinds().join(", ")))?;
    say(&serde_json::to_string_pretty(&found)?)?;
    Ok(ExitCode::SUCCESS)
}

fn check(path: &Path, strict: bool) -> anyhow::Result<ExitCode> {
    let settings = ConfigFiles { path: path.to_owned(), environment: Environment::read() };
    let (_, loaded) = settings.load();
    match loaded? {
        Err(mistakes) => {
            for mistake in &mistakes {
                say(&mistake.to_string())?;
            }
            let many = if mistakes.len() == 1 { "" } else { "s" };
            say(&format!("{} mistake{many} in {}", mistakes.len(), path.display()))?;
            Ok(ExitCode::FAILURE)
        }
        Ok(config) => {
            for notice in &config.notices {
                let label = match notice.severity {
                    Severity::Note => "note",
                    Severity::Problem => "problem",
                };
                say(&format!("{label}: {notice}"))?;
            }
            let problems = problems(&config);
            let told = match problems {
                0 => String::new(),
                1 => ", 1 problem".to_owned(),
                many => format!(", {many} problems"),
            };
            if strict && problems > 0 {
                say(&format!("not accepted because of --strict: {}{told}", summary(&config)))?;
                return Ok(ExitCode::FAILURE);
            }
            say(&format!("OK: {}{told}", summary(&config)))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// How much of a configuration is valid and will not be served.
fn problems(config: &Config) -> usize {
    config.notices.iter().filter(|notice| notice.severity == Severity::Problem).count()
}

/// A summary of a configuration: its counts of backends, routes and listeners.
pub(super) fn summary(config: &Config) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}",
        count(config.backends.len(), "backend"),
        count(config.routes.len(), "route"),
        count(config.listeners.len(), "listener")
    )
}
