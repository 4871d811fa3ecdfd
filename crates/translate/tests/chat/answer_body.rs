//! Any payloads in good frames give a well-formed stream, however it is cut: the body of the fuzz target.

use aquifer_testing::frames::frame;
use aquifer_translate::dialect::Envelope;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Answering, StreamTranslation};
use bytes::BytesMut;

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

/// What the client is told of pieces of a stream.
pub(crate) fn translated<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") };
    let mut translation = StreamTranslation::new(&envelope, Answering::default(), Box::new(|_| None));
    let mut out = BytesMut::new();
    for piece in pieces {
        if let Err(fault) = translation.take(piece, &mut out) {
            translation.fail(&fault, &mut out);
            return out.to_vec();
        }
    }
    if let Err(fault) = translation.end(&mut out) {
        translation.fail(&fault, &mut out);
    }
    out.to_vec()
}

/// Each line is a frame: its first byte says which event, the rest is the payload.
pub(crate) fn run(data: &[u8]) {
    let frames = data.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
    let bytes: Vec<u8> =
        frames.flat_map(|(kind, payload)| frame(KINDS[usize::from(*kind) % KINDS.len()], payload)).collect();
    let whole = translated(std::iter::once(&bytes[..]));
    assert!(translated(bytes.chunks(7)) == whole, "the same in pieces");
    let text = String::from_utf8(whole);
    assert!(text.is_ok(), "UTF-8");
    let text = text.unwrap_or_default();
    assert!(text.ends_with("data: [DONE]\n\n"), "told to its end");
    for line in text.split("\n\n").filter(|line| !line.is_empty() && *line != "data: [DONE]") {
        let data = line.strip_prefix("data: ").unwrap_or_default();
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok(), "{data}");
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_answers() {
    const GOOD: [&str; 12] = [
        r#"0{"role":"assistant"}"#,
        r#"1{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#,
        r#"2{"contentBlockIndex":0,"delta":{"text":"a\ud83d \u00e9"}}"#,
        r#"2{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"b"}}}"#,
        r#"2{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c"}}}"#,
        r#"2{"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"ZA=="}}}"#,
        r#"2{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\":"}}}"#,
        r#"2{"contentBlockIndex":0,"delta":{"citation":{"title":"t"}}}"#,
        r#"3{"contentBlockIndex":0}"#,
        r#"4{"stopReason":"end_turn"}"#,
        r#"5{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#,
        r#"6{"message":"slow"}"#,
    ];
    arbtest::arbtest(|u| {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for _ in 0..u.int_in_range(1..=12)? {
            let mut line = u.choose(&GOOD)?.as_bytes().to_vec();
            if u.ratio(1, 4)? {
                let at = u.choose_index(line.len())?;
                line[at] = *u.choose(b"{}[]\",:09n\\ x")?;
            }
            lines.push(line);
        }
        run(&lines.join(&b'\n'));
        Ok(())
    });
}
