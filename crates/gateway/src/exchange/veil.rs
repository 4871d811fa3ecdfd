//! What clients see of the answers of a backend that speaks their own dialect, where the operator decides about reasoning:
//! fields that are known to hold none, and those that are exposed.

use crate::config::ReasoningPolicy;
use crate::mutation::{Members, object};
use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_chat::{Details, ReasoningFields};
use aquifer_translate::fault::Misbehaviour;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::tags::{Piece, Tags, angled};
use aquifer_translate::wire::slice::Slice as _;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest event of a stream, in bytes: it is held until it is whole.
const LONGEST_EVENT: usize = 4 << 20;
/// The most choices of one answer.
const MOST_CHOICES: usize = 1024;
/// Fields at the top of an answer that hold no reasoning.
const TOP: [&str; 12] = [
    "id",
    "object",
    "created",
    "model",
    "usage",
    "system_fingerprint",
    "service_tier",
    "provider",
    "error",
    "citations",
    "prompt_filter_results",
    "obfuscation",
];
/// Fields of a choice that hold none.
const CHOICE: [&str; 6] =
    ["index", "finish_reason", "stop_reason", "native_finish_reason", "matched_stop", "content_filter_results"];
/// Fields of a message, or of a part of one, that hold none.
const MESSAGE: [&str; 7] = ["role", "name", "refusal", "tool_calls", "function_call", "annotations", "audio"];
/// Fields of a message that are known to hold reasoning.
const REASONING: [&str; 8] = [
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "reasoning_text",
    "reasoning_items",
    "thinking",
    "thinking_blocks",
    "provider_specific_fields",
];
/// Kinds of parts of a content that are no reasoning.
const PARTS: [&str; 6] = ["text", "output_text", "refusal", "image_url", "audio", "input_audio"];
/// Tags between which models write thoughts into their content.
const TAGS: [&str; 3] = ["think", "thinking", "thought"];

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Veil {
    shown: ReasoningFields,
    hidden: bool,
}

/// A stream behind a veil: events are held until they are whole.
#[derive(Debug)]
pub(super) struct VeiledStream {
    veil: Veil,
    line: Vec<u8>,
    /// The data of the event at hand, its lines joined.
    data: Option<Vec<u8>>,
    choices: Choices,
    /// A carriage return ended the last line: a line feed behind it belongs to it.
    returned: bool,
    first: bool,
}

/// The tags in the content of each choice.
#[derive(Debug, Default)]
struct Choices(BTreeMap<u64, Vec<Tags>>);

impl Veil {
    /// `None`: everything goes on as it comes.
    pub(super) fn of(policy: &ReasoningPolicy) -> Option<Self> {
        match (policy.hidden, policy.expose) {
            (true, _) => Some(Self { shown: ReasoningFields::NOTHING, hidden: true }),
            (false, Some(expose)) => Some(Self { shown: expose.into(), hidden: false }),
            (false, None) => None,
        }
    }

    /// A whole answer.
    ///
    /// # Errors
    /// It is none, so that nobody knows what is in it.
    pub(super) fn whole(self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        self.answer(body, &mut Choices::default(), true).map(String::into_bytes)
    }

    /// An answer or a chunk of one.
    fn answer(self, json: &[u8], choices: &mut Choices, whole: bool) -> Result<String, Fault> {
        let mut written: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in members(json)? {
            if name == "choices" {
                let each = serde_json::from_str::<Vec<&RawValue>>(value.get()).map_err(|_| unreadable())?;
                let each: Result<Vec<String>, Fault> =
                    each.into_iter().map(|choice| self.choice(choice, choices, whole)).collect();
                written.push((name, Cow::Owned(format!("[{}]", each?.join(",")))));
            } else if !self.hidden || TOP.contains(&name.as_ref()) {
                written.push((name, Cow::Borrowed(value.get())));
            }
        }
        Ok(joined(&written))
    }

    fn choice(self, json: &RawValue, choices: &mut Choices, whole: bool) -> Result<String, Fault> {
        let members = members(json.get().as_bytes())?;
        let of = |wanted: &str| members.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.get());
        let index = of("index").and_then(|index| index.parse().ok()).unwrap_or_default();
        let ended = whole || of("finish_reason").is_some_and(|reason| reason != "null");
        let tags = choices.of(index)?;
        let mut written: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in members {
            match name.as_ref() {
                "delta" | "message" if value.get() != "null" => {
                    let said = self.message(value, tags, (ended, whole))?;
                    written.push((name, Cow::Owned(said)));
                }
                "text" => {
                    let said = self.text(value.get(), tags, (ended, whole))?;
                    written.push((name, Cow::Owned(said)));
                }
                // The probabilities of thoughts would tell the thoughts.
                known if !self.hidden || CHOICE.contains(&known) => written.push((name, Cow::Borrowed(value.get()))),
                _ => {}
            }
        }
        Ok(joined(&written))
    }

    fn message(self, json: &RawValue, tags: &mut [Tags], (ended, whole): (bool, bool)) -> Result<String, Fault> {
        let members = members(json.get().as_bytes())?;
        let mut written: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        let (mut thought, mut content) = (None, false);
        for (name, value) in members {
            match name.as_ref() {
                "content" => {
                    content = true;
                    written.push((name, Cow::Owned(self.text(value.get(), tags, (ended, whole))?)));
                }
                "reasoning" | "reasoning_content" if value.get().starts_with('"') => thought = Some(value.get()),
                "reasoning_details" if self.shown.details == Details::Full => {
                    written.push((name, Cow::Borrowed(value.get())));
                }
                "thinking_blocks" if self.shown.thinking_blocks => written.push((name, Cow::Borrowed(value.get()))),
                known if MESSAGE.contains(&known) || !self.hidden && !REASONING.contains(&known) => {
                    written.push((name, Cow::Borrowed(value.get())))
                }
                _ => {}
            }
        }
        if let Some(thought) = thought {
            let fields = [("reasoning", self.shown.reasoning), ("reasoning_content", self.shown.reasoning_content)];
            let fields = fields.into_iter().filter(|(_, shown)| *shown);
            written.extend(fields.map(|(name, _)| (Cow::Borrowed(name), Cow::Borrowed(thought))));
        }
        if ended && !content && !self.shown.think_tags {
            let rest = end(tags);
            if !rest.is_empty() {
                written.push((Cow::Borrowed("content"), Cow::Owned(format!("\"{rest}\""))));
            }
        }
        Ok(joined(&written))
    }

    /// A content without the thoughts in it.
    fn text(self, json: &str, tags: &mut [Tags], (ended, whole): (bool, bool)) -> Result<String, Fault> {
        if json.starts_with('[') {
            return self.parts(json);
        }
        let Some(escaped) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return if json == "null" { Ok(json.to_owned()) } else { Err(unreadable()) };
        };
        if self.shown.think_tags {
            return Ok(json.to_owned());
        }
        let mut said = if whole { closed(escaped) } else { escaped.to_owned() };
        for at in 0..tags.len() {
            let Some(tag) = tags.get_mut(at) else { continue };
            said = answered(tag.take(0, &Text::from_escaped(said)));
        }
        if ended {
            said.push_str(&end(tags));
        }
        Ok(format!("\"{said}\""))
    }

    /// The parts of a content that are known to be none.
    fn parts(self, json: &str) -> Result<String, Fault> {
        #[derive(serde::Deserialize)]
        struct Part<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
        }
        let parts = serde_json::from_str::<Vec<&RawValue>>(json).map_err(|_| unreadable())?;
        let is_shown = |part: &&&RawValue| {
            serde_json::from_str::<Part<'_>>(part.get()).is_ok_and(|part| PARTS.contains(&part.kind.as_ref()))
        };
        let shown: Vec<&str> = parts.iter().filter(is_shown).map(|part| part.get()).collect();
        Ok(format!("[{}]", shown.join(",")))
    }
}

impl Choices {
    fn of(&mut self, index: u64) -> Result<&mut [Tags], Fault> {
        if self.0.len() >= MOST_CHOICES && !self.0.contains_key(&index) {
            return Err(protocol(format!("the answer has more than {MOST_CHOICES} choices")));
        }
        Ok(self.0.entry(index).or_insert_with(|| TAGS.into_iter().map(Tags::new).collect()))
    }
}

impl VeiledStream {
    /// Nothing came yet.
    pub(super) fn new(veil: Veil) -> Self {
        let choices = Choices::default();
        Self { veil, line: Vec::new(), data: None, choices, returned: false, first: true }
    }

    /// Takes bytes; writes what the client may see of the events that are whole.
    ///
    /// # Errors
    /// An event is none that is known, or has no end. Those before it are written.
    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, end) = bytes.split_at(at);
            let feed = end.starts_with(b"\n");
            let belongs = feed && line.is_empty() && std::mem::take(&mut self.returned);
            self.returned = !feed;
            bytes = end.behind(1);
            if !belongs {
                self.hold(line)?;
                self.line_ends(out)?;
            }
        }
        self.returned &= bytes.is_empty();
        self.hold(bytes)
    }

    /// The stream is over: an event of which nothing is missing counts.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.line.is_empty() {
            self.line_ends(out)?;
        }
        self.event_ends(out)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
        if held + bytes.len() > LONGEST_EVENT {
            return Err(protocol(format!("an event of the stream is over {LONGEST_EVENT} bytes")));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_ends(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let line = std::mem::take(&mut self.line);
        let line = match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if self.first => rest,
            _ => line.as_slice(),
        };
        self.first = false;
        if line.is_empty() {
            return self.event_ends(out);
        }
        // Names, numbers and comments of events say nothing to clients of this dialect.
        let Some(data) = line.strip_prefix(b"data") else { return Ok(()) };
        let data = match data {
            [b':', b' ', data @ ..] | [b':', data @ ..] => data,
            [] => data,
            _ => return Ok(()),
        };
        match &mut self.data {
            Some(before) => {
                before.push(b'\n');
                before.extend_from_slice(data);
            }
            None => self.data = Some(data.to_vec()),
        }
        Ok(())
    }

    fn event_ends(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(data) = self.data.take() else { return Ok(()) };
        let data = data.trim_ascii();
        let shown = match data {
            b"" => return Ok(()),
            b"[DONE]" => "[DONE]".to_owned(),
            data => self.veil.answer(data, &mut self.choices, false)?,
        };
        for piece in ["data: ", &shown, "\n\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        Ok(())
    }
}

/// What is not between tags, still escaped.
fn answered(pieces: impl IntoIterator<Item = Piece>) -> String {
    let mut said = String::new();
    for piece in pieces {
        if let Piece::Answer(text) = piece {
            said.push_str(&text);
        }
    }
    said
}

/// What was held back as the beginning of a tag, and was none; each tag's rest may be the beginning of the next one's.
fn end(tags: &mut [Tags]) -> String {
    let mut said = String::new();
    for tag in tags {
        let mut pieces = tag.take(0, &Text::from_escaped(said));
        pieces.extend(tag.end(0));
        said = answered(pieces);
    }
    said
}

/// A text without a thought whose beginning stood in the prompt, so that only its end is there.
fn closed(escaped: &str) -> String {
    let mut text = angled(escaped);
    for tag in TAGS {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        if let Some((thought, answer)) = text.split_once(&close)
            && !thought.contains(&open)
        {
            text = answer.to_owned();
        }
    }
    text
}

fn members(json: &[u8]) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Fault> {
    Members::read(json).map(|members| members.0).map_err(|_| unreadable())
}

fn joined(members: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
    object(members.iter().map(|(name, json)| (name.as_ref(), json.as_ref())))
}

fn unreadable() -> Fault {
    Fault::UpstreamMisbehaved(Misbehaviour::Json("what is hidden cannot be taken out of it".to_owned()))
}

fn protocol(what: String) -> Fault {
    Fault::UpstreamMisbehaved(Misbehaviour::Protocol(what))
}

#[cfg(test)]
mod tests;
