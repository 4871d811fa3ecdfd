//! Counters and histograms, named after OpenTelemetry's conventions for generative models; their labels are bounded.

use super::log::outcome_word;
use crate::turns::Counters;
use aquifer_gateway::record::{Hedges, Outcome, Record, Tokens};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many values a label takes that clients or Bedrock can choose; further ones become [`OTHER`].
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

type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// All of the process's metrics.
pub(super) struct Metrics {
    registry: Registry,
    pub(super) in_flight: Gauge,
    tasks: Gauge,
    requests: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    warnings: Family<Labels, Counter>,
    tokens: Histograms,
    duration: Histograms,
    first_token: Histograms,
    per_token: Histograms,
    first_reasoning: Histograms,
    turns: Family<Labels, Counter>,
    amended: Counter,
    hedges: Family<Labels, Counter>,
    told: Family<Labels, Counter>,
    pub(super) turn_store: Counters,
    models: Bounded,
    faults: Bounded,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            in_flight: Gauge::default(),
            tasks: Gauge::default(),
            requests: Family::default(),
            errors: Family::default(),
            warnings: Family::default(),
            tokens: Family::new_with_constructor(token_buckets),
            duration: Family::new_with_constructor(duration_buckets),
            first_token: Family::new_with_constructor(first_token_buckets),
            per_token: Family::new_with_constructor(per_token_buckets),
            first_reasoning: Family::new_with_constructor(first_token_buckets),
            turns: Family::default(),
            amended: Counter::default(),
            hedges: Family::default(),
            told: Family::default(),
            turn_store: Counters::default(),
            models: Bounded::default(),
            faults: Bounded::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        let registry = &mut self.registry;
        registry.register("aquifer_build", "The version that runs", build);
        registry.register("aquifer_requests_in_flight", "Exchanges under way", self.in_flight.clone());
        registry.register("aquifer_tasks", "Tasks of the runtime that have not ended", self.tasks.clone());
        registry.register("aquifer_requests", "Exchanges that ended", self.requests.clone());
        registry.register("aquifer_request_errors", "Exchanges that failed, by fault", self.errors.clone());
        registry.register("aquifer_request_warnings", "Warnings given, by kind", self.warnings.clone());
        registry.register("gen_ai_client_token_usage", "Tokens of one exchange, by kind", self.tokens.clone());
        let duration = self.duration.clone();
        registry.register("gen_ai_server_request_duration_seconds", "From head to end", duration);
        let first_token = self.first_token.clone();
        let to_text = "From head to the first text or tool call";
        registry.register("gen_ai_server_time_to_first_token_seconds", to_text, first_token);
        let per_token = self.per_token.clone();
        let between = "Between two tokens of a stream after its first";
        registry.register("gen_ai_server_time_per_output_token_seconds", between, per_token);
        let first_reasoning = self.first_reasoning.clone();
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
        let hedges = self.hedges.clone();
        registry.register("aquifer_hedges", "Second calls made because the first was slow, by result", hedges);
        let told = self.told.clone();
        registry.register("aquifer_told_bytes", "Bytes of answers' bodies given to clients, by outcome", told);
        let Counters { evicted, entries, bytes } = self.turn_store.clone();
        registry.register("aquifer_reasoning_turns_evicted", "Turns forgotten for want of room or for age", evicted);
        registry.register("aquifer_reasoning_turns_held", "Turns remembered now", entries);
        registry.register("aquifer_reasoning_turns_held_bytes", "Bytes of the turns remembered now", bytes);
    }

    /// Counts one exchange.
    pub(super) fn observe(&self, record: &Record) {
        let routed = !record.backend.is_empty();
        let model = if routed { self.models.bound(&record.model_id) } else { String::new() };
        let asked = if routed { self.models.bound(&record.model) } else { String::new() };
        let mut counted = vec![
            ("outcome", outcome_word(record.outcome).to_owned()),
            ("status", record.status.to_string()),
            ("model", model.clone()),
            ("backend", record.backend.clone()),
        ];
        self.requests.get_or_create(&Labels(counted.clone())).inc();
        let fault = record.fault.as_deref().map(|fault| self.faults.bound(fault));
        if let Some(fault) = &fault {
            counted = vec![("fault", fault.clone()), ("model", model.clone()), ("backend", record.backend.clone())];
            self.errors.get_or_create(&Labels(counted)).inc();
        }
        for warning in &record.warnings {
            let kind = warning.split_whitespace().next().unwrap_or_default();
            self.warnings.get_or_create(&Labels(vec![("kind", self.faults.bound(kind))])).inc();
        }
        if !routed {
            return;
        }
        self.observe_turns(record);
        self.observe_calls(record);
        let labels = vec![
            ("gen_ai_operation_name", record.operation.to_owned()),
            ("gen_ai_provider_name", record.provider.to_owned()),
            ("gen_ai_original_model", asked),
            ("gen_ai_request_model", model),
        ];
        self.observe_times(record, labels.clone(), fault);
        if let Some(tokens) = record.tokens {
            self.observe_tokens(tokens, &labels);
        }
    }

    fn observe_turns(&self, record: &Record) {
        let turns = record.turns;
        for (result, count) in [("stored", turns.kept), ("restored", turns.restored), ("missed", turns.missed)] {
            if count > 0 {
                self.turns.get_or_create(&Labels(vec![("result", result.to_owned())])).inc_by(u64::from(count));
            }
        }
        if record.amended > 0 {
            self.amended.inc_by(u64::from(record.amended));
        }
    }

    /// Counts second calls, and what was given of the answer.
    fn observe_calls(&self, record: &Record) {
        let outcome = outcome_word(record.outcome).to_owned();
        self.told.get_or_create(&Labels(vec![("outcome", outcome)])).inc_by(record.told);
        let Hedges { won, lost, failed, abandoned } = record.hedges;
        for (result, count) in [("won", won), ("lost", lost), ("failed", failed), ("abandoned", abandoned)] {
            if count > 0 {
                self.hedges.get_or_create(&Labels(vec![("result", result.to_owned())])).inc_by(u64::from(count));
            }
        }
    }

    fn observe_times(&self, record: &Record, labels: Vec<(&'static str, String)>, fault: Option<String>) {
        let plain = Labels(labels.clone());
        let mut ended = labels;
        ended.extend(fault.map(|fault| ("error_type", fault)));
        self.duration.get_or_create(&Labels(ended)).observe(record.duration.as_secs_f64());
        if let Some(first) = record.time_to_first_token {
            self.first_token.get_or_create(&plain).observe(first.as_secs_f64());
        }
        if let Some(first) = record.time_to_first_reasoning {
            self.first_reasoning.get_or_create(&plain).observe(first.as_secs_f64());
        }
        if let Some(between) = time_per_token(record) {
            self.per_token.get_or_create(&plain).observe(between.as_secs_f64());
        }
    }

    fn observe_tokens(&self, tokens: Tokens, labels: &[(&'static str, String)]) {
        let kinds = [
            ("input", Some(tokens.input)),
            ("output", Some(tokens.output)),
            ("cached_input", Some(tokens.cache_read).filter(|count| *count > 0)),
            ("cache_creation_input", Some(tokens.cache_write).filter(|count| *count > 0)),
            ("reasoning", tokens.reasoning),
        ];
        for (kind, count) in kinds {
            let Some(count) = count else { continue };
            let mut labels = labels.to_vec();
            labels.push(("gen_ai_token_type", kind.to_owned()));
            #[expect(clippy::cast_precision_loss, reason = "a histogram of counts far below 2^52")]
            self.tokens.get_or_create(&Labels(labels)).observe(count as f64);
        }
    }

    /// All metrics, in OpenMetrics' text form.
    pub(super) fn text(&self) -> String {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.tasks.set(i64::try_from(runtime.metrics().num_alive_tasks()).unwrap_or(i64::MAX));
        }
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

/// Lets a bounded number of values through.
#[derive(Default)]
struct Bounded(Mutex<HashSet<String>>);

impl Bounded {
    fn bound(&self, value: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(value) {
            if known.len() >= DISTINCT || value.len() > 256 {
                return OTHER.to_owned();
            }
            known.insert(value.to_owned());
        }
        value.to_owned()
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
mod tests {
    use super::*;

    fn answered(model: &str) -> Record {
        Record {
            operation: "chat",
            model: model.to_owned(),
            model_id: model.to_owned(),
            backend: "default/bedrock".to_owned(),
            stream: true,
            status: 200,
            duration: Duration::from_secs(3),
            time_to_first_token: Some(Duration::from_secs(1)),
            tokens: Some(Tokens { input: 10, output: 21, reasoning: Some(5), ..Tokens::default() }),
            ..Record::default()
        }
    }

    #[test]
    fn an_answer_is_counted_with_its_times_and_tokens() {
        let metrics = Metrics::new();
        metrics.observe(&Record { hedges: Hedges { won: 2, ..Hedges::default() }, ..answered("m") });
        let text = metrics.text();
        for line in [
            "aquifer_hedges_total{result=\"won\"} 2",
            "aquifer_requests_total{outcome=\"answered\",status=\"200\",model=\"m\",backend=\"default/bedrock\"} 1",
            "gen_ai_request_model=\"m\",gen_ai_token_type=\"reasoning\"} 5.0",
            "gen_ai_server_request_duration_seconds_count{gen_ai_operation_name=\"chat\"",
            "gen_ai_server_time_to_first_token_seconds_sum{gen_ai_operation_name=\"chat\"",
            "aquifer_build_info{version=",
            "aquifer_requests_in_flight 0",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert_eq!(time_per_token(&answered("m")), Some(Duration::from_millis(100)));
    }

    #[test]
    fn a_model_that_nobody_serves_makes_no_label() {
        let metrics = Metrics::new();
        let mut record = answered("made-up");
        record.backend = String::new();
        record.status = 404;
        record.outcome = Outcome::Failed;
        record.fault = Some("client_mistaken".to_owned());
        metrics.observe(&record);
        let text = metrics.text();
        assert!(!text.contains("made-up"));
        assert!(text.contains("aquifer_request_errors_total{fault=\"client_mistaken\",model=\"\",backend=\"\"} 1"));
    }

    #[test]
    fn label_values_are_bounded() {
        let metrics = Metrics::new();
        for number in 0..2 * DISTINCT {
            metrics.observe(&answered(&format!("model-{number}")));
        }
        let text = metrics.text();
        assert!(text.contains("model=\"other\""));
        let models = text.lines().filter(|line| line.starts_with("aquifer_requests_total")).count();
        assert_eq!(models, DISTINCT + 1);
    }
}
