//! Responses that are remembered for a while, and requests that go on from them: `previous_response_id`, `item_reference`.
//!
//! A request is made whole before it is read: the items that it names stand in its `input` then, and everything else is as
//! the client sent it.

use super::request::INDEXED;
use crate::dialect::json::{self, Node, Object};
use crate::fault::{Fault, MistakeKind};
use crate::limits::Limits;
use crate::model::field_ref::FieldRef;
use crate::model::text::Text;
use crate::wire::json::{Document, Noting};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroize;

/// The digits of an exchange's id in those of its response and items.
const DIGITS: usize = 32;

/// The most that one request takes of what is remembered, in bytes: it may name the same item again and again.
const MOST_TAKEN: usize = 8 << 20;

/// A response that is remembered. It is wiped when it is dropped.
#[derive(Serialize, Deserialize)]
pub struct StoredResponse {
    /// The items that it answered, as JSON with commas between them: those of its request, made whole.
    pub input: String,
    /// The response object.
    pub object: String,
}

impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredResponse({} bytes)", self.bytes())
    }
}

impl Drop for StoredResponse {
    fn drop(&mut self) {
        self.input.zeroize();
        self.object.zeroize();
    }
}

impl StoredResponse {
    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.input.len() + self.object.len()
    }

    /// The items that it gave, each as JSON with its id.
    fn output(&self) -> Vec<OutputItem<'_>> {
        let Ok(document) = Document::read_noting(&self.object, &Noting::down_to(4)) else { return Vec::new() };
        let Some(output) = document.top().member("output") else { return Vec::new() };
        let items = output.items().map(|item| OutputItem {
            id: item.member("id").and_then(|id| id.plain()).unwrap_or_default().into_owned(),
            json: item.raw(),
        });
        items.collect()
    }
}

struct OutputItem<'o> {
    id: String,
    json: &'o str,
}

/// Whether a body may name a response or an item that is remembered: most do not, and are not looked into.
#[must_use]
pub fn may_refer(body: &[u8]) -> bool {
    ["previous_response_id", "item_reference"].iter().any(|name| memmem::find(body, name.as_bytes()).is_some())
}

/// The fault of a response that is not remembered, or not any more.
#[must_use]
pub fn not_found(id: &str, field: Option<FieldRef>) -> Fault {
    let what = if field.is_some() { "Previous response" } else { "Response" };
    let shown: String = id.chars().take(128).collect();
    Fault::mistake(MistakeKind::ResponseNotFound, field, format!("{what} with id '{shown}' not found."))
}

/// A request's body with the items in it that it names; `None`: it names none. `find` gives a response of this caller's by
/// its id. An `item_reference` to what is not remembered stays as it is.
///
/// # Errors
///
/// The response of `previous_response_id` is not remembered, or the items that the request names are together larger than
/// 8 MiB. What else is wrong is left to whoever reads the body.
pub fn made_whole(
    body: &[u8],
    limits: &Limits,
    find: &mut dyn FnMut(&str) -> Option<StoredResponse>,
) -> Result<Option<Vec<u8>>, Fault> {
    let Ok(document) = json::read(body, limits.json_values, &INDEXED) else { return Ok(None) };
    let top = json::open(&document);
    let mut memory = Memory { find, known: BTreeMap::new(), left: MOST_TAKEN };
    let mut items = Vec::new();
    if let Some(node) = top.get("previous_response_id") {
        let id = node.string()?;
        let previous = (memory.find)(&id).ok_or_else(|| not_found(&id, Some(FieldRef::own("previous_response_id"))))?;
        memory.take(previous.bytes())?;
        items.push(previous.input.clone());
        items.extend(previous.output().into_iter().map(|item| item.json.to_owned()));
    }
    let before = items.len();
    let mut referred = false;
    if let Some(input) = top.get("input") {
        for item in input_items(&input)? {
            let found = item.reference.map(|id| memory.item(&id)).transpose()?.flatten();
            referred |= found.is_some();
            items.push(found.unwrap_or(item.json));
        }
    }
    if before == 0 && !referred {
        return Ok(None);
    }
    items.retain(|item| !item.is_empty());
    Ok(Some(with_input(&top, &items.join(","))))
}

/// The responses that a request names, each looked up once, within a limit of bytes.
struct Memory<'f> {
    find: &'f mut dyn FnMut(&str) -> Option<StoredResponse>,
    /// The items of each response by their ids.
    known: BTreeMap<String, BTreeMap<String, String>>,
    /// The bytes that may still be taken.
    left: usize,
}

impl Memory<'_> {
    /// An item of a response that is remembered. Its id holds that of the response.
    fn item(&mut self, id: &str) -> Result<Option<String>, Fault> {
        let Some(digits) = id.split('_').nth(1).filter(|digits| digits.len() == DIGITS) else { return Ok(None) };
        if !self.known.contains_key(digits) {
            let stored = (self.find)(&format!("resp_{digits}"));
            let output = stored.iter().flat_map(StoredResponse::output);
            let items: BTreeMap<String, String> = output.map(|item| (item.id, item.json.to_owned())).collect();
            self.take(items.values().map(String::len).sum())?;
            self.known.insert(digits.to_owned(), items);
        }
        let found = self.known.get(digits).and_then(|items| items.get(id)).cloned();
        self.take(found.as_ref().map_or(0, String::len))?;
        Ok(found)
    }

    /// Counts bytes that are taken.
    fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let message = format!("what the request names is larger together than {} MiB", MOST_TAKEN >> 20);
            Fault::mistake(MistakeKind::TooLarge, Some(FieldRef::own("input")), message)
        })?;
        Ok(())
    }
}

/// The items of a request, as a later one goes on from them.
#[must_use]
pub fn input_of(body: &[u8], limits: &Limits) -> Option<String> {
    let document = json::read(body, limits.json_values, &INDEXED).ok()?;
    let top = json::open(&document);
    let Some(input) = top.get("input") else { return Some(String::new()) };
    let items: Vec<String> = input_items(&input).ok()?.into_iter().map(|item| item.json).collect();
    Some(items.join(","))
}

/// One item of `input`.
struct InputItem {
    json: String,
    /// The id that it refers to.
    reference: Option<String>,
}

fn input_items(input: &Node<'_, '_>) -> Result<Vec<InputItem>, Fault> {
    if input.is_string() {
        let json = format!(r#"{{"role":"user","content":{}}}"#, input.raw());
        return Ok(vec![InputItem { json, reference: None }]);
    }
    let items = input.list()?;
    let mut read = Vec::with_capacity(items.len());
    for node in items.each() {
        read.push(InputItem { json: node.raw().to_owned(), reference: reference(&node) });
    }
    Ok(read)
}

/// The id in an `item_reference`.
fn reference(node: &Node<'_, '_>) -> Option<String> {
    let item = node.object().ok()?;
    let kind = item.get("type")?;
    (kind.raw() == "\"item_reference\"")
        .then(|| item.get("id")?.string().ok().map(std::borrow::Cow::into_owned))
        .flatten()
}

/// The body with these items as its `input`.
fn with_input(top: &Object<'_, '_>, items: &str) -> Vec<u8> {
    let mut body = String::with_capacity(items.len() + 1024);
    body.push('{');
    for (name, node) in top.once() {
        if name != "input" {
            body.push_str(&format!(r#""{}":{},"#, Text::from_plain(name).as_escaped(), node.raw()));
        }
    }
    body.push_str(&format!(r#""input":[{items}]}}"#));
    body.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    fn stored(id: &str) -> Option<StoredResponse> {
        let output = json!([{"type": "reasoning", "id": format!("rs_{HEX}_0")}, {"type": "message", "id": format!("msg_{HEX}_1")}]);
        let object = json!({"id": format!("resp_{HEX}"), "output": output}).to_string();
        (id == format!("resp_{HEX}"))
            .then(|| StoredResponse { input: r#"{"role":"user","content":"a"}"#.to_owned(), object })
    }

    fn whole(body: &Value) -> Result<Option<Value>, Fault> {
        let made = made_whole(body.to_string().as_bytes(), &Limits::default(), &mut stored)?;
        Ok(made.map(|made| serde_json::from_slice(&made).unwrap()))
    }

    #[test]
    fn a_request_goes_on_from_a_response() {
        let body = json!({"model": "m", "input": "b", "previous_response_id": format!("resp_{HEX}")});
        let made = whole(&body).unwrap().unwrap();
        let roles: Vec<_> = made["input"].as_array().unwrap().iter().map(|item| item["type"].as_str()).collect();
        assert_eq!(roles, [None, Some("reasoning"), Some("message"), None]);
        assert_eq!(made["input"][3], json!({"role": "user", "content": "b"}));
        assert_eq!((&made["model"], &made["previous_response_id"]), (&body["model"], &body["previous_response_id"]));
    }

    #[test]
    fn references_are_taken_from_their_response_or_stay() {
        let reference = |id: &str| json!({"type": "item_reference", "id": id});
        let known = format!("msg_{HEX}_1");
        let input = json!([reference(&known), reference("msg_gone"), {"role": "user", "content": "b"}]);
        let made = whole(&json!({"model": "m", "input": input})).unwrap().unwrap();
        assert_eq!(made["input"][0], json!({"type": "message", "id": known}));
        assert_eq!(made["input"][1], reference("msg_gone"));
        assert_eq!(whole(&json!({"model": "m", "input": [reference("rs_0_0")]})).unwrap(), None);
    }

    #[test]
    fn what_is_named_again_and_again_is_looked_up_once_and_bounded() {
        let item = json!({"type": "message", "id": format!("msg_{HEX}_1"), "content": "x".repeat(1 << 20)});
        let object = json!({"output": [item]}).to_string();
        let reference = json!({"type": "item_reference", "id": format!("msg_{HEX}_1")});
        let named = |times: usize| {
            let body = json!({"model": "m", "input": vec![&reference; times]}).to_string();
            let mut looked = 0;
            let made = made_whole(body.as_bytes(), &Limits::default(), &mut |_| {
                looked += 1;
                Some(StoredResponse { input: String::new(), object: object.clone() })
            });
            assert_eq!(looked, 1);
            made
        };
        assert!(named(6).unwrap().is_some_and(|body| body.len() > 6 << 20));
        let Fault::ClientMistaken(mistake) = named(8).unwrap_err() else { panic!("it is the client's") };
        assert_eq!(mistake.kind, MistakeKind::TooLarge);
        assert_eq!(mistake.message, "what the request names is larger together than 8 MiB");
    }

    #[test]
    fn a_response_that_is_gone_is_told() {
        let fault = whole(&json!({"model": "m", "input": "b", "previous_response_id": "resp_gone"})).unwrap_err();
        let Fault::ClientMistaken(mistake) = fault else { panic!("{fault:?}") };
        assert_eq!(mistake.kind, MistakeKind::ResponseNotFound);
        assert_eq!(mistake.message, "Previous response with id 'resp_gone' not found.");
    }

    #[test]
    fn hostile_bodies_are_left_to_their_reader() {
        for body in [&b"not json"[..], b"{\"input\":{}}", b"{\"input\":3,\"model\":\"m\"}", b"[]", b"\xff"] {
            assert!(!matches!(made_whole(body, &Limits::default(), &mut stored), Ok(Some(_))));
        }
        assert_eq!(input_of(b"{\"input\":[{\"a\":1} , 2]}", &Limits::default()).as_deref(), Some("{\"a\":1},2"));
    }
}
