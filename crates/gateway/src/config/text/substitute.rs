//! `${NAME}` and `${NAME:=default}` in the files, replaced from the environment after the YAML is read.
//!
//! Replacing after reading keeps every line and column true, and a value from the environment can never
//! become YAML itself.

use crate::config::text::references::reference;
use crate::config::text::yaml::{Node, Value};
use aquifer_translate::wire::slice::Slice as _;

/// Replaces every reference below `node`; hands each name that is not set and has no default to `unset`,
/// together with the node that needs it.
pub(in crate::config) fn substitute(
    node: &mut Node,
    env: &dyn Fn(&str) -> Option<String>,
    unset: &mut dyn FnMut(&Node, &str),
) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| substitute(item, env, unset)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| substitute(&mut entry.value, env, unset)),
        Value::Scalar(scalar) => {
            if !scalar.text.contains("${") {
                return;
            }
            let mut missing = Vec::new();
            let replaced = replace(&scalar.text, env, &mut missing);
            if replaced != scalar.text {
                scalar.written = Some(std::mem::replace(&mut scalar.text, replaced));
            }
            missing.iter().for_each(|name| unset(node, name));
        }
    }
}

fn replace(text: &str, env: &dyn Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, found) = rest.split_at(at);
        let Some((inner, name, length)) = reference(found) else {
            replaced.push_str(before);
            replaced.push_str("${");
            rest = found.behind(2);
            continue;
        };
        rest = found.behind(length);
        if let Some(escaped) = before.strip_suffix('$') {
            replaced.push_str(escaped);
            replaced.push_str(found.upto(length));
            continue;
        }
        replaced.push_str(before);
        match (value(inner, name, env), inner.len() == name.len()) {
            (Some(value), _) => replaced.push_str(&value),
            (None, true) => missing.push(name.to_owned()),
            (None, false) => {}
        }
    }
    replaced.push_str(rest);
    replaced
}

/// The value of `NAME`, or its default: after `:=` and `:-` also where the value is empty.
fn value(inner: &str, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let operator = inner.behind(name.len());
    let empty_too = operator.starts_with(':');
    let default = operator.get(if empty_too { 2 } else { 1 }..).map(str::to_owned);
    env(name).filter(|value| !(empty_too && value.is_empty())).or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        let value = match name {
            "A" => "alpha",
            "_b1" => "beta",
            "EMPTY" => "",
            "NESTED" => "${A}",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn references_and_what_only_looks_like_one() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${A}", "alpha"),
            ("<${A}${_b1}>", "<alphabeta>"),
            ("${A:=x}", "alpha"),
            ("${NONE:=x:=y}", "x:=y"),
            ("${NONE:-x}", "x"),
            ("${NONE=x}", "x"),
            ("${NONE:=}", ""),
            ("${EMPTY:=x}", "x"),
            ("${EMPTY=x}", ""),
            ("${EMPTY}", ""),
            ("${NESTED}", "${A}"),
            ("$${A}", "${A}"),
            ("$A $ ${ ${} ${1} ${A", "$A $ ${ ${} ${1} ${A"),
            ("${A B}", "${A B}"),
            ("${A:?x}", "${A:?x}"),
            ("${${A}}", "${alpha}"),
        ] {
            let mut missing = Vec::new();
            assert_eq!(replace(text, &env, &mut missing), expected, "{text}");
            assert_eq!(missing, [""; 0], "{text}");
        }
    }

    #[test]
    fn names_without_a_value_are_handed_out() {
        let mut missing = Vec::new();
        assert_eq!(replace("a${X}b${Y:=z}${Y}", &env, &mut missing), "abz");
        assert_eq!(missing, ["X", "Y"]);
    }
}
