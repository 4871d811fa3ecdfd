//! The form that the answer must have.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Format;

/// Reads `response_format`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Format<'a>, Fault> {
    let Some(node) = top.get("response_format") else { return Ok(Format::Text) };
    let object = node.object()?;
    notes.unknown(&object, &["type", "json_schema"]);
    let kind = object.need("type")?;
    match kind.string()?.as_ref() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => schema(&object.need("json_schema")?.object()?, notes),
        _ => Err(kind.invalid("must be `text`, `json_object` or `json_schema`")),
    }
}

fn schema<'a>(object: &Object<'a, '_>, notes: &mut Notes) -> Result<Format<'a>, Fault> {
    notes.unknown(object, &["name", "description", "schema", "strict"]);
    let name = object.need("name")?;
    name.filled_string()?;
    let description = object.get("description").map(|text| text.text()).transpose()?;
    Ok(Format::Schema {
        name: name.text()?,
        description: description.filter(|description| !description.is_blank()),
        schema: object.need("schema")?.raw_object()?,
        strict: object.get("strict").map(|strict| strict.boolean()).transpose()?.unwrap_or_default(),
    })
}
