//! A remembered turn is put back into the message that it was, and into no other.

use super::*;
use crate::model::raw::Raw;
use std::borrow::Cow;

fn call(id: &str, input: &str) -> Block<'static> {
    Block::ToolUse {
        id: Text::from_plain(id.to_owned()),
        name: Cow::Borrowed("weather"),
        input: Raw::from_json(input.to_owned()),
    }
}

fn said(text: &str) -> Block<'static> {
    Block::Text(Text::from_plain(text.to_owned()))
}

fn thought(text: &str, signature: Option<&str>) -> Block<'static> {
    Block::Reasoning {
        text: Text::from_plain(text.to_owned()),
        signature: signature.map(|signature| Text::from_plain(signature.to_owned())),
        issuer: Issuer::default(),
    }
}

fn sealed(data: &str) -> Block<'static> {
    Block::Redacted { data: Text::from_plain(data.to_owned()), issuer: Issuer::default() }
}

fn turn(content: &[Block<'_>]) -> Turn {
    Turn::of(content, &ToOwned::to_owned)
}

/// The blocks, readable.
fn shown(content: &[Block<'_>]) -> Vec<String> {
    let one = |block: &Block<'_>| match block {
        Block::Text(text) => format!("text {}", text.plain()),
        Block::Reasoning { text, signature, .. } => {
            format!("thought {} {}", text.plain(), signature.as_ref().map(|s| s.plain()).unwrap_or_default())
        }
        Block::Redacted { data, .. } => format!("sealed {}", data.plain()),
        Block::ToolUse { id, input, .. } => format!("call {} {}", id.plain(), input.as_json()),
        Block::CachePoint(_) => "cache".to_owned(),
        _ => "other".to_owned(),
    };
    content.iter().map(one).collect()
}

fn interleaved() -> Vec<Block<'static>> {
    vec![
        thought("one", Some("s1")),
        said("Let me "),
        sealed("ZA=="),
        said("look."),
        thought("", Some("s2")),
        call("a", r#"{"city":"Paris","days":1}"#),
        call("b", "{}"),
    ]
}

#[test]
fn reasoning_goes_back_exactly_where_it_was() {
    let turn = turn(&interleaved());
    assert_eq!(turn.calls().collect::<Vec<_>>(), ["a", "b"]);
    // The client joined the texts, wrote the arguments anew and changed the order of the calls.
    let mut content = vec![said("Let me look."), call("b", "{ }"), call("a", r#"{"days": 1.0, "city": "P\u0061ris"}"#)];
    assert!(turn.put_back(&mut content));
    let mut expected = shown(&interleaved());
    expected[5] = r#"call a {"days": 1.0, "city": "P\u0061ris"}"#.to_owned();
    expected[6] = "call b { }".to_owned();
    assert_eq!(shown(&content), expected);
}

#[test]
fn what_the_client_held_of_the_reasoning_is_replaced() {
    let turn = turn(&interleaved());
    let mut content = vec![thought("one", None), said("Let me look."), call("a", r#"{"city":"Paris","days":1}"#)];
    content.extend([call("b", "{}"), Block::CachePoint(None)]);
    assert!(turn.put_back(&mut content));
    let expected: Vec<_> = shown(&interleaved()).into_iter().chain(["cache".to_owned()]).collect();
    assert_eq!(shown(&content), expected);
}

#[test]
fn thoughts_that_a_client_wrote_into_the_text_are_replaced() {
    let turn = turn(&interleaved());
    let calls = [call("a", r#"{"city":"Paris","days":1}"#), call("b", "{}")];
    let tagged = ["<think>\none\n</think>", "Let me ", "<think>x</think>look.<think></think>"];
    let mut content: Vec<Block<'_>> = tagged.iter().map(|text| said(text)).chain(calls.clone()).collect();
    assert!(turn.put_back(&mut content));
    assert_eq!(shown(&content), shown(&interleaved()));
    for other in ["<think>one</think>Let us look.", "Let me look.<think>"] {
        let mut content: Vec<Block<'_>> = std::iter::once(said(other)).chain(calls.clone()).collect();
        assert!(!turn.put_back(&mut content), "{other}");
    }
}

#[test]
fn text_that_a_client_drops_comes_back_with_the_thoughts() {
    let turn = turn(&interleaved());
    let mut content = vec![call("a", r#"{"city":"Paris","days":1}"#), call("b", "{}")];
    assert!(turn.put_back(&mut content));
    assert_eq!(shown(&content), shown(&interleaved()));
}

#[test]
fn thoughts_that_a_client_wrote_between_tags_are_no_text() {
    let remembered = turn(&[thought("one", None), said("Let me look."), call("a", "{}")]);
    for tags in ["<think>one</think>", "<thinking>\none\n</thinking>", "<thinking>one</thinking>\n<think>two</think>"] {
        let mut back = vec![said(tags), said("Let me look."), call("a", "{}")];
        assert!(remembered.put_back(&mut back), "{tags}");
        assert_eq!(shown(&back), ["thought one ", "text Let me look.", "call a {}"]);
    }
    let mut open = vec![said("<thinking>one"), said("Let me look."), call("a", "{}")];
    assert!(!remembered.put_back(&mut open));
}

#[test]
fn cut_arguments_come_back_as_the_object_that_is_sent_for_them() {
    let cut = r#"{"city":"Par"#;
    let turn = turn(&[thought("one", Some("s1")), call("a", cut)]);
    let mut content = vec![call("a", arguments::kept(cut).as_json())];
    assert!(turn.put_back(&mut content));
    assert_eq!(content.len(), 2);
}

#[test]
fn another_turn_is_left_alone() {
    let turn = turn(&interleaved());
    let paris = || call("a", r#"{"city":"Paris","days":1}"#);
    for content in [
        vec![said("Let me look!"), paris(), call("b", "{}")],
        vec![said("Let me look."), paris()],
        vec![said("Let me look."), paris(), call("c", "{}")],
        vec![said("Let me look."), call("a", r#"{"city":"Rome","days":1}"#), call("b", "{}")],
        vec![said("Let me look."), call("a", r#"{"city":"Paris"}"#), call("b", "{}")],
        vec![said("Let me"), paris(), call("b", "{}")],
    ] {
        let before = shown(&content);
        let mut content = content;
        assert!(!turn.put_back(&mut content), "{before:?}");
        assert_eq!(shown(&content), before);
    }
}

#[test]
fn blank_text_is_no_difference() {
    let turn = turn(&[thought("t", Some("s")), said("\n\n"), call("a", "{}")]);
    let mut content = vec![call("a", "{}")];
    assert!(turn.put_back(&mut content));
    assert_eq!(shown(&content), ["thought t s", "text \n\n", "call a {}"]);
}

/// What a recorder makes of a stream.
fn recorded(room: usize, events: &[Event<'_>]) -> Option<Turn> {
    let mut recorder = Recorder::new(room);
    events.iter().for_each(|event| recorder.event(event));
    recorder.finish()
}

fn delta<'a>(index: u32, delta: Delta<'a>) -> Event<'a> {
    Event::Delta { index: index.into(), delta }
}

fn stop(index: u32, seal: Option<Seal<'_>>) -> Event<'_> {
    Event::BlockStop { index: index.into(), seal, goes_on: false }
}

fn streamed() -> Vec<Event<'static>> {
    let text = |text: &'static str| Text::from_escaped(text);
    vec![
        Event::Start,
        delta(0, Delta::SealPiece(4)),
        delta(1, Delta::Reasoning(text("on"))),
        delta(1, Delta::Reasoning(text("e"))),
        stop(1, Some(Seal::Signature(text("s1")))),
        delta(2, Delta::ToolUse { id: text("a"), name: text("weather") }),
        delta(2, Delta::ToolInput(text(r#"{\"city\":"#))),
        delta(2, Delta::ToolInput(text(r#"\"Paris\"}"#))),
        stop(2, None),
        stop(0, Some(Seal::Redacted(text("ZA==")))),
    ]
}

#[test]
fn a_streamed_turn_is_gathered_in_the_order_of_its_blocks() {
    let turn = recorded(100, &streamed()).unwrap();
    let mut content = vec![call("a", r#"{"city": "Paris"}"#)];
    assert!(turn.put_back(&mut content));
    assert_eq!(shown(&content), ["sealed ZA==", "thought one s1", r#"call a {"city": "Paris"}"#]);
}

#[test]
fn a_turn_that_is_too_long_or_calls_nothing_is_not_remembered() {
    assert!(recorded(20, &streamed()).is_none());
    assert!(recorded(100, &streamed()[..5]).is_none());
}

#[test]
fn a_turn_survives_being_written_and_shows_no_content() {
    let turn = turn(&interleaved());
    let written = serde_json::to_vec(&turn).unwrap();
    let read: Turn = serde_json::from_slice(&written).unwrap();
    let mut content = vec![said("Let me look."), call("a", r#"{"city":"Paris","days":1}"#), call("b", "{}")];
    assert!(read.put_back(&mut content));
    let debug = format!("{read:?}");
    assert!(!debug.contains("Paris") && !debug.contains("one"), "{debug}");
}

#[test]
fn json_is_compared_by_what_it_says() {
    assert!(same_json("", "{}"));
    assert!(same_json(r#"{"a":[1,2.0],"b":null}"#, r#"{ "b":null, "a":[1.0,2] }"#));
    for (one, other) in [(r#"{"a":1}"#, r#"{"a":"1"}"#), ("[1]", "[1,2]"), ("{", "{}"), (r#"{"a":1}"#, r#"{"b":1}"#)] {
        assert!(!same_json(one, other), "{one} {other}");
    }
}
