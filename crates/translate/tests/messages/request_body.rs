//! Any bytes as a client's request give an error or the same well-formed body twice: the body of the fuzz target.

use aquifer_translate::dialect::{self, Dialect};
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use serde::de::IgnoredAny;

/// The models that the same request is written for: each has other rules.
const MODELS: [&str; 6] = [
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-5-5",
    "amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x",
];

const BETAS: &str = "claude-code-20250219,context-1m-2025-08-07,interleaved-thinking-2025-05-14";

pub(crate) fn run(data: &[u8]) {
    let dialect = Dialect::AnthropicMessages;
    for model in MODELS {
        let read = || Incoming::read_in(dialect, data, std::iter::once(BETAS), &Limits::default());
        let write = || read().and_then(|asked| asked.outgoing(model, None));
        match write() {
            Ok(sent) => {
                assert!(serde_json::from_slice::<IgnoredAny>(&sent.body).is_ok(), "the body is JSON");
                assert!(write().is_ok_and(|again| again.body == sent.body), "the same bytes again");
                for warning in &sent.warnings {
                    assert!(!dialect.path(&warning.field).contains('['), "paths have dots");
                }
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
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/anthropic_messages");
    let fixtures: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|case| std::fs::read(case.ok()?.path().join("1-client-request.json")).ok())
        .collect();
    assert!(fixtures.len() > 50);
    arbtest::arbtest(|u| {
        let mut data = u.choose(&fixtures)?.clone();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(data.len())?;
            let other = u.choose(&fixtures)?;
            let from = u.choose_index(other.len())?;
            let length = u.int_in_range(0..=20)?.min(other.len() - from);
            match u.int_in_range(0..=3)? {
                0 => data[at] = u.arbitrary()?,
                1 => drop(data.drain(at..(at + length).min(data.len()))),
                2 => drop(data.splice(at..at, other[from..from + length].iter().copied())),
                _ => data[at] = *u.choose(b"{}[]\",:0null\\")?,
            }
            if data.is_empty() {
                data.push(b'{');
            }
        }
        run(&data);
        Ok(())
    });
}
