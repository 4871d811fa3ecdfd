//! Marks on signatures and on redacted reasoning, by which it is known whose they are when a client sends them back.
//!
//! Anthropic's blocks have no member for such a mark, and to every client a signature is opaque: so it stands behind the
//! signature itself, after a character that base64 does not have. What goes to a model has none.

use crate::model::issuer::{Issuer, Mark};
use crate::model::text::Text;

/// The separator between a seal and its mark.
const BETWEEN: char = '~';
/// The digits of a mark.
const DIGITS: usize = 16;

/// A seal with the mark of who made it.
#[must_use]
pub fn marked(seal: &Text<'_>, mark: Option<Mark>) -> String {
    let seal = seal.as_escaped();
    match mark {
        Some(Mark { model, backend }) => format!("{seal}{BETWEEN}{model:08x}{backend:08x}"),
        None => seal.to_owned(),
    }
}

/// A seal as its model made it, and what is known of who that was. A seal without a mark is given back as it is.
#[must_use]
pub fn unmarked(seal: Text<'_>) -> (Text<'_>, Issuer) {
    match parted(seal.as_escaped()) {
        (_, Issuer { mark: None, .. }) => (seal, Issuer::default()),
        (made, issuer) => (Text::from_escaped(made.to_owned()), issuer),
    }
}

/// A seal without its mark, still escaped; the rest as [`unmarked`].
#[must_use]
pub fn parted(seal: &str) -> (&str, Issuer) {
    let Some((made, mark)) = split(seal) else { return (seal, Issuer::default()) };
    (made, Issuer { mark: Some(mark), ..Issuer::default() })
}

fn split(seal: &str) -> Option<(&str, Mark)> {
    let (made, digits) = seal.rsplit_once(BETWEEN)?;
    if digits.len() != DIGITS || made.is_empty() {
        return None;
    }
    let (model, backend) = digits.split_at_checked(DIGITS / 2)?;
    let number = |digits: &str| {
        let plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    Some((made, Mark { model: number(model)?, backend: number(backend)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_off_as_it_went_on() {
        let mark = Mark::of("anthropic.claude-opus-4-8", "default/bedrock");
        let seal = Text::from_escaped("EpMC+/=\\/");
        let (made, issuer) = unmarked(Text::from_escaped(marked(&seal, Some(mark))));
        assert_eq!((made, issuer.mark), (seal, Some(mark)));
    }

    #[test]
    fn what_has_no_mark_stays_as_it_is() {
        for seal in
            ["EpMC", "", "~0123456789abcdef", "a~0123456789abcdeg", "a~0123", "a~+0000000+0000000", "a~ééééééé0"]
        {
            let text = Text::from_escaped(seal);
            assert_eq!(unmarked(text.clone()), (text, Issuer::default()), "{seal}");
        }
        assert_eq!(marked(&Text::from_escaped("a"), None), "a");
    }
}
