//! The parts of a message that hold a picture, a file or sound.

use crate::dialect::json::{Node, Object};
use crate::dialect::media::{Address, SOUNDS, address, base64, file_at, in_s3, picture_at};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;

/// Reads the part `{"type": "image_url", "image_url": {"url": ...}}`; a bare string in place of the object will do.
pub(super) fn image<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.image()?;
    let node = part.need("image_url")?;
    if node.is_string() {
        return image_at(&node);
    }
    let object = node.object()?;
    notes.unknown(&object, &["url", "detail", "format"]);
    image_at(&object.need("url")?)
}

fn image_at<'a>(url: &Node<'a, '_>) -> Result<Block<'a>, Fault> {
    picture_at(url, "; send SVG as a `file` or as text, others converted")?.ok_or_else(|| match address(url) {
        Ok(Address::Web) => url.unsupported(
            "is an address on the web, which the gateway does not fetch; send the picture as a data URI (data:image/png;base64,...)",
        ),
        _ => url.invalid("must be a data URI (data:image/png;base64,...)"),
    })
}

/// Reads the part `{"type": "file", "file": {"file_data": ..., "filename": ...}}`.
pub(super) fn file<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.document()?;
    let file = part.need("file")?.object()?;
    notes.unknown(&file, &["file_data", "filename", "file_id", "format"]);
    let Some(data) = file.get("file_data") else {
        return Err(match file.get("file_id") {
            Some(id) => id.unsupported("names an uploaded file, which Bedrock does not keep; send it as `file_data`"),
            None => file.missing("file_data"),
        });
    };
    let name = file.get("filename").map(|name| name.string()).transpose()?;
    file_at(&data, name, "is an address on the web, which the gateway does not fetch; send a data URI")
}

/// Reads the part `{"type": "input_audio", "input_audio": {"data": ..., "format": ...}}`.
pub(super) fn audio<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    let audio = part.need("input_audio")?.object()?;
    notes.unknown(&audio, &["data", "format"]);
    let format = audio.need("format")?;
    let word = format.string()?;
    if !SOUNDS.contains(&word.as_ref()) {
        return Err(format.invalid(&format!("must be one of {}", SOUNDS.join(", "))));
    }
    let data = audio.need("data")?;
    let source = match address(&data)? {
        Address::Data { data: inside, .. } | Address::Other(inside) => base64(&data, inside)?,
        Address::S3 { .. } => in_s3(&data)?,
        Address::Web => return Err(data.unsupported("is an address on the web; send the sound as base64")),
    };
    Ok(Block::Audio { format: word, source })
}
