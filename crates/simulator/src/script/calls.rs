//! What the user's text asks for word by word: calls, `[[call:NAME {"argument": 1}]]`, and the answer, `[[say:TEXT]]`.

use serde_json::{Value, json};

/// How an order begins.
const BEGIN: &str = "[[call:";
/// How it ends.
const END: &str = "]]";

/// A call of a tool with its arguments, as ordered.
#[derive(Debug, PartialEq)]
pub(super) struct Order<'t> {
    pub(super) name: &'t str,
    pub(super) input: Value,
}

/// The answer that a text asks for.
pub(super) fn said(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("[[say:")?;
    after.split_once(END).map(|parts| parts.0)
}

/// Every order in a text. One whose arguments are no JSON is none.
pub(super) fn orders(text: &str) -> Vec<Order<'_>> {
    parts(text).filter_map(|part| read(part.inside?)).collect()
}

/// The text without its orders.
pub(super) fn without(text: &str) -> String {
    parts(text).map(|part| part.before).collect::<String>()
}

fn read(inside: &str) -> Option<Order<'_>> {
    let Some((name, input)) = inside.split_once(' ') else {
        return Some(Order { name: inside, input: json!({}) });
    };
    Some(Order { name, input: serde_json::from_str(input).ok()? })
}

/// A piece of text, and what stands in the order behind it.
struct Part<'t> {
    before: &'t str,
    inside: Option<&'t str>,
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let whole = Part { before: text, inside: None };
        let Some((before, after)) = text.split_once(BEGIN) else { return Some(whole) };
        let Some((inside, after)) = after.split_once(END) else { return Some(whole) };
        rest = Some(after);
        Some(Part { before, inside: Some(inside) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_taken_out() {
        let text = r#"Do [[call:Bash {"command": "ls"}]][[call:now]] and [[call:bad {]] [[call:open"#;
        let bash = Order { name: "Bash", input: json!({ "command": "ls" }) };
        assert_eq!(orders(text), [bash, Order { name: "now", input: json!({}) }]);
        assert_eq!(without(text), "Do  and  [[call:open");
        assert_eq!((said("Please [[say:no]]."), said("[[say:no"), said("no")), (Some("no"), None, None));
    }
}
