//! Sealed reasoning of another service than Bedrock in `redactedContent`, with the mark of who made it.
//!
//! A client sees bytes in base64 there, so the mark stands inside of them, before the seal.

use crate::model::issuer::{Issuer, Mark};
use crate::model::text::Text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The beginning of the bytes.
const BEGINS: &str = "aquifer:";
/// The same in base64, as far as the next byte has no part in it.
pub(super) const BEGINS_IN_BASE64: &str = "YXF1aWZlcj";

/// The bytes for a client, in base64.
#[must_use]
pub(super) fn write(data: &Text<'_>, mark: Option<Mark>) -> String {
    let Some(Mark { model, backend }) = mark else { return data.as_escaped().to_owned() };
    STANDARD.encode(format!("{BEGINS}{model:08x}{backend:08x}:{}", data.plain()))
}

/// The seal in what a client sends back, and whose it is; what has no mark stays as it is.
#[must_use]
pub(super) fn read(shown: Text<'_>) -> (Text<'_>, Issuer) {
    match marked(&shown) {
        Some((data, mark)) => (Text::from_plain(data), Issuer { mark: Some(mark), ..Issuer::default() }),
        None => (shown, Issuer::default()),
    }
}

fn marked(shown: &Text<'_>) -> Option<(String, Mark)> {
    if !shown.as_escaped().starts_with(BEGINS_IN_BASE64) {
        return None;
    }
    let bytes = String::from_utf8(STANDARD.decode(shown.plain().as_bytes()).ok()?).ok()?;
    let (digits, data) = bytes.strip_prefix(BEGINS)?.split_once(':')?;
    let (model, backend) = digits.split_at_checked(8).filter(|_| digits.len() == 16)?;
    let mark = Mark { model: u32::from_str_radix(model, 16).ok()?, backend: u32::from_str_radix(backend, 16).ok()? };
    Some((data.to_owned(), mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_as_it_went() {
        let (mark, data) = (Mark::of("gpt-5", "default/openai"), Text::from_plain("e30="));
        let shown = write(&data, Some(mark));
        assert!(shown.starts_with(BEGINS_IN_BASE64));
        let (seal, issuer) = read(Text::from_plain(shown));
        assert_eq!((seal, issuer.mark), (data.clone(), Some(mark)));
        assert_eq!(write(&data, None), "e30=");
        for other in ["e30=", "YXF1aWZlcj", "YXF1aWZlcjphYmM6", ""] {
            assert_eq!(read(Text::from_plain(other)), (Text::from_plain(other), Issuer::default()));
        }
    }
}
