//! Pictures, files and sound that a client sends as data URIs or base64.

use super::fields::{Node, Object};
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, MediaSource};
use crate::model::text::Text;
use std::borrow::Cow;

const PICTURES: &str = "png, jpeg, gif or webp";
const DOCUMENTS: &str = "pdf, csv, doc, docx, xls, xlsx, html, txt or md";
const SOUNDS: [&str; 15] =
    ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"];

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
    let unknown = |url: &Node<'_, '_>| {
        url.invalid(&format!("must be a picture of type {PICTURES}; send SVG as a `file` or as text, others converted"))
    };
    match address(url)? {
        Address::Data { mime, data } => {
            let format = picture(&mime).ok_or_else(|| unknown(url))?;
            Ok(Block::Image { format, source: base64(url, data)? })
        }
        Address::S3 { extension } => {
            let format = picture(&format!("image/{extension}")).ok_or_else(|| unknown(url))?;
            Ok(Block::Image { format, source: in_s3(url)? })
        }
        Address::Web => Err(url.unsupported(
            "is an address on the web, which the gateway does not fetch; send the picture as a data URI (data:image/png;base64,...)",
        )),
        Address::Other(_) => Err(url.invalid("must be a data URI (data:image/png;base64,...)")),
    }
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
    let (mime, source) = match address(&data)? {
        Address::Data { mime, data: inside } => (mime, base64(&data, inside)?),
        Address::Other(inside) => (String::new(), base64(&data, inside)?),
        Address::S3 { extension } => {
            let format = document(&extension).ok_or_else(|| unknown_document(&data))?;
            return Ok(Block::Document { format, name, source: in_s3(&data)? });
        }
        Address::Web => {
            return Err(data.unsupported("is an address on the web, which the gateway does not fetch; send a data URI"));
        }
    };
    if let Some(format) = picture(&mime) {
        return Ok(Block::Image { format, source });
    }
    let by_name = || document(&extension(name.as_deref().unwrap_or_default()));
    let plain = || mime.starts_with("text/").then_some("txt");
    let format = document_of_mime(&mime).or_else(by_name).or_else(plain).ok_or_else(|| unknown_document(&data))?;
    Ok(Block::Document { format, name, source })
}

fn unknown_document(data: &Node<'_, '_>) -> Fault {
    data.invalid(&format!("must be a file of type {DOCUMENTS}, as its media type or its `filename` says"))
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

fn in_s3<'a>(uri: &Node<'a, '_>) -> Result<MediaSource<'a>, Fault> {
    Ok(MediaSource::S3 { uri: uri.text()?, field: FieldRef::own(uri.at.to_string()) })
}

/// What a string that stands for bytes turns out to be.
enum Address<'a> {
    /// A data URI with its media type and its base64, still escaped.
    Data {
        mime: String,
        data: &'a str,
    },
    S3 {
        extension: String,
    },
    Web,
    Other(&'a str),
}

fn address<'a>(node: &Node<'a, '_>) -> Result<Address<'a>, Fault> {
    let inside = node.escaped()?;
    let (head, data) = inside.split_once(',').map_or((inside, None), |(head, data)| (head, Some(data)));
    let begins = |scheme: &str| inside.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if begins("data:") {
        let head = Text::from_escaped(head).plain().to_ascii_lowercase();
        let whole = head.strip_prefix("data:").and_then(|rest| rest.strip_suffix(";base64")).zip(data);
        let (mime, data) = whole.ok_or_else(|| node.invalid("must be a data URI in base64: data:TYPE;base64,..."))?;
        let mime = mime.split(';').next().unwrap_or_default().trim().to_owned();
        return Ok(Address::Data { mime, data });
    }
    if begins("s3:") {
        return Ok(Address::S3 { extension: extension(&node.string()?) });
    }
    Ok(if begins("http:") || begins("https:") { Address::Web } else { Address::Other(inside) })
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// Borrows base64 that is as it should be; takes white space and escapes out of what is not.
fn base64<'a>(node: &Node<'_, '_>, inside: &'a str) -> Result<MediaSource<'a>, Fault> {
    if is_base64(inside) {
        return Ok(MediaSource::Base64(Text::from_escaped(inside)));
    }
    let mut clean = Text::from_escaped(inside).plain().into_owned();
    clean.retain(|character| !character.is_ascii_whitespace());
    if is_base64(&clean) {
        return Ok(MediaSource::Base64(Text::from_escaped(Cow::Owned(clean))));
    }
    Err(node.invalid("must hold base64 with its padding"))
}

/// Whether this is base64 of at least one byte, in the standard alphabet, with its padding.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    // Whole pieces are judged without a branch for each byte, many bytes at once.
    let (pieces, rest) = body.as_bytes().as_chunks::<64>();
    let all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_of_alphabet(*byte));
    !body.is_empty() && text.len().is_multiple_of(4) && pieces.iter().all(|piece| all(piece)) && all(rest)
}

fn is_of_alphabet(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    letter | digit | (byte == b'+') | (byte == b'/')
}

fn picture(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

fn document_of_mime(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "application/pdf" | "application/x-pdf" => "pdf",
        "text/csv" => "csv",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "text/html" => "html",
        "text/markdown" | "text/x-markdown" => "md",
        _ if is_written(mime) => "txt",
        _ => return None,
    })
}

/// Media types of files that are text, whatever it says.
fn is_written(mime: &str) -> bool {
    const WRITTEN: [&str; 16] = [
        "json",
        "jsonl",
        "x-ndjson",
        "x-jsonlines",
        "json5",
        "yaml",
        "x-yaml",
        "xml",
        "toml",
        "x-toml",
        "javascript",
        "x-javascript",
        "typescript",
        "x-sh",
        "sql",
        "x-python",
    ];
    let (kind, name) = mime.split_once('/').unwrap_or_default();
    kind == "application" && WRITTEN.contains(&name)
        || name.ends_with("+json")
        || name.ends_with("+xml")
        || name.ends_with("+yaml")
}

fn document(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "pdf" => "pdf",
        "csv" => "csv",
        "doc" => "doc",
        "docx" => "docx",
        "xls" => "xls",
        "xlsx" => "xlsx",
        "html" | "htm" => "html",
        "txt" => "txt",
        "md" | "markdown" => "md",
        "json" | "jsonl" | "ndjson" | "yaml" | "yml" | "xml" | "toml" | "ini" | "cfg" | "conf" | "env" | "log"
        | "tsv" | "svg" | "py" | "js" | "ts" | "tsx" | "jsx" | "rs" | "go" | "java" | "c" | "h" | "cpp" | "hpp"
        | "cs" | "rb" | "php" | "sh" | "sql" | "css" | "tex" | "rst" | "srt" | "vtt" | "diff" | "patch" => "txt",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_of_its_alphabet_wherever_a_byte_stands() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        for at in [0, 63, 64, 100, 127] {
            for byte in 0..=127 {
                let mut text = vec![b'A'; 128];
                text[at] = byte;
                let ends = at == 127 && byte == b'=';
                assert_eq!(is_base64(&String::from_utf8(text).unwrap()), plain(byte) || ends, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn base64_has_its_padding() {
        for whole in ["QQ==", "QUE=", "QUFB"] {
            assert!(is_base64(whole), "{whole}");
        }
        for broken in ["", "=", "==", "QQ=", "QQ", "Q===", "QQ==QQ==", "QÄ=="] {
            assert!(!is_base64(broken), "{broken}");
        }
    }
}
