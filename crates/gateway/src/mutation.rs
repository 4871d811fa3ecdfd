//! What the operator changes of a call: headers, and fields at the top of its body.

use aquifer_translate::model::text::Text;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Changes of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Headers to send, in place of those of the same name.
    pub set_headers: Vec<(HeaderName, HeaderValue)>,
    /// Headers not to send.
    pub remove_headers: Vec<HeaderName>,
    /// Fields at the top of the body, each with its JSON.
    pub set_fields: Vec<(String, String)>,
    /// Fields that the body shall not have.
    pub remove_fields: Vec<String>,
}

impl Mutation {
    /// These changes and, where they say nothing, those of `below`.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        fn set<K: PartialEq + Clone, V: Clone>(own: (&[(K, V)], &[K]), below: &[(K, V)]) -> Vec<(K, V)> {
            let said = |name: &K| own.1.contains(name) || own.0.iter().any(|(own, _)| own == name);
            own.0.iter().chain(below.iter().filter(|(name, _)| !said(name))).cloned().collect()
        }
        fn remove<K: PartialEq + Clone, V>(own: (&[(K, V)], &[K]), below: &[K]) -> Vec<K> {
            let said = |name: &K| own.1.contains(name) || own.0.iter().any(|(own, _)| own == name);
            own.1.iter().chain(below.iter().filter(|name| !said(name))).cloned().collect()
        }
        let headers = (self.set_headers.as_slice(), self.remove_headers.as_slice());
        let fields = (self.set_fields.as_slice(), self.remove_fields.as_slice());
        Self {
            set_headers: set(headers, &below.set_headers),
            remove_headers: remove(headers, &below.remove_headers),
            set_fields: set(fields, &below.set_fields),
            remove_fields: remove(fields, &below.remove_fields),
        }
    }

    /// Changes a call's headers.
    pub fn headers(&self, headers: &mut HeaderMap) {
        for name in &self.remove_headers {
            headers.remove(name);
        }
        for (name, value) in &self.set_headers {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Changes a body. What is not named stays as it is and where it is; what is new stands at the end, in the order of
    /// the configuration. A body that is no JSON object stays as it is.
    #[must_use]
    pub fn body(&self, body: &Bytes) -> Bytes {
        if self.set_fields.is_empty() && self.remove_fields.is_empty() {
            return body.clone();
        }
        let Ok(Members(members)) = serde_json::from_slice(body) else { return body.clone() };
        let set = |name: &str| self.set_fields.iter().find(|(set, _)| set == name).map(|(_, json)| json.as_str());
        let mut written: Vec<(&str, &str)> = Vec::with_capacity(members.len() + self.set_fields.len());
        for (name, value) in &members {
            let gone = self.remove_fields.iter().any(|removed| removed == name) && set(name).is_none();
            let doubled = set(name).is_some() && written.iter().any(|(known, _)| known == name);
            if !gone && !doubled {
                written.push((name, set(name).unwrap_or_else(|| value.get())));
            }
        }
        for (name, json) in &self.set_fields {
            if !written.iter().any(|(known, _)| known == name) {
                written.push((name, json));
            }
        }
        let member = |(name, json): &(&str, &str)| format!(r#""{}":{json}"#, Text::from_plain(*name).as_escaped());
        let members: Vec<String> = written.iter().map(member).collect();
        Bytes::from(format!("{{{}}}", members.join(",")))
    }
}

/// The body with this JSON as the value of its field `name`, and all other bytes as they are.
#[must_use]
pub fn replaced(body: &Bytes, name: &str, json: &str) -> Bytes {
    let Ok(Members(members)) = serde_json::from_slice(body) else { return body.clone() };
    let mut written = Vec::with_capacity(body.len() + json.len());
    let mut from = 0;
    for (_, value) in members.iter().filter(|(member, _)| member == name) {
        // The value is a part of the body.
        let at = (value.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
        written.extend_from_slice(body.get(from..at).unwrap_or_default());
        written.extend_from_slice(json.as_bytes());
        from = at + value.get().len();
    }
    written.extend_from_slice(body.get(from..).unwrap_or_default());
    Bytes::from(written)
}

/// The members of an object in their order, also those that are there twice.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(set: &[(&str, &str)], remove: &[&str]) -> Mutation {
        Mutation {
            set_fields: set.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect(),
            remove_fields: remove.iter().map(|name| (*name).to_owned()).collect(),
            ..Mutation::default()
        }
    }

    fn changed(mutation: &Mutation, body: &'static str) -> String {
        String::from_utf8(mutation.body(&Bytes::from(body)).to_vec()).unwrap()
    }

    #[test]
    fn fields_keep_their_places_and_their_bytes() {
        let body = r#"{"b": {"z":1, "a":"é"}, "c":[1,2],"a":1e2}"#;
        let mutation = fields(&[("c", "\"x\""), ("new \"one\"", "{\"k\":null}")], &["a", "nowhere"]);
        assert_eq!(changed(&mutation, body), r#"{"b":{"z":1, "a":"é"},"c":"x","new \"one\"":{"k":null}}"#);
        assert_eq!(changed(&Mutation::default(), body), body);
        assert_eq!(changed(&mutation, "[1]"), "[1]");
        assert_eq!(changed(&fields(&[("a", "3")], &[]), r#"{"a":1,"b":2,"a":9}"#), r#"{"a":3,"b":2}"#);
        assert_eq!(changed(&fields(&[], &["a"]), r#"{"a":1}"#), "{}");
    }

    #[test]
    fn one_value_is_replaced_and_nothing_else_moves() {
        let body = Bytes::from("{ \"x\" : [ 1 ] ,\n \"model\": \"old\\n\" , \"model\":null}  ");
        let expected = "{ \"x\" : [ 1 ] ,\n \"model\": \"new\" , \"model\":\"new\"}  ";
        assert_eq!(replaced(&body, "model", "\"new\""), expected);
        assert_eq!(replaced(&body, "other", "1"), body);
    }

    #[test]
    fn the_nearer_changes_win() {
        let below = fields(&[("a", "1"), ("b", "1"), ("c", "1")], &["d", "e"]);
        let own = fields(&[("a", "2"), ("d", "2")], &["b", "f"]);
        let expected = fields(&[("a", "2"), ("d", "2"), ("c", "1")], &["b", "f", "e"]);
        assert_eq!(own.over(&below), expected);
    }

    #[test]
    fn headers_are_removed_and_then_set() {
        let mut headers = HeaderMap::new();
        headers.insert("a", HeaderValue::from_static("1"));
        headers.insert("b", HeaderValue::from_static("1"));
        let mutation = Mutation {
            set_headers: vec![(HeaderName::from_static("a"), HeaderValue::from_static("2"))],
            remove_headers: vec![HeaderName::from_static("b"), HeaderName::from_static("a")],
            ..Mutation::default()
        };
        mutation.headers(&mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["a"], "2");
    }
}
