//! What goes beyond a limit is refused with the field, the limit and the setting; what is within is served.

use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;

const USER: &str = r#"{"role":"user","content":"hi"}"#;

/// Members of which so many hold so many of something.
type Members<'m> = &'m dyn Fn(usize) -> String;

fn told(members: &str, betas: &[&str], limits: &Limits) -> Option<String> {
    let body = format!(r#"{{"model":"some-model",{members}}}"#);
    let fault = Incoming::read_within(body.as_bytes(), betas.iter().copied(), limits).err()?;
    let told = error::render(&fault);
    assert_eq!(told.status, 400);
    Some(told.body)
}

fn times(item: &str, count: usize) -> String {
    vec![item; count].join(",")
}

#[test]
fn each_limit_names_its_field_and_its_setting() {
    let file = r#"{"type":"file","file":{"file_data":"QQ==","filename":"a.txt"}}"#;
    let image = r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}"#;
    let tool = r#"{"type":"function","function":{"name":"f"}}"#;
    let said = |content: &str| format!(r#""messages":[{{"role":"user","content":[{content}]}}]"#);
    let none = Limits::NONE;
    let cases: [(Limits, &str, Members<'_>); 12] = [
        (Limits { messages: 3, ..none }, "--max-messages", &|n| format!(r#""messages":[{}]"#, times(USER, n))),
        (Limits { content_blocks: 3, ..none }, "--max-content-blocks", &|n| said(&times(r#""a""#, n))),
        (Limits { content_blocks: 3, ..none }, "--max-content-blocks", &|n| {
            format!(r#""messages":[{}]"#, times(USER, n))
        }),
        (Limits { documents: 3, ..none }, "--max-documents", &|n| said(&times(file, n))),
        (Limits { images: 3, ..none }, "--max-images", &|n| said(&times(image, n))),
        (Limits { tools: 3, ..none }, "--max-tools", &|n| {
            format!(r#""messages":[{USER}],"tools":[{}]"#, times(tool, n))
        }),
        (Limits { betas: 3, ..none }, "--max-betas", &|n| {
            format!(r#""messages":[{USER}],"anthropic_beta":[{}]"#, times(r#""a""#, n))
        }),
        (Limits { betas: 3, ..none }, "--max-betas", &|n| {
            format!(r#""messages":[{USER}],"anthropic_beta":"{}""#, times("a", n))
        }),
        (Limits { members: 3, ..none }, "--max-members", &|n| {
            format!(r#""messages":[{USER}],"metadata":{{{}}}"#, times(r#""a":"b""#, n))
        }),
        (Limits { json_values: 12 + 3, ..none }, "--max-json-values", &|n| {
            format!(r#""messages":[{USER}],"x":[{}]"#, times("0", n))
        }),
        (Limits { model_bytes: 10, ..none }, "--max-model-bytes", &|n| {
            format!(r#""messages":[{USER}],"model":"{}""#, "m".repeat(n + 7))
        }),
        (Limits { id_bytes: 3, ..none }, "--max-id-bytes", &|n| {
            format!(r#""messages":[{USER}],"tools":[{{"type":"function","function":{{"name":"{}"}}}}]"#, "f".repeat(n))
        }),
    ];
    for (limits, setting, members) in cases {
        assert_eq!(told(&members(3), &[], &limits), None, "{setting}");
        let body = told(&members(4), &[], &limits).unwrap_or_else(|| panic!("{setting}"));
        assert!(body.contains(setting), "{body}");
    }
}

#[test]
fn a_header_has_its_limits() {
    let members = format!(r#""messages":[{USER}]"#);
    let limits = Limits { header_bytes: 8, betas: 2, ..Limits::NONE };
    assert_eq!(told(&members, &["one,two"], &limits), None);
    assert!(told(&members, &["one,two,three"], &limits).unwrap().contains("--max-header-bytes"));
    assert!(told(&members, &["one,two", "three"], &limits).unwrap().contains("--max-betas"));
}

#[test]
fn what_stands_in_a_value_that_nobody_looks_into_counts_too() {
    let limits = Limits { json_values: 100, ..Limits::NONE };
    for name in ["x", "guardrailConfig", "\\u0078"] {
        let members = format!(r#""messages":[{USER}],"{name}":{{"a":[{}]}}"#, times("0", 200));
        assert!(told(&members, &[], &limits).unwrap().contains("--max-json-values"), "{name}");
    }
}

#[test]
fn debug_shows_nothing_of_what_was_said() {
    let body = r#"{"model":"m","user":"MARKER","metadata":{"k":"MARKER"},"stop":"MARKER","x":"MARKER",
            "messages":[{"role":"system","content":"MARKER"},{"role":"user","name":"MARKER","content":"MARKER"}],
            "tools":[{"type":"function","function":{"name":"f","description":"MARKER","parameters":{"a":"MARKER"}}}],
            "additionalModelRequestFields":{"a":"MARKER"}}"#;
    let incoming = Incoming::read(body.as_bytes()).unwrap();
    assert!(!format!("{incoming:?}").contains("MARKER"), "{incoming:?}");
    let outgoing = incoming.outgoing("m", None).unwrap();
    assert!(!format!("{outgoing:?}").contains("MARKER"));
}
