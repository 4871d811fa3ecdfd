//! OTLP: spans and metrics are sent to a collector, beside the requests and never in their way.
//!
//! ```text
//!  client/driver ─► tracer: the trace of an exchange, headers to backends
//!       └─ Record ─► aquifer_telemetry::otlp (queue) ─► exporter ─► collector: HTTP/protobuf or gRPC
//! ```
//!
//! What is sent, to where and how is read from OpenTelemetry's variables (`settings`).

pub(crate) mod arguments;
mod collector;
mod export_answer;
pub(crate) mod exporter;
pub(crate) mod settings;
mod signal;
pub(crate) mod tracer;
mod variables;
