//! Pictures, documents and search results that a client sends.

use crate::dialect::json::{Node, Object};
use crate::dialect::media::{
    Address, DOCUMENTS, PICTURES, address, base64, document, document_of_mime, extension, in_s3, picture, picture_at,
};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::{Block, MediaSource};
use crate::model::text::Text;

/// Reads `{"type": "image", "source": ...}`.
pub(super) fn image<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.image()?;
    if let Some(node) = part.get("transformations") {
        notes.dropped(&node, "Bedrock changes no pictures");
    }
    let source = part.need("source")?.object()?;
    let kind = source.need("type")?;
    match kind.string()?.as_ref() {
        "base64" => {
            let mime = source.need("media_type")?;
            let format = picture(&mime.string()?.to_ascii_lowercase())
                .ok_or_else(|| mime.invalid(&format!("must be a picture of type {PICTURES}")))?;
            let data = source.need("data")?;
            Ok(Block::Image { format, source: base64(&data, data.escaped()?)? })
        }
        "url" => image_at(&source.need("url")?),
        _ => Err(no_source(&kind, "`base64` or `url`")),
    }
}

/// Addresses of data and of objects in S3 are as good as the data; the gateway fetches nothing from the web.
fn image_at<'a>(url: &Node<'a, '_>) -> Result<Block<'a>, Fault> {
    picture_at(url, "")?.ok_or_else(|| on_the_web(url))
}

fn on_the_web(url: &Node<'_, '_>) -> Fault {
    url.unsupported("is an address on the web, which neither Bedrock nor the gateway fetches; send the data as base64")
}

/// A source that is none, or that names a file which Bedrock does not keep.
fn no_source(kind: &Node<'_, '_>, known: &str) -> Fault {
    match kind.string().as_deref() {
        Ok("file") => kind.unsupported("names an uploaded file, which Bedrock does not keep; send the data as base64"),
        _ => kind.invalid(&format!("must be {known}")),
    }
}

/// Reads `{"type": "document", "source": ...}`.
pub(super) fn file<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.document()?;
    let name = part.get("title").map(|title| title.string()).transpose()?;
    let context = part.get("context").map(|context| context.text()).transpose()?;
    let citations = cited(part, notes)?;
    let source = part.need("source")?.object()?;
    let kind = source.need("type")?;
    let (format, source) = match kind.string()?.as_ref() {
        "base64" => {
            let (mime, data) = (source.need("media_type")?, source.need("data")?);
            let word = mime.string()?.to_ascii_lowercase();
            let format = document_of_mime(&word)
                .or_else(|| document(&extension(name.as_deref().unwrap_or_default())))
                .or_else(|| word.starts_with("text/").then_some("txt"));
            let format = format.ok_or_else(|| mime.invalid(&format!("must be that of a file of type {DOCUMENTS}")))?;
            (format, base64(&data, data.escaped()?)?)
        }
        "text" => {
            let data = source.need("data")?;
            let text = data.text()?;
            if text.is_blank() {
                return Err(data.invalid("must not be empty"));
            }
            ("txt", MediaSource::Words(text))
        }
        "content" => ("txt", parts(&source.need("content")?)?),
        "url" => file_at(&source.need("url")?)?,
        _ => return Err(no_source(&kind, "`base64`, `text`, `content` or `url`")),
    };
    let context = context.filter(|context| !context.is_blank());
    Ok(Block::Document { format, name, source, context, citations })
}

fn file_at<'a>(url: &Node<'a, '_>) -> Result<(&'static str, MediaSource<'a>), Fault> {
    let unknown = || url.invalid(&format!("must be a file of type {DOCUMENTS}"));
    match address(url)? {
        Address::Data { mime, data } => Ok((document_of_mime(&mime).ok_or_else(unknown)?, base64(url, data)?)),
        Address::S3 { extension } => Ok((document(&extension).ok_or_else(unknown)?, in_s3(url)?)),
        Address::Web | Address::Other(_) => Err(on_the_web(url)),
    }
}

/// A document in parts: a string, or text blocks.
fn parts<'a>(node: &Node<'a, '_>) -> Result<MediaSource<'a>, Fault> {
    if node.is_string() {
        return Ok(MediaSource::Parts(vec![node.text()?]));
    }
    let parts = texts(node, "a document in parts holds text alone on Bedrock")?;
    if parts.is_empty() {
        return Err(node.invalid("must hold at least one text block with something in it"));
    }
    Ok(MediaSource::Parts(parts))
}

/// The texts of a list of text blocks; blank ones are none.
fn texts<'a>(node: &Node<'a, '_>, why: &str) -> Result<Vec<Text<'a>>, Fault> {
    let mut texts = Vec::new();
    for node in node.list()?.each() {
        let part = node.object()?;
        let kind = part.need("type")?;
        if kind.string()? != "text" {
            return Err(kind.unsupported(&format!("must be `text`: {why}")));
        }
        texts.push(part.need("text")?.text()?);
    }
    texts.retain(|text| !text.is_blank());
    Ok(texts)
}

/// Reads `{"type": "search_result", ...}`.
pub(super) fn search_result<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    let content = part.need("content")?;
    let parts = texts(&content, "a search result holds text alone")?;
    if parts.is_empty() {
        return Err(content.invalid("must hold at least one text block with something in it"));
    }
    Ok(Block::SearchResult {
        source: part.need("source")?.text()?,
        title: part.need("title")?.text()?,
        content: parts,
        citations: cited(part, notes)?,
    })
}

/// `citations: {"enabled": true}`
fn cited(part: &Object<'_, '_>, notes: &mut Notes) -> Result<bool, Fault> {
    let Some(node) = part.get("citations") else { return Ok(false) };
    let citations = node.object()?;
    notes.unknown(&citations, &["enabled"]);
    citations.get("enabled").map_or(Ok(false), |enabled| enabled.boolean())
}
