//! What those who watch an exchange under way may see of it.

use super::common::Common;
use super::phase::Phase;
use super::{Exchange, State};
use crate::record::Record;
use std::time::Instant;

impl Exchange {
    /// The phase of the exchange, as far as it is known without reading the text of its answer.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Head(_) | State::Recalling(_) | State::AwaitingCount(_) => Phase::Queued,
            State::Calling(_) => Phase::Called,
            State::Answering(_) if self.common.is_thinking() => Phase::Thinking,
            State::Answering(_) => Phase::Answering,
            State::Draining(_) | State::Over => Phase::Draining,
        }
    }

    /// The record of an exchange under way, as far as it is known. Once it is over it has its id only.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.common.record
    }

    /// When the request's head arrived.
    #[must_use]
    pub fn begun(&self) -> Instant {
        self.common.begun
    }

    /// When the last part of an answer came.
    #[must_use]
    pub fn heard_at(&self) -> Option<Instant> {
        self.common.heard_at
    }
}

impl Common {
    /// Whether a block of reasoning is open, or only reasoning came of the answer so far.
    fn is_thinking(&self) -> bool {
        self.thinking_since.is_some() || self.record.reasoned && self.record.time_to_first_content.is_none()
    }
}
