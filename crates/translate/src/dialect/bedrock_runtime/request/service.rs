//! The members for the service around the model: guardrail, metadata, tier, latency, the form of the answer.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::raw::Raw;
use crate::model::request::{Format, Request};
use crate::model::text::Text;
use serde::de::IgnoredAny;

/// Reads these members into the request.
pub(super) fn read<'a>(top: &Object<'a, '_>, request: &mut Request<'a>, notes: &mut Notes) -> Result<(), Fault> {
    if let Some(node) = top.get("promptVariables") {
        return Err(node.unsupported("fills a prompt that is kept at Bedrock, and another service answers here"));
    }
    if let Some(node) = top.get("additionalModelResponseFieldPaths") {
        notes.dropped(&node, "the backend's own answer has no such fields");
    }
    request.guardrail = top.get("guardrailConfig").map(|node| node.raw_object()).transpose()?;
    request.format = format(top, notes)?;
    if let Some(node) = top.get("performanceConfig") {
        let config = node.object()?;
        notes.unknown(&config, &["latency"]);
        request.latency_optimized = config.get("latency").is_some_and(|word| word.raw() == r#""optimized""#);
    }
    if let Some(node) = top.get("serviceTier") {
        let tier = node.object()?;
        notes.unknown(&tier, &["type"]);
        let kind = tier.need("type")?;
        request.service_tier = Some(match kind.string()?.as_ref() {
            "default" => "default",
            "flex" => "flex",
            "priority" => "priority",
            "reserved" => "reserved",
            _ => return Err(kind.invalid("must be `default`, `flex`, `priority` or `reserved`")),
        });
    }
    if let Some(node) = top.get("requestMetadata") {
        let pairs = node.object()?;
        limits::at_most("requestMetadata", pairs.len(), notes.limits.members, "members", "--max-members")?;
        for (name, value) in pairs.once() {
            request.metadata.push((name, value.string()?));
        }
    }
    Ok(())
}

/// `outputConfig`: a schema, as JSON inside a string.
fn format<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Format<'a>, Fault> {
    let Some(node) = top.get("outputConfig") else { return Ok(Format::Text) };
    let config = node.object()?;
    notes.unknown(&config, &["textFormat"]);
    let Some(node) = config.get("textFormat") else { return Ok(Format::Text) };
    let form = node.object()?;
    notes.unknown(&form, &["type", "structure"]);
    let kind = form.need("type")?;
    if kind.string()? != "json_schema" {
        return Err(kind.invalid("must be `json_schema`"));
    }
    let structure = form.need("structure")?.object()?;
    notes.unknown(&structure, &["jsonSchema"]);
    let held = structure.need("jsonSchema")?.object()?;
    notes.unknown(&held, &["schema", "name", "description"]);
    let node = held.need("schema")?;
    let schema = node.string()?;
    if !schema.trim_start().starts_with('{') || serde_json::from_str::<IgnoredAny>(&schema).is_err() {
        return Err(node.invalid("must be a JSON Schema as a string"));
    }
    let name = held.get("name").map(|node| node.text()).transpose()?;
    Ok(Format::Schema {
        name: name.unwrap_or_else(|| Text::from_plain("answer")),
        description: held.get("description").map(|node| node.text()).transpose()?,
        schema: Raw::from_json(schema),
        strict: true,
    })
}
