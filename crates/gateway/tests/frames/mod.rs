//! Event streams for tests, written byte by byte.

/// A frame of an event stream: lengths, headers, payload, both checksums.
pub(crate) fn frame(kind: &str, payload: &str) -> Vec<u8> {
    let message = if kind.ends_with("Exception") { "exception" } else { "event" };
    let mut headers = Vec::new();
    let content = (":content-type".to_owned(), "application/json");
    for (name, value) in [(format!(":{message}-type"), kind), content, (":message-type".to_owned(), message)] {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend(name.bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.bytes());
    }
    let total = u32::try_from(headers.len() + payload.len() + 16).unwrap();
    let mut bytes = [total.to_be_bytes(), u32::try_from(headers.len()).unwrap().to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(headers);
    bytes.extend(payload.bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}
