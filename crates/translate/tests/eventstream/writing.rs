//! Frames that are written are those that AWS's own encoder writes, and both decoders read them back.

use aquifer_translate::wire::eventstream::{Decoder, EncodeError, Frame, Kind};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::BytesMut;

const KINDS: [Kind<'static>; 4] = [
    Kind::Event("contentBlockDelta"),
    Kind::Exception("throttlingException"),
    Kind::Error { code: "InternalFailure", message: "ä\u{1f600}" },
    Kind::Event(""),
];

fn headers(frame: &Frame<'_>) -> Vec<(&'static str, String)> {
    let (message_type, mut headers) = match frame.kind {
        Kind::Event(name) => ("event", vec![(":event-type", name)]),
        Kind::Exception(name) => ("exception", vec![(":exception-type", name)]),
        Kind::Error { code, message } => ("error", vec![(":error-code", code), (":error-message", message)]),
    };
    headers.extend(frame.content_type.map(|kind| (":content-type", kind)));
    headers.push((":message-type", message_type));
    headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

#[test]
fn a_frame_is_what_awss_encoder_writes_and_its_decoder_reads() {
    let long = vec![b'x'; 100_000];
    for kind in KINDS {
        for content_type in [None, Some("application/json")] {
            for payload in [&b""[..], br#"{"p":"abc"}"#, &long] {
                let frame = Frame { kind, content_type, payload };
                let mut written = BytesMut::from(&b"before"[..]);
                frame.write(&mut written).unwrap();
                let bytes = written.split_off(6);

                let mut message = Message::new(payload.to_vec());
                for (name, value) in headers(&frame) {
                    message = message.add_header(Header::new(name, HeaderValue::String(value.into())));
                }
                let mut theirs = Vec::new();
                write_message_to(&message, &mut theirs).unwrap();
                assert_eq!(&bytes[..], theirs, "{kind:?}");

                match MessageFrameDecoder::new().decode_frame(&mut theirs.as_slice()).unwrap() {
                    DecodedFrame::Complete(read) => assert_eq!(read, message),
                    other => panic!("{other:?}"),
                }
                assert_eq!(Decoder::default().next(&mut &bytes[..]), Ok(Some(frame)));
            }
        }
    }
}

#[test]
fn what_no_frame_can_hold_is_not_written() {
    let (name, payload) = ("x".repeat(40_000), vec![0; (24 << 20) + 1]);
    let mut out = BytesMut::new();
    let of_name = Frame { kind: Kind::Event(&name), content_type: None, payload: b"" };
    assert_eq!(of_name.write(&mut out), Err(EncodeError::ValueTooLong(40_000)));
    let of_payload = Frame { kind: Kind::Event("a"), content_type: None, payload: &payload };
    assert_eq!(of_payload.write(&mut out), Err(EncodeError::PayloadTooLong(payload.len())));
    assert!(out.is_empty());
}
