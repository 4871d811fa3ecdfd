//! Thoughts and calls in the text have blocks of their own, cut at every letter.

use super::*;
use crate::model::delta::Seal;
use crate::model::offer::CallTokens;
use std::collections::{BTreeMap, BTreeSet};

/// The stages of an answer whose model writes thoughts between tags of this name.
fn tagged(stops: &[&str]) -> Stages {
    let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
    let answering = Answering { inline_tag: Some("t".to_owned()), stops, ..Answering::default() };
    Stages::of(&answering, RequestId(1)).unwrap()
}

fn text(index: u32, text: &str) -> Event<'_> {
    Event::Delta { index: index.into(), delta: Delta::Text(Text::from_escaped(text)) }
}

fn stop(index: u32) -> Event<'static> {
    Event::BlockStop { index: index.into(), seal: None, goes_on: false }
}

/// Everything that the stages tell of these events, in lines: the pieces of a part joined, whatever the cuts.
fn told<'e>(mut stages: Stages, events: impl IntoIterator<Item = Event<'e>>) -> Vec<String> {
    let mut told: Vec<Event<'_>> = events.into_iter().flat_map(|event| stages.take(event)).collect();
    told.extend(stages.rest());
    let mut lines: Vec<String> = Vec::new();
    for event in told {
        let (head, piece) = match event {
            Event::Delta { index, delta } => {
                let (kind, piece) = match delta {
                    Delta::Text(text) => ("text", text.plain().into_owned()),
                    Delta::Reasoning(text) => ("reasoning", text.plain().into_owned()),
                    Delta::ToolUse { name, .. } => ("call", name.plain().into_owned()),
                    Delta::ToolInput(input) => ("input", input.plain().into_owned()),
                    other => panic!("{other:?}"),
                };
                (format!("{}.{} {kind} ", index.upstream, index.part), piece)
            }
            Event::BlockStop { index, seal, goes_on } => {
                let how = if goes_on { "goes on" } else { "stops" };
                let seal = if seal.is_some() { ", sealed" } else { "" };
                (format!("{}.{} {how}{seal}", index.upstream, index.part), String::new())
            }
            Event::Stop(reason) => (format!("end: {reason:?}"), String::new()),
            other => panic!("{other:?}"),
        };
        match lines.last_mut() {
            Some(line) if !piece.is_empty() && line.starts_with(&head) => line.push_str(&piece),
            _ => lines.push(head + &piece),
        }
    }
    lines
}

#[test]
fn each_kind_of_content_has_a_block_of_its_own_however_the_text_is_cut() {
    let whole = "a<t>b</t>c<t>d</t>";
    let expected = [
        "0.0 text a",
        "0.0 goes on",
        "0.1 reasoning b",
        "0.1 goes on",
        "0.2 text c",
        "0.2 goes on",
        "0.3 reasoning d",
        "0.3 stops",
        "1.0 text e",
        "1.0 stops",
    ];
    for first in 0..=whole.len() {
        for second in first..=whole.len() {
            let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
            let events = pieces.map(|piece| text(0, piece)).into_iter().chain([stop(0), text(1, "e"), stop(1)]);
            assert_eq!(told(tagged(&[]), events), expected, "{first} {second}");
        }
    }
}

#[test]
fn a_block_of_one_kind_has_one_part() {
    let expected = ["3.0 reasoning b", "3.0 stops"];
    assert_eq!(told(tagged(&[]), [text(3, "<t>"), text(3, "b</t"), text(3, ">"), stop(3)]), expected);
    assert_eq!(told(tagged(&[]), [text(0, "a <"), stop(0)]), ["0.0 text a <", "0.0 stops"]);
}

#[test]
fn a_part_is_open_until_its_block_ends_or_the_answer_does() {
    assert_eq!(told(tagged(&[]), [text(0, "<t>b</t>c")]), ["0.0 reasoning b", "0.0 goes on", "0.1 text c"]);
    let stopped = told(tagged(&["x"]), [text(0, "<t>b</t>cxd"), stop(0)]);
    assert_eq!(stopped, ["0.0 reasoning b", "0.0 goes on", "0.1 text c", "end: StopSequence(Some(Text(1 bytes)))"]);
}

#[test]
fn a_seal_ends_a_block_of_reasoning() {
    let seal = Some(Seal::Signature(Text::from_escaped("s")));
    let sealed = Event::BlockStop { index: 0.into(), seal, goes_on: false };
    assert_eq!(
        told(tagged(&[]), [text(0, "<t>b</t>c"), sealed]),
        ["0.0 reasoning b", "0.0 goes on", "0.1 text c", "0.1 goes on", "0.2 stops, sealed"]
    );
}

#[test]
fn a_thought_in_a_channel_of_the_text_has_a_block_of_its_own_however_it_is_cut() {
    let tools = BTreeMap::from([("look".to_owned(), "look".to_owned())]);
    let offer = Offer { tokens: CallTokens::Harmony, tools, strings: BTreeSet::new() };
    let answering = Answering { offer: Some(offer), ..Answering::default() };
    let whole = "<|channel|>analysis<|message|>b<|end|><|start|>assistant<|channel|>final<|message|>c";
    let expected = ["0.0 reasoning b", "0.0 goes on", "0.1 text c", "0.1 stops"];
    for at in 0..=whole.len() {
        let (head, tail) = whole.split_at(at);
        let stages = Stages::of(&answering, RequestId(1)).unwrap();
        assert_eq!(told(stages, [text(0, head), text(0, tail), stop(0)]), expected, "{at}");
    }
}
