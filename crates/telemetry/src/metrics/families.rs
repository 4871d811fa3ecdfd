//! The metric families of exchanges, and their buckets.

use super::table;
use aquifer_gateway::config::MetricConventions;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// A label set: names and values, written in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Labels(pub(super) Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.as_slice().encode(encoder)
    }
}

impl Labels {
    /// One label.
    pub(super) fn one(name: &'static str, value: &str) -> Self {
        Self(vec![(name, value.to_owned())])
    }

    /// The same with one more.
    pub(super) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut more = self.clone();
        more.0.push((name, value.to_owned()));
        more
    }
}

pub(super) type Histograms = Family<Labels, Histogram, fn() -> Histogram>;
pub(super) type Counters = Family<Labels, Counter>;
/// A counter of US dollars.
pub(super) type UsdCounter = Counter<f64, AtomicU64>;

/// The metric families of exchanges.
pub(super) struct Families {
    pub(super) requests: Counters,
    pub(super) errors: Counters,
    pub(super) attempts: Counters,
    pub(super) stops: Counters,
    pub(super) tokens: Histograms,
    pub(super) usage: [Counters; 5],
    pub(super) duration: Histograms,
    pub(super) first_token: Histograms,
    pub(super) first_reasoning: Histograms,
    pub(super) first_content: Histograms,
    pub(super) reasoning: Histograms,
    pub(super) per_token: Histograms,
    pub(super) overhead: Histograms,
    pub(super) client_duration: Histograms,
    pub(super) first_chunk: Histograms,
    pub(super) told: Counters,
    pub(super) cost: Family<Labels, UsdCounter>,
    pub(super) estimated_cost: Family<Labels, UsdCounter>,
    pub(super) cost_unknown: Counters,
    conventions: AtomicU8,
}

/// The counters of tokens of the newer conventions, in the order of [`Families::usage`].
const USAGE: [&str; 5] = [
    "gen_ai_client_inference_usage_input_tokens_total",
    "gen_ai_client_inference_usage_output_tokens_total",
    "gen_ai_client_inference_usage_cache_read_input_tokens_total",
    "gen_ai_client_inference_usage_cache_write_input_tokens_total",
    "gen_ai_client_inference_usage_reasoning_output_tokens_total",
];

impl Families {
    pub(super) fn new() -> Self {
        Self {
            requests: Family::default(),
            errors: Family::default(),
            attempts: Family::default(),
            stops: Family::default(),
            tokens: Family::new_with_constructor(token_buckets),
            usage: Default::default(),
            duration: Family::new_with_constructor(duration_buckets),
            first_token: Family::new_with_constructor(first_token_buckets),
            first_reasoning: Family::new_with_constructor(first_token_buckets),
            first_content: Family::new_with_constructor(first_token_buckets),
            reasoning: Family::new_with_constructor(duration_buckets),
            per_token: Family::new_with_constructor(per_token_buckets),
            overhead: Family::new_with_constructor(overhead_buckets),
            client_duration: Family::new_with_constructor(duration_buckets),
            first_chunk: Family::new_with_constructor(first_token_buckets),
            told: Family::default(),
            cost: Family::default(),
            estimated_cost: Family::default(),
            cost_unknown: Family::default(),
            conventions: AtomicU8::new(0),
        }
    }

    /// Registers all of them.
    pub(super) fn register(&self, registry: &mut Registry) {
        register(registry, "aquifer_requests_total", self.requests.clone());
        register(registry, "aquifer_request_errors_total", self.errors.clone());
        register(registry, "aquifer_attempts_total", self.attempts.clone());
        register(registry, "aquifer_stop_reasons_total", self.stops.clone());
        register(registry, "gen_ai_client_token_usage", self.tokens.clone());
        for (name, counters) in USAGE.into_iter().zip(&self.usage) {
            register(registry, name, counters.clone());
        }
        register(registry, "gen_ai_server_request_duration_seconds", self.duration.clone());
        register(registry, "gen_ai_server_time_to_first_token_seconds", self.first_token.clone());
        register(registry, "gen_ai_server_time_per_output_token_seconds", self.per_token.clone());
        register(registry, "aquifer_time_to_first_reasoning_seconds", self.first_reasoning.clone());
        register(registry, "aquifer_time_to_first_content_seconds", self.first_content.clone());
        register(registry, "aquifer_reasoning_seconds", self.reasoning.clone());
        register(registry, "aquifer_overhead_seconds", self.overhead.clone());
        register(registry, "gen_ai_client_inference_duration_seconds", self.client_duration.clone());
        register(registry, "gen_ai_client_inference_time_to_first_chunk_seconds", self.first_chunk.clone());
        register(registry, "aquifer_told_bytes_total", self.told.clone());
        register(registry, "aquifer_cost_usd_total", self.cost.clone());
        register(registry, "aquifer_cost_estimated_usd_total", self.estimated_cost.clone());
        register(registry, "aquifer_cost_unknown_total", self.cost_unknown.clone());
    }

    /// Names metrics by these conventions from now on.
    pub(super) fn name_by(&self, conventions: MetricConventions) {
        self.conventions.store(conventions as u8, Ordering::Relaxed);
    }

    /// Whether metrics are named by the older conventions, and by the newer ones.
    pub(super) fn names(&self) -> Names {
        let conventions = self.conventions.load(Ordering::Relaxed);
        let is = |it: MetricConventions| conventions == it as u8;
        Names { older: !is(MetricConventions::V01), newer: !is(MetricConventions::V141) }
    }
}

/// The conventions by which metrics are named.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) older: bool,
    pub(super) newer: bool,
}

/// Registers a metric under a name of the table, with the table's description.
pub(super) fn register(registry: &mut Registry, name: &'static str, metric: impl Metric) {
    let what = table::described(name).map_or("", |described| described.what);
    let stem = name.strip_suffix("_total").unwrap_or(name);
    registry.register(stem.strip_suffix("_info").unwrap_or(stem), what, metric);
}

fn token_buckets() -> Histogram {
    Histogram::new((0..14).map(|power| 4_f64.powi(power)))
}

/// The conventions' bounds end at 81.92 seconds, which answers with reasoning pass: more of them follow.
fn duration_buckets() -> Histogram {
    Histogram::new((0..18).map(|power| 0.01 * 2_f64.powi(power)))
}

fn first_token_buckets() -> Histogram {
    let bounds = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0,
        45.0, 60.0, 120.0, 300.0, 600.0,
    ];
    Histogram::new(bounds)
}

fn per_token_buckets() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5])
}

fn overhead_buckets() -> Histogram {
    Histogram::new([
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5,
    ])
}
