//! Media of requests, whatever the dialect: base64, data URIs, addresses, and the formats that Bedrock takes.

use super::json::Node;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, MediaSource};
use crate::model::text::Text;
use std::borrow::Cow;

pub(super) const PICTURES: &str = "png, jpeg, gif or webp";
pub(super) const DOCUMENTS: &str = "pdf, csv, doc, docx, xls, xlsx, html, txt or md";
pub(super) const SOUNDS: [&str; 15] =
    ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"];

pub(super) fn in_s3<'a>(uri: &Node<'a, '_>) -> Result<MediaSource<'a>, Fault> {
    Ok(MediaSource::S3 { uri: uri.text()?, field: FieldRef::own(uri.at.to_string()) })
}

/// A string that stands for bytes, by its form: data URI, S3 URI, web address, or perhaps base64.
pub(super) enum Address<'a> {
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

pub(super) fn address<'a>(node: &Node<'a, '_>) -> Result<Address<'a>, Fault> {
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

/// Reads a picture at an address: data or an object in S3. `None`: it is neither. `hint` ends the error about another type.
pub(super) fn picture_at<'a>(url: &Node<'a, '_>, hint: &str) -> Result<Option<Block<'a>>, Fault> {
    let unknown = || url.invalid(&format!("must be a picture of type {PICTURES}{hint}"));
    match address(url)? {
        Address::Data { mime, data } => {
            let format = picture(&mime).ok_or_else(unknown)?;
            Ok(Some(Block::Image { format, source: base64(url, data)? }))
        }
        Address::S3 { extension } => {
            let format = picture(&format!("image/{extension}")).ok_or_else(unknown)?;
            Ok(Some(Block::Image { format, source: in_s3(url)? }))
        }
        Address::Web | Address::Other(_) => Ok(None),
    }
}

/// Reads a file that is a picture or a document, as its media type or its name says: data, bare base64 or an object in S3.
/// `on_the_web` says why an address there is refused.
pub(super) fn file_at<'a>(
    data: &Node<'a, '_>,
    name: Option<Cow<'a, str>>,
    on_the_web: &str,
) -> Result<Block<'a>, Fault> {
    let unknown =
        || data.invalid(&format!("must be a file of type {DOCUMENTS}, as its media type or its `filename` says"));
    let (mime, source) = match address(data)? {
        Address::Data { mime, data: inside } => (mime, base64(data, inside)?),
        Address::Other(inside) => (String::new(), base64(data, inside)?),
        Address::S3 { extension } => {
            let format = document(&extension).ok_or_else(unknown)?;
            return Ok(Block::Document { format, name, source: in_s3(data)?, context: None, citations: false });
        }
        Address::Web => return Err(data.unsupported(on_the_web)),
    };
    if let Some(format) = picture(&mime) {
        return Ok(Block::Image { format, source });
    }
    let by_name = document(&extension(name.as_deref().unwrap_or_default()));
    let format = document_of_mime(&mime).or(by_name).or_else(|| mime.starts_with("text/").then_some("txt"));
    let format = format.ok_or_else(unknown)?;
    Ok(Block::Document { format, name, source, context: None, citations: false })
}

pub(super) fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// Borrows base64 that is as it should be; takes white space and escapes out of what is not.
pub(super) fn base64<'a>(node: &Node<'_, '_>, inside: &'a str) -> Result<MediaSource<'a>, Fault> {
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

pub(super) fn picture(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    })
}

pub(super) fn document_of_mime(mime: &str) -> Option<&'static str> {
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

pub(super) fn document(extension: &str) -> Option<&'static str> {
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
