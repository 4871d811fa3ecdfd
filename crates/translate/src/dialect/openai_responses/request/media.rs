//! Pictures and files that a client sends.

use crate::dialect::json::{Node, Object};
use crate::dialect::media::{Address, address, file_at, picture_at};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::request::Block;

/// Members of a part with a picture.
pub(super) const IMAGE: [&str; 3] = ["image_url", "detail", "file_id"];
/// Members of a part with a file.
pub(super) const FILE: [&str; 5] = ["file_data", "filename", "file_id", "file_url", "detail"];

/// Why an address on the web is refused.
const WEB: &str = "is an address on the web, which the gateway does not fetch; send a data URI (data:TYPE;base64,...)";
/// Why an uploaded file is refused.
const UPLOADED: &str = "names an uploaded file, which Bedrock does not keep; send its data";

/// Reads `{"type": "input_image", "image_url": "data:..."}`. The detail says nothing to Bedrock, and most clients send it.
pub(super) fn image<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.image()?;
    let Some(node) = part.get("image_url") else {
        return Err(part.get("file_id").map_or_else(|| part.missing("image_url"), |id| id.unsupported(UPLOADED)));
    };
    // Chat Completions has an object here, and some clients send that.
    if node.is_object() {
        return image_at(&node.object()?.need("url")?);
    }
    image_at(&node)
}

fn image_at<'a>(url: &Node<'a, '_>) -> Result<Block<'a>, Fault> {
    picture_at(url, "")?.ok_or_else(|| match address(url) {
        Ok(Address::Web) => url.unsupported(WEB),
        _ => url.invalid("must be a data URI (data:image/png;base64,...)"),
    })
}

/// Reads `{"type": "input_file", "file_data": "data:...", "filename": ...}`.
pub(super) fn file<'a>(part: &Object<'a, '_>, notes: &mut Notes) -> Result<Block<'a>, Fault> {
    notes.document()?;
    let Some(data) = part.get_any(&["file_data", "file_url"]) else {
        return Err(part.get("file_id").map_or_else(|| part.missing("file_data"), |id| id.unsupported(UPLOADED)));
    };
    let name = part.get("filename").map(|name| name.string()).transpose()?;
    file_at(&data, name, WEB)
}
