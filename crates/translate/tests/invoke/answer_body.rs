//! Any bytes as InvokeModel's stream or whole answer, in any pieces, give the same events or the same fault on both roads:
//! the body of the fuzz target.

use aquifer_testing::bodies::pieces;
use aquifer_testing::frames::{chunk, frame};
use aquifer_translate::bedrock::Api;
use aquifer_translate::dialect::{Envelope, Style};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Answering, StreamReframing, StreamTranslation, whole, whole_reframed};
use bytes::BytesMut;

/// The first byte says how the lines of the rest come, the next three how they are cut.
pub(crate) fn run(data: &[u8]) {
    let Some((&[mode, sizes @ ..], lines)) = data.split_first_chunk::<4>() else { return };
    let lines_of = lines.split(|byte| *byte == b'\n');
    let stream: Vec<u8> = lines_of.flat_map(|line| framed(mode, line)).collect();
    assert_eq!(reframed(pieces(&stream, sizes)), reframed([&stream[..]].into_iter()));
    assert_eq!(translated(pieces(&stream, sizes)), translated([&stream[..]].into_iter()));
    let answering = Answering { api: Api::InvokeModel.into(), ..Answering::from(Style::default()) };
    let (on_one, on_other) =
        (whole_reframed(lines, true), whole(lines, &envelope(), &answering, &(Box::new(|_: &str| None) as _), true));
    assert_eq!(on_one.map(|answer| answer.usage), on_other.map(|answer| answer.usage));
}

fn framed(mode: u8, line: &[u8]) -> Vec<u8> {
    match mode % 3 {
        0 => chunk(&String::from_utf8_lossy(line)),
        1 => frame("chunk", line),
        _ => line.to_vec(),
    }
}

fn envelope() -> Envelope<'static> {
    Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("model") }
}

fn reframed<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let (mut stream, mut out) = (StreamReframing::new(RequestId(1)).recording(1 << 20), BytesMut::new());
    for piece in pieces {
        if let Err(fault) = stream.take(piece, &mut out) {
            stream.fail(&fault, &mut out);
            break;
        }
    }
    for event in out[..].split(|byte| *byte == b'\n') {
        let field = [&b"event: "[..], b"data: "].iter().any(|name| event.starts_with(name));
        assert!(event.is_empty() || field, "every line is a field");
    }
    out.to_vec()
}

fn translated<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Vec<u8> {
    let answering = Answering { api: Api::InvokeModel.into(), ..Answering::from(Style::default()) };
    let mut stream = StreamTranslation::new(&envelope(), answering, Box::new(|_| None)).recording(1 << 20);
    let mut out = BytesMut::new();
    for piece in pieces {
        if let Err(fault) = stream.take(piece, &mut out) {
            stream.fail(&fault, &mut out);
            break;
        }
    }
    out.to_vec()
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_events() {
    let events = include_bytes!(
        "../../../../fixtures/anthropic_messages/invoke/thinking-and-a-call-streamed/3-bedrock-stream.jsonl"
    );
    arbtest::arbtest(|u| {
        let mut data =
            [&[u.arbitrary::<u8>()? % 2, u.arbitrary()?, u.arbitrary()?, u.arbitrary()?][..], events].concat();
        for _ in 0..u.int_in_range(0..=4)? {
            let at = u.int_in_range(4..=data.len() - 1)?;
            data[at] = *u.choose(b"{}[]\",:0null\\\n~")?;
        }
        run(&data);
        Ok(())
    });
}
