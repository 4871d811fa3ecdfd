//! A client's JSON, opened one level at a time: every value knows its path, and nothing is copied.

use crate::fault::{Fault, MistakeKind};
use crate::limits::{self, Limits};
use crate::model::field_ref::FieldRef;
use crate::model::raw::Raw;
use crate::model::text::Text;
use crate::wire::json::{Document, Kind, Noting, Unread, Value};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most levels of arrays and objects in a value that is passed on as it came.
pub(super) const DEEPEST: usize = 100;
/// The most characters of a client's own field name that an error or a warning repeats.
const LONGEST_NAME: usize = 64;

/// No field that is read lies deeper.
const DEEP: usize = 16;

/// Which parts of a dialect's bodies are indexed when a body is read; the others go on as they came.
pub(super) struct Indexed {
    /// The members of the top that are looked into; the others are single values, or go on as they came.
    pub(super) members: &'static [&'static str],
    /// A member of the top whose own members may count as if they stood beside it; empty: none does.
    pub(super) beside: &'static str,
    /// The names of members, at any depth, that go on as they came: schemas.
    pub(super) opaque: &'static [&'static str],
}

/// The path of a value: `messages[2].content[0].image_url.url`. With `{:#}` the positions are left out.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Top,
    Field(&'p Self, &'p str),
    Item(&'p Self, usize),
}

/// One value, not yet read.
#[derive(Clone, Copy)]
pub(super) struct Node<'a, 'p> {
    value: Value<'a, 'p>,
    pub(super) at: Path<'p>,
}

/// The members of an object, in the client's order, not yet read. Of a name that comes twice the last one counts.
pub(super) struct Object<'a, 'p> {
    value: Value<'a, 'p>,
    /// An object whose members count where this one has none of that name.
    beside: Option<Value<'a, 'p>>,
    /// The filter over its members' names.
    looks: Looks,
    at: Path<'p>,
}

/// A filter over names, by their length and first letter, as a Bloom filter with one hash: most names that are asked
/// for are not there, and most of those are ruled out by it.
#[derive(Clone, Copy, Default)]
struct Looks(u64);

/// The items of an array, not yet read.
pub(super) struct List<'a, 'p> {
    value: Value<'a, 'p>,
    at: Path<'p>,
}

/// Looks through a request's body: the whole of it is JSON, and an object.
pub(super) fn read<'a>(body: &'a [u8], values: usize, indexed: &Indexed) -> Result<Document<'a>, Fault> {
    // Text of many scripts is looked through many bytes at once; what is wrong with it says the standard library.
    let text = simdutf8::basic::from_utf8(body).or_else(|_| std::str::from_utf8(body)).map_err(|error| {
        malformed(format!("the body is not UTF-8: the byte at offset {} is out of place", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii_start().is_empty() {
        return Err(malformed("the body is empty; a JSON object was expected".to_owned()));
    }
    let &Indexed { members: looked_into, beside, opaque } = indexed;
    let noting = Noting { looked_into, beside, opaque, values, ..Noting::down_to(DEEP) };
    let document = Document::read_noting(text, &noting).map_err(|unread| match unread {
        Unread::NotJson => not_json(text),
        Unread::TooMany => limits::too_many_values(values),
    })?;
    match document.top().kind() {
        Kind::Object if has_names(document.top()) => Ok(document),
        Kind::Object => Err(not_json(text)),
        other @ (Kind::Null | Kind::Boolean | Kind::Number | Kind::String | Kind::List) => {
            Err(malformed(format!("the body must be a JSON object; found {}", said(other))))
        }
    }
}

/// Opens what was looked through.
pub(super) fn open<'a, 'p>(document: &'p Document<'a>) -> Object<'a, 'p> {
    Object::new(document.top(), Path::Top)
}

/// Whether every member name of an object is a valid string: JSON's grammar allows halves of surrogate pairs.
fn has_names(object: Value<'_, '_>) -> bool {
    !object.document().has_escaped_names() || object.members().all(|(name, _)| name.plain().is_some())
}

fn malformed(message: String) -> Fault {
    Fault::mistake(MistakeKind::Malformed, None, message)
}

/// The error of a body that is not JSON, with its line and column. Only the grammar's errors are repeated: those of
/// other categories would quote values.
fn not_json(body: &str) -> Fault {
    let Err(error) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(body) else {
        return malformed("the body is too long".to_owned());
    };
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            whole.split(" at line ").next().unwrap_or_default()
        }
        serde_json::error::Category::Io | serde_json::error::Category::Data => "not the expected structure",
    };
    malformed(format!("the body is not valid JSON: {what} (line {line}, column {column})"))
}

impl<'a, 'p> Node<'a, 'p> {
    /// The value as it stands in the body.
    pub(super) fn raw(&self) -> &'a str {
        self.value.raw()
    }

    /// The value as a string, still escaped, halves of surrogate pairs replaced.
    pub(super) fn text(&self) -> Result<Text<'a>, Fault> {
        let inside = self.escaped()?;
        Ok(if self.value.has_escapes() { whole_pairs(Cow::Borrowed(inside)) } else { Text::from_escaped(inside) })
    }

    /// The inside of a string, exactly as it stands in the body.
    pub(super) fn escaped(&self) -> Result<&'a str, Fault> {
        self.value.escaped().ok_or_else(|| self.wrong("a string"))
    }

    /// The unescaped text of a string.
    pub(super) fn string(&self) -> Result<Cow<'a, str>, Fault> {
        let inside = self.escaped()?;
        Ok(if self.value.has_escapes() {
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
        match self.raw() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("a boolean")),
        }
    }

    /// A string with something in it, which names something: it has at most so many bytes.
    pub(super) fn id(&self, limits: &Limits) -> Result<Cow<'a, str>, Fault> {
        let length = self.escaped()?.len();
        if length > limits.id_bytes {
            limits::at_most(&self.at.to_string(), length, limits.id_bytes, "bytes", "--max-id-bytes")?;
        }
        self.filled_string()
    }

    /// A number that a double can hold.
    pub(super) fn number(&self) -> Result<f64, Fault> {
        if self.value.kind() != Kind::Number {
            return Err(self.wrong("a number"));
        }
        let number: Option<f64> = self.raw().parse().ok();
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
        if !has_names(self.value) {
            return Err(self.invalid("holds a field name that is not a valid string"));
        }
        let (value, at) = self.noted()?;
        Ok(Object::new(value, at))
    }

    pub(super) fn list(&self) -> Result<List<'a, 'p>, Fault> {
        if !self.is_list() {
            return Err(self.wrong("an array"));
        }
        let (value, at) = self.noted()?;
        Ok(List { value, at })
    }

    /// The value, unless it lies deeper than any field that is read.
    fn noted(&self) -> Result<(Value<'a, 'p>, Path<'p>), Fault> {
        if self.value.is_unnoted() { Err(self.invalid("is nested too deep")) } else { Ok((self.value, self.at)) }
    }

    /// An object that is passed on as it came.
    pub(super) fn raw_object(&self) -> Result<Raw<'a>, Fault> {
        if !self.is_object() {
            return Err(self.wrong("an object"));
        }
        // Hardly any body is so deep that its parts have to be asked.
        if self.value.document().deepest() > DEEPEST && is_too_deep(self.raw()) {
            return Err(self.invalid(&format!("is nested deeper than {DEEPEST} levels")));
        }
        Ok(Raw::from_json(self.raw()))
    }

    pub(super) fn is_object(&self) -> bool {
        self.value.kind() == Kind::Object
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.kind() == Kind::List
    }

    pub(super) fn is_string(&self) -> bool {
        self.value.kind() == Kind::String
    }

    /// The value is of the wrong type.
    pub(super) fn wrong(&self, expected: &str) -> Fault {
        Fault::invalid(
            FieldRef::own(self.at.to_string()),
            format!("`{}` must be {expected}; found {}", self.at, said(self.value.kind())),
        )
    }

    /// The value is of the right type, and cannot be used; `rule` begins with a verb.
    pub(super) fn invalid(&self, rule: &str) -> Fault {
        Fault::invalid(FieldRef::own(self.at.to_string()), format!("`{}` {rule}", self.at))
    }

    /// The value asks for what cannot be done; `why` begins with a verb.
    pub(super) fn unsupported(&self, why: &str) -> Fault {
        Fault::unsupported(FieldRef::own(self.at.to_string()), format!("`{}` {why}", self.at))
    }
}

impl<'a, 'p> Object<'a, 'p> {
    fn new(value: Value<'a, 'p>, at: Path<'p>) -> Self {
        Object { value, beside: None, looks: Looks::of(value), at }
    }
}

impl Looks {
    fn of(object: Value<'_, '_>) -> Self {
        if object.document().has_escaped_names() {
            return Self(u64::MAX);
        }
        let mut all = 0;
        for (name, _) in object.members() {
            all |= Self::one(name.escaped().unwrap_or_default());
        }
        Self(all)
    }

    fn one(name: &str) -> u64 {
        let first = name.as_bytes().first().copied().unwrap_or_default();
        1 << ((usize::from(first) + name.len() * 11) % 64)
    }
}

impl<'a> Object<'a, '_> {
    /// The member of that name; `null` counts as none.
    pub(super) fn get<'s>(&'s self, name: &'s str) -> Option<Node<'a, 's>> {
        if self.looks.0 & Looks::one(name) == 0 {
            return None;
        }
        let value = self.value.member(name).or_else(|| self.beside?.member(name))?;
        (value.kind() != Kind::Null).then_some(Node { value, at: Path::Field(&self.at, name) })
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
        Fault::invalid(FieldRef::own(at.to_string()), format!("`{at}` is required"))
    }

    /// Whether it has no members.
    pub(super) fn is_empty(&self) -> bool {
        self.members().next().is_none()
    }

    /// How many members it has.
    pub(super) fn len(&self) -> usize {
        self.members().count()
    }

    /// All members that are not `null`, in order, each name once.
    pub(super) fn once(&self) -> Vec<(Cow<'a, str>, Node<'a, '_>)> {
        // Room for all of them at once takes less than room that grows.
        let mut members = Vec::with_capacity(self.len());
        members.extend(self.members());
        members.reverse();
        let mut seen = BTreeSet::new();
        members.retain(|(name, _)| seen.insert(name.plain()));
        drop(seen);
        members.reverse();
        let present = members.into_iter().filter(|(_, value)| value.kind() != Kind::Null);
        present.map(|(name, value)| (name.plain().unwrap_or_default(), self.node(name, value))).collect()
    }

    /// All members that are not `null` and whose name is in none of these lists.
    pub(super) fn strangers<'s>(&'s self, known: &[&[&str]]) -> impl Iterator<Item = Node<'a, 's>> {
        let is_known = |name: Value<'_, '_>| match name.has_escapes() {
            false => name.escaped().is_some_and(|name| known.iter().any(|known| known.contains(&name))),
            true => name.plain().is_some_and(|name| known.iter().any(|known| known.contains(&name.as_ref()))),
        };
        let present = self.members().filter(|(_, value)| value.kind() != Kind::Null);
        present.filter(move |(name, _)| !is_known(*name)).map(|(name, value)| self.node(name, value))
    }

    fn members<'s>(&'s self) -> impl Iterator<Item = (Value<'a, 's>, Value<'a, 's>)> {
        self.value.members().chain(self.beside.map(|beside| self.lacking(beside)).unwrap_or_default())
    }

    /// The members of another object whose names are not here.
    fn lacking<'s>(&'s self, beside: Value<'a, 's>) -> Vec<(Value<'a, 's>, Value<'a, 's>)> {
        let own: BTreeSet<Cow<'_, str>> = self.value.members().filter_map(|(name, _)| name.plain()).collect();
        beside.members().filter(|(name, _)| name.plain().is_some_and(|name| !own.contains(&name))).collect()
    }

    fn node<'s>(&'s self, name: Value<'a, 's>, value: Value<'a, 's>) -> Node<'a, 's> {
        Node { value, at: Path::Field(&self.at, name.escaped().unwrap_or_default()) }
    }
}

impl Object<'_, '_> {
    /// The same with those members of the member of that name, an object, that do not stand beside it.
    pub(super) fn with_members_of(self, name: &str) -> Result<Self, Fault> {
        let Some(node) = self.get(name) else { return Ok(self) };
        node.object()?;
        let beside = self.value.member(name);
        let looks = Looks(self.looks.0 | beside.map_or(0, |beside| Looks::of(beside).0));
        Ok(Self { beside, looks, ..self })
    }
}

impl<'a> List<'a, '_> {
    pub(super) fn each<'s>(&'s self) -> impl Iterator<Item = Node<'a, 's>> {
        self.value.items().enumerate().map(|(index, value)| Node { value, at: Path::Item(&self.at, index) })
    }

    pub(super) fn len(&self) -> usize {
        self.value.items().count()
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

fn said(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Object => "an object",
        Kind::List => "an array",
        Kind::Boolean => "a boolean",
        Kind::Null => "null",
        Kind::Number => "a number",
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

/// The positions of the lone halves of surrogate pairs.
fn lone_halves(escaped: &str) -> Vec<usize> {
    let mut lone = Vec::new();
    if !escaped.contains("\\u") {
        return lone;
    }
    let (mut at, mut waiting) = (0, None);
    while let Some(plain) = escaped.get(at..).and_then(|rest| rest.find('\\')) {
        if plain > 0 {
            lone.extend(waiting.take());
        }
        at += plain;
        let unit = escaped.as_bytes().get(at..).and_then(unit_of);
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
        at += if unit.is_some() { 6 } else { 2 };
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
