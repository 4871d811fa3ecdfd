//! Exchanges while they are under way, for those who may watch: what each is doing, and its text where a policy lets it be
//! observed.
//!
//! ```text
//!  driver ──► watch ──► open (facts, phase, counters)  ◄── streams, events ──► viewer
//!               └─► reader of the text ──► text (panes) ◄── text, events ────► viewer, with a line of audit
//!                                             ▲
//!                                           store: 32 MiB for all, gone a while behind the end
//! ```
//!
//! A viewer looks; nobody waits for it. Where no policy lets a text be observed, a byte of an answer costs a few stores, and
//! nothing is read.

mod events;
mod open;
mod pane;
mod seats;
mod store;
mod text;
mod topics;
mod view;
mod watch;

pub(crate) use events::LiveEvents;
pub(crate) use view::TextState;
pub(crate) use watch::Watch;

use crate::process::clock;
use aquifer_gateway::config::Observe;
use aquifer_gateway::exchange::{Exchange, Phase};
use aquifer_gateway::record::Record;
use bytes::Bytes;
use http::StatusCode;
use open::OpenExchange;
use seats::Seats;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use store::TextStore;
use topics::Topics;
use view::{StreamView, StreamsView, TextView};

/// The registrations are spread over so many locks.
const SHARDS: usize = 16;
/// The most exchanges of one list.
const MOST_LISTED: usize = 500;
/// The target of the lines of audit.
const AUDIT: &str = "aquifer::audit";
/// Texts whose time is over go at the next of these moments.
const EXPIRY: Duration = Duration::from_millis(250);

/// The hub of exchanges under way.
pub(crate) struct Live {
    next: AtomicU64,
    open: [Mutex<BTreeMap<u64, Arc<OpenExchange>>>; SHARDS],
    texts: TextStore,
    seats: Seats,
}

/// The operator who looks: for the line of audit, and for what may be opened.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// `loopback`, or the name of a session.
    pub(crate) who: String,
    /// The scope `observe:text`.
    pub(crate) may_read_text: bool,
}

/// The JSON of topics that are not the hub's own. Each answers at once.
pub(crate) struct Feeds {
    /// The data of an event `stats`.
    pub(crate) stats: Box<dyn Fn() -> String + Send + Sync>,
    /// The data of an event `backends`.
    pub(crate) backends: Box<dyn Fn() -> String + Send + Sync>,
    /// The records behind this cursor; `None`: from now on.
    pub(crate) exchanges: Box<dyn Fn(Option<u64>) -> NewRows + Send + Sync>,
}

/// Records that came since a cursor.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewRows {
    /// The JSON of each, oldest first.
    pub(crate) rows: Vec<String>,
    /// The cursor behind them.
    pub(crate) cursor: u64,
    /// How many went before they were read.
    pub(crate) lost: u64,
    /// The cursor that was given is none of this process.
    pub(crate) reset: bool,
}

/// The refusal of something live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveRefusal {
    /// Its HTTP status.
    pub(crate) status: StatusCode,
    /// Its code.
    pub(crate) code: &'static str,
    /// What it says.
    pub(crate) message: String,
}

impl Live {
    /// A hub that keeps texts so long behind the end of their exchanges.
    pub(crate) fn new(retention: Duration) -> Arc<Self> {
        let live = Self {
            next: AtomicU64::new(0),
            open: std::array::from_fn(|_| Mutex::default()),
            texts: TextStore::new(retention),
            seats: Seats::new(),
        };
        Arc::new(live)
    }

    /// Registers an exchange whose request was read; `None`: it is over already. The body is kept until the policy is known,
    /// where one of the policies lets everything be observed.
    pub(crate) fn begin(
        self: &Arc<Self>,
        exchange: &Exchange,
        body: Option<Bytes>,
        listed_early: bool,
    ) -> Option<Watch> {
        (exchange.phase() != Phase::Draining).then(|| Watch::begin(self, exchange, body, listed_early))
    }

    fn add(&self, open: &Arc<OpenExchange>) -> u64 {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(mut shard) = self.shard(key) {
            shard.insert(key, Arc::clone(open));
        }
        key
    }

    fn remove(&self, key: u64) {
        if let Some(mut shard) = self.shard(key) {
            shard.remove(&key);
        }
    }

    fn shard(&self, key: u64) -> Option<MutexGuard<'_, BTreeMap<u64, Arc<OpenExchange>>>> {
        let shard = self.open.get(usize::try_from(key).unwrap_or_default() % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The exchanges under way that may be listed, newest first.
    fn listed(&self) -> Vec<Arc<OpenExchange>> {
        let mut all: Vec<Arc<OpenExchange>> = Vec::new();
        for shard in &self.open {
            all.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone));
        }
        all.retain(|open| open.is_listed());
        all.sort_unstable_by_key(|open| Reverse(open.begun));
        all
    }

    /// The JSON of the exchanges under way, newest first.
    pub(crate) fn streams(&self) -> String {
        let listed = self.listed();
        let streams = listed.iter().take(MOST_LISTED).map(|open| StreamView::of(open)).collect();
        serde_json::to_string(&StreamsView { streams, open: listed.len() }).unwrap_or_default()
    }

    /// The exchange whose text this viewer may read. Each opening is a line of audit.
    fn readable(&self, viewer: &Viewer, id: &str) -> Result<Arc<OpenExchange>, LiveRefusal> {
        if !viewer.may_read_text {
            return Err(LiveRefusal::no_scope());
        }
        let Some(open) = self.texts.find(id) else {
            let open = self.listed().into_iter().find(|open| open.id == id).ok_or_else(LiveRefusal::gone)?;
            let facts = open.facts();
            return match facts.observe {
                Some(observe) if !open.is_observed() => Err(LiveRefusal::policy(observe, facts.policy.as_deref())),
                Some(_) => Err(LiveRefusal::gone()),
                None => Err(LiveRefusal::too_early()),
            };
        };
        let facts = open.facts();
        let observe = facts.observe.unwrap_or_default();
        if observe <= Observe::Metadata {
            return Err(LiveRefusal::policy(observe, facts.policy.as_deref()));
        }
        tracing::info!(target: AUDIT, who = viewer.who, exchange = id, observe = observe.word(), "a text was opened");
        Ok(open)
    }

    /// Drops texts whose time is over, for as long as the hub exists.
    pub(crate) async fn expire(live: Weak<Self>) {
        loop {
            let Some(strong) = live.upgrade() else { return };
            let next = strong.texts.expire(clock::now());
            let ended = Arc::clone(&strong.texts.ended);
            drop(strong);
            match next {
                Some(at) => tokio::time::sleep_until((at.max(clock::now()) + EXPIRY).into()).await,
                None => ended.notified().await,
            }
        }
    }
}

/// Lets the task that drops texts end.
impl Drop for Live {
    fn drop(&mut self) {
        self.texts.ended.notify_one();
    }
}

/// The live stream of these topics (`stats,streams,exchanges,backends,text:ID`), for a viewer.
///
/// # Errors
/// A topic is not known, or all places are taken.
pub(crate) fn events(
    live: &Arc<Live>,
    feeds: &Arc<Feeds>,
    viewer: &Viewer,
    topics: &str,
    last_event_id: Option<&str>,
) -> Result<LiveEvents, LiveRefusal> {
    LiveEvents::new(live, feeds, viewer, Topics::read(topics)?, last_event_id)
}

/// The JSON of the text of an exchange, for a viewer.
///
/// # Errors
/// It may not be read, or it is gone.
pub(crate) fn text(live: &Live, viewer: &Viewer, id: &str) -> Result<String, LiveRefusal> {
    let open = live.readable(viewer, id)?;
    let text = open.text();
    if text.is_closed() {
        return Err(LiveRefusal::gone());
    }
    Ok(serde_json::to_string(&TextView::of(&open, &text)).unwrap_or_default())
}

/// What can be read of the text of an exchange with this record.
pub(crate) fn text_state(live: &Live, record: &Record) -> TextState {
    let available = live.texts.find(&record.id).is_some_and(|open| !open.text().is_closed());
    let policy = record.observe_by.as_ref().map(|policy| policy.to_string());
    TextState { observe: record.observe.word(), policy, available }
}

impl LiveRefusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn bad_topics(what: &str) -> Self {
        let known = "known are stats, streams, exchanges, backends and text:ID, joined by commas";
        Self::new(StatusCode::BAD_REQUEST, "invalid_topics", format!("{what}: {known}"))
    }

    fn full() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_viewers", "16 live connections are open; close one of them")
    }

    fn no_scope() -> Self {
        Self::new(StatusCode::FORBIDDEN, "missing_scope", "reading texts needs the scope observe:text")
    }

    /// The text was never kept, or is gone.
    pub(crate) fn gone() -> Self {
        Self::new(StatusCode::NOT_FOUND, "text_gone", "the text of this exchange is gone, or there was none")
    }

    fn too_early() -> Self {
        let message = "no backend was called yet, so that no policy says what may be observed";
        Self::new(StatusCode::CONFLICT, "no_policy_yet", message)
    }

    /// The policy does not let the text be observed.
    pub(crate) fn policy(observe: Observe, policy: Option<&str>) -> Self {
        let by = match policy {
            Some(policy) => format!("the ReasoningPolicy {policy} lets operators observe no more"),
            None => "no ReasoningPolicy lets operators observe more".to_owned(),
        };
        let message = format!("the text of this exchange is not kept (observe: {}): {by}", observe.word());
        Self::new(StatusCode::FORBIDDEN, "not_observable", message)
    }
}

#[cfg(test)]
mod tests;
