//! What a driver tells of its exchange: calls, bytes, phases, and the text where that may be observed.

use super::Live;
use super::open::OpenExchange;
use crate::process::clock;
use aquifer_gateway::config::Observe;
use aquifer_gateway::exchange::{Exchange, Phase};
use aquifer_gateway::record::{Outcome, Record};
use aquifer_gateway::translate::answer_text::{AnswerFraming, AnswerText, TextKind};
use bytes::Bytes;
use http::{HeaderMap, header};
use std::sync::Arc;
use std::time::Instant;

/// The registration of an exchange under way with those who watch. Dropped, it ends it.
pub(crate) struct Watch {
    live: Arc<Live>,
    /// The place of its registration.
    key: u64,
    open: Arc<OpenExchange>,
    /// The client's body, until the policy is known.
    asked: Option<Bytes>,
    observed: Option<Box<Observed>>,
    is_over: bool,
}

/// What reads a text that may be observed.
struct Observed {
    observe: Observe,
    reader: Option<AnswerText>,
    /// The phase that the last piece told.
    phase: Option<Phase>,
}

impl Watch {
    /// Registers an exchange whose request was read. The body is kept until its policy is known, where some policy lets
    /// everything be observed.
    pub(super) fn begin(live: &Arc<Live>, exchange: &Exchange, body: Option<Bytes>, listed_early: bool) -> Self {
        let open = Arc::new(OpenExchange::new(exchange, listed_early));
        let key = live.add(&open);
        Self { live: Arc::clone(live), key, open, asked: body, observed: None, is_over: false }
    }

    /// A call is made with this body; the record has its policy.
    pub(crate) fn called(&mut self, record: &Record, sent: &[u8]) {
        let observe = self.open.called(record);
        let asked = self.asked.take();
        match &mut self.observed {
            None if observe > Observe::Metadata && record.attempts.len() == 1 => {
                self.live.texts.keep(&self.open);
                self.observed = Some(Box::new(Observed { observe, reader: None, phase: None }));
            }
            Some(observed) if observe < observed.observe => {
                observed.observe = observe;
                self.open.text().limit(observe);
            }
            Some(_) | None => {}
        }
        if observe == Observe::Everything && self.observed.is_some() {
            let mut text = self.open.text();
            if let Some(body) = asked {
                text.asked(&body);
            }
            text.sent(sent);
            drop(text);
        }
        if self.observed.is_some() {
            self.live.texts.count(&self.open);
        }
    }

    /// A call was sent.
    pub(crate) fn sent(&self, phase: Phase) {
        self.open.set_phase(phase);
    }

    /// Reasoning goes on or ends; where the text is read, its pieces tell that.
    pub(crate) fn progress(&self, phase: Phase) {
        if self.observed.is_none() {
            self.open.set_phase(phase);
        }
    }

    /// The answer to the client begins with this head.
    pub(crate) fn head(&mut self, headers: &HeaderMap) {
        if let Some(observed) = &mut self.observed {
            let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let framing = kind.and_then(AnswerFraming::of);
            observed.reader = framing.map(|framing| AnswerText::new(self.open.dialect, framing));
        }
    }

    /// The client is told these bytes. Where its text is not observed, that costs a few stores that lock nothing.
    #[inline]
    pub(crate) fn body(&mut self, bytes: &[u8], phase: Phase, heard_at: Option<Instant>) {
        self.open.told(bytes.len(), heard_at);
        if self.observed.is_some() {
            self.read(bytes, phase);
        } else {
            self.open.set_phase(phase);
        }
    }

    /// Reads the text in some bytes.
    fn read(&mut self, bytes: &[u8], phase: Phase) {
        let Some(observed) = &mut self.observed else { return };
        let mut now = None;
        if let Some(reader) = &mut observed.reader {
            now = read(reader, bytes, &self.open, observed.observe);
            observed.phase = now.or(observed.phase);
            self.live.texts.count(&self.open);
        }
        self.open.set_phase(match phase {
            // A thought that nobody can read has no piece.
            Phase::Thinking => now.unwrap_or(phase),
            Phase::Answering => observed.phase.unwrap_or(phase),
            Phase::Queued | Phase::Called | Phase::Tools | Phase::Draining => phase,
        });
    }

    /// The exchange is over.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(mut reader) = self.observed.as_mut().and_then(|observed| observed.reader.take()) {
            finish(&mut reader, &self.open, self.observed.as_ref().map_or(Observe::Nothing, |it| it.observe));
            self.live.texts.count(&self.open);
        }
        self.open.end(outcome);
        self.live.remove(self.key);
        if self.observed.is_some() {
            self.live.texts.end(&self.open, clock::now());
        }
    }
}

/// Reads the text in some bytes; the phase that its last piece tells.
fn read(reader: &mut AnswerText, bytes: &[u8], open: &OpenExchange, observe: Observe) -> Option<Phase> {
    let mut phase = None;
    let mut text = open.text();
    reader.take(bytes, &mut |piece| {
        phase = phase_of(piece.kind).or(phase);
        open.count(piece.kind, &piece.text);
        text.push(observe, &piece);
    });
    phase
}

/// Reads the text that only the end of the answer tells.
fn finish(reader: &mut AnswerText, open: &OpenExchange, observe: Observe) {
    let mut text = open.text();
    reader.end(&mut |piece| {
        open.count(piece.kind, &piece.text);
        text.push(observe, &piece);
    });
}

fn phase_of(kind: TextKind) -> Option<Phase> {
    match kind {
        TextKind::Reasoning => Some(Phase::Thinking),
        TextKind::Content => Some(Phase::Answering),
        TextKind::CallId | TextKind::CallName | TextKind::CallArguments => Some(Phase::Tools),
        TextKind::Error => None,
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end(Outcome::Abandoned);
    }
}
