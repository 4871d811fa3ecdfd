//! An answer on the road [`Reframe`](super::Road::Reframe): Anthropic's events from InvokeModel's frames to server-sent
//! events, none of them rebuilt, all of them watched.
//!
//! ```text
//! frame chunk {"bytes": base64}   ──►   event: content_block_delta
//!                                       data: {"type":"content_block_delta",...}    the same bytes
//! ```

mod told_blocks;

use super::fanout::{Interrupted, Watched};
use super::{Milestones, ReasoningProgress, Whole};
use crate::bedrock::{self, Api, ChunkBuffer, InvokeReader};
use crate::dialect::{self, Dialect, Envelope, Style};
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event};
use crate::model::request::Block;
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::turn::{Recorder, Turn};
use crate::warning::Warning;
use crate::wire::eventstream::Decoder;
use crate::wire::json::Document;
use crate::wire::sse::{self, KeepAlive};
use bytes::{BufMut as _, BytesMut};
use told_blocks::ToldBlocks;

/// The lines before the JSON of a delta, which nearly every event is.
const DELTA: &[u8] = b"event: content_block_delta\ndata: ";
/// What ends every event.
const END: [u8; 2] = *b"\n\n";

/// A streamed answer that is reframed, from Bedrock's bytes to the client's.
pub struct StreamReframing {
    exchange: RequestId,
    decoder: Decoder,
    buffer: ChunkBuffer,
    reader: InvokeReader,
    watched: Watched,
    blocks: ToldBlocks,
    /// What the client was told of answers that broke off before this one.
    behind: Option<Interrupted>,
    recorder: Option<Recorder>,
    stop: Option<StopReason<'static>>,
    called: bool,
    finished: Option<Finish>,
}

impl std::fmt::Debug for StreamReframing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamReframing").field("finished", &self.finished).finish_non_exhaustive()
    }
}

impl StreamReframing {
    /// Begins the answer of this exchange.
    #[must_use]
    pub fn new(exchange: RequestId) -> Self {
        Self {
            exchange,
            decoder: Decoder::default(),
            buffer: ChunkBuffer::framing(DELTA, END),
            reader: InvokeReader::default(),
            watched: Watched::default(),
            blocks: ToldBlocks::default(),
            behind: None,
            recorder: None,
            stop: None,
            called: false,
            finished: None,
        }
    }

    /// The same, remembering the turn if it calls tools and is at most `room` bytes long.
    #[must_use]
    pub fn recording(mut self, room: usize) -> Self {
        self.recorder = Some(Recorder::new(room));
        self
    }

    /// The same, going on where another answer was broken off: its client is told one message.
    #[must_use]
    pub fn resuming(mut self, interrupted: Interrupted) -> Self {
        self.behind = Some(interrupted);
        self
    }

    /// Whether only reasoning was told, and none of it sealed, so that another answer can go on behind it.
    #[must_use]
    pub fn is_thinking(&self) -> bool {
        !self.watched.milestones.answer && !self.blocks.bind() && self.finished.is_none()
    }

    /// Breaks the answer off while only reasoning was told, so that another one can go on behind it. The thought under way
    /// is closed in `out`, without a signature.
    #[must_use]
    pub fn interrupt(self, envelope: &Envelope<'_>, style: Style, out: &mut BytesMut) -> Interrupted {
        let mut interrupted = self.behind.unwrap_or_else(|| Interrupted::new(envelope, style));
        // Before its first content an answer is held back.
        if self.watched.milestones.content {
            self.blocks.close(interrupted.next_block(), out);
            interrupted.go_behind(self.blocks.begun());
        }
        interrupted
    }

    /// Takes bytes of the event stream, cut anywhere, and appends the events in them to `out`.
    ///
    /// Once `message_stop` is written, what may still come is passed over.
    ///
    /// # Errors
    ///
    /// A refusal inside the stream, or a stream that breaks its protocol. What was said before stays in `out`.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        while self.finished.is_none() {
            let frame = match self.decoder.next(&mut bytes) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(error) => return Err(Fault::UpstreamMisbehaved(Misbehaviour::Frame(error.to_string()))),
            };
            if self.behind.is_none()
                && let Some(delta) = self.buffer.delta(&frame)
            {
                self.watched.grew(delta.index, delta.kind, delta.text.len());
                if let Some(recorder) = &mut self.recorder {
                    recorder.delta(delta.index.into(), &delta.delta());
                }
                out.extend_from_slice(delta.framed);
                continue;
            }
            let Some(json) = self.buffer.event_of(&frame)? else { continue };
            let named = self.reader.event(json)?;
            self.watched.event(&named.event);
            self.blocks.event(&named, json);
            if let Some(recorder) = &mut self.recorder {
                recorder.event(&named.event);
            }
            let mut changed = None;
            match named.event {
                Event::Stop(stop) => {
                    self.stop = Some(Finish::of(stop, self.called)?.stop);
                    changed = with_counts(json, self.reader.usage());
                }
                Event::Delta { delta: Delta::ToolUse { .. }, .. } => self.called = true,
                Event::Start
                | Event::Delta { .. }
                | Event::BlockStop { .. }
                | Event::Metadata { .. }
                | Event::Unknown => {}
            }
            let mut is_told = true;
            if let Some(behind) = &self.behind {
                let before = behind.next_block();
                is_told = named.name.as_escaped() != "message_start";
                changed = changed.or_else(|| told_blocks::counted_behind(json, before));
            }
            if is_told {
                write(named.name.as_escaped(), changed.as_deref().unwrap_or(json), out);
            }
            if self.reader.is_over() {
                self.finished = self.stop.take().map(|stop| Finish { stop, called: self.called });
            }
        }
        Ok(())
    }

    /// The stream ended, as HTTP says it should. Returns what it ended with; `out` gets nothing more.
    ///
    /// # Errors
    ///
    /// When the answer was not whole.
    pub fn end(&mut self, _out: &mut BytesMut) -> Result<Finish, Fault> {
        if let Some(finish) = &self.finished {
            return Ok(finish.clone());
        }
        let cut = self.decoder.is_mid_frame();
        Err(Fault::UpstreamMisbehaved(if cut { Misbehaviour::CutFrame } else { Misbehaviour::EndedEarly }))
    }

    /// Whether the gateway itself ended the answer: on this road it never does.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        false
    }

    /// The turn to remember, once the answer is over; given once.
    pub fn turn(&mut self) -> Option<Turn> {
        self.finished.as_ref()?;
        self.recorder.take()?.finish()
    }

    /// Tells the client, inside the stream, that the answer failed: an event `error`, and nothing after it.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        dialect::fail_of(Dialect::AnthropicMessages, fault, Some(self.exchange), out);
    }

    /// Tells the client that the answer goes on although nothing is said: an event `ping`, whatever the kind.
    pub fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        self.keep_alive_before(kind, out);
    }

    /// The same before the client was told any of it: another answer may still take its place.
    pub fn keep_alive_before(&self, _kind: KeepAlive, out: &mut BytesMut) {
        dialect::keep_alive(Dialect::AnthropicMessages, out);
    }

    /// The milestones of the answer so far.
    #[must_use]
    pub fn milestones(&self) -> Milestones {
        self.watched.milestones
    }

    /// The finish of the answer, once it is written.
    #[must_use]
    pub fn finished(&self) -> Option<&Finish> {
        self.finished.as_ref()
    }

    /// The warnings about the answer: there are none on this road.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.reader.usage()
    }

    /// The changes of blocks of reasoning since the last call of this function.
    pub fn progress(&mut self) -> impl Iterator<Item = ReasoningProgress> + '_ {
        self.watched.progress.drain(..)
    }
}

/// A `message_delta` with the counts of the prompt in its usage, where Bedrock told them at the start only: some clients
/// read usage there and nowhere else. `None`: it stays as it came.
fn with_counts(json: &str, usage: Option<Usage>) -> Option<String> {
    let document = Document::read(json)?;
    let told = document.top().member("usage").filter(|told| told.member("input_tokens").is_none())?;
    let inside = told.raw().strip_prefix('{')?;
    let Usage { input, cache_read, cache_write, .. } = usage?;
    let (read, written) = (cache_read.unwrap_or(0), cache_write.unwrap_or(0));
    let at = inside.as_ptr() as usize - json.as_ptr() as usize;
    let (before, behind) = json.split_at_checked(at)?;
    let comma = if told.members().next().is_some() { "," } else { "" };
    let mut caches = String::new();
    for (name, count) in [("cache_creation_input_tokens", written), ("cache_read_input_tokens", read)] {
        if told.member(name).is_none() {
            caches.push_str(&format!(r#","{name}":{count}"#));
        }
    }
    Some(format!(r#"{before}"input_tokens":{input}{caches}{comma}{behind}"#))
}

/// Writes an event. JSON may stand on several lines, the data of an event must not: a line's end in JSON is white space.
fn write(name: &str, json: &str, out: &mut BytesMut) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    for (at, line) in json.split(['\n', '\r']).enumerate() {
        if at > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(line.as_bytes());
    }
    out.put_slice(sse::END.as_bytes());
}

/// A whole answer that goes to the client as it came, and what is to be known of it; a turn that calls tools is given too
/// when `record` says so.
///
/// # Errors
///
/// A body that is no answer.
pub fn whole_reframed(body: &[u8], record: bool) -> Result<Whole, Fault> {
    let response = bedrock::read(Api::InvokeModel, body)?;
    let called = response.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    let finish = Finish::of(response.stop, called)?;
    let turn = record.then(|| Turn::of(&response.content, &str::to_owned)).filter(|turn| turn.calls().next().is_some());
    let reasoned = response.content.iter().any(Block::is_reasoning);
    let body = String::from_utf8_lossy(body).into_owned();
    Ok(Whole { body, finish, usage: response.usage, reasoned, turn, warnings: Vec::new() })
}
