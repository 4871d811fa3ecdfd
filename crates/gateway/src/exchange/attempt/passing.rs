//! The answer of Bedrock's own API to a client that speaks it: passed through byte for byte, and watched.

use super::{Attempt, End, Told, WholeAnswer};
use crate::exchange::passed::told_headers;
use aquifer_translate::Fault;
use aquifer_translate::dialect::{self, AnswerKind};
use aquifer_translate::model::milestones::Milestones;
use aquifer_translate::model::response::Usage;
use aquifer_translate::translation::{
    self, AnswerWords, StreamPassthrough, WholePassed, counted_by_headers, look_at_whole,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// What an answer that is passed through needs to know.
#[derive(Debug)]
pub(super) struct Passing {
    /// The words in which it is written.
    words: AnswerWords,
    /// The operator hides its reasoning.
    hidden: bool,
    /// The headers of it that its client gets.
    pub(super) headers: HeaderMap,
    /// The tokens that its head counts.
    counted: Option<Usage>,
}

impl Passing {
    pub(super) fn new(words: AnswerWords, hidden: bool) -> Self {
        Self { words, hidden, headers: HeaderMap::new(), counted: None }
    }

    /// Takes the head of the answer.
    pub(super) fn head(&mut self, headers: &HeaderMap) {
        self.headers = told_headers(headers);
        self.counted = counted_by_headers(headers);
    }

    /// The stream of the answer.
    pub(super) fn stream(&self) -> StreamPassthrough {
        StreamPassthrough::new(self.words, self.hidden)
    }
}

impl Attempt {
    /// Passes a whole answer through.
    pub(super) fn pass_whole(&mut self, body: Bytes, told: &mut Told) -> Result<(), Fault> {
        let Some(passing) = &self.passing else { return Ok(()) };
        let (words, hidden, counted) = (passing.words, passing.hidden, passing.counted);
        let WholePassed { finish_reason, usage, reasoned, turn } =
            match look_at_whole(words, &body, self.recording.is_some()) {
                Ok(seen) => seen,
                Err(fault) => {
                    // Whatever it is, its client gets it as it came, if nobody answers better.
                    if !hidden {
                        self.refuse(StatusCode::OK, &HeaderMap::new(), body);
                    }
                    return Err(fault);
                }
            };
        let veiled =
            if hidden && words == AnswerWords::Converse { translation::without_reasoning(&body)? } else { None };
        let body = veiled.map_or(body, Bytes::from);
        told.seen = Some(Milestones { reasoning: reasoned, ..Milestones::default() });
        told.turn = turn.map(Box::new);
        told.whole = Some(Box::new(WholeAnswer { status: StatusCode::OK, headers: self.whole_head(), body }));
        told.end = Some(Box::new(End {
            finish_reason,
            stop_reason: finish_reason,
            usage: usage.or(counted),
            ..End::default()
        }));
        Ok(())
    }

    /// The head of an answer for the client: Bedrock's own headers, where they came.
    pub(super) fn head_of(&self, kind: AnswerKind) -> HeaderMap {
        let mut headers = dialect::head(self.dialect, self.id, kind, self.headers.clone());
        if let Some(passing) = &self.passing {
            headers.extend(passing.headers.clone());
        }
        headers
    }
}
