//! What is exported by OTLP, to where and how: OpenTelemetry's variables and our own flags, read once at the start.

use super::arguments::{Tracing, UsageOn};
use super::signal::Signal;
use super::tracer::Propagators;
use super::variables::{OfSignal, Variable, milliseconds, number, percent_decoded, variable};
use anyhow::{Context as _, bail, ensure};
use aquifer_aws::Environment;
use aquifer_gateway::config::{MetricConventions, ServerTls};
use aquifer_gateway::secret::Secret;
use aquifer_telemetry::otlp::{
    AlwaysSampled, CacheWriteName, OtlpResource, RootSampler, SpanConventions, SpanQueueSettings, TraceSampler,
};
use http::{HeaderMap, Uri};
use std::time::Duration;

/// What is exported. `None`s: nothing.
pub(crate) struct OtlpSettings {
    pub(crate) traces: Option<TraceSettings>,
    pub(crate) metrics: Option<MetricsSettings>,
    /// The process, as every export names it.
    pub(crate) resource: OtlpResource,
    pub(crate) sampler: TraceSampler,
    /// `None`: no trace context is read or written.
    pub(crate) propagators: Option<Propagators>,
}

/// How spans are exported.
pub(crate) struct TraceSettings {
    pub(crate) collector: CollectorSettings,
    pub(crate) queue: SpanQueueSettings,
    /// How long spans are gathered (`OTEL_BSP_SCHEDULE_DELAY`).
    pub(crate) delay: Duration,
}

/// How metrics are exported.
pub(crate) struct MetricsSettings {
    pub(crate) collector: CollectorSettings,
    pub(crate) interval: Duration,
}

/// The collector of one signal. It has no `Debug`: its headers are secrets.
#[derive(Clone)]
pub(crate) struct CollectorSettings {
    pub(crate) signal: Signal,
    pub(crate) url: Uri,
    pub(crate) protocol: OtlpProtocol,
    pub(crate) headers: HeaderMap,
    /// The timeout of one export.
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    /// The authorities that its certificate must be signed by, PEM. `None`: the system's.
    pub(crate) authorities: Option<String>,
    /// The certificate that is shown to it and its key, PEM.
    pub(crate) identity: Option<ServerTls>,
}

/// The transport of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtlpProtocol {
    HttpProtobuf,
    Grpc,
}

impl OtlpSettings {
    /// Reads them.
    ///
    /// # Errors
    /// A variable has a value that is not known, or cannot be used; the error names it.
    pub(crate) fn read(
        environment: &Environment,
        flags: &Tracing,
        conventions: Option<MetricConventions>,
    ) -> anyhow::Result<Self> {
        let names = conventions_of(environment, flags, conventions);
        let mut sampler = sampler(environment)?;
        let off = environment.is_true("OTEL_SDK_DISABLED");
        if let Some(Variable { name, value: "otlp" | "console" }) = variable(environment, "OTEL_LOGS_EXPORTER") {
            tracing::warn!("{name}: the log is written to standard error alone, and not exported");
        }
        let traces = match !off && is_wanted(environment, Signal::Traces, true)? {
            true => Some(TraceSettings::read(environment, flags, names, sampler)?),
            false => None,
        };
        let metrics = match !off && is_wanted(environment, Signal::Metrics, false)? {
            true => Some(MetricsSettings {
                collector: CollectorSettings::read(environment, Signal::Metrics)?,
                interval: milliseconds(environment, "OTEL_METRIC_EXPORT_INTERVAL", Duration::from_secs(60))?,
            }),
            false => None,
        };
        temporality(environment)?;
        let propagators = Propagators::read(environment)?;
        if traces.is_none() {
            // What is not exported is not said to be sampled, unless its caller says so.
            sampler = TraceSampler { root: RootSampler::AlwaysOff, parent_based: true };
        }
        Ok(Self {
            propagators: propagators.or_else(|| traces.is_some().then(Propagators::usual)),
            traces,
            metrics,
            resource: resource(environment, names.is_v141)?,
            sampler,
        })
    }
}

/// Whether a signal is exported: when its exporter is `otlp`; when nothing is said, and its own endpoint is known, or for
/// traces that of all.
fn is_wanted(environment: &Environment, signal: Signal, by_general: bool) -> anyhow::Result<bool> {
    let of = OfSignal { environment, signal };
    let name = format!("OTEL_{}_EXPORTER", signal.word().to_ascii_uppercase());
    match variable(environment, &name).map(|variable| variable.value) {
        Some("otlp") => Ok(true),
        Some("none") => Ok(false),
        Some(other) => bail!("{name}: `{other}` is not known; expected otlp or none"),
        None => Ok(of.own("ENDPOINT").is_some() || by_general && of.general("ENDPOINT").is_some()),
    }
}

impl TraceSettings {
    fn read(
        environment: &Environment,
        flags: &Tracing,
        names: SpanConventions,
        sampler: TraceSampler,
    ) -> anyhow::Result<Self> {
        let most = number(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 2048_usize)?;
        let batch = number(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512_usize)?;
        ensure!(batch > 0 && batch <= most, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: expected 1 to OTEL_BSP_MAX_QUEUE_SIZE");
        ensure!(most <= 1_000_000, "OTEL_BSP_MAX_QUEUE_SIZE: expected at most 1000000");
        // Whoever switches traces off wants none.
        let always = if sampler.root == RootSampler::AlwaysOff { AlwaysSampled::NONE } else { flags.always() };
        Ok(Self {
            collector: CollectorSettings::read(environment, Signal::Traces)?,
            queue: SpanQueueSettings { most, batch, always, names },
            delay: milliseconds(environment, "OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(1))?,
        })
    }
}

impl CollectorSettings {
    fn read(environment: &Environment, signal: Signal) -> anyhow::Result<Self> {
        let of = OfSignal { environment, signal };
        let protocol = match of.either("PROTOCOL") {
            None => OtlpProtocol::HttpProtobuf,
            Some(Variable { value: "http/protobuf", .. }) => OtlpProtocol::HttpProtobuf,
            Some(Variable { value: "grpc", .. }) => OtlpProtocol::Grpc,
            Some(Variable { name, value }) => bail!("{name}: `{value}` is not known; expected http/protobuf or grpc"),
        };
        let gzip = match of.either("COMPRESSION") {
            None | Some(Variable { value: "none", .. }) => false,
            Some(Variable { value: "gzip", .. }) => true,
            Some(Variable { name, value }) => bail!("{name}: `{value}` is not known; expected gzip or none"),
        };
        let timeout = of.either("TIMEOUT").map_or_else(|| "OTEL_EXPORTER_OTLP_TIMEOUT".to_owned(), |it| it.name);
        let identity = match (of.file("CLIENT_CERTIFICATE")?, of.file("CLIENT_KEY")?) {
            (Some(certificate), Some(key)) => {
                Some(ServerTls { certificate_pem: certificate, key_pem: Secret::new(key) })
            }
            (None, None) => None,
            _ => bail!("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY: one needs the other"),
        };
        Ok(Self {
            signal,
            url: url(&of, protocol)?,
            protocol,
            headers: of.headers()?,
            timeout: milliseconds(environment, &timeout, Duration::from_secs(10))?,
            gzip,
            authorities: of.file("CERTIFICATE")?,
            identity,
        })
    }
}

/// The URL of exports: a signal's own endpoint as it is, that of all with the signal's path behind it.
fn url(of: &OfSignal<'_>, protocol: OtlpProtocol) -> anyhow::Result<Uri> {
    let own = of.own("ENDPOINT");
    let is_own = own.is_some();
    let port = if protocol == OtlpProtocol::Grpc { 4317 } else { 4318 };
    let usual = format!("http://localhost:{port}");
    let Variable { name, value } = own
        .or_else(|| of.general("ENDPOINT"))
        .unwrap_or_else(|| Variable { name: "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), value: &usual });
    let base = match value.contains("://") {
        true => value.to_owned(),
        // As gRPC names its servers.
        false if protocol == OtlpProtocol::Grpc => {
            let insecure = of.either("INSECURE").is_some_and(|it| it.value.eq_ignore_ascii_case("true"));
            format!("{}://{value}", if insecure { "http" } else { "https" })
        }
        false => bail!("{name}: expected a URL that begins with http:// or https://"),
    };
    let path = match (protocol, is_own) {
        (OtlpProtocol::HttpProtobuf, true) => "",
        (OtlpProtocol::HttpProtobuf, false) => match of.signal {
            Signal::Traces => "/v1/traces",
            Signal::Metrics => "/v1/metrics",
        },
        (OtlpProtocol::Grpc, _) => match of.signal {
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        },
    };
    let whole = if path.is_empty() { base } else { [base.trim_end_matches('/'), path].concat() };
    let url: Uri = whole.parse().ok().with_context(|| format!("{name}: expected a URL"))?;
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    // It may hold a password, so that it is not shown.
    let plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    ensure!(known && plain, "{name}: expected a URL that begins with http:// or https://, without a user in it");
    Ok(url)
}

fn conventions_of(
    environment: &Environment,
    flags: &Tracing,
    conventions: Option<MetricConventions>,
) -> SpanConventions {
    let opted = environment.get("OTEL_SEMCONV_STABILITY_OPT_IN").unwrap_or_default();
    let newest = opted.split(',').any(|word| word.trim() == "gen_ai_latest_experimental");
    let is_v141 = match conventions {
        Some(MetricConventions::V01) => false,
        Some(MetricConventions::V141 | MetricConventions::Both) => true,
        None => !newest,
    };
    let usual = if is_v141 { CacheWriteName::Creation } else { CacheWriteName::Write };
    SpanConventions {
        is_v141,
        cache_write: flags.trace_cache_write_name.map_or(usual, Into::into),
        openinference: !flags.trace_also.is_empty(),
        usage: flags.trace_usage_on == UsageOn::Attempt,
    }
}

fn sampler(environment: &Environment) -> anyhow::Result<TraceSampler> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    let Some(Variable { value, .. }) = variable(environment, NAME) else {
        return Ok(TraceSampler { root: RootSampler::AlwaysOn, parent_based: true });
    };
    let (parent_based, root) = value.strip_prefix("parentbased_").map_or((false, value), |root| (true, root));
    let root = match root {
        "always_on" => RootSampler::AlwaysOn,
        "always_off" => RootSampler::AlwaysOff,
        "traceidratio" => ratio(environment)?,
        _ => bail!(
            "{NAME}: `{value}` is not known; expected always_on, always_off, traceidratio, or one of them behind \
             parentbased_"
        ),
    };
    Ok(TraceSampler { root, parent_based })
}

fn ratio(environment: &Environment) -> anyhow::Result<RootSampler> {
    const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
    let share = number(environment, NAME, 1.0)?;
    ensure!((0.0..=1.0).contains(&share), "{NAME}: expected a share from 0 to 1");
    Ok(RootSampler::Ratio(share))
}

fn temporality(environment: &Environment) -> anyhow::Result<()> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    match variable(environment, NAME) {
        Some(Variable { value, .. }) if !value.eq_ignore_ascii_case("cumulative") => {
            bail!("{NAME}: `{value}` is not known; metrics are cumulative")
        }
        Some(_) | None => Ok(()),
    }
}

fn resource(environment: &Environment, is_v141: bool) -> anyhow::Result<OtlpResource> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let mut attributes = vec![
        ("service.name".to_owned(), "aquifer".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id".to_owned(), instance()?),
        ("telemetry.sdk.name".to_owned(), "aquifer".to_owned()),
        ("telemetry.sdk.language".to_owned(), "rust".to_owned()),
        ("telemetry.sdk.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let own = environment.get(NAME).unwrap_or_default();
    for pair in own.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or_default();
        let value = percent_decoded(value.trim()).filter(|_| !key.trim().is_empty());
        let value = value.with_context(|| format!("{NAME}: expected pairs such as name=value, with commas"))?;
        set(&mut attributes, key.trim(), value);
    }
    if let Some(name) = environment.get("OTEL_SERVICE_NAME") {
        set(&mut attributes, "service.name", name.to_owned());
    }
    Ok(OtlpResource::new(&attributes, is_v141))
}

fn set(attributes: &mut Vec<(String, String)>, key: &str, value: String) {
    attributes.retain(|known| known.0 != key);
    attributes.push((key.to_owned(), value));
}

/// A random id of this process.
fn instance() -> anyhow::Result<String> {
    let mut random = [0; 16];
    crate::process::random::fill(&mut random).context("the system gives no randomness")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(random)))
}
