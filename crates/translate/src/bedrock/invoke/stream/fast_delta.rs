//! The deltas that make up nearly all of a stream of Anthropic's, found in place where their shape is the usual one.
//!
//! Anything that departs from the usual shape is left to the thorough reader.

use crate::bedrock::converse::stream::fast_delta::{length, number};
use crate::model::delta::Delta;
use crate::model::text::Text;

/// The beginning of a delta.
const OPEN: &str = r#"{"type":"content_block_delta","index":"#;
/// The JSON between the index and each kind of text.
const TEXT: &str = r#","delta":{"type":"text_delta","text":""#;
const REASONING: &str = r#","delta":{"type":"thinking_delta","thinking":""#;
const TOOL: &str = r#","delta":{"type":"input_json_delta","partial_json":""#;
/// The JSON behind it.
const CLOSE: &str = "\"}}";

/// The block and the text of a delta in its usual shape; `None` for every other event.
pub(super) fn delta(event: &str) -> Option<(u32, Delta<'_>)> {
    let rest = event.strip_prefix(OPEN)?;
    let (index, behind) = number(rest.as_bytes())?;
    let rest = rest.get(rest.len() - behind.len()..)?;
    let delta = if let Some(rest) = rest.strip_prefix(TEXT) {
        Delta::Text(text(rest)?)
    } else if let Some(rest) = rest.strip_prefix(REASONING) {
        Delta::Reasoning(text(rest)?)
    } else {
        Delta::ToolInput(text(rest.strip_prefix(TOOL)?)?)
    };
    Some((index, delta))
}

/// The text that is left of an event, up to what closes it.
fn text(rest: &str) -> Option<Text<'_>> {
    let (text, rest) = rest.split_at_checked(length(rest.as_bytes())?)?;
    (rest == CLOSE).then(|| Text::from_escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_deltas_are_found_and_all_else_is_left() {
        let found = |event: &str| match delta(event)? {
            (index, Delta::Text(text) | Delta::Reasoning(text) | Delta::ToolInput(text)) => {
                Some((index, text.as_escaped().to_owned()))
            }
            _ => None,
        };
        let of =
            |index: u32, delta: &str| format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        let some = |index, text: &str| Some((index, text.to_owned()));
        assert_eq!(found(&of(0, r#"{"type":"text_delta","text":"a\n\"é"}"#)), some(0, r#"a\n\"é"#));
        assert_eq!(found(&of(12, r#"{"type":"thinking_delta","thinking":"t"}"#)), some(12, "t"));
        assert_eq!(found(&of(1, r#"{"type":"input_json_delta","partial_json":""}"#)), some(1, ""));
        for event in [
            of(0, r#"{"type":"thinking_delta","thinking":"t","estimated_tokens":1}"#),
            of(0, r#"{"type":"signature_delta","signature":"t"}"#),
            of(0, r#"{"type":"text_delta","text":"a"} "#),
            of(0, "{\"type\":\"text_delta\",\"text\":\"a\nb\"}"),
            format!("{} ", of(0, r#"{"type":"text_delta","text":"a"}"#)),
            String::new(),
        ] {
            assert_eq!(found(&event), None, "{event}");
        }
    }
}
