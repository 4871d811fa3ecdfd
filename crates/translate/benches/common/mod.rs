//! A stream that is under way and the frames it gets, for the benches.

use aquifer_testing::frames::frame;
use aquifer_translate::dialect::{Envelope, Style, anthropic_messages, openai_chat};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::StreamTranslation;
use bytes::BytesMut;

/// Deltas of 20 bytes: what they are called, and the member `delta` of their frames. Names that begin with `messages-` are
/// of answers in Messages, the others in Chat Completions.
pub(crate) const KINDS: [(&str, &str); 6] = [
    ("text", r#"{"text":"twenty bytes of text"}"#),
    ("reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ("messages-text", r#"{"text":"twenty bytes of text"}"#),
    ("messages-reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
    ("messages-arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
];

/// A stream with the bytes of one read.
pub(crate) struct Stream {
    translation: StreamTranslation,
    read: Vec<u8>,
    out: BytesMut,
}

impl Stream {
    /// Begins a stream of which every read brings `batch` frames with this delta.
    pub(crate) fn begin(kind: &str, delta: &str, batch: usize) -> Self {
        let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") };
        let reasoning_format = Some("anthropic-claude-v1".to_owned());
        let style = match kind.starts_with("messages-") {
            true => Style::AnthropicMessages(anthropic_messages::Style::default()),
            false => Style::OpenAiChat(openai_chat::Style { reasoning_format, ..openai_chat::Style::default() }),
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
        Self { translation, read: frame("contentBlockDelta", &payload).repeat(batch), out }
    }

    /// One read.
    pub(crate) fn read(&mut self) {
        self.out.clear();
        assert!(self.translation.take(&self.read, &mut self.out).is_ok());
    }
}
