//! Any bytes as a request that names what is remembered, and as what is remembered, are left as they are, refused, or made
//! whole as JSON: the body of the fuzz target.

use aquifer_translate::dialect::openai_responses::stored::{self, StoredResponse};
use aquifer_translate::dialect::{self, Dialect};
use aquifer_translate::limits::Limits;
use serde::de::IgnoredAny;

/// The request, a line of its own, and what is remembered behind it.
pub(crate) fn run(data: &[u8]) {
    let (request, object) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let limits = Limits::default();
    let input = stored::input_of(request, &limits);
    if let Some(items) = &input {
        assert!(serde_json::from_str::<IgnoredAny>(&format!("[{items}]")).is_ok(), "a list of items");
    }
    let made = || {
        stored::made_whole(request, &limits, &mut |id| {
            let object = String::from_utf8(object.to_vec()).ok().filter(|_| !id.contains("gone"));
            object.map(|object| StoredResponse { input: input.clone().unwrap_or_default(), object })
        })
    };
    match made() {
        Ok(None) => {}
        Ok(Some(body)) => {
            assert!(stored::may_refer(request), "it is looked for in no other request");
            assert!(serde_json::from_slice::<IgnoredAny>(&body).is_ok(), "the body is JSON");
            assert!(made().is_ok_and(|again| again == Some(body)), "the same bytes again");
        }
        Err(fault) => {
            let told = dialect::error(Dialect::OpenAiResponses, &fault);
            assert!((400..500).contains(&told.status.as_u16()));
            assert!(serde_json::from_slice::<IgnoredAny>(&told.body).is_ok(), "the error is JSON");
        }
    }
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_requests_and_responses() {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    let item = format!(r#"{{"type":"item_reference","id":"msg_{ID}_0"}}"#);
    let object = format!(r#"{{"id":"resp_{ID}","output":[{{"type":"message","id":"msg_{ID}_0","content":[]}}]}}"#);
    let seeds = [
        format!(r#"{{"model":"m","previous_response_id":"resp_{ID}","input":"a"}}"#),
        format!(r#"{{"model":"m","input":[{item},{{"role":"user","content":"b"}},{item}]}}"#),
        format!(r#"{{"input":[{item}],"previous_response_id":"gone","stream":true}}"#),
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| format!("{seed}\n{object}").into_bytes()).collect();
    aquifer_testing::bodies::damage(&seeds, run);
}
