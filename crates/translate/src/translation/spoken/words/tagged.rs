//! Calls in tags: a name, and each argument between tags of its own.

use super::cleaned;
use crate::model::offer::{CallTokens, Offer};
use serde_json::{Map, Value};

/// A call: its tool's name as the model wrote it, and its arguments as JSON.
type Call = (String, String);

/// `<function=NAME>` with an object or `<parameter=NAME>` inside, an object with a name and arguments, or a name and
/// `<arg_key>`.
pub(super) fn call(offer: &Offer, section: &str) -> Option<Call> {
    let section = section.trim_start_matches("<tool_call>");
    let Some((_, function)) = section.split_once("<function=") else {
        let inside = section.split("</tool_call>").next()?;
        let keyed = offer.tokens == CallTokens::Glm && !inside.trim_start().starts_with('{');
        return if keyed { by_key(offer, inside) } else { named(inside) };
    };
    let (name, inside) = function.split_once('>')?;
    let inside = inside.split("</function>").next()?.trim_end_matches("</tool_call>");
    let name = name.trim().trim_matches('"').to_owned();
    if !inside.contains("<parameter=") {
        return Some((name, inside.to_owned()));
    }
    let mut arguments = Vec::new();
    for parameter in inside.split("<parameter=").skip(1) {
        let (key, value) = parameter.split_once('>')?;
        let value = value.split("</parameter>").next()?;
        arguments.push(argument(offer, &name, key.trim().trim_matches('"'), within_lines(value)));
    }
    Some((name, object(&arguments)))
}

/// `NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>`
fn by_key(offer: &Offer, inside: &str) -> Option<Call> {
    let mut parts = inside.split("<arg_key>");
    let name = parts.next()?.trim().to_owned();
    let mut arguments = Vec::new();
    for part in parts {
        let (key, rest) = part.split_once("</arg_key>")?;
        let (_, value) = rest.split_once("<arg_value>")?;
        let value = value.split("</arg_value>").next()?;
        arguments.push(argument(offer, &name, key.trim(), within_lines(value)));
    }
    Some((name, object(&arguments)))
}

/// `<invoke name="NAME">` with `<parameter name="KEY">` inside; `mark` stands before the name of every tag.
pub(super) fn invoked(offer: &Offer, section: &str, mark: &str) -> Option<Vec<Call>> {
    let call = |invoked: &str| {
        let (head, inside) = invoked.split_once('>')?;
        let name = attribute(head, "name")?.to_owned();
        let inside = inside.split(&format!("</{mark}invoke>")).next()?;
        let mut arguments = Vec::new();
        for parameter in inside.split(&format!("<{mark}parameter")).skip(1) {
            let (head, value) = parameter.split_once('>')?;
            let (key, value) = (attribute(head, "name")?, value.split(&format!("</{mark}parameter>")).next()?);
            arguments.push(match attribute(head, "string") {
                Some("true") => member(key, &Value::from(value)),
                Some(_) => member(key, &serde_json::from_str(value.trim()).ok()?),
                None => argument(offer, &name, key, within_lines(value)),
            });
        }
        Some((name, object(&arguments)))
    };
    section.split(&format!("<{mark}invoke")).skip(1).map(call).collect()
}

/// `{"name": ..., "arguments": {...}}`; Llama's `parameters` are the same.
pub(super) fn named(json: &str) -> Option<Call> {
    let call: Map<String, Value> = serde_json::from_str(json.trim()).ok()?;
    let name = call.get("name")?.as_str()?.to_owned();
    let arguments = call.get("arguments").or_else(|| call.get("parameters"));
    let arguments = match arguments {
        Some(Value::String(text)) => text.clone(),
        other => other.map_or_else(String::new, Value::to_string),
    };
    Some((name, arguments))
}

/// The value of an attribute in the head of a tag.
fn attribute<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let (_, rest) = head.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// A text without the line breaks that part it from its tags.
fn within_lines(value: &str) -> &str {
    let value = value.strip_prefix('\n').unwrap_or(value);
    value.strip_suffix('\n').unwrap_or(value)
}

/// One argument: JSON, unless the tool's schema has a string for it or it is none.
fn argument(offer: &Offer, name: &str, key: &str, value: &str) -> String {
    let text = offer.strings.contains(&(cleaned(name).to_owned(), key.to_owned()));
    let read = if text { None } else { serde_json::from_str(value.trim()).ok() };
    member(key, &read.unwrap_or_else(|| Value::String(value.to_owned())))
}

fn member(key: &str, value: &Value) -> String {
    format!("{}:{value}", Value::from(key))
}

/// In the model's own order.
fn object(arguments: &[String]) -> String {
    format!("{{{}}}", arguments.join(","))
}
