//! The endpoints about exchanges under way: streams, texts and live events, from the hub that follows them.

use super::access::Grant;
use super::query::Query;
use super::reply::{self, Answer};
use super::scopes::Scope;
use super::view;
use crate::host::Host;
use crate::live::{self, Feeds, LiveRefusal, NewRows, Viewer};
use aquifer_gateway::config::Observe;
use aquifer_telemetry::{RING, Recent};
use http::{HeaderValue, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::sync::Arc;

/// The most records of one event.
const MOST_ROWS: usize = 200;
/// How a browser names the last event that it got.
const LAST_EVENT_ID: &str = "last-event-id";

/// The topics that are not the hub's own.
pub(super) fn feeds(host: &Arc<Host>) -> Arc<Feeds> {
    let (stats, backends, recent) = (Arc::clone(host), Arc::clone(host), Arc::clone(&host.recent));
    Arc::new(Feeds {
        stats: Box::new(move || view::summary::stats(&stats).to_string()),
        backends: Box::new(move || view::backends::backends(&backends).to_string()),
        exchanges: Box::new(move |cursor| new_rows(&recent, cursor)),
    })
}

/// The records behind a cursor, which is the number of the next one.
fn new_rows(recent: &Recent, cursor: Option<u64>) -> NewRows {
    let newest = recent.newest();
    let Some(cursor) = cursor else { return NewRows { cursor: newest, ..NewRows::default() } };
    if cursor > newest {
        return NewRows { cursor: newest, reset: true, ..NewRows::default() };
    }
    let oldest = newest.saturating_sub(RING as u64);
    let found = recent.since(cursor, MOST_ROWS);
    let next = found.last().map_or_else(|| cursor.max(oldest), |last| last.number + 1);
    NewRows {
        rows: found.iter().map(|seen| view::exchange::row(seen).to_string()).collect(),
        cursor: next,
        lost: oldest.saturating_sub(cursor),
        reset: false,
    }
}

/// The text of an exchange.
pub(super) fn text(host: &Host, grant: &Grant, id: &str) -> Answer {
    match live::text(&host.live, &viewer(grant), id) {
        Ok(text) => reply::json_text(StatusCode::OK, text),
        Err(refusal) => refused(&after_the_end(host, id).unwrap_or(refusal)),
    }
}

/// The refusal of the policy of an exchange that is over, of which the hub knows nothing any more.
fn after_the_end(host: &Host, id: &str) -> Option<LiveRefusal> {
    let seen = host.recent.find(id)?;
    let record = &seen.record;
    (record.observe <= Observe::Metadata).then(|| LiveRefusal::policy(record.observe, record.observe_by.as_deref()))
}

/// All that is remembered of an exchange, with what can be read of its text.
pub(super) fn exchange(host: &Host, id: &str) -> Option<Value> {
    let seen = host.recent.find(id)?;
    let mut whole = view::exchange::whole(&seen);
    if let Value::Object(whole) = &mut whole {
        let state = serde_json::to_value(live::text_state(&host.live, &seen.record)).unwrap_or_default();
        whole.insert("text".to_owned(), state);
    }
    Some(whole)
}

/// Live events.
pub(super) fn events(host: &Host, feeds: &Arc<Feeds>, grant: &Grant, head: &request::Parts) -> Answer {
    let topics = Query::new(head.uri.query()).get("topics").unwrap_or_default();
    let last = head.headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    match live::events(&host.live, feeds, &viewer(grant), &topics, last) {
        Ok(events) => {
            let mut response = Response::new(events.boxed_unsync());
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
            response
        }
        Err(refusal) => refused(&refusal),
    }
}

fn viewer(grant: &Grant) -> Viewer {
    Viewer { who: grant.who.clone(), may_read_text: grant.scopes.has(Scope::ObserveText) }
}

fn refused(refusal: &LiveRefusal) -> Answer {
    reply::error(refusal.status, refusal.code, &refusal.message)
}
