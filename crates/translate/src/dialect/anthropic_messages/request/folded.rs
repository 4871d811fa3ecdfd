//! Blocks of a history that was made elsewhere: tools that Anthropic ran, told in words.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;
use crate::model::text::Text;

/// Types of blocks that are told in words.
pub(super) const FOLDED: [&str; 9] = [
    "server_tool_use",
    "mcp_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_result",
];

/// Types of blocks that are left out: they say nothing to a model.
pub(super) const LEFT_OUT: [&str; 3] = ["advisor_tool_result", "fallback", "mcp_tool_listing"];

/// A call of a tool that Anthropic ran, or its result, as text.
pub(super) fn told<'a>(
    part: &Object<'a, '_>,
    word: &str,
    node: &Node<'_, '_>,
    notes: &mut Notes,
) -> Result<Block<'a>, Fault> {
    let said = match word {
        "server_tool_use" | "mcp_tool_use" => {
            let input = part.get("input").map_or("{}", |input| input.raw());
            format!("[The assistant called the tool {} with {input}]", part.need("name")?.string()?)
        }
        _ => {
            let tool = word.strip_suffix("_tool_result").unwrap_or(word);
            let content = part.get("content").map(|content| result(&content)).transpose()?.unwrap_or_default();
            format!("[The result of the tool {tool}: {content}]")
        }
    };
    notes.changed(node, "Bedrock runs no such tool; its part of the conversation was told in words");
    Ok(Block::Text(Text::from_plain(said)))
}

/// The content of a result as text: titles and addresses, names of tools, texts; anything else as it stands.
fn result(content: &Node<'_, '_>) -> Result<String, Fault> {
    if content.is_string() {
        return Ok(content.string()?.into_owned());
    }
    if !content.is_list() {
        let Ok(object) = content.object() else { return Ok(content.raw().to_owned()) };
        return match object.get("tool_references") {
            Some(references) => lines(&references),
            None => Ok(content.raw().to_owned()),
        };
    }
    lines(content)
}

fn lines(list: &Node<'_, '_>) -> Result<String, Fault> {
    let mut lines = Vec::new();
    for node in list.list()?.each() {
        let said = node.object().ok().map(|item| {
            let members =
                ["title", "url", "tool_name", "text"].into_iter().filter_map(|name| item.get(name)?.string().ok());
            members.collect::<Vec<_>>().join(" ")
        });
        lines.push(said.filter(|said| !said.is_empty()).unwrap_or_else(|| node.raw().to_owned()));
    }
    Ok(lines.join("\n"))
}
