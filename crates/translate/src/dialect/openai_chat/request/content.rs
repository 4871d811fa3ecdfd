//! The content of a message: a string, or a list of parts.

use super::media;
use crate::dialect::anthropic_words::{cache_point, redacted_block, thinking_block};
use crate::dialect::json::{List, Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;
use crate::model::text::Text;

/// The role of a message, which decides the parts that its content may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Speaker {
    fn parts(self) -> &'static str {
        match self {
            Self::System => "`text`",
            Self::User => "`text`, `image_url`, `file` or `input_audio`",
            Self::Assistant => "`text`, `refusal`, `thinking` or `redacted_thinking`",
            Self::Tool => "`text`, `image_url` or `file`",
        }
    }
}

/// Reads `content`: a blank string is no block at all.
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
    parts(&list, speaker, &mut blocks, notes)?;
    Ok(blocks)
}

fn parts<'a>(
    list: &List<'a, '_>,
    speaker: Speaker,
    blocks: &mut Vec<Block<'a>>,
    notes: &mut Notes,
) -> Result<(), Fault> {
    for node in list.each() {
        if node.is_string() {
            blocks.extend(filled(node.text()?));
            continue;
        }
        let part = node.object()?;
        blocks.extend(one(&part, speaker, notes)?);
        blocks.extend(cache_point(&part, notes)?.map(Block::CachePoint));
    }
    Ok(())
}

fn one<'a>(part: &Object<'a, '_>, speaker: Speaker, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    use Speaker::{Assistant, Tool, User};
    let kind = part.need("type")?;
    let word = kind.string()?;
    let (own, block): (&[&str], _) = match (word.as_ref(), speaker) {
        ("text", _) => (&["text", "annotations"], filled(part.need("text")?.text()?)),
        ("refusal", Assistant) => (&["refusal"], filled(part.need("refusal")?.text()?)),
        ("thinking", Assistant) => (&["thinking", "signature"], thinking_block(part)?),
        ("redacted_thinking", Assistant) => (&["data"], redacted_block(part, notes)?),
        ("image_url", User | Tool) => (&["image_url"], Some(media::image(part, notes)?)),
        ("file", User | Tool) => (&["file"], Some(media::file(part, notes)?)),
        ("input_audio", User) => (&["input_audio"], Some(media::audio(part, notes)?)),
        _ => return Err(kind.invalid(&format!("must be {} in a message of this role", speaker.parts()))),
    };
    notes.unknown_to(part, &[&["type", "id", "cache_control", "prompt_cache_breakpoint"], own]);
    Ok(block)
}

/// Text, unless it is blank: Bedrock refuses blank text.
pub(super) fn filled(text: Text<'_>) -> Option<Block<'_>> {
    (!text.is_blank()).then_some(Block::Text(text))
}
