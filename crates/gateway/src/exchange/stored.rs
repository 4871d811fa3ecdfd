//! Responses that clients go on from: remembered when they end, and given back by their ids.

use super::State;
use super::attempt::WholeAnswer;
use super::common::Common;
use super::contract::{Output, RequestHead};
use super::open_call::OpenCall;
use super::plan::Plan;
use crate::record::Outcome;
use crate::restore::{Caller, KeepResponse, TurnKey, TurnStore};
use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_responses::stored::{self, StoredResponse};
use aquifer_translate::dialect::{self, AnswerKind, Dialect, Surface};
use aquifer_translate::model::text::Text;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::time::Instant;

impl Common {
    /// The caller whose responses a request may name: the owner of its API key, where the head showed one, or else whoever
    /// shows the same credentials. What route it takes is not known yet.
    pub(super) fn head_caller(&self, head: &RequestHead<'_>) -> Caller {
        Caller::of(head.headers, self.record.caller.as_deref())
    }

    /// A request with the items in it that it names by their ids, or by that of their response.
    ///
    /// # Errors
    /// The response that it goes on from is not remembered.
    pub(super) fn made_whole(
        &self,
        head: &RequestHead<'_>,
        body: Bytes,
        turns: &dyn TurnStore,
    ) -> Result<Bytes, Fault> {
        if self.dialect != Dialect::OpenAiResponses || !stored::may_refer(&body) {
            return Ok(body);
        }
        let caller = self.head_caller(head);
        let made = stored::made_whole(&body, &self.config.limits, &mut |id| {
            turns.response(&TurnKey::response(caller.clone(), id))
        })?;
        Ok(made.map_or(body, Bytes::from))
    }

    /// Gives a response that is remembered to its client, or forgets it.
    pub(super) fn stored(&mut self, head: &RequestHead<'_>, turns: &dyn TurnStore, now: Instant) -> State {
        let surface = Surface::of(head.method, head.path);
        let id = surface.ok().and_then(|surface| surface.model_id()).unwrap_or_default();
        let key = TurnKey::response(self.head_caller(head), &id);
        let found = match *head.method == Method::DELETE {
            true => turns.forget_response(&key).then(|| {
                let id = Text::from_plain(id.as_ref());
                format!(r#"{{"id":"{}","object":"response","deleted":true}}"#, id.as_escaped())
            }),
            false => turns.response(&key).map(|mut response| std::mem::take(&mut response.object)),
        };
        let Some(body) = found else { return self.refuse(&stored::not_found(&id, None), None, now) };
        let headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, HeaderMap::new());
        self.answer(WholeAnswer { status: StatusCode::OK, headers, body: Bytes::from(body) });
        self.done(None, [None, None], Outcome::Answered, now)
    }

    /// Has the response of an answer remembered that ended, where its client may go on from it.
    pub(super) fn keep_response(&mut self, plan: &Plan, call: &OpenCall) {
        let (Some(object), Some(request)) = (self.told.response.take(), &plan.stored) else { return };
        let Some(input) = stored::input_of(request, &plan.config.limits) else { return };
        let response = StoredResponse { input, object };
        if response.bytes() > plan.room(call.target) {
            return;
        }
        let key = TurnKey::response(plan.shown.clone(), &dialect_id(self));
        let (limits, group) = (plan.limits(call.target), plan.group(call.target));
        self.push(Output::KeepResponse(Box::new(KeepResponse { key, response, group, limits })));
    }
}

fn dialect_id(common: &Common) -> String {
    common.dialect.id(common.id)
}
