//! What is seen of a stream's frames while they are passed through.

use super::counts::counted_by_chunk;
use super::{AnswerWords, unread_finish};
use crate::bedrock::{ChunkBuffer, InvokeReader};
use crate::bedrock::{converse_error as error, converse_stream as stream};
use crate::catalogue::UsageInput;
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event};
use crate::model::response::{Finish, StopReason, Usage};
use crate::model::turn::Recorder;
use crate::translation::fanout::Watched;
use crate::wire::eventstream::{Frame, Kind};
use std::collections::BTreeSet;

/// What was seen of one frame.
pub(super) enum WatchedFrame {
    /// It goes on.
    Shown,
    /// It holds reasoning that the operator hides.
    Hidden,
    /// It goes on, and tells that the answer failed.
    Failure(Fault),
}

/// The watcher of one stream.
#[derive(Debug)]
pub(super) struct Watch {
    words: Words,
    pub(super) seen: SeenOfStream,
}

/// The readers of the words of an answer.
#[derive(Debug)]
enum Words {
    Converse(stream::Reader),
    Claude(ChunkBuffer, InvokeReader),
    /// Those of a Claude of which nothing came yet: it speaks in Messages, or completes a text as older ones do.
    Beginning(ChunkBuffer),
    Unread(ChunkBuffer),
}

/// What was seen of a stream so far.
#[derive(Debug, Default)]
pub(super) struct SeenOfStream {
    pub(super) watched: Watched,
    pub(super) recorder: Option<Recorder>,
    pub(super) finished: Option<Finish>,
    stop: Option<StopReason<'static>>,
    called: bool,
    usage: Option<Usage>,
    /// The blocks that are left out, where reasoning is hidden.
    hidden: Option<BTreeSet<u32>>,
}

impl Watch {
    pub(super) fn new(words: AnswerWords, hidden: bool) -> Self {
        let words = match words {
            AnswerWords::Converse => Words::Converse(stream::Reader::default()),
            AnswerWords::Claude => Words::Beginning(ChunkBuffer::default()),
            AnswerWords::Unread | AnswerWords::Count => Words::Unread(ChunkBuffer::default()),
        };
        Self { words, seen: SeenOfStream { hidden: hidden.then(BTreeSet::new), ..SeenOfStream::default() } }
    }

    /// Takes the usage of the stream to count the input so.
    pub(super) fn counts(&mut self, usage_input: UsageInput) {
        if let Words::Converse(reader) = &mut self.words {
            *reader = stream::Reader::counting(usage_input);
        }
    }

    /// Looks at a frame. What cannot be read goes on as it came: it may be newer than this gateway.
    #[inline]
    pub(super) fn frame(&mut self, frame: &Frame<'_>) -> WatchedFrame {
        match frame.kind {
            Kind::Exception(name) => return WatchedFrame::Failure(error::exception(name, frame.payload)),
            Kind::Error { code, message } => return WatchedFrame::Failure(error::stream_error(code, message)),
            Kind::Event(_) => {}
        }
        let seen = &mut self.seen;
        match &mut self.words {
            Words::Converse(reader) => {
                let Some((index, delta)) = reader.fast_delta(frame) else { return seen.converse(reader, frame) };
                seen.delta(index, &delta);
                match (&mut seen.hidden, delta) {
                    (Some(hidden), Delta::Reasoning(_)) => hide(hidden, index),
                    _ => WatchedFrame::Shown,
                }
            }
            Words::Claude(buffer, reader) => {
                if let Some(delta) = buffer.delta(frame) {
                    seen.delta(delta.index, &delta.delta());
                    return WatchedFrame::Shown;
                }
                match buffer.event_of(frame) {
                    Ok(Some(json)) => seen.claude(reader, json),
                    Ok(None) | Err(_) => WatchedFrame::Shown,
                }
            }
            Words::Beginning(buffer) => {
                let Ok(Some(json)) = buffer.event_of(frame) else { return WatchedFrame::Shown };
                let mut reader = InvokeReader::default();
                let shown = seen.claude(&mut reader, json);
                let completes = json.contains("\"completion\"") && !json.contains("\"message");
                if completes {
                    seen.unread(json);
                }
                let buffer = std::mem::take(buffer);
                self.words = if completes { Words::Unread(buffer) } else { Words::Claude(buffer, reader) };
                shown
            }
            Words::Unread(buffer) => {
                if let Ok(Some(json)) = buffer.event_of(frame) {
                    seen.unread(json);
                }
                WatchedFrame::Shown
            }
        }
    }

    /// The token counts that came.
    pub(super) fn usage(&self) -> Option<Usage> {
        match &self.words {
            Words::Claude(_, reader) => reader.usage(),
            Words::Converse(_) | Words::Beginning(_) | Words::Unread(_) => self.seen.usage,
        }
    }

    /// The end of the stream.
    pub(super) fn end(&mut self) -> Result<Finish, Fault> {
        let seen = &mut self.seen;
        match &self.words {
            _ if seen.finished.is_some() => {}
            Words::Unread(_) if seen.watched.milestones.started => seen.finished = Some(unread_finish()),
            // The event of the counts may be missing.
            Words::Converse(_) => seen.finish(),
            Words::Claude(..) | Words::Beginning(_) | Words::Unread(_) => {}
        }
        seen.finished.clone().ok_or(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly))
    }
}

impl SeenOfStream {
    #[inline]
    fn delta(&mut self, index: u32, delta: &Delta<'_>) {
        self.watched.delta(index, delta);
        if let Some(recorder) = &mut self.recorder {
            recorder.delta(index.into(), delta);
        }
    }

    fn converse(&mut self, reader: &mut stream::Reader, frame: &Frame<'_>) -> WatchedFrame {
        while let Some(event) = reader.overtaken(frame) {
            self.event(event);
        }
        let event = match reader.event(frame) {
            Ok(event) => event,
            // What cannot be read may be reasoning.
            Err(_) if self.hidden.is_some() => return WatchedFrame::Hidden,
            Err(_) => return WatchedFrame::Shown,
        };
        let shown = match &mut self.hidden {
            Some(hidden) => shown(&event, frame.payload, hidden),
            None => WatchedFrame::Shown,
        };
        let is_last = matches!(event, Event::Metadata { .. }) && reader.stopped();
        self.event(event);
        while let Some(event) = reader.unended() {
            self.event(event);
        }
        if is_last {
            self.finish();
        }
        shown
    }

    #[inline]
    fn claude(&mut self, reader: &mut InvokeReader, json: &str) -> WatchedFrame {
        match reader.event(json) {
            Ok(named) => self.event(named.event),
            // An event `error` of Anthropic's.
            Err(refused @ Fault::Refused(_)) => return WatchedFrame::Failure(refused),
            Err(_) => {}
        }
        if reader.is_over() {
            self.finish();
        }
        WatchedFrame::Shown
    }

    /// A chunk in words that are not read: it is content.
    fn unread(&mut self, json: &str) {
        let milestones = &mut self.watched.milestones;
        (milestones.started, milestones.content) = (true, true);
        (milestones.answer, milestones.said) = (true, true);
        self.usage = counted_by_chunk(json).or(self.usage);
    }

    fn event(&mut self, event: Event<'_>) {
        self.watched.event(&event);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(&event);
        }
        match event {
            Event::Stop(stop) => self.stop = Some(stop.into_owned()),
            Event::Delta { delta: Delta::ToolUse { .. }, .. } => self.called = true,
            Event::Metadata { usage, .. } => self.usage = usage.or(self.usage),
            Event::Start | Event::Delta { .. } | Event::BlockStop { .. } | Event::Unknown => {}
        }
    }

    fn finish(&mut self) {
        self.finished =
            self.finished.take().or_else(|| self.stop.take().map(|stop| Finish { stop, called: self.called }));
    }
}

fn hide(hidden: &mut BTreeSet<u32>, index: u32) -> WatchedFrame {
    hidden.insert(index);
    WatchedFrame::Hidden
}

/// Whether an event goes on where reasoning is hidden.
fn shown(event: &Event<'_>, payload: &[u8], hidden: &mut BTreeSet<u32>) -> WatchedFrame {
    match event {
        Event::Delta { index, delta: Delta::Reasoning(_) | Delta::SealPiece(_) } => hide(hidden, index.upstream),
        Event::BlockStop { index, .. } if hidden.contains(&index.upstream) => WatchedFrame::Hidden,
        Event::Delta { delta: Delta::Unknown, .. } | Event::Unknown if may_be_reasoning(payload) => {
            WatchedFrame::Hidden
        }
        Event::Start
        | Event::Delta { .. }
        | Event::BlockStop { .. }
        | Event::Stop(_)
        | Event::Metadata { .. }
        | Event::Unknown => WatchedFrame::Shown,
    }
}

/// Whether a payload that is not read names reasoning or thinking.
fn may_be_reasoning(payload: &[u8]) -> bool {
    [&b"easoning"[..], b"hinking"].iter().any(|word| memchr::memmem::find(payload, word).is_some())
}
