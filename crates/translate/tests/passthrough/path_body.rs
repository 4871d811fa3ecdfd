//! Any text as a path is one of a model or none, and a path that is written for a model leads to it: the body of the fuzz
//! target.

use aquifer_translate::bedrock;
use aquifer_translate::dialect::{self, Dialect, Surface};
use http::Method;
use serde::de::IgnoredAny;

const OPERATIONS: [&str; 5] = ["converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens"];

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(none) = Surface::of(&Method::POST, &text) {
        let told = dialect::error(Dialect::Bedrock, &none.fault(&Method::POST, &text));
        assert!(serde_json::from_slice::<IgnoredAny>(&told.body).is_ok(), "the error is JSON");
    }
    for operation in OPERATIONS {
        if let Ok(surface) = Surface::of(&Method::POST, &format!("/model/{text}/{operation}"))
            && let Some(id) = surface.model_id()
        {
            written(&id, operation);
        }
        written(&text, operation);
    }
}

/// The path that is written for this model.
fn written(id: &str, operation: &str) {
    let Ok(path) = bedrock::operation_path(id, operation) else { return };
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
    assert!(path.bytes().all(is_safe) && path.matches('/').count() == 3, "one segment: {path}");
    if !id.is_empty() {
        let back = Surface::of(&Method::POST, &path);
        assert!(back.is_ok_and(|back| back.model_id().as_deref() == Some(id)), "it leads back: {path}");
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_paths() {
    let seeds = [
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-haiku-4-5-20251001-v1%3A0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc",
        "/model/a%252Fb/converse",
        "%2e%2e/%2e",
    ];
    aquifer_testing::bodies::damage(&seeds.map(|seed| seed.as_bytes().to_vec()), run);
}
