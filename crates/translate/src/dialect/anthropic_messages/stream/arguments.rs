//! The arguments of a call as they come in pieces: what a model left open is closed, so that a client can read them.

use crate::model::text::Text;
use serde::de::IgnoredAny;

/// The arguments of one call so far, still escaped as in the pieces.
#[derive(Default)]
pub(super) struct Arguments {
    said: String,
}

impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arguments({} bytes)", self.said.len())
    }
}

/// Longer arguments are not looked at, in bytes: a model's longest answer is far below.
const MOST: usize = 8 << 20;
/// Tokens of JSON that may be missing where the arguments were cut, before open brackets are closed.
const MISSING: [&str; 7] = ["", "null", ":null", "\"", "\":null", "\"\":null", "0"];
/// Literals of JSON that may have been cut.
const WORDS: [&str; 3] = ["true", "false", "null"];

impl Arguments {
    /// More of them.
    pub(super) fn take(&mut self, piece: &Text<'_>) {
        if self.said.len() <= MOST {
            self.said.push_str(piece.as_escaped());
        }
    }

    /// Ends them: what must still be said to make them JSON, if anything.
    pub(super) fn end(&mut self) -> Option<String> {
        let said = Text::from_escaped(std::mem::take(&mut self.said)).plain().into_owned();
        if said.len() > MOST || said.trim().is_empty() || is_json(&said) {
            return None;
        }
        let closing = closing(&said);
        let tried = MISSING.iter().map(|missing| (*missing).to_owned()).chain(rest_of_word(&said));
        let with_escape = tried.flat_map(|missing| [missing.clone(), format!("\\{missing}")]);
        let mut candidates = with_escape.map(|missing| missing + &closing);
        candidates.find(|end| is_json(&format!("{said}{end}")))
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The rest of a literal that was cut at the end.
fn rest_of_word(said: &str) -> impl Iterator<Item = String> {
    let letters = said.bytes().rev().take_while(u8::is_ascii_lowercase).count();
    let begun = said.get(said.len() - letters..).unwrap_or_default();
    let rests = WORDS.iter().filter_map(move |word| word.strip_prefix(begun).filter(|_| !begun.is_empty()));
    rests.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The closing brackets of the arrays and objects that are open, outside strings.
fn closing(said: &str) -> String {
    let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
    for letter in said.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(plain: &str) -> Option<String> {
        let mut arguments = Arguments::default();
        arguments.take(&Text::from_plain(plain.to_owned()));
        arguments.end()
    }

    #[test]
    fn arguments_that_were_cut_anywhere_are_closed() {
        let whole = r#"{"a": [1, {"b": "x\ny\"z"}, true, false, null], "c": -1.5e3, "d": ""}"#;
        assert_eq!(ended(whole), None);
        for at in 1..whole.len() {
            let cut = &whole[..at];
            let Some(rest) = ended(cut) else { panic!("{cut} is not closed") };
            assert!(is_json(&format!("{cut}{rest}")), "{cut}{rest}");
        }
    }

    #[test]
    fn none_at_all_stay_none_and_what_is_no_json_stays_as_it_is() {
        assert_eq!((ended(""), ended(" ")), (None, None));
        assert_eq!(ended("{'a': 1}"), None);
        assert_eq!(ended("{}}"), None);
    }
}
