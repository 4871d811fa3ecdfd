//! Items of a history that was made elsewhere: tools that OpenAI ran, told in words.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;
use crate::model::text::Text;

/// Types of items that are told in words.
pub(super) const FOLDED: [&str; 3] = ["code_interpreter_call", "file_search_call", "mcp_call"];

/// A call of a tool that OpenAI ran, with its result, as text.
pub(super) fn told<'a>(
    item: &Object<'a, '_>,
    word: &str,
    node: &Node<'_, '_>,
    notes: &mut Notes,
) -> Result<Block<'a>, Fault> {
    notes.blocks(1)?;
    let (tool, asked, answered) = match word {
        "code_interpreter_call" => ("code_interpreter".to_owned(), "code", "outputs"),
        "file_search_call" => ("file_search".to_owned(), "queries", "results"),
        _ => (item.need("name")?.string()?.into_owned(), "arguments", "output"),
    };
    let asked = item.get(asked).map_or_else(|| "{}".to_owned(), |node| plain(&node));
    let answered = item.get_any(&[answered, "error"]).map(|node| format!("; it answered: {}", plain(&node)));
    notes.changed(node, "Bedrock runs no such tool; its part of the conversation was told in words");
    let said = format!("[The assistant called the tool {tool} with {asked}{}]", answered.unwrap_or_default());
    Ok(Block::Text(Text::from_plain(said)))
}

fn plain(node: &Node<'_, '_>) -> String {
    node.string().map_or_else(|_| node.raw().to_owned(), std::borrow::Cow::into_owned)
}
