//! The content of a message: a string, or a list of blocks.

use super::{folded, media};
use crate::dialect::anthropic_words::{cache_point, redacted_block, thinking_block};
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::request::Block;
use crate::model::text::Text;

/// The speaker of a content, which decides the types of block that it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    /// A tool, in the content of its result.
    Tool,
}

impl Speaker {
    fn blocks(self) -> &'static str {
        match self {
            Self::System => "`text`, `tool_addition` or `tool_removal`",
            Self::User => "`text`, `image`, `document`, `search_result` or `tool_result`",
            Self::Assistant => "`text`, `thinking`, `redacted_thinking` or `tool_use`",
            Self::Tool => "`text`, `image`, `document`, `search_result` or `tool_reference`",
        }
    }
}

/// The reading of one block.
pub(super) enum Read<'a> {
    /// A block, with a cache point behind it where it has one.
    Block(Block<'a>),
    /// Nothing.
    Nothing,
    /// The conversation begins anew with this text: what stood before it is summed up in it.
    Compaction(Text<'a>),
    /// The tool of this name is offered from here on, or no more.
    Tool { name: String, offered: bool },
}

/// The blocks of a content, in order.
pub(super) fn read<'a>(
    node: &Node<'a, '_>,
    speaker: Speaker,
    notes: &mut Notes,
    to: &mut dyn FnMut(Read<'a>),
) -> Result<(), Fault> {
    if node.is_string() {
        notes.blocks(1)?;
        to(filled(node.text()?));
        return Ok(());
    }
    if !node.is_list() {
        return Err(node.wrong("a string or an array of blocks"));
    }
    let list = node.list()?;
    notes.blocks(list.len())?;
    for node in list.each() {
        let part = node.object()?;
        let read = one(&part, speaker, &node, notes)?;
        let sealed = matches!(&read, Read::Block(block) if block.is_reasoning());
        to(read);
        let point = cache_point(&part, notes)?;
        if let Some(ttl) = point.filter(|_| !sealed) {
            to(Read::Block(Block::CachePoint(ttl)));
        }
    }
    Ok(())
}

fn block_or_nothing(block: Option<Block<'_>>) -> Read<'_> {
    block.map_or(Read::Nothing, Read::Block)
}

/// Text, unless it is blank: Bedrock refuses blank text.
fn filled(text: Text<'_>) -> Read<'_> {
    if text.is_blank() { Read::Nothing } else { Read::Block(Block::Text(text)) }
}

fn one<'a>(part: &Object<'a, '_>, speaker: Speaker, node: &Node<'a, '_>, notes: &mut Notes) -> Result<Read<'a>, Fault> {
    use Speaker::{Assistant, System, Tool, User};
    let kind = part.need("type")?;
    let word = kind.string()?;
    let (own, read): (&[&str], _) = match (word.as_ref(), speaker) {
        ("text", _) => (&["text", "citations"], filled(part.need("text")?.text()?)),
        ("image", User | Tool) => (&["source", "transformations"], Read::Block(media::image(part, notes)?)),
        ("document", User | Tool) => {
            (&["source", "title", "context", "citations"], Read::Block(media::file(part, notes)?))
        }
        ("search_result", User | Tool) => {
            (&["source", "title", "content", "citations"], Read::Block(media::search_result(part, notes)?))
        }
        ("thinking", Assistant) => (&["thinking", "signature"], block_or_nothing(thinking_block(part)?)),
        ("redacted_thinking", Assistant) => (&["data"], block_or_nothing(redacted_block(part, notes)?)),
        ("tool_use", Assistant) => (&["id", "name", "input", "caller", "toolset_name"], tool_use(part, notes)?),
        ("tool_result", User) => (&["tool_use_id", "content", "is_error", "toolset_name"], tool_result(part, notes)?),
        ("tool_reference", Tool) => (&["tool_name"], reference(part)?),
        ("tool_addition" | "tool_removal", System) => (&["tool"], tool_change(part, word == "tool_addition")?),
        ("compaction", Assistant) => {
            (&["content", "encrypted_content", "signature", "tool_changes"], compaction(part, &kind, notes)?)
        }
        ("container_upload", _) => {
            return Err(kind.unsupported("names an uploaded file, which Bedrock does not keep"));
        }
        (word, Assistant | User) if folded::FOLDED.contains(&word) => {
            return folded::told(part, word, node, notes).map(Read::Block);
        }
        (word, _) if folded::LEFT_OUT.contains(&word) => {
            notes.dropped(node, "it says nothing to a model on Bedrock");
            return Ok(Read::Nothing);
        }
        _ => return Err(kind.invalid(&format!("must be {} here", speaker.blocks()))),
    };
    notes.unknown_to(part, &[&["type", "cache_control"], own]);
    Ok(read)
}

fn tool_use<'a>(part: &Object<'a, '_>, notes: &Notes) -> Result<Read<'a>, Fault> {
    let id = part.need("id")?;
    if id.filled_string()?.is_empty() {
        return Err(id.invalid("must not be empty"));
    }
    let name = part.need("name")?.id(&notes.limits)?;
    let input = part.need("input")?.raw_object()?;
    Ok(Read::Block(Block::ToolUse { id: call_id::given(id.text()?), name, input }))
}

/// A tool's answer. Bedrock has no cache points inside it, so one from there stands behind it.
fn tool_result<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Read<'a>, Fault> {
    let id = part.need("tool_use_id")?;
    id.filled_string()?;
    let mut content = Vec::new();
    if let Some(node) = part.get("content") {
        read(&node, Speaker::Tool, notes, &mut |read| match read {
            Read::Block(Block::CachePoint(_)) | Read::Nothing | Read::Compaction(_) | Read::Tool { .. } => {}
            Read::Block(block) => content.push(block),
        })?;
    }
    let failed = part.get("is_error").map(|failed| failed.boolean()).transpose()?.unwrap_or_default();
    Ok(Read::Block(Block::ToolResult { id: call_id::given(id.text()?), content, failed }))
}

/// A tool that a search of the client's found. All tools are offered, so its name is all that there is to say.
fn reference<'a>(part: &Object<'a, '_>) -> Result<Read<'a>, Fault> {
    let name = part.need("tool_name")?.filled_string()?;
    Ok(Read::Block(Block::Text(Text::from_plain(format!("The tool {name} is available.")))))
}

/// `{"type": "tool_addition", "tool": {"name": ...}}`
fn tool_change<'a>(part: &Object<'_, '_>, offered: bool) -> Result<Read<'a>, Fault> {
    let tool = part.need("tool")?.object()?;
    let name = tool.get_any(&["name", "tool_name"]).ok_or_else(|| tool.missing("name"))?;
    Ok(Read::Tool { name: name.filled_string()?.into_owned(), offered })
}

/// A compaction block: the summary of the conversation before it, in words.
fn compaction<'a>(part: &Object<'a, '_>, kind: &Node<'_, '_>, notes: &mut Notes) -> Result<Read<'a>, Fault> {
    let content = part.get("content").map(|content| content.text()).transpose()?;
    let Some(content) = content.filter(|content| !content.is_blank()) else {
        return Err(kind.unsupported("sums the conversation up for Anthropic alone; send it with its `content`"));
    };
    notes.changed(kind, "Bedrock's Converse API knows no summaries; the conversation begins with this one's words");
    Ok(Read::Compaction(content))
}
