//! The ask for reasoning and the format of the answer: `thinking`, `output_config`, `output_format`.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::reasoning_claim::effort;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::{Display, ReasoningAsk, Switch};
use crate::model::request::Format;
use crate::model::text::Text;

/// The name of a schema, which Messages does not have.
const SCHEMA: &str = "answer";

/// Reads these fields.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<(ReasoningAsk, Format<'a>), Fault> {
    // An effort says how hard to work; it does not switch thinking on.
    let mut ask = ReasoningAsk { effort_alone: true, cannot_exclude: true, ..ReasoningAsk::default() };
    let mut form = Format::Text;
    if let Some(node) = top.get("output_format") {
        form = format(&node, notes)?;
    }
    if let Some(node) = top.get("output_config") {
        let config = node.object()?;
        notes.unknown(&config, &["effort", "format", "task_budget"]);
        if let Some(node) = config.get("effort") {
            let said = effort(&node, "output_config.effort", notes)?;
            ask.effort = said.and_then(|said| said.effort);
            ask.effort_field = Some(FieldRef::own("output_config.effort"));
        }
        if let Some(node) = config.get("format") {
            form = format(&node, notes)?;
        }
        if let Some(node) = config.get("task_budget") {
            notes.dropped(&node, "Bedrock has no budget for a task");
        }
    }
    if let Some(node) = top.get("thinking") {
        thinking(&node.object()?, &mut ask, notes)?;
    }
    Ok((ask, form))
}

fn thinking(thinking: &Object<'_, '_>, ask: &mut ReasoningAsk, notes: &mut Notes) -> Result<(), Fault> {
    notes.unknown(thinking, &["type", "budget_tokens", "display", "block_binding"]);
    let kind = thinking.need("type")?;
    let budget = thinking.get("budget_tokens");
    ask.field = Some(FieldRef::own("thinking"));
    ask.switch = match (kind.string()?.as_ref(), &budget) {
        ("enabled", Some(budget)) => {
            ask.field = Some(FieldRef::own("thinking.budget_tokens"));
            Switch::Budget(budget.count()?)
        }
        ("enabled", None) | ("adaptive", _) => Switch::On,
        ("disabled", _) => Switch::Off,
        ("between_tools", _) => Switch::BetweenTools,
        _ => return Err(kind.invalid("must be `enabled`, `adaptive`, `disabled` or `between_tools`")),
    };
    if let Some(budget) = budget.filter(|_| !matches!(ask.switch, Switch::Budget(_))) {
        notes.ignored(&budget, "only `enabled` has a budget");
    }
    if let Some(node) = thinking.get("display") {
        ask.display = display(&node, notes)?;
    }
    if let Some(node) = thinking.get("block_binding") {
        binding(&node.object()?, ask, notes)?;
    }
    Ok(())
}

fn display(node: &Node<'_, '_>, notes: &mut Notes) -> Result<Option<Display>, Fault> {
    Ok(match node.string()?.as_ref() {
        "summarized" => Some(Display::Summarized),
        "omitted" => Some(Display::Omitted),
        "updates" => Some(Display::Updates),
        _ => {
            notes.ignored(node, "only `summarized`, `omitted` and `updates` are known");
            None
        }
    })
}

/// The binding of thoughts to their conversation: those of another one are refused, where nothing is said.
fn binding(binding: &Object<'_, '_>, ask: &mut ReasoningAsk, notes: &mut Notes) -> Result<(), Fault> {
    notes.unknown(binding, &["prefix_mismatch_behavior"]);
    let Some(node) = binding.get("prefix_mismatch_behavior") else { return Ok(()) };
    match node.string()?.as_ref() {
        "drop_block" => ask.drop_mismatched = true,
        "error" => {}
        _ => notes.ignored(&node, "only `error` and `drop_block` are known"),
    }
    Ok(())
}

/// `{"type": "json_schema", "schema": ...}`
fn format<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Format<'a>, Fault> {
    let format = node.object()?;
    notes.unknown(&format, &["type", "schema", "name"]);
    let kind = format.need("type")?;
    if kind.string()? != "json_schema" {
        return Err(kind.invalid("must be `json_schema`"));
    }
    let schema = format.need("schema")?.raw_object()?;
    Ok(Format::Schema { name: Text::from_escaped(SCHEMA), description: None, schema, strict: true })
}
