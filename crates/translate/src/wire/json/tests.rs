//! The same verdict as serde_json on every text, and the same values.

use super::*;
use serde::de::IgnoredAny;

/// What serde_json makes of a text, member by member, compared with what was noted.
fn same(value: Value<'_, '_>, theirs: &serde_json::Value) {
    match theirs {
        serde_json::Value::Object(object) => {
            let members: Vec<_> = value.members().collect();
            for (name, value) in &members {
                let name = name.plain().unwrap();
                // Of a name that comes twice they keep the last.
                let last = members.iter().rfind(|(other, _)| other.plain().as_ref() == Some(&name));
                if last.is_some_and(|(_, last)| last.at == value.at) {
                    same(*value, &object[name.as_ref()]);
                }
            }
            assert!(object.len() <= members.len());
        }
        serde_json::Value::Array(list) => {
            let items: Vec<_> = value.items().collect();
            assert_eq!(items.len(), list.len());
            items.into_iter().zip(list).for_each(|(ours, theirs)| same(ours, theirs));
        }
        serde_json::Value::String(string) => assert_eq!(value.plain().as_deref(), Some(string.as_str())),
        other => assert_eq!(serde_json::from_str::<serde_json::Value>(value.raw()).ok().as_ref(), Some(other)),
    }
}

fn agrees(text: &str) {
    let document = Document::read(text);
    assert_eq!(document.is_some(), serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text:?}");
    let (Some(document), Ok(theirs)) = (document, serde_json::from_str::<serde_json::Value>(text)) else { return };
    assert_eq!(document.top().raw(), text.trim_matches([' ', '\n', '\r', '\t']));
    if document.deepest() < NOTED {
        same(document.top(), &theirs);
    }
}

/// One text between each two bars.
const TEXTS: &str = concat!(
    "| |{|}|[|]|{}|[]|[ ]|{ }| {} |{}{}|[,]|[1,]|[1 2]|{,}|{\"a\"}|{\"a\":}|{\"a\":1,}|{\"a\" : 1 , \"a\":[2]}|{a:1}|{1:1}|[}|{]|",
    "[{]}|\u{feff}{}|\u{c}{}|0|-0|-|01|-01|1.|1.5|.5|+1|1e|1e5|1E+5|1e-05|1e+|1.e5|-1.0e10x|00|true|tru|truely|false|null|nul|",
    "nulls|NaN|\"|\"\"|\"a|\"\\\"|\"\\|\"\\a\"|\"\\u12\"|\"\\u12g4\"|\"\\u1234\"|\"\\ud83d\"|\"\\ud83d\\ude00\"|\"a\nb\"|\"a\tb\"|",
    "\"\u{7f}é🦀\"|{\"\\u0061\":\"\\/\\b\\f\\n\\r\\t\\\\\"}|[[[[]],{}],[{\"a\":[]}]]|'a'|[1]]|{\"a\":{\"b\":{}}}}|// a",
);

#[test]
fn texts_of_every_kind_are_judged_as_serde_json_does() {
    TEXTS.split('|').for_each(agrees);
}

#[test]
fn generated_texts_are_judged_as_serde_json_does() {
    const PIECES: [&str; 30] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        "\\",
        "\\n",
        "\\u0041",
        "\\ud83d",
        "1",
        "-1.5e3",
        "0",
        ".",
        "e",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "\t",
        "é",
        "x",
        "\"text of more than thirty-two bytes, to be sure of it\"",
        "[]",
        "{}",
        "\u{1}",
    ];
    arbtest::arbtest(|u| {
        let count = u.int_in_range(0..=40)?;
        let text = (0..count).map(|_| u.choose(&PIECES).copied()).collect::<Result<String, _>>()?;
        agrees(&text);
        Ok(())
    })
    .budget_ms(1000);
}

#[test]
fn damaged_documents_are_judged_as_serde_json_does() {
    let whole = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"é\n\"quoted\""}]}],"n":[1,-2.5e3,
        true,null,{"a":{},"b":[]}],"long":"a text of more than ninety-six bytes, so that all three ways of looking at a
        string are gone, which is \\ where it would go wrong"}"#;
    agrees(whole);
    arbtest::arbtest(|u| {
        let mut text = whole.replace("\n        ", " ").into_bytes();
        for _ in 0..u.int_in_range(0..=3)? {
            let at = u.choose_index(text.len())?;
            match u.int_in_range(0..=2)? {
                0 => text[at] = u.arbitrary()?,
                1 => drop(text.remove(at)),
                _ => text.insert(at, *u.choose(b"{}[]\",:\\ 0e-.\n")?),
            }
        }
        if let Ok(text) = std::str::from_utf8(&text) {
            agrees(text);
        }
        Ok(())
    })
    .budget_ms(1000);
}

#[test]
fn what_ends_the_plain_part_of_a_string_is_found_wherever_it_stands() {
    for special in [b'"', b'\\', 0, 0x1f] {
        for length in 0..200 {
            let mut bytes = vec![b'\xc3'; length];
            assert_eq!(plain(&bytes), length);
            for at in 0..length {
                bytes[at] = special;
                assert_eq!(plain(&bytes), at);
                bytes[at] = b' ';
            }
        }
    }
}

#[test]
fn a_plain_text_has_nothing_special_wherever_it_would_stand() {
    for length in 0..70 {
        let mut bytes = vec![b'a'; length];
        assert!(is_plain_ascii(&bytes));
        for at in 0..length {
            for special in [b'"', b'\\', 0, 0x1f, 0x80, 0xff] {
                bytes[at] = special;
                assert!(!is_plain_ascii(&bytes), "{special} at {at} of {length}");
            }
            for plain in [b' ', b'!', 0x7f] {
                bytes[at] = plain;
                assert!(is_plain_ascii(&bytes), "{plain} at {at} of {length}");
            }
        }
    }
}

#[test]
fn what_lies_deep_is_checked_and_not_noted() {
    let nested = |depth: usize, inside: &str| format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth));
    let step = |value: Value<'_, '_>| value.items().next().map(|item| item.at);
    for depth in [NOTED - 1, NOTED, NOTED + 1, 5000] {
        let text = nested(depth, "1");
        let document = Document::read(&text).unwrap();
        assert_eq!(document.deepest(), depth);
        let mut value = document.top();
        while let Some(at) = step(value) {
            value = Value { at, ..value };
        }
        assert_eq!(value.is_unnoted(), depth >= NOTED);
        assert!(Document::read(&nested(depth, "1,")).is_none());
    }
}
