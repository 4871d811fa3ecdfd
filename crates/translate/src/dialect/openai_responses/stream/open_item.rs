//! The item that is being told: its events, and the frame of its deltas.

use super::super::items::ThoughtForm;
use super::super::output::Output;
use super::events::Events;
use crate::model::delta::BlockIndex;
use crate::wire::sse;
use bytes::BytesMut;

/// The kinds of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Message,
    Thought(ThoughtForm),
    /// A call whose arguments grow as the model writes them.
    Function,
    /// A call whose input is one text.
    Custom,
    /// A call whose arguments are an object, told when they are whole.
    Object,
}

/// An item that may still grow.
#[derive(Debug)]
pub(super) struct OpenItem {
    pub(super) block: BlockIndex,
    pub(super) kind: ItemKind,
    pub(super) index: u32,
    pub(super) id: String,
    /// Its text in events: `"item_id":...,"output_index":...` and the place in the item.
    place: String,
    /// The beginning of a delta event, before its number.
    before: String,
}

/// The events of a kind of item that has a text.
struct Words {
    delta: &'static str,
    done: &'static str,
    /// The member that holds the whole text when it is done.
    member: &'static str,
    /// The members behind the text.
    behind: &'static str,
    /// Where in the item the text stands.
    place: &'static str,
    part: Option<Part>,
}

/// The part of an item that holds its text.
struct Part {
    added: &'static str,
    done: &'static str,
    kind: &'static str,
}

const MESSAGE: Words = Words {
    delta: "response.output_text.delta",
    done: "response.output_text.done",
    member: "text",
    behind: r#","logprobs":[]"#,
    place: r#","content_index":0"#,
    part: Some(Part { added: "response.content_part.added", done: "response.content_part.done", kind: "output_text" }),
};
const SUMMARY: Words = Words {
    delta: "response.reasoning_summary_text.delta",
    done: "response.reasoning_summary_text.done",
    member: "text",
    behind: "",
    place: r#","summary_index":0"#,
    part: Some(Part {
        added: "response.reasoning_summary_part.added",
        done: "response.reasoning_summary_part.done",
        kind: "summary_text",
    }),
};
const CHAIN: Words = Words {
    delta: "response.reasoning_text.delta",
    done: "response.reasoning_text.done",
    member: "text",
    behind: "",
    place: r#","content_index":0"#,
    part: Some(Part {
        added: "response.content_part.added",
        done: "response.content_part.done",
        kind: "reasoning_text",
    }),
};
const FUNCTION: Words = Words {
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
    member: "arguments",
    behind: "",
    place: "",
    part: None,
};
const CUSTOM: Words = Words {
    delta: "response.custom_tool_call_input.delta",
    done: "response.custom_tool_call_input.done",
    member: "input",
    behind: "",
    place: "",
    part: None,
};

impl ItemKind {
    /// The events of its text; none where no text is told.
    fn words(self) -> Option<&'static Words> {
        match self {
            Self::Message => Some(&MESSAGE),
            Self::Thought(ThoughtForm::Summary) => Some(&SUMMARY),
            Self::Thought(ThoughtForm::Chain) => Some(&CHAIN),
            Self::Function => Some(&FUNCTION),
            Self::Custom => Some(&CUSTOM),
            Self::Thought(ThoughtForm::Unseen) | Self::Object => None,
        }
    }

    /// Whether it is the call of a tool.
    pub(super) fn is_call(self) -> bool {
        match self {
            Self::Function | Self::Custom | Self::Object => true,
            Self::Message | Self::Thought(_) => false,
        }
    }
}

impl OpenItem {
    /// The item of this id and index.
    pub(super) fn new(block: BlockIndex, kind: ItemKind, id: String, index: u32) -> Self {
        let (place, before) = match kind.words() {
            Some(Words { delta, place, .. }) => {
                let place = format!(r#""item_id":"{id}","output_index":{index}{place}"#);
                let before = format!("event: {delta}\ndata: {{\"type\":\"{delta}\",{place},\"sequence_number\":");
                (place, before)
            }
            None => (String::new(), String::new()),
        };
        Self { block, kind, index, id, place, before }
    }

    /// Tells that it was begun; `item` is how.
    pub(super) fn added(&self, events: &mut Events, out: &mut BytesMut, item: &str) {
        let index = format!(r#""output_index":{},"item":"#, self.index);
        events.tell(out, "response.output_item.added", &[&index, item]);
        if let Some(Words { part: Some(part), .. }) = self.kind.words() {
            self.part(events, out, part.added, [part.kind, "", ""]);
        }
    }

    /// Tells more of its text, which is escaped.
    #[inline]
    pub(super) fn put(&self, events: &mut Events, output: &mut Output, out: &mut BytesMut, text: &str) {
        if text.is_empty() {
            return;
        }
        out.extend_from_slice(self.before.as_bytes());
        events.number(out);
        out.extend_from_slice(b",\"delta\":\"");
        out.extend_from_slice(text.as_bytes());
        let end = if self.kind == ItemKind::Message { "\",\"logprobs\":[]}\n\n" } else { "\"}\n\n" };
        out.extend_from_slice(end.as_bytes());
        output.grow(text);
    }

    /// Tells that its text is whole, with its annotations.
    pub(super) fn text_done(&self, events: &mut Events, out: &mut BytesMut, text: &str, annotations: &str) {
        let Some(words) = self.kind.words() else { return };
        events.tell(out, words.done, &[&self.place, ",\"", words.member, "\":\"", text, "\"", words.behind]);
        if let Some(part) = &words.part {
            self.part(events, out, part.done, [part.kind, text, annotations]);
        }
    }

    /// Tells that it is final: nothing of it changes any more, and clients may run it.
    pub(super) fn done(&self, events: &mut Events, out: &mut BytesMut, item: &str) {
        let index = format!(r#""output_index":{},"item":"#, self.index);
        events.tell(out, "response.output_item.done", &[&index, item]);
    }

    /// Tells one annotation of its text.
    pub(super) fn annotated(&self, events: &mut Events, out: &mut BytesMut, number: usize, annotation: &str) {
        let number = format!(r#","annotation_index":{number},"annotation":"#);
        events.tell(out, "response.output_text.annotation.added", &[&self.place, &number, annotation]);
    }

    fn part(&self, events: &mut Events, out: &mut BytesMut, name: &'static str, said: [&str; 3]) {
        let [kind, text, annotations] = said;
        let head = format!(r#","part":{{"type":"{kind}","text":""#);
        let tail = match self.kind {
            ItemKind::Message => format!(r#"","annotations":[{annotations}],"logprobs":[]}}"#),
            ItemKind::Thought(_) | ItemKind::Function | ItemKind::Custom | ItemKind::Object => "\"}".to_owned(),
        };
        events.tell(out, name, &[&self.place, &head, text, &tail]);
    }
}

/// The name and the data of a delta event end where its line ends.
const _: () = assert!(sse::END.len() == 2, "deltas write the end of an event themselves");
