//! The words of a text, and its tokens.

/// The words, in small letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Four letters are a token.
pub(super) fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}
