//! The tools that a client offers, and its choice among them.

use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::field_ref::FieldRef;
use crate::model::raw::Raw;
use crate::model::request::{Tool, ToolChoice, VendorTool};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Tools, the choice among them, and whether one turn may call several.
#[derive(Default)]
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) vendor_tools: Vec<VendorTool<'a>>,
    pub(super) choice: ToolChoice<'a>,
    pub(super) parallel: Option<bool>,
    /// The names of tools that are left out, because nobody runs them.
    left_out: BTreeSet<Cow<'a, str>>,
    names: BTreeSet<Cow<'a, str>>,
}

/// The fate of a tool that Anthropic defines by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnTool {
    /// The client runs it; Claude knows it by its type.
    Client,
    /// Anthropic runs it, and Bedrock does not: it is left out, unless it is wanted for certain.
    Server,
    /// The answer would be of no use without it.
    Refused,
}

/// The prefixes of the types of such tools; the first that fits counts.
pub(super) const OWN_TOOLS: [(&str, OwnTool); 12] = [
    ("bash_", OwnTool::Client),
    ("text_editor_", OwnTool::Client),
    ("computer_toolset_", OwnTool::Refused),
    ("computer_", OwnTool::Client),
    ("memory_", OwnTool::Client),
    ("browser_toolset_", OwnTool::Refused),
    ("code_execution_", OwnTool::Server),
    ("web_search_", OwnTool::Server),
    ("web_fetch_", OwnTool::Server),
    ("advisor_", OwnTool::Server),
    ("tool_search_tool_", OwnTool::Server),
    ("mcp_toolset", OwnTool::Server),
];

/// The fate of a tool of this type; a type that nobody knows is taken for a server's.
fn own_tool(kind: &str) -> OwnTool {
    for (begins, what) in OWN_TOOLS {
        if kind.starts_with(begins) {
            return what;
        }
    }
    OwnTool::Server
}

/// Members of a function.
const FUNCTION: [&str; 10] = [
    "allowed_callers",
    "cache_control",
    "defer_loading",
    "description",
    "eager_input_streaming",
    "input_examples",
    "input_schema",
    "name",
    "strict",
    "type",
];

/// The name of the tool with which Claude Code stands for those that are not loaded yet.
const PLACEHOLDER: &str = "DeferredToolPlaceholder";

/// Reads `tools` and `tool_choice`; `removed` are the names of tools that the conversation has taken away.
pub(super) fn read<'a>(
    top: &Object<'a, '_>,
    removed: &BTreeSet<String>,
    notes: &mut Notes,
) -> Result<Offer<'a>, Fault> {
    let mut offer = Offer::default();
    let mut alone = None;
    if let Some(node) = top.get("tools") {
        let list = node.list()?;
        limits::at_most("tools", list.len(), notes.limits.tools, "tools", "--max-tools")?;
        offer.tools.reserve(list.len());
        for (position, node) in list.each().enumerate() {
            if let Some(fault) = offer.take(&node, position, removed, notes)? {
                alone = alone.or(Some(fault));
            }
        }
    }
    if let Some(fault) = alone.filter(|_| offer.tools.is_empty() && offer.vendor_tools.is_empty()) {
        return Err(fault);
    }
    if let Some(node) = top.get("tool_choice") {
        choose(&node.object()?, &mut offer, notes)?;
    }
    Ok(offer)
}

impl<'a> Offer<'a> {
    /// Takes one tool. Gives the fault of one that is left out, for a request that has no other.
    fn take(
        &mut self,
        node: &Node<'a, '_>,
        position: usize,
        removed: &BTreeSet<String>,
        notes: &mut Notes,
    ) -> Result<Option<Fault>, Fault> {
        let tool = node.object()?;
        let kind = tool.get("type").map(|kind| kind.string()).transpose()?.unwrap_or(Cow::Borrowed("custom"));
        if kind == "custom" {
            self.function(&tool, node, position, removed, notes)?;
            return Ok(None);
        }
        let name = tool.get("name").map(|name| name.id(&notes.limits)).transpose()?;
        let name = name.unwrap_or_else(|| kind.clone());
        match own_tool(&kind) {
            OwnTool::Client => {
                self.add_name(name.clone(), node)?;
                let raw = Raw::from_json(node.raw());
                let field = FieldRef::own(node.at.to_string());
                self.vendor_tools.push(VendorTool { kind, name, raw, field });
                Ok(None)
            }
            OwnTool::Server => {
                notes.dropped_each(node, "Bedrock runs no such tool");
                self.left_out.insert(name);
                Ok(Some(node.unsupported("is a tool that Bedrock does not run, and there is no other")))
            }
            OwnTool::Refused => Err(node.unsupported("is a set of tools that Bedrock does not have")),
        }
    }

    fn function(
        &mut self,
        tool: &Object<'a, '_>,
        node: &Node<'a, '_>,
        position: usize,
        removed: &BTreeSet<String>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        notes.unknown(tool, &FUNCTION);
        let name = tool.need("name")?.id(&notes.limits)?;
        let deferred = deferred(tool, notes)?;
        if deferred && name == PLACEHOLDER {
            return Ok(());
        }
        if removed.contains(name.as_ref()) {
            notes.dropped_each(node, "a message of the system takes the tool away");
            return Ok(());
        }
        self.add_name(name.clone(), node)?;
        hints(tool, notes)?;
        let description = tool.get("description").map(|text| text.text()).transpose()?;
        self.tools.push(Tool {
            name,
            description: description.filter(|description| !description.is_blank()),
            schema: Some(tool.need("input_schema")?.raw_object()?),
            wrapped: false,
            strict: tool.get("strict").map(|strict| strict.boolean()).transpose()?,
            cache_point: cache_point(tool, notes)?,
            position,
        });
        Ok(())
    }

    fn add_name(&mut self, name: Cow<'a, str>, node: &Node<'_, '_>) -> Result<(), Fault> {
        if self.names.insert(name) {
            Ok(())
        } else {
            Err(node.invalid("has the name of another tool: Tool names must be unique"))
        }
    }
}

/// The flag `defer_loading`. All tools are offered at once: Converse searches none.
fn deferred(tool: &Object<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    let Some(node) = tool.get("defer_loading") else { return Ok(false) };
    let deferred = node.boolean()?;
    if deferred {
        notes.changed(&node, "Bedrock's Converse API searches no tools; all of them are offered from the beginning");
    }
    Ok(deferred)
}

/// The hints of a tool beside its schema: streaming, examples, callers.
fn hints(tool: &Object<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
    // Some clients set it on every tool. Arguments come as the model tells them: nothing is lost by it.
    if let Some(node) = tool.get("eager_input_streaming") {
        node.boolean()?;
    }
    if let Some(node) = tool.get("input_examples") {
        notes.dropped(&node, "Bedrock's Converse API takes no examples of arguments");
    }
    let Some(node) = tool.get("allowed_callers") else { return Ok(()) };
    let callers: Vec<_> = node.list()?.each().map(|caller| caller.string()).collect::<Result<_, _>>()?;
    if !callers.is_empty() && !callers.iter().any(|caller| caller == "direct") {
        return Err(node.unsupported("leaves the call to a program of Anthropic's, which Bedrock does not run"));
    }
    if callers.len() > 1 {
        notes.dropped(&node, "on Bedrock the model alone calls tools");
    }
    Ok(())
}

fn choose<'a>(choice: &Object<'a, '_>, offer: &mut Offer<'a>, notes: &mut Notes) -> Result<(), Fault> {
    notes.unknown(choice, &["type", "name", "disable_parallel_tool_use"]);
    if let Some(node) = choice.get("disable_parallel_tool_use")
        && node.boolean()?
    {
        offer.parallel = Some(false);
    }
    let kind = choice.need("type")?;
    offer.choice = match kind.string()?.as_ref() {
        "auto" => ToolChoice::Auto,
        "any" if offer.tools.is_empty() && offer.vendor_tools.is_empty() => {
            return Err(kind.invalid("requires a tool, and no tools are given"));
        }
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => {
            let node = choice.need("name")?;
            let name = node.string()?;
            if offer.left_out.contains(&name) {
                return Err(node.unsupported("names a tool that Bedrock does not run"));
            }
            if !offer.names.contains(&name) {
                return Err(node.invalid("must be the name of one of the tools that are given"));
            }
            ToolChoice::Named(name)
        }
        _ => return Err(kind.invalid("must be `auto`, `any`, `tool` or `none`")),
    };
    Ok(())
}
