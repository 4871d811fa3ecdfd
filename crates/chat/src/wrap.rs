//! Lines as a terminal has room for them.

use unicode_width::UnicodeWidthChar;

/// The last rows of a text, each at most `width` columns wide.
pub(crate) fn tail(text: &str, width: usize, rows: usize) -> Vec<String> {
    let width = width.max(1);
    // No row holds more letters than twice its columns but for marks without a width, so the end of the text is enough.
    let most = (rows + 1) * width * 2;
    let letters = text.chars().count();
    let end: String = text.chars().skip(letters.saturating_sub(most)).collect();
    let mut wrapped: Vec<String> = end.split('\n').flat_map(|line| rows_of(line, width)).collect();
    wrapped.drain(..wrapped.len().saturating_sub(rows));
    wrapped
}

fn rows_of(line: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for letter in line.chars() {
        let letter = if letter == '\t' { ' ' } else { letter };
        let wide = letter.width().unwrap_or_default();
        if used + wide > width {
            rows.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(row) = rows.last_mut() {
            row.push(letter);
        }
    }
    rows
}

/// The columns of a line.
pub(crate) fn columns(line: &str) -> usize {
    line.chars().map(|letter| letter.width().unwrap_or_default()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rows_fit() {
        assert_eq!(tail("abcdef\ngh", 4, 3), ["abcd", "ef", "gh"]);
        assert_eq!(tail("abcdef\ngh", 4, 2), ["ef", "gh"]);
        assert_eq!(tail("思考思考", 4, 9), ["思考", "思考"]);
        assert_eq!(tail("", 4, 9), [""]);
    }
}
