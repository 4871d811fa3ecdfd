//! `aquifer models`: what is known of each model, as a table, of one model in full, or as JSON.

mod encoders;
mod gather;
mod one;
mod table;
mod words;

use crate::cli::Models;
use crate::process::config_files::ConfigFiles;
use crate::process::stdout::say;
use anyhow::bail;
use aquifer_aws::Environment;
use aquifer_gateway::config::Config;
use aquifer_gateway::translate::catalogue::encoder;
use gather::{Found, Shown, all, named};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Prints what is known of each model, or of one.
pub(super) fn run(arguments: &Models) -> anyhow::Result<ExitCode> {
    let config = arguments.config.as_deref().map(read).transpose()?.unwrap_or_default();
    if let Some((id, encoder)) = arguments.id.as_deref().and_then(|id| Some((id, encoder(id)?))) {
        match arguments.json {
            true => say(&serde_json::to_string_pretty(&[encoders::as_json(id, encoder)?])?)?,
            false => say(&encoders::described(id, encoder))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows = match &arguments.id {
        Some(id) => named(&config, id),
        None => all(&config),
    };
    if arguments.json && arguments.id.is_none() {
        say(&serde_json::to_string_pretty(&all_as_json(&config)?)?)?;
    } else if arguments.json {
        let rows = rows.iter().map(as_json).collect::<anyhow::Result<Vec<_>>>()?;
        say(&serde_json::to_string_pretty(&rows)?)?;
    } else if arguments.id.is_some() {
        let rows: Vec<String> = rows.iter().map(one::described).collect();
        say(&rows.join("\n\n"))?;
    } else {
        say(&table::table(&rows))?;
        say("")?;
        say(&encoders::table())?;
        say("\nNote \"unproven\": sources conflict, or none tells. All that is known of one: aquifer models ID")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every row as JSON, of models that answer and of those that embed or rank, with what a configuration knows better.
///
/// # Errors
/// A row cannot be told as JSON.
pub(crate) fn all_as_json(config: &Config) -> anyhow::Result<Vec<Value>> {
    let mut rows = all(config).iter().map(as_json).collect::<anyhow::Result<Vec<_>>>()?;
    rows.extend(encoders::all_as_json().collect::<anyhow::Result<Vec<_>>>()?);
    Ok(rows)
}

fn read(path: &Path) -> anyhow::Result<Config> {
    let settings = ConfigFiles { path: path.to_owned(), environment: Environment::read() };
    match settings.load().1? {
        Ok(config) => Ok(config),
        Err(mistakes) => {
            let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            bail!("the configuration is wrong:\n{}", lines.join("\n"))
        }
    }
}

/// The row in the form that a policy's `models[].row` takes, beside how it was found.
fn as_json(shown: &Shown) -> anyhow::Result<Value> {
    let (found, at): (&str, &[String]) = match &shown.found {
        Found::Row => ("row", &[]),
        Found::Like => ("like", &[]),
        Found::Nothing => ("nothing", &[]),
        Found::Overridden(places) => ("overridden", places),
        Found::Declared(places) => ("declared", places),
    };
    let Value::Object(mut row) = serde_json::to_value(&shown.entry)? else { bail!("a row is no object") };
    let (id, also) = (row.remove("id"), row.remove("also"));
    Ok(json!({ "model": shown.model, "found": found, "at": at, "id": id, "also": also, "row": row }))
}
