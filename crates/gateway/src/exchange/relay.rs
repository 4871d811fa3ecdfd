//! A backend that speaks the client's own dialect: its answer goes on byte for byte, but for what a veil hides.

use super::Exchange;
use super::answer::Upstream;
use super::relaying::Relaying;
use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_chat::relay::{self, Failure};
use aquifer_translate::dialect::{self, AnswerKind};
use aquifer_translate::fault::Misbehaviour;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::time::Instant;

impl Exchange {
    /// Sends bytes of such a stream on, at once.
    pub(super) fn relay_chunk(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(Upstream::Relaying(relaying)) = self.waiting.as_mut().map(|waiting| &mut waiting.upstream) else {
            return Ok(());
        };
        let (said, taken) = match relaying.relay.take(bytes) {
            Ok(taken) => relaying.seen_by_client(taken),
            Err(failure) => return Err(self.refused(failure)),
        };
        let seen = relaying.relay.milestones;
        self.note(seen, now);
        self.go_on(&said, now);
        taken
    }

    fn go_on(&mut self, bytes: &[u8], now: Instant) {
        if !bytes.is_empty() {
            self.commit(now);
            self.say(BytesMut::from(bytes));
        }
    }

    /// An error that came with a status of success: its client is told of it as it came, if nothing else helps.
    fn refused(&mut self, failure: Failure) -> Fault {
        if let (Some(waiting), Some(body)) = (&mut self.waiting, failure.body) {
            waiting.refuse(failure.status, &HeaderMap::new(), body);
        }
        failure.fault
    }

    /// Such a stream ended as HTTP says it should.
    pub(super) fn relay_ended(&mut self, mut relaying: Box<Relaying>, now: Instant) -> Result<(), Fault> {
        let rest = relaying.relay.rest().map_err(|failure| self.refused(failure))?;
        let (rest, mut taken) = relaying.seen_by_client(Cow::Owned(rest));
        let mut rest = rest.into_owned();
        if let Some(veil) = &mut relaying.veil {
            taken = taken.and_then(|()| veil.end(&mut rest));
        }
        self.go_on(&rest, now);
        let (reason, usage) = (relaying.relay.finish_reason, relaying.relay.usage);
        let fault = match taken {
            Ok(()) if relaying.relay.done || reason.is_some() => None,
            Ok(()) => Some(Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly)),
            Err(fault) => Some(fault),
        };
        if let Some(fault) = fault {
            if let Some(waiting) = &mut self.waiting {
                waiting.upstream = Upstream::Relaying(relaying);
            }
            return Err(fault);
        }
        self.told(reason, usage, now);
        Ok(())
    }

    /// Gives a whole answer as it came.
    pub(super) fn relay_whole(
        &mut self,
        status: StatusCode,
        kind: Option<HeaderValue>,
        body: Bytes,
        now: Instant,
    ) -> Result<(), Fault> {
        if let Some(failure) = Failure::told_by(&body) {
            return Err(self.refused(failure));
        }
        let Some(waiting) = &self.waiting else { return Ok(()) };
        let mut head = dialect::head(self.dialect, self.id, AnswerKind::Whole, waiting.headers().clone());
        if let Some(kind) = kind {
            head.insert(header::CONTENT_TYPE, kind);
        }
        if self.committed {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol("a stream was asked for".to_owned())));
        }
        if !relay::is_answer(&body) {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::Json("it has no choices".to_owned())));
        }
        let shown = waiting.veil.map_or_else(|| Ok(body.clone()), |veil| veil.whole(&body).map(Bytes::from))?;
        let (reason, usage) = relay::finish_and_usage(&body);
        self.won(now);
        self.answer(status, head, shown);
        self.told(reason, usage, now);
        Ok(())
    }

    /// Tells a fault as such a backend would: its own refusal as it came, or at the end of its stream. `false`: it is
    /// told as any other.
    pub(super) fn fail_as_it_came(&mut self, fault: &Fault) -> bool {
        let Some(waiting) = &mut self.waiting else { return false };
        if !self.committed
            && let Some((status, kept, body)) = waiting.refused.take()
        {
            let mut headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, waiting.headers().clone());
            headers.extend(kept);
            self.answer(status, headers, body);
            return true;
        }
        let Upstream::Relaying(relaying) = &waiting.upstream else { return false };
        // A client that heard no more than comments is told as at any other backend.
        if !self.committed || self.early {
            return false;
        }
        let mut out = BytesMut::new();
        relaying.fail(fault, &mut out);
        self.record.tokens = relaying.relay.usage.map(super::tokens);
        self.say(out);
        true
    }
}
