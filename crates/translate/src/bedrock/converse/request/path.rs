//! The path of the operation on a model.

use crate::fault::Fault;
use crate::model::field_ref::{FieldRef, NAME};
use crate::wire::slice::Slice as _;
use crate::wire::uri;
use std::borrow::Cow;

/// The path of the operation; everything in the model id but unreserved characters is percent-encoded, once.
pub(in crate::bedrock) fn path(model_id: &str, operation: &str) -> Result<String, Fault> {
    if !is_one_place(model_id) {
        let message = format!("`{NAME}` must not hold empty or dotted segments, backslashes or control characters");
        return Err(Fault::invalid(FieldRef::Model, message));
    }
    let mut path = String::with_capacity(model_id.len() + 64);
    path.push_str("/model/");
    path.extend(uri::segment(model_id));
    path.push('/');
    path.push_str(operation);
    Ok(path)
}

/// Whether no proxy on the way can read the path as another one, however often it decodes it: dot segments would lead
/// elsewhere, and empty ones would be lost.
fn is_one_place(model_id: &str) -> bool {
    let mut plain = Cow::Borrowed(model_id);
    loop {
        let segments = plain.split('/').map(|segment| segment.split(';').next().unwrap_or_default().trim());
        if plain.contains(|letter: char| letter.is_control() || letter == '\\')
            || segments.into_iter().any(|segment| matches!(segment, "" | "." | ".."))
        {
            return false;
        }
        match decoded(&plain) {
            Some(decoded) => plain = Cow::Owned(decoded),
            None => return true,
        }
    }
}

/// The same with every escape of a URI taken for what it stands for; `None` when there is none. It is shorter then.
fn decoded(text: &str) -> Option<String> {
    let (first, mut rest) = text.split_once('%')?;
    let mut plain = first.to_owned();
    let mut found = false;
    loop {
        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                found = true;
                plain.push(char::from(byte));
                rest = rest.behind(2);
            }
            None => plain.push('%'),
        }
        let Some((more, behind)) = rest.split_once('%') else {
            plain.push_str(rest);
            return found.then_some(plain);
        };
        plain.push_str(more);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_id_is_one_segment_of_the_path() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1";
        let sent =
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fx1/converse";
        assert_eq!(path(arn, "converse").unwrap(), sent);
        assert_eq!(path("a.b-v1:0", "converse-stream").unwrap(), "/model/a.b-v1%3A0/converse-stream");
        assert!(path("100% of..it...", "converse").is_ok());
    }

    #[test]
    fn no_model_id_leads_to_another_path() {
        let ids = [
            "",
            ".",
            "..",
            "/",
            "a/",
            "/a",
            "a//b",
            "../x",
            "a/../b",
            "a/./b",
            "a/..",
            "..\\x",
            "a\\b",
            "%2e",
            "%2E%2e",
            "%2e.",
            "a%2f..%2fb",
            "a/%2e%2e/b",
            "%252e%252e",
            "%25252e",
            "a%5cb",
            "..;/x",
            "..;a=b",
            "a/.. /b",
            "a\nb",
            "a%00b",
            "%2f",
        ];
        for id in ids {
            assert!(path(id, "converse").is_err(), "{id:?}");
        }
    }
}
