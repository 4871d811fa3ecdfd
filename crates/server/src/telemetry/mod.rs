//! What is told of each exchange, from its record alone: a line of the log and the metrics.

mod exchange;
mod line;
pub(crate) mod log;
mod metrics;
mod sink;

use crate::turn_store::TurnStoreCounters;
use aquifer_gateway::record::Record;
use metrics::Metrics;
use std::sync::Arc;

/// Log and metrics.
pub(crate) struct Telemetry {
    metrics: Arc<Metrics>,
}

/// Counts an exchange as in flight until it is dropped.
pub(crate) struct InFlight(Arc<Metrics>);

impl Telemetry {
    /// Counts from zero.
    pub(crate) fn new() -> Self {
        Self { metrics: Arc::new(Metrics::new()) }
    }

    /// An exchange began.
    pub(crate) fn begin(&self) -> InFlight {
        self.metrics.in_flight.inc();
        InFlight(Arc::clone(&self.metrics))
    }

    /// An exchange ended.
    pub(crate) fn observe(&self, record: &Record) {
        self.metrics.observe(record);
        log::exchange(record);
    }

    /// A request had no valid API key; whether it was told so late, because its address failed often.
    pub(crate) fn refused_key(&self, late: bool) {
        self.metrics.refused_keys.inc();
        self.metrics.delayed_refusals.inc_by(u64::from(late));
    }

    /// What the store of turns counts by.
    pub(crate) fn turns(&self) -> TurnStoreCounters {
        self.metrics.turn_store.clone()
    }

    /// All metrics, in OpenMetrics' text form; so many tasks run now.
    pub(crate) fn metrics(&self, tasks: usize) -> String {
        self.metrics.text(tasks)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}
