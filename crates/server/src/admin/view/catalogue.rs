//! The models that are known, as `aquifer models --json` prints them.

use crate::commands::models;
use crate::host::Host;
use serde_json::{Value, json};

/// The models, for the configuration in force.
///
/// # Errors
/// A row cannot be told as JSON.
pub(in crate::admin) fn catalogue(host: &Host) -> anyhow::Result<Value> {
    Ok(json!({ "models": models::all_as_json(&host.serving().config)? }))
}
