//! What is told of each exchange, from its record alone: metrics in Prometheus' text form and a line of the log.
//!
//! A host makes one [`Telemetry`], calls [`Telemetry::begin`] and [`Telemetry::observe`] for each exchange, and serves
//! [`Telemetry::metrics`] to whoever scrapes it. Each record is shared by all sinks as one `Arc`.
//!
//! ```text
//!                           ┌─► metrics: counters and histograms with bounded labels
//!  Record ─► Arc<Record> ───┤
//!                           ├─► log: a line, in a buffer of 1 MiB, written by a thread of its own
//!                           ├─► recent: a ring of the newest records, and time series (where a host wants them)
//!                           └─► spans: encoded for OTLP, in a bounded queue, exported by the host
//! ```
//!
//! A sink never blocks the thread that hands it a record, holds a bounded amount of memory, and counts what it drops.
//!
//! What it does not do:
//! - It sees no prompt, answer, reasoning or key: a record has none.
//! - It measures nothing itself: times and tokens are the record's.
//! - It serves no port and pushes nothing over a network.

mod access_log;
mod clock;
mod histogram;
mod line;
mod line_buffer;
pub mod log;
mod metrics;
pub mod otlp;
mod recent;
mod sink;
mod time_series;

use aquifer_gateway::config::{Config, MetricConventions, Severity};
use aquifer_gateway::exchange::{OpenStream, Phase};
use aquifer_gateway::record::Record;
pub use histogram::Quantiles;
use metrics::Metrics;
pub use metrics::{BackendState, HostState, TurnStoreCounters, metrics_table};
use prometheus_client::metrics::gauge::Gauge;
pub use recent::{RING, Recent, Seen, Window};
use sink::Sink;
use std::sync::Arc;
pub use time_series::Totals;

/// The sinks of a process, and the metrics that exchanges do not have.
pub struct Telemetry {
    metrics: Arc<Metrics>,
    sinks: Vec<Sink>,
}

/// Counts an exchange as in flight until it is dropped.
pub struct InFlight {
    metrics: Arc<Metrics>,
    stream: Option<CountedStream>,
}

/// The gauge in which a stream is counted as open, in one phase.
struct CountedStream {
    phase: Phase,
    gauge: Gauge,
}

impl Telemetry {
    /// Telemetry whose counters are zero. The log is started apart, with [`log::start`].
    #[must_use]
    #[expect(clippy::new_without_default, reason = "two of them in one process would share the log and nothing else")]
    pub fn new() -> Self {
        let metrics = Arc::new(Metrics::new());
        let sinks = vec![Sink::Metrics(Arc::clone(&metrics)), Sink::Log];
        Self { metrics, sinks }
    }

    /// Hands records to this ring too.
    #[must_use]
    pub fn and_recent(mut self, recent: Arc<Recent>) -> Self {
        self.sinks.push(Sink::Recent(recent));
        self
    }

    /// The number of exchanges in flight.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        self.metrics.in_flight.get()
    }

    /// Has spans of exchanges encoded into a queue, from which a host exports them.
    #[must_use]
    pub fn export_spans(&mut self, settings: otlp::SpanQueueSettings) -> Arc<otlp::SpanQueue> {
        let queue = Arc::new(otlp::SpanQueue::new(settings, self.metrics.telemetry_dropped("traces")));
        self.sinks.push(Sink::Spans(Arc::clone(&queue)));
        queue
    }

    /// Counts an export of metrics that failed.
    pub fn dropped_metrics(&self) {
        self.metrics.telemetry_dropped("metrics").inc();
    }

    /// Counts an exchange that begins as in flight.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.metrics.in_flight.inc();
        InFlight { metrics: Arc::clone(&self.metrics), stream: None }
    }

    /// Hands the record of an exchange that ended to every sink.
    pub fn observe(&self, record: impl Into<Arc<Record>>) {
        let record = record.into();
        for sink in &self.sinks {
            sink.take(&record);
        }
    }

    /// Counts a request without a valid API key, and whether its refusal was delayed because its address failed often.
    pub fn refused_key(&self, delayed: bool) {
        self.metrics.refused_keys.inc();
        self.metrics.delayed_refusals.inc_by(u64::from(delayed));
    }

    /// The counters of the store of turns, which that store keeps itself.
    #[must_use]
    pub fn turns(&self) -> TurnStoreCounters {
        self.metrics.turn_store.clone()
    }

    /// Takes over what a configuration says of metrics and of the access log, and counts that it was taken over.
    pub fn adopted(&self, config: &Config, conventions: MetricConventions) {
        let names: Vec<_> = config.backends.iter().map(|it| [&it.namespace, "/", &it.name].concat()).collect();
        let problems = config.notices.iter().filter(|notice| notice.severity == Severity::Problem).count();
        log::access(&config.access_log);
        self.metrics.adopted(names.iter().map(String::as_str), conventions, problems);
    }

    /// Counts that a configuration was refused: the one before stays in force.
    pub fn refused_config(&self) {
        self.metrics.refused_config();
    }

    /// All metrics in OpenMetrics' text form, with the state of the host.
    #[must_use]
    pub fn metrics(&self, state: &HostState) -> String {
        self.metrics.text(state)
    }
}

impl InFlight {
    /// Counts its stream as open in the phase that it is in now; `None`: it is no stream, or over.
    pub fn set_stream(&mut self, stream: Option<OpenStream<'_>>) {
        if self.stream.as_ref().map(|counted| counted.phase) == stream.map(|stream| stream.phase) {
            return;
        }
        self.stream = stream.map(|stream| {
            let gauge = self.metrics.open_streams(stream);
            gauge.inc();
            CountedStream { phase: stream.phase, gauge }
        });
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_open_in_one_phase_and_in_none_when_it_is_over() {
        let telemetry = Telemetry::new();
        let open = |phase: &str| {
            let text = telemetry.metrics(&HostState::default());
            let series = format!("aquifer_open_streams{{model=\"m\",phase=\"{phase}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned)
        };
        let mut stream = OpenStream { model_id: "m", is_known_model: true, phase: Phase::Called };
        let mut in_flight = telemetry.begin();
        in_flight.set_stream(Some(stream));
        assert_eq!(open("called").as_deref(), Some("1"));
        stream.phase = Phase::Thinking;
        in_flight.set_stream(Some(stream));
        in_flight.set_stream(Some(stream));
        assert_eq!([open("called").as_deref(), open("thinking").as_deref()], [Some("0"), Some("1")]);
        drop(in_flight);
        assert_eq!(open("thinking").as_deref(), Some("0"));
        let invented = OpenStream { model_id: "of a client", is_known_model: false, phase: Phase::Called };
        telemetry.begin().set_stream(Some(invented));
        assert!(!telemetry.metrics(&HostState::default()).contains("of a client"));
    }

    #[test]
    fn a_record_is_shared_with_the_sinks_and_kept_by_none() {
        let telemetry = Telemetry::new();
        let record = Arc::new(Record { operation: "chat", status: 200, ..Record::default() });
        telemetry.observe(Arc::clone(&record));
        assert_eq!(Arc::strong_count(&record), 1);
        assert!(
            telemetry
                .metrics(&HostState::default())
                .contains("aquifer_requests_total{outcome=\"answered\",status=\"200\"")
        );
    }
}
