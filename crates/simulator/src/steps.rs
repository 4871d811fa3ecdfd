//! What is put on the wire, one after the other: the good frames, or what a fault makes of them.

use crate::fault::Wanted;
use crate::frames;
use bytes::Bytes;
use serde_json::{Value, json};

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
pub(crate) fn of(events: Vec<(&'static str, Value)>, wanted: Option<&Wanted>) -> Vec<Step> {
    let good = |events: Vec<(&'static str, Value)>| -> Vec<Step> {
        events.into_iter().map(|(kind, payload)| Step::Send(frames::event(kind, payload))).collect()
    };
    let Some(wanted) = wanted else { return good(events) };
    if let Some(steps) = before_anything(wanted) {
        return steps;
    }
    let exception = || {
        let kind = wanted.argument.as_deref().unwrap_or("modelStreamErrorException");
        Step::Send(frames::exception(kind, "Something went wrong on demand."))
    };
    let half = events.len() / 2;
    let first_half = |events: Vec<(&'static str, Value)>| good(events.into_iter().take(half).collect());
    let stop = events.iter().position(|(kind, _)| *kind == "messageStop").unwrap_or(events.len());
    match wanted.name.as_str() {
        "first-frame-exception" => vec![exception()],
        "mid-stream-exception" => with(first_half(events), exception()),
        "abort-mid-block" => {
            let sent = mid_block(&events);
            with(good(events.into_iter().take(sent).collect()), exception())
        }
        "cut" => {
            let next = events.get(half).map(|(kind, payload)| frames::event(kind, payload.clone())).unwrap_or_default();
            let part = next.slice(..next.len() / 2);
            with(with(first_half(events), Step::Send(part)), Step::Break)
        }
        "reset" => with(first_half(events), Step::Reset),
        "garbage" => vec![Step::Send(Bytes::from_static(&[0xa5; 64]))],
        "drip" => dripping(good(events)),
        "eof" => good(events.into_iter().take(stop).collect()),
        "no-metadata" => good(events.into_iter().take(stop + 1).collect()),
        "bad-crc" => {
            let mut frame = frames::event("contentBlockDelta", json!({})).to_vec();
            if let Some(last) = frame.last_mut() {
                *last ^= 0x55;
            }
            with(first_half(events), Step::Send(Bytes::from(frame)))
        }
        "oversized" => with(first_half(events), Step::Send(oversized())),
        "stall" => with(first_half(events), Step::Wait),
        "malformed-json" => {
            let broken =
                frames::encoded("event", ":event-type", "contentBlockDelta", Bytes::from_static(b"{\"delta\":"));
            with(first_half(events), Step::Send(broken))
        }
        "unknown-event" => inserted(good(events), 1, frames::event("somethingNew", json!({ "member": 1 }))),
        "unknown-block" => {
            let delta = json!({ "contentBlockIndex": 99, "delta": { "somethingNew": { "member": 1 } } });
            inserted(good(events), 1, frames::event("contentBlockDelta", delta))
        }
        _ => good(events),
    }
}

/// How many events there are up to the middle of the first thought; its signature is not among them.
fn mid_block(events: &[(&'static str, Value)]) -> usize {
    let is_thought = |(_, payload): &&(&str, Value)| payload["delta"]["reasoningContent"]["text"].is_string();
    let before = events.iter().take_while(|event| !is_thought(event)).count();
    let length = events.iter().skip(before).take_while(is_thought).count();
    if length == 0 { 1 } else { before + length.div_ceil(2) }
}

fn with(mut steps: Vec<Step>, last: Step) -> Vec<Step> {
    steps.push(last);
    steps
}

fn dripping(steps: Vec<Step>) -> Vec<Step> {
    let one = |step| if let Step::Send(bytes) = step { Step::Drip(bytes) } else { step };
    steps.into_iter().map(one).collect()
}

fn inserted(mut steps: Vec<Step>, at: usize, frame: Bytes) -> Vec<Step> {
    steps.insert(at.min(steps.len()), Step::Send(frame));
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
