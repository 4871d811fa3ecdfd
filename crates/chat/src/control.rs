//! Control characters, which a model must not send to a terminal.

use std::borrow::Cow;

/// A text without control characters but tab and newline, and without overrides of the writing direction: nobody's
/// answer sets the window's title, the clipboard, or what a line seems to say.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_control) {
        Cow::Owned(text.chars().filter(|letter| !is_control(*letter)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_control(letter: char) -> bool {
    match letter {
        '\t' | '\n' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => letter.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_speak_to_the_terminal() {
        assert_eq!(clean("a\x1b]0;title\x07b\u{9b}31mc\u{202e}d\r\n\te"), "a]0;titleb31mcd\n\te");
        assert!(matches!(clean("plain ü 思"), Cow::Borrowed(_)));
    }
}
