//! Nothing is allocated for a delta of text or of reasoning, from Bedrock's frame to the client's event.

use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::dialect::{Envelope, Style, anthropic_messages, openai_chat};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{StreamReframing, StreamTranslation};
use bytes::BytesMut;

/// How many allocations a thousand deltas make, once the stream is under way.
fn allocations(delta: &str) -> u64 {
    let reasoning_format = Some("anthropic-claude-v1".to_owned());
    let chat = Style::OpenAiChat(openai_chat::Style { reasoning_format, ..openai_chat::Style::default() });
    let messages = Style::AnthropicMessages(anthropic_messages::Style::default());
    of_style(delta, chat) + of_style(delta, messages)
}

fn of_style(delta: &str, style: Style) -> u64 {
    let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") };
    let mut translation = StreamTranslation::new(&envelope, style.into(), Box::new(|_| None));
    let one = frame("contentBlockDelta", format!(r#"{{"contentBlockIndex":0,"delta":{delta},"p":"abcdefghij"}}"#));
    let mut out = BytesMut::with_capacity(1 << 20);
    assert!(translation.take(&frame("messageStart", r#"{"role":"assistant","p":"a"}"#), &mut out).is_ok());
    assert!(translation.take(&one, &mut out).is_ok());
    allocation_counter::measure(|| {
        for _ in 0..1000 {
            assert!(translation.take(&one, &mut out).is_ok());
            out.clear();
        }
    })
    .count_total
}

#[test]
fn a_delta_of_text_allocates_nothing() {
    assert_eq!(allocations(r#"{"text":"some words, \"quoted\" "}"#), 0);
}

#[test]
fn a_delta_of_reasoning_allocates_nothing() {
    assert_eq!(allocations(r#"{"reasoningContent":{"text":"some thoughts\n"}}"#), 0);
}

#[test]
fn a_delta_of_arguments_allocates_nothing() {
    assert_eq!(allocations(r#"{"toolUse":{"input":"{\"a\": 1"}}"#), 0);
}

#[test]
fn a_delta_that_is_reframed_allocates_nothing() {
    for delta in [
        r#"{"type":"text_delta","text":"some words, \"quoted\" "}"#,
        r#"{"type":"thinking_delta","thinking":"some thoughts\n"}"#,
        r#"{"type":"input_json_delta","partial_json":"{\"a\": 1"}"#,
    ] {
        let mut stream = StreamReframing::new(RequestId(1));
        let one = chunk(&format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#));
        let mut out = BytesMut::with_capacity(1 << 20);
        assert!(stream.take(&one, &mut out).is_ok());
        let counted = allocation_counter::measure(|| {
            for _ in 0..1000 {
                assert!(stream.take(&one, &mut out).is_ok());
                out.clear();
            }
        });
        assert_eq!(counted.count_total, 0, "{delta}");
    }
}
