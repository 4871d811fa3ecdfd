//! Any bytes as a client's request in Responses give an error or the same well-formed body twice: the body of the fuzz target.

use aquifer_translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_translate::dialect::{self, Dialect};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use serde::de::IgnoredAny;
use std::sync::Arc;

/// The models that the same request is written for: each has other rules.
const MODELS: [&str; 6] = [
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-5-5",
    "amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x",
];

pub(crate) fn run(data: &[u8]) {
    let (dialect, keys) = (Dialect::OpenAiResponses, Arc::new(SealKeys::new([7; 32], [])));
    for model in MODELS {
        let write = || {
            let mut asked = Incoming::read_in(dialect, data, std::iter::empty(), &Limits::default())?;
            asked.unseal(&keys);
            asked.outgoing(model, None)
        };
        match write() {
            Ok(sent) => {
                assert!(serde_json::from_slice::<IgnoredAny>(&sent.body).is_ok(), "the body is JSON");
                assert!(write().is_ok_and(|again| again.body == sent.body), "the same bytes again");
                assert!(sent.warnings.iter().all(|warning| !dialect.warning(warning).is_empty()));
            }
            Err(fault) => {
                let told = dialect::error(dialect, &fault);
                assert!((400..600).contains(&told.status.as_u16()));
                assert!(serde_json::from_slice::<IgnoredAny>(&told.body).is_ok(), "the error is JSON");
            }
        }
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_requests() {
    aquifer_testing::bodies::give_damaged("openai_responses", "1-client-request.json", run);
}
