//! Any bytes as a request to an encoder give an error or well-formed calls; as its answer, an error or the client's answer:
//! the body of the fuzz target.

use aquifer_translate::catalogue::{EncoderTask, encoder};
use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::fault::Fault;
use aquifer_translate::limits::Limits;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::EncoderRequest;
use serde::de::IgnoredAny;

/// The models that the same request is written for, and whose answer the bytes may be.
const MODELS: [(EncoderTask, &str); 7] = [
    (EncoderTask::Embed, "amazon.titan-embed-text-v2:0"),
    (EncoderTask::Embed, "amazon.titan-embed-image-v1"),
    (EncoderTask::Embed, "amazon.nova-2-multimodal-embeddings-v1:0"),
    (EncoderTask::Embed, "cohere.embed-english-v3"),
    (EncoderTask::Embed, "cohere.embed-v4:0"),
    (EncoderTask::Rerank, "cohere.rerank-v3-5:0"),
    (EncoderTask::Rerank, "amazon.rerank-v1:0"),
];

pub(crate) fn run(data: &[u8]) {
    for (task, model) in MODELS {
        if let Err(fault) = calls(task, model, data).and_then(|()| answered(task, model, data)) {
            let told = error::render(&fault);
            assert!((400..600).contains(&told.status));
            assert!(serde_json::from_str::<IgnoredAny>(&told.body).is_ok(), "the error is JSON");
        }
    }
}

/// The bytes as a request: its first call is JSON, and the same again.
fn calls(task: EncoderTask, model: &str, data: &[u8]) -> Result<(), Fault> {
    let Ok(request) = EncoderRequest::read(task, data, &Limits::default()) else { return Ok(()) };
    let call = request.call(model, encoder(model))?;
    assert!(serde_json::from_slice::<IgnoredAny>(&call.outgoing.body).is_ok(), "the body is JSON");
    let again = request.call(model, encoder(model))?;
    assert_eq!((again.outgoing.body, again.part), (call.outgoing.body, call.part), "the same bytes again");
    Ok(())
}

/// The bytes as an answer to one input, or to one document.
fn answered(task: EncoderTask, model: &str, data: &[u8]) -> Result<(), Fault> {
    let body: &[u8] = match task {
        EncoderTask::Embed => br#"{"model":"m","input":"a","encoding_format":"base64"}"#,
        EncoderTask::Rerank => br#"{"model":"m","query":"q","documents":["a"],"return_documents":true}"#,
    };
    let mut request = EncoderRequest::read(task, body, &Limits::default())?;
    let call = request.call(model, encoder(model))?;
    request.take(call.part, data, None)?;
    assert!(request.is_complete());
    let answer = request.answer(&Text::from_plain("m"), RequestId(1));
    assert!(serde_json::from_str::<IgnoredAny>(&answer).is_ok(), "the answer is JSON");
    Ok(())
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_requests_and_answers() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/encoders");
    let files: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flat_map(|case| {
            let case = case.map(|case| case.path()).unwrap_or_default();
            ["1-client-request.json", "3-bedrock-answers.jsonl"].map(|name| std::fs::read(case.join(name)).ok())
        })
        .flatten()
        .filter(|file| !file.is_empty())
        .collect();
    assert!(files.len() > 12);
    arbtest::arbtest(|u| {
        let mut data = u.choose(&files)?.clone();
        if let Some(at) = data.windows(7).position(|window| window == b"\"body\":") {
            // The answer itself, without the line around it.
            data = data.get(at + 7..data.len().saturating_sub(2)).unwrap_or_default().to_vec();
        }
        for _ in 0..u.int_in_range(0..=3)? {
            if !data.is_empty() {
                let at = u.choose_index(data.len())?;
                data[at] = *u.choose(b"{}[]\",:0-.enull\\")?;
            }
        }
        run(&data);
        Ok(())
    });
}
