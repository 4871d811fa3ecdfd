//! Any bytes as a backend's stream of Chat Completions, in any pieces, come to the same for a client of each dialect, and
//! that is well formed; any bytes as its whole answer give an answer or an error: the body of the fuzz target.

use aquifer_testing::bodies::pieces;
use aquifer_translate::dialect::{self, Answerer, Dialect, Envelope, Exposure};
use aquifer_translate::limits::Limits;
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{AnswerApi, Answering, StreamTranslation, whole};
use aquifer_translate::wire::eventstream::{Decoder, Kind};
use bytes::BytesMut;
use serde::de::IgnoredAny;

/// A request of each dialect, which tells how its answer is written.
const CLIENTS: [(Dialect, &str); 3] = [
    (Dialect::Bedrock, r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#),
    (Dialect::AnthropicMessages, r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#),
    (Dialect::OpenAiResponses, r#"{"model":"m","input":"a"}"#),
];

/// The first three bytes say how the rest is cut.
pub(crate) fn run(data: &[u8]) {
    let Some((sizes, stream)) = data.split_first_chunk::<3>() else { return };
    for (dialect, request) in CLIENTS {
        let once = told(dialect, request, [stream].into_iter());
        assert!(told(dialect, request, pieces(stream, *sizes)) == once, "however it is cut");
        if dialect == Dialect::Bedrock {
            check_frames(&once);
        } else {
            let text = str::from_utf8(&once).unwrap();
            for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
                assert!(serde_json::from_str::<IgnoredAny>(data).is_ok(), "an event is JSON");
            }
        }
        let answering = answering(dialect, request);
        if let Ok(answer) = whole(stream, &envelope(), &answering, &(Box::new(|_: &str| None) as _), true) {
            assert!(serde_json::from_str::<IgnoredAny>(&answer.body).is_ok(), "the answer is JSON");
        }
    }
}

fn check_frames(bytes: &[u8]) {
    let (mut decoder, mut rest) = (Decoder::default(), bytes);
    let mut ended = false;
    while let Some(frame) = decoder.next(&mut rest).unwrap() {
        assert!(!ended, "nothing follows the end");
        assert!(serde_json::from_slice::<IgnoredAny>(frame.payload).is_ok(), "a payload is JSON");
        ended = matches!(frame.kind, Kind::Exception(_) | Kind::Event("metadata"));
    }
    assert!(ended && !decoder.is_mid_frame(), "every stream has an end");
}

fn envelope() -> Envelope<'static> {
    Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") }
}

fn answering(dialect: Dialect, request: &str) -> Answering {
    let asked = dialect::read(dialect, request.as_bytes(), std::iter::empty(), &Limits::default());
    let manner = asked.unwrap().manner;
    let answerer = Answerer { reasoning_format: None, mark: Mark::default(), placeholder: None, trace: false };
    let style = manner.style(Exposure::default(), answerer);
    Answering { api: AnswerApi::OpenAiChat, ..Answering::from(style) }
}

fn told<'p>(dialect: Dialect, request: &str, pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let answering = answering(dialect, request);
    let mut stream = StreamTranslation::new(&envelope(), answering, Box::new(|_| None)).recording(1 << 20);
    let (mut out, mut failed) = (BytesMut::new(), None);
    for piece in pieces {
        failed = stream.take(piece, &mut out).err();
        if failed.is_some() {
            break;
        }
    }
    if let Some(fault) = failed.or_else(|| stream.end(&mut out).err()) {
        stream.fail(&fault, &mut out);
    }
    out.to_vec()
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_streams() {
    let stream =
        include_bytes!("../../../../fixtures/openai_backend/converse/tool-loop-with-details/3-openai-stream.txt");
    arbtest::arbtest(|u| {
        let mut data = [&u.arbitrary::<[u8; 3]>()?[..], stream].concat();
        for _ in 0..u.int_in_range(0..=4)? {
            let at = u.int_in_range(3..=data.len() - 1)?;
            data[at] = *u.choose(b"{}[]\",:0null\\~\n ")?;
        }
        run(&data);
        Ok(())
    });
}
