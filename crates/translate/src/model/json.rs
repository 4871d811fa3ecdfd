//! JSON written straight into a buffer, member by member, so that every body is the same bytes for the same request.

use crate::model::raw::Raw;
use crate::model::text::Text;

/// A JSON document in the making. Commas are set where they belong.
#[derive(Default)]
pub(crate) struct Json {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Json({} bytes)", self.bytes.len())
    }
}

impl Json {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An object as the next value.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.between();
        self.bytes.push(b'{');
        members(self);
        self.bytes.push(b'}');
    }

    /// A list as the next value.
    pub(crate) fn list(&mut self, elements: impl FnOnce(&mut Self)) {
        self.between();
        self.bytes.push(b'[');
        elements(self);
        self.bytes.push(b']');
    }

    /// The name of the next value; a name that we know needs no escapes.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        self.between();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        self
    }

    /// A string as the next value.
    pub(crate) fn text(&mut self, text: &Text<'_>) {
        self.between();
        self.quoted(text.as_escaped());
    }

    /// A string without anything to escape as the next value.
    pub(crate) fn word(&mut self, word: &str) {
        self.between();
        self.quoted(word);
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, raw: &Raw<'_>) {
        self.verbatim(raw.as_json());
    }

    /// A value that is JSON already, as text.
    pub(crate) fn verbatim(&mut self, json: &str) {
        self.between();
        self.bytes.extend_from_slice(json.as_bytes());
    }

    /// A member that is an object.
    pub(crate) fn member(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        self.name(name).object(members);
    }

    fn quoted(&mut self, escaped: &str) {
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(escaped.as_bytes());
        self.bytes.push(b'"');
    }

    /// A comma, unless something was just opened or named.
    fn between(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b':')) {
            self.bytes.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_values_only() {
        let mut json = Json::default();
        json.object(|json| {
            json.name("a").list(|json| {
                json.word("{");
                json.verbatim("1");
                json.object(|_| {});
            });
            json.name("b").text(&Text::from_plain("\"["));
            json.member("c", |json| json.name("d").verbatim("[]"));
            json.name("e").list(|_| {});
        });
        let said = String::from_utf8(json.into_bytes()).unwrap();
        assert_eq!(said, r#"{"a":["{",1,{}],"b":"\"[","c":{"d":[]},"e":[]}"#);
    }
}
