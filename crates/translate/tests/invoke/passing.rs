//! What the model says in words that nobody knows here goes on to the client as it came.

use aquifer_testing::frames::chunk;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::{StreamReframing, whole_reframed};
use bytes::BytesMut;

/// A stream with an event, a block, a delta, members and a stop reason of a later day.
const EVENTS: [(&str, &str); 14] = [
    (
        "message_start",
        r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":3,"output_tokens":1,"new":{}},"new":1}}"#,
    ),
    ("message_notice", r#"{"type":"message_notice","notice":"A later day."}"#),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"hologram","depth":3}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"hologram_delta","points":[1,2]}}"#,
    ),
    ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"Hm","estimated_tokens":4}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"m.","estimated_tokens":8}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
    ),
    ("content_block_stop", r#"{"type":"content_block_stop","index":1,"new":true}"#),
    ("ping", r#"{"type":"ping"}"#),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":null,"container":{"id":"c"}},"usage":{"input_tokens":3,"output_tokens":2}}"#,
    ),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"out_of_tea","stop_sequence":null,"safeguard_results":[{"type":"dangerous_tool_use","verdict":"safe"}]},"usage":{"input_tokens":3,"output_tokens":9},"input_transformations":[]}"#,
    ),
    (
        "message_stop",
        r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":9}}"#,
    ),
];

#[test]
fn unknown_events_blocks_deltas_and_members_go_on_untouched() {
    let frames: Vec<u8> = EVENTS.iter().flat_map(|(_, json)| chunk(json)).collect();
    let expected: String = EVENTS.iter().map(|(name, json)| format!("event: {name}\ndata: {json}\n\n")).collect();
    for size in [1, 7, 1000, frames.len()] {
        let (mut stream, mut out) = (StreamReframing::new(RequestId(1)), BytesMut::new());
        for piece in frames.chunks(size) {
            stream.take(piece, &mut out).unwrap();
        }
        let finish = stream.end(&mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected, "{size} bytes a read");
        assert_eq!(format!("{:?}", finish.stop), r#"Other("out_of_tea")"#);
    }
}

#[test]
fn a_whole_answer_with_unknown_words_goes_on_as_it_came() {
    let body = r#"{ "content": [{"type":"hologram","depth":3},{"type":"text","text":"Hi","new":[]}], "stop_reason": "out_of_tea", "usage": {"input_tokens":3,"output_tokens":1}, "new": {} }"#;
    assert_eq!(whole_reframed(body.as_bytes(), false).unwrap().body, body);
}
