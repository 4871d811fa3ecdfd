//! Tools and the schemas of their arguments, as far as a family refuses them.

use super::provider;
use crate::families::{Family, Rule};
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;

pub(super) fn check(family: &Family, body: &Value, streamed: bool) -> Result<(), Refused> {
    let tools = talk::tools(body);
    if tools.is_empty() {
        return Ok(());
    }
    if family.has(Rule::NoTools) {
        return Err(Refused::invalid("This model doesn't support tool use."));
    }
    if streamed && family.has(Rule::NoToolsInStreams) {
        return Err(Refused::invalid("This model doesn't support tool use in streaming mode."));
    }
    for (at, tool) in tools.iter().enumerate() {
        schema(family, at, &tool["inputSchema"]["json"])?;
    }
    let points = body["toolConfig"]["tools"].as_array().into_iter().flatten();
    if family.has(Rule::NoCachePointsInTools)
        && let Some(at) = points.into_iter().position(|tool| !tool["cachePoint"].is_null())
    {
        return Err(extraneous(&format!("/toolConfig/tools/{at}"), "cachePoint"));
    }
    let hyphen = |tool: &&Value| tool["name"].as_str().is_some_and(|name| name.contains('-'));
    if family.has(Rule::NoHyphensInTools) && tools.iter().any(hyphen) {
        return Err(Refused::new(
            424,
            "ModelErrorException",
            "Model produced invalid sequence as part of ToolUse. Please refer to the model tool use troubleshooting guide.",
        ));
    }
    Ok(())
}

fn extraneous(place: &str, key: &str) -> Refused {
    Refused::invalid(format!(
        "Malformed input request: #{place}: extraneous key [{key}] is not permitted, please reformat your input and try again."
    ))
}

fn schema(family: &Family, at: usize, schema: &Value) -> Result<(), Refused> {
    if schema["type"] != "object" {
        return Err(Refused::invalid(format!(
            "The value at toolConfig.tools.{at}.toolSpec.inputSchema.json.type must be one of the following: object."
        )));
    }
    if ["anyOf", "oneOf", "allOf"].iter().any(|choice| !schema[*choice].is_null()) {
        return Err(provider(format!(
            "tools.{at}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
        )));
    }
    if has_null(schema) {
        return Err(provider(format!(
            "tools.{at}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12"
        )));
    }
    if !family.has(Rule::PlainSchemas) {
        return Ok(());
    }
    let place = format!("/toolConfig/tools/{at}/toolSpec/inputSchema/json");
    let mut names = schema.as_object().into_iter().flat_map(|members| members.keys());
    if let Some(extra) = names.find(|name| !matches!(name.as_str(), "type" | "properties" | "required")) {
        return Err(extraneous(&place, extra));
    }
    if refers(schema) { Err(extraneous(&place, "$ref")) } else { Ok(()) }
}

/// Whether some keyword of a schema is null, where it is no value that fits.
fn has_null(schema: &Value) -> bool {
    let inside = |(name, value): (&String, &Value)| match name.as_str() {
        "const" | "enum" | "default" | "examples" => false,
        "properties" | "$defs" | "definitions" => {
            value.as_object().is_none_or(|schemas| schemas.values().any(|inner| inner.is_null() || has_null(inner)))
        }
        "items" | "anyOf" | "oneOf" | "allOf" => {
            value.is_null() || has_null(value) || value.as_array().into_iter().flatten().any(has_null)
        }
        _ => value.is_null(),
    };
    schema.as_object().is_some_and(|members| members.iter().any(inside))
}

fn refers(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.get("$ref").is_some_and(Value::is_string) || members.values().any(refers),
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}
