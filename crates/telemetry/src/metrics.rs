//! Counters and histograms, named after OpenTelemetry's conventions for generative models; their labels are bounded.

mod bounded;
mod families;
mod series;
mod state;
mod table;

use crate::log;
use aquifer_gateway::config::MetricConventions;
use aquifer_gateway::cost::{CallCost, CostUnknown};
use aquifer_gateway::exchange::OpenStream;
use aquifer_gateway::record::{AttemptRecord, AttemptResult, DrainResult, Hedges, Outcome, Record};
use arc_swap::ArcSwap;
use bounded::Bounded;
use families::{Counters, Families, Labels, register};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use series::{Key, Known, Proof, Series};
use state::StateGauges;
pub use state::{BackendState, HostState};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;
#[cfg(test)]
pub(crate) use table::METRICS;
pub use table::markdown as metrics_table;
pub(crate) use table::{Described, Kind, described};

/// The signals of OTLP that are exported.
const SIGNALS: [&str; 2] = ["traces", "metrics"];

/// The metrics that a store of turns keeps itself; the others about turns come from records.
#[derive(Clone, Debug, Default)]
pub struct TurnStoreCounters {
    /// Turns that were forgotten for want of room or for their age.
    pub evicted: Counter,
    /// Turns held now.
    pub entries: Gauge,
    /// The bytes of the turns held now.
    pub bytes: Gauge,
    /// The limit of these bytes.
    pub limit_bytes: Gauge,
}

/// All of the process's metrics.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) in_flight: Gauge,
    streams: Family<Labels, Gauge>,
    state: StateGauges,
    families: Families,
    known: Known,
    warnings: Counters,
    kinds: ArcSwap<HashMap<String, Counter>>,
    turns: Counters,
    results: [OnceLock<Counter>; 3],
    amended: Counter,
    cached: Counter,
    hedges: Counters,
    drains: Counters,
    pub(crate) turn_store: TurnStoreCounters,
    log_dropped: Counter,
    /// Spans and exports of metrics that were dropped, by signal.
    telemetry_dropped: Counters,
    pub(crate) refused_keys: Counter,
    pub(crate) delayed_refusals: Counter,
    /// The models that were called, and those that clients named.
    models: Bounded,
    asked: Bounded,
    faults: Bounded,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            in_flight: Gauge::default(),
            streams: Family::default(),
            state: StateGauges::default(),
            families: Families::new(),
            known: Known::default(),
            warnings: Counters::default(),
            kinds: ArcSwap::default(),
            turns: Counters::default(),
            results: Default::default(),
            amended: Counter::default(),
            cached: Counter::default(),
            hedges: Counters::default(),
            drains: Counters::default(),
            turn_store: TurnStoreCounters::default(),
            log_dropped: Counter::default(),
            telemetry_dropped: Counters::default(),
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
        let registry = &mut self.registry;
        register(registry, "aquifer_build_info", build);
        register(registry, "aquifer_requests_in_flight", self.in_flight.clone());
        register(registry, "aquifer_open_streams", self.streams.clone());
        register(registry, "aquifer_request_warnings_total", self.warnings.clone());
        self.families.register(registry);
        self.state.register(registry);
        register(registry, "aquifer_reasoning_turns_total", self.turns.clone());
        register(registry, "aquifer_requests_amended_total", self.amended.clone());
        register(registry, "aquifer_token_counts_cached_total", self.cached.clone());
        register(registry, "aquifer_hedges_total", self.hedges.clone());
        register(registry, "aquifer_drains_total", self.drains.clone());
        let TurnStoreCounters { evicted, entries, bytes, limit_bytes } = self.turn_store.clone();
        register(registry, "aquifer_reasoning_turns_evicted_total", evicted);
        register(registry, "aquifer_reasoning_turns_held", entries);
        register(registry, "aquifer_reasoning_turns_held_bytes", bytes);
        register(registry, "aquifer_reasoning_turns_limit_bytes", limit_bytes);
        register(registry, "aquifer_log_lines_dropped_total", self.log_dropped.clone());
        register(registry, "aquifer_telemetry_dropped_total", self.telemetry_dropped.clone());
        register(registry, "aquifer_authentication_failures_total", self.refused_keys.clone());
        register(registry, "aquifer_authentication_delays_total", self.delayed_refusals.clone());
    }

    /// Takes over what a configuration says: the names of metrics, and the backends whose counters exist from now on, with
    /// nought: an alert that divides by them must find them.
    pub(crate) fn adopted<'b>(
        &self,
        backends: impl Iterator<Item = &'b str>,
        conventions: MetricConventions,
        problems: usize,
    ) {
        self.families.name_by(conventions);
        self.state.adopted(problems);
        for backend in backends {
            for result in AttemptResult::ALL {
                self.attempts(backend, result);
            }
        }
        for outcome in [Outcome::Answered, Outcome::Failed, Outcome::Abandoned] {
            let word = outcome.word();
            let labels = Labels::one("outcome", word).with("status", "").with("model", "").with("backend", "");
            drop(self.families.requests.get_or_create(&labels));
            drop(self.families.told.get_or_create(&Labels::one("outcome", word)));
        }
        for fault in ["overloaded", "internal"] {
            let labels = Labels::one("fault", fault).with("model", "").with("backend", "");
            drop(self.families.errors.get_or_create(&labels));
        }
        for reason in CostUnknown::ALL {
            drop(self.families.cost_unknown.get_or_create(&Labels::one("reason", reason.word())));
        }
        for signal in SIGNALS {
            drop(self.telemetry_dropped(signal));
        }
        for result in ["stored", "restored", "missed"] {
            drop(self.turns.get_or_create(&Labels::one("result", result)));
        }
        for result in DrainResult::ALL {
            drop(self.drains.get_or_create(&Labels::one("result", result.word())));
        }
        for result in ["won", "lost", "failed", "abandoned"] {
            drop(self.hedges.get_or_create(&Labels::one("result", result)));
        }
    }

    /// The gauge of the open streams of a model in this phase. The model is a new label value only if it is known: it has
    /// not answered yet.
    pub(crate) fn open_streams(&self, stream: OpenStream<'_>) -> Gauge {
        let proof = if stream.is_known_model { Proof::Known } else { Proof::None };
        let model = self.models.bound_by(proof, stream.model_id);
        self.streams.get_or_create_owned(&Labels::one("model", model).with("phase", stream.phase.word()))
    }

    /// Notes that a configuration was refused.
    pub(crate) fn refused_config(&self) {
        self.state.refused();
    }

    /// The counter of what was dropped of a signal of OTLP.
    pub(crate) fn telemetry_dropped(&self, signal: &'static str) -> Counter {
        self.telemetry_dropped.get_or_create_owned(&Labels::one("signal", signal))
    }

    fn attempts(&self, backend: &str, result: AttemptResult) -> Counter {
        let labels = Labels::one("backend", backend).with("result", result.word());
        self.families.attempts.get_or_create_owned(&labels)
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
        if let Some(drain) = record.drain {
            self.drains.get_or_create(&Labels::one("result", drain.result.word())).inc();
        }
        self.observe_attempts(record);
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

    /// Counts the calls that are not told by the exchange's own series: those that were not its answer, and what of the
    /// cost of any is not known.
    fn observe_attempts(&self, record: &Record) {
        let own = record.last_attempt();
        for attempt in &record.attempts {
            if !own.is_some_and(|own| std::ptr::eq(own, attempt)) {
                self.attempts(&attempt.backend, attempt.result).inc();
                self.observe_cost(record, attempt);
            }
            if let CallCost::Unknown(why) = attempt.cost {
                self.families.cost_unknown.get_or_create(&Labels::one("reason", why.word())).inc();
            }
            if let Some(guess) = attempt.estimated_cost {
                let labels = self.cost_labels(record, attempt);
                self.families.estimated_cost.get_or_create(&labels).inc_by(series::usd(guess));
            }
        }
    }

    fn observe_cost(&self, record: &Record, attempt: &AttemptRecord) {
        let CallCost::Known(cost) = attempt.cost else { return };
        let labels = self.cost_labels(record, attempt);
        for (part, amount) in cost.parts() {
            if amount > 0 {
                self.families.cost.get_or_create(&labels.with("part", part)).inc_by(series::usd(amount));
            }
        }
    }

    fn cost_labels(&self, record: &Record, attempt: &AttemptRecord) -> Labels {
        let model = self.models.bound_by(Key::of(record).proofs[1], &attempt.model_id);
        let route = record.route.as_deref().unwrap_or_default();
        Labels::one("model", model).with("backend", &attempt.backend).with("route", route)
    }

    fn warned(&self, kind: &str) {
        if let Some(counter) = self.kinds.load().get(kind) {
            counter.inc();
            return;
        }
        let bounded = self.faults.bound(kind);
        let counter = self.warnings.get_or_create_owned(&Labels::one("kind", bounded));
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
                let made = || self.turns.get_or_create_owned(&Labels::one("result", result));
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
                self.hedges.get_or_create(&Labels::one("result", result)).inc_by(u64::from(count));
            }
        }
    }

    /// All metrics in OpenMetrics' text form, with this state of the host.
    pub(crate) fn text(&self, state: &HostState) -> String {
        self.state.set(state);
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
    let first = record.time_to_first_token()?;
    if !record.stream || record.outcome != Outcome::Answered {
        return None;
    }
    record.duration.checked_sub(first)?.checked_div(after)
}

#[cfg(test)]
mod tests;
