//! A stream that is under way and the frames it gets, for the benches.

use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::Fault;
use aquifer_translate::dialect::{Envelope, Style, anthropic_messages, openai_chat, openai_responses};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{AnswerWords, StreamPassthrough, StreamReframing, StreamTranslation};
use bytes::BytesMut;

/// Deltas of 20 bytes: what they are called, and the member `delta` of their frames. Names that begin with `messages-` are
/// of answers in Messages, `responses-` in Responses, `reframed-` of those that InvokeModel gives in the same words,
/// `passed-` of Bedrock's own API, the others in Chat Completions.
pub(crate) const KINDS: [(&str, &str); 16] = [
    ("text", r#"{"text":"twenty bytes of text"}"#),
    ("reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ("messages-text", r#"{"text":"twenty bytes of text"}"#),
    ("messages-reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("messages-arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ("responses-text", r#"{"text":"twenty bytes of text"}"#),
    ("responses-reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("responses-arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ("reframed-text", r#"{"type":"text_delta","text":"twenty bytes of text"}"#),
    ("reframed-reasoning", r#"{"type":"thinking_delta","thinking":"twenty bytes of text"}"#),
    ("reframed-arguments", r#"{"type":"input_json_delta","partial_json":"twenty bytes of text"}"#),
    ("passed-text", r#"{"text":"twenty bytes of text"}"#),
    ("passed-reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("passed-arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ("passed-chunk", r#"{"type":"text_delta","text":"twenty bytes of text"}"#),
];

/// A stream with the bytes of one read.
pub(crate) struct Stream {
    answer: Answer,
    read: Vec<u8>,
    out: BytesMut,
}

/// An answer that is translated, reframed or passed through.
enum Answer {
    Translated(Box<StreamTranslation>),
    Reframed(Box<StreamReframing>),
    Passed(Box<StreamPassthrough>),
}

impl Answer {
    fn take(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        match self {
            Self::Translated(stream) => stream.take(bytes, out),
            Self::Reframed(stream) => stream.take(bytes, out),
            Self::Passed(stream) => stream.take(bytes, out),
        }
    }
}

impl Stream {
    /// Begins a stream of which every read brings `batch` frames with this delta.
    pub(crate) fn begin(kind: &str, delta: &str, batch: usize) -> Self {
        if kind.starts_with("reframed-") {
            return Self::reframed(delta, batch);
        }
        if kind.starts_with("passed-") {
            return Self::passed(kind, delta, batch);
        }
        let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") };
        let reasoning_format = Some("anthropic-claude-v1".to_owned());
        let style = match kind.split_once('-') {
            Some(("messages", _)) => Style::AnthropicMessages(anthropic_messages::Style::default()),
            Some(("responses", _)) => {
                let style = openai_responses::Style { summary: true, reasoning_format, ..Default::default() };
                Style::OpenAiResponses(Box::new(style))
            }
            _ => Style::OpenAiChat(openai_chat::Style { reasoning_format, ..openai_chat::Style::default() }),
        };
        let mut translation = StreamTranslation::new(&envelope, style.into(), Box::new(|_| None));
        let mut out = BytesMut::with_capacity(1 << 20);
        let tool = r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"tooluse_1","name":"look"}},"p":"ab"}"#;
        let start = frame("messageStart", r#"{"role":"assistant","p":"abcd"}"#);
        let block = frame("contentBlockStart", tool);
        assert!(translation.take(&start, &mut out).is_ok());
        if delta.contains("toolUse") {
            assert!(translation.take(&block, &mut out).is_ok());
        }
        let payload = format!(r#"{{"contentBlockIndex":0,"delta":{delta},"p":"abcdefghij"}}"#);
        let answer = Answer::Translated(Box::new(translation));
        Self { answer, read: frame("contentBlockDelta", &payload).repeat(batch), out }
    }

    fn reframed(delta: &str, batch: usize) -> Self {
        let mut answer = Answer::Reframed(Box::new(StreamReframing::new(RequestId(1))));
        let mut out = BytesMut::with_capacity(1 << 20);
        let start = chunk(r#"{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}"#);
        assert!(answer.take(&start, &mut out).is_ok());
        let read = chunk(&format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#)).repeat(batch);
        Self { answer, read, out }
    }

    fn passed(kind: &str, delta: &str, batch: usize) -> Self {
        let (words, read) = match kind {
            "passed-chunk" => {
                (AnswerWords::Claude, chunk(&format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#)))
            }
            _ => {
                let payload = format!(r#"{{"contentBlockIndex":0,"delta":{delta},"p":"abcdefghij"}}"#);
                (AnswerWords::Converse, frame("contentBlockDelta", &payload))
            }
        };
        let answer = Answer::Passed(Box::new(StreamPassthrough::new(words, false)));
        Self { answer, read: read.repeat(batch), out: BytesMut::with_capacity(1 << 20) }
    }

    /// One read.
    pub(crate) fn read(&mut self) {
        self.out.clear();
        assert!(self.answer.take(&self.read, &mut self.out).is_ok());
    }
}
