//! The input of a custom tool: the one text in the model's arguments, found as they come.

use crate::model::text::Text;

/// The member of the model's arguments that holds the text.
const MEMBER: &str = "input";
/// What stands before the text, with white space between.
const OPENING: [&str; 4] = ["{", "\"input\"", ":", "\""];

/// The arguments of one call so far, and how much of its text was given.
#[derive(Default)]
pub(super) struct CustomInput {
    /// The arguments as JSON.
    json: String,
    /// The bytes of it that were looked at.
    seen: usize,
    place: Place,
    /// The latest piece of the text, escaped.
    piece: String,
}

/// Where in the arguments the reading stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the text.
    #[default]
    Before,
    /// Inside it.
    Inside,
    /// Behind it.
    Behind,
    /// The arguments have another form.
    Elsewhere,
}

impl std::fmt::Debug for CustomInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomInput({} bytes)", self.json.len())
    }
}

/// What the arguments begin with.
enum Opening {
    /// Nothing that can be told yet.
    Unsure,
    /// The text, from this byte.
    Text(usize),
    /// Something else.
    Other,
}

impl CustomInput {
    /// Takes more of the arguments; gives more of the text, escaped, if there is any.
    pub(super) fn take(&mut self, arguments: &Text<'_>) -> &str {
        self.json.push_str(&arguments.plain());
        self.piece.clear();
        if self.place == Place::Before {
            match opening(&self.json) {
                Opening::Unsure => {}
                Opening::Text(at) => (self.place, self.seen) = (Place::Inside, at),
                Opening::Other => self.place = Place::Elsewhere,
            }
        }
        if self.place == Place::Inside {
            self.inside();
        }
        &self.piece
    }

    /// Whether all of the text was given.
    pub(super) fn is_whole(&self) -> bool {
        self.place == Place::Behind
    }

    /// Ends the arguments; gives what is still missing of the text: all of it, where it stood elsewhere.
    pub(super) fn end(&mut self) -> Option<Text<'static>> {
        let json = std::mem::take(&mut self.json);
        let place = std::mem::take(&mut self.place);
        self.seen = 0;
        if matches!(place, Place::Inside | Place::Behind) || json.is_empty() {
            return None;
        }
        Some(Text::from_plain(text_in(&json).unwrap_or(json)))
    }

    /// Gives the text up to its end, or up to an escape that is not whole yet.
    fn inside(&mut self) {
        let mut rest = self.json.get(self.seen..).unwrap_or_default();
        while let Some(first) = rest.bytes().next() {
            let length = match first {
                b'"' => {
                    self.place = Place::Behind;
                    break;
                }
                b'\\' => match escape(rest) {
                    Some(length) => {
                        push_escape(&mut self.piece, rest.get(..length).unwrap_or_default());
                        length
                    }
                    None => break,
                },
                0..0x20 => {
                    // No JSON has it so, but some models write it.
                    self.piece.push_str(Text::from_plain(char::from(first).to_string()).as_escaped());
                    1
                }
                _ => {
                    let special = rest.bytes().position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\'));
                    let length = special.unwrap_or(rest.len());
                    self.piece.push_str(rest.get(..length).unwrap_or_default());
                    length
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        self.seen = self.json.len() - rest.len();
    }
}

fn opening(json: &str) -> Opening {
    let mut rest = json;
    for token in OPENING {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        rest = match rest.strip_prefix(token) {
            Some(rest) => rest,
            None if token.starts_with(rest) => return Opening::Unsure,
            None => return Opening::Other,
        };
    }
    Opening::Text(json.len() - rest.len())
}

/// The length of the escape that a text begins with: of a pair of surrogates both; `None` while it is not whole.
fn escape(text: &str) -> Option<usize> {
    let Some(digits) = text.strip_prefix("\\u") else {
        return text.chars().nth(1).map(|letter| 1 + letter.len_utf8());
    };
    let high = match unit(digits) {
        Unit::Whole(high) => high,
        Unit::Begun => return None,
        Unit::Other => return Some(2),
    };
    if !(0xd800..0xdc00).contains(&high) {
        return Some(6);
    }
    let next = text.get(6..).unwrap_or_default();
    match next.strip_prefix("\\u").map(unit) {
        Some(Unit::Whole(0xdc00..0xe000)) => Some(12),
        Some(Unit::Whole(_) | Unit::Other) => Some(6),
        Some(Unit::Begun) => None,
        None => (!"\\u".starts_with(next)).then_some(6),
    }
}

/// The four hexadecimal digits of an escape.
enum Unit {
    Whole(u32),
    /// The text ends within them.
    Begun,
    /// There is something else.
    Other,
}

fn unit(text: &str) -> Unit {
    let count = text.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
    let number = text.get(..count).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match number.filter(|_| count == 4) {
        Some(number) => Unit::Whole(number),
        None if count == text.len() => Unit::Begun,
        None => Unit::Other,
    }
}

/// Appends an escape, if it is one of JSON's; else what it might have meant.
fn push_escape(piece: &mut String, escape: &str) {
    let meant: Result<String, _> = serde_json::from_str(&format!("\"{escape}\""));
    match (meant, escape.strip_prefix("\\u")) {
        (Ok(_), _) => piece.push_str(escape),
        // Half a pair of surrogates, which no string can hold.
        (Err(_), Some(digits)) if !digits.is_empty() => piece.push_str("\\ufffd"),
        (Err(_), _) => piece.push_str(Text::from_plain(escape).as_escaped()),
    }
}

/// The text in arguments of another form: under its name, or the only one.
fn text_in(json: &str) -> Option<String> {
    let said: serde_json::Value = serde_json::from_str(json).ok()?;
    if let Some(text) = said.as_str() {
        return Some(text.to_owned());
    }
    let members = said.as_object()?;
    let only = members.values().next().filter(|_| members.len() == 1);
    members.get(MEMBER).or(only)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of arguments that come in these pieces: what came at once, and what came with the end.
    fn read(pieces: &[&str]) -> (String, Option<String>) {
        let mut input = CustomInput::default();
        let mut said = String::new();
        for piece in pieces {
            said.push_str(input.take(&Text::from_plain((*piece).to_owned())));
        }
        let whole = Text::from_escaped(said).plain().into_owned();
        (whole, input.end().map(|rest| rest.plain().into_owned()))
    }

    #[test]
    fn a_text_is_the_same_however_its_arguments_are_cut() {
        let text = "*** Begin \"Patch\"\n+\ta\\b é 🦀\u{1}";
        for json in [
            serde_json::json!({ "input": text }).to_string(),
            r#" { "input" : "*** Begin \"Patch\"\n+\ta\\b \u00e9 \ud83e\udd80\u0001" } "#.to_owned(),
        ] {
            for at in (0..=json.len()).filter(|at| json.is_char_boundary(*at)) {
                assert_eq!(read(&[&json[..at], &json[at..]]), (text.to_owned(), None), "{at}");
            }
            let letters: Vec<String> = json.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            assert_eq!(read(&letters), (text.to_owned(), None));
        }
    }

    #[test]
    fn a_text_that_was_cut_is_given_as_far_as_it_came() {
        assert_eq!(read(&[r#"{"input":"abc\"#]), ("abc".to_owned(), None));
        assert_eq!(read(&[r#"{"input":"abc\u00"#]), ("abc".to_owned(), None));
    }

    #[test]
    fn arguments_of_another_form_are_given_at_the_end() {
        for (json, text) in [
            (r#"{"why":1,"input":"a\nb"}"#, "a\nb"),
            (r#"{"patch":"a"}"#, "a"),
            (r#""a""#, "a"),
            ("*** Begin Patch", "*** Begin Patch"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            ("{", "{"),
        ] {
            assert_eq!(read(&[json]), (String::new(), Some(text.to_owned())), "{json}");
        }
        assert_eq!(read(&[]), (String::new(), None));
    }

    #[test]
    fn what_is_no_json_becomes_json() {
        for (json, text) in [
            ("{\"input\":\"a\nb\"}", "a\nb"),
            (r#"{"input":"a\xb"}"#, r"a\xb"),
            (r#"{"input":"\ud83e!"}"#, "\u{fffd}!"),
        ] {
            assert_eq!(read(&[json]), (text.to_owned(), None), "{json}");
            let mut input = CustomInput::default();
            let piece = input.take(&Text::from_plain(json)).to_owned();
            assert!(serde_json::from_str::<String>(&format!("\"{piece}\"")).is_ok(), "{piece}");
        }
    }

    #[test]
    fn any_bytes_give_json_and_the_same_however_they_are_cut() {
        arbtest::arbtest(|u| {
            let letters = ['{', '"', 'i', '\\', 'u', 'd', '8', '3', 'e', 'c', '\n', ' ', '}', 'é', '🦀'];
            let mut json = "{\"input\":\"".to_owned();
            for _ in 0..u.int_in_range(0..=20)? {
                json.push(*u.choose(&letters)?);
            }
            let whole = {
                let mut input = CustomInput::default();
                input.take(&Text::from_plain(json.clone())).to_owned()
            };
            assert!(serde_json::from_str::<String>(&format!("\"{whole}\"")).is_ok(), "{whole}");
            let mut input = CustomInput::default();
            let said: String =
                json.chars().map(|letter| input.take(&Text::from_plain(letter.to_string())).to_owned()).collect();
            assert_eq!(said, whole);
            Ok(())
        });
    }
}
