//! A whole answer of Converse without the reasoning that the operator hides.

use crate::bedrock::{self, Api};
use crate::fault::{Fault, Misbehaviour};
use crate::wire::slice::Slice as _;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of a content block that hold none. Whatever else a block has, it does not go on.
const SHOWN: [&str; 9] =
    ["text", "toolUse", "toolResult", "image", "audio", "video", "document", "citationsContent", "searchResult"];

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    output: Output<'a>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// The body without its blocks of reasoning, all other bytes as they are; `None`: it has none.
///
/// # Errors
///
/// A body that is no answer, so that nobody knows what is in it.
pub fn without_reasoning(body: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    bedrock::read(Api::Converse, body)?;
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let Some(content) = answer.output.message.content else { return Ok(None) };
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get()).map_err(|_| unreadable())?;
    let shown: Vec<&str> = blocks.iter().filter(|block| is_shown(block)).map(|block| block.get()).collect();
    if shown.len() == blocks.len() {
        return Ok(None);
    }
    let at = (content.get().as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
    let mut veiled = Vec::with_capacity(body.len());
    veiled.extend_from_slice(body.upto(at));
    veiled.push(b'[');
    veiled.extend_from_slice(shown.join(",").as_bytes());
    veiled.push(b']');
    veiled.extend_from_slice(body.behind(at + content.get().len()));
    Ok(Some(veiled))
}

fn is_shown(block: &RawValue) -> bool {
    match serde_json::from_str(block.get()) {
        Ok(Value::Object(members)) => members.keys().all(|name| SHOWN.contains(&name.as_str())),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => false,
    }
}

fn unreadable() -> Fault {
    Fault::UpstreamMisbehaved(Misbehaviour::Json("its reasoning cannot be hidden".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_left_out_and_nothing_else_changes() {
        let body = r#"{"output": {"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}}, {"text":"a"},{"newer":{"text":"t"}}]}},"stopReason":"end_turn","usage":{"inputTokens":1}}"#;
        let veiled = without_reasoning(body.as_bytes()).unwrap().unwrap();
        let expected = r#"{"output": {"message":{"role":"assistant","content":[{"text":"a"}]}},"stopReason":"end_turn","usage":{"inputTokens":1}}"#;
        assert_eq!(String::from_utf8(veiled).unwrap(), expected);
        let plain = r#"{"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"}"#;
        assert_eq!(without_reasoning(plain.as_bytes()).unwrap(), None);
        for none in ["", "{}", r#"{"output":{"message":{"content":{}}}}"#, "[1]"] {
            assert!(without_reasoning(none.as_bytes()).is_err(), "{none}");
        }
    }
}
