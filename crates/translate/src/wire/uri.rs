//! Text in the paths of URIs: all but unreserved characters is percent-encoded, as Signature Version 4 wants it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// A text as one segment of a path, in pieces.
#[must_use]
pub fn segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, SEGMENT)
}

/// A path with its slashes, everything between them encoded, once more if it was before.
#[must_use]
pub fn path(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, PATH)
}

/// A text without its escapes; what is no escape stays.
#[must_use]
pub fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_other_percents_stay() {
        assert_eq!(decoded("a%3A0"), "a:0");
        assert_eq!(decoded("a%zz%4"), "a%zz%4");
        assert_eq!(decoded("arn%3Aaws%2Fx"), "arn:aws/x");
    }

    #[test]
    fn what_is_not_unreserved_is_escaped() {
        assert_eq!(segment("a/-._~:\u{e9}").to_string(), "a%2F-._~%3A%C3%A9");
        assert_eq!(path("/a%3A/b").to_string(), "/a%253A/b");
    }
}
