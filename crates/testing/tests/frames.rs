//! Frames by hand are those of AWS's own encoder, byte for byte.

use aquifer_testing::frames::frame;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

#[test]
fn frames_are_those_of_awss_encoder() {
    for (kind, message) in [("contentBlockDelta", "event"), ("throttlingException", "exception")] {
        for payload in ["", r#"{"contentBlockIndex":0,"delta":{"text":"a"}}"#] {
            let text = |value: &str| HeaderValue::String(value.to_owned().into());
            let theirs = Message::new(payload.as_bytes().to_vec())
                .add_header(Header::new(format!(":{message}-type"), text(kind)))
                .add_header(Header::new(":content-type", text("application/json")))
                .add_header(Header::new(":message-type", text(message)));
            let mut bytes = Vec::new();
            aws_smithy_eventstream::frame::write_message_to(&theirs, &mut bytes).unwrap();
            assert_eq!(frame(kind, payload), bytes, "{kind} {payload}");
        }
    }
}
