//! `tools` and `tool_choice` of a client's body.

use super::blocks::Fixed;
use super::{Rewriting, TOOL_SEARCH};
use crate::bedrock::converse::request::json::Json;
use crate::model::field_ref::FieldRef;
use crate::wire::json::{Kind, Value};

/// The tool that stands for those that are found by a search only.
const PLACEHOLDER: &str = "DeferredToolPlaceholder";
/// The types of the tool that searches among the others begin so.
const SEARCHES: &str = "tool_search_tool_";

impl Rewriting<'_> {
    /// Writes `tools`: those that Bedrock takes, without the members that the model does not.
    pub(super) fn tools(&mut self, value: Value<'_, '_>, json: &mut Json) {
        let mut sent = Vec::new();
        let mut same = true;
        for (position, tool) in value.items().enumerate() {
            match self.tool(position, tool) {
                Fixed::Same => sent.push(tool.raw().to_owned()),
                Fixed::Anew(tool) => {
                    same = false;
                    sent.push(tool);
                }
                Fixed::Gone => same = false,
            }
        }
        if same && !sent.is_empty() {
            json.name("tools").verbatim(value.raw());
        } else if !sent.is_empty() {
            json.name("tools").list(|json| sent.iter().for_each(|tool| json.verbatim(tool)));
        }
    }

    /// Writes `tool_choice`, unless no tool is left to choose.
    pub(super) fn tool_choice(&mut self, value: Value<'_, '_>, top: Value<'_, '_>, json: &mut Json) {
        let tools: Vec<Value<'_, '_>> = top.member("tools").into_iter().flat_map(Value::items).collect();
        let left = tools.into_iter().enumerate().any(|(position, tool)| self.tool(position, tool) != Fixed::Gone);
        if left && self.plan.tool_in_words {
            json.member("tool_choice", |json| json.name("type").word("auto"));
        } else if left {
            json.name("tool_choice").verbatim(value.raw());
        }
    }

    fn tool(&mut self, position: usize, tool: Value<'_, '_>) -> Fixed {
        let word = |name: &str| tool.member(name).and_then(Value::plain).unwrap_or_default();
        let (kind, name) = (word("type"), word("name"));
        let searched = self.has_beta(TOOL_SEARCH);
        if kind.starts_with(SEARCHES) {
            if !searched {
                return Fixed::Gone;
            }
            self.searches.insert(position);
            return self.tool_members(position, tool);
        }
        let offered = match kind.as_ref() {
            "" | "custom" => self.request.tools.iter().any(|tool| tool.name == name),
            _ => self.request.vendor_tools.iter().any(|tool| tool.name == name && tool.kind == kind),
        };
        // What is offered to nobody was told where it was read.
        if !offered || name == PLACEHOLDER && !searched { Fixed::Gone } else { self.tool_members(position, tool) }
    }

    /// A tool without the members that the model refuses.
    fn tool_members(&mut self, position: usize, tool: Value<'_, '_>) -> Fixed {
        let strict = self.terms.entry.strict_tools;
        let (searched, examples, fine) = (
            self.has_beta(TOOL_SEARCH),
            self.has_beta("tool-examples-"),
            self.has_beta("fine-grained-tool-streaming-"),
        );
        Fixed::object(tool, |name, value| match name {
            "cache_control" => self.cache_control(value),
            "allowed_callers" => Fixed::Gone,
            "defer_loading" if !searched => Fixed::Gone,
            "input_examples" if !examples => Fixed::Gone,
            "eager_input_streaming" if !fine => Fixed::Gone,
            "strict" if !strict => {
                if value.raw() == "true" {
                    let why = format!("{} does not enforce schemas of tools", self.terms.entry.name);
                    self.notes.dropped(FieldRef::ToolStrict(position), why);
                }
                Fixed::Gone
            }
            _ if value.kind() == Kind::Null => Fixed::Gone,
            _ => Fixed::Same,
        })
    }
}
