//! A part of a document as JSON, for fields that are checked elsewhere.

use crate::config::text::yaml::{Node, Scalar, Value};
use serde_json::{Map, Number};

/// The fields of a mapping, as JSON; none when it is something else.
pub(in crate::config) fn members(node: &Node) -> Map<String, serde_json::Value> {
    node.entries().iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect()
}

/// No deeper than the reader of YAML lets a document nest.
fn value(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Map(_) => members(node).into(),
        Value::List(items) => items.iter().map(value).collect(),
        Value::Scalar(read) => scalar(read),
    }
}

/// A scalar as JSON. One that the environment put in is typed as if it stood there unquoted.
pub(in crate::config) fn scalar(read: &Scalar) -> serde_json::Value {
    let plain = read.plain || read.written.is_some();
    let found = Scalar { text: read.text.clone(), plain, written: None };
    let number = match found.type_name() {
        "null" => return serde_json::Value::Null,
        "boolean" => return found.text.eq_ignore_ascii_case("true").into(),
        "integer" => found.text.parse::<i64>().ok().map(Number::from),
        "number" => found.text.parse::<f64>().ok().and_then(Number::from_f64),
        _ => None,
    };
    number.map_or(serde_json::Value::String(found.text), serde_json::Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::text::yaml::parse;
    use serde_json::json;

    #[test]
    fn scalars_have_the_type_that_they_look_like() {
        let text = "{a: 1, b: -2.5, c: true, d: 'true', e: ~, f: [x, {y: '1'}], g: off, h: 1e999}";
        let (documents, mistake) = parse("f", text);
        assert_eq!(mistake, None);
        let expected = json!({
            "a": 1, "b": -2.5, "c": true, "d": "true", "e": null, "f": ["x", {"y": "1"}], "g": "off", "h": "1e999"
        });
        assert_eq!(serde_json::Value::Object(members(&documents[0])), expected);
    }
}
