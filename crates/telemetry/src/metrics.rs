//! Counters and histograms, named after OpenTelemetry's conventions for generative models; their labels are bounded.

mod series;

use crate::log;
use aquifer_gateway::record::{Hedges, Outcome, Record};
use arc_swap::ArcSwap;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use series::{Key, Known, Proof, Series};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The cardinality limit of labels whose values clients or Bedrock can choose; further values become [`OTHER`].
const DISTINCT: usize = 200;
const OTHER: &str = "other";

/// A label set: names and values, written in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_slice().encode(encoder)
    }
}

impl Labels {
    fn with(&self, name: &'static str, value: &str) -> Self {
        let mut more = self.clone();
        more.0.push((name, value.to_owned()));
        more
    }
}

type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// The metric families of exchanges.
struct Families {
    requests: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    tokens: Histograms,
    duration: Histograms,
    first_token: Histograms,
    per_token: Histograms,
    first_reasoning: Histograms,
    told: Family<Labels, Counter>,
}

/// The metrics that a store of turns keeps itself; the others about turns come from records.
#[derive(Clone, Debug, Default)]
pub struct TurnStoreCounters {
    /// Turns that were forgotten for want of room or for their age.
    pub evicted: Counter,
    /// Turns held now.
    pub entries: Gauge,
    /// The bytes of the turns held now.
    pub bytes: Gauge,
}

/// All of the process's metrics.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) in_flight: Gauge,
    tasks: Gauge,
    families: Families,
    known: Known,
    warnings: Family<Labels, Counter>,
    kinds: ArcSwap<HashMap<String, Counter>>,
    turns: Family<Labels, Counter>,
    results: [OnceLock<Counter>; 3],
    amended: Counter,
    cached: Counter,
    hedges: Family<Labels, Counter>,
    pub(crate) turn_store: TurnStoreCounters,
    log_dropped: Counter,
    pub(crate) refused_keys: Counter,
    pub(crate) delayed_refusals: Counter,
    /// The models that were called, and those that clients named.
    models: Bounded,
    asked: Bounded,
    faults: Bounded,
}

impl Families {
    fn new() -> Self {
        Self {
            requests: Family::default(),
            errors: Family::default(),
            tokens: Family::new_with_constructor(token_buckets),
            duration: Family::new_with_constructor(duration_buckets),
            first_token: Family::new_with_constructor(first_token_buckets),
            per_token: Family::new_with_constructor(per_token_buckets),
            first_reasoning: Family::new_with_constructor(first_token_buckets),
            told: Family::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            in_flight: Gauge::default(),
            tasks: Gauge::default(),
            families: Families::new(),
            known: Known::default(),
            warnings: Family::default(),
            kinds: ArcSwap::default(),
            turns: Family::default(),
            results: Default::default(),
            amended: Counter::default(),
            cached: Counter::default(),
            hedges: Family::default(),
            turn_store: TurnStoreCounters::default(),
            log_dropped: Counter::default(),
            refused_keys: Counter::default(),
            delayed_refusals: Counter::default(),
            models: Bounded::default(),
            asked: Bounded::default(),
            faults: Bounded::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        let (registry, families) = (&mut self.registry, &self.families);
        registry.register("aquifer_build", "The version that runs", build);
        registry.register("aquifer_requests_in_flight", "Exchanges under way", self.in_flight.clone());
        registry.register("aquifer_tasks", "Tasks of the runtimes that have not ended", self.tasks.clone());
        registry.register("aquifer_requests", "Exchanges that ended", families.requests.clone());
        registry.register("aquifer_request_errors", "Exchanges that failed, by fault", families.errors.clone());
        registry.register("aquifer_request_warnings", "Warnings given, by kind", self.warnings.clone());
        registry.register("gen_ai_client_token_usage", "Tokens of one exchange, by kind", families.tokens.clone());
        let duration = families.duration.clone();
        registry.register("gen_ai_server_request_duration_seconds", "From head to end", duration);
        let first_token = families.first_token.clone();
        let to_text = "From head to the first text or tool call";
        registry.register("gen_ai_server_time_to_first_token_seconds", to_text, first_token);
        let per_token = families.per_token.clone();
        let between = "Between two tokens of a stream after its first";
        registry.register("gen_ai_server_time_per_output_token_seconds", between, per_token);
        let first_reasoning = families.first_reasoning.clone();
        registry.register(
            "aquifer_time_to_first_reasoning_seconds",
            "From head to the first reasoning",
            first_reasoning,
        );
        self.register_turns();
    }

    fn register_turns(&mut self) {
        let registry = &mut self.registry;
        let turns = self.turns.clone();
        registry.register("aquifer_reasoning_turns", "Turns that called tools, by what became of them", turns);
        let amended = self.amended.clone();
        registry.register("aquifer_requests_amended", "Calls made once more, otherwise, after a refusal", amended);
        let cached = self.cached.clone();
        registry.register("aquifer_token_counts_cached", "Counts of tokens answered from the cache", cached);
        let hedges = self.hedges.clone();
        registry.register("aquifer_hedges", "Second calls made because the first was slow, by result", hedges);
        let told = self.families.told.clone();
        registry.register("aquifer_told_bytes", "Bytes of answers' bodies given to clients, by outcome", told);
        let TurnStoreCounters { evicted, entries, bytes } = self.turn_store.clone();
        registry.register("aquifer_reasoning_turns_evicted", "Turns forgotten for want of room or for age", evicted);
        registry.register("aquifer_reasoning_turns_held", "Turns remembered now", entries);
        registry.register("aquifer_reasoning_turns_held_bytes", "Bytes of the turns remembered now", bytes);
        let dropped = self.log_dropped.clone();
        registry.register("aquifer_log_lines_dropped", "Lines that standard error did not take", dropped);
        let refused = self.refused_keys.clone();
        registry.register("aquifer_authentication_failures", "Requests without a valid API key", refused);
        let delayed = self.delayed_refusals.clone();
        let late = "Those of them that were answered late, because their address failed often";
        registry.register("aquifer_authentication_delays", late, delayed);
    }

    /// Adds one exchange to all metrics.
    pub(crate) fn observe(&self, record: &Record) {
        let key = Key::of(record);
        if !self.known.count(key, |series| series.count(&self.families, record)) {
            self.observe_first(key, record);
        }
        for warning in &record.warnings {
            self.warned(warning.split_whitespace().next().unwrap_or_default());
        }
        if record.cached {
            self.cached.inc();
        }
        if !record.backend.is_empty() {
            self.observe_turns(record);
            self.observe_hedges(record.hedges);
        }
    }

    /// Counts an exchange whose series is not cached. A series whose labels were replaced is not cached then either,
    /// because its key holds values of clients of any length.
    fn observe_first(&self, key: Key<'_>, record: &Record) {
        let bounded = Key {
            model_id: self.models.bound_by(key.proofs[1], key.model_id),
            model: self.asked.bound_by(key.proofs[0], key.model),
            fault: key.fault.map(|fault| self.faults.bound(fault)),
            ..key
        };
        let series = Series::new(&self.families, bounded);
        series.count(&self.families, record);
        if bounded == key {
            self.known.remember(key, series);
        }
    }

    fn warned(&self, kind: &str) {
        if let Some(counter) = self.kinds.load().get(kind) {
            counter.inc();
            return;
        }
        let bounded = self.faults.bound(kind);
        let counter = self.warnings.get_or_create_owned(&Labels(vec![("kind", bounded.to_owned())]));
        counter.inc();
        if bounded == kind {
            self.kinds.rcu(|kinds| {
                let mut more = HashMap::clone(kinds);
                more.insert(kind.to_owned(), counter.clone());
                more
            });
        }
    }

    fn observe_turns(&self, record: &Record) {
        let turns = record.turns;
        let counts = [("stored", turns.kept), ("restored", turns.restored), ("missed", turns.missed)];
        for ((result, count), counter) in counts.into_iter().zip(&self.results) {
            if count > 0 {
                let made = || self.turns.get_or_create_owned(&Labels(vec![("result", result.to_owned())]));
                counter.get_or_init(made).inc_by(u64::from(count));
            }
        }
        if record.amended > 0 {
            self.amended.inc_by(u64::from(record.amended));
        }
    }

    /// Counts hedges by their result.
    fn observe_hedges(&self, hedges: Hedges) {
        let Hedges { won, lost, failed, abandoned } = hedges;
        for (result, count) in [("won", won), ("lost", lost), ("failed", failed), ("abandoned", abandoned)] {
            if count > 0 {
                self.hedges.get_or_create(&Labels(vec![("result", result.to_owned())])).inc_by(u64::from(count));
            }
        }
    }

    /// All metrics in OpenMetrics' text form, with this number of tasks.
    pub(crate) fn text(&self, tasks: usize) -> String {
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        self.log_dropped.inner().store(log::dropped(), Ordering::Relaxed);
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => "# EOF\n".to_owned(),
        }
    }
}

/// The mean pause after the first token of a stream that was answered whole.
fn time_per_token(record: &Record) -> Option<Duration> {
    let after = u32::try_from(record.tokens?.output).ok()?.checked_sub(1)?;
    let first = match (record.time_to_first_reasoning, record.time_to_first_token) {
        (Some(reasoning), Some(token)) => reasoning.min(token),
        (one, other) => one.or(other)?,
    };
    if !record.stream || record.outcome != Outcome::Answered {
        return None;
    }
    record.duration.checked_sub(first)?.checked_div(after)
}

/// Bounds the cardinality of a label.
#[derive(Default)]
struct Bounded(Mutex<Let>);

/// The values that were let through.
#[derive(Default)]
struct Let {
    answered: HashSet<String>,
    /// These have room of their own: no others take it.
    known: HashSet<String>,
}

impl Bounded {
    fn bound<'a>(&self, value: &'a str) -> &'a str {
        self.bound_by(Proof::Answered, value)
    }

    /// The value, or [`OTHER`] beyond the limit. A value without proof takes no place: it passes only if it was let through
    /// before.
    fn bound_by<'a>(&self, proof: Proof, value: &'a str) -> &'a str {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.is_empty() || before.known.contains(value) || before.answered.contains(value) {
            return value;
        }
        let values = match proof {
            Proof::None => return OTHER,
            Proof::Answered => &mut before.answered,
            Proof::Known => &mut before.known,
        };
        if values.len() >= DISTINCT || value.len() > 256 {
            return OTHER;
        }
        values.insert(value.to_owned());
        value
    }
}

fn token_buckets() -> Histogram {
    Histogram::new((0..14).map(|power| 4_f64.powi(power)))
}

fn duration_buckets() -> Histogram {
    Histogram::new((0..14).map(|power| 0.01 * 2_f64.powi(power)))
}

fn first_token_buckets() -> Histogram {
    let bounds = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0,
        45.0, 60.0,
    ];
    Histogram::new(bounds)
}

fn per_token_buckets() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5])
}

#[cfg(test)]
mod tests;
