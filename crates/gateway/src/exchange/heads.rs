//! The heads of what a client is told.

use aquifer_translate::Fault;
use aquifer_translate::dialect::openai_chat::error;
use aquifer_translate::fault::MistakeKind;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// The most warnings that a head names, and the most characters of each.
const MOST_WARNINGS: usize = 16;
const LONGEST_WARNING: usize = 400;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const WARNING: HeaderName = HeaderName::from_static("x-aquifer-warning");

/// The head of a stream: nobody on the way may keep or gather it.
pub(super) fn stream(id: &str, warnings: &HeaderMap) -> HeaderMap {
    let mut headers = warnings.clone();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    name(&mut headers, id);
    headers
}

/// Names warnings in a head.
pub(super) fn warn(headers: &mut HeaderMap, warnings: &[String]) {
    for value in warnings.iter().take(MOST_WARNINGS).filter_map(|warning| visible(warning)) {
        headers.append(WARNING, value);
    }
}

/// The head of an answer that is one JSON object.
pub(super) fn json(id: &str, warnings: &HeaderMap) -> HeaderMap {
    let mut headers = warnings.clone();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    name(&mut headers, id);
    headers
}

/// The answer to a request for which no exchange was begun: a body that is too long or comes too slowly.
#[must_use]
pub fn refusal(fault: &Fault) -> (StatusCode, HeaderMap, Bytes) {
    let told = error::told(fault);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = told.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110, 11.6.1: a 401 says how to authenticate.
    if matches!(fault, Fault::ClientMistaken(mistake) if mistake.kind == MistakeKind::Unauthorized) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"aquifer\""));
    }
    let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, Bytes::from(told.body))
}

fn name(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// A header holds visible ASCII only; other characters of a field's name become `?`.
fn visible(text: &str) -> Option<HeaderValue> {
    let ascii = |letter: char| if letter == ' ' || letter.is_ascii_graphic() { letter } else { '?' };
    HeaderValue::from_str(&text.chars().take(LONGEST_WARNING).map(ascii).collect::<String>()).ok()
}
