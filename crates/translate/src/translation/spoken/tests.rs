//! Calls in text, of each kind of model, cut at every letter.

use super::*;
use crate::model::offer::CallTokens;
use std::collections::{BTreeMap, BTreeSet};

fn offer(tokens: CallTokens) -> Offer {
    let tools = ["get_weather", "look"].map(|name| (name.to_owned(), name.to_owned()));
    let strings = BTreeSet::from([("get_weather".to_owned(), "zip".to_owned())]);
    Offer { tokens, tools: BTreeMap::from(tools), strings }
}

/// What is heard of a text in these pieces: the answer, the thoughts, the calls, and whether something was not read.
fn heard<'p>(tokens: CallTokens, pieces: impl IntoIterator<Item = &'p str>) -> (String, String, Vec<String>, bool) {
    let mut spoken = Spoken::new(offer(tokens));
    let mut all: Vec<Heard> = pieces.into_iter().flat_map(|piece| spoken.take(Voice::Answer, piece)).collect();
    all.extend(spoken.end());
    let (mut answer, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for heard in all {
        match heard {
            Heard::Said(Voice::Answer, text) => answer.push_str(&text),
            Heard::Said(Voice::Thought, text) => thought.push_str(&text),
            Heard::Called { name, arguments } => calls.push(format!("{name} {arguments}")),
        }
    }
    (answer, thought, calls, spoken.is_unread())
}

#[track_caller]
fn check(tokens: CallTokens, text: &str, answer: &str, thought: &str, calls: &[&str]) {
    let whole = heard(tokens, [text]);
    let calls: Vec<String> = calls.iter().map(|call| (*call).to_owned()).collect();
    assert_eq!(whole, (answer.to_owned(), thought.to_owned(), calls, false), "{text}");
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (head, tail) = text.split_at(at);
        assert_eq!(heard(tokens, [head, tail]), whole, "{at}");
    }
    assert_eq!(heard(tokens, text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])), whole, "{text}");
}

#[test]
fn calls_of_kimi() {
    let one =
        r#"<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Zürich"}<|tool_call_end|>"#;
    let two = r#"<|tool_call_begin|>look:1<|tool_call_argument_begin|>{}<|tool_call_end|>"#;
    let call = r#"get_weather {"city": "Zürich"}"#;
    check(CallTokens::Kimi, &format!("I look.{one}"), "I look.", "", &[call]);
    let section = format!("<|tool_calls_section_begin|>{one}{two}<|tool_calls_section_end|>");
    check(CallTokens::Kimi, &section, "", "", &[call, "look {}"]);
    check(CallTokens::Kimi, &format!("{section} Done."), "Done.", "", &[call, "look {}"]);
    // The end may be missing, or the beginning.
    let open = section.replace("<|tool_calls_section_end|>", "");
    check(CallTokens::Kimi, &open, "", "", &[call, "look {}"]);
    check(CallTokens::Kimi, &format!("{one}{two}<|tool_calls_section_end|>"), "", "", &[call, "look {}"]);
    check(CallTokens::Kimi, &one.replace("<|tool_call_end|>", ""), "", "", &[call]);
    check(CallTokens::Kimi, "a <| b <|tool", "a <| b <|tool", "", &[]);
}

#[test]
fn calls_in_tags() {
    let parameters = "<tool_call>\n<function=get_weather>\n<parameter=city>\nBad \"Ems\"\n</parameter>\n<parameter=zip>\n01234\n\
                      </parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>";
    let call = r#"get_weather {"city":"Bad \"Ems\"","zip":"01234","days":3}"#;
    check(CallTokens::Function, parameters, "", "", &[call]);
    let bare = parameters.replace("<tool_call>\n", "");
    check(CallTokens::Function, &format!("So: {bare}"), "So: ", "", &[call]);
    check(CallTokens::Function, r#"<function=look>{"a": [1]}</function>"#, "", "", &[r#"look {"a": [1]}"#]);
    check(CallTokens::Function, r#"<function=look>{"a": 1}"#, "", "", &[r#"look {"a": 1}"#]);
    let hermes = r#"<tool_call>{"name": "look", "arguments": {"a":1}}</tool_call>"#;
    check(CallTokens::Function, hermes, "", "", &[r#"look {"a":1}"#]);
    check(CallTokens::Function, "a < b, <func", "a < b, <func", "", &[]);
}

#[test]
fn calls_of_glm() {
    let call = "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Zürich</arg_value>\n<arg_key>zip</arg_key>\n\
                <arg_value>01234</arg_value>\n<arg_key>days</arg_key>\n<arg_value>[3]</arg_value>\n</tool_call>";
    let told = r#"get_weather {"city":"Zürich","zip":"01234","days":[3]}"#;
    check(CallTokens::Glm, &format!("I look.{call}"), "I look.", "", &[told]);
    check(CallTokens::Glm, &call.replace(">\n<", "><").replace("weather\n", "weather"), "", "", &[told]);
    check(CallTokens::Glm, &format!("{call}\n<tool_call>look</tool_call>"), "", "", &[told, "look {}"]);
    check(CallTokens::Glm, &call.replace("</tool_call>", ""), "", "", &[told]);
    let hermes = r#"<tool_call>{"name": "look", "arguments": {"a":1}}</tool_call>"#;
    check(CallTokens::Glm, hermes, "", "", &[r#"look {"a":1}"#]);
}

#[test]
fn calls_of_minimax() {
    let section = "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Bad \"Ems\"</parameter>\n\
                   <parameter name=\"zip\">01234</parameter>\n<parameter name=\"days\">3</parameter>\n</invoke>\n\
                   <invoke name=\"look\">\n</invoke>\n</minimax:tool_call>";
    let calls = [r#"get_weather {"city":"Bad \"Ems\"","zip":"01234","days":3}"#, "look {}"];
    check(CallTokens::Minimax, &format!("So: {section}\n"), "So: ", "", &calls);
    check(CallTokens::Minimax, &section.replace("</minimax:tool_call>", ""), "", "", &calls);
    check(CallTokens::Minimax, "a <minimax:tool", "a <minimax:tool", "", &[]);
}

#[test]
fn calls_of_deepseek() {
    let told = r#"get_weather {"city": "Zürich"}"#;
    let r1 = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Zürich\"}\n```<｜tool▁call▁end｜>";
    let v3_1 = r#"<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Zürich"}<｜tool▁call▁end｜>"#;
    for one in [r1, v3_1] {
        let section = format!("<｜tool▁calls▁begin｜>{one}\n{one}<｜tool▁calls▁end｜>");
        check(CallTokens::Deepseek, one, "", "", &[told]);
        check(CallTokens::Deepseek, &format!("I look.{section}<｜end▁of▁sentence｜>"), "I look.", "", &[told, told]);
        check(CallTokens::Deepseek, &section.replace("<｜tool▁calls▁end｜>", ""), "", "", &[told, told]);
        check(CallTokens::Deepseek, &one.replace("<｜tool▁call▁end｜>", ""), "", "", &[told]);
    }
    let dsml = "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n\
                <｜DSML｜parameter name=\"city\" string=\"true\">3 > \"2\"</｜DSML｜parameter>\n\
                <｜DSML｜parameter name=\"days\" string=\"false\">[3]</｜DSML｜parameter>\n</｜DSML｜invoke>\n\
                <｜DSML｜invoke name=\"look\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>";
    let calls = [r#"get_weather {"city":"3 > \"2\"","days":[3]}"#, "look {}"];
    check(CallTokens::Deepseek, &format!("Hm.\n\n{dsml}"), "Hm.\n\n", "", &calls);
    check(CallTokens::Deepseek, &dsml.replace("function_calls", "tool_calls"), "", "", &calls);
    check(CallTokens::Deepseek, "a <｜b", "a <｜b", "", &[]);
}

#[test]
fn calls_of_mistral() {
    let list = r#"[TOOL_CALLS][{"name": "look", "arguments": {"a":1}}, {"name": "get_weather", "arguments": {}}]"#;
    check(CallTokens::Mistral, &format!("So: {list}"), "So: ", "", &[r#"look {"a":1}"#, "get_weather {}"]);
    check(CallTokens::Mistral, &format!("{list}</s>"), "", "", &[r#"look {"a":1}"#, "get_weather {}"]);
    let named = r#"[TOOL_CALLS]look[ARGS]{"a": [1]}"#;
    check(CallTokens::Mistral, named, "", "", &[r#"look {"a": [1]}"#]);
    check(CallTokens::Mistral, &named.replace("[ARGS]", "[CALL_ID]abcdefghi[ARGS]"), "", "", &[r#"look {"a": [1]}"#]);
    let twice = format!("{named}{}", named.replace("[ARGS]", ""));
    check(CallTokens::Mistral, &twice, "", "", &[r#"look {"a": [1]}"#, r#"look {"a": [1]}"#]);
    check(CallTokens::Mistral, "a [TOOL", "a [TOOL", "", &[]);
}

#[test]
fn channels() {
    let call = r#"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city":"Rome"}<|call|>"#;
    let told = r#"get_weather {"city":"Rome"}"#;
    check(CallTokens::Harmony, call, "", "", &[told]);
    check(CallTokens::Harmony, &format!("<|start|>assistant{call}"), "", "", &[told]);
    check(CallTokens::Harmony, &call.replace("<|call|>", ""), "", "", &[told]);
    let thought = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>";
    check(CallTokens::Harmony, thought, "Yes.", "Hm.", &[]);
    check(CallTokens::Harmony, &format!("<|channel|>analysis<|message|>Hm.<|end|>{call}"), "", "Hm.", &[told]);
    let before = r#"<|start|>assistant to=functions.look<|channel|>commentary json<|message|>{}<|call|>"#;
    check(CallTokens::Harmony, before, "", "", &["look {}"]);
}

#[test]
fn what_is_no_call_stays_the_text_that_it_was() {
    for (tokens, text) in [
        (CallTokens::Kimi, "<|tool_call_begin|>functions.nobody:0<|tool_call_argument_begin|>{}<|tool_call_end|>"),
        (CallTokens::Kimi, "<|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"a\":<|tool_call_end|>"),
        (CallTokens::Kimi, "<|tool_call_begin|>functions.look"),
        (CallTokens::Function, "<function=nobody>{}</function>"),
        (CallTokens::Function, "<tool_call>no object</tool_call>"),
        (CallTokens::Glm, "<tool_call>nobody\n<arg_key>a</arg_key>\n<arg_value>1</arg_value></tool_call>"),
        (CallTokens::Glm, "<tool_call>look\n<arg_key>a"),
        (CallTokens::Minimax, "<minimax:tool_call><invoke name=\"nobody\"></invoke></minimax:tool_call>"),
        (CallTokens::Minimax, "<minimax:tool_call>Nothing.</minimax:tool_call>"),
        (CallTokens::Deepseek, "<｜tool▁call▁begin｜>nobody<｜tool▁sep｜>{}<｜tool▁call▁end｜>"),
        (CallTokens::Deepseek, "<｜tool▁call▁begin｜>look<｜tool▁sep｜>{\"a\":<｜tool▁call▁end｜>"),
        (
            CallTokens::Deepseek,
            "<｜DSML｜function_calls><｜DSML｜invoke name=\"look\"><｜DSML｜parameter name=\"a\" string=\"false\">x\
             </｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>",
        ),
        (CallTokens::Mistral, "[TOOL_CALLS]nobody[ARGS]{}"),
        (CallTokens::Mistral, "[TOOL_CALLS] is what it says."),
        (CallTokens::Mistral, "[TOOL_CALLS]look[ARGS]{} and more"),
        (CallTokens::Harmony, "<|channel|>commentary to=functions.nobody<|message|>{}<|call|>"),
        (CallTokens::Harmony, "<|channel|>comm"),
    ] {
        assert_eq!(heard(tokens, [text]), (text.to_owned(), String::new(), Vec::new(), true), "{text}");
    }
}

#[test]
fn names_are_cleaned() {
    for name in
        ["look", "functions.look", "functions.look:12", "look<|channel|>commentary", "to=functions.look", "look:0"]
    {
        assert_eq!(cleaned(name), "look", "{name}");
    }
}
