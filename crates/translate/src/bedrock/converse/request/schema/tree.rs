//! A JSON Schema taken apart: its members in the client's order, names and scalars as the client wrote them.

use crate::wire::json::{Document, Kind, Value};
use std::borrow::Cow;

/// A value of a schema. Names are plain, scalars as they stand.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree<'a> {
    Scalar(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// Members that hold schemas by name.
const BY_NAME: [&str; 5] = ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];
/// Members that are a schema, or a list of some.
const INSIDE: [&str; 15] = [
    "items",
    "additionalProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
];

impl<'a> Tree<'a> {
    /// Takes a text apart; `None` when it is not JSON.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        Document::read(json).map(|document| Self::of(document.top()))
    }

    fn of(value: Value<'a, '_>) -> Self {
        if value.is_unnoted() {
            return Self::read(value.raw()).unwrap_or_else(|| Self::Scalar(Cow::Borrowed(value.raw())));
        }
        match value.kind() {
            Kind::List => Self::List(value.items().map(Self::of).collect()),
            Kind::Object => {
                let mut members = Vec::new();
                for (name, value) in value.members() {
                    members.push((name.plain().unwrap_or_default(), Self::of(value)));
                }
                Self::Object(members)
            }
            Kind::Null | Kind::Boolean | Kind::Number | Kind::String => Self::Scalar(Cow::Borrowed(value.raw())),
        }
    }

    /// A string as a value.
    pub(super) fn text(plain: &str) -> Self {
        Self::Scalar(Cow::Owned(serde_json::Value::from(plain).to_string()))
    }

    /// A word that needs no escapes as a value.
    pub(super) fn word(word: &str) -> Self {
        Self::Scalar(Cow::Owned(format!("\"{word}\"")))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar == "null")
    }

    /// The unescaped text of a string.
    pub(super) fn plain(&self) -> Option<String> {
        if let Self::Scalar(scalar) = self { serde_json::from_str(scalar).ok() } else { None }
    }

    /// The text of a scalar.
    pub(super) fn scalar(&self) -> Option<&str> {
        if let Self::Scalar(scalar) = self { Some(scalar) } else { None }
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(super) fn members(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    pub(super) fn members_mut(&mut self) -> Option<&mut Vec<(Cow<'a, str>, Self)>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The last member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Sets a member in its place, or as the last one.
    pub(super) fn set(&mut self, name: &'static str, value: Self) {
        let Some(members) = self.members_mut() else { return };
        match members.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => members.push((Cow::Borrowed(name), value)),
        }
    }

    /// Takes a member out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Self> {
        let members = self.members_mut()?;
        let at = members.iter().rposition(|(known, _)| known == name)?;
        Some(members.remove(at).1)
    }

    /// Whether `type` is this word, or a list with it.
    pub(super) fn is_of(&self, word: &str) -> bool {
        let is = |value: &Self| value.plain().as_deref() == Some(word);
        self.get("type").is_some_and(|kind| is(kind) || kind.items().iter().any(is))
    }

    /// The schemas directly within this one, in their order.
    pub(super) fn within(&mut self) -> impl Iterator<Item = &mut Self> {
        let members = self.members_mut().map(Vec::as_mut_slice).unwrap_or_default();
        members.iter_mut().flat_map(|(name, value)| {
            let (by_name, inside) = (BY_NAME.contains(&name.as_ref()), INSIDE.contains(&name.as_ref()));
            let is_object = matches!(value, Self::Object(_));
            match (value, by_name) {
                (Self::Object(members), true) => members.iter_mut().map(|(_, schema)| schema).collect(),
                (Self::List(items), false) => items.iter_mut().filter(|_| inside).collect(),
                (schema, _) if is_object && inside => vec![schema],
                _ => Vec::new(),
            }
        })
    }

    /// Changes every schema in this one, and itself last.
    pub(super) fn each(&mut self, change: &mut impl FnMut(&mut Self)) {
        for schema in self.within() {
            schema.each(change);
        }
        change(self);
    }

    /// The number of values in the tree; `None` when it is more than `most`, beyond which nothing is counted.
    pub(super) fn size_within(&self, most: usize) -> Option<usize> {
        let left = most.checked_sub(1)?;
        let add = |sum: usize, value: &Self| Some(sum + value.size_within(left.checked_sub(sum)?)?);
        let inside = match self {
            Self::Scalar(_) => 0,
            Self::List(items) => items.iter().try_fold(0, add)?,
            Self::Object(members) => members.iter().map(|(_, value)| value).try_fold(0, add)?,
        };
        Some(inside + 1)
    }

    /// As JSON.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Scalar(scalar) => out.push_str(scalar),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&serde_json::Value::from(name.as_ref()).to_string());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}
