//! The live stream of one viewer: server-sent events, made when they are due and its connection takes them.
//!
//! Nothing is pushed: a viewer looks at what there is 20 times a second. One that takes nothing costs nothing, delays nobody,
//! and is told how much it missed.

use super::open::OpenExchange;
use super::seats::Seat;
use super::text::Cursor;
use super::topics::Topics;
use super::view::{self, PieceView};
use super::{Feeds, Live, LiveRefusal, NewRows, Viewer};
use crate::process::clock;
use aquifer_gateway::exchange::Phase;
use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::body::{Body, Frame};
use serde::Serialize;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often a viewer looks.
const TICK: Duration = Duration::from_millis(50);
/// How many looks are between two events of a topic.
const STATS: u64 = 20;
const BACKENDS: u64 = 20;
const EXCHANGES: u64 = 10;
const STREAMS: u64 = 5;
/// How many silent looks are before a comment.
const COMMENT: u64 = 300;
/// The most bytes of texts in one look: 1 MiB a second.
const MOST_TEXT: usize = 52 << 10;

/// The body of the answer to a viewer.
pub(crate) struct LiveEvents {
    live: Arc<Live>,
    feeds: Arc<Feeds>,
    seat: Arc<Seat>,
    topics: Topics,
    texts: Vec<WatchedText>,
    /// Behind which row of the ring it goes on.
    row: Option<u64>,
    /// The last event of the topic, to tell only what has changed.
    streams: String,
    ticks: Interval,
    tick: u64,
    silent: u64,
    /// What is said first.
    first: BytesMut,
}

/// A text that a viewer reads.
struct WatchedText {
    open: Arc<OpenExchange>,
    cursor: Cursor,
    phase: Phase,
    /// Its end was told.
    ended: bool,
}

impl LiveEvents {
    pub(super) fn new(
        live: &Arc<Live>,
        feeds: &Arc<Feeds>,
        viewer: &Viewer,
        topics: Topics,
        last_event_id: Option<&str>,
    ) -> Result<Self, LiveRefusal> {
        let seat = live.seats.take(clock::now()).ok_or_else(LiveRefusal::full)?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first = BytesMut::new();
        first.put_slice(b"retry: 2000\n\n");
        let row = last_event_id.and_then(|id| id.parse().ok());
        if last_event_id.is_some() && row.is_none() && topics.exchanges {
            event(&mut first, "reset", None, &json!({"topic": "exchanges"}));
        }
        let mut events = Self {
            live: Arc::clone(live),
            feeds: Arc::clone(feeds),
            seat,
            texts: Vec::new(),
            row,
            streams: String::new(),
            ticks,
            tick: 0,
            silent: 0,
            first,
            topics: Topics::default(),
        };
        for id in &topics.texts {
            events.open_text(viewer, id);
        }
        events.topics = topics;
        Ok(events)
    }

    /// Opens a text: its snapshot is told first, or why it cannot be read.
    fn open_text(&mut self, viewer: &Viewer, id: &str) {
        match self.live.readable(viewer, id) {
            Ok(open) => {
                let (cursor, snapshot) = {
                    let text = open.text();
                    let view = view::TextView::of(&open, &text);
                    (text.cursor(), json!({"id": id, "kind": "snapshot", "text": view}))
                };
                event(&mut self.first, "text", None, &snapshot);
                let phase = view::phase_of(&open);
                self.texts.push(WatchedText { open, cursor, phase, ended: false });
            }
            Err(LiveRefusal { status, message, .. }) => {
                let refused = json!({"id": id, "kind": "refused", "status": status.as_u16(), "message": message});
                event(&mut self.first, "text", None, &refused);
            }
        }
    }

    /// What is due at this look.
    fn look(&mut self) -> BytesMut {
        let mut out = std::mem::take(&mut self.first);
        let mut left = MOST_TEXT;
        for text in &mut self.texts {
            text.tell(&mut left, &mut out);
        }
        let tick = self.tick;
        self.tick += 1;
        if self.topics.streams && tick.is_multiple_of(STREAMS) {
            let streams = self.live.streams();
            if streams != self.streams {
                raw(&mut out, "streams", None, &streams);
                self.streams = streams;
            }
        }
        if self.topics.exchanges && tick.is_multiple_of(EXCHANGES) {
            self.rows(&mut out);
        }
        if self.topics.stats && tick.is_multiple_of(STATS) {
            raw(&mut out, "stats", None, &(self.feeds.stats)());
        }
        if self.topics.backends && tick.is_multiple_of(BACKENDS) {
            raw(&mut out, "backends", None, &(self.feeds.backends)());
        }
        self.silent = if out.is_empty() { self.silent + 1 } else { 0 };
        if self.silent >= COMMENT {
            self.silent = 0;
            out.put_slice(b": here\n\n");
        }
        out
    }

    /// New rows of the ring.
    fn rows(&mut self, out: &mut BytesMut) {
        let NewRows { rows, cursor, lost, reset } = (self.feeds.exchanges)(self.row);
        self.row = Some(cursor);
        if reset {
            event(out, "reset", None, &json!({"topic": "exchanges"}));
        } else if lost > 0 {
            event(out, "lost", None, &json!({"topic": "exchanges", "n": lost}));
        }
        if !rows.is_empty() {
            raw(out, "exchanges", Some(cursor), &format!("{{\"exchanges\":[{}]}}", rows.join(",")));
        }
    }
}

impl WatchedText {
    /// Tells what came since the last look.
    fn tell(&mut self, left: &mut usize, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        let id = self.open.id.as_str();
        // The outcome is read before the text, so that nothing comes behind the end.
        let outcome = self.open.outcome();
        let phase = view::phase_of(&self.open);
        let (lost, is_closed, is_behind) = {
            let text = self.open.text();
            let lost = text.since(&mut self.cursor, *left, |stretch| {
                *left = left.saturating_sub(stretch.text.len());
                if let Some(kind) = view::kind(stretch.kind) {
                    event(out, "text", None, &PieceView { id, kind, block: stretch.block, text: stretch.text });
                }
            });
            (lost, text.is_closed(), self.cursor != text.cursor())
        };
        if lost > 0 {
            event(out, "text", None, &json!({"id": id, "kind": "lost", "bytes": lost}));
        }
        if phase != self.phase && !is_behind {
            self.phase = phase;
            event(out, "text", None, &json!({"id": id, "kind": "phase", "phase": phase.word()}));
        }
        if let Some(outcome) = outcome.filter(|_| !is_behind) {
            self.ended = true;
            event(out, "text", None, &json!({"id": id, "kind": "end", "outcome": view::outcome(outcome)}));
        } else if is_closed {
            self.ended = true;
            let gone = LiveRefusal::gone();
            let refused = json!({"id": id, "kind": "refused", "status": gone.status.as_u16(), "message": gone.message});
            event(out, "text", None, &refused);
        }
    }
}

/// Writes an event around JSON.
fn event(out: &mut BytesMut, name: &str, id: Option<u64>, data: &impl Serialize) {
    if let Ok(data) = serde_json::to_string(data) {
        raw(out, name, id, &data);
    }
}

/// Writes an event around one line of JSON.
fn raw(out: &mut BytesMut, name: &str, id: Option<u64>, data: &str) {
    if let Some(id) = id {
        out.put_slice(format!("id: {id}\n").as_bytes());
    }
    for part in ["event: ", name, "\ndata: ", data, "\n\n"] {
        out.put_slice(part.as_bytes());
    }
}

impl Body for LiveEvents {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let events = self.get_mut();
        loop {
            ready!(events.ticks.poll_tick(cx));
            if !events.live.seats.reads(&events.seat, clock::now()) {
                return Poll::Ready(None);
            }
            let out = events.look();
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out.freeze()))));
            }
        }
    }
}
