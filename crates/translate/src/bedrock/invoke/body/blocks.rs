//! Blocks of a client's body without what Bedrock refuses in them.

use super::{Rewriting, TOOL_SEARCH};
use crate::catalogue::Cache;
use crate::model::field_ref::FieldRef;
use crate::model::text::Text;
use crate::wire::json::{Kind, Value};

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
        let (mut same, mut members) = (true, Vec::new());
        for (name, value) in object.members() {
            match of(&name.plain().unwrap_or_default(), value) {
                Self::Same => members.push(format!("{}:{}", name.raw(), value.raw())),
                Self::Gone => same = false,
                Self::Anew(json) => {
                    same = false;
                    members.push(format!("{}:{json}", name.raw()));
                }
            }
        }
        if same { Self::Same } else { Self::Anew(format!("{{{}}}", members.join(","))) }
    }

    /// The JSON of a value; `None` when it is not sent.
    pub(super) fn json(self, value: Value<'_, '_>) -> Option<String> {
        match self {
            Self::Same => Some(value.raw().to_owned()),
            Self::Gone => None,
            Self::Anew(json) => Some(json),
        }
    }
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
        let (mut same, mut blocks) = (true, Vec::new());
        for block in list.items() {
            let fixed = self.block(block);
            same &= fixed == Fixed::Same;
            blocks.extend(fixed.json(block));
        }
        match (same, blocks.is_empty()) {
            (true, _) => Fixed::Same,
            (false, true) => Fixed::Gone,
            (false, false) => Fixed::Anew(format!("[{}]", blocks.join(","))),
        }
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
            ("tool_use", "caller") | ("tool_use" | "tool_result", "toolset_name") | ("image", "transformations") => {
                Fixed::Gone
            }
            _ if value.kind() == Kind::Null => Fixed::Gone,
            _ => Fixed::Same,
        })
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
