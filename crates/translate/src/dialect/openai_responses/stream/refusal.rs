//! The message with which a response ends whose model refused to answer.

use super::super::items::{self, REFUSED};
use super::super::output::Output;
use super::events::Events;
use crate::model::request_id::RequestId;
use bytes::BytesMut;

/// Tells the refusal as a message of its own, behind what was said before.
pub(super) fn tell(events: &mut Events, output: &mut Output, exchange: RequestId, out: &mut BytesMut) {
    let index = output.next();
    let id = items::id(items::MESSAGE, exchange, index);
    let item = items::refusal(&id);
    let in_output = format!(r#""output_index":{index},"item":"#);
    let place = format!(r#""item_id":"{id}","output_index":{index},"content_index":0"#);
    let begun = format!(r#"{{"type":"message","id":"{id}","role":"assistant","content":[],"status":"in_progress"}}"#);
    events.tell(out, "response.output_item.added", &[&in_output, &begun]);
    events.tell(out, "response.content_part.added", &[&place, r#","part":{"type":"refusal","refusal":""}"#]);
    events.tell(out, "response.refusal.delta", &[&place, r#","delta":""#, REFUSED, "\""]);
    events.tell(out, "response.refusal.done", &[&place, r#","refusal":""#, REFUSED, "\""]);
    let part = [&place, r#","part":{"type":"refusal","refusal":""#, REFUSED, "\"}"];
    events.tell(out, "response.content_part.done", &part);
    output.begin(&item);
    events.tell(out, "response.output_item.done", &[&in_output, &item]);
}
