//! Letters that are written as two escapes, of which one may come in the next piece.

use crate::model::text::Text;

/// The first half of a surrogate pair (`\ud83e`) at the end of a piece, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Halves {
    half: Option<String>,
}

impl Halves {
    /// Unescapes the next piece, without half of a pair at its end.
    pub(super) fn plain(&mut self, piece: &Text<'_>) -> String {
        let whole = self.half.take().map(|half| half + piece.as_escaped());
        let mut escaped = whole.as_deref().unwrap_or(piece.as_escaped());
        if let Some(at) = half_pair(escaped) {
            let (before, half) = escaped.split_at(at);
            (escaped, self.half) = (before, Some(half.to_owned()));
        }
        Text::from_escaped(escaped).plain().into_owned()
    }

    /// Gives the half of a pair whose other half never came.
    pub(super) fn rest(&mut self) -> String {
        self.half.take().map(|half| Text::from_escaped(half).plain().into_owned()).unwrap_or_default()
    }
}

/// The position of an escape at the text's end that is the first half of a surrogate pair.
fn half_pair(escaped: &str) -> Option<usize> {
    let at = escaped.len().checked_sub(6)?;
    let (before, last) = (escaped.get(..at)?, escaped.get(at..)?.to_ascii_lowercase());
    let high = last.strip_prefix("\\ud").and_then(|rest| rest.chars().next());
    let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
    (matches!(high, Some('8' | '9' | 'a' | 'b')) && backslashes.is_multiple_of(2)).then_some(at)
}
