//! Overrides of catalogue rows by an operator: a row with some of its fields replaced.

use super::{Catalogue, Entry, Known};
use serde_json::{Map, Value};

/// The fields that say which model a row is of: an override has its model's id beside it.
const IDENTITY: [&str; 2] = ["id", "also"];

/// One field of an override that cannot stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// Its name.
    pub field: String,
    /// The error: what was found, and what was expected.
    pub message: String,
}

impl Catalogue {
    /// The row of a model, with these fields replaced. `base` names the model whose row it is, where the id itself does
    /// not tell; a model of which nothing is known begins with the cautious row.
    ///
    /// # Errors
    ///
    /// Every field that no row has, or whose value no row could have.
    pub fn overridden(
        &self,
        model_id: &str,
        base: Option<&str>,
        row: &Map<String, Value>,
    ) -> Result<Entry, Vec<WrongField>> {
        let (entry, known) = self.resolve(base.unwrap_or(model_id));
        let mut entry = entry.clone();
        if known == Known::Nothing {
            (entry.id, entry.name) = (model_id.to_owned(), model_id.to_owned());
            entry.unproven = Some("only the configuration knows this model".to_owned());
        }
        replaced(&entry, row)
    }
}

fn replaced(entry: &Entry, row: &Map<String, Value>) -> Result<Entry, Vec<WrongField>> {
    let broken = |error: serde_json::Error| vec![wrong("", error.to_string())];
    let Value::Object(whole) = serde_json::to_value(entry).map_err(broken)? else { return Ok(entry.clone()) };
    let mut mistakes: Vec<WrongField> = row.iter().filter_map(|(field, value)| mistake(&whole, field, value)).collect();
    if mistakes.is_empty() {
        let mut whole = whole;
        whole.extend(row.clone());
        let entry = serde_json::from_value(Value::Object(whole)).map_err(broken)?;
        mistakes.extend(contradiction(&entry, row));
        if mistakes.is_empty() {
            return Ok(entry);
        }
    }
    Err(mistakes)
}

/// The error of one field by itself.
fn mistake(whole: &Map<String, Value>, field: &str, value: &Value) -> Option<WrongField> {
    if IDENTITY.contains(&field) || !whole.contains_key(field) {
        let known: Vec<&str> = whole.keys().map(String::as_str).filter(|name| !IDENTITY.contains(name)).collect();
        return Some(wrong(field, format!("unknown field: expected one of {}", known.join(", "))));
    }
    let mut with = whole.clone();
    with.insert(field.to_owned(), value.clone());
    let error = serde_json::from_value::<Entry>(Value::Object(with)).err()?;
    Some(wrong(field, format!("Invalid value: {error}")))
}

/// The error of fields that contradict each other; it names one that the override has.
fn contradiction(entry: &Entry, row: &Map<String, Value>) -> Option<WrongField> {
    let zero = [
        ("max_output_tokens", entry.max_output_tokens),
        ("min_budget", entry.min_budget),
        ("max_budget", entry.max_budget),
        ("min_max_tokens", entry.min_max_tokens),
    ];
    if let Some((field, _)) = zero.into_iter().find(|(_, tokens)| *tokens == Some(0)) {
        return Some(wrong(field, "Invalid value: 0: expected at least 1, or null"));
    }
    let given = |[one, other]: [&'static str; 2]| if row.contains_key(one) { one } else { other };
    let crossed = |low: Option<u32>, high: Option<u32>| matches!((low, high), (Some(low), Some(high)) if low > high);
    if crossed(entry.min_budget, entry.max_budget) {
        return Some(wrong(
            given(["max_budget", "min_budget"]),
            "Invalid value: min_budget must not be larger than max_budget",
        ));
    }
    crossed(entry.min_max_tokens, entry.max_output_tokens).then(|| {
        let message = "Invalid value: min_max_tokens must not be larger than max_output_tokens";
        wrong(given(["max_output_tokens", "min_max_tokens"]), message)
    })
}

fn wrong(field: &str, message: impl Into<String>) -> WrongField {
    WrongField { field: field.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Control;
    use crate::model::reasoning::Effort;
    use serde_json::json;

    const SONNET: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
    const PROFILE: &str = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc";

    fn overridden(id: &str, base: Option<&str>, row: &Value) -> Result<Entry, Vec<(String, String)>> {
        let row = row.as_object().unwrap();
        let wrong = |mistakes: Vec<WrongField>| mistakes.into_iter().map(|it| (it.field, it.message)).collect();
        Catalogue::builtin().overridden(id, base, row).map_err(wrong)
    }

    #[test]
    fn every_row_is_read_as_it_is_written() {
        for entry in Catalogue::builtin().entries() {
            assert_eq!(overridden(&entry.id, None, &json!({})).as_ref(), Ok(entry));
            let written = serde_json::to_value(entry).unwrap();
            assert_eq!(serde_json::from_value::<Entry>(written).unwrap(), *entry);
        }
    }

    #[test]
    fn fields_are_replaced_and_the_others_kept() {
        let row =
            json!({"max_budget": 30000, "replay": [], "efforts": ["low", "high"], "default": "on", "cache": null});
        let entry = overridden(SONNET, None, &row).unwrap();
        let kept = Catalogue::builtin().lookup(SONNET);
        assert_eq!((entry.max_budget, entry.min_budget), (Some(30000), Some(1024)));
        assert_eq!(entry.efforts, [Effort::Low, Effort::High]);
        assert!(entry.replay.is_empty() && entry.cache.is_none());
        assert_eq!((&entry.id, &entry.name, entry.control), (&kept.id, &kept.name, kept.control));
    }

    #[test]
    fn an_id_that_does_not_tell_takes_its_base_or_begins_cautiously() {
        let based = overridden(PROFILE, Some("anthropic.claude-opus-4-8"), &json!({"bound": true})).unwrap();
        assert_eq!((based.id.as_str(), based.bound), ("anthropic.claude-opus-4-8", true));
        let unknown = overridden(PROFILE, None, &json!({"control": "reasoning_effort", "efforts": ["low"]})).unwrap();
        assert_eq!((unknown.id.as_str(), unknown.control), (PROFILE, Control::ReasoningEffort));
        assert_eq!(unknown.unproven.as_deref(), Some("only the configuration knows this model"));
        let known = overridden("mine", None, &json!({"unproven": null, "name": "Mine"})).unwrap();
        assert_eq!((known.name.as_str(), known.unproven), ("Mine", None));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let row = json!({"contrl": "budget", "id": "x", "control": "budgt", "max_budget": "many", "efforts": ["loud"]});
        let mistakes = overridden(SONNET, None, &row).unwrap_err();
        let of = |field: &str| mistakes.iter().find(|(name, _)| name == field).map(|(_, message)| message.as_str());
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
        for field in ["contrl", "id"] {
            assert!(of(field).unwrap().starts_with("unknown field: expected one of "), "{mistakes:?}");
            assert!(of(field).unwrap().contains(", control, converse, default, "), "{mistakes:?}");
        }
        assert!(of("control").unwrap().starts_with("Invalid value: unknown variant `budgt`, expected one of `none`"));
        assert_eq!(of("max_budget"), Some("Invalid value: invalid type: string \"many\", expected u32"));
        assert_eq!(of("efforts"), Some("Invalid value: `loud` is no level of effort"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (row, field, words) in [
            (json!({"efforts": ["high", "low"]}), "efforts", "from the weakest to the strongest"),
            (json!({"efforts": ["low", "low"]}), "efforts", "each once"),
            (json!({"max_budget": 1000}), "max_budget", "min_budget must not be larger"),
            (json!({"min_budget": 9, "max_budget": 8}), "max_budget", "min_budget must not be larger"),
            (json!({"max_output_tokens": 0}), "max_output_tokens", "expected at least 1"),
            (json!({"min_max_tokens": 70000}), "min_max_tokens", "must not be larger than max_output_tokens"),
        ] {
            let mistakes = overridden(SONNET, None, &row).unwrap_err();
            assert_eq!(mistakes.len(), 1, "{row}");
            assert!(mistakes[0].0 == field && mistakes[0].1.contains(words), "{row}: {mistakes:?}");
        }
    }
}
