//! Reasoning with a mark of this gateway, in a conversation that goes on to Bedrock: its own is unmarked, other is taken out.

use super::redacted::BEGINS_IN_BASE64;
use crate::dialect::openai_responses::seal_keys::{SealKeys, SealedThought, is_sealed};
use crate::dialect::seal;
use crate::model::issuer::Mark;
use crate::model::text::Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
/// Bedrock would refuse their seals. What a client carried in `redactedContent` as Responses sealed it with these keys is
/// written as Bedrock made it. `None`: nothing of that is there.
#[must_use]
pub fn own_reasoning(body: &[u8], mark: Mark, keys: Option<&SealKeys>) -> Option<OwnReasoning> {
    memmem::find(body, b"reasoningContent")?;
    if memmem::find(body, b"~").is_none() && memmem::find(body, b"redactedContent").is_none() {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let conversation: Conversation<'_> = serde_json::from_str(text).ok()?;
    let mut edits = Vec::new();
    for turn in &conversation.messages {
        edit(text, &turn.content, &|block| made(block, mark, keys), &mut edits);
    }
    if edits.is_empty() {
        return None;
    }
    let left_out = edits.iter().any(|edit| edit.with.is_none());
    let mut written = Vec::with_capacity(body.len());
    let mut from = 0;
    for Edit { begin, end, with } in edits {
        written.extend_from_slice(body.get(from..begin)?);
        written.extend_from_slice(with.unwrap_or_default().as_bytes());
        from = end;
    }
    written.extend_from_slice(body.get(from..)?);
    Some(OwnReasoning { body: written, left_out })
}

/// A part of a body that is left out, or is written as other JSON.
struct Edit {
    begin: usize,
    end: usize,
    with: Option<String>,
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
    /// The backend's own, sealed for a client of Responses: the block as the backend made it.
    Sealed(String),
    Elsewhere,
}

/// Adds the edits of one turn: blocks go with the comma to their next neighbour, or else to the one before. A turn that
/// is nothing else stays as it is: Bedrock takes no empty one.
fn edit<'a>(text: &str, content: &[&'a RawValue], made: &dyn Fn(&'a RawValue) -> Made<'a>, edits: &mut Vec<Edit>) {
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let made: Vec<Made<'a>> = content.iter().map(|block| made(block)).collect();
    let Some(last_kept) = made.iter().rposition(|made| !matches!(made, Made::Elsewhere)) else { return };
    for (at, (block, made)) in content.iter().zip(&made).enumerate() {
        match made {
            Made::Unmarked => {}
            Made::Own { raw, signature } => {
                let begin = place(raw);
                edits.push(Edit { begin, end: begin + raw.len(), with: Some(format!("\"{signature}\"")) });
            }
            Made::Sealed(opened) => {
                let begin = place(block.get());
                edits.push(Edit { begin, end: begin + block.get().len(), with: Some(opened.clone()) });
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

fn made<'a>(block: &'a RawValue, mark: Mark, keys: Option<&SealKeys>) -> Made<'a> {
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
    let Some(redacted) = reasoning_content.redacted_content.and_then(Text::from_raw) else { return Made::Unmarked };
    if redacted.as_escaped().starts_with(BEGINS_IN_BASE64) {
        return Made::Elsewhere;
    }
    match opened(&redacted, keys) {
        None => Made::Unmarked,
        Some(thought) if thought.mark == mark => Made::Sealed(written(&thought)),
        Some(_) => Made::Elsewhere,
    }
}

/// The thought in redacted bytes that are a seal of Responses.
fn opened(redacted: &Text<'_>, keys: Option<&SealKeys>) -> Option<SealedThought<'static>> {
    let seal = String::from_utf8(STANDARD.decode(redacted.plain().as_bytes()).ok()?).ok()?;
    keys.filter(|_| is_sealed(&seal))?.open(&seal)
}

/// A thought as Converse has it.
fn written(thought: &SealedThought<'_>) -> String {
    let SealedThought { text, signature, redacted, mark: _ } = thought;
    if let Some(data) = redacted {
        return format!(r#"{{"reasoningContent":{{"redactedContent":"{}"}}}}"#, data.as_escaped());
    }
    let signature = signature.as_ref().map(|signature| format!(r#","signature":"{}""#, signature.as_escaped()));
    let (text, signature) = (text.as_escaped(), signature.unwrap_or_default());
    format!(r#"{{"reasoningContent":{{"reasoningText":{{"text":"{text}"{signature}}}}}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::request_id::RequestId;
    use serde_json::{Value, json};

    const OWN: Mark = Mark { model: 1, backend: 2 };

    fn left(content: &Value) -> Option<Value> {
        let body = json!({"messages": [{"role": "user", "content": [{"text": "~"}]}, {"role": "assistant", "content": content}]});
        let keys = SealKeys::new([7; 32], []);
        let left = own_reasoning(body.to_string().as_bytes(), OWN, Some(&keys))?;
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
    #[test]
    fn what_responses_sealed_is_opened_for_its_own_backend() {
        let carried = |thought: &SealedThought<'_>, key: u8| {
            let seal = SealKeys::new([key; 32], []).seal(thought, RequestId(3), 0);
            json!({"reasoningContent": {"redactedContent": STANDARD.encode(seal)}})
        };
        let signed = SealedThought {
            text: Text::from_plain("a \"thought\""),
            signature: Some(Text::from_plain("EpMC")),
            mark: OWN,
            ..SealedThought::default()
        };
        let redacted =
            SealedThought { redacted: Some(Text::from_plain("QUJD")), mark: OWN, ..SealedThought::default() };
        let elsewhere = SealedThought { mark: Mark { model: 9, backend: 2 }, ..signed.clone() };
        let said = json!({"text": "a"});
        let opened = json!({"reasoningContent": {"reasoningText": {"text": "a \"thought\"", "signature": "EpMC"}}});
        assert_eq!(left(&json!([carried(&signed, 7), said])), Some(json!([opened, said])));
        let opened = json!({"reasoningContent": {"redactedContent": "QUJD"}});
        assert_eq!(left(&json!([carried(&redacted, 7), said])), Some(json!([opened, said])));
        assert_eq!(left(&json!([carried(&elsewhere, 7), said])), Some(json!([said])));
        assert_eq!(left(&json!([carried(&signed, 8), said])), None);
    }
}
