//! `tools` and `tool_choice` of a client's body.

use super::blocks::Fixed;
use super::points::Part;
use super::{Rewriting, TOOL_SEARCH};
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::Request;
use crate::wire::json::{Kind, Value};
use std::borrow::Cow;

/// The tool that stands for those that are found by a search only.
const PLACEHOLDER: &str = "DeferredToolPlaceholder";
/// The types of the tool that searches among the others begin so.
const SEARCHES: &str = "tool_search_tool_";

/// A member of a tool that is a string; empty without one.
fn word<'a>(tool: Value<'a, '_>, name: &str) -> Cow<'a, str> {
    tool.member(name).and_then(Value::plain).unwrap_or_default()
}

impl Rewriting<'_> {
    /// Writes `tools`: those that Bedrock takes, without the members that the model does not.
    pub(super) fn tools(&mut self, value: Value<'_, '_>, json: &mut Json) {
        self.points.begin(Part::Tools);
        let sent = Fixed::list(value, |position, tool| self.tool(position, tool));
        if let Some(tools) = sent.json(value).filter(|_| value.items().next().is_some()) {
            json.name("tools").verbatim(&tools);
        }
    }

    /// Writes `tool_choice`, unless no tool is left to choose.
    pub(super) fn tool_choice(&mut self, value: Value<'_, '_>, top: Value<'_, '_>, json: &mut Json) {
        let mut tools = top.member("tools").into_iter().flat_map(Value::items).enumerate();
        let left = tools.any(|(position, tool)| self.is_offered(position, tool));
        if left && self.plan.tool_in_words {
            json.member("tool_choice", |json| json.name("type").word("auto"));
        } else if left {
            json.name("tool_choice").verbatim(value.raw());
        }
    }

    fn tool(&mut self, position: usize, tool: Value<'_, '_>) -> Fixed {
        // What is offered to nobody was told where it was read.
        if !self.is_offered(position, tool) {
            return Fixed::Gone;
        }
        if word(tool, "type").starts_with(SEARCHES) {
            self.searches.insert(position);
        }
        self.tool_members(position, tool)
    }

    fn is_offered(&self, position: usize, tool: Value<'_, '_>) -> bool {
        let (kind, searched) = (word(tool, "type"), self.has_beta(TOOL_SEARCH));
        let Request { tools, vendor_tools, .. } = self.request;
        if kind.starts_with(SEARCHES) {
            return searched;
        }
        match kind.as_ref() {
            "" | "custom" => {
                let read = tools.binary_search_by_key(&position, |tool| tool.position).ok();
                read.and_then(|at| tools.get(at)).is_some_and(|tool| searched || tool.name != PLACEHOLDER)
            }
            kind => vendor_tools.iter().any(|known| known.name == word(tool, "name") && known.kind == kind),
        }
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
