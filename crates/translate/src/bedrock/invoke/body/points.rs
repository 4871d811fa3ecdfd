//! The cache points of a client's body: a request has four at most, and one at the top of the body belongs to the last block
//! that can have it.

use crate::wire::json::{Document, Kind, Value};

/// The most cache points of one request.
pub(super) const MOST: usize = 4;
/// A cache point's member.
const NAME: &str = "cache_control";

/// The parts of a body in the order in which a prompt is put together, and in which its cache points are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Tools,
    System,
    Messages,
}

/// The cache points of a body, counted as they are met.
#[derive(Debug, Default)]
pub(super) struct CachePoints {
    system: usize,
    messages: usize,
    /// The number of those that are left out, from the first one on: a model looks for what it knows from the last ones.
    left_out: usize,
    next: usize,
}

impl CachePoints {
    /// Counts those of a body.
    pub(super) fn of(top: Value<'_, '_>) -> Self {
        let few = memchr::memmem::find_iter(top.raw().as_bytes(), NAME).nth(MOST).is_none();
        if few {
            return Self::default();
        }
        let of = |name: &str| top.member(name).map(points).unwrap_or_default();
        let messages = top.member("messages");
        let said = messages.into_iter().flat_map(Value::items).filter_map(|message| message.member("content"));
        let (tools, system, messages) = (of("tools"), of("system"), said.map(points).sum::<usize>());
        let all = tools + system + messages + usize::from(top.member(NAME).is_some_and(is_point));
        Self { system: tools, messages: tools + system, left_out: all.saturating_sub(MOST), next: 0 }
    }

    /// What follows is of this part.
    pub(super) fn begin(&mut self, part: Part) {
        self.next = match part {
            Part::Tools => 0,
            Part::System => self.system,
            Part::Messages => self.messages,
        };
    }

    /// Whether the next one is sent.
    pub(super) fn is_sent(&mut self) -> bool {
        self.next += 1;
        self.next > self.left_out
    }
}

fn is_point(value: Value<'_, '_>) -> bool {
    value.kind() == Kind::Object
}

/// The cache points in a list of blocks or tools, those inside of results with them.
fn points(list: Value<'_, '_>) -> usize {
    let mut count = 0;
    for block in list.items() {
        count += usize::from(block.member(NAME).is_some_and(is_point));
        count += block.member("content").map(points).unwrap_or_default();
    }
    count
}

/// What became of a cache point that was to stand on the last block of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The message has it.
    Here(String),
    /// The block has one of its own.
    There,
    /// No block of the message can have one.
    Nowhere,
}

/// Puts a cache point on the last block of a message that can have one.
pub(super) fn place(message: &str, point: &str) -> Placed {
    let Some(document) = Document::read(message) else { return Placed::Nowhere };
    let Some(content) = document.top().member("content") else { return Placed::Nowhere };
    let (block, anew) = if content.kind() == Kind::String {
        (content, format!(r#"[{{"type":"text","text":{},"{NAME}":{point}}}]"#, content.raw()))
    } else {
        let Some(block) = content.items().filter(|block| can_be_cached(*block)).last() else { return Placed::Nowhere };
        if block.member(NAME).is_some_and(is_point) {
            return Placed::There;
        }
        let Some(open) = block.raw().strip_suffix('}') else { return Placed::Nowhere };
        (block, format!(r#"{open},"{NAME}":{point}}}"#))
    };
    let at = block.raw().as_ptr() as usize - message.as_ptr() as usize;
    match (message.get(..at), message.get(at + block.raw().len()..)) {
        (Some(before), Some(behind)) => Placed::Here(format!("{before}{anew}{behind}")),
        _ => Placed::Nowhere,
    }
}

fn can_be_cached(block: Value<'_, '_>) -> bool {
    let kind = block.member("type").and_then(Value::escaped).unwrap_or("thinking");
    !matches!(kind, "thinking" | "redacted_thinking")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_stands_on_the_last_block_that_can_have_it() {
        let point = r#"{"type":"ephemeral"}"#;
        let put = |content: &str| place(&format!(r#"{{"content":{content}}}"#), point);
        let here = |content: &str| Placed::Here(format!(r#"{{"content":{content}}}"#));
        let cached = r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#;
        assert_eq!(put(r#""a""#), here(cached));
        assert_eq!(put(r#"[{"type":"text","text":"a"}]"#), here(cached));
        assert_eq!(put(cached), Placed::There);
        let thought = r#"{"type":"thinking","thinking":"t","signature":"s"}"#;
        assert_eq!(put(&format!("[{thought}]")), Placed::Nowhere);
        let behind = r#"[{"type":"tool_use","input":{"a":{}},"cache_control":{"type":"ephemeral"}},"#;
        assert_eq!(
            put(&format!(r#"[{{"type":"tool_use","input":{{"a":{{}}}}}},{thought}]"#)),
            here(&format!("{behind}{thought}]"))
        );
    }

    #[test]
    fn of_more_than_four_the_earliest_are_left_out() {
        let point = r#""cache_control":{"type":"ephemeral"}"#;
        let text = format!(
            r#"{{"messages":[{{"content":[{{{point},"content":[{{{point}}}]}}]}}],"system":[{{{point}}},{{{point}}}],"tools":[{{{point}}}],{point}}}"#
        );
        let document = Document::read(&text).unwrap();
        let mut points = CachePoints::of(document.top());
        let mut sent = |part: Part, count: usize| {
            points.begin(part);
            (0..count).map(|_| points.is_sent()).collect::<Vec<bool>>()
        };
        assert_eq!(sent(Part::Messages, 3), [true, true, true]);
        assert_eq!(sent(Part::Tools, 1), [false]);
        assert_eq!(sent(Part::System, 2), [false, true]);
        let few = format!(r#"{{"system":[{{{point}}}]}}"#);
        assert!(CachePoints::of(Document::read(&few).unwrap().top()).is_sent());
    }
}
