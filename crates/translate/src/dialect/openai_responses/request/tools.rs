//! The tools that a client offers: in `tools`, and in items of the conversation that add some.

use super::flat_names::{ClientName, FlatNames};
use super::synthetic;
use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_responses::request::CalledKind;
use crate::fault::Fault;
use crate::limits;
use crate::model::raw::Raw;
use crate::model::request::{Tool, ToolChoice};
use crate::model::text::Text;
use crate::model::wrapped::is_wrapped;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Tools, and the choice among them.
#[derive(Default)]
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: ToolChoice<'a>,
    pub(super) names: FlatNames<'a>,
    /// The types of tools that are left out, because nobody runs them.
    pub(super) left_out: BTreeSet<String>,
    /// The place of each tool, by its flat name.
    places: BTreeMap<String, usize>,
}

/// The fate of a tool that is no function of the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostedTool {
    /// It is left out, unless it is wanted for certain.
    LeftOut,
    /// The answer would be of no use without it.
    Refused,
}

/// The types of such tools.
pub(super) const HOSTED: [(&str, HostedTool); 12] = [
    ("code_interpreter", HostedTool::LeftOut),
    ("computer", HostedTool::Refused),
    ("computer_use", HostedTool::Refused),
    ("computer_use_preview", HostedTool::Refused),
    ("file_search", HostedTool::LeftOut),
    ("image_generation", HostedTool::LeftOut),
    ("mcp", HostedTool::Refused),
    ("programmatic_tool_calling", HostedTool::LeftOut),
    ("web_search", HostedTool::LeftOut),
    ("web_search_2025_08_26", HostedTool::LeftOut),
    ("web_search_preview", HostedTool::LeftOut),
    ("web_search_preview_2025_03_11", HostedTool::LeftOut),
];

/// Where a tool stands: its place in the client's list, its namespace, and whether a search found it.
#[derive(Clone)]
struct Place<'a> {
    position: usize,
    namespace: Option<Cow<'a, str>>,
    found: bool,
}

/// Reads `tools`, and those of the items that add some.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Offer<'a>, Fault> {
    let mut offer = Offer::default();
    if let Some(node) = top.get("tools") {
        offer.list(&node, false, notes)?;
    }
    let Some(input) = top.get("input").filter(Node::is_list) else { return Ok(offer) };
    for node in input.list()?.each() {
        let Ok(item) = node.object() else { continue };
        let found = match item.get("type").map(|kind| kind.raw()) {
            Some("\"additional_tools\"") => false,
            Some("\"tool_search_output\"") => true,
            _ => continue,
        };
        if let Some(tools) = item.get("tools") {
            offer.list(&tools, found, notes)?;
        }
    }
    Ok(offer)
}

impl<'a> Offer<'a> {
    fn list(&mut self, node: &Node<'a, '_>, found: bool, notes: &mut Notes) -> Result<(), Fault> {
        for (position, node) in node.list()?.each().enumerate() {
            self.take(&node, Place { position, namespace: None, found }, notes)?;
        }
        Ok(())
    }

    fn take(&mut self, node: &Node<'a, '_>, place: Place<'a>, notes: &mut Notes) -> Result<(), Fault> {
        let tool = node.object()?;
        let kind = tool.get("type").map(|kind| kind.string()).transpose()?.unwrap_or(Cow::Borrowed("function"));
        match kind.as_ref() {
            "function" => self.function(&tool, place, notes),
            "custom" => self.custom(&tool, place, notes),
            "namespace" if place.namespace.is_none() => self.namespace(node, &tool, place, notes),
            "tool_search" => self.search(node, &tool, place, notes),
            "apply_patch" => self.synthetic(&tool, CalledKind::ApplyPatch, place, notes),
            "local_shell" => self.synthetic(&tool, CalledKind::LocalShell, place, notes),
            "shell" => {
                synthetic::local_environment(&tool)?;
                self.synthetic(&tool, CalledKind::Shell, place, notes)
            }
            word => self.hosted(node, word, notes),
        }
    }

    fn function(&mut self, tool: &Object<'a, '_>, place: Place<'a>, notes: &mut Notes) -> Result<(), Fault> {
        notes.unknown_to(tool, &[&["parameters", "strict", "output_schema"], &COMMON]);
        if let Some(node) = tool.get("output_schema") {
            notes.dropped(&node, "Bedrock takes no schema of what a tool answers");
        }
        hints(tool, &place, notes)?;
        let name = tool.need("name")?.id(&notes.limits)?;
        let schema = tool.get("parameters").map(|schema| schema.raw_object()).transpose()?;
        let made = Tool {
            name,
            description: described(tool)?,
            wrapped: schema.as_ref().is_some_and(|schema| is_wrapped(schema.as_json())),
            schema,
            strict: tool.get("strict").map(|strict| strict.boolean()).transpose()?,
            cache_point: cache_point(tool, notes)?,
            position: place.position,
        };
        self.add(made, CalledKind::Function, place, notes)
    }

    /// A tool that takes a text as it is: the model gives it as the one member of an object. Bedrock holds it to no grammar.
    fn custom(&mut self, tool: &Object<'a, '_>, place: Place<'a>, notes: &mut Notes) -> Result<(), Fault> {
        notes.unknown_to(tool, &[&["format"], &COMMON]);
        hints(tool, &place, notes)?;
        let name = tool.need("name")?.id(&notes.limits)?;
        let grammar = tool.get("format").map(|format| grammar(&format, notes)).transpose()?.flatten();
        let description = described(tool)?;
        let description = match (description, grammar) {
            (Some(said), Some(grammar)) => Some(Text::from_plain(format!("{}\n\n{grammar}", said.plain()))),
            (None, Some(grammar)) => Some(Text::from_plain(grammar)),
            (said, None) => said,
        };
        let made = Tool {
            name,
            description,
            schema: Some(Raw::from_json(synthetic::CUSTOM)),
            wrapped: false,
            strict: None,
            cache_point: cache_point(tool, notes)?,
            position: place.position,
        };
        self.add(made, CalledKind::Custom, place, notes)
    }

    fn namespace(
        &mut self,
        node: &Node<'a, '_>,
        tool: &Object<'a, '_>,
        place: Place<'a>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        notes.unknown_to(tool, &[&["tools"], &COMMON]);
        let name = tool.need("name")?.id(&notes.limits)?;
        notes.changed(
            node,
            "Bedrock has no namespaces; its tools are offered under names with the namespace before them",
        );
        for node in tool.need("tools")?.list()?.each() {
            self.take(&node, Place { namespace: Some(name.clone()), ..place.clone() }, notes)?;
        }
        Ok(())
    }

    /// A search that the client makes is a tool like any other. Bedrock makes none: all tools are offered from the beginning.
    fn search(
        &mut self,
        node: &Node<'a, '_>,
        tool: &Object<'a, '_>,
        place: Place<'a>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        if tool.get("execution").is_none_or(|execution| execution.raw() != "\"client\"") {
            notes.dropped(node, "Bedrock searches no tools; all of them are offered from the beginning");
            self.left_out.insert("tool_search".to_owned());
            return Ok(());
        }
        notes.unknown_to(tool, &[&["execution", "parameters"], &COMMON]);
        let schema = tool.get("parameters").map(|schema| schema.raw_object()).transpose()?;
        let made = Tool {
            name: Cow::Borrowed("tool_search"),
            description: described(tool)?.or_else(|| Some(Text::from_plain(synthetic::SEARCHES))),
            schema: Some(schema.unwrap_or_else(|| Raw::from_json(synthetic::SEARCH))),
            wrapped: false,
            strict: None,
            cache_point: cache_point(tool, notes)?,
            position: place.position,
        };
        self.add(made, CalledKind::ToolSearch, place, notes)
    }

    /// A tool that OpenAI defines by its type, and the client runs.
    fn synthetic(
        &mut self,
        tool: &Object<'a, '_>,
        kind: CalledKind,
        place: Place<'a>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let Some(known) = synthetic::of(kind) else { return Ok(()) };
        notes.unknown_to(tool, &[&["environment"], &COMMON]);
        hints(tool, &place, notes)?;
        let made = Tool {
            name: Cow::Borrowed(known.name),
            description: Some(Text::from_plain(known.description)),
            schema: Some(Raw::from_json(known.schema)),
            wrapped: false,
            strict: None,
            cache_point: cache_point(tool, notes)?,
            position: place.position,
        };
        self.add(made, kind, place, notes)
    }

    /// A tool that OpenAI runs; a type that nobody knows is taken for one.
    fn hosted(&mut self, node: &Node<'_, '_>, word: &str, notes: &mut Notes) -> Result<(), Fault> {
        let refused = HOSTED.contains(&(word, HostedTool::Refused));
        if refused {
            return Err(
                node.unsupported("is a tool that Bedrock does not have, and whose absence the client would not see")
            );
        }
        notes.dropped_each(node, "Bedrock runs no such tool");
        self.left_out.insert(word.to_owned());
        Ok(())
    }

    /// Adds a tool under its flat name. One of the same name takes the place of that before it: a search finds tools again.
    fn add(&mut self, tool: Tool<'a>, kind: CalledKind, place: Place<'a>, notes: &Notes) -> Result<(), Fault> {
        let flat = self.names.add(ClientName { namespace: place.namespace, name: tool.name.clone() }, kind);
        match tool.wrapped {
            true => drop(self.names.wrapped.insert(flat.clone())),
            false => drop(self.names.wrapped.remove(&flat)),
        }
        let tool = Tool { name: if tool.name == flat { tool.name } else { Cow::Owned(flat.clone()) }, ..tool };
        if let Some(at) = self.places.get(&flat) {
            if let Some(known) = self.tools.get_mut(*at) {
                *known = tool;
            }
            return Ok(());
        }
        self.places.insert(flat, self.tools.len());
        self.tools.push(tool);
        limits::at_most("tools", self.tools.len(), notes.limits.tools, "tools", "--max-tools")
    }
}

/// Members of every tool.
const COMMON: [&str; 8] = [
    "type",
    "name",
    "description",
    "async",
    "allowed_callers",
    "defer_loading",
    "cache_control",
    "prompt_cache_breakpoint",
];

fn described<'a>(tool: &Object<'a, '_>) -> Result<Option<Text<'a>>, Fault> {
    let description = tool.get("description").map(|text| text.text()).transpose()?;
    Ok(description.filter(|description| !description.is_blank()))
}

/// The hints of a tool beside its schema: who calls it, and when it is offered.
fn hints(tool: &Object<'_, '_>, place: &Place<'_>, notes: &mut Notes) -> Result<(), Fault> {
    if let Some(node) = tool.get("async")
        && node.boolean()?
    {
        notes.dropped(&node, "on Bedrock a model waits for its tools");
    }
    if let Some(node) = tool.get("defer_loading")
        && node.boolean()?
        && !place.found
    {
        notes.changed(&node, "Bedrock searches no tools; all of them are offered from the beginning");
    }
    if let Some(node) = tool.get("allowed_callers") {
        node.list()?;
        notes.dropped(&node, "on Bedrock the model alone calls tools");
    }
    Ok(())
}

/// The words in which the model is told of a grammar.
fn grammar(format: &Node<'_, '_>, notes: &mut Notes) -> Result<Option<String>, Fault> {
    let object = format.object()?;
    let kind = object.need("type")?;
    match kind.string()?.as_ref() {
        "text" => Ok(None),
        "grammar" => {
            notes.unknown(&object, &["type", "syntax", "definition"]);
            let (syntax, definition) = (object.need("syntax")?.string()?, object.need("definition")?.string()?);
            notes.changed(format, "Bedrock holds no text to a grammar; the model is told of it in words");
            let what = if syntax == "regex" { "match this regular expression" } else { "follow this Lark grammar" };
            Ok(Some(format!("The `input` must {what}, with nothing before or after it:\n{definition}")))
        }
        _ => Err(kind.invalid("must be `text` or `grammar`")),
    }
}
