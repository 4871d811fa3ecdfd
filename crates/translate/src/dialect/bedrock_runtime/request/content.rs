//! The content of a message, of the system's text or of a tool's result: a list of blocks, each a union of one member.

use super::media;
use crate::dialect::bedrock_runtime::redacted;
use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::dialect::seal;
use crate::fault::Fault;
use crate::model::issuer::Issuer;
use crate::model::request::{Block, CacheTtl};
use crate::model::text::Text;

/// The speaker of a content, which decides the kinds of block that it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    /// A tool, in the content of its result.
    Tool,
}

impl Speaker {
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::System => &["text", "guardContent", "cachePoint"],
            Self::User => &[
                "text",
                "image",
                "document",
                "audio",
                "searchResult",
                "toolResult",
                "guardContent",
                "cachePoint",
                "citationsContent",
            ],
            Self::Assistant => {
                &["text", "toolUse", "reasoningContent", "citationsContent", "image", "cachePoint", "guardContent"]
            }
            Self::Tool => &["text", "json", "image", "document", "searchResult"],
        }
    }
}

/// The kinds of block that no other API has a word for.
const ONLY_BEDROCKS: [&str; 1] = ["video"];

/// The blocks of a content, in order.
pub(super) fn read<'a>(node: &Node<'a, '_>, speaker: Speaker, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    let list = node.list()?;
    notes.blocks(list.len())?;
    let mut blocks = Vec::with_capacity(list.len());
    for node in list.each() {
        blocks.extend(one(&node, speaker, notes)?);
    }
    Ok(blocks)
}

/// One block, if it says anything.
fn one<'a>(node: &Node<'a, '_>, speaker: Speaker, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let part = node.object()?;
    if let Some(held) = part.get_any(&ONLY_BEDROCKS) {
        return Err(held.unsupported("is taken by Bedrock alone, and another service answers here"));
    }
    let kinds = speaker.kinds();
    let mut present = kinds.iter().filter(|kind| part.get(kind).is_some());
    let (Some(kind), None) = (present.next(), present.next()) else {
        return Err(node.invalid(&format!("must have exactly one of these members: {}", kinds.join(", "))));
    };
    notes.unknown(&part, kinds);
    let value = part.need(kind)?;
    Ok(match *kind {
        "text" => filled(value.text()?),
        "json" => Some(Block::Text(Text::from_plain(value.raw()))),
        "image" => Some(media::image(&value.object()?, notes)?),
        "document" => Some(media::document(&value.object()?, notes)?),
        "audio" => Some(media::audio(&value.object()?, notes)?),
        "searchResult" => Some(media::search_result(&value.object()?, notes)?),
        "toolUse" => tool_use(&value, notes)?,
        "toolResult" => Some(tool_result(&value.object()?, notes)?),
        "guardContent" => guarded(&value.object()?, notes)?,
        "cachePoint" => Some(Block::CachePoint(cache_point(&value.object()?, notes)?)),
        "citationsContent" => cited(&value.object()?, notes)?,
        _ => reasoning(&value.object()?, notes)?,
    })
}

/// Text, unless it is blank.
fn filled(text: Text<'_>) -> Option<Block<'_>> {
    (!text.is_blank()).then_some(Block::Text(text))
}

fn tool_use<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    let call = node.object()?;
    notes.unknown(&call, &["toolUseId", "name", "input", "type"]);
    if call.get("type").is_some_and(|kind| kind.raw() == r#""server_tool_use""#) {
        notes.dropped(node, "a tool that Bedrock itself ran is none of this backend's");
        return Ok(None);
    }
    let id = call.need("toolUseId")?;
    id.id(&notes.limits)?;
    let name = call.need("name")?.id(&notes.limits)?;
    Ok(Some(Block::ToolUse { id: id.text()?, name, input: call.need("input")?.raw_object()? }))
}

fn tool_result<'a>(result: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.unknown(result, &["toolUseId", "content", "status", "type"]);
    let id = result.need("toolUseId")?;
    id.id(&notes.limits)?;
    let content = read(&result.need("content")?, Speaker::Tool, notes)?;
    let failed = match result.get("status") {
        Some(node) => match node.string()?.as_ref() {
            "error" => true,
            "success" => false,
            _ => return Err(node.invalid("must be `success` or `error`")),
        },
        None => false,
    };
    Ok(Block::ToolResult { id: id.text()?, content, failed })
}

/// `guardContent`: what a guardrail looks at. To a model it is text or a picture like any other.
fn guarded<'a>(guard: &Object<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    notes.unknown(guard, &["text", "image"]);
    if let Some(node) = guard.get("image") {
        return media::image(&node.object()?, notes).map(Some);
    }
    let text = guard.need("text")?.object()?;
    notes.unknown(&text, &["text", "qualifiers"]);
    Ok(filled(text.need("text")?.text()?))
}

pub(super) fn cache_point(point: &Object<'_, '_>, notes: &mut Notes) -> Result<Option<CacheTtl>, Fault> {
    notes.unknown(point, &["type", "ttl"]);
    let Some(ttl) = point.get("ttl") else { return Ok(None) };
    match ttl.string()?.as_ref() {
        "5m" => Ok(Some(CacheTtl::FiveMinutes)),
        "1h" => Ok(Some(CacheTtl::OneHour)),
        _ => Err(ttl.invalid("must be `5m` or `1h`")),
    }
}

/// `citationsContent`: what the model said before, whose sources no other API takes back.
fn cited<'a>(cited: &Object<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    notes.unknown(cited, &["content", "citations"]);
    if let Some(node) = cited.get("citations").filter(|node| node.list().is_ok_and(|list| list.len() > 0)) {
        notes.dropped(&node, "the backend takes no citations back; their text goes on");
    }
    let Some(content) = cited.get("content") else { return Ok(None) };
    let mut said = String::new();
    for node in content.list()?.each() {
        let part = node.object()?;
        notes.unknown(&part, &["text"]);
        if let Some(text) = part.get("text") {
            said.push_str(text.text()?.as_escaped());
        }
    }
    Ok(filled(Text::from_escaped(said)))
}

fn reasoning<'a>(held: &Object<'a, '_>, notes: &mut Notes) -> Result<Option<Block<'a>>, Fault> {
    notes.unknown(held, &["reasoningText", "redactedContent"]);
    if let Some(data) = held.get("redactedContent") {
        let (data, issuer) = redacted::read(data.text()?);
        return Ok(Some(Block::Redacted { data, issuer }));
    }
    let readable = held.need("reasoningText")?.object()?;
    notes.unknown(&readable, &["text", "signature"]);
    let text = readable.get("text").map(|node| node.text()).transpose()?.unwrap_or_default();
    let signature = readable.get("signature").map(|node| node.text()).transpose()?;
    let signature = signature.filter(|signature| !signature.is_empty()).map(seal::unmarked);
    let (signature, issuer) = match signature {
        Some((signature, issuer)) => (Some(signature), issuer),
        None => (None, Issuer::default()),
    };
    Ok((!text.is_empty() || signature.is_some()).then_some(Block::Reasoning { text, signature, issuer }))
}
