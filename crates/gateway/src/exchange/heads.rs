//! Warnings in the heads of what a client is told.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The most warnings that a head names, and the most characters of each.
const MOST_WARNINGS: usize = 16;
const LONGEST_WARNING: usize = 400;
const WARNING: HeaderName = HeaderName::from_static("x-aquifer-warning");

/// Names warnings in a head.
pub(super) fn warn(headers: &mut HeaderMap, warnings: &[String]) {
    for value in warnings.iter().take(MOST_WARNINGS).filter_map(|warning| visible(warning)) {
        headers.append(WARNING, value);
    }
}

/// A header holds visible ASCII only; other characters of a field's name become `?`.
fn visible(text: &str) -> Option<HeaderValue> {
    let ascii = |letter: char| if letter == ' ' || letter.is_ascii_graphic() { letter } else { '?' };
    HeaderValue::from_str(&text.chars().take(LONGEST_WARNING).map(ascii).collect::<String>()).ok()
}
