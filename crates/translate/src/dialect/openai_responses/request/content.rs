//! The content of a message or of a tool's output: a string, or a list of parts.

use super::media;
use crate::dialect::anthropic_words::cache_point;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;
use crate::model::text::Text;

/// The speaker of a content, which decides the parts that it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    /// A tool, in its output.
    Tool,
}

impl Speaker {
    fn parts(self) -> &'static str {
        match self {
            Self::System => "`input_text`",
            Self::User | Self::Tool => "`input_text`, `input_image` or `input_file`",
            Self::Assistant => "`output_text` or `refusal`",
        }
    }
}

/// Reads a content: a blank text is no block at all.
pub(super) fn read<'a>(node: &Node<'a, '_>, speaker: Speaker, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    if node.is_string() {
        notes.blocks(1)?;
        return Ok(filled(node.text()?).into_iter().collect());
    }
    if !node.is_list() {
        return Err(node.wrong("a string or an array of parts"));
    }
    let list = node.list()?;
    let count = list.len();
    notes.blocks(count)?;
    let mut blocks = Vec::with_capacity(count);
    for node in list.each() {
        let part = node.object()?;
        blocks.extend(one(&part, speaker, notes)?);
        blocks.extend(cache_point(&part, notes)?.map(Block::CachePoint));
    }
    Ok(blocks)
}

fn one<'a>(part: &Object<'a, '_>, speaker: Speaker, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    use Speaker::{Assistant, Tool, User};
    let kind = part.need("type")?;
    let word = kind.string()?;
    let (own, block): (&[&str], _) = match (word.as_ref(), speaker) {
        ("input_text" | "output_text" | "text", _) => {
            (&["text", "annotations", "logprobs"], filled(part.need("text")?.text()?))
        }
        ("refusal", Assistant) => (&["refusal"], filled(part.need("refusal")?.text()?)),
        ("input_image", User | Tool) => (&media::IMAGE, Some(media::image(part, notes)?)),
        ("input_file", User | Tool) => (&media::FILE, Some(media::file(part, notes)?)),
        _ => return Err(kind.invalid(&format!("must be {} here", speaker.parts()))),
    };
    notes.unknown_to(part, &[&["type", "id", "cache_control", "prompt_cache_breakpoint"], own]);
    Ok(block)
}

/// Text, unless it is blank: Bedrock refuses blank text.
pub(super) fn filled(text: Text<'_>) -> Option<Block<'_>> {
    (!text.is_blank()).then_some(Block::Text(text))
}
