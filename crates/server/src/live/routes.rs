//! The paths of the admin API that are about exchanges under way, for the operator at a loopback address.

use super::{Feeds, Live, LiveRefusal, NewRows, Viewer, events, text};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;

/// Where they are.
const BASE: &str = "/admin/api/v1/";

/// The answer at a path of these; `None`: it is another one.
pub(crate) fn answer(live: &Arc<Live>, uri: &Uri) -> Option<Response<UnsyncBoxBody<Bytes, Infallible>>> {
    let viewer = Viewer { who: "loopback".to_owned(), may_read_text: true };
    let path = uri.path().strip_prefix(BASE)?;
    let told = match path.strip_prefix("exchanges/").and_then(|rest| rest.strip_suffix("/text")) {
        Some(id) => text(live, &viewer, id),
        None if path == "streams" => Ok(live.streams()),
        None if path == "live" => {
            let query = uri.query().unwrap_or_default();
            let topics = query.split('&').find_map(|pair| pair.strip_prefix("topics=")).unwrap_or_default();
            let decoded = percent_decoded(topics);
            return Some(match events(live, &no_feeds(), &viewer, &decoded, None) {
                Ok(events) => of("text/event-stream", StatusCode::OK, events.boxed_unsync()),
                Err(refusal) => refused(&refusal),
            });
        }
        None => return None,
    };
    Some(match told {
        Ok(json) => of("application/json", StatusCode::OK, Full::from(json).boxed_unsync()),
        Err(refusal) => refused(&refusal),
    })
}

/// Topics of which nothing is known here.
fn no_feeds() -> Arc<Feeds> {
    Arc::new(Feeds {
        stats: Box::new(|| "{}".to_owned()),
        backends: Box::new(|| "{}".to_owned()),
        exchanges: Box::new(|_| NewRows::default()),
    })
}

fn percent_decoded(text: &str) -> String {
    text.replace("%2C", ",").replace("%2c", ",").replace("%3A", ":").replace("%3a", ":")
}

fn refused(refusal: &LiveRefusal) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let LiveRefusal { status, code, message } = refusal;
    let body = json!({"error": {"message": message, "type": "admin_error", "code": code}}).to_string();
    of("application/json", *status, Full::from(body).boxed_unsync())
}

fn of(
    kind: &'static str,
    status: StatusCode,
    body: UnsyncBoxBody<Bytes, Infallible>,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
