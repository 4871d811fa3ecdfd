//! One attempt: the request to one target as it was written, and its answer on its way to the client.
//!
//! This is the lower half of an [`Exchange`](super::Exchange), without routes, retries and time. A host that makes its own
//! calls, such as a filter inside a proxy, can drive it alone: [`Attempt::write`] begins one.
//!
//! ```text
//!             ┌─ a stream ──────────────► Streaming ─┐
//!  Silent ────┼─ an answer, whole ──────► Whole ─────┼─► End or a fault
//!   (no head) ├─ the client's dialect ──► Relaying ──┤
//!             │                           Handing ───┤
//!             └─ a status of an error ──► Refusing ──┘
//! ```

mod answer;
mod answer_stream;
mod passing;
mod relay;
mod relaying;

use super::encoding::{AnswerTo, PartAnswer};
use super::heads;
use super::veil::Veil;
use crate::config::ReasoningPolicy;
use crate::record::Estimate;
use answer::Answer;
use answer_stream::AnswerStream;
use aquifer_translate::Fault;
use aquifer_translate::bedrock;
use aquifer_translate::dialect::openai_chat::relay as relay_of;
use aquifer_translate::dialect::{self, AnswerKind, Dialect, Envelope, bedrock_runtime};
use aquifer_translate::fault::{Misbehaviour, redacted};
use aquifer_translate::model::milestones::Milestones;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::response::{Finish, Usage};
use aquifer_translate::model::text::Text;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{
    self, AnswerWords, EncoderRequest, Interrupted, KeepAlive, Outgoing, ReasoningProgress, Road, StreamPassthrough,
    StreamReframing, StreamTranslation,
};
use aquifer_translate::warning::Warning;
use aquifer_translate::wire::sse;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use passing::Passing;
use std::borrow::Cow;
use std::fmt;

/// The header in which InvokeModel counts the tokens of a request.
const INPUT_TOKENS: &str = "x-amzn-bedrock-input-token-count";

/// One call to one target, from the request that was written to the end of its answer.
pub struct Attempt {
    dialect: Dialect,
    id: RequestId,
    outgoing: Outgoing,
    created: u64,
    /// The largest turn that is remembered of the answer, when it is worth that.
    recording: Option<usize>,
    /// The warnings about the request, as they stand in every head.
    headers: HeaderMap,
    road: Road,
    /// What hides reasoning in an answer that is relayed, where the operator wants that.
    veil: Option<Veil>,
    /// What the answer of Bedrock's own API needs to know on its way to a client that speaks it.
    passing: Option<Box<Passing>>,
    /// The operator shows its client no reasoning.
    hides: bool,
    /// The refusal of a relayed backend as it came: the client gets it in place of an error of the gateway's.
    refused: Option<Refusal>,
    answer: Answer,
    /// The beginning of a stream that has no content yet: another attempt may still take its place.
    held: BytesMut,
    /// The bytes of the body that was sent, and of the answer's that came.
    sent: u64,
    came: u64,
    /// The stream in which a whole answer is told, where its client wants one.
    played: Option<Box<StreamTranslation>>,
    /// What its answer is, to the client.
    answers: AnswerTo,
    /// The tokens of the request that the answer's head counts.
    counted: Option<u64>,
    /// What the client was told by the attempt before this one, which goes on behind it.
    interrupted: Option<Interrupted>,
    /// The request to an encoder whose answer this attempt's is, all of it.
    encoder: Option<Box<EncoderRequest>>,
}

/// The request of an attempt, unsigned. Its `Debug` shows neither content nor headers, which may hold a key.
pub struct UpstreamRequest {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// Headers to send, all of which are signed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A whole answer for the client, as it came from a backend or as it was written.
pub struct WholeAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A refusal that is relayed.
struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What came of a part of an answer: filled by [`Attempt::body`] and [`Attempt::end`], and empty before each of them.
#[derive(Default)]
pub struct Told {
    /// More of the client's stream: the client may be told, and no other attempt is made any more.
    pub stream: Option<BytesMut>,
    /// The client's answer, whole.
    pub whole: Option<Box<WholeAnswer>>,
    /// The answer to one of several calls to an encoder.
    pub(super) part: Option<Box<PartAnswer>>,
    /// What was seen of the answer so far, where it is the client's.
    pub seen: Option<Milestones>,
    /// A turn to remember, before the client is told of it.
    pub turn: Option<Box<Turn>>,
    /// The response object of an answer that has ended, where the client may go on from it: to remember, before the client
    /// is told of it.
    pub response: Option<String>,
    /// What happened to blocks of reasoning.
    pub progress: Vec<ReasoningProgress>,
    /// The number of the request's tokens, where that is the answer.
    pub counted: Option<u64>,
    /// The answer is complete.
    pub end: Option<Box<End>>,
}

/// How a complete answer ended.
#[derive(Clone, Default)]
pub struct End {
    /// The reason that the client is told, in its dialect's word.
    pub finish_reason: Option<&'static str>,
    /// The reason why the model stopped, in Converse's word; in its own of a backend that speaks the client's dialect.
    pub stop_reason: Option<&'static str>,
    /// The tokens that the backend counted.
    pub usage: Option<Usage>,
    /// What the client did not get as it should.
    pub warnings: Vec<Warning>,
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { finish_reason, usage, .. } = self;
        f.debug_struct("End").field("finish_reason", finish_reason).field("usage", usage).finish_non_exhaustive()
    }
}

impl Told {
    /// Empties it for the next part.
    pub fn clear(&mut self) {
        self.progress.clear();
        (self.stream, self.whole, self.part) = (None, None, None);
        (self.seen, self.turn, self.response, self.end) = (None, None, None, None);
        self.counted = None;
    }
}

impl Attempt {
    pub(super) fn new(outgoing: Outgoing, road: Road, dialect: Dialect, id: RequestId, created: u64) -> Self {
        let sent = outgoing.body.len() as u64;
        Self {
            dialect,
            id,
            outgoing,
            created,
            recording: None,
            headers: HeaderMap::new(),
            road,
            veil: None,
            passing: None,
            hides: false,
            refused: None,
            answer: Answer::Silent,
            held: BytesMut::new(),
            sent,
            came: 0,
            played: None,
            answers: AnswerTo::Chat,
            counted: None,
            interrupted: None,
            encoder: None,
        }
    }

    /// The same for a request to an encoder that takes this one call.
    pub(super) fn encoding(mut self, request: Option<Box<EncoderRequest>>) -> Self {
        self.encoder = request;
        self
    }

    /// The same for an answer of another kind than a model's words.
    pub(super) fn answering(mut self, answers: AnswerTo) -> Self {
        self.answers = answers;
        self
    }

    /// The same with these warnings in every head of its answer.
    pub(super) fn warning(mut self, warnings: &[String]) -> Self {
        heads::warn(&mut self.headers, warnings);
        self
    }

    /// The same with a turn of at most so many bytes remembered.
    pub(super) fn recording(mut self, room: Option<usize>) -> Self {
        self.recording = room;
        self
    }

    /// The same with what hides reasoning in an answer that is relayed, where the operator wants that.
    pub(super) fn veiled(mut self, policy: &ReasoningPolicy) -> Self {
        self.veil = Veil::of(policy).filter(|_| self.road == Road::Relay && self.answers == AnswerTo::Chat);
        self.hides = policy.hidden;
        self
    }

    /// The same with an answer that is passed through in these words, its reasoning `hidden` or not.
    pub(super) fn passing(mut self, words: Option<AnswerWords>, hidden: bool) -> Self {
        self.passing = words.map(|words| Box::new(Passing::new(words, hidden)));
        self
    }

    /// The same for an answer that comes whole, when its client wants a stream.
    pub(super) fn played(mut self) -> Self {
        self.played = self.outgoing.whole.then(|| Box::new(self.translation()));
        self
    }

    /// Goes on where another attempt was broken off.
    pub(super) fn resume(&mut self, interrupted: Interrupted) {
        let style = self.outgoing.style.style.clone();
        match self.played.take() {
            Some(played) => self.played = Some(Box::new(played.resuming(interrupted, style))),
            None => self.interrupted = Some(interrupted),
        }
    }

    /// Breaks the attempt off, so that another one goes on behind what its client was told; the thought under way is closed in `out`.
    pub(super) fn interrupt(&mut self, out: &mut BytesMut) -> Option<Interrupted> {
        match std::mem::replace(&mut self.answer, Answer::Silent) {
            Answer::Streaming(AnswerStream::Translated(stream)) => Some(stream.interrupt(out)),
            Answer::Streaming(AnswerStream::Reframed(stream)) => {
                Some(stream.interrupt(&self.envelope(), self.outgoing.style.style.clone(), out))
            }
            Answer::Silent
            | Answer::Streaming(AnswerStream::Passed(_))
            | Answer::Whole { .. }
            | Answer::Relaying(_)
            | Answer::Handing { .. }
            | Answer::Refusing { .. } => {
                let played = self.played.take().map(|played| played.interrupt(out));
                self.interrupted.take().or(played)
            }
        }
    }

    /// Whether only reasoning was told, none of it sealed as far as its client sees, in a stream that another one can go on behind.
    pub(super) fn is_thinking(&self) -> bool {
        match &self.answer {
            Answer::Streaming(AnswerStream::Translated(stream)) => {
                let seen = stream.milestones();
                !seen.answer && (!seen.sealed || self.hides) && stream.finished().is_none()
            }
            Answer::Streaming(AnswerStream::Reframed(stream)) => stream.is_thinking(),
            Answer::Silent
            | Answer::Streaming(AnswerStream::Passed(_))
            | Answer::Whole { .. }
            | Answer::Relaying(_)
            | Answer::Handing { .. }
            | Answer::Refusing { .. } => false,
        }
    }

    /// Takes the head of the backend's answer. An attempt has one: further ones are ignored.
    ///
    /// # Errors
    /// It is none that an answer may have.
    pub fn head(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Fault> {
        if !matches!(self.answer, Answer::Silent) {
            return Ok(());
        }
        if let Some(passing) = &mut self.passing {
            passing.head(headers);
        }
        let no_head = |what: String| Err(Fault::UpstreamMisbehaved(Misbehaviour::Head(what)));
        match status.as_u16() {
            400..=599 => {}
            200..=203 if answer::is_encoded(headers) => {
                return no_head("it has an encoding that was not asked for".to_owned());
            }
            200 => {}
            // Frameworks answer so where something is posted.
            201..=203 if matches!(self.road, Road::Relay | Road::TranslateToOpenAi) => {}
            status => return no_head(format!("its status is {status}")),
        }
        self.counted = headers.get(INPUT_TOKENS).and_then(|count| count.to_str().ok()?.parse().ok());
        if self.road == Road::TranslateToOpenAi
            && self.outgoing.stream
            && status.is_success()
            && answer::is_json(headers)
        {
            // It answers whole all the same, or tells an error with a status of success.
            self.played = Some(Box::new(self.translation()));
        }
        let streams = self.outgoing.stream && self.played.is_none();
        self.answer = if self.road == Road::Relay {
            Answer::relayed(status, headers, self.outgoing.stream, self.veil)
        } else if !status.is_success() || streams && answer::is_json(headers) {
            Answer::refusing(status, headers)
        } else if streams {
            Answer::Streaming(self.answer_stream())
        } else {
            Answer::Whole { body: Vec::new() }
        };
        Ok(())
    }

    /// Takes bytes of the answer's body, cut anywhere; `begun`: the client has its head.
    ///
    /// # Errors
    /// The backend refused, or broke its protocol. What was told before stays in `told`.
    pub fn body(&mut self, bytes: &[u8], begun: bool, told: &mut Told) -> Result<(), Fault> {
        self.came += bytes.len() as u64;
        match &mut self.answer {
            Answer::Streaming(_) => self.stream(bytes, told),
            Answer::Relaying(_) => self.relay_chunk(bytes, told),
            answer @ (Answer::Silent | Answer::Whole { .. } | Answer::Handing { .. } | Answer::Refusing { .. }) => {
                answer.gather(bytes)?;
                // A refusal may have no end; what is read of it is enough.
                if answer.is_full() { self.end(begun, told) } else { Ok(()) }
            }
        }
    }

    fn stream(&mut self, bytes: &[u8], told: &mut Told) -> Result<(), Fault> {
        let Answer::Streaming(stream) = &mut self.answer else { return Ok(()) };
        // A frame is answered by about twice as many bytes, or by itself.
        let growth = if self.passing.is_some() { 1 } else { 2 };
        let mut out = BytesMut::with_capacity(growth * bytes.len());
        let taken = stream.take(bytes, &mut out);
        let seen = stream.milestones();
        // What another answer may take the place of is nobody's first token.
        told.seen = Some(seen).filter(|seen| seen.content);
        told.turn = stream.turn().map(Box::new);
        stream.progress(&mut told.progress);
        let has_ended = stream.finished().is_some();
        if has_ended {
            // Its client may go on from it at once, whatever becomes of the connection.
            told.response = stream.take_response();
        }
        let begins = seen.content || told.turn.is_some() || has_ended;
        let has_failed = stream.has_failed();
        if stream.is_cut() {
            told.end = self.finished().map(Box::new);
        }
        self.hold_or_tell(out, begins, told);
        if has_failed && !begins {
            // Bedrock said so behind a status of success: its client gets that as it came, if nobody answers better.
            let body = Bytes::copy_from_slice(&self.held);
            self.refused = Some(Refusal { status: StatusCode::OK, headers: HeaderMap::new(), body });
        }
        taken
    }

    /// Gives a part of a stream to the client. Until something of it is content (`begins`), it is held: the beginning of an
    /// answer is none, and another backend may still be asked.
    fn hold_or_tell(&mut self, out: BytesMut, begins: bool, told: &mut Told) {
        if begins && self.held.is_empty() {
            told.stream = Some(out);
            return;
        }
        self.held.extend_from_slice(&out);
        if begins {
            told.stream = Some(std::mem::take(&mut self.held));
        }
    }

    /// The answer's body ended as HTTP says it should; `begun`: the client has its head.
    ///
    /// # Errors
    /// The backend refused, or its answer is not whole.
    pub fn end(&mut self, begun: bool, told: &mut Told) -> Result<(), Fault> {
        match std::mem::replace(&mut self.answer, Answer::Silent) {
            Answer::Silent => Err(Fault::UpstreamMisbehaved(Misbehaviour::Protocol("no answer came".to_owned()))),
            Answer::Streaming(stream) => self.stream_ended(stream, told),
            Answer::Whole { body } if self.played.is_some() => self.play(&body, told),
            Answer::Whole { body } if self.passing.is_some() => self.pass_whole(Bytes::from(body), told),
            Answer::Whole { body } if let AnswerTo::Encoding(part) = self.answers => {
                let answer = PartAnswer { part, body: Bytes::from(body), counted: self.counted };
                match self.encoder.take() {
                    Some(request) => return self.encoded(*request, &answer, told),
                    None => told.part = Some(Box::new(answer)),
                }
                Ok(())
            }
            Answer::Whole { body } => self.whole(&body, told),
            Answer::Relaying(relaying) => self.relay_ended(relaying, told),
            Answer::Handing { status, kind, body } => self.relay_whole(status, kind, Bytes::from(body), begun, told),
            // Its status says enough; nobody knows what its body says.
            Answer::Refusing { status, headers, .. } if answer::is_encoded(&headers) => {
                Err(self.refusal(status, &headers, b""))
            }
            Answer::Refusing { status, headers, body } => {
                let fault = self.refusal(status, &headers, &body);
                if matches!(self.road, Road::Relay | Road::Passthrough) {
                    self.refuse(status, &headers, Bytes::from(body));
                }
                Err(fault)
            }
        }
    }

    fn stream_ended(&mut self, mut stream: AnswerStream, told: &mut Told) -> Result<(), Fault> {
        let mut out = BytesMut::new();
        let ended = stream.end(&mut out);
        told.turn = stream.turn().map(Box::new);
        told.response = stream.take_response();
        self.answer = Answer::Streaming(stream);
        ended?;
        self.hold_or_tell(out, true, told);
        told.end = self.finished().map(Box::new);
        Ok(())
    }

    /// Tells a whole answer as the stream that its client wants.
    fn play(&mut self, body: &[u8], told: &mut Told) -> Result<(), Fault> {
        let Some(stream) = &mut self.played else { return Ok(()) };
        let mut out = BytesMut::with_capacity(2 * body.len());
        let finish = stream.play(body, &mut out)?;
        told.seen = Some(stream.milestones());
        told.turn = stream.turn().map(Box::new);
        told.progress.extend(stream.progress());
        let usage = stream.usage();
        told.response = stream.take_response();
        told.stream = Some(out);
        let (finish_reason, stop_reason) = (self.word(&finish), bedrock_runtime::stop_word(&finish.stop));
        told.end = Some(Box::new(End { finish_reason, stop_reason, usage, warnings: Vec::new() }));
        Ok(())
    }

    fn whole(&mut self, body: &[u8], told: &mut Told) -> Result<(), Fault> {
        if self.answers == AnswerTo::TokenCount {
            let tokens = bedrock::counted_tokens(self.road.api().unwrap_or_default(), body)?;
            told.whole = Some(Box::new(self.token_count(tokens)));
            told.counted = Some(tokens);
            told.end = Some(Box::default());
            return Ok(());
        }
        let Outgoing { style, restore, .. } = &self.outgoing;
        let recording = self.recording.is_some();
        let whole = match self.road {
            Road::Reframe(_) => translation::whole_reframed(body, recording)?,
            Road::Translate(_) | Road::TranslateToOpenAi | Road::Relay | Road::Passthrough | Road::Closed => {
                translation::whole(body, &self.envelope(), style, restore, recording)?
            }
        };
        let mut headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, self.headers.clone());
        let warnings: Vec<String> = whole.warnings.iter().map(|warning| self.dialect.warning(warning)).collect();
        heads::warn(&mut headers, &warnings);
        told.seen = Some(Milestones { reasoning: whole.reasoned, ..Milestones::default() });
        told.turn = whole.turn.map(Box::new);
        told.response = style.style.is_stored().then(|| whole.body.clone());
        let body = Bytes::from(whole.body);
        told.whole = Some(Box::new(WholeAnswer { status: StatusCode::OK, headers, body }));
        let (finish_reason, stop_reason) = (self.word(&whole.finish), bedrock_runtime::stop_word(&whole.finish.stop));
        let (usage, warnings) = (Some(whole.usage), whole.warnings);
        told.end = Some(Box::new(End { finish_reason, stop_reason, usage, warnings }));
        Ok(())
    }

    /// Tells the answer of an encoder that was asked once.
    fn encoded(&self, mut request: EncoderRequest, answer: &PartAnswer, told: &mut Told) -> Result<(), Fault> {
        request.take(answer.part, &answer.body, answer.counted)?;
        let body = Bytes::from(request.answer(&self.model(), self.id));
        told.whole = Some(Box::new(WholeAnswer { status: StatusCode::OK, headers: self.whole_head(), body }));
        told.end = Some(Box::new(End { usage: request.usage(), ..End::default() }));
        Ok(())
    }

    /// The client's answer to a request for the number of its tokens.
    pub(super) fn token_count(&self, tokens: u64) -> WholeAnswer {
        let body = Bytes::from(dialect::token_count(self.dialect, tokens));
        WholeAnswer { status: StatusCode::OK, headers: self.whole_head(), body }
    }

    /// The head of a stream for the client.
    #[must_use]
    pub fn stream_head(&self) -> HeaderMap {
        self.head_of(AnswerKind::Stream)
    }

    /// The end of an answer that was told whole, whatever may become of the call after that.
    #[must_use]
    pub fn finished(&self) -> Option<End> {
        match &self.answer {
            Answer::Streaming(stream) => stream.finished().map(|finish| End {
                finish_reason: self.word(finish),
                stop_reason: bedrock_runtime::stop_word(&finish.stop),
                usage: stream.usage(),
                warnings: stream.warnings(),
            }),
            Answer::Relaying(relaying) if relaying.relay.done => Some(relaying.ended()),
            Answer::Silent
            | Answer::Whole { .. }
            | Answer::Relaying(_)
            | Answer::Handing { .. }
            | Answer::Refusing { .. } => None,
        }
    }

    /// Writes a failure into the client's stream, after what was told of the answer; `begun`: that was some content.
    /// `false`: nothing of the answer is told, so that the failure is written by [`dialect::fail`].
    pub fn fail(&mut self, fault: &Fault, begun: bool, out: &mut BytesMut) -> bool {
        if let Answer::Relaying(relaying) = &self.answer {
            // A client that heard no more than comments is told as at any other backend.
            if begun {
                relaying.fail(fault, out);
            }
            return begun;
        }
        if self.passing.is_some() && !begun {
            out.extend_from_slice(&std::mem::take(&mut self.held));
        }
        match (&mut self.answer, &mut self.played, &mut self.interrupted) {
            (Answer::Streaming(stream), _, _) => stream.fail(fault, out),
            (_, Some(stream), _) => stream.fail(fault, out),
            (_, None, Some(interrupted)) => interrupted.fail(fault, out),
            (_, None, None) => return false,
        }
        true
    }

    /// Writes what tells the client that its stream goes on; `begun`: it was told some content.
    pub fn keep_alive(&mut self, kind: KeepAlive, begun: bool, out: &mut BytesMut) {
        if let Answer::Relaying(relaying) = &self.answer
            && begun
        {
            return relaying.keep_alive(out);
        }
        match (&mut self.answer, &mut self.played) {
            (Answer::Streaming(stream), _) if begun => stream.keep_alive(kind, out),
            (Answer::Streaming(stream), _) => stream.keep_alive_before(kind, out),
            (_, Some(stream)) if begun => stream.keep_alive(kind, out),
            (_, Some(stream)) => stream.keep_alive_before(kind, out),
            // An event stream has no comments.
            (_, None) if self.dialect == Dialect::Bedrock => {}
            (_, None) => match &mut self.interrupted {
                Some(interrupted) => interrupted.keep_alive(kind, out),
                None => sse::comment(out),
            },
        }
    }

    /// The tokens of a stream that were counted so far.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match &self.answer {
            Answer::Streaming(stream) => stream.usage(),
            Answer::Relaying(relaying) => relaying.relay.usage,
            Answer::Silent | Answer::Whole { .. } | Answer::Handing { .. } | Answer::Refusing { .. } => {
                self.played.as_ref().and_then(|stream| stream.usage())
            }
        }
    }

    /// The bytes of the body that was sent, and of the answer's that came.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.sent, self.came)
    }

    /// The tokens that may have been used, where the backend does not count them.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate::by_bytes(self.sent, self.came)
    }

    /// A relayed backend's own refusal, which the client gets as it came; given once.
    pub fn take_refusal(&mut self) -> Option<WholeAnswer> {
        let Refusal { status, headers: kept, body } = self.refused.take()?;
        let mut headers = self.whole_head();
        headers.extend(kept);
        Some(WholeAnswer { status, headers, body })
    }

    /// Adds warnings to every head of its answer.
    pub(super) fn warn(&mut self, warnings: &[String]) {
        heads::warn(&mut self.headers, warnings);
    }

    /// The warnings about the request, as they stand in every head.
    pub(super) fn warnings(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// The head of a whole answer, with the warnings about the request.
    pub(super) fn whole_head(&self) -> HeaderMap {
        self.head_of(AnswerKind::Whole)
    }

    /// The model as the client is told it.
    pub(super) fn model(&self) -> Text<'_> {
        self.outgoing.model.borrowed()
    }

    /// Whether a service of OpenAI's dialect answers, and not Bedrock.
    pub(super) fn is_of_openai(&self) -> bool {
        matches!(self.road, Road::Relay | Road::TranslateToOpenAi)
    }

    /// The schema for the answer, as a number, when there is one.
    pub(super) fn schema(&self) -> Option<u64> {
        self.outgoing.schema
    }

    /// Whether its answer is a model's words, all of them.
    pub(super) fn is_chat(&self) -> bool {
        self.answers == AnswerTo::Chat
    }

    /// Whether the answer is a stream so far, as its client is told it. A refusal that is being read is none.
    pub(super) fn is_streaming(&self) -> bool {
        match self.answer {
            Answer::Streaming(_) | Answer::Relaying(_) => true,
            Answer::Silent | Answer::Whole { .. } => self.played.is_some(),
            Answer::Handing { .. } | Answer::Refusing { .. } => false,
        }
    }

    /// Whether nothing of the answer came that could be told, and nothing that speaks against one.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.answer, Answer::Silent | Answer::Streaming(_) | Answer::Relaying(_))
    }

    /// Whether the client wants a stream of a backend that has said nothing, and whose stream would be translated.
    pub(super) fn may_begin_early(&self) -> bool {
        matches!(self.answer, Answer::Silent) && self.outgoing.stream && self.road != Road::Relay
    }

    /// Lets go of the body that was sent.
    pub(super) fn let_go(&mut self) {
        self.outgoing.body = Bytes::new();
    }

    /// Whether this is the request that was sent already.
    pub(super) fn sent(&self, other: &Outgoing) -> bool {
        self.outgoing.path == other.path && self.outgoing.body == other.body
    }

    /// The stream of the answer, as its road leads it.
    fn answer_stream(&mut self) -> AnswerStream {
        match self.road {
            Road::Reframe(_) => {
                let mut stream = StreamReframing::new(self.id);
                if let Some(interrupted) = self.interrupted.take() {
                    stream = stream.resuming(interrupted);
                }
                AnswerStream::Reframed(Box::new(match self.recording {
                    Some(room) => stream.recording(room),
                    None => stream,
                }))
            }
            Road::Passthrough => {
                let stream = self.passing.as_ref().map(|passing| passing.stream());
                let stream = stream.unwrap_or_else(|| StreamPassthrough::new(AnswerWords::Unread, false));
                let stream = stream.counting(self.outgoing.style.usage_input);
                AnswerStream::Passed(Box::new(match self.recording {
                    Some(room) => stream.recording(room),
                    None => stream,
                }))
            }
            Road::Translate(_) | Road::TranslateToOpenAi | Road::Relay | Road::Closed => {
                AnswerStream::Translated(Box::new(self.translation()))
            }
        }
    }

    /// The translation of a stream.
    fn translation(&mut self) -> StreamTranslation {
        let restore = std::mem::replace(&mut self.outgoing.restore, Box::new(|_| None));
        let mut stream = StreamTranslation::new(&self.envelope(), self.outgoing.style.clone(), restore);
        if let Some(interrupted) = self.interrupted.take() {
            stream = stream.resuming(interrupted, self.outgoing.style.style.clone());
        }
        match self.recording {
            Some(room) => stream.recording(room),
            None => stream,
        }
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope { id: self.id, created: self.created, model: self.outgoing.model.borrowed() }
    }

    fn word(&self, finish: &Finish) -> Option<&'static str> {
        match self.road {
            Road::Passthrough => bedrock_runtime::stop_word(&finish.stop),
            Road::Translate(_) | Road::TranslateToOpenAi | Road::Reframe(_) | Road::Relay | Road::Closed => {
                Some(self.outgoing.style.style.finish_reason(finish))
            }
        }
    }

    /// An answer with a status that is no success, as a fault.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        match self.road {
            Road::Translate(api) | Road::Reframe(api) => bedrock::refusal(api, status, headers, body),
            Road::Passthrough => bedrock::refusal(bedrock::Api::default(), status, headers, body),
            Road::TranslateToOpenAi | Road::Relay | Road::Closed => relay_of::refusal(status, headers, body),
        }
    }

    /// Keeps a refusal as it came, with what its client may act on.
    fn refuse(&mut self, status: StatusCode, headers: &HeaderMap, body: Bytes) {
        // Of Bedrock's own API all headers that go on are in the head already.
        let kept = [header::CONTENT_TYPE, header::RETRY_AFTER].into_iter().filter(|_| self.passing.is_none());
        let kept = kept.filter_map(|name| headers.get(&name).map(|value| (name, value.clone())));
        self.refused = Some(Refusal { status, headers: kept.collect(), body: without_names(body) });
    }
}

/// A refusal without the account and the role that called, where AWS names them in it.
fn without_names(body: Bytes) -> Bytes {
    match std::str::from_utf8(&body).map(redacted) {
        Ok(Cow::Owned(told)) => Bytes::from(told),
        Ok(Cow::Borrowed(_)) | Err(_) => body,
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { road, sent, came, .. } = self;
        let mut shown = f.debug_struct("Attempt");
        shown.field("road", road).field("sent", sent).field("came", came).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, body, headers: _ } = self;
        f.debug_struct("UpstreamRequest").field("path", path).field("bytes", &body.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for WholeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body, headers: _ } = self;
        f.debug_struct("WholeAnswer").field("status", status).field("bytes", &body.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.stream.as_ref().map(BytesMut::len);
        f.debug_struct("Told").field("bytes", &bytes).field("end", &self.end).finish_non_exhaustive()
    }
}
