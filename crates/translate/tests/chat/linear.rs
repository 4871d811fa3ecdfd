//! Every place that may hold many of the same takes time in proportion to them.

use crate::answer_body::translated;
use crate::linear_body::{BYTES, MODELS, SHAPES, Shape, USER, spent, translate};
use aquifer_testing::frames::frame;
use aquifer_translate::dialect::Envelope;
use aquifer_translate::limits::Limits;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Answering, Incoming, Restore, whole};

fn body((before, item, between, behind): &Shape, bytes: usize) -> String {
    let count = bytes / (item.len() + between.len()).max(1) + 1;
    let items: Vec<String> = (0..count).map(|number| item.replace('#', &number.to_string())).collect();
    let messages = if before.starts_with("\"messages") { String::new() } else { format!(r#","messages":[{USER}]"#) };
    format!(r#"{{"model":"m",{before}{}{behind}{messages}}}"#, items.join(between))
}

fn calls(bytes: usize) -> String {
    let numbers = || 0..bytes / 120 + 1;
    let call = |at| format!(r#"{{"id":"c{at}","type":"function","function":{{"name":"f{at}","arguments":"{{}}"}}}}"#);
    let result = |at| format!(r#"{{"role":"tool","tool_call_id":"c{at}","content":"x"}}"#);
    let calls: Vec<String> = numbers().map(call).collect();
    let results: Vec<String> = numbers().rev().map(result).collect();
    let said = format!(r#"{{"role":"assistant","tool_calls":[{}]}}"#, calls.join(","));
    format!(r#"{{"model":"m","messages":[{USER},{said},{}]}}"#, results.join(","))
}

fn choices(bytes: usize) -> String {
    let numbers = || 0..bytes / 90 + 1;
    let tools: Vec<String> =
        numbers().map(|at| format!(r#"{{"type":"function","function":{{"name":"f{at}"}}}}"#)).collect();
    let names: Vec<String> = numbers().rev().map(|at| format!(r#"{{"type":"function","name":"f{at}"}}"#)).collect();
    let (tools, names) = (tools.join(","), names.join(","));
    let choice = format!(r#"{{"type":"allowed_tools","allowed_tools":{{"mode":"auto","tools":[{names}]}}}}"#);
    format!(r#"{{"model":"m","messages":[{USER}],"tools":[{tools}],"tool_choice":{choice}}}"#)
}

/// Eight times the size takes at most three times eight times the time: work that grows with the square takes 64 times.
fn assert_linear(what: &str, work: impl Fn(usize)) {
    let (few, many) = (spent(|| work(BYTES)), spent(|| work(8 * BYTES)));
    assert!(many <= 24 * few + 20_000, "{what}: {few} and {many} microseconds");
}

#[test]
fn what_is_said_again_and_again_takes_time_in_proportion() {
    for shape in &SHAPES {
        assert_linear(&format!("{shape:?}"), |bytes| translate(&body(shape, bytes)));
    }
    assert_linear("calls and results", |bytes| translate(&calls(bytes)));
    assert_linear("allowed tools", |bytes| translate(&choices(bytes)));
}

#[test]
fn betas_of_a_header_take_time_in_proportion() {
    let body = format!(r#"{{"model":"m","messages":[{USER}]}}"#);
    assert_linear("betas", |bytes| {
        let betas: Vec<String> = (0..bytes / 8).map(|at| format!("beta-{at}")).collect();
        let betas = betas.join(",");
        let asked = Incoming::read_within(body.as_bytes(), std::iter::once(&*betas), &Limits::NONE);
        drop(asked.and_then(|asked| asked.outgoing(MODELS[0], None)));
    });
}

#[test]
fn answers_take_time_in_proportion() {
    let blocks = [
        r#"{"text":"a"}"#,
        r#"{"citationsContent":{"content":[{"text":"a"}],"citations":[{"title":"t","location":{"web":{"url":"u"}}}]}}"#,
        r#"{"toolUse":{"toolUseId":"c","name":"f","input":{}}}"#,
        r#"{"reasoningContent":{"reasoningText":{"text":"a","signature":"s"}}}"#,
    ];
    let restore: Restore = Box::new(|_| None);
    for block in blocks {
        assert_linear(block, |bytes| {
            let content = vec![block; bytes / block.len()].join(",");
            let body = format!(r#"{{"output":{{"message":{{"content":[{content}]}}}},"stopReason":"end_turn"}}"#);
            let envelope = Envelope { id: RequestId(1), created: 1, model: Text::from_escaped("m") };
            assert!(whole(body.as_bytes(), &envelope, &Answering::default(), &restore, true).is_ok());
        });
    }
}

/// A schema of many of the same: what stands before them, one with its number `@` and the next one `@@`, and behind the
/// last.
const SCHEMAS: [(&str, &str, &str); 8] = [
    (
        r#"{"properties":{"#,
        r##""p@":{"$ref":"#/$defs/d"}"##,
        r#"},"$defs":{"d":{"type":"object","properties":{"a":{}}}}}"#,
    ),
    (r##"{"$ref":"#/$defs/d1","$defs":{"##, r##""d@":{"items":{"$ref":"#/$defs/d@@"}}"##, "}}"),
    (r##"{"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"anyOf":["##, r##"{"$ref":"#/$defs/d"}"##, "]}}}"),
    (r#"{"anyOf":["#, r#"{"properties":{"p@":{"type":["string","null"]}},"required":["p@"]}"#, "]}"),
    (r#"{"oneOf":["#, r#"{"properties":{"p":{"const":@}}}"#, "]}"),
    (r#"{"properties":{"#, r#""p@":{"type":["string","null"],"title":null}"#, "}}"),
    (r#"{"$defs":{"d":{"enum":[1,2,3,4,5,6,7,8,9]}},"allOf":["#, r##"{"$ref":"#/$defs/d"}"##, "]}"),
    (r#"{"properties":{"#, r##""p@":{"$ref":"#/properties/p1"}"##, "}}"),
];

fn schema((before, one, behind): (&str, &str, &str), bytes: usize) -> String {
    let numbered = |at: usize| one.replace("@@", &(at + 1).to_string()).replace('@', &at.to_string());
    let many: Vec<String> = (1..=bytes / one.len()).map(numbered).collect();
    format!("{before}{}{behind}", many.join(","))
}

#[test]
fn schemas_take_time_in_proportion() {
    for shape in SCHEMAS {
        for model in ["amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0", "anthropic.claude-sonnet-4-5"] {
            assert_linear(&format!("{model} {shape:?}"), |bytes| {
                let schema = schema(shape, bytes);
                let function = format!(r#"{{"name":"f","strict":true,"parameters":{schema}}}"#);
                let tools = format!(r#""tools":[{{"type":"function","function":{function}}}]"#);
                let format = format!(r#"{{"type":"json_schema","json_schema":{{"name":"x","schema":{schema}}}}}"#);
                let body = format!(r#"{{"model":"m","messages":[{USER}],{tools},"response_format":{format}}}"#);
                let sent = Incoming::read(body.as_bytes()).and_then(|asked| asked.outgoing(model, None));
                let body = sent.map(|sent| sent.body).unwrap_or_default();
                assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{shape:?}");
            });
        }
    }
}

#[test]
fn streams_of_many_blocks_take_time_in_proportion() {
    // `#` is the number of the block; none of them ends.
    let many = [
        r#"{"contentBlockIndex":#,"delta":{"reasoningContent":{"signature":"s"}}}"#,
        r#"{"contentBlockIndex":#,"delta":{"reasoningContent":{"text":"t"}}}"#,
        r#"{"contentBlockIndex":#,"delta":{"reasoningContent":{"redactedContent":"QUFB"}}}"#,
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s#"}}}"#,
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"QUFB"}}}"#,
        r#"{"contentBlockIndex":#,"delta":{"text":"<think>"}}"#,
        r#"{"contentBlockIndex":#,"start":{"toolUse":{"toolUseId":"c#","name":"f"}}}"#,
        r#"{"contentBlockIndex":#,"delta":{"toolUse":{"input":"x"}}}"#,
        r#"{"contentBlockIndex":#,"delta":{"citation":{"title":"t","location":{"web":{"url":"u"}}}}}"#,
        r#"{"contentBlockIndex":#}"#,
    ];
    for payload in many {
        let kind = match payload {
            _ if payload.contains("start") => "contentBlockStart",
            _ if payload.contains("delta") => "contentBlockDelta",
            _ => "contentBlockStop",
        };
        let frames = |bytes: usize| -> Vec<Vec<u8>> {
            let numbers = 0..bytes / payload.len();
            numbers.map(|at| frame(kind, payload.replace('#', &at.to_string()))).collect()
        };
        let (few, many) = (frames(BYTES), frames(8 * BYTES));
        let read = |frames: &[Vec<u8>]| {
            let begun = frame("messageStart", br#"{"role":"assistant"}"#);
            let pieces = std::iter::once(&begun).chain(frames).map(Vec::as_slice);
            assert!(!translated(pieces).is_empty());
        };
        assert_linear(payload, |bytes| read(if bytes == BYTES { &few } else { &many }));
    }
}
