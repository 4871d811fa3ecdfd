//! What each header may be, one rule at a time, and how a broken one is reported.

use aquifer_translate::wire::eventstream::{Decoder, FrameError, HeaderFault};

use crate::build::event;
use crate::reading::{Owned, What, ours};
use aquifer_testing::frames::{header, of as frame, text_header};

/// What comes of one frame with these headers.
fn read(headers: &[Vec<u8>]) -> Result<Owned, FrameError> {
    let mut reading = ours([&frame(&headers.concat(), b"{}")[..]]);
    reading.end.map(|_| reading.frames.remove(0))
}

fn event_headers() -> [Vec<u8>; 2] {
    [text_header(":message-type", "event"), text_header(":event-type", "messageStop")]
}

/// What comes of an event that has one more header.
fn read_with(extra: Vec<u8>) -> Result<Owned, FrameError> {
    let [kind, name] = event_headers();
    read(&[kind, extra, name])
}

#[test]
fn the_three_kinds() {
    let kind = |name: &str| text_header(":message-type", name);
    let found = read(&[kind("event"), text_header(":event-type", "metadata")]).unwrap();
    assert_eq!(found, (What::Event("metadata".to_owned()), None, b"{}".to_vec()));
    let found = read(&[text_header(":exception-type", "validationException"), kind("exception")]).unwrap();
    assert_eq!(found.0, What::Exception("validationException".to_owned()));
    let found = read(&[kind("error"), text_header(":error-message", "m"), text_header(":error-code", "c")]).unwrap();
    assert_eq!(found.0, What::Error { code: "c".to_owned(), message: "m".to_owned() });
    let found = read(&[kind("error")]).unwrap();
    assert_eq!(found.0, What::Error { code: String::new(), message: String::new() });
}

#[test]
fn a_frame_says_what_it_is() {
    let missing = |name| Err(FrameError::HeaderMissing(name));
    assert_eq!(read(&[]), missing(":message-type"));
    assert_eq!(read(&[text_header(":event-type", "e")]), missing(":message-type"));
    assert_eq!(read(&[text_header(":message-type", "event")]), missing(":event-type"));
    assert_eq!(read(&[text_header(":message-type", "exception")]), missing(":exception-type"));
    assert_eq!(read(&[text_header(":message-type", "Event")]), Err(FrameError::MessageTypeUnknown));
    assert_eq!(read_with(header(":content-type", 0, &[])), Err(FrameError::HeaderNotText(":content-type")));
    assert_eq!(read_with(event_headers()[0].clone()), Err(FrameError::HeaderTwice(":message-type")));
}

#[test]
fn unknown_headers_of_all_types_are_stepped_over() {
    let widths = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)];
    for (kind, width) in widths {
        assert!(read_with(header("x", kind, &vec![0xff; width])).is_ok(), "type {kind}");
    }
    for length in [0, 1, 32_767_u16] {
        let value = [&length.to_be_bytes()[..], &vec![b'v'; usize::from(length)]].concat();
        assert!(read_with(header("x", 6, &value)).is_ok(), "{length} bytes");
        assert!(read_with(header(&"x".repeat(255), 7, &value)).is_ok(), "a string of {length}");
    }
}

#[test]
fn broken_headers() {
    let long = [&32_768_u16.to_be_bytes()[..], &[b'v'; 32_768]].concat();
    let cases = [
        (header("", 0, &[]), HeaderFault::NameEmpty),
        (vec![1, 0xff, 0], HeaderFault::NameNotUtf8),
        (header("x", 10, &[]), HeaderFault::TypeUnknown(10)),
        (header("x", 255, &[]), HeaderFault::TypeUnknown(255)),
        (header("x", 7, &[0, 1, 0xff]), HeaderFault::ValueNotUtf8),
        (header("x", 6, &long), HeaderFault::ValueTooLong(32_768)),
        (header("x", 7, &long), HeaderFault::ValueTooLong(32_768)),
    ];
    for (broken, fault) in cases {
        let at = event_headers()[0].len();
        assert_eq!(read_with(broken), Err(FrameError::Header { at, fault }));
    }
}

#[test]
fn a_header_ends_where_the_headers_end() {
    let widths = [(2, 1), (3, 2), (4, 4), (5, 8), (6, 5), (7, 5), (8, 8), (9, 16)];
    for (kind, width) in widths {
        let value = [&[0, 3][..], &[b'v'; 14]].concat();
        let whole = header("x", kind, &value[..width]);
        assert_eq!(read(std::slice::from_ref(&whole)), Err(FrameError::HeaderMissing(":message-type")), "type {kind}");
        for length in 1..whole.len() {
            let error = FrameError::Header { at: 0, fault: HeaderFault::CutOff };
            assert_eq!(read(&[whole[..length].to_vec()]), Err(error), "type {kind} after {length} bytes");
        }
    }
}

#[test]
fn errors_are_plain_sentences() {
    let stream = frame(&header("x", 10, &[]), b"");
    let error = ours([&stream[..]]).end.unwrap_err();
    assert_eq!(error.to_string(), "the header at byte 0 of a frame's headers is of type 10, which does not exist");
    let mut stream = event("e", b"payload");
    *stream.last_mut().unwrap() ^= 1;
    let error = ours([&stream[..]]).end.unwrap_err().to_string();
    assert!(error.starts_with("the checksum of a frame is 0x"), "{error}");
}

#[test]
fn nothing_said_in_a_stream_shows_in_debug_output() {
    let stream = event("contentBlockDelta", b"SECRET");
    let mut decoder = Decoder::default();
    let frame = decoder.next(&mut &stream[..]).unwrap().unwrap();
    let shown = format!("{frame:?}");
    assert!(shown.contains("6 bytes") && !shown.contains("SECRET") && !shown.contains("83, 69"), "{shown}");
    assert_eq!(decoder.next(&mut &stream[..stream.len() - 1]), Ok(None));
    let shown = format!("{decoder:?}");
    assert!(shown.contains(&format!("{} bytes", stream.len() - 1)) && !shown.contains("83, 69"), "{shown}");
}
