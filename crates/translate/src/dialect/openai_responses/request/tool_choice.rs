//! The choice among the tools that are offered.

use super::flat_names::ClientName;
use super::synthetic;
use super::tools::Offer;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_responses::request::CalledKind;
use crate::fault::Fault;
use crate::model::request::ToolChoice;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Reads `tool_choice`.
pub(super) fn read<'a>(top: &Object<'a, '_>, offer: &mut Offer<'a>, notes: &mut Notes) -> Result<(), Fault> {
    let Some(node) = top.get("tool_choice") else { return Ok(()) };
    if node.is_string() {
        offer.choice = match node.string()?.as_ref() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => required(&node, offer)?,
            _ => return Err(node.invalid("must be `none`, `auto`, `required` or an object that names a tool")),
        };
        return Ok(());
    }
    if !node.is_object() {
        return Err(node.wrong("a string or an object"));
    }
    let choice = node.object()?;
    let kind = choice.need("type")?;
    if kind.string()? == "allowed_tools" {
        notes.unknown(&choice, &["type", "mode", "tools"]);
        return allow(&choice, offer);
    }
    notes.unknown(&choice, &["type", "name", "namespace", "server_label"]);
    offer.choice = ToolChoice::Named(Cow::Owned(named(&choice, offer)?));
    Ok(())
}

fn required(node: &Node<'_, '_>, offer: &Offer<'_>) -> Result<ToolChoice<'static>, Fault> {
    if !offer.tools.is_empty() {
        return Ok(ToolChoice::Required);
    }
    match offer.left_out.is_empty() {
        true => Err(node.invalid("requires a tool, and no tools are given")),
        false => Err(node.unsupported("requires a tool, and Bedrock runs none of those that are given")),
    }
}

/// The flat name of the tool that an object names: by its name, or by its type alone.
fn named(object: &Object<'_, '_>, offer: &Offer<'_>) -> Result<String, Fault> {
    let kind = object.need("type")?;
    let by_type = match kind.string()?.as_ref() {
        "function" | "custom" => None,
        "apply_patch" => synthetic::of(CalledKind::ApplyPatch),
        "local_shell" => synthetic::of(CalledKind::LocalShell),
        "shell" => synthetic::of(CalledKind::Shell),
        _ => return Err(kind.unsupported("names a tool that Bedrock does not run")),
    };
    let (node, name) = match by_type {
        Some(tool) => (kind, Cow::Borrowed(tool.name)),
        None => {
            let node = object.need("name")?;
            let name = node.string()?;
            (node, name)
        }
    };
    let namespace = object.get("namespace").map(|namespace| namespace.string()).transpose()?;
    let flat = offer.names.offered(&ClientName { namespace, name }).map(str::to_owned);
    flat.ok_or_else(|| node.invalid("must be that of one of the tools that are given"))
}

/// `allowed_tools`: the others are not offered at all.
fn allow(choice: &Object<'_, '_>, offer: &mut Offer<'_>) -> Result<(), Fault> {
    let mode = choice.need("mode")?;
    let list = choice.need("tools")?;
    let mut allowed = BTreeSet::new();
    for node in list.list()?.each() {
        let tool = node.object()?;
        let kind = tool.need("type")?.string()?;
        // What is not offered anyway need not be forbidden.
        if !offer.left_out.contains(kind.as_ref()) {
            allowed.insert(named(&tool, offer)?);
        }
    }
    offer.choice = match mode.string()?.as_ref() {
        "auto" if allowed.is_empty() => ToolChoice::None,
        "auto" => ToolChoice::Auto,
        "required" if allowed.is_empty() => {
            return Err(list.invalid("must name at least one tool that Bedrock can call"));
        }
        "required" => ToolChoice::Required,
        _ => return Err(mode.invalid("must be `auto` or `required`")),
    };
    if !allowed.is_empty() {
        offer.tools.retain(|tool| allowed.contains(tool.name.as_ref()));
    }
    Ok(())
}
