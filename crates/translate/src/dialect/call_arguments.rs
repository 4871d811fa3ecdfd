//! The arguments of calls that come back with a history of OpenAI's, as the objects that Bedrock wants.

use super::json::Node;
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::arguments::{self, Fate};
use crate::model::raw::Raw;
use crate::model::wrapped::wrap;

/// The warning for arguments that are sent as text.
const KEPT: &str = "it holds no JSON object, which Bedrock wants; its text is sent as the one member of an object";

/// Arguments come as a string of JSON; the JSON goes on as the model wrote it. Some clients send the object itself.
pub(super) fn input<'a>(arguments: &Node<'a, '_>, notes: &mut Notes) -> Result<Raw<'a>, Fault> {
    if arguments.is_object() {
        notes.changed(arguments, "it should be a string that holds the object; the object is sent");
        return arguments.raw_object();
    }
    if !arguments.is_string() {
        notes.changed(arguments, KEPT);
        return Ok(arguments::kept(arguments.raw()));
    }
    let (input, fate) = arguments::read(arguments.string()?);
    match fate {
        Fate::Same => {}
        Fate::Mended => notes.changed(arguments, "it is no JSON object as it stands; the one that is meant is sent"),
        Fate::Kept => notes.changed(arguments, KEPT),
    }
    Ok(input)
}

/// The arguments of a tool that has no object for them: whatever JSON they are goes into the object that is sent.
pub(super) fn wrapped<'a>(arguments: &Node<'a, '_>, notes: &mut Notes) -> Result<Raw<'a>, Fault> {
    if !arguments.is_string() {
        notes.changed(arguments, "it should be a string that holds the arguments; they are sent");
        return Ok(wrap(arguments.raw()));
    }
    let said = arguments.string()?;
    if said.trim().is_empty() {
        return Ok(Raw::EMPTY);
    }
    if arguments::is_json(&said) {
        return Ok(wrap(&said));
    }
    notes.changed(arguments, "it holds no JSON; its text is sent as the one member of an object");
    Ok(arguments::kept(&said))
}
