//! Envoy Gateway's `BackendTrafficPolicy`: retries, outlier detection, limits of concurrency and of time.

use crate::config::resources::common::{Metadata, PolicyTarget};
use crate::config::resources::order::in_order;
use crate::config::resources::text::DurationText;
use schemars::JsonSchema;
use serde::Deserialize;

/// Retries, outlier detection, limits of concurrency and of time, as far as they are read.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendTrafficPolicy {
    /// The name of the resource. Its annotations `aquifer.dev/first-byte-timeout`, `aquifer.dev/hedge-after` and
    /// `aquifer.dev/early-head` are durations, `aquifer.dev/on-client-gone` is `close` or `drain`.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the policy.
    pub(in crate::config) spec: BackendTrafficPolicySpec,
}

/// The targets of a `BackendTrafficPolicy` and the policy.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct BackendTrafficPolicySpec {
    /// The one target.
    pub(in crate::config) target_ref: Option<PolicyTarget>,
    /// The targets, where there are several.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<PolicyTarget>,
    /// With any value, the Gateway's policy decides what this one leaves out.
    pub(in crate::config) merge_type: Option<String>,
    /// Retries.
    pub(in crate::config) retry: Option<RetryPolicy>,
    /// Limits of concurrency.
    pub(in crate::config) circuit_breaker: Option<CircuitBreaker>,
    /// Outlier detection.
    pub(in crate::config) health_check: Option<HealthCheck>,
    /// Limits of time.
    pub(in crate::config) timeout: Option<TrafficTimeout>,
}

/// Retries.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct RetryPolicy {
    /// The most retries of one request; 2 without one.
    #[schemars(range(max = 2_147_483_647))]
    pub(in crate::config) num_retries: Option<u32>,
    /// The most attempts at the backends of one priority.
    #[schemars(range(max = 2_147_483_647))]
    pub(in crate::config) num_attempts_per_priority: Option<u32>,
    /// The failures that are retried.
    pub(in crate::config) retry_on: Option<RetryOn>,
    /// Limits of each attempt.
    pub(in crate::config) per_retry: Option<PerRetry>,
}

/// The failures that are retried.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct RetryOn {
    /// Statuses.
    #[serde(default)]
    #[schemars(length(max = 500), inner(range(min = 100, max = 599)))]
    pub(in crate::config) http_status_codes: Option<Vec<u16>>,
    /// Conditions.
    #[serde(default)]
    #[schemars(length(max = 13))]
    pub(in crate::config) triggers: Option<Vec<RetryTrigger>>,
}

/// A condition under which a call is retried.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum RetryTrigger {
    #[serde(rename = "5xx")]
    Status5xx,
    GatewayError,
    Reset,
    ResetBeforeRequest,
    ConnectFailure,
    #[serde(rename = "retriable-4xx")]
    Retriable4xx,
    RefusedStream,
    RetriableStatusCodes,
    Cancelled,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
}

/// Limits of each attempt.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct PerRetry {
    /// The time that an attempt may take.
    pub(in crate::config) timeout: Option<DurationText>,
    /// The pauses between attempts.
    pub(in crate::config) back_off: Option<BackOff>,
}

/// The pauses between attempts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct BackOff {
    /// The first pause.
    pub(in crate::config) base_interval: Option<DurationText>,
    /// The longest pause; ten times the first without one.
    pub(in crate::config) max_interval: Option<DurationText>,
}

/// Limits of concurrency for each backend.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct CircuitBreaker {
    /// The most calls at once.
    #[schemars(range(max = 4_294_967_295_u32))]
    pub(in crate::config) max_parallel_requests: Option<u32>,
    /// The most calls that wait for one of those to end.
    #[schemars(range(max = 4_294_967_295_u32))]
    pub(in crate::config) max_pending_requests: Option<u32>,
}

/// Outlier detection.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct HealthCheck {
    /// Ejection of backends by the failures of their calls.
    pub(in crate::config) passive: Option<PassiveHealthCheck>,
    /// The share of healthy backends, in percent, below which ejections are disregarded.
    #[schemars(range(max = 100))]
    pub(in crate::config) panic_threshold: Option<u32>,
}

/// Ejection of backends by the failures of their calls.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct PassiveHealthCheck {
    /// Answers of 5xx in a row that eject; 5 without one, 0: none do.
    #[serde(rename = "consecutive5XxErrors")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub(in crate::config) consecutive_5xx_errors: Option<u32>,
    /// Answers of 502, 503 and 504 in a row that eject; 0: none do.
    #[schemars(range(max = 4_294_967_295_u32))]
    pub(in crate::config) consecutive_gateway_errors: Option<u32>,
    /// The time of the first ejection.
    pub(in crate::config) base_ejection_time: Option<DurationText>,
    /// The time between two looks at ejected backends.
    pub(in crate::config) interval: Option<DurationText>,
    /// The largest share of backends, in percent, that is ejected at once.
    #[schemars(range(max = 100))]
    pub(in crate::config) max_ejection_percent: Option<u32>,
    /// The longest time of an ejection.
    pub(in crate::config) max_ejection_time: Option<DurationText>,
}

/// Limits of time; nought means no limit.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct TrafficTimeout {
    /// Of connections.
    pub(in crate::config) tcp: Option<TcpTimeout>,
    /// Of requests.
    pub(in crate::config) http: Option<HttpTimeout>,
}

/// Limits of time of connections.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct TcpTimeout {
    /// The time that a connection may take to be made.
    pub(in crate::config) connect_timeout: Option<DurationText>,
}

/// Limits of time of requests.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct HttpTimeout {
    /// The time that the whole exchange may take.
    pub(in crate::config) request_timeout: Option<DurationText>,
}
