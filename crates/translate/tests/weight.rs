//! What stands beside a body while it is read and translated never takes more than is said before.
#![expect(clippy::print_stderr, reason = "a test that says what it measured")]

use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;

const MODELS: [&str; 3] = ["us.anthropic.claude-sonnet-4-20250514-v1:0", "openai.gpt-oss-120b-1:0", "unheard.of-v1"];
const USER: &str = r#"{"role":"user","content":"hi"}"#;

/// What stands before an item that comes again and again, the item, and what stands behind.
const SHAPES: [(&str, &str, &str); 33] = [
    (r#""x":["#, "0,", "0]"),
    (r#""x":"#, r#"{"a":"#, ""),
    (r#""x":"#, "[", ""),
    (r#""stop":["#, "0,", "0]"),
    (r#""stop":["#, r#""a","#, r#""a"]"#),
    (r#""metadata":{"a":"b","#, r#""k#":"","#, r#""c":"d"}"#),
    (r#""a":0,"#, r#""k#":0,"#, r#""b":0"#),
    (r#""a":0,"#, r#""\u0061#":0,"#, r#""b":0"#),
    (r#""x":{"a":0,"#, r#""k#":0,"#, r#""b":0}"#),
    (r#""extra_body":{"a":0,"#, r#""k#":0,"#, r#""b":0}"#),
    (r#""messages":[{"role":"user","content":["#, r#""a","#, r#""a"]}]"#),
    (r#""additionalModelRequestFields":{"a":0,"#, r#""k#":0,"#, r#""b":0}"#),
    (r#""additionalModelRequestFields":{"a":0,"#, r#""thinking#":0,"#, r#""b":0}"#),
    (r#""anthropic_beta":["a","#, r#""b#","#, r#""c"]"#),
    (r#""anthropic_beta":""#, "b#,", r#"c""#),
    (r#""guardrailConfig":{"a":0,"#, r#""k#":0,"#, r#""streamProcessingMode":"sync"}"#),
    (r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"a":["#, r#""\n","#, r#"0]}}}"#),
    (
        r#""tools":["#,
        r#"{"type":"function","function":{"name":"f#"}},"#,
        r#"{"type":"function","function":{"name":"g"}}]"#,
    ),
    (
        r#""tools":["#,
        r#"{"type":"function","function":{"name":"f #","description":"d","strict":true,"parameters":{"a":1}},"cache_control":{"type":"ephemeral"}},"#,
        r#"{"type":"function","function":{"name":"g"}}]"#,
    ),
    (r#""messages":["#, r#"{"role":"user","content":"a"},"#, r#"{"role":"user","content":"a"}]"#),
    (
        r#""messages":["#,
        r#"{"role":"user","content":"a"},{"role":"assistant","content":"a"},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (r#""messages":["#, r#"{"role":"system","content":"a"},"#, r#"{"role":"user","content":"a"}]"#),
    (
        r#""messages":["#,
        r#"{"role":"user","content":["a","a","a","a","a","a","a","a"]},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":["#,
        r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":["#,
        r#"{"role":"assistant","tool_calls":[{"id":"c#","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c#","content":""},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":["#,
        r#"{"role":"assistant","content":"a","function_call":{"name":"f","arguments":""}},{"role":"function","name":"f","content":""},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":["#,
        r#"{"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.text","signature":"s#"}]},{"role":"user","content":"b"},"#,
        r#"{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"b"},{"role":"assistant","content":"a","reasoning_details":["#,
        r#"{"type":"reasoning.text","signature":"s#","text":"t"},"#,
        r#"{"type":"reasoning.text","text":"t"}]},{"role":"user","content":"a"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"file","file":{"file_data":"QQ==","filename":"a.txt"}},"#,
        r#""a"]}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"image_url","image_url":"data:image/png;base64,QQ=="},"#,
        r#""a"]}]"#,
    ),
    (r#""messages":[{"role":"user","content":""#, r"\n", r#"."}]"#),
    (r#""messages":[{"role":"user","content":""#, r"\ud800", r#"."}]"#),
    (
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,"#,
        r"Q\nQQQ",
        r#""}]}]"#,
    ),
];

fn body(shape: (&str, &str, &str), bytes: usize) -> String {
    let (before, item, behind) = shape;
    let items: String = (0..bytes / item.len() + 1).map(|at| item.replace('#', &at.to_string())).collect();
    let messages = if before.starts_with("\"messages") { String::new() } else { format!(r#"","messages":[{USER}]"#) };
    format!(r#"{{"model":"m",{before}{items}{behind}{}}}"#, messages.trim_start_matches('"'))
}

/// A call whose arguments are a string of so many values, and a text that a string has to be copied for.
fn arguments(bytes: usize) -> String {
    let values = vec!["0"; bytes / 2].join(",");
    let call = format!(r#"{{"id":"c","function":{{"name":"f","arguments":"{{\"a\":[{values}]}}"}}}}"#);
    let said = format!(r#"{{"role":"assistant","tool_calls":[{call}]}}"#);
    format!(r#"{{"model":"m","messages":[{USER},{said},{{"role":"tool","tool_call_id":"c","content":"x"}}]}}"#)
}

/// The most that reading and translating took at once, beside the body.
fn peak(body: &str, limits: &Limits) -> usize {
    let most = MODELS.iter().map(|model| {
        let taken = allocation_counter::measure(|| {
            let asked = Incoming::read_within(body.as_bytes(), std::iter::empty(), limits);
            drop(asked.and_then(|asked| asked.outgoing(model, None)));
        });
        taken.bytes_max
    });
    usize::try_from(most.max().unwrap_or_default()).unwrap_or(usize::MAX)
}

fn assert_within(what: &str, body: &str) {
    for limits in [Limits::default(), Limits::NONE] {
        let (taken, said) = (peak(body, &limits), limits.weight(body.as_bytes()));
        let of = |bytes: usize| bytes as f64 / body.len() as f64;
        eprintln!("{:5.1} {:5.1} {what:.100}", of(taken), of(said));
        assert!(taken <= said, "{what}: {taken} of {said} bytes beside {}", body.len());
    }
}

#[test]
fn nothing_takes_more_than_its_weight() {
    for shape in SHAPES {
        assert_within(&format!("{shape:?}"), &body(shape, 1 << 18));
    }
    assert_within("arguments", &arguments(1 << 20));
}

#[test]
fn a_large_body_takes_no_more_either() {
    for shape in [SHAPES[0], SHAPES[19], SHAPES[24]] {
        assert_within(&format!("{shape:?}"), &body(shape, 4 << 20));
    }
}

#[test]
fn values_that_nobody_looks_into_take_no_memory() {
    let body = body(SHAPES[0], 32 << 20);
    assert!(peak(&body, &Limits::NONE) < 2 * body.len());
    assert!(peak(&body, &Limits::default()) < 1 << 20);
}
