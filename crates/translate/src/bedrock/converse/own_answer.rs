//! Fields of the model's own response that a Converse request asked for by path: reasoning tokens, the stop sequence.

use crate::model::response::StopReason;
use crate::model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// `additionalModelResponseFields`, as far as it is understood.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OwnAnswer<'a> {
    usage: Option<OwnUsage>,
    /// Of a whole answer.
    #[serde(borrow)]
    stop_sequence: Option<&'a RawValue>,
    /// Of a stream.
    #[serde(borrow)]
    delta: Option<OwnDelta<'a>>,
}

#[derive(Deserialize)]
struct OwnUsage {
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    thinking_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OwnDelta<'a> {
    #[serde(borrow)]
    stop_sequence: Option<&'a RawValue>,
}

impl<'a> OwnAnswer<'a> {
    /// Reads the fields; none of what is no such object.
    pub(super) fn read(fields: Option<&'a RawValue>) -> Self {
        fields.and_then(|fields| serde_json::from_str(fields.get()).ok()).unwrap_or_default()
    }

    /// Claude's own count of reasoning tokens.
    pub(super) fn reasoning_tokens(&self) -> Option<u64> {
        let details = self.usage.as_ref()?.output_tokens_details.as_ref()?;
        details.thinking_tokens.or(details.reasoning_tokens)
    }

    /// The reason why the model stopped, with the stop sequence that it came to.
    pub(super) fn stop_at(&self, stop: StopReason<'a>) -> StopReason<'a> {
        if stop != StopReason::StopSequence(None) {
            return stop;
        }
        let told = self.delta.as_ref().and_then(|delta| delta.stop_sequence).or(self.stop_sequence);
        StopReason::StopSequence(told.and_then(Text::from_raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> OwnAnswer<'_> {
        OwnAnswer::read(Some(serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn reasoning_tokens_are_read_where_claude_tells_them() {
        let fields = |json: &str| read(json).reasoning_tokens();
        assert_eq!(fields(r#"{"usage":{"output_tokens_details":{"thinking_tokens":7}}}"#), Some(7));
        assert_eq!(fields(r#"{"delta":{"stop_sequence":null}}"#), None);
        assert_eq!(fields("null"), None);
    }

    #[test]
    fn a_stop_sequence_is_told_by_its_value_in_both_forms() {
        for json in [r#"{"delta":{"stop_sequence":"END\n"}}"#, r#"{"stop_sequence":"END\n"}"#] {
            let StopReason::StopSequence(Some(which)) = read(json).stop_at(StopReason::StopSequence(None)) else {
                panic!("{json}")
            };
            assert_eq!(which.plain(), "END\n");
        }
        assert_eq!(read(r#"{"stop_sequence":"x"}"#).stop_at(StopReason::EndTurn), StopReason::EndTurn);
        assert_eq!(read("{}").stop_at(StopReason::StopSequence(None)), StopReason::StopSequence(None));
    }
}
