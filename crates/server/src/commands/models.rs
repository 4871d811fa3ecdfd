//! `aquifer models`: the catalogue, as a table or as JSON.

use super::say;
use crate::cli::Models;
use std::process::ExitCode;

/// Prints what is known of each model.
pub(super) fn run(arguments: &Models) -> anyhow::Result<ExitCode> {
    say(if arguments.json { "[]" } else { "MODEL" })?;
    Ok(ExitCode::SUCCESS)
}
