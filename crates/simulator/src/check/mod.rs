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
        claude::betas(body)?;
        claude::check(model, body)?;
    } else {
        switches::check(model, body)?;
    }
    history::check(model, body)
}

/// The rules of Claude that know no difference between Converse and InvokeModel, for a request of InvokeModel that was
/// put into the words of Converse: the same refusals, without what Converse puts before them.
pub(crate) fn check_invoked<'b>(model: &Model, body: &'b Value) -> Result<Cow<'b, Value>, Refused> {
    rules_of_claude(model, body).map_err(unwrapped)
}

fn rules_of_claude<'b>(model: &Model, body: &'b Value) -> Result<Cow<'b, Value>, Refused> {
    media::check(model.family, body)?;
    settings::check(model.family, body)?;
    tools::check(model.family, body, false)?;
    calls::check(model.family, body)?;
    claude::check(model, body)?;
    history::check(model, body)
}

/// What Converse puts before the refusals of the model's provider.
const TOLD: &str = "The model returned the following errors: ";

/// What the model's own provider refuses, as Converse tells it.
pub(crate) fn provider(message: impl std::fmt::Display) -> Refused {
    Refused::invalid(format!("{TOLD}{message}"))
}

/// The same refusal as InvokeModel tells it: in the provider's words alone.
pub(crate) fn unwrapped(refused: Refused) -> Refused {
    let message = refused.message.strip_prefix(TOLD).unwrap_or(&refused.message).to_owned();
    Refused { message, ..refused }
}

/// A field that this model has not got.
fn no_field(field: &str) -> Refused {
    Refused::invalid(format!("This model doesn't support the {field} field. Remove {field} and try again."))
}
