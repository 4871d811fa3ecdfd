//! Texts under each policy, and what viewers are told of them.

use super::*;
use crate::live::pane::KEPT;
use std::borrow::Cow;

fn piece(kind: TextKind, block: u32, text: &str) -> TextPiece<'_> {
    TextPiece { kind, block, text: Cow::Borrowed(text) }
}

fn filled(observe: Observe) -> ObservedText {
    let mut text = ObservedText::default();
    for (kind, block, said) in [
        (TextKind::Reasoning, 0, "Hm, "),
        (TextKind::Reasoning, 0, "yes."),
        (TextKind::Content, 1, "Yes."),
        (TextKind::CallId, 2, "t1"),
        (TextKind::CallName, 2, "look"),
        (TextKind::CallArguments, 2, "{}"),
        (TextKind::Reasoning, 3, "More."),
    ] {
        text.push(observe, &piece(kind, block, said));
    }
    text
}

fn told(text: &ObservedText) -> Vec<(TextKind, u32, String)> {
    text.stretches().map(|it| (it.kind, it.block, it.text.to_owned())).collect()
}

fn read(text: &ObservedText, cursor: &mut Cursor, most: usize) -> (String, u64) {
    let mut joined = String::new();
    let lost = text.since(cursor, most, |stretch| joined.push_str(stretch.text));
    (joined, lost)
}

#[test]
fn a_policy_says_what_is_kept() {
    let all = filled(Observe::Everything);
    assert_eq!(
        all.stretches().map(|it| it.text).collect::<Vec<_>>(),
        ["Hm, yes.", "Yes.", "t1", "look", "{}", "More."]
    );
    let called: Vec<_> = all.called().map(|called| (called.id.text(), called.name.text())).collect();
    assert_eq!(called, [("t1", "look")]);
    let reasoning = filled(Observe::Reasoning);
    let expected = [(TextKind::Reasoning, 0, "Hm, yes.".to_owned()), (TextKind::Reasoning, 3, "More.".to_owned())];
    assert_eq!(told(&reasoning), expected);
    assert_eq!(told(&filled(Observe::Metadata)), []);
    assert_eq!(told(&filled(Observe::Nothing)), []);
}

#[test]
fn a_stricter_policy_drops_what_it_does_not_allow() {
    let mut text = filled(Observe::Everything);
    text.asked(b"{}");
    text.limit(Observe::Reasoning);
    assert_eq!(told(&text), told(&filled(Observe::Reasoning)));
    assert!(text.bodies()[0].is_none() && text.called().next().is_none());
    text.limit(Observe::Metadata);
    text.push(Observe::Everything, &piece(TextKind::Content, 4, "late"));
    text.sent(b"late");
    assert!(text.is_closed() && told(&text).is_empty() && text.bodies()[1].is_none());
}

#[test]
fn a_viewer_reads_on_from_where_it_was() {
    let mut text = ObservedText::default();
    let mut cursor = text.cursor();
    assert_eq!(read(&text, &mut cursor, 100), (String::new(), 0));
    text.push(Observe::Everything, &piece(TextKind::Reasoning, 0, "abc"));
    assert_eq!(read(&text, &mut cursor, 2), ("ab".to_owned(), 0), "no more than it may be told at once");
    text.push(Observe::Everything, &piece(TextKind::Reasoning, 0, "dé"));
    text.push(Observe::Everything, &piece(TextKind::Content, 1, "fg"));
    assert_eq!(read(&text, &mut cursor, 100), ("cdéfg".to_owned(), 0));
    assert_eq!(read(&text, &mut cursor, 100), (String::new(), 0));
    text.push(Observe::Everything, &piece(TextKind::Content, 1, "h"));
    assert_eq!(read(&text, &mut cursor, 100), ("h".to_owned(), 0));
    let behind = text.cursor();
    assert_eq!(cursor, behind);
}

#[test]
fn a_viewer_that_lags_is_told_how_much_it_missed() {
    let mut text = ObservedText::default();
    let mut cursor = text.cursor();
    let whole = "0123456789abcdef".repeat(KEPT / 4);
    for part in whole.as_bytes().chunks(100) {
        text.push(Observe::Everything, &piece(TextKind::Content, 0, std::str::from_utf8(part).unwrap()));
    }
    let (joined, lost) = read(&text, &mut cursor, usize::MAX);
    assert!(whole.ends_with(&joined) && lost as usize + joined.len() == whole.len(), "{lost}");
    for number in 0..10_000 {
        text.push(Observe::Everything, &piece(TextKind::Content, number, "x"));
    }
    let (joined, lost) = read(&text, &mut cursor, usize::MAX);
    assert!(joined.len() == MOST_RUNS && lost > 5000, "{} {lost}", joined.len());
}

#[test]
fn its_memory_is_bounded_whatever_a_model_says() {
    let mut text = ObservedText::default();
    let kinds = [TextKind::Reasoning, TextKind::Content, TextKind::CallName, TextKind::CallId, TextKind::Error];
    for number in 0..50_000_u32 {
        let kind = kinds[number as usize % kinds.len()];
        text.push(Observe::Everything, &piece(kind, number, &"name".repeat(100)));
    }
    text.asked(&vec![b'x'; 1 << 20]);
    text.sent(&vec![b'x'; 1 << 20]);
    assert!(text.room() < 1 << 20, "{}", text.room());
    assert_eq!(text.bodies().map(|body| body.unwrap().cut), [(1 << 20) - KEPT; 2]);
}
