//! Eight times as much of the same takes about eight times as long, whatever is said: the body of the fuzz target.

use aquifer_translate::limits::Limits;
use aquifer_translate::translation::Incoming;
use rustix::time::{ClockId, clock_gettime};

/// A body: what stands before an item, the item, between two, and behind the last. `#` is the item's number.
pub(crate) type Shape = (&'static str, &'static str, &'static str, &'static str);

pub(crate) const USER: &str = r#"{"role":"user","content":"hi"}"#;
pub(crate) const MODELS: [&str; 3] =
    ["us.anthropic.claude-sonnet-4-20250514-v1:0", "openai.gpt-oss-120b-1:0", "unheard.of-v1"];

/// Every place of a request that may hold many of the same.
pub(crate) const SHAPES: [Shape; 34] = [
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"file","file":{"file_data":"data:text/plain;base64,QQ==","filename":"a.txt"}}"#,
        ",",
        "]}]",
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"file","file":{"file_data":"data:text/plain;base64,QQ=="}}"#,
        ",",
        "]}]",
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"file","file":{"file_data":"data:text/plain;base64,QQ==","filename":"a #.txt"}}"#,
        ",",
        "]}]",
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}"#,
        ",",
        "]}]",
    ),
    (
        r#""messages":[{"role":"user","content":["#,
        r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}"#,
        ",",
        "]}]",
    ),
    (r#""messages":[{"role":"user","content":""#, r"\n", "", r#"."}]"#),
    (r#""messages":[{"role":"user","content":""#, r"\ud800", "", r#"."}]"#),
    (r#""messages":["#, r#"{"role":"user","content":"hi"}"#, ",", "]"),
    (r#""messages":["#, r#"{"role":"system","content":"hi"}"#, ",", "]"),
    (r#""messages":["#, r#"{"role":"assistant","content":"hi"},{"role":"user","content":"hi"}"#, ",", "]"),
    (
        r#""messages":["#,
        r#"{"role":"assistant","content":"hi","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"x"}"#,
        ",",
        "]",
    ),
    (
        r#""messages":["#,
        r#"{"role":"assistant","tool_calls":[{"id":"c#","type":"function","function":{"name":"f#","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c#","content":"x"}"#,
        ",",
        "]",
    ),
    (
        r#""messages":["#,
        r#"{"role":"user","content":[{"type":"file","file":{"file_data":"QQ==","filename":"a.txt"}}]},{"role":"assistant","content":"hi"}"#,
        ",",
        r#",{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","reasoning_details":["#,
        r#"{"type":"reasoning.text","text":"a","signature":"s#"}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","reasoning_details":["#,
        r#"{"type":"reasoning.encrypted","data":"QQ==","index":#}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","reasoning_details":["#,
        r#"{"type":"reasoning.text","text":"a","index":#}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","thinking_blocks":["#,
        r#"{"type":"thinking","thinking":"a","signature":"s#"}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","thinking_blocks":["#,
        r#"{"type":"thinking","thinking":"a"}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (
        r#""messages":[{"role":"user","content":"x"},{"role":"assistant","content":["#,
        r#"{"type":"thinking","thinking":"a","signature":"s#"}"#,
        ",",
        r#"]},{"role":"user","content":"x"}]"#,
    ),
    (r#""anthropic_beta":["#, r##""beta-#""##, ",", "]"),
    (r#""anthropic_beta":""#, "beta-#", ",", r#"""#),
    (r#""additionalModelRequestFields":{"anthropic_beta":["#, r##""beta-#""##, ",", "]}"),
    (r#""additionalModelRequestFields":{"#, r##""f#":1"##, ",", "}"),
    (r#""extra_body":{"#, r##""f#":1"##, ",", "}"),
    (r#""guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","#, r##""f#":1"##, ",", "}"),
    (r#""metadata":{"#, r##""k#":"v""##, ",", "}"),
    (r#""stop":["#, r##"" ""##, ",", "]"),
    (r#""x0":0,"#, r##""\u0061#":1"##, ",", ""),
    (r#""tools":["#, r#"{"type":"function","function":{"name":"f#","strict":true,"parameters":{}}}"#, ",", "]"),
    (r#""tools":["#, r#"{"type":"function","function":{"name":"f #","parameters":{"a":1}},"y":1}"#, ",", "]"),
    (
        r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":["#,
        r#"{"type":"function","name":"f"}"#,
        ",",
        "]}}",
    ),
    (r#""unknown":"#, r#"{"a":["#, "", ""),
    (r#""unknown":["#, "0", ",", "]"),
    (r#""unknown":["#, r#"{"a":"b","c":[{"d":null}]}"#, ",", "]"),
];

/// About so many bytes are taken first, and eight times as many then.
pub(crate) const BYTES: usize = 24 << 10;

pub(crate) fn translate(body: &str) {
    for model in MODELS {
        let asked = Incoming::read_within(body.as_bytes(), std::iter::empty(), &Limits::NONE);
        let _ = asked.and_then(|asked| asked.outgoing(model, None));
    }
}

/// The CPU time of this thread, in microseconds: others on the machine do not count.
pub(crate) fn spent(work: impl Fn()) -> i64 {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    };
    let once = |_| {
        let begun = now();
        work();
        now() - begun
    };
    (0..3).map(once).min().unwrap_or_default()
}

/// The body of the fuzz target: what `data` says again and again, at the place that it chooses.
pub(crate) fn run(data: &[u8]) {
    let Some((place, fragment)) = data.split_first() else { return };
    let fragment: String = String::from_utf8_lossy(fragment).chars().take(400).collect();
    let (before, _, between, behind) = SHAPES[usize::from(*place) % SHAPES.len()];
    let text = |bytes: usize| {
        let items: Vec<String> =
            (0..bytes / (fragment.len() + 4) + 1).map(|at| fragment.replace('#', &at.to_string())).collect();
        format!(r#"{{"model":"m","messages":[{USER}],{before}{}{behind}}}"#, items.join(between))
    };
    let (few, many) = (text(BYTES), text(8 * BYTES));
    // With many numbers in it, the longer text is more than eight times as long.
    let times = (many.len() / few.len().max(1)) as i64 + 1;
    let (little, much) = (spent(|| translate(&few)), spent(|| translate(&many)));
    assert!(much <= 3 * times * little + 20_000, "{fragment}: {little} and {much} microseconds");
}

#[test]
fn holds_for_fragments_of_every_kind() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"a\"",
        "\"#\"",
        "0",
        "null",
        "\\u0061",
        "\\",
        "\"type\":",
        "\"text\"",
        "\"id\":\"#\"",
        "\"name\":\"f#\"",
        "\"role\":\"user\"",
        "\"content\":",
        "\"x#\":1",
    ];
    arbtest::arbtest(|u| {
        let mut data = vec![u.arbitrary()?];
        for _ in 0..u.int_in_range(1..=8)? {
            data.extend_from_slice(u.choose(&pieces)?.as_bytes());
        }
        run(&data);
        Ok(())
    });
}
