//! The tools that a client offers, and its choice among them.

use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{List, Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::raw::Raw;
use crate::model::request::{Tool, ToolChoice};
use crate::model::wrapped::is_wrapped;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Tools, the choice among them, and how calls must be answered.
#[derive(Default)]
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: ToolChoice<'a>,
    pub(super) legacy: bool,
    /// The place of each tool, by its name.
    places: BTreeMap<Cow<'a, str>, usize>,
}

impl<'a> Offer<'a> {
    /// Adds a tool; one that is there already, the same in everything, is passed over.
    fn add(&mut self, tool: Tool<'a>, node: &Node<'_, '_>, notes: &mut Notes) -> Result<(), Fault> {
        let Some(at) = self.places.get(&tool.name) else {
            self.places.insert(tool.name.clone(), self.tools.len());
            self.tools.push(Tool { position: self.tools.len(), ..tool });
            return Ok(());
        };
        if !self.tools.get(*at).is_some_and(|known| is_equal(known, &tool)) {
            return Err(node.invalid("has the name of another tool that is not equal to it"));
        }
        notes.dropped(node, "an equal tool stands before it");
        // What stands before a cache point stays before it.
        if let Some(last) = self.tools.last_mut() {
            last.cache_point = last.cache_point.or(tool.cache_point);
        }
        Ok(())
    }
}

fn is_equal(one: &Tool<'_>, other: &Tool<'_>) -> bool {
    let said = |tool: &Tool<'_>| tool.description.as_ref().map(|text| text.plain().into_owned());
    let strict = |tool: &Tool<'_>| tool.strict.unwrap_or_default();
    let value = |schema: &Raw<'_>| serde_json::from_str::<Value>(schema.as_json()).ok();
    let schemas = match (&one.schema, &other.schema) {
        (Some(one), Some(other)) => one == other || value(one).is_some() && value(one) == value(other),
        (one, other) => one == other,
    };
    schemas && said(one) == said(other) && strict(one) == strict(other)
}

/// Reads `tools`, `functions`, `tool_choice` and `function_call`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Offer<'a>, Fault> {
    let mut offer = Offer::default();
    if let Some(node) = top.get("tools") {
        let list = counted(&node, 0, notes)?;
        offer.tools.reserve(list.len());
        for node in list.each() {
            let tool = tool(&node.object()?, notes)?;
            offer.add(tool, &node, notes)?;
        }
    }
    if let Some(node) = top.get("functions") {
        offer.legacy = offer.tools.is_empty();
        for node in counted(&node, offer.tools.len(), notes)?.each() {
            let object = node.object()?;
            let cache_point = cache_point(&object, notes)?;
            offer.add(Tool { cache_point, ..function(&object, notes)? }, &node, notes)?;
        }
    }
    if let Some(node) = top.get("tool_choice") {
        choose(&node, &mut offer, notes)?;
    } else if let Some(node) = top.get("function_call") {
        choose_function(&node, &mut offer, notes)?;
    }
    Ok(offer)
}

/// The names of the tools whose arguments are no object, before anything is refused.
pub(super) fn wrapped(top: &Object<'_, '_>) -> BTreeSet<String> {
    let lists = ["tools", "functions"].into_iter().filter_map(|list| top.get(list)?.list().ok());
    let name = |tool: Object<'_, '_>| {
        let is = tool.get("parameters").is_some_and(|schema| is_wrapped(schema.raw()));
        is.then(|| tool.get("name")?.string().ok().map(Cow::into_owned)).flatten()
    };
    let tool = |node: Node<'_, '_>| {
        let tool = node.object().ok()?;
        match tool.get("function") {
            Some(function) => name(function.object().ok()?),
            None => name(tool),
        }
    };
    lists.flat_map(|list| list.each().filter_map(tool).collect::<Vec<_>>()).collect()
}

/// The tools of a list, unless there are too many together with so many others.
fn counted<'a, 'p>(node: &Node<'a, 'p>, others: usize, notes: &Notes) -> Result<List<'a, 'p>, Fault> {
    let list = node.list()?;
    limits::at_most(&node.at.to_string(), others + list.len(), notes.limits.tools, "tools", "--max-tools")?;
    Ok(list)
}

fn tool<'a>(tool: &Object<'a, '_>, notes: &mut Notes) -> Result<Tool<'a>, Fault> {
    let kind = tool.need("type")?;
    if kind.string()? != "function" {
        return Err(kind.unsupported("must be `function`: Bedrock offers no other tools of this API"));
    }
    notes.unknown(tool, &["type", "function", "cache_control", "prompt_cache_breakpoint"]);
    let definition = tool.need("function")?.object()?;
    let cache_point = match cache_point(tool, notes)? {
        None => cache_point(&definition, notes)?,
        found => found,
    };
    Ok(Tool { cache_point, ..function(&definition, notes)? })
}

fn function<'a>(function: &Object<'a, '_>, notes: &mut Notes) -> Result<Tool<'a>, Fault> {
    notes.unknown(
        function,
        &["name", "description", "parameters", "strict", "cache_control", "prompt_cache_breakpoint"],
    );
    let description = function.get("description").map(|text| text.text()).transpose()?;
    let name = function.need("name")?.id(&notes.limits)?;
    Ok(Tool {
        wrapped: notes.wrapped.contains(name.as_ref()),
        name,
        description: description.filter(|description| !description.is_blank()),
        schema: function.get("parameters").map(|schema| schema.raw_object()).transpose()?,
        strict: function.get("strict").map(|strict| strict.boolean()).transpose()?,
        cache_point: None,
        position: 0,
    })
}

fn choose<'a>(node: &Node<'a, '_>, offer: &mut Offer<'a>, notes: &mut Notes) -> Result<(), Fault> {
    if node.is_string() {
        offer.choice = match node.string()?.as_ref() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => required(node, offer)?,
            _ => return Err(node.invalid("must be `none`, `auto`, `required` or an object that names a tool")),
        };
        return Ok(());
    }
    if !node.is_object() {
        return Err(node.wrong("a string or an object"));
    }
    let object = node.object()?;
    let kind = object.need("type")?;
    match kind.string()?.as_ref() {
        "function" => {
            notes.unknown(&object, &["type", "function"]);
            offer.choice = named(&object.need("function")?.object()?, offer)?;
            Ok(())
        }
        "allowed_tools" => {
            notes.unknown(&object, &["type", "allowed_tools"]);
            allow(&object.need("allowed_tools")?.object()?, offer, notes)
        }
        "custom" => Err(kind.unsupported("must be `function` or `allowed_tools`: Bedrock has no custom tools")),
        _ => Err(kind.invalid("must be `function` or `allowed_tools`")),
    }
}

/// `function_call`, the older field for the older `functions`.
fn choose_function<'a>(node: &Node<'a, '_>, offer: &mut Offer<'a>, notes: &mut Notes) -> Result<(), Fault> {
    if node.is_object() {
        let object = node.object()?;
        notes.unknown(&object, &["name"]);
        offer.choice = named(&object, offer)?;
        return Ok(());
    }
    offer.choice = match node.string().map_err(|_| node.wrong("a string or an object"))?.as_ref() {
        "none" => ToolChoice::None,
        "auto" => ToolChoice::Auto,
        _ => return Err(node.invalid("must be `none`, `auto` or an object that names a function")),
    };
    Ok(())
}

fn required<'a>(node: &Node<'_, '_>, offer: &Offer<'_>) -> Result<ToolChoice<'a>, Fault> {
    if offer.tools.is_empty() {
        Err(node.invalid("requires a tool, and no tools are given"))
    } else {
        Ok(ToolChoice::Required)
    }
}

fn named<'a>(object: &Object<'a, '_>, offer: &Offer<'_>) -> Result<ToolChoice<'a>, Fault> {
    let offered = offer.tools.iter().map(|tool| tool.name.as_ref()).collect();
    Ok(ToolChoice::Named(known(object, &offered)?))
}

/// The object's `name`, which must be that of a tool.
fn known<'a>(object: &Object<'a, '_>, offered: &BTreeSet<&str>) -> Result<Cow<'a, str>, Fault> {
    let node = object.need("name")?;
    let name = node.string()?;
    if offered.contains(name.as_ref()) {
        Ok(name)
    } else {
        Err(node.invalid("must be the name of one of the tools that are given"))
    }
}

/// `allowed_tools`: the others are not offered at all.
fn allow<'a>(object: &Object<'a, '_>, offer: &mut Offer<'a>, notes: &Notes) -> Result<(), Fault> {
    let mode = object.need("mode")?;
    let choice = match mode.string()?.as_ref() {
        "auto" => ToolChoice::Auto,
        "required" => ToolChoice::Required,
        _ => return Err(mode.invalid("must be `auto` or `required`")),
    };
    let list = object.need("tools")?;
    let offered = offer.tools.iter().map(|tool| tool.name.as_ref()).collect();
    let mut allowed = BTreeSet::new();
    for node in counted(&list, 0, notes)?.each() {
        let tool = node.object()?;
        let kind = tool.need("type")?;
        if kind.string()? != "function" {
            return Err(kind.unsupported("must be `function`"));
        }
        let name = match tool.get("function") {
            Some(function) => known(&function.object()?, &offered)?,
            None => known(&tool, &offered)?,
        };
        allowed.insert(name);
    }
    if allowed.is_empty() {
        return Err(list.invalid("must name at least one tool"));
    }
    offer.tools.retain(|tool| allowed.contains(&tool.name));
    offer.choice = choice;
    Ok(())
}
