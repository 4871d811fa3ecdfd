//! OTLP: spans and metrics as OpenTelemetry's protobuf messages, written straight from records. It sends nothing itself.
//!
//! ```text
//!  Record ─► sampling ─► span ─► queue ─► request ─► a host sends it
//!  /metrics' text ─────► metric ──────────────────────►
//! ```

mod attempt_span;
mod attributes;
mod conventions;
mod exchange_span;
mod metric;
mod openinference;
mod queue;
mod request;
mod sampling;
mod span;
mod span_parts;
mod wire;

pub use attributes::markdown as attributes_table;
pub use conventions::{CacheWriteName, SpanConventions};
pub use metric::MetricTimes;
pub use queue::{SpanBatch, SpanQueue, SpanQueueSettings};
pub use request::{OtlpResource, PartialSuccess};
pub use sampling::{AlwaysSampled, RootSampler, TraceSampler};
pub use span_parts::wall_nanos;

#[cfg(test)]
mod tests;
