//! Answers that are passed through: their bytes, and what is seen of them.

use super::*;
use crate::wire::eventstream::{Frame, Kind};

fn event(name: &str, payload: &str) -> BytesMut {
    framed(Kind::Event(name), payload)
}

fn framed(kind: Kind<'_>, payload: &str) -> BytesMut {
    let mut out = BytesMut::new();
    Frame { kind, content_type: Some("application/json"), payload: payload.as_bytes() }.write(&mut out).unwrap();
    out
}

fn converse() -> Vec<BytesMut> {
    vec![
        event("messageStart", r#"{"role":"assistant"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}},"p":"ab"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig"}}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        event("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t1","name":"f"}}}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        event("somethingNewer", "not JSON"),
        event("messageStop", r#"{"stopReason":"tool_use"}"#),
        event("metadata", r#"{"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8},"metrics":{"latencyMs":1}}"#),
    ]
}

#[test]
fn frames_go_on_byte_for_byte_however_they_are_cut() {
    let sent = converse().concat();
    for size in [1, 2, 3, 11, 12, 13, 100, sent.len()] {
        let mut stream = StreamPassthrough::new(AnswerWords::Converse, false).recording(1 << 20);
        let mut out = BytesMut::new();
        for part in sent.chunks(size) {
            stream.take(part, &mut out).unwrap();
        }
        assert_eq!(&out[..], &sent[..], "{size}");
        let finish = stream.end().unwrap();
        assert_eq!((dialect::converse_stop_word(&finish.stop), finish.called), (Some("tool_use"), true));
        assert_eq!(stream.usage().map(|usage| (usage.input, usage.output)), Some((3, 5)));
        assert!(stream.milestones().reasoning && stream.milestones().answer && stream.milestones().content);
        let turn = stream.turn().unwrap();
        assert!(turn.is_sealed() && turn.calls().count() == 1);
        assert!(stream.turn().is_none());
    }
}

#[test]
fn only_whole_frames_go_on() {
    let frames = converse();
    let (mut stream, mut out) = (StreamPassthrough::new(AnswerWords::Converse, false), BytesMut::new());
    stream.take(&frames[0], &mut out).unwrap();
    stream.take(&frames[1][..20], &mut out).unwrap();
    assert_eq!(out, frames[0]);
    assert_eq!(stream.end(), Err(Fault::UpstreamMisbehaved(Misbehaviour::CutFrame)));
    stream.fail(&Fault::UpstreamMisbehaved(Misbehaviour::CutFrame), &mut out);
    let mut decoder = Decoder::default();
    let mut rest = &out[frames[0].len()..];
    let frame = decoder.next(&mut rest).unwrap().unwrap();
    assert_eq!((frame.kind, rest.len()), (Kind::Exception("modelStreamErrorException"), 0));
}

#[test]
fn an_exception_goes_on_as_it_came_and_is_told_once() {
    let sent = framed(Kind::Exception("throttlingException"), r#"{"message":"slow down","p":"x"}"#);
    for words in [AnswerWords::Converse, AnswerWords::Claude, AnswerWords::Unread] {
        let (mut stream, mut out) = (StreamPassthrough::new(words, true), BytesMut::new());
        let Err(fault @ Fault::Refused(_)) = stream.take(&sent, &mut out) else { panic!() };
        assert_eq!(fault.label(), "ThrottlingException");
        stream.fail(&fault, &mut out);
        assert_eq!(out, sent);
    }
}

#[test]
fn hidden_reasoning_is_left_out() {
    let frames = converse();
    let (mut stream, mut out) = (StreamPassthrough::new(AnswerWords::Converse, true), BytesMut::new());
    stream.take(&frames.concat(), &mut out).unwrap();
    let shown = [&frames[0][..], &frames[4..].concat()].concat();
    assert_eq!(&out[..], &shown[..]);
    assert!(stream.milestones().reasoning);
    let newer = [
        r#"{"contentBlockIndex":2,"delta":{"reasoningContent":{"newer":"t"}}}"#,
        r#"{"contentBlockIndex":2,"delta":{"thinking":"t"}}"#,
        "{",
    ];
    for payload in newer {
        let (mut stream, mut out) = (StreamPassthrough::new(AnswerWords::Converse, true), BytesMut::new());
        stream.take(&event("contentBlockDelta", payload), &mut out).unwrap();
        assert!(out.is_empty(), "{payload}");
    }
}

fn chunk(json: &str) -> BytesMut {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in json.as_bytes().chunks(3) {
        let number = (0..3).fold(0_usize, |number, at| number << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = char::from(alphabet[number >> (18 - 6 * at) & 63]);
            encoded.push(if at <= group.len() { letter } else { '=' });
        }
    }
    event("chunk", &format!(r#"{{"bytes":"{encoded}","p":"abc"}}"#))
}

#[test]
fn the_chunks_of_claude_are_read_and_those_of_others_only_counted() {
    let claude = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}"#,
        r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":4}}"#,
    ];
    let sent: Vec<u8> = claude.iter().flat_map(|json| chunk(json)).collect();
    for words in [AnswerWords::Claude, AnswerWords::Unread] {
        let (mut stream, mut out) = (StreamPassthrough::new(words, false), BytesMut::new());
        sent.chunks(7).for_each(|part| stream.take(part, &mut out).unwrap());
        assert_eq!(&out[..], &sent[..]);
        let word = dialect::converse_stop_word(&stream.end().unwrap().stop);
        assert_eq!(word, Some("end_turn").filter(|_| words == AnswerWords::Claude));
        assert_eq!(stream.usage().map(|usage| (usage.input, usage.output)), Some((9, 4)));
    }
    let error = chunk(r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#);
    let (mut stream, mut out) = (StreamPassthrough::new(AnswerWords::Claude, false), BytesMut::new());
    assert!(matches!(stream.take(&error, &mut out), Err(Fault::Refused(_))));
    assert_eq!(out, error);
}

#[test]
fn a_whole_answer_is_looked_at() {
    let body = br#"{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#;
    let seen = look_at_whole(AnswerWords::Converse, body, true).unwrap();
    assert_eq!((seen.finish_reason, seen.reasoned), (Some("tool_use"), true));
    assert!(seen.turn.is_some() && seen.usage.unwrap().output == 2);
    assert!(look_at_whole(AnswerWords::Converse, b"{}", false).is_err());
    assert!(look_at_whole(AnswerWords::Unread, b"anything", false).is_ok());
    assert!(look_at_whole(AnswerWords::Claude, br#"{"completion":"newer"}"#, false).is_ok());
    assert!(look_at_whole(AnswerWords::Count, br#"{"inputTokens":7}"#, false).is_ok());
    let unknown = br#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    for words in [AnswerWords::Converse, AnswerWords::Claude] {
        assert!(matches!(look_at_whole(words, unknown, false), Err(Fault::Refused(_))), "{words:?}");
    }
}
