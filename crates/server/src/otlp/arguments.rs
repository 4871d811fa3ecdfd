//! The flags of tracing that OpenTelemetry has no variables for.

use aquifer_gateway::config::duration;
use aquifer_gateway::record::TraceTrust;
use aquifer_telemetry::otlp::{AlwaysSampled, CacheWriteName};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// What `aquifer serve` says of traces.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Traces (OTEL_EXPORTER_OTLP_ENDPOINT and its like switch them on; docs/tracing.md)")]
pub(crate) struct Tracing {
    /// What a client's trace context is worth: `continue` goes on with its trace and its decision of sampling, `link`
    /// begins another one that points to it, `ignore` begins another one [default: continue where clients are served on
    /// loopback addresses alone, else link]
    #[arg(long, value_name = "HOW", env = "AQUIFER_TRACE_TRUST")]
    pub(crate) trace_trust: Option<TrustAs>,
    /// Which exchanges are exported although they are not sampled; `none` for none
    #[arg(
        long,
        value_name = "LIST",
        env = "AQUIFER_TRACE_ALWAYS",
        value_delimiter = ',',
        default_value = "failed,slow,hedged,amended,missed"
    )]
    pub(crate) trace_always: Vec<AlwaysAs>,
    /// How long an exchange takes that is `slow`
    #[arg(long, value_name = "TIME", env = "AQUIFER_TRACE_SLOW", default_value = "60s", value_parser = time)]
    pub(crate) trace_slow: Duration,
    /// The name of the tokens that were written to the cache: of v1.41, of v0.1, or both, which are counted twice by who
    /// sums up [default: as --telemetry-conventions says]
    #[arg(long, value_name = "NAME", env = "AQUIFER_TRACE_CACHE_WRITE_NAME")]
    pub(crate) trace_cache_write_name: Option<CacheWriteAs>,
    /// Attributes of other conventions beside OpenTelemetry's
    #[arg(long, value_name = "LIST", env = "AQUIFER_TRACE_ALSO", value_delimiter = ',')]
    pub(crate) trace_also: Vec<AlsoAs>,
    /// The spans that bear tokens and cost: `none` where the clients' own spans do
    #[arg(long, value_name = "SPANS", env = "AQUIFER_TRACE_USAGE_ON", default_value = "attempt")]
    pub(crate) trace_usage_on: UsageOn,
}

/// `--trace-trust`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TrustAs {
    Continue,
    Link,
    Ignore,
}

/// `--trace-always`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlwaysAs {
    Failed,
    Slow,
    Hedged,
    Amended,
    Missed,
    None,
}

/// `--trace-cache-write-name`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CacheWriteAs {
    #[value(name = "cache_creation")]
    Creation,
    #[value(name = "cache_write")]
    Write,
    Both,
}

/// `--trace-also`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlsoAs {
    Openinference,
}

/// `--trace-usage-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageOn {
    Attempt,
    None,
}

impl Tracing {
    /// The exchanges that are exported whatever the sampler says.
    pub(crate) fn always(&self) -> AlwaysSampled {
        let has = |what| self.trace_always.contains(&what);
        AlwaysSampled {
            failed: has(AlwaysAs::Failed),
            slow: has(AlwaysAs::Slow).then_some(self.trace_slow),
            hedged: has(AlwaysAs::Hedged),
            amended: has(AlwaysAs::Amended),
            missed: has(AlwaysAs::Missed),
        }
    }
}

impl From<TrustAs> for TraceTrust {
    fn from(how: TrustAs) -> Self {
        match how {
            TrustAs::Continue => Self::Continue,
            TrustAs::Link => Self::Link,
            TrustAs::Ignore => Self::Ignore,
        }
    }
}

impl From<CacheWriteAs> for CacheWriteName {
    fn from(name: CacheWriteAs) -> Self {
        match name {
            CacheWriteAs::Creation => Self::Creation,
            CacheWriteAs::Write => Self::Write,
            CacheWriteAs::Both => Self::Both,
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "expected a time such as 500ms, 30s, 2m or 1h30m".to_owned())
}
