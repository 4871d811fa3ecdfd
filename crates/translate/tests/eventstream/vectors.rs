//! Every published vector gets its verdict.

use aquifer_translate::wire::eventstream::{FrameError, HeaderFault};
use base64::Engine as _;
use serde_json::Value;
use std::path::PathBuf;

use crate::reading::{Ended, Owned, What, ours, repair};
use aquifer_testing::frames::{of as frame, text_header};

/// The vectors of one list, or nothing, said aloud, where the shared folder is not.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn vectors(list: &str) -> Vec<Value> {
    let shared = option_env!("AQUIFER_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let file = shared.join("reference/eventstream-vectors.json");
    let Ok(text) = std::fs::read(&file) else {
        println!("SKIPPED: no event-stream vectors at {}", file.display());
        return Vec::new();
    };
    let all: Value = serde_json::from_slice(&text).unwrap();
    all[list].as_array().unwrap().clone()
}

fn string<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("no {field} in {vector}"))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A frame's payload, read as the JSON that it is.
fn json(frame: &Owned) -> Value {
    assert_eq!(frame.1.as_deref(), Some("application/json"));
    serde_json::from_slice(&frame.2).unwrap()
}

#[test]
fn of_the_libraries() {
    let missing = FrameError::HeaderMissing(":message-type");
    for vector in vectors("published") {
        let name = string(&vector, "name");
        let bytes = unhex(string(&vector, "hex"));
        let error = ours([&bytes[..]]).end.expect_err(name);
        let decodes = string(&vector, "smithy_rs_result").starts_with("decodes");
        // They say nothing of what a frame is, which is the last thing that is looked at.
        assert_eq!(error == missing, decodes, "{name}: {error:?}");
        let same = match error {
            FrameError::MessageChecksum { .. } => name.contains("header") || name.ends_with("message_checksum"),
            FrameError::PreludeChecksum { .. } => name.ends_with("prelude_checksum"),
            FrameError::Lengths { .. } => name.ends_with("invalid_headers_length"),
            other => decodes && other == missing,
        };
        assert!(same, "{name}: {error:?}");
        if decodes {
            becomes_an_event(name, &bytes);
        }
    }
}

/// A published frame keeps its headers and payload and gets those that say what it is.
fn becomes_an_event(name: &str, bytes: &[u8]) {
    let length = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let (headers, payload) = bytes[12..bytes.len() - 4].split_at(length);
    let more = [text_header(":message-type", "event"), text_header(":event-type", "e")].concat();
    for headers in [[&more, headers].concat(), [headers, &more].concat()] {
        let reading = ours([&frame(&headers, payload)[..]]);
        assert_eq!(reading.frames, [(What::Event("e".to_owned()), None, payload.to_vec())], "{name}");
    }
}

#[test]
fn of_the_libraries_with_checksums_that_hide_the_broken_header() {
    let expected = [
        ("header_name_length", HeaderFault::CutOff),
        ("header_name_length_too_long", HeaderFault::CutOff),
        ("header_string_length_cut_off", HeaderFault::CutOff),
        ("header_string_value_length", HeaderFault::ValueTooLong(0xffff)),
        ("header_value_type", HeaderFault::TypeUnknown(0x60)),
    ];
    for vector in vectors("published") {
        let Some((name, fault)) =
            expected.iter().find(|(name, _)| string(&vector, "name") == format!("smithy-rs/invalid_{name}"))
        else {
            continue;
        };
        let mut bytes = unhex(string(&vector, "hex"));
        repair(&mut bytes, false);
        let end = ours([&bytes[..]]).end;
        assert!(matches!(end, Err(FrameError::Header { fault: found, .. }) if found == *fault), "{name}: {end:?}");
    }
}

#[test]
fn of_bedrock() {
    for vector in vectors("bedrock") {
        let name = string(&vector, "name");
        let bytes = base64::engine::general_purpose::STANDARD.decode(string(&vector, "base64")).unwrap();
        let reading = ours([&bytes[..]]);
        for at in 0..bytes.len() {
            assert_eq!(ours([&bytes[..at], &bytes[at..]]), reading, "{name} cut at {at}");
        }
        let end = reading.end;
        match name.strip_prefix("synthetic/").unwrap_or(name) {
            "bad-message-crc" => assert!(matches!(end, Err(FrameError::MessageChecksum { .. })), "{end:?}"),
            "truncated-mid-frame" => assert_eq!((reading.frames.len(), end), (2, Ok(Ended::InsideFrame))),
            "unmodeled-error" => {
                let message = "An internal server error occurred".to_owned();
                let what = What::Error { code: "InternalError".to_owned(), message };
                assert_eq!((reading.frames, end), (vec![(what, None, Vec::new())], Ok(Ended::BetweenFrames)));
            }
            _ => {
                assert_eq!(end, Ok(Ended::BetweenFrames), "{name}");
                as_recorded(&vector, &reading.frames);
            }
        }
    }
}

/// The frames are the vector's list of events, or its one exception.
fn as_recorded(vector: &Value, frames: &[Owned]) {
    if let Some(events) = vector["events"].as_array() {
        assert_eq!(frames.len(), events.len());
        for (frame, event) in frames.iter().zip(events) {
            assert_eq!(frame.0, What::Event(string(event, "event_type").to_owned()));
            assert_eq!(json(frame), event["payload"]);
        }
    } else {
        let [frame] = frames else { panic!("{} frames instead of one", frames.len()) };
        assert_eq!(frame.0, What::Exception(string(&vector["headers"], ":exception-type").to_owned()));
        assert_eq!(json(frame), vector["payload"]);
    }
}
