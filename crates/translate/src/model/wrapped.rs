//! Tools whose arguments are no object for the client: Bedrock takes objects only, so they stand in one as its only member.

use super::raw::Raw;
use crate::wire::json::{Document, Noting};
use serde_json::Value;

/// The name of the only member.
pub const MEMBER: &str = "value";
/// The most references and choices that are followed from the top of a schema.
const MOST_LOOKS: usize = 64;
/// The members that only schemas of objects have.
const OF_OBJECTS: [&str; 5] = ["properties", "required", "patternProperties", "minProperties", "maxProperties"];
/// The members that only schemas of lists have.
const OF_LISTS: [&str; 4] = ["items", "prefixItems", "minItems", "maxItems"];

/// The word of JSON Schema that is meant by one of a `type`, and `any` for what has none: clients write them as other
/// languages do.
#[must_use]
pub fn type_meant(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "object" | "dict" => "object",
        "array" | "list" | "tuple" => "array",
        "string" | "str" => "string",
        "integer" | "int" => "integer",
        "number" | "float" | "double" => "number",
        "boolean" | "bool" => "boolean",
        "null" | "none" => "null",
        "any" => "any",
        _ => return None,
    })
}

/// Whether a schema must be wrapped in an object: it takes, at its top, something that is neither an object nor `null`;
/// or `null` alone.
#[must_use]
pub fn is_wrapped(schema: &str) -> bool {
    // As nearly every schema begins, or says behind other members.
    let usual = [r#"{"type":"object""#, r#"{"type": "object""#];
    if usual.iter().any(|usual| schema.starts_with(usual)) {
        return false;
    }
    let outline = Document::read_noting(schema, &Noting::down_to(2)).ok();
    let kind = outline.as_ref().and_then(|outline| outline.top().member("type")?.plain());
    if kind.is_some_and(|kind| kind == "object") {
        return false;
    }
    let Ok(root) = serde_json::from_str::<Value>(schema) else { return false };
    root.get("type").and_then(Value::as_str).and_then(type_meant) == Some("null") || takes_another(&root, &root, &mut 0)
}

fn takes_another(schema: &Value, root: &Value, looks: &mut usize) -> bool {
    let meant = |kind: &Value| kind.as_str().and_then(type_meant);
    let another = |kind: &Value| !matches!(meant(kind), None | Some("object" | "null" | "any"));
    match &schema["type"] {
        Value::Array(kinds) => return kinds.iter().any(another),
        kind if meant(kind).is_some_and(|kind| kind != "any") => return another(kind),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
    }
    let says = |names: &[&str]| names.iter().any(|name| schema.get(name).is_some_and(|value| !value.is_null()));
    if says(&OF_OBJECTS) {
        return false;
    }
    let values = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    if says(&OF_LISTS) || values.into_iter().any(|value| !value.is_object() && !value.is_null()) {
        return true;
    }
    *looks += 1;
    if *looks > MOST_LOOKS {
        return false;
    }
    let named = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')).and_then(|path| root.pointer(path));
    let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|choice| schema[choice].as_array()).flatten();
    named.into_iter().chain(choices).any(|schema| takes_another(schema, root, looks))
}

/// One value as the object that is sent.
#[must_use]
pub fn wrap(json: &str) -> Raw<'static> {
    Raw::from_json(format!(r#"{{"{MEMBER}":{}}}"#, json.trim()))
}

/// Takes the arguments out of the object that they were wrapped in. Others stay as they are; of an object that was cut,
/// the rest of the value is given.
#[must_use]
pub fn unwrap(json: &str) -> &str {
    let Ok(document) = Document::read_noting(json, &Noting::down_to(2)) else { return begun(json).unwrap_or(json) };
    let mut members = document.top().members();
    match (members.next(), members.next()) {
        (Some((name, value)), None) if name.plain().as_deref() == Some(MEMBER) => value.raw(),
        _ => json,
    }
}

/// The value in an object without an end.
fn begun(json: &str) -> Option<&str> {
    let name = json.trim_start().strip_prefix('{')?.trim_start().strip_prefix('"')?.strip_prefix(MEMBER)?;
    Some(name.strip_prefix('"')?.trim_start().strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_only_objects_is_not_wrapped() {
        for schema in [
            "{}",
            "true",
            r#"{"type":"object"}"#,
            r#"{"properties":{"type":{"type":"string"}},"type":"object"}"#,
            r#"{"type":["object","null"]}"#,
            r#"{"type":null,"properties":{}}"#,
            r#"{"required":["a"]}"#,
            r#"{"type":"object","anyOf":[{"type":"string"}]}"#,
            r#"{"anyOf":[{"type":"object"},{"type":"null"}]}"#,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}}"##,
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}"##,
            r#"{"enum":[{"a":1}]}"#,
            r#"{"description":"Anything."}"#,
            r#"{"type":"OBJECT"}"#,
            r#"{"type":"dict"}"#,
            r#"{"type":"any"}"#,
        ] {
            assert!(!is_wrapped(schema), "{schema}");
        }
    }

    #[test]
    fn what_takes_something_else_is() {
        for schema in [
            r#"{"type":"array","items":{"type":"object"}}"#,
            r#"{"type":"string"}"#,
            r#"{"type":"null"}"#,
            r#"{"type":"ARRAY"}"#,
            r#"{"type":"list"}"#,
            r#"{"type":["string","null"]}"#,
            r#"{"type":["object","array"]}"#,
            r#"{"items":{"type":"string"}}"#,
            r#"{"enum":["a","b"]}"#,
            r#"{"const":3}"#,
            r#"{"anyOf":[{"type":"object"},{"type":"string"}]}"#,
            r#"{"allOf":[{"oneOf":[{"items":{}}]}]}"#,
            r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"integer"}}}"##,
        ] {
            assert!(is_wrapped(schema), "{schema}");
        }
    }

    #[test]
    fn values_go_in_and_come_out() {
        for value in ["[1, 2]", "\"a\"", "null", "{\"value\":1}", "3"] {
            assert_eq!(unwrap(wrap(value).as_json()), value);
        }
        assert_eq!(unwrap(r#" { "value" : [1] } "#), "[1]");
        assert_eq!(unwrap(r#"{"value":[1,2"#), "[1,2");
        for other in ["{}", r#"{"value":1,"b":2}"#, r#"{"b":1}"#, "[1]", "", r#"{"va"#] {
            assert_eq!(unwrap(other), other);
        }
    }
}
