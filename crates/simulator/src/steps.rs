//! What is put on the wire, one after the other: the good frames, or what a fault makes of them.

use crate::fault::Wanted;
use crate::frames::{self, Event};
use bytes::Bytes;
use serde_json::json;

/// One thing to do.
pub(crate) enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Send these bytes one by one.
    Drip(Bytes),
    /// Break the connection.
    Break,
    /// Break it with a TCP reset.
    Reset,
    /// Be silent until the client leaves.
    Wait,
}

/// The steps of an answer that goes wrong before its first byte.
pub(crate) fn before_anything(wanted: &Wanted) -> Option<Vec<Step>> {
    match wanted.name.as_str() {
        "cut-before-first-byte" => Some(vec![Step::Break]),
        "reset-before-first-byte" => Some(vec![Step::Reset]),
        "stall-before-first-byte" => Some(vec![Step::Wait]),
        _ => None,
    }
}

/// The steps of one stream.
pub(crate) fn of(events: &[Event], wanted: Option<&Wanted>) -> Vec<Step> {
    let good = |events: &[Event]| -> Vec<Step> { events.iter().map(|event| Step::Send(event.frame())).collect() };
    let Some(wanted) = wanted else { return good(events) };
    if let Some(steps) = before_anything(wanted) {
        return steps;
    }
    let exception = || {
        let kind = wanted.argument.as_deref().unwrap_or("modelStreamErrorException");
        Step::Send(frames::exception(kind, "Something went wrong on demand."))
    };
    let half = events.len() / 2;
    let first = |count: usize| good(events.get(..count).unwrap_or(events));
    let stop = events.iter().position(Event::is_stop).unwrap_or(events.len());
    let chunks = events.first().is_some_and(Event::is_chunk);
    match wanted.name.as_str() {
        "first-frame-exception" => vec![exception()],
        "mid-stream-exception" => with(first(half), exception()),
        "abort-mid-block" => with(first(mid_block(events)), exception()),
        "cut" => {
            let next = events.get(half).map(Event::frame).unwrap_or_default();
            let part = next.slice(..next.len() / 2);
            with(with(first(half), Step::Send(part)), Step::Break)
        }
        "reset" => with(first(half), Step::Reset),
        "garbage" => vec![Step::Send(Bytes::from_static(&[0xa5; 64]))],
        "drip" => dripping(good(events)),
        "eof" => first(stop),
        "no-metadata" => first(stop + 1),
        "bad-crc" => {
            let mut frame = frames::broken(chunks).to_vec();
            if let Some(last) = frame.last_mut() {
                *last ^= 0x55;
            }
            with(first(half), Step::Send(Bytes::from(frame)))
        }
        "oversized" => with(first(half), Step::Send(oversized())),
        "stall" => with(first(half), Step::Wait),
        "malformed-json" => with(first(half), Step::Send(frames::broken(chunks))),
        "unknown-event" => inserted(good(events), 1, &unknown_event(chunks)),
        "unknown-block" if chunks => {
            let delta = json!({ "type": "something_new", "member": 1 });
            let delta = json!({ "type": "content_block_delta", "index": 0, "delta": delta });
            inserted(good(events), 2, &Event::chunk(delta))
        }
        "unknown-block" => {
            let delta = json!({ "contentBlockIndex": 99, "delta": { "somethingNew": { "member": 1 } } });
            inserted(good(events), 1, &Event::converse("contentBlockDelta", delta))
        }
        _ => good(events),
    }
}

/// How many events there are up to the middle of the first thought; its signature is not among them.
fn mid_block(events: &[Event]) -> usize {
    let before = events.iter().take_while(|event| !event.is_thought()).count();
    let length = events.iter().skip(before).take_while(|event| event.is_thought()).count();
    if length == 0 { 1 } else { before + length.div_ceil(2) }
}

fn with(mut steps: Vec<Step>, last: Step) -> Vec<Step> {
    steps.push(last);
    steps
}

fn dripping(steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().map(|step| if let Step::Send(bytes) = step { Step::Drip(bytes) } else { step }).collect()
}

fn unknown_event(chunk: bool) -> Event {
    match chunk {
        true => Event::chunk(json!({ "type": "something_new", "member": 1 })),
        false => Event::converse("somethingNew", json!({ "member": 1 })),
    }
}

fn inserted(mut steps: Vec<Step>, at: usize, event: &Event) -> Vec<Step> {
    steps.insert(at.min(steps.len()), Step::Send(event.frame()));
    steps
}

/// The beginning of a frame that says it has 32 MiB, its own checksum right.
fn oversized() -> Bytes {
    let mut prelude = Vec::new();
    prelude.extend_from_slice(&(32_u32 << 20).to_be_bytes());
    prelude.extend_from_slice(&0_u32.to_be_bytes());
    let checksum = crc32fast::hash(&prelude);
    prelude.extend_from_slice(&checksum.to_be_bytes());
    Bytes::from(prelude)
}
