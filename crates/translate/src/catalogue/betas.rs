//! Names of Anthropic's beta features: which of them goes to which model on Converse.

use super::entry::Entry;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// The fate of a beta feature that a client names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BetaFate {
    /// It is sent.
    Sent,
    /// It is left out, and nothing is lost by that: what it switches on is there without it, or its field tells more.
    Needless,
    /// It is left out, because Bedrock has no such feature, or this model has not.
    Dropped,
    /// It is left out, because nobody knows it: Bedrock refuses a request for one wrong name.
    Unknown,
}

/// The data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    /// Lines of models, each as what their ids begin with behind `anthropic.`.
    lines: BTreeMap<String, Vec<String>>,
    betas: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// The lines of models to which it is sent.
    #[serde(default)]
    sent: Vec<String>,
    #[serde(default)]
    fate: Option<Rest>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rest {
    Needless,
    Dropped,
}

/// The fate of each beta by its name: the prefixes of models to which it is sent, and its fate for others.
struct Betas {
    known: HashMap<String, (Vec<String>, Option<Rest>)>,
}

static BETAS: LazyLock<Betas> =
    LazyLock::new(|| Betas::read(include_str!("betas.json")).unwrap_or_else(|_| Betas::none()));

impl Betas {
    fn none() -> Self {
        Self { known: HashMap::new() }
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut known = HashMap::new();
        for row in file.betas {
            let mut begins = Vec::new();
            for line in &row.sent {
                let Some(models) = file.lines.get(line) else {
                    return Err(serde::de::Error::custom(format!("there is no line `{line}`")));
                };
                begins.extend(models.iter().map(|model| format!("anthropic.{model}")));
            }
            known.insert(row.name, (begins, row.fate));
        }
        Ok(Self { known })
    }
}

/// The fate of a beta of this name on Converse, for this model.
#[must_use]
pub fn beta_on_converse(name: &str, entry: &Entry) -> BetaFate {
    match BETAS.known.get(name) {
        None => BetaFate::Unknown,
        Some((models, _)) if models.iter().any(|begins| entry.id.starts_with(begins)) => BetaFate::Sent,
        Some((_, Some(Rest::Needless))) => BetaFate::Needless,
        Some((_, Some(Rest::Dropped) | None)) => BetaFate::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    fn fate(name: &str, model: &str) -> BetaFate {
        beta_on_converse(name, Catalogue::builtin().lookup(model))
    }

    #[test]
    fn the_file_can_be_read_and_names_each_beta_once() {
        let file: File = serde_json::from_str(include_str!("betas.json")).unwrap();
        assert_eq!(Betas::read(include_str!("betas.json")).unwrap().known.len(), file.betas.len());
        for row in &file.betas {
            assert!(row.sent.is_empty() != row.fate.is_none(), "{} is sent, or has another fate", row.name);
        }
    }

    #[test]
    fn every_line_leads_to_a_row_of_the_catalogue() {
        let file: File = serde_json::from_str(include_str!("betas.json")).unwrap();
        for begins in file.lines.values().flatten() {
            let begins = format!("anthropic.{begins}");
            let known = |entry: &Entry| entry.id.starts_with(&begins);
            assert!(Catalogue::builtin().entries().iter().any(known), "{begins}");
        }
    }

    #[test]
    fn a_beta_goes_to_the_models_that_have_it() {
        assert_eq!(fate("context-1m-2025-08-07", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), BetaFate::Sent);
        assert_eq!(fate("context-1m-2025-08-07", "us.anthropic.claude-sonnet-4-20250514-v1:0"), BetaFate::Sent);
        assert_eq!(fate("context-1m-2025-08-07", "anthropic.claude-opus-5"), BetaFate::Dropped);
        assert_eq!(fate("output-128k-2025-02-19", "anthropic.claude-3-7-sonnet-20250219-v1:0"), BetaFate::Sent);
        assert_eq!(fate("claude-code-20250219", "anthropic.claude-opus-5-5"), BetaFate::Needless);
        assert_eq!(fate("files-api-2025-04-14", "anthropic.claude-opus-5-5"), BetaFate::Dropped);
        assert_eq!(fate("nobody-2031-01-01", "anthropic.claude-opus-5-5"), BetaFate::Unknown);
    }
}
