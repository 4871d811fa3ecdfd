//! The traces of exchanges: read from the client's headers, sampled, and written to the headers of calls.

use super::variables::{Variable, variable};
use crate::process::{clock, random};
use crate::upstream::Upstreams;
use anyhow::bail;
use aquifer_aws::Environment;
use aquifer_gateway::config::Backend;
use aquifer_gateway::exchange::{Call, RequestHead};
use aquifer_gateway::record::{ExchangeTrace, RemoteSpan, TraceContext, TraceTrust};
use aquifer_gateway::translate::dialect::Surface;
use aquifer_telemetry::otlp::TraceSampler;
use http::{HeaderName, HeaderValue, header};
use std::net::IpAddr;

/// The longest path, and the longest `user-agent`, that a span bears.
const LONGEST: usize = 256;

/// The formats of trace context (`OTEL_PROPAGATORS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Propagators {
    /// W3C's `traceparent`: from clients, and to backends of OpenAI's dialect. Never to AWS, which does not know it.
    w3c: bool,
    /// X-Ray's `X-Amzn-Trace-Id`: from clients, and to Bedrock.
    x_ray: bool,
}

/// Begins the traces of exchanges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracer {
    pub(crate) trust: TraceTrust,
    pub(crate) sampler: TraceSampler,
    pub(crate) propagators: Propagators,
}

/// The trace of an exchange that is under way.
pub(crate) struct OpenTrace {
    trace: Box<ExchangeTrace>,
    /// The backends that were called, in order: indexes into the configuration's.
    called: Vec<usize>,
    propagators: Propagators,
}

impl Propagators {
    /// W3C's alone.
    pub(crate) fn usual() -> Self {
        Self { w3c: true, x_ray: false }
    }

    /// Reads `OTEL_PROPAGATORS`; `None` where it is not set.
    pub(super) fn read(environment: &Environment) -> anyhow::Result<Option<Self>> {
        let Some(Variable { name, value }) = variable(environment, "OTEL_PROPAGATORS") else { return Ok(None) };
        let mut read = Self::default();
        for word in value.split(',').map(str::trim) {
            match word {
                "tracecontext" => read.w3c = true,
                "xray" => read.x_ray = true,
                // Nothing of a client's baggage is handed on.
                "baggage" | "none" | "" => {}
                _ => bail!("{name}: `{word}` is not known; expected tracecontext, baggage, xray or none"),
            }
        }
        Ok(Some(read))
    }

    fn caller(self, head: &RequestHead<'_>) -> Option<RemoteSpan> {
        let w3c = if self.w3c { RemoteSpan::w3c(head.headers) } else { None };
        w3c.or_else(|| RemoteSpan::x_ray(head.headers).filter(|_| self.x_ray))
    }
}

impl Tracer {
    /// Begins the trace of a request; `None` where the system gives no randomness.
    pub(crate) fn begin(&self, head: &RequestHead<'_>, client: Option<IpAddr>) -> Option<OpenTrace> {
        let mut drawn = head.random;
        if drawn == 0 {
            // A request that is refused before it has an id.
            let mut bytes = [0; 16];
            random::fill(&mut bytes).ok()?;
            drawn = u128::from_ne_bytes(bytes);
        }
        let context = TraceContext::begin(drawn, self.propagators.caller(head), self.trust, |trace, parent| {
            self.sampler.samples(trace, parent)
        });
        let agent = head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let trace = ExchangeTrace {
            context,
            began: clock::wall(),
            method: head.method.clone(),
            path: shortened(head.path),
            route: Surface::pattern(head.path),
            client,
            user_agent: agent.map(shortened),
            servers: Vec::new(),
        };
        Some(OpenTrace { trace: Box::new(trace), called: Vec::new(), propagators: self.propagators })
    }
}

impl OpenTrace {
    /// Writes the context of a call to its headers, which for Bedrock are not signed (`X-Amzn-Trace-Id`).
    pub(crate) fn write(&mut self, call: &mut Call, backend: Option<&Backend>) {
        let number = self.called.len();
        self.called.push(call.backend);
        let Some(kind) = backend.map(|backend| &backend.kind) else { return };
        let context = &self.trace.context;
        if kind.bedrock_service().is_some() {
            if self.propagators.x_ray {
                insert(call, "x-amzn-trace-id", &context.x_ray(number));
            }
        } else if self.propagators.w3c {
            insert(call, "traceparent", &context.traceparent(number));
            call.headers.remove("tracestate");
            if !context.state().is_empty() {
                insert(call, "tracestate", context.state());
            }
        }
    }

    /// The trace for the record, with the addresses of the backends that were called.
    pub(crate) fn end(mut self, upstreams: &Upstreams) -> Box<ExchangeTrace> {
        self.trace.servers.extend(self.called.iter().map(|backend| upstreams.address(*backend)));
        self.trace
    }
}

fn insert(call: &mut Call, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        call.headers.insert(HeaderName::from_static(name), value);
    }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST)].to_owned()
}
