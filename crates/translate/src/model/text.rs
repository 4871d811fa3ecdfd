//! JSON strings that travel as they came: still escaped, without their quotes.

use crate::wire::slice::Slice as _;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;

/// The inside of a JSON string, still escaped.
///
/// What a peer escaped, the other side can read as it is, so nothing is unescaped or escaped on the way.
/// Its `Debug` shows only the length: a text is somebody's content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Takes the string that `raw` is; `None` when it is some other JSON value.
    #[must_use]
    pub fn from_raw(raw: &'a RawValue) -> Option<Self> {
        let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(Cow::Borrowed(inside)))
    }

    /// Takes what is already escaped; the caller vouches for it.
    #[must_use]
    pub fn from_escaped(escaped: impl Into<Cow<'a, str>>) -> Self {
        Self(escaped.into())
    }

    /// Escapes a plain string.
    #[must_use]
    pub fn from_plain(plain: impl Into<Cow<'a, str>>) -> Self {
        let plain = plain.into();
        // Without a branch for each byte, many are looked at together.
        if plain.bytes().fold(false, |any, byte| any | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
            let quoted = serde_json::Value::String(plain.into_owned()).to_string();
            let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            debug_assert!(inside.is_some(), "a string without its quotes");
            Self(Cow::Owned(inside.unwrap_or_default().to_owned()))
        } else {
            Self(plain)
        }
    }

    /// As it stands between the quotes.
    #[must_use]
    pub fn as_escaped(&self) -> &str {
        &self.0
    }

    /// Appends another text; many small ones take time for their own length only.
    pub fn append(&mut self, more: &Text<'_>) {
        self.0.to_mut().push_str(&more.0);
    }

    /// The unescaped text. A half of a surrogate pair, which no string can hold, becomes U+FFFD.
    #[must_use]
    pub fn plain(&self) -> Cow<'_, str> {
        if self.0.contains('\\') { Cow::Owned(unescaped(&self.0)) } else { Cow::Borrowed(&self.0) }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing but white space is in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let mut rest = self.0.trim_start();
        while rest.starts_with('\\') {
            let (unit, length) = one_escape(rest);
            if !unit.is_whitespace() {
                return false;
            }
            rest = rest.behind(length).trim_start();
        }
        rest.is_empty()
    }

    /// Takes the text without its white space into a hash: the same however the text is cut into several.
    pub(crate) fn hash_words(&self, hasher: &mut impl Hasher) {
        let text = self.plain();
        if !text.is_ascii() {
            let white = |letter: char| letter <= ' ' || letter.is_whitespace();
            return text.split(white).for_each(|word| hasher.write(word.as_bytes()));
        }
        // Words are short, and each write has its price: they are put together first, eight bytes at a time.
        let mut packed = [0; PACKED + 8];
        let mut length = 0;
        let mut rest = text.as_bytes();
        while let Some((word, behind)) = rest.split_first_chunk::<8>() {
            let (kept, taken) = word_and_space(*word);
            if let Some(room) = packed.get_mut(length..length + 8) {
                room.copy_from_slice(word);
            }
            length += kept;
            rest = if taken == 8 { behind } else { rest.behind(taken) };
            if length > PACKED {
                hasher.write(packed.upto(length));
                length = 0;
            }
        }
        hasher.write(packed.upto(length));
        rest.split(|byte| *byte <= b' ').filter(|word| !word.is_empty()).for_each(|word| hasher.write(word));
    }

    /// The same text, owned.
    #[must_use]
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// The same text, borrowed from this one.
    #[must_use]
    pub fn borrowed(&self) -> Text<'_> {
        Text(Cow::Borrowed(&self.0))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// The bytes of words that are put together before they are taken into a hash.
const PACKED: usize = 256;

/// The number of bytes before the first white space of eight bytes, and the number with it. Control characters count as
/// white space.
fn word_and_space(bytes: [u8; 8]) -> (usize, usize) {
    let word = u64::from_le_bytes(bytes);
    // The highest bit of each byte up to 0x20; a borrow reaches only bytes behind the first of these.
    let spaces = word.wrapping_sub(u64::from_ne_bytes([0x21; 8])) & !word & u64::from_ne_bytes([0x80; 8]);
    match spaces {
        0 => (8, 8),
        _ => (spaces.trailing_zeros() as usize / 8, spaces.trailing_zeros() as usize / 8 + 1),
    }
}

fn unescaped(escaped: &str) -> String {
    let whole: Result<String, _> = serde_json::from_str(&format!("\"{escaped}\""));
    whole.unwrap_or_else(|_| leniently_unescaped(escaped))
}

/// For texts with a lone surrogate: JSON's grammar has them, Rust's strings do not.
fn leniently_unescaped(escaped: &str) -> String {
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        plain.push_str(rest.upto(at));
        let (unit, length) = one_escape(rest.behind(at));
        plain.push(unit);
        rest = rest.behind(at + length);
    }
    plain.push_str(rest);
    plain
}

/// The character that an escape stands for, and the escape's length in bytes.
fn one_escape(escape: &str) -> (char, usize) {
    let quoted = |length: usize| {
        let piece = escape.get(..length)?;
        serde_json::from_str::<char>(&format!("\"{piece}\"")).ok().map(|unit| (unit, length))
    };
    let unicode = escape.as_bytes().get(1) == Some(&b'u');
    let lengths: &[usize] = if unicode { &[6, 12] } else { &[2] };
    let lone = (char::REPLACEMENT_CHARACTER, if unicode { 6 } else { 2 });
    lengths.iter().find_map(|length| quoted(*length)).unwrap_or(lone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_strings_come_back_as_they_were() {
        for plain in ["", "hello", "a \"b\" \\ c", "line\nbreak\ttab", "\u{1f}", "é 🦀 \u{2028}"] {
            let text = Text::from_plain(plain);
            assert_eq!(text.plain(), plain);
            let json = format!("\"{}\"", text.as_escaped());
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), plain);
        }
    }

    #[test]
    fn raw_strings_keep_their_escapes() {
        let raw: &RawValue = serde_json::from_str(r#""\u00e9\/\n""#).unwrap();
        let text = Text::from_raw(raw).unwrap();
        assert_eq!(text.as_escaped(), r"\u00e9\/\n");
        assert_eq!(text.plain(), "é/\n");
        let number: &RawValue = serde_json::from_str("1").unwrap();
        assert!(Text::from_raw(number).is_none());
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_are_not() {
        assert_eq!(Text::from_escaped(r"a\ud83db\n").plain(), "a\u{fffd}b\n");
        assert_eq!(Text::from_escaped(r"\ud83e\udd80\udc00x").plain(), "🦀\u{fffd}x");
    }

    #[test]
    fn blank_is_white_space_however_it_is_written() {
        assert!(Text::from_escaped(r" \n\t\u0020").is_blank());
        assert!(!Text::from_escaped(r" \n.").is_blank());
        assert!(!Text::from_escaped(r" \n\\").is_blank());
        assert!(!Text::from_escaped(r"\ud83e").is_blank());
    }

    #[test]
    fn words_count_the_same_however_a_text_is_cut_and_written() {
        let hash = |pieces: &[&str]| {
            let mut hasher = std::hash::DefaultHasher::new();
            pieces.iter().for_each(|piece| Text::from_escaped(*piece).hash_words(&mut hasher));
            hasher.finish()
        };
        let long = "some words ".repeat(100);
        assert_eq!(hash(&[&long]), hash(&[&long[..300], &long[300..]]));
        assert_eq!(hash(&[r"a\tb\u000bc d"]), hash(&["a b", "cd"]));
        assert_eq!(hash(&["ab \u{2003} é"]), hash(&["a", "bé"]));
        assert_ne!(hash(&["ab"]), hash(&["ba"]));
    }

    #[test]
    fn words_that_are_put_together_are_those_of_the_text() {
        arbtest::arbtest(|u| {
            let letters = [b'a', b'Z', b'~', b'0', b' ', b'\t', b'\r', 0x1f, b' ', b'x'];
            let length = u.int_in_range(0..=900)?;
            let text: Vec<u8> = (0..length).map(|_| u.choose(&letters).copied()).collect::<Result<_, _>>()?;
            let (mut packed, mut plain) = (Written::default(), Written::default());
            Text::from_plain(String::from_utf8(text.clone()).unwrap()).hash_words(&mut packed);
            text.split(|byte| *byte <= b' ').for_each(|word| plain.write(word));
            assert_eq!(packed.0, plain.0);
            Ok(())
        });
    }

    /// A hasher that keeps what it takes.
    #[derive(Default)]
    struct Written(Vec<u8>);

    impl Hasher for Written {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Text::from_plain("secret")), "Text(6 bytes)");
    }
}
