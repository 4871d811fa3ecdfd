//! A streamed answer, said as the events that the accumulators of OpenAI's SDKs put together.

use super::{Style, error};
use crate::dialect::Envelope;
use crate::fault::Fault;
use crate::model::delta::{Delta, Event};
use crate::model::response::{Finish, StopReason, Usage};
use crate::wire::sse;
use bytes::BytesMut;

/// The writer of one streamed answer.
#[derive(Debug)]
pub struct Writer {
    style: Style,
    usage: Option<Usage>,
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        let _ = envelope;
        Self { style, usage: None }
    }

    /// Says one event. The end is held back until [`Writer::finish`], because usage comes after it.
    pub fn event(&mut self, out: &mut BytesMut, event: Event<'_>) {
        let _ = (&self.style, out, event);
    }

    /// Says more of a block of the upstream's.
    pub fn delta(&mut self, out: &mut BytesMut, index: u32, delta: &Delta<'_>) {
        let _ = (&self.style, out, index, delta);
    }

    /// Ends a whole answer. Returns what the answer ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        let _ = out;
        Finish::of(StopReason::EndTurn, false)
    }

    /// Ends an answer that failed.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        sse::event(out, "error", &[&error::event(fault)]);
    }

    /// Tells the client that the answer goes on: a comment, because SDKs refuse events that they do not know.
    pub fn keep_alive(&mut self, out: &mut BytesMut) {
        self.keep_alive_before(out);
    }

    /// The same while nothing of this answer was told, and it is not begun by that.
    pub fn keep_alive_before(&self, out: &mut BytesMut) {
        sse::comment(out);
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }
}
