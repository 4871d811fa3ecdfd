//! The form of the answer: Converse's own structured output where the model has it, else an instruction.

use super::draft::Draft;
use super::json::Json;
use super::notes::Notes;
use crate::catalogue::Entry;
use crate::model::raw::Raw;
use crate::model::request::{Format, Request};
use crate::model::text::Text;

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
                notes.changed("response_format.json_schema", why);
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

/// Writes `outputConfig`, when there is anything to say.
pub(super) fn write(request: &Request<'_>, enforced: bool, json: &mut Json) {
    let Format::Schema { name, description, schema, .. } = &request.format else { return };
    if !enforced {
        return;
    }
    json.member("outputConfig", |json| {
        json.member("textFormat", |json| {
            json.name("type").word("json_schema");
            json.member("structure", |json| {
                json.member("jsonSchema", |json| {
                    json.name("schema").text(&in_a_string(schema));
                    json.name("name").text(name);
                    if let Some(description) = description {
                        json.name("description").text(description);
                    }
                });
            });
        });
    });
}

/// What stands for the schema that is sent.
pub(super) fn fingerprint(request: &Request<'_>, enforced: bool) -> Option<u64> {
    match &request.format {
        Format::Schema { schema, .. } if enforced => Some(schema.fingerprint()),
        _ => None,
    }
}

/// Converse takes the schema as JSON inside a string.
fn in_a_string<'s>(schema: &'s Raw<'_>) -> Text<'s> {
    Text::from_plain(schema.as_json())
}
