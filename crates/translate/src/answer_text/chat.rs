//! The text in an answer of Chat Completions, whole or a chunk of one.

use super::blocks::{BlockNumbers, Place, PlaceKind};
use super::{TextKind, TextPiece, TextSink, told_error};
use crate::model::text::Text;
use crate::translation::tags::{Piece, Tags};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The reader of the first choice.
#[derive(Debug)]
pub(super) struct ChatText {
    /// The field in which the answer shows its reasoning: many show the same in several, which is told once.
    shown: Option<Field>,
    /// The thoughts that stand in the content.
    tags: Tags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Reasoning,
    ReasoningContent,
    Details,
    ThinkingBlocks,
    ThinkTags,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<Said<'a>>,
    #[serde(borrow, default)]
    message: Option<Said<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking_blocks: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
}

/// An item of a list of thoughts or of parts.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
    #[serde(borrow, default)]
    custom: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

const CONTENT: Place = Place { index: 0, part: 0, kind: PlaceKind::Content };
const THOUGHT: Place = Place { index: 0, part: 0, kind: PlaceKind::Reasoning };

impl Default for ChatText {
    fn default() -> Self {
        Self { shown: None, tags: Tags::new("think") }
    }
}

impl ChatText {
    /// Tells the text of a whole answer, or of a chunk of one.
    pub(super) fn part(&mut self, blocks: &mut BlockNumbers, json: &str, to: &mut TextSink<'_>) {
        let Ok(answer) = serde_json::from_str::<Answer<'_>>(json) else { return };
        let first = answer.choices.into_iter().flatten().filter(|choice| choice.index.unwrap_or(0) == 0);
        for said in first.filter_map(|choice| choice.delta.or(choice.message)) {
            self.reasoning(&said, blocks, to);
            self.content(said.content, blocks, to);
            blocks.tell(CONTENT, TextKind::Content, said.refusal, to);
            for (position, call) in (0..).zip(items::<Call<'_>>(said.tool_calls)) {
                self.end(blocks, to);
                let place = Place { index: call.index.unwrap_or(position), part: 0, kind: PlaceKind::Call };
                blocks.tell(place, TextKind::CallId, call.id, to);
                if let Some(function) = call.function.or(call.custom) {
                    blocks.tell(place, TextKind::CallName, function.name, to);
                    blocks.tell(place, TextKind::CallArguments, function.arguments.or(function.input), to);
                }
            }
        }
        if answer.error.is_some() {
            told_error(blocks, json, to);
        }
    }

    /// The content ended: what might have begun a tag is none.
    pub(super) fn end(&mut self, blocks: &mut BlockNumbers, to: &mut TextSink<'_>) {
        if let Some(piece) = self.tags.end(0) {
            self.sorted(piece, blocks, to);
        }
    }

    fn reasoning(&mut self, said: &Said<'_>, blocks: &mut BlockNumbers, to: &mut TextSink<'_>) {
        let fields = [
            (Field::Reasoning, said.reasoning),
            (Field::ReasoningContent, said.reasoning_content),
            (Field::Details, said.reasoning_details),
            (Field::ThinkingBlocks, said.thinking_blocks),
        ];
        for (field, value) in fields {
            if self.shown.is_some_and(|shown| shown != field) {
                continue;
            }
            let told = &mut false;
            let mut noting = |piece: TextPiece<'_>| {
                *told = true;
                to(piece);
            };
            blocks.tell(THOUGHT, TextKind::Reasoning, value, &mut noting);
            for item in items::<Item<'_>>(value) {
                let text = item.text.or(item.summary).or(item.thinking);
                blocks.tell(THOUGHT, TextKind::Reasoning, text, &mut noting);
            }
            if *told {
                self.shown = Some(field);
            }
        }
    }

    /// A content: a text, or a list of parts.
    fn content(&mut self, content: Option<&RawValue>, blocks: &mut BlockNumbers, to: &mut TextSink<'_>) {
        if let Some(text) = content.and_then(Text::from_raw) {
            for piece in self.tags.take(0, &text) {
                self.sorted(piece, blocks, to);
            }
        }
        for item in items::<Item<'_>>(content) {
            blocks.tell(THOUGHT, TextKind::Reasoning, item.thinking, to);
            blocks.tell(CONTENT, TextKind::Content, item.text, to);
        }
    }

    /// A piece of content, or of a thought in it.
    fn sorted(&mut self, piece: Piece, blocks: &mut BlockNumbers, to: &mut TextSink<'_>) {
        match piece {
            Piece::Answer(text) => blocks.tell_text(CONTENT, TextKind::Content, &Text::from_escaped(text), to),
            Piece::Thought(text) if self.shown.is_none_or(|shown| shown == Field::ThinkTags) => {
                self.shown = Some(Field::ThinkTags);
                blocks.tell_text(THOUGHT, TextKind::Reasoning, &Text::from_escaped(text), to);
            }
            Piece::Thought(_) => {}
        }
    }
}

/// The items of a list; none of anything else.
fn items<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Vec<T> {
    let list = raw.filter(|raw| raw.get().starts_with('['));
    list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}
