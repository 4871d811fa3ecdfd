//! Names and ids that Bedrock takes, made from those that a client chose.

use crate::catalogue::{CallIds, Entry};
use crate::model::call_id::fingerprint;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name of a tool, and the longest id of a call (Converse, `ToolSpecification`, `ToolUseBlock`).
const LONGEST: usize = 64;

/// The length of a call's id where a vendor wants it so.
const NINE: usize = 9;

/// The tools' names and the calls' ids as sent, where they are not the client's own.
#[derive(Clone, Debug, Default)]
pub struct ToolNames {
    sent: BTreeMap<String, String>,
    /// The model takes no `-` in them.
    no_hyphens: bool,
}

impl ToolNames {
    /// The client's own name for a tool that Bedrock names, or its own id of a call.
    #[must_use]
    pub fn restore<'n>(&'n self, sent: &'n str) -> &'n str {
        self.sent.get(sent).map_or(sent, String::as_str)
    }

    /// The names for a model that takes `-` in them, or does not.
    pub(super) fn with(hyphens: bool) -> Self {
        Self { no_hyphens: !hyphens, ..Self::default() }
    }

    /// Each tool's name as sent, with the client's own.
    pub fn pairs<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = (String, String)> {
        names.map(|name| (Self::default().send(name).into_owned(), name.to_owned()))
    }

    /// The name to send; remembered, when it is another.
    pub(in crate::bedrock) fn send<'n>(&mut self, name: &'n str) -> Cow<'n, str> {
        let hyphens = !self.no_hyphens;
        let sent = fitting(name, |letter| letter.is_ascii_alphanumeric() || letter == '_' || hyphens && letter == '-');
        if let Cow::Owned(changed) = &sent {
            self.sent.insert(changed.clone(), name.to_owned());
        }
        sent
    }

    /// The id of a call to send; remembered, when it is another.
    pub(in crate::bedrock) fn send_id<'n>(&mut self, id: &'n str, entry: &Entry) -> Cow<'n, str> {
        let sent = call_id(id, entry);
        if let Cow::Owned(changed) = &sent {
            self.sent.insert(changed.clone(), id.to_owned());
        }
        sent
    }
}

/// The id of a tool's call to send. Calls and results are changed alike, so they still belong together.
pub(super) fn call_id<'n>(id: &'n str, entry: &Entry) -> Cow<'n, str> {
    if entry.call_ids == CallIds::Nine {
        let fits = id.len() == NINE && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return if fits { Cow::Borrowed(id) } else { Cow::Owned(nine(id)) };
    }
    fitting(id, |letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':'))
}

/// Nine letters or digits made from an id.
fn nine(id: &str) -> String {
    const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut rest = fingerprint(id);
    let mut letter = || {
        let at = rest % 62;
        rest /= 62;
        LETTERS.get(at as usize).copied().map_or('0', char::from)
    };
    std::iter::repeat_with(&mut letter).take(NINE).collect()
}

/// `name` itself if it may be sent; else its letters that may, with a number made from all of it, so that two
/// different names stay different.
fn fitting(name: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    if (1..=LONGEST).contains(&name.len()) && name.chars().all(&allowed) {
        return Cow::Borrowed(name);
    }
    let kept = name.chars().map(|letter| if allowed(letter) { letter } else { '_' }).take(LONGEST - 17);
    Cow::Owned(format!("{}_{:016x}", kept.collect::<String>(), fingerprint(name)))
}

/// The names of a request's documents, all different.
#[derive(Debug, Default)]
pub(super) struct DocumentNames {
    taken: BTreeSet<String>,
    /// The last number behind each stem, so that none is tried twice.
    numbers: BTreeMap<String, u32>,
}

impl DocumentNames {
    /// The name to send for one more document.
    pub(super) fn send(&mut self, name: Option<&str>) -> String {
        let stem = document_stem(name);
        if self.taken.insert(stem.clone()) {
            return stem;
        }
        let number = self.numbers.entry(stem.clone()).or_insert(1);
        loop {
            *number += 1;
            let unique = format!("{stem} {number}");
            if self.taken.insert(unique.clone()) {
                return unique;
            }
        }
    }
}

/// A document's name: letters, digits, single spaces, `-()[]`, at most 200 (Converse, `DocumentBlock`).
fn document_stem(name: Option<&str>) -> String {
    let stem = name.map_or("", |name| name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let mut plain = String::new();
    for letter in stem.chars() {
        let fit = letter.is_ascii_alphanumeric() || matches!(letter, '-' | '(' | ')' | '[' | ']');
        if fit {
            plain.push(letter);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain.truncate(190);
    if plain.trim().is_empty() { "document".to_owned() } else { plain.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn names_that_fit_stay_and_others_come_back() {
        let mut names = ToolNames::default();
        assert_eq!(names.send("get_weather-2"), "get_weather-2");
        for name in ["mcp.server/tool", "wetter übermorgen", &"x".repeat(65), ""] {
            let sent = names.send(name).into_owned();
            assert!((1..=64).contains(&sent.len()), "{sent}");
            assert!(sent.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'));
            assert_eq!(names.restore(&sent), name);
        }
        assert_ne!(names.send("a.b").into_owned(), names.send("a/b").into_owned());
        assert_eq!(names.restore("get_weather-2"), "get_weather-2");
    }

    #[test]
    fn hyphens_go_where_they_are_not_taken() {
        let mut names = ToolNames::with(false);
        let sent = names.send("get-weather").into_owned();
        assert!(!sent.contains('-') && sent.starts_with("get_weather_"), "{sent}");
        assert_eq!(names.restore(&sent), "get-weather");
        assert_eq!(names.send("get_weather"), "get_weather");
    }

    #[test]
    fn ids_keep_dots_and_colons() {
        let any = Catalogue::builtin().lookup("amazon.nova-lite-v1:0");
        assert_eq!(call_id("functions.glob_search:0", any), "functions.glob_search:0");
        assert_eq!(call_id("call|1", any), call_id("call|1", any));
        assert!(call_id(&"i".repeat(200), any).len() <= 64);
    }

    #[test]
    fn ids_of_nine_letters_are_made_of_all_of_an_id() {
        let nine = Catalogue::builtin().lookup("mistral.mistral-large-2407-v1:0");
        assert_eq!(call_id("aB3dE6gH9", nine), "aB3dE6gH9");
        let mut names = ToolNames::default();
        for id in ["call_1", "call_2", "", "abcdefgh", "abcdefghi0", "abcd-fghi", "tooluse_äöü"] {
            let sent = names.send_id(id, nine).into_owned();
            assert!(sent.len() == 9 && sent.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}: {sent}");
            assert_eq!(names.restore(&sent), id);
        }
        assert_ne!(call_id("call_1", nine), call_id("call_2", nine));
    }

    #[test]
    fn documents_have_plain_and_different_names() {
        let mut names = DocumentNames::default();
        assert_eq!(names.send(Some("Q3 report_(final).pdf")), "Q3 report (final)");
        assert_eq!(names.send(Some("Q3 report_(final).pdf")), "Q3 report (final) 2");
        assert_eq!(names.send(Some("…")), "document");
        assert_eq!(names.send(None), "document 2");
    }

    #[test]
    fn a_documents_number_passes_over_those_that_are_taken() {
        let mut names = DocumentNames::default();
        for (name, sent) in [("a 2", "a 2"), ("a 3", "a 3"), ("a", "a"), ("a", "a 4"), ("a 4", "a 4 2"), ("a", "a 5")] {
            assert_eq!(names.send(Some(name)), sent);
        }
    }
}
