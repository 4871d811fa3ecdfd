//! The tools that are offered, the choice among them, and the form of the answer.

use super::terms::Notices;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::{Format, Request, Tool, ToolChoice};
use crate::model::text::Text;
use crate::model::wrapped::MEMBER;
use std::borrow::Cow;

/// The schema of a tool without arguments.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// Writes `tools`, `tool_choice` and `parallel_tool_calls`.
pub(super) fn write(json: &mut Json, request: &Request<'_>, notices: &mut Notices) {
    for tool in &request.vendor_tools {
        notices.dropped(tool.field.clone(), "a tool in a vendor's own words is known to that vendor's models alone");
    }
    if request.tools.is_empty() {
        return;
    }
    json.name("tools").list(|json| request.tools.iter().for_each(|offered| tool(json, offered)));
    if request.tools.iter().any(|tool| tool.cache_point.is_some()) {
        notices.dropped(FieldRef::ToolCachePoints, "the backend caches by itself");
    }
    match &request.tool_choice {
        ToolChoice::Unset => {}
        ToolChoice::Auto => json.name("tool_choice").word("auto"),
        ToolChoice::Required => json.name("tool_choice").word("required"),
        ToolChoice::None => json.name("tool_choice").word("none"),
        ToolChoice::Named(name) => json.member("tool_choice", |json| {
            json.name("type").word("function");
            json.member("function", |json| json.name("name").text(&Text::from_plain(name.as_ref())));
        }),
    }
    if let Some(parallel) = request.parallel_tools {
        json.name("parallel_tool_calls").verbatim(if parallel { "true" } else { "false" });
    }
}

fn tool(json: &mut Json, tool: &Tool<'_>) {
    json.object(|json| {
        json.name("type").word("function");
        json.member("function", |json| {
            json.name("name").text(&Text::from_plain(tool.name.as_ref()));
            if let Some(description) = &tool.description {
                json.name("description").text(description);
            }
            json.name("parameters").verbatim(&schema(tool));
            if tool.strict == Some(true) {
                json.name("strict").verbatim("true");
            }
        });
    });
}

/// The schema of a tool's arguments, which are an object.
fn schema<'t>(tool: &'t Tool<'_>) -> Cow<'t, str> {
    let Some(schema) = &tool.schema else { return Cow::Borrowed(NOTHING) };
    let schema = schema.as_json();
    if tool.wrapped {
        let inside = format!(r#"{{"type":"object","properties":{{"{MEMBER}":{schema}}},"required":["{MEMBER}"]}}"#);
        return Cow::Owned(inside);
    }
    Cow::Borrowed(schema)
}

/// Writes `response_format`.
pub(super) fn format(json: &mut Json, request: &Request<'_>) {
    match &request.format {
        Format::Text => {}
        Format::Json => json.member("response_format", |json| json.name("type").word("json_object")),
        Format::Schema { name, description, schema, strict } => json.member("response_format", |json| {
            json.name("type").word("json_schema");
            json.member("json_schema", |json| {
                json.name("name").word(if name.is_empty() { "answer" } else { name.as_escaped() });
                if let Some(description) = description {
                    json.name("description").text(description);
                }
                json.name("schema").raw(schema);
                if *strict {
                    json.name("strict").verbatim("true");
                }
            });
        }),
    }
}
