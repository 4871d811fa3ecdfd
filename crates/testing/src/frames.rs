//! Frames of event streams, written byte by byte: lengths, headers, payload, both checksums.

/// The first 12 bytes of a frame with these lengths, and the checksum that they need.
#[must_use]
pub fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// A frame whose headers are these bytes, whatever they are.
///
/// # Panics
///
/// When it is longer than a length can say.
#[must_use]
pub fn of(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("a frame of a test is short");
    let mut bytes = prelude(length(16 + headers.len() + payload.len()), length(headers.len()));
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// The bytes of one header.
///
/// # Panics
///
/// When the name is longer than its length can say.
#[must_use]
pub fn header(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let length = [u8::try_from(name.len()).expect("a header's name is short")];
    [&length[..], name.as_bytes(), &[kind], value].concat()
}

/// The bytes of one string header.
///
/// # Panics
///
/// When the value is longer than its length can say.
#[must_use]
pub fn text_header(name: &str, value: &str) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a header's value is short").to_be_bytes();
    header(name, 7, &[&length[..], value.as_bytes()].concat())
}

/// An event as Bedrock sends it, or an exception, when its name says that it is one.
#[must_use]
pub fn frame(kind: &str, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let message = if kind.ends_with("Exception") { "exception" } else { "event" };
    let headers = [
        text_header(&format!(":{message}-type"), kind),
        text_header(":content-type", "application/json"),
        text_header(":message-type", message),
    ];
    of(&headers.concat(), payload.as_ref())
}

/// A frame of InvokeModel's stream with this JSON in it, in base64 and beside padding.
#[must_use]
pub fn chunk(json: &str) -> Vec<u8> {
    let padding = &"abcdefghijklmnopqrstuvwxyz"[..json.len() % 26];
    frame("chunk", format!(r#"{{"bytes":"{}","p":"{padding}"}}"#, base64(json.as_bytes())))
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group.iter().chain(&[0, 0]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for at in 0..4 {
            let letter = char::from(LETTERS[word >> (18 - 6 * at) & 63]);
            text.push(if at > group.len() { '=' } else { letter });
        }
    }
    text
}
