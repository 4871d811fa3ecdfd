//! Frames and streams to read, by AWS's encoder: good ones, and damaged ones.

use arbtest::arbitrary::{Result, Unstructured};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

/// The bytes of a message.
pub(crate) fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes).unwrap();
    bytes
}

/// A string header.
pub(crate) fn text(name: &'static str, value: &str) -> Header {
    Header::new(name, HeaderValue::String(value.to_owned().into()))
}

/// An event, as Bedrock sends it.
pub(crate) fn event(name: &str, payload: &[u8]) -> Vec<u8> {
    encode(
        &Message::new(payload.to_vec())
            .add_header(text(":event-type", name))
            .add_header(text(":content-type", "application/json"))
            .add_header(text(":message-type", "event")),
    )
}

/// Up to five messages of every kind, most of them as they should be.
pub(crate) fn stream(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..u.int_in_range(0..=5)? {
        bytes.extend(encode(&message(u)?));
    }
    Ok(bytes)
}

/// Flips, cuts, takes out or puts in a few bytes, a few times.
pub(crate) fn damage(u: &mut Unstructured<'_>, stream: &mut Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=3)? {
        let at = u.choose_index(stream.len() + 1)?;
        let end = (at + u.int_in_range(1..=8)?).min(stream.len());
        match u.int_in_range(0..=3)? {
            0 if at < stream.len() => stream[at] ^= 1 << u.int_in_range(0..=7)?,
            1 => stream.truncate(at),
            2 => drop(stream.drain(at..end)),
            _ => {
                let foreign: [u8; 4] = u.arbitrary()?;
                stream.splice(at..at, foreign);
            }
        }
    }
    Ok(())
}

fn message(u: &mut Unstructured<'_>) -> Result<Message> {
    let kind = *u.choose(&["event", "event", "event", "exception", "error", "initial-response"])?;
    let mut headers = vec![text(":message-type", kind), text(":content-type", "application/json")];
    match kind {
        "exception" => headers.push(text(":exception-type", u.arbitrary()?)),
        "error" => headers.extend([text(":error-code", u.arbitrary()?), text(":error-message", u.arbitrary()?)]),
        _ => headers.push(text(":event-type", u.arbitrary()?)),
    }
    for _ in 0..u.int_in_range(0..=3)? {
        let name: String = u.arbitrary()?;
        let name = name.chars().take(63).collect::<String>();
        headers.push(Header::new(name, value(u)?));
    }
    // Once in a while one that should be there is not, or is there again with any value.
    if u.ratio(1, 10)? {
        headers.swap_remove(u.choose_index(headers.len())?);
    }
    if u.ratio(1, 10)? {
        let name = headers[u.choose_index(headers.len())?].name().clone();
        headers.push(Header::new(name, value(u)?));
    }
    let turn = u.choose_index(headers.len())?;
    headers.rotate_left(turn);
    let payload: Vec<u8> = u.arbitrary()?;
    Ok(Message::new_from_parts(headers, payload))
}

fn value(u: &mut Unstructured<'_>) -> Result<HeaderValue> {
    Ok(match u.int_in_range(0..=8)? {
        0 => HeaderValue::Bool(u.arbitrary()?),
        1 => HeaderValue::Byte(u.arbitrary()?),
        2 => HeaderValue::Int16(u.arbitrary()?),
        3 => HeaderValue::Int32(u.arbitrary()?),
        4 => HeaderValue::Int64(u.arbitrary()?),
        5 => HeaderValue::ByteArray(u.arbitrary::<Vec<u8>>()?.into()),
        6 => HeaderValue::String(u.arbitrary::<String>()?.into()),
        7 => HeaderValue::Timestamp(DateTime::from_millis(u.arbitrary()?)),
        _ => HeaderValue::Uuid(u.arbitrary()?),
    })
}
