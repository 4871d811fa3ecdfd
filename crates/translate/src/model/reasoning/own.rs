//! The members of a model's own body that switch its reasoning, in every spelling.

use crate::wire::json::{Document, Kind, Value};

/// Members that hold schemas, in which any name may stand.
const SCHEMAS: [&str; 6] = ["schema", "jsonschema", "inputschema", "format", "tools", "metadata"];

/// A name without what spellings differ in: `reasoning_config` and `reasoningConfig` are one.
#[must_use]
pub fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a vendor field of that name switches reasoning, or sets its effort or budget.
#[must_use]
pub fn is_switch(name: &str) -> bool {
    let name = plain(name);
    let says = |word: &str| name.contains(word);
    says("thinking") || says("reasoning") || says("effort") || name == "outputconfig" || name == "chattemplatekwargs"
}

/// A client's name for a field, as far as an error or a warning repeats it.
#[must_use]
pub fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

/// Whether a vendor field of that name is a tool choice.
#[must_use]
pub fn is_tool_choice(name: &str) -> bool {
    plain(name) == "toolchoice"
}

/// Whether a member that switches reasoning stands somewhere inside a value.
#[must_use]
pub fn hides_switch(json: &str) -> bool {
    Document::read(json).is_none_or(|document| holds_switch(document.top()))
}

fn holds_switch(value: Value<'_, '_>) -> bool {
    if value.is_unnoted() {
        return true;
    }
    value.kind() == Kind::Object
        && value.members().any(|(name, value)| {
            let name = name.plain().unwrap_or_default();
            is_switch(&name) || !SCHEMAS.contains(&plain(&name).as_str()) && holds_switch(value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_known_in_every_spelling_and_however_deep() {
        for name in ["thinking", "reasoning_config", "reasoningConfig", "reasoningEffort", "output_config", "Thinking"]
        {
            assert!(is_switch(name), "{name}");
        }
        for name in ["top_k", "context_management", "tool_choice", "custom"] {
            assert!(!is_switch(name), "{name}");
        }
        assert!(hides_switch(r#"{"inferenceConfig":{"reasoningConfig":{}}}"#));
        assert!(!hides_switch(r#"{"schema":{"properties":{"reasoning":{}}},"a":[{"b":1}]}"#));
    }
}
