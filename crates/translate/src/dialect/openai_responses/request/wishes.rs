//! The wishes for reasoning and for the form of the answer: `reasoning` and `text`, of the request or of an item in it.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::reasoning_claim::{Claim, combine, effort};
use crate::fault::Fault;
use crate::model::reasoning::{Display, ReasoningAsk, Switch};
use crate::model::request::Format;

/// The wishes so far: a later item counts before an earlier one.
pub(super) struct Wishes<'a> {
    pub(super) reasoning: ReasoningAsk,
    pub(super) format: Format<'a>,
    /// The client reads the text of the reasoning.
    pub(super) summary: bool,
}

/// A client that asks for no summary is shown no text of the reasoning.
impl Default for Wishes<'_> {
    fn default() -> Self {
        let reasoning = ReasoningAsk { exclude: true, ..ReasoningAsk::default() };
        Self { reasoning, format: Format::Text, summary: false }
    }
}

impl<'a> Wishes<'a> {
    /// Takes `reasoning` and `text` of an object.
    pub(super) fn take(&mut self, object: &Object<'a, '_>, notes: &mut Notes) -> Result<(), Fault> {
        if let Some(node) = object.get("reasoning") {
            self.reasoning(&node.object()?, notes)?;
        }
        if let Some(node) = object.get("text") {
            let text = node.object()?;
            notes.unknown(&text, &["format", "verbosity"]);
            if let Some(node) = text.get("verbosity") {
                node.string()?;
                notes.dropped(&node, "Bedrock has no verbosity");
            }
            if let Some(node) = text.get("format") {
                self.format = format(&node, notes)?;
            }
        }
        Ok(())
    }

    fn reasoning(&mut self, reasoning: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
        notes.unknown(reasoning, &["effort", "summary", "generate_summary", "context", "mode"]);
        let mut ask = ReasoningAsk::default();
        if let Some(node) = reasoning.get("effort")
            && let Some(said) = effort(&node, "reasoning.effort", notes)?
        {
            combine(&mut ask, said);
        }
        if let Some(node) = reasoning.get_any(&["summary", "generate_summary"]) {
            self.summary = summary(&node, notes)?;
        }
        // Whoever wants to read the reasoning wants some, as much as the model sees fit.
        if self.summary {
            combine(&mut ask, Claim { switch: Switch::On, param: "reasoning.summary", ..Claim::default() });
        }
        ask.display = self.summary.then_some(Display::Summarized);
        ask.exclude = !self.summary;
        for name in ["context", "mode"] {
            if let Some(node) = reasoning.get(name) {
                notes.dropped(&node, "on Bedrock a model thinks as it does, and all of the conversation counts");
            }
        }
        self.reasoning = ask;
        Ok(())
    }
}

/// A model on Bedrock has one way to sum its thoughts up, whatever length is asked for.
fn summary(node: &Node<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    match node.string()?.as_ref() {
        "auto" | "concise" | "detailed" => {}
        "none" => return Ok(false),
        _ => notes.changed(node, "only `auto`, `concise` and `detailed` are known; `auto` is used"),
    }
    Ok(true)
}

fn format<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Format<'a>, Fault> {
    let format = node.object()?;
    let kind = format.need("type")?;
    match kind.string()?.as_ref() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            notes.unknown(&format, &["type", "name", "description", "schema", "strict"]);
            let name = format.need("name")?;
            name.filled_string()?;
            let description = format.get("description").map(|text| text.text()).transpose()?;
            Ok(Format::Schema {
                name: name.text()?,
                description: description.filter(|description| !description.is_blank()),
                schema: format.need("schema")?.raw_object()?,
                strict: format.get("strict").map(|strict| strict.boolean()).transpose()?.unwrap_or_default(),
            })
        }
        _ => Err(kind.invalid("must be `text`, `json_schema` or `json_object`")),
    }
}
