//! A stream of the client's own dialect on its way through, and the veil before it.

use super::End;
use crate::exchange::veil::{Veil, VeiledStream};
use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_chat::relay::Relay;
use aquifer_translate::wire::sse;
use bytes::BytesMut;
use std::borrow::Cow;

/// A stream that goes on as it comes, but for what the operator hides.
#[derive(Debug)]
pub(super) struct Relaying {
    pub(super) relay: Relay,
    /// What stands between it and the client.
    pub(super) veil: Option<Box<VeiledStream>>,
}

impl Relaying {
    pub(super) fn new(veil: Option<Veil>) -> Self {
        Self { relay: Relay::new(), veil: veil.map(|veil| Box::new(VeiledStream::new(veil))) }
    }

    /// The end of the stream, as far as it was told.
    pub(super) fn ended(&self) -> End {
        let (finish_reason, usage) = (self.relay.finish_reason, self.relay.usage);
        End { finish_reason, stop_reason: finish_reason, usage, warnings: Vec::new() }
    }

    /// What the client may see of bytes that go on, and what is wrong with those behind.
    pub(super) fn seen_by_client<'b>(&mut self, bytes: Cow<'b, [u8]>) -> (Cow<'b, [u8]>, Result<(), Fault>) {
        let Some(veil) = &mut self.veil else { return (bytes, Ok(())) };
        let mut out = Vec::new();
        let taken = veil.take(&bytes, &mut out);
        (Cow::Owned(out), taken)
    }

    /// Tells the client of a fault in a stream that was begun: after what came of an event that did not end.
    pub(super) fn fail(&self, fault: &Fault, out: &mut BytesMut) {
        self.relay.fail(fault, self.is_between_events(), out);
    }

    /// Tells the client that the stream goes on, where that does not cut an event in two.
    pub(super) fn keep_alive(&self, out: &mut BytesMut) {
        if self.is_between_events() {
            sse::comment(out);
        }
    }

    /// Whether the client has whole events only: behind a veil it never has others.
    fn is_between_events(&self) -> bool {
        self.relay.is_between_events() || self.veil.is_some()
    }
}
