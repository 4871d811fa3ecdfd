//! Reasoning that another service than Bedrock made, taken out of a conversation that goes on to Bedrock.

use super::redacted::BEGINS_IN_BASE64;
use crate::dialect::seal;
use crate::model::text::Text;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Conversation<'a> {
    #[serde(borrow, default)]
    messages: Vec<Turn<'a>>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thinking<'a> {
    #[serde(borrow)]
    reasoning_content: Thought<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thought<'a> {
    #[serde(borrow)]
    reasoning_text: Option<Sealed<'a>>,
    #[serde(borrow)]
    redacted_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
}

/// The body of a Converse request without the blocks of reasoning that this gateway marked for another service: Bedrock
/// would refuse their seals. `None`: there are none.
#[must_use]
pub fn without_foreign_reasoning(body: &[u8]) -> Option<Vec<u8>> {
    memmem::find(body, b"reasoningContent")?;
    if memmem::find(body, b"~").is_none() && memmem::find(body, BEGINS_IN_BASE64.as_bytes()).is_none() {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let conversation: Conversation<'_> = serde_json::from_str(text).ok()?;
    let mut cuts = Vec::new();
    for turn in &conversation.messages {
        cut(text, &turn.content, &mut cuts);
    }
    if cuts.is_empty() {
        return None;
    }
    let mut left = Vec::with_capacity(body.len());
    let mut from = 0;
    for Cut { begin, end } in cuts {
        left.extend_from_slice(body.get(from..begin)?);
        from = end;
    }
    left.extend_from_slice(body.get(from..)?);
    Some(left)
}

/// A part of a body that is left out.
struct Cut {
    begin: usize,
    end: usize,
}

/// Adds the cuts of the blocks of one turn, each with the comma to its next neighbour, or else to the one before. A turn
/// that is nothing else stays as it is: Bedrock takes no empty one.
fn cut(text: &str, content: &[&RawValue], cuts: &mut Vec<Cut>) {
    let begins: Vec<usize> =
        content.iter().map(|block| block.get().as_ptr() as usize - text.as_ptr() as usize).collect();
    let foreign: Vec<bool> = content.iter().map(|block| is_foreign(block)).collect();
    let Some(last_kept) = foreign.iter().rposition(|foreign| !foreign) else { return };
    for (at, block) in content.iter().enumerate() {
        let (Some(true), Some(begin)) = (foreign.get(at), begins.get(at)) else { continue };
        let end = begin + block.get().len();
        if at < last_kept {
            let next = begins.get(at + 1).copied().unwrap_or(end);
            cuts.push(Cut { begin: *begin, end: next });
        } else {
            let before =
                at.checked_sub(1).and_then(|before| Some(begins.get(before)? + content.get(before)?.get().len()));
            cuts.push(Cut { begin: before.unwrap_or(*begin), end });
        }
    }
}

fn is_foreign(block: &RawValue) -> bool {
    let Ok(Thinking { reasoning_content }) = serde_json::from_str::<Thinking<'_>>(block.get()) else { return false };
    let signature = reasoning_content.reasoning_text.and_then(|sealed| Text::from_raw(sealed.signature?));
    let redacted = reasoning_content.redacted_content.and_then(Text::from_raw);
    signature.is_some_and(|signature| seal::parted(signature.as_escaped()).1.mark.is_some())
        || redacted.is_some_and(|data| data.as_escaped().starts_with(BEGINS_IN_BASE64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn left(content: &Value) -> Option<Value> {
        let body = json!({"messages": [{"role": "user", "content": [{"text": "~"}]}, {"role": "assistant", "content": content}]});
        let left = without_foreign_reasoning(body.to_string().as_bytes())?;
        let left: Value = serde_json::from_slice(&left).unwrap();
        assert_eq!(left["messages"][0], body["messages"][0]);
        Some(left["messages"][1]["content"].clone())
    }

    #[test]
    fn marked_blocks_are_left_out_wherever_they_stand() {
        let thought =
            |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": signature}}});
        let (own, foreign) = (thought("EpMC"), thought("e30=~0123456789abcdef"));
        let sealed = json!({"reasoningContent": {"redactedContent": "YXF1aWZlcjp4"}});
        let said = json!({"text": "a"});
        for (content, expected) in [
            (json!([foreign, said]), Some(json!([said]))),
            (json!([said, foreign]), Some(json!([said]))),
            (json!([own, foreign, sealed, said]), Some(json!([own, said]))),
            (json!([foreign, said, sealed, foreign]), Some(json!([said]))),
            (json!([own, said]), None),
            (json!([foreign]), None),
        ] {
            assert_eq!(left(&content), expected, "{content}");
        }
    }
}
