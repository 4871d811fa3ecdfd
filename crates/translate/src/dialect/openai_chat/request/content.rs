//! The content of a message: a string, or a list of parts.

use super::fields::{List, Node, Object};
use super::media;
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::issuer::Issuer;
use crate::model::request::{Block, CacheTtl};
use crate::model::text::Text;

/// Who may say what.
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
        ("thinking", Assistant) => (&["thinking", "signature"], thinking(part)?),
        ("redacted_thinking", Assistant) => (&["data"], redacted(part, notes)?),
        ("image_url", User | Tool) => (&["image_url"], Some(media::image(part, notes)?)),
        ("file", User | Tool) => (&["file"], Some(media::file(part, notes)?)),
        ("input_audio", User) => (&["input_audio"], Some(media::audio(part, notes)?)),
        _ => return Err(kind.invalid(&format!("must be {} in a message of this role", speaker.parts()))),
    };
    notes.unknown_to(part, &[&["type", "id", "cache_control", "prompt_cache_breakpoint"], own]);
    Ok(block)
}

/// `{"type": "thinking", "thinking": ..., "signature": ...}`, Anthropic's form.
pub(super) fn thinking<'a>(part: &Object<'a, '_>) -> Result<Option<Block<'a>>, Fault> {
    let text = part.get("thinking").map(|text| text.text()).transpose()?.unwrap_or_default();
    let signature = part.get("signature").map(|signature| signature.text()).transpose()?;
    let signature = signature.filter(|signature| !signature.is_empty());
    Ok((!text.is_empty() || signature.is_some()).then_some(Block::Reasoning {
        text,
        signature,
        issuer: Issuer::default(),
    }))
}

/// `{"type": "redacted_thinking", "data": ...}`, Anthropic's form.
pub(super) fn redacted<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let data = part.need("data")?;
    sealed(&data, notes)
}

/// Reasoning that only its provider can read. What is not base64 cannot have come from Bedrock, and is left out.
pub(super) fn sealed<'a>(data: &Node<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let text = data.text()?;
    if media::is_base64(&text.plain()) {
        return Ok(Some(Block::Redacted { data: text, issuer: Issuer::default() }));
    }
    notes.dropped(data, "it is not base64, so it did not come from Bedrock");
    Ok(None)
}

/// Text, unless it is blank: Bedrock refuses blank text.
pub(super) fn filled(text: Text<'_>) -> Option<Block<'_>> {
    (!text.is_blank()).then_some(Block::Text(text))
}

/// Reads `cache_control` (Anthropic's) and `prompt_cache_breakpoint` (OpenAI's) of a part, a message or a tool.
pub(super) fn cache_point(object: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<Option<CacheTtl>>, Fault> {
    if let Some(node) = object.get("cache_control") {
        let control = node.object()?;
        notes.unknown(&control, &["type", "ttl", "scope"]);
        let kind = control.need("type")?;
        if kind.string()? != "ephemeral" {
            notes.ignored(&kind, "only `ephemeral` is known");
            return Ok(None);
        }
        let Some(ttl) = control.get("ttl") else { return Ok(Some(None)) };
        let known = time_to_live(&ttl.string()?);
        if known.is_none() {
            notes.changed(&ttl, "only `5m` and `1h` are known; 5 minutes are used");
        }
        return Ok(Some(known));
    }
    if let Some(node) = object.get("prompt_cache_breakpoint") {
        node.object()?;
        return Ok(Some(None));
    }
    Ok(None)
}

/// The shortest time that Bedrock offers and that is not shorter than the word says.
pub(super) fn time_to_live(word: &str) -> Option<CacheTtl> {
    match word {
        "5m" => Some(CacheTtl::FiveMinutes),
        "30m" | "1h" => Some(CacheTtl::OneHour),
        _ => None,
    }
}
