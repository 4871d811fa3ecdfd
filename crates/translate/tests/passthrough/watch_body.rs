//! Any payloads in good frames, and any bytes as a whole answer, go on as they came while they are watched, however they are
//! cut: the body of the fuzz target.

use aquifer_testing::bodies::pieces;
use aquifer_testing::frames::frame;
use aquifer_translate::translation::{AnswerWords, StreamPassthrough, look_at_whole, without_reasoning};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use serde::de::IgnoredAny;

const KINDS: [&str; 8] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "throttlingException",
    "somethingNew",
];

const WORDS: [AnswerWords; 4] = [AnswerWords::Converse, AnswerWords::Claude, AnswerWords::Unread, AnswerWords::Count];

/// What goes on, and how the answer ended.
#[derive(Debug, PartialEq)]
struct Passed {
    out: Vec<u8>,
    failed: bool,
    usage: bool,
    turn: bool,
}

fn passed<'p>(words: AnswerWords, hidden: bool, pieces: impl Iterator<Item = &'p [u8]>) -> Passed {
    let mut stream = StreamPassthrough::new(words, hidden).recording(1 << 20);
    let mut out = BytesMut::new();
    let mut failed = false;
    for piece in pieces {
        failed = stream.take(piece, &mut out).is_err();
        if failed {
            break;
        }
    }
    failed = failed || stream.end().is_err();
    Passed { out: out.to_vec(), failed, usage: stream.usage().is_some(), turn: stream.turn().is_some() }
}

/// The first byte says how the answer is read, the next three how it is cut. Each line of the rest is a frame: its first byte
/// says which event, the rest is the payload; and all of it is a whole answer.
pub(crate) fn run(data: &[u8]) {
    let Some((&[mode, sizes @ ..], rest)) = data.split_first_chunk::<4>() else { return };
    let (words, hidden) = (WORDS[usize::from(mode) % WORDS.len()], mode & 0x80 != 0);
    let lines = rest.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
    let chunk = |payload: &[u8]| format!(r#"{{"bytes":"{}","p":"ab"}}"#, STANDARD.encode(payload));
    let framed = lines.flat_map(|(kind, payload)| match words {
        AnswerWords::Converse => frame(KINDS[usize::from(*kind) % KINDS.len()], payload),
        AnswerWords::Claude | AnswerWords::Unread | AnswerWords::Count => frame("chunk", chunk(payload)),
    });
    let bytes: Vec<u8> = framed.collect();
    let whole = passed(words, hidden, std::iter::once(&bytes[..]));
    assert_eq!(passed(words, hidden, pieces(&bytes, sizes)), whole, "the same in pieces");
    if !hidden {
        assert!(bytes.starts_with(&whole.out), "it goes on as it came");
        assert!(whole.failed || whole.out.len() == bytes.len(), "all of it");
    }
    assert!(hidden || passed(words, true, std::iter::once(&bytes[..])).out.len() <= bytes.len());
    let _ = look_at_whole(words, rest, true);
    if let Ok(Some(shown)) = without_reasoning(rest) {
        assert!(serde_json::from_slice::<IgnoredAny>(&shown).is_ok(), "the body is JSON");
        assert!(
            without_reasoning(&shown).is_ok_and(|again| again.is_none_or(|again| again == shown)),
            "once is enough"
        );
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_answers() {
    const CONVERSE: &str = r#"0{"role":"assistant"}
2{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"b"}}}
2{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c"}}}
3{"contentBlockIndex":0}
1{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}
2{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}
3{"contentBlockIndex":1}
4{"stopReason":"tool_use"}
5{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#;
    const CLAUDE: &str = r#"0{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}
0{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
0{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}
0{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}
0{"type":"content_block_stop","index":0}
0{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}
0{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}
0{"type":"content_block_stop","index":1}
0{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}
0{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1,"outputTokenCount":1}}"#;
    const OLDER: &str =
        "0{\"completion\":\" Hi\",\"stop_reason\":null}\n0{\"completion\":\"\",\"stop_reason\":\"stop_sequence\"}";
    const WHOLE: &str = r#"{"output":{"message":{"content":[{"reasoningContent":{"reasoningText":{"text":"a"}}},{"text":"b"},{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2}}"#;
    let mut seeds = Vec::new();
    for mode in [0_u8, 1, 2, 3, 0x80, 0x81] {
        for text in [CONVERSE, CLAUDE, OLDER, WHOLE, r#"{"inputTokens":3}"#] {
            seeds.push([&[mode, 1, 9, 40], text.as_bytes()].concat());
        }
    }
    aquifer_testing::bodies::damage(&seeds, run);
}
