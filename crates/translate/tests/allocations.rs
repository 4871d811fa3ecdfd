//! Nothing is allocated for a delta of text or of reasoning, from Bedrock's frame to the client's event.

use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::dialect::{Envelope, Style, anthropic_messages, openai_chat, openai_responses};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{StreamReframing, StreamTranslation};
use bytes::BytesMut;

/// How many allocations a thousand deltas make, once the stream is under way.
fn allocations(delta: &str) -> u64 {
    let reasoning_format = Some("anthropic-claude-v1".to_owned());
    let chat = openai_chat::Style { reasoning_format: reasoning_format.clone(), ..openai_chat::Style::default() };
    let messages = Style::AnthropicMessages(anthropic_messages::Style::default());
    let responses = openai_responses::Style { summary: true, reasoning_format, ..openai_responses::Style::default() };
    let responses = Style::OpenAiResponses(Box::new(responses));
    [Style::OpenAiChat(chat), messages, responses].into_iter().map(|style| of_style(delta, style)).sum()
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

/// The text of a response is held for its last event: what holds it doubles, however long it becomes.
#[test]
fn a_long_response_allocates_as_often_as_its_text_doubles() {
    let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") };
    let style = Style::OpenAiResponses(Box::default());
    let mut translation = StreamTranslation::new(&envelope, style.into(), Box::new(|_| None));
    let text = "some words ".repeat(10);
    let one = frame(
        "contentBlockDelta",
        format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}},"p":"abcdefghij"}}"#),
    );
    let mut out = BytesMut::with_capacity(1 << 20);
    assert!(translation.take(&one, &mut out).is_ok());
    let counted = allocation_counter::measure(|| {
        for _ in 0..20_000 {
            assert!(translation.take(&one, &mut out).is_ok());
            out.clear();
        }
    });
    // From 32 KiB to 2.2 MB.
    assert!(counted.count_total <= 7, "{}", counted.count_total);
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
