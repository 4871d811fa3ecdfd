//! `toolConfig`: the tools that a client offers, and its choice among them.

use super::content::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::limits;
use crate::model::request::{Tool, ToolChoice};

/// The tools, and the choice among them.
#[derive(Default)]
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) choice: ToolChoice<'a>,
}

/// Reads `toolConfig`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Offer<'a>, Fault> {
    let mut offer = Offer::default();
    let Some(node) = top.get("toolConfig") else { return Ok(offer) };
    let config = node.object()?;
    notes.unknown(&config, &["tools", "toolChoice"]);
    let node = config.need("tools")?;
    let list = node.list()?;
    limits::at_most("toolConfig.tools", list.len(), notes.limits.tools, "tools", "--max-tools")?;
    for node in list.each() {
        one(&node, &mut offer, notes)?;
    }
    if let Some(node) = config.get("toolChoice") {
        offer.choice = choice(&node, &offer, notes)?;
    }
    Ok(offer)
}

/// One item of the list: a tool, a cache point behind the one before, or a tool of Bedrock's own.
fn one<'a>(node: &Node<'a, '_>, offer: &mut Offer<'a>, notes: &mut Notes) -> Result<(), Fault> {
    let item = node.object()?;
    notes.unknown(&item, &["toolSpec", "cachePoint", "systemTool"]);
    if let Some(spec) = item.get("toolSpec") {
        let position = offer.tools.len();
        offer.tools.push(tool(&spec.object()?, position, notes)?);
    } else if let Some(point) = item.get("cachePoint") {
        let ttl = cache_point(&point.object()?, notes)?;
        if let Some(last) = offer.tools.last_mut() {
            last.cache_point = Some(ttl);
        }
    } else if let Some(tool) = item.get("systemTool") {
        notes.dropped(&tool, "a tool that Bedrock itself runs is none of this backend's");
    } else {
        return Err(node.invalid("must have one of these members: toolSpec, cachePoint, systemTool"));
    }
    Ok(())
}

fn tool<'a>(spec: &Object<'a, '_>, position: usize, notes: &mut Notes) -> Result<Tool<'a>, Fault> {
    notes.unknown(spec, &["name", "description", "inputSchema", "strict"]);
    let schema = spec.need("inputSchema")?.object()?;
    notes.unknown(&schema, &["json"]);
    let description = spec.get("description").map(|node| node.text()).transpose()?;
    Ok(Tool {
        name: spec.need("name")?.id(&notes.limits)?,
        description: description.filter(|description| !description.is_blank()),
        schema: Some(schema.need("json")?.raw_object()?),
        wrapped: false,
        strict: spec.get("strict").map(|node| node.boolean()).transpose()?,
        cache_point: None,
        position,
    })
}

fn choice<'a>(node: &Node<'a, '_>, offer: &Offer<'a>, notes: &mut Notes) -> Result<ToolChoice<'a>, Fault> {
    let choice = node.object()?;
    notes.unknown(&choice, &["auto", "any", "tool"]);
    if choice.get("any").is_some() {
        return Ok(ToolChoice::Required);
    }
    let Some(named) = choice.get("tool") else {
        return Ok(if choice.get("auto").is_some() { ToolChoice::Auto } else { ToolChoice::Unset });
    };
    let named = named.object()?;
    notes.unknown(&named, &["name"]);
    let node = named.need("name")?;
    let name = node.string()?;
    if offer.tools.iter().any(|tool| tool.name == name) {
        Ok(ToolChoice::Named(name))
    } else {
        Err(node.invalid("must be the name of one of the tools that are given"))
    }
}
