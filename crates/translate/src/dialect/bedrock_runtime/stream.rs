//! A streamed answer, said in the frames of `ConverseStream`.
//!
//! Source: Bedrock's API reference, `ConverseStreamOutput`. A block of text or of reasoning begins with its first delta, a
//! call with a start of its own; each ends with a stop before the next one begins, and indexes are dense. A signature comes
//! once, last in its block. The usage is told behind the stop, in the last frame.

use super::{Style, citation, error, redacted, tool_id, usage};
use crate::dialect::seal;
use crate::fault::Fault;
use crate::model::delta::{BlockIndex, Delta, Event, Seal};
use crate::model::json::Json;
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::text::Text;
use crate::wire::eventstream::{Frame, Kind};
use bytes::BytesMut;

/// The most bytes of one delta: a frame holds more, and clients want less at once.
const LONGEST_DELTA: usize = 1 << 20;

/// The writer of one streamed answer.
#[derive(Debug)]
pub struct Writer {
    style: Style,
    started: bool,
    open: Option<Open>,
    /// The blocks so far.
    blocks: u32,
    called: bool,
    stop: Option<StopReason<'static>>,
    usage: Option<Usage>,
    service_tier: Option<Text<'static>>,
}

/// The block that is being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    block: BlockIndex,
    kind: Growing,
}

/// The kinds of block that grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growing {
    Text,
    Reasoning,
    ToolUse,
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            started: false,
            open: None,
            blocks: 0,
            called: false,
            stop: None,
            usage: None,
            service_tier: None,
        }
    }

    /// Says one event. The end is held back until [`Writer::finish`], because usage comes after it.
    pub fn event(&mut self, out: &mut BytesMut, event: Event<'_>) {
        match event {
            Event::Start => self.start(out),
            Event::Delta { index, delta } => self.grow(out, index, &delta),
            Event::BlockStop { index, seal, goes_on: _ } => self.block_stop(out, index, seal),
            Event::Stop(stop) => self.stop = Some(stop.into_owned()),
            Event::Metadata { usage, service_tier, trace: _ } => {
                self.usage = usage.or(self.usage);
                self.service_tier = service_tier.map(Text::into_owned).or_else(|| self.service_tier.take());
            }
            Event::Unknown => {}
        }
    }

    /// Says more of a block of the upstream's.
    pub fn delta(&mut self, out: &mut BytesMut, index: u32, delta: &Delta<'_>) {
        self.grow(out, BlockIndex::from(index), delta);
    }

    fn grow(&mut self, out: &mut BytesMut, block: BlockIndex, delta: &Delta<'_>) {
        match delta {
            Delta::Text(text) if !text.is_empty() => {
                self.begin(out, Open { block, kind: Growing::Text });
                for piece in pieces(text) {
                    self.say_delta(out, |json| json.name("text").word(piece));
                }
            }
            Delta::Reasoning(text) if !text.is_empty() && !self.style.hidden => {
                self.begin(out, Open { block, kind: Growing::Reasoning });
                for piece in pieces(text) {
                    self.say_delta(out, |json| {
                        json.member("reasoningContent", |json| json.name("text").word(piece));
                    });
                }
            }
            Delta::ToolUse { id, name } => self.call(out, block, id, name),
            // A call that is closed already gets no more: its client has put it together.
            Delta::ToolInput(text) if self.open == Some(Open { block, kind: Growing::ToolUse }) => {
                for piece in pieces(text) {
                    self.say_delta(out, |json| json.member("toolUse", |json| json.name("input").word(piece)));
                }
            }
            Delta::Citation(source) => {
                self.begin(out, Open { block, kind: Growing::Text });
                self.say_delta(out, |json| json.member("citation", |json| citation::write(json, source)));
            }
            Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolInput(_) | Delta::SealPiece(_) | Delta::Unknown => {}
        }
    }

    /// Ends a whole answer: `messageStop`, `metadata`. Returns what the answer ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let stop = self.stop.take().unwrap_or(StopReason::EndTurn);
        let finish = Finish::of(stop, self.called)?;
        self.start(out);
        self.close(out);
        let usage = self.usage.unwrap_or_default();
        frame(out, "messageStop", |json| usage::end(json, &finish, &usage));
        frame(out, "metadata", |json| usage::write(json, &usage, self.service_tier.as_ref()));
        Ok(finish)
    }

    /// Ends an answer that failed: the frame of an exception, and nothing more.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        error::frame(fault, out);
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a signature.
    pub fn interrupt(&mut self, out: &mut BytesMut) {
        self.close(out);
        (self.usage, self.service_tier, self.stop) = (None, None, None);
    }

    /// Goes on with the answer of another model, in its form.
    pub fn resume(&mut self, style: Style) {
        self.style = style;
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            frame(out, "messageStart", |json| json.name("role").word("assistant"));
        }
    }

    /// Makes this block the open one, unless it is.
    fn begin(&mut self, out: &mut BytesMut, open: Open) {
        if self.open == Some(open) {
            return;
        }
        self.start(out);
        self.close(out);
        self.blocks += 1;
        self.open = Some(open);
    }

    /// The index of the open block.
    fn index(&self) -> u32 {
        self.blocks.saturating_sub(1)
    }

    /// Ends the open block, if there is one.
    fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            let index = self.index().to_string();
            frame(out, "contentBlockStop", |json| json.name("contentBlockIndex").verbatim(&index));
        }
    }

    fn call(&mut self, out: &mut BytesMut, block: BlockIndex, id: &Text<'_>, name: &Text<'_>) {
        self.called = true;
        self.begin(out, Open { block, kind: Growing::ToolUse });
        let index = self.index().to_string();
        frame(out, "contentBlockStart", |json| {
            json.name("contentBlockIndex").verbatim(&index);
            json.member("start", |json| {
                json.member("toolUse", |json| {
                    json.name("toolUseId").text(&tool_id(id));
                    json.name("name").text(name);
                });
            });
        });
    }

    fn block_stop(&mut self, out: &mut BytesMut, block: BlockIndex, seal: Option<Seal<'_>>) {
        if let Some(seal) = seal.filter(|_| !self.style.hidden) {
            self.begin(out, Open { block, kind: Growing::Reasoning });
            let (member, sealed) = match seal {
                Seal::Signature(signature) => ("signature", seal::marked(&signature, self.style.mark)),
                Seal::Redacted(data) => ("redactedContent", redacted::write(&data, self.style.mark)),
            };
            self.say_delta(out, |json| json.member("reasoningContent", |json| json.name(member).word(&sealed)));
        }
        if self.open.is_some_and(|open| open.block == block) {
            self.close(out);
        }
    }

    /// Says a delta of the open block.
    fn say_delta(&self, out: &mut BytesMut, members: impl FnOnce(&mut Json)) {
        let index = self.index().to_string();
        frame(out, "contentBlockDelta", |json| {
            json.name("contentBlockIndex").verbatim(&index);
            json.member("delta", members);
        });
    }
}

/// A text in the pieces that deltas hold: nearly always one.
fn pieces<'t>(text: &'t Text<'_>) -> Vec<&'t str> {
    let (mut pieces, mut rest) = (Vec::new(), text.as_escaped());
    while rest.len() > LONGEST_DELTA {
        let (piece, more) = rest.split_at(boundary(rest));
        pieces.push(piece);
        rest = more;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The place near the longest length at which a text can be cut: between letters, and in no escape.
fn boundary(text: &str) -> usize {
    let mut at = LONGEST_DELTA;
    // An escaped pair of surrogates has twelve bytes.
    let least = at.saturating_sub(64);
    while at > least && !(text.is_char_boundary(at) && text.get(at.saturating_sub(12)..at).is_some_and(is_plain)) {
        at -= 1;
    }
    if at > least { at } else { text.len() }
}

fn is_plain(text: &str) -> bool {
    !text.contains('\\')
}

/// Writes a frame of an event. A payload is never as long as a frame may be.
fn frame(out: &mut BytesMut, name: &str, members: impl FnOnce(&mut Json)) {
    let mut json = Json::with_capacity(256);
    json.object(members);
    let payload = json.into_bytes();
    let _ = Frame { kind: Kind::Event(name), content_type: Some("application/json"), payload: &payload }.write(out);
}
