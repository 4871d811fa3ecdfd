//! What real Bedrock refuses, refused in its words.

mod calls;
mod claude;
mod history;
mod media;
mod settings;
mod shape;
mod switches;
mod tools;

use crate::families::Model;
use crate::refused::Refused;
use serde_json::Value;
use std::borrow::Cow;

pub(crate) use history::invalid_signature;
pub(crate) use switches::unsupported_level;

/// Says no, or gives the request as the model sees it: without the thoughts that it was asked to drop.
pub(crate) fn check<'b>(model: &Model, body: &'b Value, streamed: bool) -> Result<Cow<'b, Value>, Refused> {
    shape::check(body)?;
    media::check(model.family, body)?;
    settings::check(model.family, body)?;
    tools::check(model.family, body, streamed)?;
    calls::check(model.family, body)?;
    if model.family.is_claude() {
        claude::check(model, body)?;
    } else {
        switches::check(model, body)?;
    }
    history::check(model, body)
}

/// What the model's own provider refuses.
pub(crate) fn provider(message: impl std::fmt::Display) -> Refused {
    Refused::invalid(format!("The model returned the following errors: {message}"))
}

/// A field that this model has not got.
fn no_field(field: &str) -> Refused {
    Refused::invalid(format!("This model doesn't support the {field} field. Remove {field} and try again."))
}
