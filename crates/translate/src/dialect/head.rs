//! The members of a request that decide where it goes, in any dialect: its model, and whether a stream is wanted.

use super::Head;
use super::json::Object;
use crate::fault::Fault;
use crate::limits::{self, Limits};
use std::borrow::Cow;

/// Reads both.
///
/// # Errors
///
/// A model that is none or too long, a `stream` that is no boolean.
pub(super) fn read<'a>(top: &Object<'a, '_>, limits: &Limits) -> Result<Head<'a>, Fault> {
    let stream = top.get("stream").map(|node| node.boolean()).transpose()?.unwrap_or_default();
    Ok(Head { model: model(top, limits)?, stream })
}

/// Reads the name of the model.
///
/// # Errors
///
/// There is none, it is no string with something in it, or it is too long.
pub(super) fn model<'a>(top: &Object<'a, '_>, limits: &Limits) -> Result<Cow<'a, str>, Fault> {
    let node = top.need("model")?;
    limits::at_most("model", node.escaped()?.len(), limits.model_bytes, "bytes", "--max-model-bytes")?;
    node.filled_string()
}
