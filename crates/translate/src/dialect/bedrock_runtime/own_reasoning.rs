//! Reasoning with a mark of this gateway, in a conversation that goes on to Bedrock: its own is unmarked, other is taken out.

use super::redacted::BEGINS_IN_BASE64;
use crate::dialect::seal;
use crate::model::issuer::Mark;
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

/// A body whose reasoning its backend takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReasoning {
    /// The body.
    pub body: Vec<u8>,
    /// Some of the reasoning was another backend's, and is not there any more.
    pub left_out: bool,
}

/// The body of a Converse request with its reasoning as a backend takes it: a signature that this gateway marked for that
/// backend, in another dialect, has its mark taken off; blocks that it marked for another one are left out, because
/// Bedrock would refuse their seals. `None`: there are no marks.
#[must_use]
pub fn own_reasoning(body: &[u8], mark: Mark) -> Option<OwnReasoning> {
    memmem::find(body, b"reasoningContent")?;
    if memmem::find(body, b"~").is_none() && memmem::find(body, BEGINS_IN_BASE64.as_bytes()).is_none() {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let conversation: Conversation<'_> = serde_json::from_str(text).ok()?;
    let mut edits = Vec::new();
    for turn in &conversation.messages {
        edit(text, &turn.content, mark, &mut edits);
    }
    if edits.is_empty() {
        return None;
    }
    let left_out = edits.iter().any(|edit| edit.with.is_none());
    let mut written = Vec::with_capacity(body.len());
    let mut from = 0;
    for Edit { begin, end, with } in edits {
        written.extend_from_slice(body.get(from..begin)?);
        if let Some(signature) = with {
            written.extend_from_slice(&[b"\"", signature.as_bytes(), b"\""].concat());
        }
        from = end;
    }
    written.extend_from_slice(body.get(from..)?);
    Some(OwnReasoning { body: written, left_out })
}

/// A part of a body that is left out, or is written as another string.
struct Edit<'a> {
    begin: usize,
    end: usize,
    /// The string, still escaped.
    with: Option<&'a str>,
}

/// Whose reasoning a block holds.
enum Made<'a> {
    /// Nobody's, or it has no mark.
    Unmarked,
    /// The backend's own: its signature as it stands in the body, and without its mark.
    Own {
        raw: &'a str,
        signature: &'a str,
    },
    Elsewhere,
}

/// Adds the edits of one turn: blocks go with the comma to their next neighbour, or else to the one before. A turn that
/// is nothing else stays as it is: Bedrock takes no empty one.
fn edit<'a>(text: &str, content: &[&'a RawValue], mark: Mark, edits: &mut Vec<Edit<'a>>) {
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let made: Vec<Made<'a>> = content.iter().map(|block| made(block, mark)).collect();
    let Some(last_kept) = made.iter().rposition(|made| !matches!(made, Made::Elsewhere)) else { return };
    for (at, (block, made)) in content.iter().zip(&made).enumerate() {
        match made {
            Made::Unmarked => {}
            Made::Own { raw, signature } => {
                let begin = place(raw);
                edits.push(Edit { begin, end: begin + raw.len(), with: Some(signature) });
            }
            Made::Elsewhere => {
                let (begin, end) = (place(block.get()), place(block.get()) + block.get().len());
                let before = at.checked_sub(1).and_then(|before| content.get(before));
                let before = before.map_or(begin, |before| place(before.get()) + before.get().len());
                let next = content.get(at + 1).map_or(end, |next| place(next.get()));
                let (begin, end) = if at < last_kept { (begin, next) } else { (before, end) };
                edits.push(Edit { begin, end, with: None });
            }
        }
    }
}

fn made(block: &RawValue, mark: Mark) -> Made<'_> {
    let Ok(Thinking { reasoning_content }) = serde_json::from_str::<Thinking<'_>>(block.get()) else {
        return Made::Unmarked;
    };
    if let Some(raw) = reasoning_content.reasoning_text.and_then(|sealed| sealed.signature).map(RawValue::get)
        && let Some(escaped) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'))
    {
        let (signature, issuer) = seal::parted(escaped);
        return match issuer.mark {
            None => Made::Unmarked,
            Some(made) if made == mark => Made::Own { raw, signature },
            Some(_) => Made::Elsewhere,
        };
    }
    let redacted = reasoning_content.redacted_content.and_then(Text::from_raw);
    match redacted.is_some_and(|data| data.as_escaped().starts_with(BEGINS_IN_BASE64)) {
        true => Made::Elsewhere,
        false => Made::Unmarked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn left(content: &Value) -> Option<Value> {
        let body = json!({"messages": [{"role": "user", "content": [{"text": "~"}]}, {"role": "assistant", "content": content}]});
        let left = own_reasoning(body.to_string().as_bytes(), Mark { model: 1, backend: 2 })?;
        let left: Value = serde_json::from_slice(&left.body).unwrap();
        assert_eq!(left["messages"][0], body["messages"][0]);
        Some(left["messages"][1]["content"].clone())
    }

    #[test]
    fn its_own_marks_come_off_and_blocks_of_others_are_left_out() {
        let thought =
            |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": signature}}});
        let (own, foreign) = (thought("EpMC"), thought("e30=~0123456789abcdef"));
        let sealed = json!({"reasoningContent": {"redactedContent": "YXF1aWZlcjp4"}});
        let said = json!({"text": "a"});
        let marked = thought("EpMC~0000000100000002");
        for (content, expected) in [
            (json!([foreign, said]), Some(json!([said]))),
            (json!([said, foreign]), Some(json!([said]))),
            (json!([own, foreign, sealed, said]), Some(json!([own, said]))),
            (json!([foreign, said, sealed, foreign]), Some(json!([said]))),
            (json!([own, said]), None),
            (json!([marked, said, marked]), Some(json!([own, said, own]))),
            (json!([foreign, marked, said, foreign]), Some(json!([own, said]))),
            (json!([foreign]), None),
        ] {
            assert_eq!(left(&content), expected, "{content}");
        }
    }
}
