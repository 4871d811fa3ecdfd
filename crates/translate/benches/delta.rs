//! Time and allocations of one delta, from Bedrock's frame to the client's event. Run: `cargo bench -p aquifer-translate`.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use aquifer_translate::dialect::openai_chat::{Envelope, Style};
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::StreamTranslation;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::BytesMut;
use std::time::{Duration, Instant};

/// Deltas of one round, and rounds; the fastest round counts, as the machine may be busy with something else.
const DELTAS: u32 = 10_000;
const ROUNDS: usize = 30;

fn frame(kind: &'static str, payload: &str) -> Vec<u8> {
    let text = |text: &'static str| HeaderValue::String(text.into());
    let message = Message::new(payload.to_owned().into_bytes())
        .add_header(Header::new(":event-type", text(kind)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text("event")));
    let mut bytes = Vec::new();
    assert!(aws_smithy_eventstream::frame::write_message_to(&message, &mut bytes).is_ok());
    bytes
}

/// The shortest time of a round, and the allocations of one, with `batch` frames in each read.
fn measure(delta: &str, batch: usize) -> (Duration, u64) {
    let envelope = Envelope { id: "chatcmpl-0123456789", created: 1, model: Text::from_escaped("model") };
    let mut translation = StreamTranslation::new(&envelope, Style::default(), Box::new(|_| None));
    let one = frame("contentBlockDelta", &format!(r#"{{"contentBlockIndex":0,"delta":{delta},"p":"abcdefghij"}}"#));
    let bytes = one.repeat(batch);
    let mut out = BytesMut::with_capacity(8 << 20);
    assert!(translation.take(&frame("messageStart", r#"{"role":"assistant"}"#), &mut out).is_ok());
    let mut round = || {
        for _ in 0..DELTAS as usize / batch {
            assert!(translation.take(&bytes, &mut out).is_ok());
            out.clear();
        }
    };
    round();
    let allocations = allocation_counter::measure(&mut round).count_total;
    let timed = (0..ROUNDS).map(|_| {
        #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
        let began = Instant::now();
        round();
        began.elapsed()
    });
    (timed.min().unwrap_or_default(), allocations)
}

fn main() {
    println!("{:<34}{:>10}{:>24}", "one delta of 20 bytes", "ns", "allocations per 10,000");
    let kinds = [
        ("text", r#"{"text":"twenty bytes of text"}"#),
        ("reasoning", r#"{"reasoningContent":{"text":"twenty bytes of text"}}"#),
        ("tool arguments", r#"{"toolUse":{"input":"twenty bytes of text"}}"#),
    ];
    for (name, delta) in kinds {
        for (batch, how) in [(1, "one frame a read"), (100, "100 frames a read")] {
            let (time, allocations) = measure(delta, batch);
            println!("{:<34}{:>10}{allocations:>24}", format!("{name}, {how}"), (time / DELTAS).as_nanos());
        }
    }
}
