//! Pictures, documents, sound and search results of a Converse request.

use crate::dialect::json::{Node, Object};
use crate::dialect::media::{self, DOCUMENTS, PICTURES, SOUNDS};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::{Block, MediaSource};
use crate::model::text::Text;

pub(super) fn image<'a>(image: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.unknown(image, &["format", "source"]);
    notes.image()?;
    let format = image.need("format")?;
    let known = media::picture(&format!("image/{}", format.string()?));
    let known = known.ok_or_else(|| format.invalid(&format!("must be {PICTURES}")))?;
    Ok(Block::Image { format: known, source: bytes(&image.need("source")?, notes)? })
}

pub(super) fn document<'a>(document: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.unknown(document, &["format", "name", "source", "context", "citations"]);
    notes.document()?;
    let known = match document.get("format") {
        Some(format) => {
            let known = media::document(&format.string()?);
            known.ok_or_else(|| format.invalid(&format!("must be {DOCUMENTS}")))?
        }
        None => "txt",
    };
    let name = document.get("name").map(|node| node.string()).transpose()?;
    let node = document.need("source")?;
    let source = node.object()?;
    let source = match (source.get("text"), source.get("content")) {
        (Some(text), _) => MediaSource::Words(text.text()?),
        (None, Some(parts)) => MediaSource::Parts(texts(&parts, notes)?),
        (None, None) => bytes(&node, notes)?,
    };
    let context = document.get("context").map(|node| node.text()).transpose()?.filter(|text| !text.is_blank());
    Ok(Block::Document { format: known, name, source, context, citations: cited(document, notes)? })
}

pub(super) fn audio<'a>(audio: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.unknown(audio, &["format", "source"]);
    let format = audio.need("format")?;
    let word = format.string()?;
    if !SOUNDS.contains(&word.as_ref()) {
        return Err(format.invalid(&format!("must be one of {}", SOUNDS.join(", "))));
    }
    Ok(Block::Audio { format: word, source: bytes(&audio.need("source")?, notes)? })
}

pub(super) fn search_result<'a>(result: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.unknown(result, &["source", "title", "content", "citations"]);
    Ok(Block::SearchResult {
        source: result.need("source")?.text()?,
        title: result.need("title")?.text()?,
        content: texts(&result.need("content")?, notes)?,
        citations: cited(result, notes)?,
    })
}

/// The bytes of a medium. An object in S3 would be read with Bedrock's rights, which another service does not have.
fn bytes<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<MediaSource<'a>, Fault> {
    let source = node.object()?;
    notes.unknown(&source, &["bytes", "s3Location"]);
    if let Some(bytes) = source.get("bytes") {
        return media::base64(&bytes, bytes.escaped()?);
    }
    let Some(location) = source.get("s3Location") else {
        return Err(node.invalid("must have `bytes` or `s3Location`"));
    };
    let location = location.object()?;
    notes.unknown(&location, &["uri", "bucketOwner"]);
    media::in_s3(&location.need("uri")?)
}

/// The texts of a list of blocks of text; blank ones are none.
fn texts<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Vec<Text<'a>>, Fault> {
    let mut texts = Vec::new();
    for node in node.list()?.each() {
        let part = node.object()?;
        notes.unknown(&part, &["text"]);
        texts.push(part.need("text")?.text()?);
    }
    texts.retain(|text| !text.is_blank());
    Ok(texts)
}

/// `citations: {"enabled": true}`
fn cited(part: &Object<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    let Some(node) = part.get("citations") else { return Ok(false) };
    let citations = node.object()?;
    notes.unknown(&citations, &["enabled"]);
    citations.get("enabled").map_or(Ok(false), |enabled| enabled.boolean())
}
