//! The consumers of records.

use crate::log;
use crate::metrics::Metrics;
use crate::otlp::SpanQueue;
use crate::recent::Recent;
use aquifer_gateway::record::Record;
use std::sync::Arc;

/// A consumer of records: one variant for each, so that a new one has its place in every match.
///
/// [`take`](Self::take) never blocks: what takes long is done by a thread of the sink's own, behind a bounded queue. What
/// that queue has no room for is dropped and counted.
pub(crate) enum Sink {
    /// Counts at once, and queues nothing. Labels take a bounded number of values.
    Metrics(Arc<Metrics>),
    /// Writes a line into the buffer of standard error. Dropped lines are counted as `aquifer_log_lines_dropped`.
    Log,
    /// Keeps the newest records and counts all, without a lock and in a fixed amount of memory: a newer record takes the
    /// place of the oldest one.
    Recent(Arc<Recent>),
    /// Encodes spans into a queue, which a host exports. Dropped spans are counted as `aquifer_telemetry_dropped_total`.
    Spans(Arc<SpanQueue>),
}

impl Sink {
    /// Takes the record of an exchange that ended.
    pub(crate) fn take(&self, record: &Arc<Record>) {
        match self {
            Self::Metrics(metrics) => metrics.observe(record),
            Self::Log => log::exchange(record),
            Self::Recent(recent) => recent.take(record),
            Self::Spans(queue) => queue.take(record),
        }
    }
}
