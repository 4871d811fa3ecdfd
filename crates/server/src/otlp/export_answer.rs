//! What a collector answered to an export, by HTTP's status or by gRPC's.

use super::settings::OtlpProtocol;
use aquifer_telemetry::otlp::PartialSuccess;
use http::{HeaderMap, StatusCode, header};
use std::time::Duration;

/// The longest pause that a collector may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest of its words that are logged.
const LONGEST_WORDS: usize = 256;
/// gRPC's statuses of a server that may take the request later.
const RESOURCE_EXHAUSTED: &str = "8";
const UNAVAILABLE: &str = "14";

/// What came of an export.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExportAnswer {
    /// The collector took it, perhaps not all of it.
    Taken(Option<PartialSuccess>),
    /// It may take it later.
    Busy { why: String, after: Option<Duration> },
    /// It will never take it.
    Refused(String),
}

/// An answer as it came.
pub(super) struct RawAnswer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: HeaderMap,
}

impl ExportAnswer {
    /// Reads an answer.
    pub(super) fn of(protocol: OtlpProtocol, raw: &RawAnswer) -> Self {
        match protocol {
            OtlpProtocol::HttpProtobuf => Self::of_http(raw),
            OtlpProtocol::Grpc => Self::of_grpc(raw),
        }
    }

    fn of_http(raw: &RawAnswer) -> Self {
        let why = raw.status.to_string();
        match raw.status.as_u16() {
            200..=299 => Self::Taken(PartialSuccess::read(&raw.body)),
            429 | 502 | 503 | 504 => Self::Busy { why, after: retry_after(&raw.headers) },
            _ => Self::Refused(why),
        }
    }

    fn of_grpc(raw: &RawAnswer) -> Self {
        // An answer without a body has its status in the head.
        let told = |name| [&raw.trailers, &raw.headers].into_iter().find_map(|part| text(part, name));
        match told("grpc-status") {
            // Five bytes stand in front of the message.
            Some("0") => Self::Taken(PartialSuccess::read(raw.body.get(5..).unwrap_or_default())),
            Some(status) => {
                let message = told("grpc-message").unwrap_or_default();
                let message = &message[..message.floor_char_boundary(LONGEST_WORDS)];
                let why = format!("gRPC status {status} {message}").trim_end().to_owned();
                let pushback = told("grpc-retry-pushback-ms").and_then(|told| told.parse().ok());
                match status {
                    UNAVAILABLE | RESOURCE_EXHAUSTED => Self::Busy { why, after: pushback.map(pause_of) },
                    _ => Self::Refused(why),
                }
            }
            None if raw.status == StatusCode::OK => Self::Refused("an answer without grpc-status".to_owned()),
            // Proxies answer so.
            None => Self::of_http(raw),
        }
    }
}

fn pause_of(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds).min(LONGEST_PAUSE)
}

/// `Retry-After` in seconds; a date counts as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = text(headers, header::RETRY_AFTER.as_str())?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn answer(protocol: OtlpProtocol, status: u16, headers: HeaderMap, trailers: HeaderMap) -> ExportAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        ExportAnswer::of(protocol, &RawAnswer { status, headers, body: Vec::new(), trailers })
    }

    #[test]
    fn only_a_busy_collector_is_asked_again() {
        let http = |status| answer(OtlpProtocol::HttpProtobuf, status, map(&[("retry-after", "3")]), HeaderMap::new());
        assert_eq!(http(200), ExportAnswer::Taken(None));
        for status in [429, 502, 503, 504] {
            let ExportAnswer::Busy { after, .. } = http(status) else { panic!("{status}") };
            assert_eq!(after, Some(Duration::from_secs(3)));
        }
        for status in [301, 400, 401, 404, 413, 500, 501] {
            assert!(matches!(http(status), ExportAnswer::Refused(_)), "{status}");
        }
        let grpc = |status| answer(OtlpProtocol::Grpc, 200, HeaderMap::new(), map(&[("grpc-status", status)]));
        assert_eq!(grpc("0"), ExportAnswer::Taken(None));
        for status in ["8", "14"] {
            assert!(matches!(grpc(status), ExportAnswer::Busy { after: None, .. }), "{status}");
        }
        for status in ["1", "3", "7", "12", "16", ""] {
            assert!(matches!(grpc(status), ExportAnswer::Refused(_)), "{status}");
        }
        let in_head = map(&[("grpc-status", "14"), ("grpc-retry-pushback-ms", "250"), ("grpc-message", "full")]);
        let told = answer(OtlpProtocol::Grpc, 200, in_head, HeaderMap::new());
        let after = Some(Duration::from_millis(250));
        assert_eq!(told, ExportAnswer::Busy { why: "gRPC status 14 full".to_owned(), after });
        let bare = |status| answer(OtlpProtocol::Grpc, status, HeaderMap::new(), HeaderMap::new());
        assert!(matches!(bare(200), ExportAnswer::Refused(_)) && matches!(bare(503), ExportAnswer::Busy { .. }));
    }

    #[test]
    fn a_pause_is_bounded() {
        let told = answer(OtlpProtocol::HttpProtobuf, 503, map(&[("retry-after", "999999")]), HeaderMap::new());
        let ExportAnswer::Busy { after, .. } = told else { panic!("{told:?}") };
        assert_eq!(after, Some(LONGEST_PAUSE));
    }
}
