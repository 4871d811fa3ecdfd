//! InvokeModel for Claude: Anthropic's own request is checked, read in the words of Converse, and answered in its own.

mod answer;
mod betas;
mod blocks;
mod caching;
mod order;
mod reading;
mod shape;
mod tools;
mod turns;

use crate::check::check_invoked;
use crate::families::Model;
use crate::refused::Refused;
use serde_json::{Map, Value};
use std::borrow::Cow;

pub(crate) use answer::{events, safeguards, whole};

/// Checks a request body of InvokeModel, and gives what the model sees of it in the words of Converse: block for block, so
/// that one rule serves both bodies and an error names the same place.
pub(crate) fn read(model: &Model, body: &Value) -> Result<Value, Refused> {
    if !model.family.is_claude() {
        return Err(Refused::invalid("Only the models of Anthropic are simulated behind InvokeModel."));
    }
    shape::check(model.family, body)?;
    betas::check(model.family, body)?;
    tools::check(model.family, body)?;
    turns::check(model.family, body)?;
    caching::check(model.family, body)?;
    order::check(body)?;
    check_invoked(model, &reading::of(body)).map(Cow::into_owned)
}

/// A member that is not there.
fn required(place: &str) -> Refused {
    Refused::invalid(format!("{place}: Field required"))
}

/// The refusal of the first member of an object that is none of these.
fn only(place: &str, object: &Value, members: &[&str]) -> Result<(), Refused> {
    let mut given = object.as_object().into_iter().flat_map(Map::keys);
    match given.find(|name| !members.contains(&name.as_str())) {
        Some(extra) => Err(extraneous(&format!("{place}.{extra}"))),
        None => Ok(()),
    }
}

/// A member that there should not be.
fn extraneous(place: &str) -> Refused {
    Refused::invalid(format!("{place}: Extra inputs are not permitted"))
}

/// A `type` that is none of those that may stand there.
fn mismatch(place: &str, tag: &str, tags: &[&str]) -> Refused {
    let tags: Vec<_> = tags.iter().map(|tag| format!("'{tag}'")).collect();
    let tags = tags.join(", ");
    Refused::invalid(format!(
        "{place}: Input tag '{tag}' found using 'type' does not match any of the expected tags: {tags}"
    ))
}

/// The `type` of an object.
fn tag<'b>(place: &str, object: &'b Value) -> Result<&'b str, Refused> {
    object["type"]
        .as_str()
        .ok_or_else(|| Refused::invalid(format!("{place}: Unable to extract tag using discriminator 'type'")))
}
