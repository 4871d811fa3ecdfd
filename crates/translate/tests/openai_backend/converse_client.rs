//! A client of ConverseStream that puts a streamed answer together, as strictly as AWS's SDKs.

use aquifer_translate::wire::eventstream::{Decoder, Kind};
use serde_json::{Value, json};

/// The events of a stream, an exception with its name.
fn events(bytes: &[u8]) -> Vec<(String, Value)> {
    let (mut decoder, mut rest, mut events) = (Decoder::default(), bytes, Vec::new());
    while let Some(frame) = decoder.next(&mut rest).unwrap() {
        let name = match frame.kind {
            Kind::Event(name) => name.to_owned(),
            Kind::Exception(name) => format!("exception {name}"),
            Kind::Error { code, .. } => panic!("{code}"),
        };
        assert_eq!(frame.content_type, Some("application/json"));
        events.push((name, serde_json::from_slice(frame.payload).unwrap()));
    }
    assert!(!decoder.is_mid_frame(), "frames are whole");
    events
}

/// The same as text: one event a line, its members in the order in which they stand in the frame.
pub(crate) fn lines(bytes: &[u8]) -> String {
    let (mut decoder, mut rest, mut lines) = (Decoder::default(), bytes, String::new());
    while let Some(frame) = decoder.next(&mut rest).unwrap() {
        let name = match frame.kind {
            Kind::Event(name) => name.to_owned(),
            Kind::Exception(name) => format!("exception {name}"),
            Kind::Error { code, .. } => panic!("{code}"),
        };
        lines.push_str(&format!("{{\"{name}\":{}}}\n", str::from_utf8(frame.payload).unwrap()));
    }
    lines
}

/// The whole answer that the events of a stream make.
pub(crate) fn put_together(bytes: &[u8]) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let (mut answer, mut open, mut arguments) = (json!({}), None, String::new());
    for (name, event) in events(bytes) {
        match name.as_str() {
            "messageStart" => assert_eq!(event, json!({"role": "assistant"})),
            "contentBlockStart" => {
                assert!(open.is_none(), "one block at a time");
                assert_eq!(event["contentBlockIndex"], content.len(), "indexes are dense");
                open = Some(content.len());
                arguments.clear();
                content.push(event["start"].clone());
            }
            "contentBlockDelta" => {
                if open.is_none() {
                    open = Some(content.len());
                    content.push(json!({}));
                }
                assert_eq!(event["contentBlockIndex"], open.unwrap());
                grow(content.last_mut().unwrap(), &event["delta"], &mut arguments);
            }
            "contentBlockStop" => {
                assert_eq!(event["contentBlockIndex"], open.take().unwrap());
                let block = content.last_mut().unwrap();
                if block.get("toolUse").is_some() {
                    block["toolUse"]["input"] = serde_json::from_str(&arguments).unwrap();
                }
            }
            "messageStop" | "metadata" => {
                assert!(open.is_none(), "blocks are closed before the end");
                for (member, value) in event.as_object().unwrap() {
                    answer[member] = value.clone();
                }
            }
            other => panic!("{other}"),
        }
    }
    answer["output"] = json!({"message": {"role": "assistant", "content": content}});
    answer
}

fn grow(block: &mut Value, delta: &Value, arguments: &mut String) {
    fn append(text: &mut Value, more: &Value) {
        *text = json!(format!("{}{}", text.as_str().unwrap_or_default(), more.as_str().unwrap()));
    }
    let (kind, more) = delta.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "text" if block.get("citationsContent").is_some() => {
            append(&mut block["citationsContent"]["content"][0]["text"], more);
        }
        "text" => append(&mut block["text"], more),
        "toolUse" => arguments.push_str(more["input"].as_str().unwrap()),
        "citation" => {
            if let Some(text) = block.as_object_mut().unwrap().remove("text") {
                *block = json!({"citationsContent": {"content": [{"text": text}], "citations": []}});
            }
            block["citationsContent"]["citations"].as_array_mut().unwrap().push(more.clone());
        }
        "reasoningContent" => {
            let (member, said) = more.as_object().unwrap().iter().next().unwrap();
            match member.as_str() {
                "redactedContent" => block["reasoningContent"]["redactedContent"] = said.clone(),
                "text" => append(&mut block["reasoningContent"]["reasoningText"]["text"], said),
                member => {
                    if block["reasoningContent"]["reasoningText"]["text"].is_null() {
                        block["reasoningContent"]["reasoningText"]["text"] = json!("");
                    }
                    block["reasoningContent"]["reasoningText"][member] = said.clone();
                }
            }
        }
        other => panic!("{other}"),
    }
}
