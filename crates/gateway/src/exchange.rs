//! One request with its answer, as a state machine without I/O.
//!
//! The contract with every host: **feed one [`Input`], then do every [`Output`] until there is none; only
//! then feed the next.** A host that reads from Bedrock only after the client has taken what came before
//! keeps memory bounded.

mod answer;
mod asked;
mod attempts;
mod contract;
mod denied;
mod heads;
mod lanes;
mod models;
mod relay;
mod relayed;
mod relaying;
mod start;
mod veil;

pub use aquifer_translate::translation::{KeepAlive, ReasoningProgress, ReasoningState};
pub use contract::{Arrival, Call, CallTimeouts, Input, Output};
pub use lanes::CallId;

use crate::config::{AccessDenied, Config};
use crate::health::BackendHealth;
use crate::record::{Estimate, Outcome, Record, Tokens};
use crate::restore::{Keep, TurnKey};
use answer::{Upstream, Waiting};
use aquifer_translate::Fault;
use aquifer_translate::bedrock;
use aquifer_translate::dialect::openai_chat::relay as relay_of;
use aquifer_translate::dialect::{self, AnswerKind, Dialect, ErrorAnswer};
use aquifer_translate::fault::Misbehaviour;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::response::{Finish, Usage};
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{Milestones, Road, StreamTranslation};
use aquifer_translate::wire::sse;
use asked::Asked;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lanes::Other;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// One exchange.
pub struct Exchange {
    id: RequestId,
    record: Record,
    /// What its client speaks.
    dialect: Dialect,
    health: Arc<BackendHealth>,
    begun: Instant,
    outputs: VecDeque<Output>,
    /// The request, once it is read and routed.
    asked: Option<Box<Asked>>,
    /// The call whose answer is awaited or read; `None` when the exchange is over.
    waiting: Option<Waiting>,
    /// Another call that is under way; [`waiting`](Self::waiting) is then the one of this lane.
    other: Option<Box<Other>>,
    at_hand: CallId,
    /// Whether the answer's head is on its way to the client.
    committed: bool,
    /// It is, although no content has come: other backends may still be asked.
    early: bool,
    /// Its head was given early, as the operator wants it: no other backend is asked any more.
    search_over: bool,
    /// The methods of the path, for a request with another one.
    allow: Option<HeaderValue>,
    /// Whether the host is asked when the request is to be said once more, and what is to be done then.
    defers: bool,
    deferred: Option<Deferred>,
    over: bool,
}

/// What awaits [`Exchange::retry`].
enum Deferred {
    /// Another attempt after this fault, or else its being told.
    Retry(Fault),
    /// A second call.
    Hedge,
}

impl Exchange {
    /// Begins with a request that arrived whole.
    #[must_use]
    pub fn begin(config: Arc<Config>, health: Arc<BackendHealth>, arrival: &Arrival<'_>) -> Self {
        let id = RequestId(arrival.random);
        let mut exchange = Self { id, over: false, ..Self::nothing(health, arrival.now) };
        exchange.record.id = exchange.dialect.id(id);
        if let Err(fault) = exchange.start(&config, arrival) {
            exchange.fail(&fault, arrival.now);
        }
        exchange
    }

    /// The id in the answer, in the record and in every line of the log that is about this exchange.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Takes in what happened; `now` is when. Once the exchange is over, nothing that happens matters.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.handle_from(CallId::Primary, input, now);
    }

    /// The same of one of two calls. One that is over says nothing any more.
    pub fn handle_from(&mut self, lane: CallId, input: Input<'_>, now: Instant) {
        if self.over || self.at_hand != lane && !self.take_up(lane) {
            return;
        }
        let handled = match input {
            Input::Recalled(turns) => self.recalled(turns, now),
            Input::CallStarted => {
                if let Some(waiting) = &mut self.waiting {
                    waiting.started = now;
                }
                Ok(())
            }
            Input::UpstreamHead { status, headers } => {
                // A call has one head.
                let silent = self.waiting.as_mut().filter(|waiting| matches!(waiting.upstream, Upstream::Silent));
                silent.map_or(Ok(()), |waiting| waiting.begin(self.id, status, headers))
            }
            Input::UpstreamBody(bytes) => self.body(bytes, now),
            Input::UpstreamEnd => self.end(now),
            Input::UpstreamFailed(unreachable) => self.cut_off(Fault::UpstreamUnreachable(unreachable), now),
            Input::Slow => {
                self.hedge(now);
                Ok(())
            }
            Input::Early => {
                self.early_head();
                Ok(())
            }
            Input::Quiet(kind) => {
                self.quiet(kind);
                Ok(())
            }
            Input::ClientGone => {
                self.client_gone(now);
                Ok(())
            }
        };
        if let Err(fault) = handled {
            self.fail(&fault, now);
        }
        if self.at_hand != CallId::Primary {
            self.take_up(CallId::Primary);
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // The next one stands where this one stood, and not in memory that no cache holds.
            self.outputs.clear();
        }
        output
    }

    fn body(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(waiting) = &mut self.waiting else { return Ok(()) };
        waiting.came += bytes.len() as u64;
        if let Upstream::Relaying(_) = &waiting.upstream {
            return self.relay_chunk(bytes, now);
        }
        let Upstream::Streaming(stream) = &mut waiting.upstream else {
            waiting.upstream.gather(bytes)?;
            // A refusal may have no end; what is read of it is enough.
            return if waiting.upstream.is_full() { self.end(now) } else { Ok(()) };
        };
        // A frame is answered by about twice as many bytes.
        let mut out = BytesMut::with_capacity(2 * bytes.len());
        let taken = stream.take(bytes, &mut out);
        let seen = stream.milestones();
        let turn = stream.turn();
        let cut = stream.finished().filter(|_| stream.is_cut()).map(|finish| (finish.clone(), stream.usage()));
        let progress: Vec<ReasoningProgress> = stream.progress().collect();
        // What another answer may take the place of is nobody's first token.
        if seen.content {
            self.note(seen, now);
        }
        let begins = seen.content || turn.is_some() || self.is_finished();
        self.keep(turn);
        self.say_of_stream(out, begins, now);
        self.outputs.extend(progress.into_iter().map(Output::Reasoning));
        if let Some((finish, usage)) = cut {
            self.answered(&finish, usage, now);
        }
        taken
    }

    /// Says a part of the stream at hand. Until something of it is content (`begins`), it is held: the beginning of an
    /// answer is none, and another backend may still be asked.
    fn say_of_stream(&mut self, mut out: BytesMut, begins: bool, now: Instant) {
        if !self.is_told()
            && let Some(waiting) = &mut self.waiting
        {
            let mut held = std::mem::take(&mut waiting.held);
            if held.is_empty() {
                held = out;
            } else {
                held.extend_from_slice(&out);
            }
            if !begins {
                waiting.held = held;
                return;
            }
            out = held;
            self.commit(now);
        }
        self.say(out);
    }

    /// Whether the client was told some content: nothing is sent once more. Before that it may have heard that the answer
    /// goes on.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.committed && !self.early
    }

    /// Whether the client wants a stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.record.stream
    }

    /// Whether the answer at hand goes on as it comes.
    fn is_relayed(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.road() == Road::Relay)
    }

    /// Whether the stream at hand has ended whole.
    fn is_finished(&self) -> bool {
        let stream = self.waiting.as_ref().and_then(|waiting| waiting.upstream.streaming());
        stream.is_some_and(|stream| stream.finished().is_some())
    }

    fn end(&mut self, now: Instant) -> Result<(), Fault> {
        let Some(waiting) = &mut self.waiting else { return Ok(()) };
        match std::mem::replace(&mut waiting.upstream, Upstream::Silent) {
            Upstream::Silent => Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol("no answer came".to_owned()))),
            Upstream::Streaming(mut stream) => {
                let mut out = BytesMut::new();
                let ended = stream.end(&mut out);
                let (usage, turn) = (stream.usage(), stream.turn());
                waiting.upstream = Upstream::Streaming(stream);
                let finish = ended?;
                self.keep(turn);
                self.say_of_stream(out, true, now);
                self.answered(&finish, usage, now);
                Ok(())
            }
            Upstream::Whole { body } if waiting.is_played() => self.play(&body, now),
            Upstream::Whole { body } => self.whole(&body, now),
            Upstream::Relaying(relaying) => self.relay_ended(relaying, now),
            Upstream::Handing { status, kind, body } => self.relay_whole(status, kind, Bytes::from(body), now),
            // Its status says enough; nobody knows what its body says.
            Upstream::Refusing { status, headers, .. } if answer::is_encoded(&headers) => {
                Err(refusal(waiting.road(), status, &headers, b""))
            }
            Upstream::Refusing { status, headers, body } => {
                let fault = refusal(waiting.road(), status, &headers, &body);
                if waiting.road() == Road::Relay {
                    waiting.refuse(status, &headers, Bytes::from(body));
                }
                Err(fault)
            }
        }
    }

    fn whole(&mut self, body: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(waiting) = &self.waiting else { return Ok(()) };
        let whole = waiting.call(self.id).whole(body)?;
        let mut head = dialect::head(self.dialect, self.id, AnswerKind::Whole, waiting.headers().clone());
        let warnings: Vec<String> = whole.warnings.iter().map(|warning| self.dialect.warning(warning)).collect();
        heads::warn(&mut head, &warnings);
        self.record.warnings.extend(warnings);
        self.won(now);
        self.record.reasoned = whole.reasoned;
        self.keep(whole.turn);
        self.answer(StatusCode::OK, head, Bytes::from(whole.body));
        self.answered(&whole.finish, Some(whole.usage), now);
        Ok(())
    }

    /// Records when the first of it was seen.
    fn note(&mut self, seen: Milestones, now: Instant) {
        let since = now.saturating_duration_since(self.begun);
        if seen.reasoning {
            self.record.reasoned = true;
            self.record.time_to_first_reasoning.get_or_insert(since);
        }
        if seen.answer {
            self.record.time_to_first_token.get_or_insert(since);
        }
    }

    /// Tells a whole answer as the stream that its client wants.
    fn play(&mut self, body: &[u8], now: Instant) -> Result<(), Fault> {
        let Some(stream) = self.waiting.as_mut().and_then(Waiting::telling) else { return Ok(()) };
        let mut out = BytesMut::with_capacity(2 * body.len());
        let played = stream.play(body, &mut out);
        let (seen, usage, turn) = (stream.milestones(), stream.usage(), stream.turn());
        let progress: Vec<ReasoningProgress> = stream.progress().collect();
        let finish = played?;
        let since = now.saturating_duration_since(self.begun);
        self.record.reasoned = seen.reasoning;
        self.record.time_to_first_reasoning = seen.reasoning.then_some(since);
        self.record.time_to_first_token = seen.answer.then_some(since);
        self.commit(now);
        self.keep(turn);
        self.say(out);
        self.outputs.extend(progress.into_iter().map(Output::Reasoning));
        self.answered(&finish, usage, now);
        Ok(())
    }

    /// Tells the client of a stream that it goes on. That is no answer: another backend may still be asked.
    fn quiet(&mut self, kind: KeepAlive) {
        let streaming = self.is_streaming() || self.take_up(CallId::Hedge) && self.is_streaming();
        if !streaming {
            self.quiet_before_the_head();
            return;
        }
        let told = self.is_told();
        self.begin_early();
        let mut out = BytesMut::new();
        match &mut self.waiting {
            Some(Waiting { upstream: Upstream::Relaying(relaying), .. }) if told => relaying.keep_alive(&mut out),
            Some(waiting) => match waiting.telling() {
                Some(stream) if told => stream.keep_alive(kind, &mut out),
                Some(stream) => stream.keep_alive_before(kind, &mut out),
                None => sse::comment(&mut out),
            },
            None => sse::comment(&mut out),
        }
        self.say(out);
    }

    /// Begins the answer although no content has come.
    fn begin_early(&mut self) {
        if !self.committed {
            self.early = true;
            self.begin_stream();
        }
    }

    /// The client has waited for a head as long as it may: it gets one, and what goes wrong from then on is told behind it.
    fn early_head(&mut self) {
        if !self.waiting.as_ref().is_some_and(Waiting::may_begin_early) {
            return;
        }
        self.search_over = true;
        self.begin_early();
        let mut out = BytesMut::new();
        sse::comment(&mut out);
        self.say(out);
    }

    /// The same while the backend has said nothing: where no other attempt could be made anyway, nothing is lost by it.
    fn quiet_before_the_head(&mut self) {
        let silent = self.waiting.as_ref().is_some_and(|waiting| waiting.may_begin_early());
        let last = self.asked.as_ref().is_some_and(|asked| asked.is_last_attempt());
        if !self.committed && (!silent || !last || self.other.is_some()) {
            return;
        }
        self.begin_early();
        let mut out = BytesMut::new();
        sse::comment(&mut out);
        self.say(out);
    }

    /// Begins an answer that is a stream.
    fn begin_stream(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            let headers = dialect::head(self.dialect, self.id, AnswerKind::Stream, waiting.headers().clone());
            self.head(StatusCode::OK, headers);
        }
    }

    /// Whether the call at hand is answered by a stream. A refusal that is being read is none.
    fn is_streaming(&self) -> bool {
        let Some(waiting) = &self.waiting else { return false };
        match waiting.upstream {
            Upstream::Streaming(_) | Upstream::Relaying(_) => true,
            Upstream::Silent | Upstream::Whole { .. } => waiting.is_played(),
            Upstream::Handing { .. } | Upstream::Refusing { .. } => false,
        }
    }

    /// Remembers a turn, before its client is told of it: it may be sent back at once.
    fn keep(&mut self, turn: Option<Turn>) {
        let (Some(turn), Some(asked)) = (turn, &self.asked) else { return };
        let Some(place) = asked.place().filter(|_| turn.bytes() <= asked.room()) else { return };
        let Some(before) = asked.before else { return };
        self.record.turns.kept += 1;
        let turn = turn.issued(place.mark(&asked.config));
        let key = asked.key(&place.model_id, turn.calls().collect()).after(before);
        let alike = TurnKey::alike(asked.caller.clone(), &place.model_id, turn.likeness(&asked.talk));
        let (limits, group) = (asked.limits(), asked.group());
        self.outputs.push_back(Output::Keep(Box::new(Keep { key, alike, turn, group, limits })));
    }

    /// A client that leaves once it was told everything has not abandoned its answer.
    fn client_gone(&mut self, now: Instant) {
        let gone = || Fault::Ours("nobody is told".to_owned());
        if self.cut_off(gone(), now).is_err() {
            self.record.status = 499;
            self.record.tokens = self.waiting.as_ref().and_then(|waiting| waiting.upstream.usage()).map(tokens);
            self.done(Outcome::Abandoned, now);
        }
    }

    /// The call failed on the way. What was said whole before that stays an answer.
    fn cut_off(&mut self, fault: Fault, now: Instant) -> Result<(), Fault> {
        if let Some(Upstream::Relaying(relaying)) = self.waiting.as_ref().map(|waiting| &waiting.upstream)
            && relaying.relay.done
        {
            let (reason, usage) = (relaying.relay.finish_reason, relaying.relay.usage);
            self.told(reason, usage, now);
            return Ok(());
        }
        let stream = self.waiting.as_ref().and_then(|waiting| waiting.upstream.streaming());
        match stream.and_then(|stream| Some((stream.finished()?.clone(), stream.usage()))) {
            Some((finish, usage)) => {
                self.answered(&finish, usage, now);
                Ok(())
            }
            None => Err(fault),
        }
    }

    fn answered(&mut self, finish: &Finish, usage: Option<Usage>, now: Instant) {
        let reason = self.waiting.as_ref().map(|waiting| waiting.finish_reason(finish));
        self.told(reason, usage, now);
    }

    fn told(&mut self, reason: Option<&'static str>, usage: Option<Usage>, now: Instant) {
        let stream = self.waiting.as_ref().and_then(|waiting| waiting.upstream.streaming());
        let warnings = stream.map(StreamTranslation::warnings).unwrap_or_default();
        let dialect = self.dialect;
        self.record.warnings.extend(warnings.iter().map(|warning| dialect.warning(warning)));
        self.record.finish_reason = reason;
        self.record.tokens = usage.map(tokens);
        self.done(Outcome::Answered, now);
    }

    /// Begins the answer to the client, once it is known to be one.
    fn commit(&mut self, now: Instant) {
        if self.is_told() {
            return;
        }
        self.early = false;
        self.won(now);
        if let Some(asked) = &mut self.asked {
            // It is not sent once more, and the answer may take long.
            asked.let_go();
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.let_go();
        }
        if !self.committed {
            self.begin_stream();
        }
    }

    /// From now on [`Output::Retry`] comes before the request is said once more: one that is large takes its time.
    pub fn defer_retries(&mut self) {
        self.defers = true;
    }

    /// Does what [`Output::Retry`] stood for: says the request once more and calls, if that is `allowed` and worth it.
    pub fn retry(&mut self, allowed: bool, now: Instant) {
        match self.deferred.take().filter(|_| !self.over) {
            Some(Deferred::Hedge) if allowed => self.hedge_now(now),
            Some(Deferred::Retry(fault)) if !allowed || !self.try_otherwise(&fault, now) => self.give_up(&fault, now),
            Some(_) | None => {}
        }
    }

    /// An exchange that is over, to stand where another one stood.
    #[must_use]
    pub fn nothing(health: Arc<BackendHealth>, now: Instant) -> Self {
        Self {
            id: RequestId::default(),
            record: Record::default(),
            dialect: Dialect::default(),
            health,
            begun: now,
            outputs: VecDeque::new(),
            asked: None,
            waiting: None,
            other: None,
            at_hand: CallId::Primary,
            committed: false,
            early: false,
            search_over: false,
            allow: None,
            defers: false,
            deferred: None,
            over: true,
        }
    }

    fn defer(&mut self, deferred: Deferred) {
        self.deferred = Some(deferred);
        self.outputs.push_back(Output::Retry);
    }

    /// A fault came. Another attempt is made while the client was told nothing, if that is worth it; else it is told.
    fn fail(&mut self, fault: &Fault, now: Instant) {
        self.judge(Some(fault), now);
        if self.lost() {
            return;
        }
        let may_ask = !self.is_told() && !self.search_over;
        if may_ask && self.defers && self.waiting.is_some() {
            return self.defer(Deferred::Retry(fault.clone()));
        }
        if !may_ask || !self.try_otherwise(fault, now) {
            self.give_up(fault, now);
        }
    }

    fn try_otherwise(&mut self, fault: &Fault, now: Instant) -> bool {
        self.ask_otherwise(fault, now) || self.try_again(fault, now)
    }

    /// Tells the client what went wrong: as a status while there is one to give, else inside the stream.
    fn give_up(&mut self, fault: &Fault, now: Instant) {
        self.record.blame(self.dialect, fault);
        if let Fault::Refused(refusal) = fault
            && self.is_relayed()
        {
            // Its message is a vendor's, who may quote the prompt or a key; the client gets it as it came.
            self.record.fault_message = Some(format!("{} ({})", refusal.exception, refusal.status));
        }
        let denied = self.denied(fault);
        if denied.is_none() && self.fail_as_it_came(fault) {
            self.done(Outcome::Failed, now);
            return;
        }
        let fault = denied.as_ref().unwrap_or(fault);
        let stream = self.waiting.as_mut().and_then(Waiting::telling);
        if let Some(stream) = stream.filter(|_| self.committed) {
            let mut out = BytesMut::new();
            stream.fail(fault, &mut out);
            self.record.tokens = stream.usage().map(tokens);
            self.say(out);
        } else if self.committed {
            let mut out = BytesMut::new();
            dialect::fail(self.dialect, fault, &mut out);
            self.say(out);
        } else {
            let ErrorAnswer { status, headers: refusing, body } = dialect::error(self.dialect, fault);
            let warnings = self.waiting.as_ref().map(|waiting| waiting.headers().clone()).unwrap_or_default();
            let mut headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, warnings);
            headers.extend(refusing);
            headers.extend(self.allow.take().map(|allowed| (header::ALLOW, allowed)));
            self.answer(status, headers, body);
        }
        self.done(Outcome::Failed, now);
    }

    /// What the client is told instead of a 401 or 403 that is about the gateway's own credentials, where it should not take
    /// it for its own.
    fn denied(&self, fault: &Fault) -> Option<Fault> {
        let Fault::Refused(refusal) = fault else { return None };
        let by_us = match self.asked.as_ref()?.config.access_denied {
            AccessDenied::Auto => self.record.caller.is_some(),
            AccessDenied::Pass => false,
            AccessDenied::BadGateway => true,
        };
        if !by_us || !matches!(refusal.status, 401 | 403) {
            return None;
        }
        let mut told = refusal.clone();
        told.status = 502;
        told.exception = "UpstreamAccessDeniedException".to_owned();
        told.message = match self.is_relayed() {
            // A vendor's words may quote the key.
            true => "the upstream refused the gateway's credentials".to_owned(),
            false => format!("the upstream refused the gateway's credentials: {}", refusal.message),
        };
        Some(Fault::Refused(told))
    }

    fn answer(&mut self, status: StatusCode, headers: HeaderMap, body: Bytes) {
        self.head(status, headers);
        self.record.told = body.len() as u64;
        self.outputs.push_back(Output::Body(body));
    }

    fn head(&mut self, status: StatusCode, headers: HeaderMap) {
        self.committed = true;
        self.record.status = status.as_u16();
        self.outputs.push_back(Output::Head { status, headers });
    }

    fn say(&mut self, out: BytesMut) {
        if !out.is_empty() {
            self.record.told += out.len() as u64;
            self.outputs.push_back(Output::Body(out.freeze()));
        }
    }

    /// Adds tokens that nobody will report.
    fn estimate(&mut self, spent: Option<Estimate>) {
        if let Some(spent) = spent {
            self.record.estimated = Some(self.record.estimated.unwrap_or_default().and(spent));
        }
    }

    fn done(&mut self, outcome: Outcome, now: Instant) {
        self.over = true;
        let untold = outcome == Outcome::Abandoned || outcome == Outcome::Failed && self.record.status == 200;
        if untold && self.record.tokens.is_none() {
            let spent = self.waiting.as_ref().map(Waiting::estimate);
            self.estimate(spent);
        }
        self.waiting = None;
        self.abandon_other();
        self.all_undecided();
        self.asked = None;
        self.record.outcome = outcome;
        self.record.duration = now.saturating_duration_since(self.begun);
        // The exchange keeps its id.
        let kept = Record { id: self.record.id.clone(), ..Record::default() };
        self.outputs.push_back(Output::Done(Box::new(std::mem::replace(&mut self.record, kept))));
    }
}

/// An answer with a status that is no success.
fn refusal(road: Road, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    match road {
        Road::Translate(api) | Road::Reframe(api) => bedrock::refusal(api, status, headers, body),
        Road::Relay | Road::Closed => relay_of::refusal(status, headers, body),
    }
}

fn tokens(usage: Usage) -> Tokens {
    Tokens {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read.unwrap_or(0),
        cache_write: usage.cache_write.unwrap_or(0),
        reasoning: usage.reasoning,
    }
}
