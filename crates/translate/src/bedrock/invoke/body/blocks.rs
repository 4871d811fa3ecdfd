//! Blocks of a client's body without what Bedrock refuses in them.

use super::points::MOST;
use super::{Rewriting, TOOL_SEARCH};
use crate::catalogue::Cache;
use crate::model::call_id;
use crate::model::field_ref::FieldRef;
use crate::model::text::Text;
use crate::wire::json::{Kind, Value};
use std::borrow::Cow;

/// A value of a client's body, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    /// As it came.
    Same,
    /// Not at all.
    Gone,
    /// As this JSON.
    Anew(String),
}

impl Fixed {
    /// An object, each of whose members is fixed by `of`.
    pub(super) fn object<'a, 'd>(object: Value<'a, 'd>, mut of: impl FnMut(&str, Value<'a, 'd>) -> Self) -> Self {
        let mut anew: Option<String> = None;
        for (at, (name, value)) in object.members().enumerate() {
            let fixed = of(&name.plain().unwrap_or_default(), value);
            if anew.is_none() && fixed == Self::Same {
                continue;
            }
            let anew = anew.get_or_insert_with(|| {
                let mut before = String::with_capacity(object.raw().len() + 64);
                for (name, value) in object.members().take(at) {
                    member(&mut before, name, value.raw());
                }
                before
            });
            match fixed {
                Self::Same => member(anew, name, value.raw()),
                Self::Gone => {}
                Self::Anew(json) => member(anew, name, &json),
            }
        }
        anew.map_or(Self::Same, |members| Self::Anew(format!("{{{members}}}")))
    }

    /// A list, each of whose elements is fixed by `of`, which is given its place; nothing, when none is left of it.
    pub(super) fn list<'a, 'd>(list: Value<'a, 'd>, mut of: impl FnMut(usize, Value<'a, 'd>) -> Self) -> Self {
        let mut anew: Option<String> = None;
        for (at, element) in list.items().enumerate() {
            let fixed = of(at, element);
            if anew.is_none() && fixed == Self::Same {
                continue;
            }
            let anew = anew.get_or_insert_with(|| {
                let mut before = String::with_capacity(list.raw().len() + 64);
                list.items().take(at).for_each(|element| behind_comma(&mut before, element.raw()));
                before
            });
            match fixed {
                Self::Same => behind_comma(anew, element.raw()),
                Self::Gone => {}
                Self::Anew(json) => behind_comma(anew, &json),
            }
        }
        match anew {
            None => Self::Same,
            Some(elements) if elements.is_empty() => Self::Gone,
            Some(elements) => Self::Anew(format!("[{elements}]")),
        }
    }

    /// The JSON of a value; `None` when it is not sent.
    pub(super) fn json<'a>(self, value: Value<'a, '_>) -> Option<Cow<'a, str>> {
        match self {
            Self::Same => Some(Cow::Borrowed(value.raw())),
            Self::Gone => None,
            Self::Anew(json) => Some(Cow::Owned(json)),
        }
    }
}

/// Appends a member of an object.
fn member(members: &mut String, name: Value<'_, '_>, json: &str) {
    behind_comma(members, name.raw());
    members.push(':');
    members.push_str(json);
}

/// Appends JSON, behind a comma unless it is the first.
fn behind_comma(written: &mut String, json: &str) {
    if !written.is_empty() {
        written.push(',');
    }
    written.push_str(json);
}

/// The id of a call as Bedrock gave it: a conversation that was begun in another dialect has those that its client was shown.
fn as_given(id: Value<'_, '_>) -> Fixed {
    let Some(escaped) = id.escaped() else { return Fixed::Same };
    let given = call_id::given(Text::from_escaped(escaped));
    if given.as_escaped() == escaped { Fixed::Same } else { Fixed::Anew(format!("\"{}\"", given.as_escaped())) }
}

/// Whether Bedrock knows the type of a block; others are said in words.
pub(super) fn is_known(block: Value<'_, '_>) -> bool {
    let kind = block.member("type").and_then(Value::escaped).unwrap_or_default();
    let result = kind != "tool_result" || block.member("content").into_iter().flat_map(Value::items).all(is_in_result);
    result
        && matches!(
            kind,
            "text"
                | "image"
                | "document"
                | "search_result"
                | "thinking"
                | "redacted_thinking"
                | "tool_use"
                | "tool_result"
        )
}

fn is_in_result(block: Value<'_, '_>) -> bool {
    let kind = block.member("type").and_then(Value::escaped).unwrap_or_default();
    matches!(kind, "text" | "image" | "document" | "search_result" | "tool_reference")
}

impl Rewriting<'_> {
    /// A list of blocks.
    pub(super) fn list(&mut self, list: Value<'_, '_>) -> Fixed {
        Fixed::list(list, |_, block| self.block(block))
    }

    fn block(&mut self, block: Value<'_, '_>) -> Fixed {
        let text = |name: &str| block.member(name).and_then(Value::escaped).map(Text::from_escaped).unwrap_or_default();
        let kind = block.member("type").and_then(Value::escaped).unwrap_or_default();
        match kind {
            "text" if text("text").is_blank() => Fixed::Gone,
            "thinking" | "redacted_thinking" if self.terms.adjustment.without_reasoning => Fixed::Gone,
            // Clients send thoughts without a signature back, and Bedrock refuses them.
            "thinking" if text("signature").is_empty() => Fixed::Gone,
            "tool_reference" if !self.has_beta(TOOL_SEARCH) => {
                Fixed::Anew(format!(r#"{{"type":"text","text":"{}"}}"#, text("tool_name").as_escaped()))
            }
            _ => self.members(kind, block),
        }
    }

    fn members(&mut self, kind: &str, block: Value<'_, '_>) -> Fixed {
        Fixed::object(block, |name, value| match (kind, name) {
            (_, "cache_control") => self.cache_control(value),
            ("tool_result", "content") if value.kind() == Kind::List => self.list(value),
            ("tool_use", "id") | ("tool_result", "tool_use_id") => as_given(value),
            ("tool_use", "caller") | ("tool_use" | "tool_result", "toolset_name") | ("image", "transformations") => {
                Fixed::Gone
            }
            _ if value.kind() == Kind::Null => Fixed::Gone,
            _ => Fixed::Same,
        })
    }

    /// Whether the next cache point is sent: of too many the earliest are left out.
    pub(super) fn is_point_sent(&mut self) -> bool {
        let sent = self.points.is_sent();
        if !sent {
            let why = format!("a request has at most {MOST} cache points; the earliest ones were left out");
            self.notes.dropped(FieldRef::CachePoints, why);
        }
        sent
    }

    /// A cache point: no `scope`, and a lifetime that the model has.
    pub(super) fn cache_control(&mut self, value: Value<'_, '_>) -> Fixed {
        let entry = self.terms.entry;
        if value.kind() != Kind::Object {
            return Fixed::Gone;
        }
        if entry.cache.is_none() {
            self.notes.ignored(FieldRef::CachePoints, format!("{} has no cache points", entry.name));
            return Fixed::Gone;
        }
        if !self.is_point_sent() {
            return Fixed::Gone;
        }
        let hours = entry.cache == Some(Cache::OneHour);
        Fixed::object(value, |name, value| match (name, value.escaped()) {
            ("type", _) => Fixed::Same,
            ("ttl", Some("5m" | "1h")) if hours => Fixed::Same,
            ("ttl", Some("1h")) => {
                self.notes.changed(FieldRef::CacheLifetime, format!("{} caches for 5 minutes at most", entry.name));
                Fixed::Gone
            }
            _ => Fixed::Gone,
        })
    }
}
