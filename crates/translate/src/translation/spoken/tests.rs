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
