//! The operator's limits of reasoning, in the many words in which services of this dialect are asked for it.

use super::spliced;
use crate::config::ReasoningPolicy;
use crate::mutation::Members;
use aquifer_translate::Fault;
use aquifer_translate::catalogue::most_budget;
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::reasoning::Effort;
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// Objects inside one another are looked into so deep; deeper ones ask for nothing.
const DEEPEST: usize = 8;
/// The most characters of a client's own field name that a warning repeats.
const LONGEST_NAME: usize = 64;
/// Fields that hold content, or words that mean something else there.
const CONTENT: [&str; 13] = [
    "messages",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "response_format",
    "metadata",
    "prediction",
    "logit_bias",
    "stream_options",
    "audio",
    "requestMetadata",
    "promptVariables",
];
/// Fields that hold a schema, whose members have names of the client's own.
const SCHEMAS: [&str; 3] = ["format", "schema", "jsonSchema"];
/// Fields that say how hard to think, in small letters without underscores.
const EFFORTS: [&str; 5] = ["effort", "reasoningeffort", "maxreasoningeffort", "thinkinglevel", "thinkingeffort"];
/// Fields that say how many tokens to think, likewise.
const BUDGETS: [&str; 8] = [
    "budgettokens",
    "thinkingbudget",
    "thinkingbudgettokens",
    "thinkingtokenbudget",
    "reasoningbudget",
    "maxthinkingtokens",
    "maxreasoningtokens",
    "reasoningmaxtokens",
];
/// Objects in which `max_tokens` is the same.
const REASONING: [&str; 4] = ["reasoning", "reasoningconfig", "thinking", "thinkingconfig"];

/// What a request may ask for.
pub(super) struct Limits {
    effort: Option<Effort>,
    budget: Option<u32>,
}

/// Where a member stands, and what was changed so far.
struct Place<'p> {
    path: &'p str,
    depth: usize,
    /// Within an object of reasoning.
    reasoning: bool,
}

impl Limits {
    /// `None`: nothing is limited.
    pub(super) fn of(policy: &ReasoningPolicy) -> Option<Self> {
        let limits = Self { effort: policy.most_effort, budget: most_budget(&policy.rules()) };
        (limits.effort.is_some() || limits.budget.is_some()).then_some(limits)
    }

    /// The body with what is beyond the limits lowered, and a warning for each field.
    pub(super) fn hold(&self, body: &Bytes) -> Result<(Bytes, Vec<Warning>), Fault> {
        let mut warnings = Vec::new();
        let top = Place { path: "", depth: 0, reasoning: false };
        let held = self.object(body, &top, &mut warnings)?;
        Ok((held.unwrap_or_else(|| body.clone()), warnings))
    }

    /// An object with what is beyond the limits lowered; `None`: it stays as it is.
    fn object(&self, json: &[u8], place: &Place<'_>, warnings: &mut Vec<Warning>) -> Result<Option<Bytes>, Fault> {
        let Members(members) = Members::read(json)?;
        let mut changed: Vec<(&RawValue, String)> = Vec::new();
        for (name, value) in members {
            if place.depth == 0 && CONTENT.contains(&name.as_ref()) || SCHEMAS.contains(&name.as_ref()) {
                continue;
            }
            let path = if place.path.is_empty() { shown(&name) } else { format!("{}.{}", place.path, shown(&name)) };
            if let Some(lower) = self.member(&name, value, (&path, place), warnings)? {
                changed.push((value, lower));
            }
        }
        if changed.is_empty() {
            return Ok(None);
        }
        spliced(json, changed.into_iter()).map(Some)
    }

    fn member(
        &self,
        name: &str,
        value: &RawValue,
        (path, place): (&str, &Place<'_>),
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<String>, Fault> {
        let bare: String = name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect();
        if let Some(most) = self.effort.filter(|_| EFFORTS.contains(&bare.as_str())) {
            return Ok(is_harder(value, most).then(|| {
                let why = format!("the operator allows the effort `{}` at most", most.word());
                warnings.push(Warning::changed(FieldRef::own(path.to_owned()), why));
                format!("\"{}\"", most.word())
            }));
        }
        let is_budget = BUDGETS.contains(&bare.as_str()) || place.reasoning && bare == "maxtokens";
        if let Some(most) = self.budget.filter(|_| is_budget && !value.get().starts_with('{')) {
            return Ok(is_more(value, most).then(|| {
                warnings.push(Warning::changed(
                    FieldRef::own(path.to_owned()),
                    format!("the operator allows {most} tokens at most"),
                ));
                most.to_string()
            }));
        }
        if !value.get().starts_with('{') || place.depth >= DEEPEST {
            return Ok(None);
        }
        let reasoning = REASONING.contains(&bare.as_str());
        let inside = Place { path, depth: place.depth + 1, reasoning };
        let held = self.object(value.get().as_bytes(), &inside, warnings)?;
        Ok(held.map(|held| String::from_utf8_lossy(&held).into_owned()))
    }
}

/// Whether more is asked for than this effort. What is no word that is known may be more.
fn is_harder(value: &RawValue, most: Effort) -> bool {
    let Ok(said) = serde_json::from_str::<Value>(value.get()) else { return true };
    match said.as_str().map(|word| word.trim().to_ascii_lowercase()).as_deref() {
        Some("" | "none" | "off" | "disabled" | "auto" | "default") => false,
        Some(word) => Effort::from_word(word).is_none_or(|effort| effort > most),
        None => !said.is_null() && said != Value::Bool(false),
    }
}

/// Whether more is asked for than so many tokens. A number below nought is no limit at all, and words may be numbers.
fn is_more(value: &RawValue, most: u32) -> bool {
    let said = value.get();
    let said = said.strip_prefix('"').and_then(|said| said.strip_suffix('"')).unwrap_or(said);
    match said {
        "null" | "false" => false,
        said => said.trim().parse::<f64>().map_or(true, |number| !(0.0..=f64::from(most)).contains(&number)),
    }
}

/// A field's name, as a warning repeats it.
fn shown(name: &str) -> String {
    let known = name.chars().take(LONGEST_NAME);
    known.map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}
