//! What the grammars of structured output do not know: said in descriptions instead.
//!
//! Source: seen live by pydantic-ai on Claude Sonnet 4.5 and other models of Bedrock.

use super::tree::Tree;
use std::borrow::Cow;

/// Keywords that are refused wherever they stand.
const REFUSED: [&str; 7] =
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "maxItems", "contains"];

/// Moves what is refused into descriptions, and closes objects; whether anything was moved.
pub(super) fn suit(root: &mut Tree<'_>) -> bool {
    let mut moved = false;
    root.each(&mut |schema| {
        moved |= move_refused(schema);
        let open = schema.get("properties").is_some() && schema.get("additionalProperties").is_none();
        if open && (schema.is_of("object") || schema.get("type").is_none()) {
            schema.set("additionalProperties", Tree::Scalar(Cow::Borrowed("false")));
        }
    });
    moved
}

fn move_refused(schema: &mut Tree<'_>) -> bool {
    let refused = |name: &str, value: &Tree<'_>| {
        REFUSED.contains(&name)
            || name == "minItems" && value.scalar().is_some_and(|least| !matches!(least, "0" | "1"))
            || name == "pattern" && value.plain().is_some_and(|pattern| is_beyond(&pattern))
    };
    let mut said = Vec::new();
    if let Some(members) = schema.members_mut() {
        members.retain(|(name, value)| {
            let keep = !refused(name, value);
            if !keep {
                let mut words = format!("{name}: ");
                value.write(&mut words);
                said.push(words);
            }
            keep
        });
    }
    if said.is_empty() {
        return false;
    }
    let before = schema.get("description").and_then(Tree::plain).filter(|text| !text.is_empty());
    let said = said.join(", ");
    schema.set(
        "description",
        Tree::text(&match before {
            Some(before) => format!("{before} ({said})"),
            None => said,
        }),
    );
    true
}

/// Whether a regular expression has look-around or back references.
fn is_beyond(pattern: &str) -> bool {
    let back = pattern.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', b'1'..=b'9' | b'k']));
    back || ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look))
}
