//! JSON values that travel as they came.

use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The text of one JSON value.
///
/// Schemas, arguments and fields of a model's own go on with the client's own order, escapes and white space. Its
/// `Debug` shows only the length: a value is somebody's content.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw<'a>(Cow<'a, str>);

impl<'a> Raw<'a> {
    /// An object without members.
    pub const EMPTY: Self = Self(Cow::Borrowed("{}"));

    /// Takes what is one JSON value; the caller vouches for it.
    #[must_use]
    pub fn from_json(json: impl Into<Cow<'a, str>>) -> Self {
        Self(json.into())
    }

    /// Appends a piece of a value that is told in pieces.
    pub fn append(&mut self, piece: &str) {
        self.0.to_mut().push_str(piece);
    }

    /// A number for it, FNV-1a of its text: equal texts have the same.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.0.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// As it stands.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Cow::Borrowed(raw.get()))
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_as_it_came_and_debug_shows_none_of_it() {
        let raw: &RawValue = serde_json::from_str(r#"{ "b":1.0, "a":"\u0061" }"#).unwrap();
        let raw = Raw::from(raw);
        assert_eq!(raw.as_json(), r#"{ "b":1.0, "a":"\u0061" }"#);
        assert_eq!(format!("{raw:?}"), "Raw(25 bytes)");
        assert_eq!(Raw::EMPTY, Raw::from_json("{}".to_owned()));
    }
}
