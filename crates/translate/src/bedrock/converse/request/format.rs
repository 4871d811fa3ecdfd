//! The form of the answer: Converse's own structured output where the model has it, else an instruction.

use super::draft::Draft;
use super::notes::Notes;
use super::schema;
use crate::catalogue::Entry;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::{Format, Request};
use crate::model::text::Text;
use std::borrow::Cow;

/// Adds an instruction to the system's text, for models that know no other way.
pub(super) fn instruct(
    request: &Request<'_>,
    entry: &Entry,
    enforced: bool,
    draft: &mut Draft<'_, '_>,
    notes: &mut Notes,
) {
    let instruction = match &request.format {
        Format::Text => return,
        Format::Schema { .. } if enforced => return,
        Format::Json => "Answer with one JSON object and nothing else: no prose, no code fence.".to_owned(),
        Format::Schema { schema, .. } => {
            // A refusal by a model that does is told where it is amended.
            if !entry.structured_output {
                let why = format!("{} does not enforce schemas; it is asked in words to keep to this one", entry.name);
                notes.changed(FieldRef::StructuredFormat, why);
            }
            let schema = schema.as_json();
            format!(
                "Answer with one JSON object and nothing else: no prose, no code fence. It must be valid against this JSON \
                 Schema:\n{schema}"
            )
        }
    };
    draft.instruct(Some(instruction));
}

/// The schema that is sent, as the model's grammar takes it.
pub(super) fn fit<'r>(request: &'r Request<'_>, enforced: bool, notes: &mut Notes) -> Option<Cow<'r, str>> {
    let Format::Schema { schema, .. } = &request.format else { return None };
    let fitted = enforced.then(|| schema::of_answer(schema.as_json()))?;
    for why in fitted.told {
        notes.changed(FieldRef::Schema, why);
    }
    Some(fitted.json)
}

/// Writes `outputConfig`, when there is anything to say.
pub(super) fn write(request: &Request<'_>, schema: Option<&str>, json: &mut Json) {
    let (Format::Schema { name, description, .. }, Some(schema)) = (&request.format, schema) else { return };
    json.member("outputConfig", |json| {
        json.member("textFormat", |json| {
            json.name("type").word("json_schema");
            json.member("structure", |json| {
                json.member("jsonSchema", |json| {
                    // Converse takes it as JSON inside a string.
                    json.name("schema").text(&Text::from_plain(schema));
                    json.name("name").text(name);
                    if let Some(description) = description {
                        json.name("description").text(description);
                    }
                });
            });
        });
    });
}

/// The fingerprint of the JSON Schema that is sent for the answer.
pub(super) fn fingerprint(request: &Request<'_>, enforced: bool) -> Option<u64> {
    match &request.format {
        Format::Schema { schema, .. } if enforced => Some(schema.fingerprint()),
        Format::Text | Format::Json | Format::Schema { .. } => None,
    }
}
