//! Any bytes as a Converse request give an error or the same well-formed body of Chat Completions twice, and are passed on to
//! Bedrock as JSON: the body of the fuzz target.

use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_translate::dialect::{self, Dialect};
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::translation::{Exposure, Incoming};
use serde::de::IgnoredAny;

/// The models that the same request is written for.
const MODELS: [&str; 5] = ["gpt-4o", "gpt-5", "gpt-5.2", "deepseek-chat", "us.anthropic.claude-opus-5"];

pub(crate) fn run(data: &[u8]) {
    if let Some(left) = dialect::own_reasoning(data, Mark::default(), Some(&SealKeys::new([7; 32], []))) {
        assert!(serde_json::from_slice::<IgnoredAny>(&left.body).is_ok(), "what is left is JSON");
    }
    for model in MODELS {
        let (entry, rules) = (Catalogue::builtin().entry(model), Rules::default());
        let (mark, allowed) = (Mark::of(model, "default/openai"), ClientFields::default());
        let adjustment = Adjustment::default();
        let terms =
            Terms { api: Api::default(), model_id: model, entry: &entry, mark, rules: &rules, adjustment, allowed };
        let read = || Incoming::read_in(Dialect::Bedrock, data, std::iter::empty(), &Limits::default());
        let write = || read().and_then(|asked| asked.named(model, true).chat_on(&terms, "v1", Exposure::default()));
        match write() {
            Ok(sent) => {
                assert!(serde_json::from_slice::<IgnoredAny>(&sent.body).is_ok(), "the body is JSON");
                assert!(write().is_ok_and(|again| again.body == sent.body), "the same bytes again");
            }
            Err(fault) => {
                let told = dialect::error(Dialect::Bedrock, &fault);
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
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/openai_backend/converse");
    let fixtures: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|case| std::fs::read(case.ok()?.path().join("1-client-request.json")).ok())
        .collect();
    assert!(fixtures.len() > 10);
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
                _ => data[at] = *u.choose(b"{}[]\",:0null\\~")?,
            }
            if data.is_empty() {
                data.push(b'{');
            }
        }
        run(&data);
        Ok(())
    });
}
