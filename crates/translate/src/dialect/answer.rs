//! Answers in any dialect: style, stream, whole, head, error.

use super::{Dialect, Envelope, anthropic_messages, bedrock_runtime, openai_chat, openai_responses};
use crate::fault::{Fault, MistakeKind};
use crate::model::answer_cost::CostTeller;
use crate::model::delta::{Delta, Event};
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, Response, Usage};
use crate::wire::sse::{self, KeepAlive};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// The header by which SDKs and Claude Code know whether another attempt is of use.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The form in which a client wants its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// In Chat Completions.
    OpenAiChat(openai_chat::Style),
    /// In Messages.
    AnthropicMessages(anthropic_messages::Style),
    /// In Converse.
    Bedrock(bedrock_runtime::Style),
    /// In Responses; it holds what the request said, which the answer repeats.
    OpenAiResponses(Box<openai_responses::Style>),
}

impl Default for Style {
    fn default() -> Self {
        Self::OpenAiChat(openai_chat::Style::default())
    }
}

impl Style {
    /// The word for an end.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        match self {
            Self::OpenAiChat(style) => style.finish_reason(finish),
            Self::AnthropicMessages(style) => style.finish_reason(finish),
            Self::Bedrock(style) => style.finish_reason(finish),
            Self::OpenAiResponses(style) => style.finish_reason(finish),
        }
    }

    /// Tells the client what its answer costs, if it wants to know; `price` is made then only.
    pub fn tell_cost(&mut self, price: impl FnOnce() -> CostTeller) {
        match self {
            Self::OpenAiChat(style) if style.wants_cost => style.price = Some(price()),
            Self::OpenAiChat(_) | Self::AnthropicMessages(_) | Self::Bedrock(_) | Self::OpenAiResponses(_) => {}
        }
    }

    /// Whether a whole answer is a response object that its client may go on from.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        match self {
            Self::OpenAiChat(_) | Self::AnthropicMessages(_) | Self::Bedrock(_) => false,
            Self::OpenAiResponses(style) => style.stored,
        }
    }
}

/// The writer of one streamed answer.
#[derive(Debug)]
pub enum Writer {
    /// Of Chat Completions.
    OpenAiChat(openai_chat::stream::Writer),
    /// Of Messages.
    AnthropicMessages(anthropic_messages::stream::Writer),
    /// Of Converse.
    Bedrock(bedrock_runtime::stream::Writer),
    /// Of Responses.
    OpenAiResponses(openai_responses::stream::Writer),
}

impl Writer {
    /// Begins an answer; nothing is written yet.
    #[must_use]
    pub fn new(envelope: &Envelope<'_>, style: Style) -> Self {
        match style {
            Style::OpenAiChat(style) => Self::OpenAiChat(openai_chat::stream::Writer::new(envelope, style)),
            Style::AnthropicMessages(style) => {
                Self::AnthropicMessages(anthropic_messages::stream::Writer::new(envelope, style))
            }
            Style::Bedrock(style) => Self::Bedrock(bedrock_runtime::stream::Writer::new(style)),
            Style::OpenAiResponses(style) => {
                Self::OpenAiResponses(openai_responses::stream::Writer::new(envelope, *style))
            }
        }
    }

    /// Says one event. The finish is held back until [`Writer::finish`], because usage comes after it.
    pub fn event(&mut self, out: &mut BytesMut, event: Event<'_>) {
        match self {
            Self::OpenAiChat(writer) => writer.event(out, event),
            Self::AnthropicMessages(writer) => writer.event(out, event),
            Self::Bedrock(writer) => writer.event(out, event),
            Self::OpenAiResponses(writer) => writer.event(out, event),
        }
    }

    /// Says more of a block.
    #[inline]
    pub fn delta(&mut self, out: &mut BytesMut, index: u32, delta: &Delta<'_>) {
        match self {
            Self::OpenAiChat(writer) => writer.delta(out, index, delta),
            Self::AnthropicMessages(writer) => writer.delta(out, index, delta),
            Self::Bedrock(writer) => writer.delta(out, index, delta),
            Self::OpenAiResponses(writer) => writer.delta(out, index, delta),
        }
    }

    /// Ends a whole answer; gives what it ended with.
    ///
    /// # Errors
    ///
    /// When the model's stop reason is that its output is malformed; then nothing is written.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        match self {
            Self::OpenAiChat(writer) => writer.finish(out),
            Self::AnthropicMessages(writer) => writer.finish(out),
            Self::Bedrock(writer) => writer.finish(out),
            Self::OpenAiResponses(writer) => writer.finish(out),
        }
    }

    /// Ends an answer that failed.
    pub fn fail(&mut self, out: &mut BytesMut, fault: &Fault) {
        match self {
            Self::OpenAiChat(writer) => writer.fail(out, fault),
            Self::AnthropicMessages(writer) => writer.fail(out, fault),
            Self::Bedrock(writer) => writer.fail(out, fault),
            Self::OpenAiResponses(writer) => writer.fail(out, fault),
        }
    }

    /// Breaks the answer off while only reasoning was told: the thought under way ends without a seal.
    pub fn interrupt(&mut self, out: &mut BytesMut) {
        match self {
            Self::OpenAiChat(writer) => writer.interrupt(out),
            Self::AnthropicMessages(writer) => writer.interrupt(out),
            Self::Bedrock(writer) => writer.interrupt(out),
            Self::OpenAiResponses(writer) => writer.interrupt(out),
        }
    }

    /// Goes on with the answer of another model, in its form. A style of another dialect is none of this writer's, and changes nothing.
    pub fn resume(&mut self, style: Style) {
        match (self, style) {
            (Self::OpenAiChat(writer), Style::OpenAiChat(style)) => writer.resume(style),
            (Self::AnthropicMessages(writer), Style::AnthropicMessages(style)) => writer.resume(style),
            (Self::OpenAiResponses(writer), Style::OpenAiResponses(style)) => writer.resume(*style),
            (Self::Bedrock(writer), Style::Bedrock(style)) => writer.resume(style),
            (Self::OpenAiChat(_), Style::AnthropicMessages(_) | Style::Bedrock(_) | Style::OpenAiResponses(_))
            | (Self::AnthropicMessages(_), Style::OpenAiChat(_) | Style::Bedrock(_) | Style::OpenAiResponses(_))
            | (Self::Bedrock(_), Style::OpenAiChat(_) | Style::AnthropicMessages(_) | Style::OpenAiResponses(_))
            | (Self::OpenAiResponses(_), Style::OpenAiChat(_) | Style::AnthropicMessages(_) | Style::Bedrock(_)) => {}
        }
    }

    /// Notes that its client was told the beginning and so many blocks more by the model's own events, in a dialect that has some.
    pub fn go_behind(&mut self, blocks: u32) {
        match self {
            Self::AnthropicMessages(writer) => writer.go_behind(blocks),
            Self::OpenAiChat(_) | Self::Bedrock(_) | Self::OpenAiResponses(_) => {}
        }
    }

    /// The blocks that its client was told of, in the dialect in which the model's own events count them too.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        match self {
            Self::AnthropicMessages(writer) => writer.blocks(),
            Self::OpenAiChat(_) | Self::Bedrock(_) | Self::OpenAiResponses(_) => 0,
        }
    }

    /// Tells the client that the answer goes on.
    pub fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        match self {
            Self::OpenAiChat(writer) => writer.keep_alive(kind, out),
            Self::AnthropicMessages(writer) => writer.keep_alive(kind, out),
            // An event stream has no comments.
            Self::Bedrock(_) => {}
            Self::OpenAiResponses(writer) => writer.keep_alive(out),
        }
    }

    /// The same while nothing of this answer was told, and it is not begun by that.
    pub fn keep_alive_before(&self, kind: KeepAlive, out: &mut BytesMut) {
        match self {
            Self::OpenAiChat(writer) => writer.keep_alive_before(kind, out),
            Self::AnthropicMessages(writer) => writer.keep_alive_before(kind, out),
            // An event stream has no comments.
            Self::Bedrock(_) => {}
            Self::OpenAiResponses(writer) => writer.keep_alive_before(out),
        }
    }

    /// The response object of an answer that has ended, once, in a dialect whose clients may go on from it, where they want
    /// that.
    pub fn take_response(&mut self) -> Option<String> {
        match self {
            Self::OpenAiChat(_) | Self::AnthropicMessages(_) | Self::Bedrock(_) => None,
            Self::OpenAiResponses(writer) => writer.take_response(),
        }
    }

    /// The token counts that came, if any did.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::OpenAiChat(writer) => writer.usage(),
            Self::AnthropicMessages(writer) => writer.usage(),
            Self::Bedrock(writer) => writer.usage(),
            Self::OpenAiResponses(writer) => writer.usage(),
        }
    }
}

/// Writes a whole answer: its body, and what it ended with. `places` counts the blocks as Bedrock did, and `restore`
/// gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    places: &[u32],
    envelope: &Envelope<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    match style {
        Style::OpenAiChat(style) => openai_chat::response::write(response, places, envelope, style, restore),
        Style::AnthropicMessages(style) => anthropic_messages::response::write(response, envelope, style, restore),
        Style::Bedrock(style) => bedrock_runtime::response::write(response, style, restore),
        Style::OpenAiResponses(style) => openai_responses::response::write(response, envelope, style, restore),
    }
}

/// Writes the number of a request's tokens as the whole answer.
#[must_use]
pub fn token_count(dialect: Dialect, tokens: u64) -> String {
    match dialect {
        // Chat Completions has no such operation; the member is the same as in its usage.
        Dialect::OpenAiChat => format!(r#"{{"prompt_tokens":{tokens}}}"#),
        Dialect::AnthropicMessages => format!(r#"{{"input_tokens":{tokens}}}"#),
        Dialect::Bedrock => format!(r#"{{"inputTokens":{tokens}}}"#),
        Dialect::OpenAiResponses => format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#),
    }
}

/// The two kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// It comes as it is made.
    Stream,
    /// It comes at once.
    Whole,
}

/// Makes these headers the head of an answer.
#[must_use]
pub fn head(dialect: Dialect, id: RequestId, kind: AnswerKind, mut headers: HeaderMap) -> HeaderMap {
    match kind {
        AnswerKind::Stream if dialect == Dialect::Bedrock => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.amazon.eventstream"));
        }
        AnswerKind::Stream => of_events(&mut headers),
        AnswerKind::Whole => of_json(&mut headers),
    }
    let name = match dialect {
        Dialect::OpenAiChat => openai_chat::REQUEST_ID,
        Dialect::AnthropicMessages => anthropic_messages::REQUEST_ID,
        Dialect::Bedrock => bedrock_runtime::REQUEST_ID,
        Dialect::OpenAiResponses => openai_responses::REQUEST_ID,
    };
    if let Ok(id) = HeaderValue::from_str(&dialect.request_id(id)) {
        headers.insert(name, id);
    }
    headers
}

/// Server-sent events: nobody on the way may keep or gather them.
fn of_events(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
}

fn of_json(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// A fault as the whole answer to a request.
#[derive(Clone)]
pub struct ErrorAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers, without those that every answer of its exchange has.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl std::fmt::Debug for ErrorAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErrorAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Tells a fault, when nothing was sent yet.
#[must_use]
pub fn error(dialect: Dialect, fault: &Fault) -> ErrorAnswer {
    error_of(dialect, fault, None)
}

/// The same of this exchange, whose id some dialects repeat in the body.
#[must_use]
pub fn error_of(dialect: Dialect, fault: &Fault, exchange: Option<RequestId>) -> ErrorAnswer {
    let mut headers = HeaderMap::new();
    of_json(&mut headers);
    let (status, body, retry_after) = match dialect {
        Dialect::OpenAiChat => {
            let rendered = openai_chat::error::render(fault);
            (rendered.status, rendered.body, rendered.retry_after)
        }
        Dialect::AnthropicMessages => {
            let rendered = anthropic_messages::error::render(fault, exchange);
            should_retry(&mut headers, rendered.should_retry);
            (rendered.status, rendered.body, rendered.retry_after)
        }
        Dialect::OpenAiResponses => {
            let rendered = openai_responses::error::render(fault);
            should_retry(&mut headers, rendered.should_retry);
            (rendered.status, rendered.body, rendered.retry_after)
        }
        Dialect::Bedrock => {
            let rendered = bedrock_runtime::error::render(fault);
            if let Ok(exception) = HeaderValue::from_str(&rendered.exception) {
                headers.insert(bedrock_runtime::ERROR_TYPE, exception);
            }
            (rendered.status, rendered.body, rendered.retry_after)
        }
    };
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110, 11.6.1: a 401 says how to authenticate.
    if status == StatusCode::UNAUTHORIZED.as_u16()
        && matches!(fault, Fault::ClientMistaken(mistake) if mistake.kind == MistakeKind::Unauthorized)
    {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"aquifer\""));
    }
    // RFC 9110, 15.5.22: a 426 says what to speak in place of what was asked for.
    if status == StatusCode::UPGRADE_REQUIRED.as_u16() {
        headers.insert(header::UPGRADE, HeaderValue::from_static("HTTP/1.1"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    ErrorAnswer { status, headers, body: Bytes::from(body) }
}

/// Adds `x-should-retry`, where the status alone would mislead.
fn should_retry(headers: &mut HeaderMap, retry: Option<bool>) {
    let Some(retry) = retry else { return };
    headers.insert(SHOULD_RETRY, HeaderValue::from_static(if retry { "true" } else { "false" }));
}

/// Tells a fault as all there is in a stream whose head was sent.
pub fn fail(dialect: Dialect, fault: &Fault, out: &mut BytesMut) {
    fail_of(dialect, fault, None, out);
}

/// The failure of this exchange's stream, whose id some dialects repeat in it.
pub fn fail_of(dialect: Dialect, fault: &Fault, exchange: Option<RequestId>, out: &mut BytesMut) {
    match dialect {
        Dialect::OpenAiChat => {
            sse::data(out, &[&openai_chat::error::render(fault).body]);
            sse::data(out, &["[DONE]"]);
        }
        Dialect::AnthropicMessages => {
            sse::event(out, "error", &[&anthropic_messages::error::render(fault, exchange).body]);
        }
        Dialect::Bedrock => bedrock_runtime::error::frame(fault, out),
        Dialect::OpenAiResponses => openai_responses::stream::fail(exchange, fault, out),
    }
}

/// The keep-alive of a stream in this dialect that is not written by a [`Writer`].
pub fn keep_alive(dialect: Dialect, out: &mut BytesMut) {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => sse::comment(out),
        Dialect::AnthropicMessages => anthropic_messages::stream::ping(out),
        // Event streams know no comments, and no event of Bedrock's says nothing.
        Dialect::Bedrock => {}
    }
}
