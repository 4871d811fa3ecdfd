//! The calls of the client's tools in a history, each as the object that a model on Bedrock wrote.

use super::conversation::{Conversation, Item};
use super::flat_names::ClientName;
use super::synthetic;
use crate::dialect::call_arguments::{input, wrapped};
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::openai_responses::request::CalledKind;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::request::{Block, Role};
use crate::model::text::Text;
use std::borrow::Cow;

/// Members of every item with a call.
const COMMON: [&str; 7] = ["type", "id", "call_id", "status", "name", "namespace", "caller"];

/// A call: its tool under the name that the model knows, and its arguments.
struct Called<'a> {
    name: Cow<'a, str>,
    input: Raw<'a>,
}

/// Reads an item with a call into the model's turn.
pub(super) fn read<'a>(
    conversation: &mut Conversation<'a>,
    item: &Item<'_, 'a>,
    kind: &str,
    notes: &mut Notes,
) -> Result<(), Fault> {
    let call = item.object;
    if kind == "tool_search_call" && call.get("call_id").is_none() {
        notes.dropped_each(&item.node, "OpenAI made this search; all tools are offered from the beginning");
        return Ok(());
    }
    notes.blocks(1)?;
    let id = call.need("call_id")?;
    id.id(&notes.limits)?;
    let called = match kind {
        "function_call" => function(item, notes)?,
        "custom_tool_call" => custom(item, notes)?,
        "tool_search_call" => search(item, notes)?,
        "apply_patch_call" => patch(call, notes)?,
        "shell_call" => shell(call, CalledKind::Shell, notes)?,
        _ => {
            if let Some(item) = call.get("id") {
                conversation.shell_calls.insert(item.string()?.into_owned(), id.string()?.into_owned());
            }
            shell(call, CalledKind::LocalShell, notes)?
        }
    };
    let block = Block::ToolUse { id: call_id::given(id.text()?), name: called.name, input: called.input };
    conversation.said(Role::Assistant, item.position).push(block);
    Ok(())
}

/// The tool that a call names, as the model knows it.
fn named<'a>(item: &Item<'_, 'a>, notes: &Notes) -> Result<Cow<'a, str>, Fault> {
    let name = item.object.need("name")?.id(&notes.limits)?;
    let namespace = item.object.get("namespace").map(|namespace| namespace.string()).transpose()?;
    Ok(item.names.known(ClientName { namespace, name }))
}

fn function<'a>(item: &Item<'_, 'a>, notes: &mut Notes) -> Result<Called<'a>, Fault> {
    notes.unknown_to(item.object, &[&COMMON, &["arguments", "async"]]);
    let name = named(item, notes)?;
    let input = match item.object.get("arguments") {
        Some(arguments) if item.names.wrapped.contains(name.as_ref()) => wrapped(&arguments, notes)?,
        Some(arguments) => input(&arguments, notes)?,
        None => Raw::EMPTY,
    };
    Ok(Called { name, input })
}

/// The text of a custom tool is the one member of the object that the model wrote.
fn custom<'a>(item: &Item<'_, 'a>, notes: &mut Notes) -> Result<Called<'a>, Fault> {
    notes.unknown_to(item.object, &[&COMMON, &["input", "async"]]);
    let text = item.object.get("input").map(|input| input.text()).transpose()?.unwrap_or_default();
    Ok(Called { name: named(item, notes)?, input: text_input(&text) })
}

fn text_input(text: &Text<'_>) -> Raw<'static> {
    Raw::from_json(format!(r#"{{"input":"{}"}}"#, text.as_escaped()))
}

/// The arguments of a search are an object, and a string of one in some histories.
fn search<'a>(item: &Item<'_, 'a>, notes: &mut Notes) -> Result<Called<'a>, Fault> {
    notes.unknown_to(item.object, &[&COMMON, &["arguments", "execution"]]);
    let input = match item.object.get("arguments") {
        Some(arguments) if arguments.is_object() => arguments.raw_object()?,
        Some(arguments) => input(&arguments, notes)?,
        None => Raw::EMPTY,
    };
    let name = item.names.known(ClientName { namespace: None, name: Cow::Borrowed("tool_search") });
    Ok(Called { name, input })
}

fn patch<'a>(call: &Object<'a, '_>, notes: &mut Notes) -> Result<Called<'a>, Fault> {
    notes.unknown_to(call, &[&COMMON, &["operation"]]);
    let operation = call.need("operation")?.raw_object()?;
    let input = Raw::from_json(format!(r#"{{"operation":{}}}"#, operation.as_json()));
    Ok(Called { name: Cow::Borrowed(tool_name(CalledKind::ApplyPatch)), input })
}

fn shell<'a>(call: &Object<'a, '_>, kind: CalledKind, notes: &mut Notes) -> Result<Called<'a>, Fault> {
    notes.unknown_to(call, &[&COMMON, &["action", "environment"]]);
    Ok(Called { name: Cow::Borrowed(tool_name(kind)), input: action(&call.need("action")?)? })
}

/// An action as it came, which is the arguments of the tool.
fn action<'a>(node: &Node<'a, '_>) -> Result<Raw<'a>, Fault> {
    node.raw_object()
}

fn tool_name(kind: CalledKind) -> &'static str {
    synthetic::of(kind).map_or("", |tool| tool.name)
}
