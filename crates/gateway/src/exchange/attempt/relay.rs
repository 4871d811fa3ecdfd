//! The answer of a backend that speaks the client's own dialect: relayed byte for byte, but for what a veil hides.

use super::answer::Answer;
use super::relaying::Relaying;
use super::{AnswerTo, Attempt, End, Told, WholeAnswer};
use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_chat::relay::{self, Failure};
use aquifer_translate::fault::Misbehaviour;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::borrow::Cow;

impl Attempt {
    /// Relays bytes of a stream, at once.
    pub(super) fn relay_chunk(&mut self, bytes: &[u8], told: &mut Told) -> Result<(), Fault> {
        let Answer::Relaying(relaying) = &mut self.answer else { return Ok(()) };
        let (said, taken) = match relaying.relay.take(bytes) {
            Ok(taken) => relaying.seen_by_client(taken),
            Err(failure) => return Err(self.refused(failure)),
        };
        told.seen = Some(relaying.relay.milestones);
        if !said.is_empty() {
            told.stream = Some(BytesMut::from(&said[..]));
        }
        taken
    }

    /// An error that came with a status of success: its client is told of it as it came, if nothing else helps.
    fn refused(&mut self, failure: Failure) -> Fault {
        if let Some(body) = failure.body {
            self.refuse(failure.status, &HeaderMap::new(), body);
        }
        failure.fault
    }

    /// A relayed stream ended as HTTP says it should.
    pub(super) fn relay_ended(&mut self, mut relaying: Box<Relaying>, told: &mut Told) -> Result<(), Fault> {
        let rest = relaying.relay.rest().map_err(|failure| self.refused(failure))?;
        let (rest, mut taken) = relaying.seen_by_client(Cow::Owned(rest));
        let mut rest = rest.into_owned();
        if let Some(veil) = &mut relaying.veil {
            taken = taken.and_then(|()| veil.end(&mut rest));
        }
        if !rest.is_empty() {
            told.stream = Some(BytesMut::from(&rest[..]));
        }
        let ended = relaying.ended();
        let whole = relaying.relay.done || ended.finish_reason.is_some();
        taken = if whole { taken } else { taken.and(Err(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly))) };
        match taken {
            Ok(()) => told.end = Some(Box::new(ended)),
            Err(_) => self.answer = Answer::Relaying(relaying),
        }
        taken
    }

    /// Relays a whole answer; `begun`: the client has the head of a stream already.
    pub(super) fn relay_whole(
        &mut self,
        status: StatusCode,
        kind: Option<HeaderValue>,
        body: Bytes,
        begun: bool,
        told: &mut Told,
    ) -> Result<(), Fault> {
        if let Some(failure) = Failure::told_by(&body) {
            return Err(self.refused(failure));
        }
        if begun {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol("a stream was asked for".to_owned())));
        }
        let (is_answer, lacks) = match self.answers {
            AnswerTo::RelayedEncoding(_) => (relay::is_encoding(&body), "it has neither data nor results"),
            AnswerTo::Chat | AnswerTo::TokenCount | AnswerTo::Encoding(_) => {
                (relay::is_answer(&body), "it has no choices")
            }
        };
        if !is_answer {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Json(lacks.to_owned())));
        }
        let shown = self.veil.map_or_else(|| Ok(body.clone()), |veil| veil.whole(&body).map(Bytes::from))?;
        let mut headers = self.whole_head();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let (finish_reason, usage) = relay::finish_and_usage(&body);
        told.whole = Some(Box::new(WholeAnswer { status, headers, body: shown }));
        told.end = Some(Box::new(End { finish_reason, stop_reason: finish_reason, usage, warnings: Vec::new() }));
        Ok(())
    }
}
