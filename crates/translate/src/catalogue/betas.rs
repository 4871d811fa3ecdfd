//! Names of Anthropic's beta features: which of them goes to which model over which API.

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
    /// Fields and words of Anthropic's that some models take over InvokeModel, and others do not.
    fields: Vec<Taken>,
}

/// A field, and the lines of models that take it over InvokeModel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    name: String,
    invoke: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// The lines of models to which it is sent.
    #[serde(default)]
    sent: Vec<String>,
    /// The further lines to which it is sent over InvokeModel.
    #[serde(default)]
    invoke: Vec<String>,
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
    known: HashMap<String, Fates>,
    /// The ids of models, each as it begins, that take a field.
    fields: HashMap<String, Vec<String>>,
}

/// The models to which a beta goes, each as its id begins, and what else becomes of it.
struct Fates {
    converse: Vec<String>,
    invoke: Vec<String>,
    rest: Option<Rest>,
}

static BETAS: LazyLock<Betas> =
    LazyLock::new(|| Betas::read(include_str!("betas.json")).unwrap_or_else(|_| Betas::none()));

impl Betas {
    fn none() -> Self {
        Self { known: HashMap::new(), fields: HashMap::new() }
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let begins = |lines: &[String]| begins(&file.lines, lines);
        let mut betas = Self::none();
        for row in &file.betas {
            let fates = Fates { converse: begins(&row.sent)?, invoke: begins(&row.invoke)?, rest: row.fate };
            betas.known.insert(row.name.clone(), fates);
        }
        for field in &file.fields {
            betas.fields.insert(field.name.clone(), begins(&field.invoke)?);
        }
        Ok(betas)
    }
}

/// What the ids of the models of these lines begin with.
fn begins(known: &BTreeMap<String, Vec<String>>, lines: &[String]) -> Result<Vec<String>, serde_json::Error> {
    let mut begins = Vec::new();
    for line in lines {
        let Some(models) = known.get(line) else {
            return Err(serde::de::Error::custom(format!("there is no line `{line}`")));
        };
        begins.extend(models.iter().map(|model| format!("anthropic.{model}")));
    }
    Ok(begins)
}

fn is_of(begins: &[String], entry: &Entry) -> bool {
    begins.iter().any(|begins| entry.id.starts_with(begins))
}

/// The fate of a beta of this name on Converse, for this model.
#[must_use]
pub fn beta_on_converse(name: &str, entry: &Entry) -> BetaFate {
    match BETAS.known.get(name) {
        None => BetaFate::Unknown,
        Some(fates) if is_of(&fates.converse, entry) => BetaFate::Sent,
        Some(fates) => fates.left_out(),
    }
}

/// What becomes of a beta of this name over InvokeModel, for this model.
#[must_use]
pub fn beta_on_invoke(name: &str, entry: &Entry) -> BetaFate {
    match BETAS.known.get(name) {
        None => BetaFate::Unknown,
        Some(fates) if is_of(&fates.converse, entry) || is_of(&fates.invoke, entry) => BetaFate::Sent,
        Some(fates) => fates.left_out(),
    }
}

/// Whether a model takes messages of the role `system` in the middle of a conversation over InvokeModel.
#[must_use]
pub fn takes_system_messages(entry: &Entry) -> bool {
    BETAS.fields.get("role system in messages").is_some_and(|begins| is_of(begins, entry))
}

impl Fates {
    fn left_out(&self) -> BetaFate {
        match self.rest {
            Some(Rest::Needless) => BetaFate::Needless,
            Some(Rest::Dropped) | None => BetaFate::Dropped,
        }
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
