//! A client's JSON, opened one level at a time: every value knows its path, and nothing is copied.

use crate::fault::{Fault, MistakeKind};
use crate::model::text::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// The most levels of arrays and objects in a value that is passed on as it came.
const DEEPEST: usize = 100;
/// The most characters of a client's own field name that an error or a warning repeats.
const LONGEST_NAME: usize = 64;

/// Where a value stands: `messages[2].content[0].image_url.url`. With `{:#}` the positions are left out.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Top,
    Field(&'p Self, &'p str),
    Item(&'p Self, usize),
}

/// One value, not yet read.
#[derive(Clone, Copy)]
pub(super) struct Node<'a, 'p> {
    pub(super) raw: &'a RawValue,
    pub(super) at: Path<'p>,
}

/// The members of an object, in the client's order, not yet read. Of a name that comes twice the last one counts.
pub(super) struct Object<'a, 'p> {
    pub(super) members: Vec<(Cow<'a, str>, &'a RawValue)>,
    pub(super) at: Path<'p>,
}

/// The items of an array, not yet read.
pub(super) struct List<'a, 'p> {
    items: Vec<&'a RawValue>,
    at: Path<'p>,
}

/// Opens a request's body. The whole of it is checked to be JSON here.
pub(super) fn open(body: &[u8]) -> Result<Object<'_, 'static>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(format!("the body is not UTF-8: the byte at offset {} is out of place", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_ascii_start().as_bytes().first() {
        None => Err(malformed("the body is empty; a JSON object was expected".to_owned())),
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(|error| not_json(&error))?;
            Ok(Object { members, at: Path::Top })
        }
        Some(_) => match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Err(malformed(format!("the body must be a JSON object; found {}", kind(raw)))),
            Err(error) => Err(not_json(&error)),
        },
    }
}

fn malformed(message: String) -> Fault {
    Fault::mistake(MistakeKind::Malformed, None, message)
}

/// Only the grammar's errors are repeated: those of other categories would quote values.
fn not_json(error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            whole.split(" at line ").next().unwrap_or_default()
        }
        _ => "not the expected structure",
    };
    malformed(format!("the body is not valid JSON: {what} (line {line}, column {column})"))
}

impl<'a, 'p> Node<'a, 'p> {
    /// The value as a string, still escaped, halves of surrogate pairs replaced.
    pub(super) fn text(&self) -> Result<Text<'a>, Fault> {
        Ok(whole_pairs(Cow::Borrowed(self.escaped()?)))
    }

    /// The inside of a string, exactly as it stands in the body.
    pub(super) fn escaped(&self) -> Result<&'a str, Fault> {
        let inside = self.raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inside.ok_or_else(|| self.wrong("a string"))
    }

    /// What a string says.
    pub(super) fn string(&self) -> Result<Cow<'a, str>, Fault> {
        let inside = self.escaped()?;
        Ok(if inside.contains('\\') {
            Cow::Owned(Text::from_escaped(inside).plain().into_owned())
        } else {
            Cow::Borrowed(inside)
        })
    }

    /// A string with something in it.
    pub(super) fn filled_string(&self) -> Result<Cow<'a, str>, Fault> {
        let string = self.string()?;
        if string.trim().is_empty() { Err(self.invalid("must not be empty")) } else { Ok(string) }
    }

    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match self.raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("a boolean")),
        }
    }

    /// A number that a double can hold.
    pub(super) fn number(&self) -> Result<f64, Fault> {
        if !matches!(self.raw.get().as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.wrong("a number"));
        }
        let number: Option<f64> = self.raw.get().parse().ok();
        number.filter(|number| number.is_finite()).ok_or_else(|| self.invalid("must be a number within range"))
    }

    /// A number from `least` to `most`.
    pub(super) fn number_within(&self, least: f64, most: f64) -> Result<f64, Fault> {
        let number = self.number()?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(self.invalid(&format!("must be between {least} and {most}")))
        }
    }

    /// A whole number above zero; `100.0` is one.
    pub(super) fn count(&self) -> Result<u32, Fault> {
        let number = self.number()?;
        if number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0 {
            Ok(number as u32)
        } else {
            Err(self.invalid(&format!("must be a whole number between 1 and {}", u32::MAX)))
        }
    }

    pub(super) fn object(&self) -> Result<Object<'a, 'p>, Fault> {
        if !self.is_object() {
            return Err(self.wrong("an object"));
        }
        let members: Result<Members<'a>, _> = serde_json::from_str(self.raw.get());
        let Members(members) = members.map_err(|_| self.invalid("holds a field name that is not a valid string"))?;
        Ok(Object { members, at: self.at })
    }

    pub(super) fn list(&self) -> Result<List<'a, 'p>, Fault> {
        if !self.is_list() {
            return Err(self.wrong("an array"));
        }
        let items: Result<Vec<&'a RawValue>, _> = serde_json::from_str(self.raw.get());
        Ok(List { items: items.map_err(|_| self.wrong("an array"))?, at: self.at })
    }

    /// An object that is passed on as it came.
    pub(super) fn raw_object(&self) -> Result<&'a RawValue, Fault> {
        if !self.is_object() {
            return Err(self.wrong("an object"));
        }
        if is_too_deep(self.raw.get()) {
            return Err(self.invalid(&format!("is nested deeper than {DEEPEST} levels")));
        }
        Ok(self.raw)
    }

    pub(super) fn is_object(&self) -> bool {
        self.raw.get().starts_with('{')
    }

    pub(super) fn is_list(&self) -> bool {
        self.raw.get().starts_with('[')
    }

    pub(super) fn is_string(&self) -> bool {
        self.raw.get().starts_with('"')
    }

    /// The value is of the wrong type.
    pub(super) fn wrong(&self, expected: &str) -> Fault {
        Fault::invalid(self.at.to_string(), format!("`{}` must be {expected}; found {}", self.at, kind(self.raw)))
    }

    /// The value is of the right type, and cannot be used; `rule` begins with a verb.
    pub(super) fn invalid(&self, rule: &str) -> Fault {
        Fault::invalid(self.at.to_string(), format!("`{}` {rule}", self.at))
    }

    /// The value asks for what cannot be done; `why` begins with a verb.
    pub(super) fn unsupported(&self, why: &str) -> Fault {
        Fault::unsupported(self.at.to_string(), format!("`{}` {why}", self.at))
    }
}

impl<'a> Object<'a, '_> {
    /// The member of that name; `null` counts as none.
    pub(super) fn get<'s>(&'s self, name: &'s str) -> Option<Node<'a, 's>> {
        let (_, raw) = self.members.iter().rfind(|(member, _)| member == name)?;
        (raw.get() != "null").then_some(Node { raw, at: Path::Field(&self.at, name) })
    }

    /// The first of several spellings.
    pub(super) fn get_any<'s>(&'s self, names: &[&'s str]) -> Option<Node<'a, 's>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The member of that name, which must be there.
    pub(super) fn need<'s>(&'s self, name: &'s str) -> Result<Node<'a, 's>, Fault> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// A member that must be there is not.
    pub(super) fn missing(&self, name: &str) -> Fault {
        let at = Path::Field(&self.at, name);
        Fault::invalid(at.to_string(), format!("`{at}` is required"))
    }

    /// Adds those members of another object whose names are not here yet.
    pub(super) fn adopt(&mut self, mut members: Vec<(Cow<'a, str>, &'a RawValue)>) {
        let present: BTreeSet<&str> = self.each().map(|(name, _)| name.as_ref()).collect();
        members.retain(|(name, _)| !present.contains(name.as_ref()));
        self.members.append(&mut members);
    }

    /// All members that are not `null`, in order, each name once.
    pub(super) fn once(&self) -> Vec<(&Cow<'a, str>, Node<'a, '_>)> {
        let mut seen = BTreeSet::new();
        let mut members: Vec<_> = self.members.iter().rev().filter(|(name, _)| seen.insert(name)).collect();
        members.retain(|(_, raw)| raw.get() != "null");
        members.reverse();
        members.into_iter().map(|(name, raw)| (name, Node { raw, at: Path::Field(&self.at, name) })).collect()
    }

    /// All members that are not `null`.
    pub(super) fn each<'s>(&'s self) -> impl Iterator<Item = (&'s Cow<'a, str>, Node<'a, 's>)> {
        let present = self.members.iter().filter(|(_, raw)| raw.get() != "null");
        present.map(|(name, raw)| (name, Node { raw, at: Path::Field(&self.at, name) }))
    }
}

impl<'a> List<'a, '_> {
    pub(super) fn each<'s>(&'s self) -> impl Iterator<Item = Node<'a, 's>> {
        self.items.iter().enumerate().map(|(index, raw)| Node { raw, at: Path::Item(&self.at, index) })
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Field(Self::Top, name) => write_name(f, name),
            Self::Field(parent, name) => {
                parent.fmt(f)?;
                f.write_str(".")?;
                write_name(f, name)
            }
            Self::Item(parent, index) => {
                parent.fmt(f)?;
                if f.alternate() { f.write_str("[]") } else { write!(f, "[{index}]") }
            }
        }
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    for character in name.chars().take(LONGEST_NAME) {
        if character.is_control() { write!(f, "{}", character.escape_default())? } else { write!(f, "{character}")? }
    }
    if name.chars().nth(LONGEST_NAME).is_some() { f.write_str("...") } else { Ok(()) }
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(name), raw)) = map.next_entry()? {
            members.push((name, raw));
        }
        Ok(Members(members))
    }
}

/// Whether arrays and objects in valid JSON are nested deeper than [`DEEPEST`].
pub(super) fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// Replaces every `\uXXXX` that is half of a surrogate pair without the other: JSON's grammar has them, and
/// Bedrock refuses a body that holds one.
pub(super) fn whole_pairs(escaped: Cow<'_, str>) -> Text<'_> {
    let halves = lone_halves(&escaped);
    if halves.is_empty() {
        return Text::from_escaped(escaped);
    }
    let mut mended = escaped.into_owned();
    for at in halves {
        mended.replace_range(at..at + 6, "\\ufffd");
    }
    Text::from_escaped(mended)
}

/// Where the lone halves stand.
fn lone_halves(escaped: &str) -> Vec<usize> {
    let mut lone = Vec::new();
    if !escaped.contains("\\u") {
        return lone;
    }
    let (bytes, mut at, mut waiting) = (escaped.as_bytes(), 0, None);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let unit = unit_of(rest);
        match (unit, waiting.take()) {
            (Some(0xdc00..=0xdfff), Some(_)) => {}
            (_, before) => {
                lone.extend(before);
                match unit {
                    Some(0xd800..=0xdbff) => waiting = Some(at),
                    Some(0xdc00..=0xdfff) => lone.push(at),
                    _ => {}
                }
            }
        }
        at += match rest.first() {
            Some(b'\\') if unit.is_some() => 6,
            Some(b'\\') => 2,
            _ => 1,
        };
    }
    lone.extend(waiting);
    lone
}

/// The code unit, when the bytes begin with `\uXXXX`.
fn unit_of(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(escaped: &str) -> String {
        whole_pairs(Cow::Borrowed(escaped)).as_escaped().to_owned()
    }

    #[test]
    fn only_lone_halves_of_surrogate_pairs_are_replaced() {
        assert_eq!(mended(r"a\ud83e\udd80b\u00e9\n"), r"a\ud83e\udd80b\u00e9\n");
        assert_eq!(mended(r"\ud83e"), r"\ufffd");
        assert_eq!(mended(r"\udd80\ud83e x"), r"\ufffd\ufffd x");
        assert_eq!(mended(r"\ud83e\ud83e\udd80"), r"\ufffd\ud83e\udd80");
        assert_eq!(mended(r"\\ud83e \\\udd80"), r"\\ud83e \\\ufffd");
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(&nested(DEEPEST)));
        assert!(is_too_deep(&nested(DEEPEST + 1)));
        assert!(!is_too_deep(&format!(r#"["\"{}"]"#, "[".repeat(500))));
    }

    #[test]
    fn paths_name_the_place_and_shorten_strange_names() {
        let messages = Path::Field(&Path::Top, "messages");
        let item = Path::Item(&messages, 2);
        let content = Path::Field(&item, "content");
        assert_eq!(content.to_string(), "messages[2].content");
        assert_eq!(format!("{content:#}"), "messages[].content");
        let long = "x".repeat(70);
        assert_eq!(Path::Field(&Path::Top, &long).to_string(), format!("{}...", "x".repeat(64)));
        assert_eq!(Path::Field(&Path::Top, "a\nb").to_string(), "a\\nb");
    }
}
