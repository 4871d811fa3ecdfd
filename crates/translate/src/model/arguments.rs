//! The arguments of a call that comes back with a history: Bedrock takes a JSON object only, and not every one is.

use super::raw::Raw;
use super::text::Text;
use crate::wire::json::{Document, Kind, Noting};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The most levels of arrays and objects in arguments.
const DEEPEST: usize = 100;
/// The member under which arguments that are no object are kept.
const RAW: &str = "_raw_arguments";

/// The treatment of a call's arguments, of which Bedrock wants a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They are sent as they came.
    Same,
    /// It is certain which object is meant.
    Mended,
    /// They were cut, or are something else: their text is the one member of an object.
    Kept,
}

/// The object that is sent for arguments as a model wrote them. Nothing at all is an object without members.
#[must_use]
pub fn read(said: Cow<'_, str>) -> (Raw<'_>, Fate) {
    let trimmed = said.trim();
    if trimmed.is_empty() {
        return (Raw::EMPTY, Fate::Same);
    }
    match (object(trimmed), trimmed.len() == said.len()) {
        (true, true) => (Raw::from_json(said), Fate::Same),
        (true, false) => (Raw::from_json(trimmed.to_owned()), Fate::Same),
        (false, _) => match mended(trimmed) {
            Some(meant) => (Raw::from_json(meant), Fate::Mended),
            None => (kept(&said), Fate::Kept),
        },
    }
}

/// Arguments that are no object, as the one member of one.
#[must_use]
pub fn kept(said: &str) -> Raw<'static> {
    Raw::from_json(format!(r#"{{"{RAW}":"{}"}}"#, Text::from_plain(said).as_escaped()))
}

/// The text of arguments that were kept as the one member of an object; others as they are.
#[must_use]
pub fn as_written(json: &str) -> Cow<'_, str> {
    let document = Document::read_noting(json, &Noting::down_to(2)).ok();
    let text = document.as_ref().and_then(|document| {
        let mut members = document.top().members();
        let (name, value) = members.next().filter(|_| members.next().is_none())?;
        value.plain().filter(|_| name.plain().as_deref() == Some(RAW))
    });
    text.map_or(Cow::Borrowed(json), |text| Cow::Owned(text.into_owned()))
}

/// Whether a text is JSON that is not too deep to stand in an object.
#[must_use]
pub fn is_json(said: &str) -> bool {
    outline(said.trim()).is_some_and(|document| document.deepest() < DEEPEST)
}

/// The text as JSON, without a note of what is in it: that would take many times its room.
fn outline(text: &str) -> Option<Document<'_>> {
    Document::read_noting(text, &Noting::down_to(1)).ok()
}

fn object(text: &str) -> bool {
    let document = outline(text).filter(|document| document.deepest() <= DEEPEST);
    document.is_some_and(|document| document.top().kind() == Kind::Object)
}

/// The inside of a code fence, and the text behind a byte order mark.
fn unfenced(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}');
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.map_or(text, |inside| inside.strip_prefix("json").unwrap_or(inside).trim())
}

/// The object that is meant for certain, if one is.
fn mended(text: &str) -> Option<String> {
    let text = unfenced(text);
    if let Some(document) = outline(text) {
        return match document.top().kind() {
            Kind::Null => Some("{}".to_owned()),
            Kind::Object => object(text).then(|| text.to_owned()),
            // Written as JSON twice.
            Kind::String => {
                let inside = document.top().plain()?;
                object(inside.trim()).then(|| inside.trim().to_owned())
            }
            Kind::Boolean | Kind::Number | Kind::List => None,
        };
    }
    let text = once(text);
    let plain = without_slips(text);
    object(&plain).then_some(plain)
}

/// Clients that join the increments of a stream put the empty object of its start before the whole one, or the whole one
/// twice.
fn once(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix("{}").map(str::trim_start)
        && rest.starts_with('{')
    {
        return rest;
    }
    match text.split_at_checked(text.len() / 2) {
        Some((one, other)) if one == other && object(one) => one,
        _ => text,
    }
}

/// The text without commas before a closing bracket, and with its bare control characters escaped.
fn without_slips(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut in_string, mut escaped, mut comma) = (false, false, false);
    for letter in text.chars() {
        if in_string {
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            if letter < ' ' {
                let _ = write!(plain, "\\u{:04x}", u32::from(letter));
            } else {
                plain.push(letter);
            }
            continue;
        }
        if comma && !letter.is_ascii_whitespace() {
            comma = false;
            if !matches!(letter, '}' | ']') {
                plain.push(',');
            }
        }
        match letter {
            ',' => comma = true,
            _ => plain.push(letter),
        }
        in_string = letter == '"';
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(said: &str) -> (String, Fate) {
        let (raw, fate) = read(Cow::Borrowed(said));
        (raw.as_json().to_owned(), fate)
    }

    #[test]
    fn objects_stay_as_they_came() {
        for said in ["{}", r#"{ "a" : [1, 2,3 ]}"#, r#"{"a":"\ud800 ,}"}"#] {
            assert_eq!(seen(said), (said.to_owned(), Fate::Same));
        }
        assert_eq!(seen(" {\"a\":1}\n"), (r#"{"a":1}"#.to_owned(), Fate::Same));
        assert_eq!(seen("  "), ("{}".to_owned(), Fate::Same));
    }

    #[test]
    fn what_is_certain_is_mended() {
        for (said, meant) in [
            (r#"{"a":1,}"#, r#"{"a":1}"#),
            (r#"{"a":[1,2, ],"b":",}" , }"#, r#"{"a":[1,2 ],"b":",}"  }"#),
            ("{\"a\":\"x\ny\"}", r#"{"a":"x\u000ay"}"#),
            ("null", "{}"),
            (r#""{\"a\":1}""#, r#"{"a":1}"#),
            (r#"{}{"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1}{"a":1}"#, r#"{"a":1}"#),
            ("{}{}", "{}"),
            ("\u{feff}{\"a\":1}", r#"{"a":1}"#),
            ("```json\n{\"a\":1}\n```", r#"{"a":1}"#),
            ("```\n{\"a\":1,}\n```", r#"{"a":1}"#),
        ] {
            assert_eq!(seen(said), (meant.to_owned(), Fate::Mended), "{said}");
        }
    }

    #[test]
    fn everything_else_is_kept_under_one_name() {
        let deep = format!("{}{}", r#"{"a":"#.repeat(101), "1".to_owned() + &"}".repeat(101));
        for said in [
            r#"{"a":"b"#,
            r#"{"a":1"#,
            "[1]",
            r#""x""#,
            "3",
            "true",
            "{,}x",
            r#"{"a":1}{"b":1}"#,
            "get {",
            "{\"a\\",
            &deep,
        ] {
            let (raw, fate) = seen(said);
            assert_eq!(fate, Fate::Kept, "{said}");
            let value: serde_json::Value = serde_json::from_str(&raw).unwrap();
            assert_eq!(value, serde_json::json!({ RAW: said }));
        }
    }
}
