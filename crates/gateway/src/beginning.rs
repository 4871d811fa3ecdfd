//! Words of others in messages of ours: no longer than a message can bear.

/// The first letters of a text, at most so many.
pub(crate) fn of(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}
