//! Mutations of a call by the operator: headers, and fields at the top of its body.

use aquifer_translate::Fault;
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::model::text::Text;
use aquifer_translate::wire::slice::Slice as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
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
    /// the configuration.
    ///
    /// # Errors
    ///
    /// The body is no JSON object, so that the change cannot be made: it must not be sent as it is.
    pub fn body(&self, body: &Bytes) -> Result<Bytes, Fault> {
        if self.set_fields.is_empty() && self.remove_fields.is_empty() {
            return Ok(body.clone());
        }
        let Members(members) = Members::read(body)?;
        let mut written: Vec<(&str, &str)> = Vec::with_capacity(members.len() + self.set_fields.len());
        let mut done = vec![false; self.set_fields.len()];
        for (name, value) in &members {
            match self.set_fields.iter().zip(&mut done).find(|((set, _), _)| set == name) {
                Some(((_, json), done)) => {
                    if !std::mem::replace(done, true) {
                        written.push((name, json));
                    }
                }
                None if self.remove_fields.iter().any(|removed| removed == name) => {}
                None => written.push((name, value.get())),
            }
        }
        let new = self.set_fields.iter().zip(done).filter(|(_, done)| !done);
        written.extend(new.map(|((name, json), _)| (name.as_str(), json.as_str())));
        Ok(Bytes::from(object(written)))
    }
}

/// An object of these members, in their order, each with its JSON.
pub(crate) fn object<'m>(members: impl IntoIterator<Item = (&'m str, &'m str)>) -> String {
    let mut written = String::from("{");
    for (name, json) in members {
        if written.len() > 1 {
            written.push(',');
        }
        for piece in ["\"", Text::from_plain(name).as_escaped(), "\":", json] {
            written.push_str(piece);
        }
    }
    written.push('}');
    written
}

/// The body with this JSON as the value of its field `name`, and all other bytes as they are.
///
/// # Errors
///
/// The body is no JSON object.
pub fn replaced(body: &Bytes, name: &str, json: &str) -> Result<Bytes, Fault> {
    let members = Members::read(body)?;
    let named = members.0.iter().filter(|(member, _)| member == name);
    spliced(body, named.map(|(_, value)| (*value, json)))
}

/// The bytes with other JSON in place of some of its values, which are borrowed from it and come in its order.
///
/// # Errors
///
/// A value is no part of the bytes, or stands before the one that came before it: a mistake of ours.
pub(crate) fn spliced<'v>(
    bytes: &[u8],
    values: impl Iterator<Item = (&'v RawValue, impl AsRef<str>)>,
) -> Result<Bytes, Fault> {
    let mut written = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for (value, json) in values {
        let value = value.get();
        let at = (value.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
        let end = at.checked_add(value.len());
        let (Some(before), Some(end)) =
            (bytes.get(from..at), end.filter(|end| bytes.get(at..*end) == Some(value.as_bytes())))
        else {
            debug_assert!(false, "a value that is no part of its body");
            return Err(Fault::Ours("a field of the body could not be changed".to_owned()));
        };
        written.extend_from_slice(before);
        written.extend_from_slice(json.as_ref().as_bytes());
        from = end;
    }
    debug_assert!(from <= bytes.len(), "more was replaced than there is");
    written.extend_from_slice(bytes.behind(from));
    Ok(Bytes::from(written))
}

/// The members of an object in their order, also those that are there twice.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// The name of a member.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// It is none: it is no UTF-8, no JSON, or some other value; or the name of a member holds half of a surrogate
    /// pair.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, Fault> {
        serde_json::from_slice(json).map_err(|_| {
            let message = "the body is not a JSON object, and a field of it must be changed".to_owned();
            Fault::mistake(MistakeKind::Malformed, None, message)
        })
    }
}

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
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
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
        String::from_utf8(mutation.body(&Bytes::from(body)).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn fields_keep_their_places_and_their_bytes() {
        let body = r#"{"b": {"z":1, "a":"é"}, "c":[1,2],"a":1e2}"#;
        let mutation = fields(&[("c", "\"x\""), ("new \"one\"", "{\"k\":null}")], &["a", "nowhere"]);
        assert_eq!(changed(&mutation, body), r#"{"b":{"z":1, "a":"é"},"c":"x","new \"one\"":{"k":null}}"#);
        assert_eq!(changed(&Mutation::default(), body), body);
        assert_eq!(changed(&fields(&[("a", "3")], &[]), r#"{"a":1,"b":2,"a":9}"#), r#"{"a":3,"b":2}"#);
        assert_eq!(changed(&fields(&[], &["a"]), r#"{"a":1}"#), "{}");
    }

    #[test]
    fn one_value_is_replaced_and_nothing_else_moves() {
        let body = Bytes::from("{ \"x\" : [ 1 ] ,\n \"model\": \"old\\n\" , \"model\":null}  ");
        let expected = "{ \"x\" : [ 1 ] ,\n \"model\": \"new\" , \"model\":\"new\"}  ";
        assert_eq!(replaced(&body, "model", "\"new\"").unwrap(), expected);
        assert_eq!(replaced(&body, "other", "1").unwrap(), body);
    }

    #[test]
    fn a_change_that_cannot_be_made_is_an_error() {
        let mutation = fields(&[("max_tokens", "100")], &["store"]);
        for body in [
            &b"[1]"[..],
            b"",
            b"{",
            b"{\"a\":1} x",
            b"\xef\xbb\xbf{\"a\":1}",
            b"{\"x\":\"\xff\",\"max_tokens\":9}",
            b"{\"\xff\":1}",
            b"{\"\\ud800\":1}",
        ] {
            let body = Bytes::from_static(body);
            assert!(mutation.body(&body).is_err(), "{body:?}");
            assert!(replaced(&body, "max_tokens", "1").is_err(), "{body:?}");
            assert_eq!(Mutation::default().body(&body).unwrap(), body, "nothing is to be changed");
        }
    }

    #[test]
    fn names_are_the_same_however_they_are_written_and_doubles_take_no_longer() {
        let mutation = fields(&[("model", "1")], &["store"]);
        assert_eq!(changed(&mutation, r#"{"mod\u0065l":2,"\u0073tore":3,"b":4}"#), r#"{"model":1,"b":4}"#);
        let others: String = (0..50_000).map(|at| format!("\"{at}\":0,")).collect();
        let doubles = "\"model\":2,".repeat(50_000);
        let body = Bytes::from(format!("{{{others}{doubles}\"end\":0}}"));
        assert_eq!(mutation.body(&body).unwrap().len(), others.len() + r#"{"model":1,"end":0}"#.len());
    }

    /// An object of strange members, and the changes that are made of it.
    fn strange(u: &mut arbtest::arbitrary::Unstructured<'_>) -> arbtest::arbitrary::Result<(String, Mutation)> {
        let names = ["a", "b", r"\u0061", r"\ud800", "é", "c", r#"\""#];
        let values = ["1", "\"x\"", "{\"a\": [1, {}]}", "null", "\"\\ud83e\"", "1e9", " [ ] ", "nul"];
        let mut body = String::from("{");
        for at in 0..u.int_in_range(0..=6)? {
            let comma = if at > 0 { "," } else { "" };
            body.push_str(&format!("{comma} \"{}\" :{}", u.choose(&names)?, u.choose(&values)?));
        }
        body.push_str(u.choose(&["}", " }\n", "}}", ""])?);
        let set = if u.arbitrary()? { vec![("a", "7")] } else { vec![("new", "8"), ("b", "[9]")] };
        let removed = if u.arbitrary()? { vec!["c", "a"] } else { vec!["é"] };
        Ok((body, fields(&set, &removed)))
    }

    #[test]
    fn what_is_changed_is_what_serde_json_would_change() {
        arbtest::arbtest(|u| {
            let (body, mutation) = strange(u)?;
            let read = serde_json::from_str::<std::collections::BTreeMap<String, Box<RawValue>>>(&body);
            let bytes = Bytes::from(body.clone());
            let (mutated, replaced) = (mutation.body(&bytes), replaced(&bytes, "a", "7"));
            let Ok(read) = read else {
                assert!(mutated.is_err() && replaced.is_err(), "{body}");
                return Ok(());
            };
            let of = |map: &std::collections::BTreeMap<String, Box<RawValue>>| {
                map.iter().map(|(name, value)| (name.clone(), value.get().to_owned())).collect::<Vec<_>>()
            };
            let again = |bytes: &Bytes| of(&serde_json::from_slice(bytes).unwrap());
            let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
            let mut expected = read.clone();
            if let Some(value) = expected.get_mut("a") {
                *value = raw("7");
            }
            assert_eq!(again(&replaced.unwrap()), of(&expected), "{body}");
            let mut expected = read;
            for name in &mutation.remove_fields {
                expected.remove(name);
            }
            for (name, json) in &mutation.set_fields {
                expected.insert(name.clone(), raw(json));
            }
            assert_eq!(again(&mutated.unwrap()), of(&expected), "{body}");
            Ok(())
        })
        .budget_ms(500);
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
