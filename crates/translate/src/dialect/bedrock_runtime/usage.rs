//! The bill and the end of an answer, as Converse tells them.

use super::finish::stop_word;
use crate::model::json::Json;
use crate::model::response::{Finish, Usage};
use crate::model::text::Text;

/// The tokens of `usage`: what the cache read and wrote is not in `inputTokens`. How long the answer took is measured by
/// nobody here, and SDKs require the member.
pub(super) fn write(json: &mut Json, usage: &Usage, service_tier: Option<&Text<'_>>) {
    json.member("usage", |json| {
        json.name("inputTokens").verbatim(&usage.input.to_string());
        json.name("outputTokens").verbatim(&usage.output.to_string());
        json.name("totalTokens").verbatim(&usage.total().to_string());
        if let Some(read) = usage.cache_read {
            json.name("cacheReadInputTokens").verbatim(&read.to_string());
        }
        if let Some(written) = usage.cache_write {
            json.name("cacheWriteInputTokens").verbatim(&written.to_string());
        }
    });
    json.member("metrics", |json| json.name("latencyMs").verbatim("0"));
    if let Some(tier) = service_tier {
        json.member("serviceTier", |json| json.name("type").text(tier));
    }
}

/// The stop reason, and the number of reasoning tokens, for which Converse has no word of its own: it stands where a model's
/// own answer would have it.
pub(super) fn end(json: &mut Json, finish: &Finish, usage: &Usage) {
    json.name("stopReason").word(stop_word(&finish.stop).unwrap_or("end_turn"));
    let Some(reasoning) = usage.reasoning else { return };
    json.member("additionalModelResponseFields", |json| {
        json.member("usage", |json| {
            json.member("output_tokens_details", |json| {
                json.name("reasoning_tokens").verbatim(&reasoning.to_string());
            });
        });
    });
}
