//! The table of all metrics: name, kind, unit, labels and convention of each. The documentation has the same table.

use Kind::{Counter, Gauge, Histogram};

/// What is known of one metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    /// The name under which it is scraped; a histogram's without `_bucket`, `_sum` and `_count`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: &'static str,
    pub(crate) labels: &'static [&'static str],
    pub(crate) convention: Convention,
    pub(crate) what: &'static str,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Who named a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// This project.
    Own,
    /// OpenTelemetry's conventions for generative models, as of v1.41: replaced by those of v0.1.
    V141,
    /// OpenTelemetry's conventions for generative models in a repository of their own, as of v0.1.
    V01,
    /// Both alike.
    Both,
    /// Prometheus' own clients.
    Prometheus,
}

impl Kind {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}

/// The labels of OpenTelemetry's conventions, and the client's name of the model beside them.
const MODEL: &[&str] = &[
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_original_model",
    "gen_ai_request_model",
    "gen_ai_response_model",
];
/// The same where it failed.
const ENDED: &[&str] = &[
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_original_model",
    "gen_ai_request_model",
    "gen_ai_response_model",
    "error_type",
];
/// The same of a kind of token.
const TOKENS: &[&str] = &[
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_original_model",
    "gen_ai_request_model",
    "gen_ai_response_model",
    "gen_ai_token_type",
];
/// The same of a kind of token in the newer conventions.
const MODALITY: &[&str] = &[
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_original_model",
    "gen_ai_request_model",
    "gen_ai_response_model",
    "gen_ai_token_modality",
];

macro_rules! table {
    ($($name:literal $kind:ident $unit:literal $labels:expr, $convention:ident: $what:literal;)*) => {
        /// All metrics, in the order in which the documentation has them.
        pub(crate) const METRICS: &[Described] = &[$(Described {
            name: $name, kind: $kind, unit: $unit, labels: $labels, convention: Convention::$convention, what: $what,
        }),*];
    };
}

table! {
    "aquifer_build_info" Gauge "" &["version"], Own: "the version that runs";
    "aquifer_requests_in_flight" Gauge "requests" &[], Own: "exchanges under way";
    "aquifer_open_streams" Gauge "streams" &["model", "phase"], Own: "streams under way, by their phase: `called`, `thinking`, `answering`";
    "aquifer_tasks" Gauge "tasks" &[], Own: "tasks of the runtime that have not ended: one for each connection and a few more";
    "aquifer_requests_total" Counter "requests" &["outcome", "status", "model", "backend"], Own: "exchanges that ended";
    "aquifer_request_errors_total" Counter "requests" &["fault", "model", "backend"], Own: "exchanges that failed, by fault";
    "aquifer_request_warnings_total" Counter "warnings" &["kind"], Own: "warnings given";
    "gen_ai_server_request_duration_seconds" Histogram "s" ENDED, Both: "from the request's head to the end of the answer";
    "gen_ai_server_time_to_first_token_seconds" Histogram "s" MODEL, Both: "to the first token of any channel: of reasoning or of the answer. A role, the beginning of a block and an empty piece are none";
    "gen_ai_server_time_per_output_token_seconds" Histogram "s" MODEL, Both: "between two tokens of a stream after its first";
    "aquifer_time_to_first_reasoning_seconds" Histogram "s" MODEL, Own: "to the first reasoning";
    "aquifer_time_to_first_content_seconds" Histogram "s" MODEL, Own: "to the first text or tool call: what clients that show no reasoning wait for";
    "aquifer_reasoning_seconds" Histogram "s" MODEL, Own: "the time in which blocks of reasoning were open, of an answer that had some; backends of OpenAI's dialect do not tell it";
    "aquifer_overhead_seconds" Histogram "s" &["gen_ai_operation_name"], Own: "the gateway's own time before the first call: from the request's whole body to the moment at which the call is sent or queued";
    "gen_ai_client_token_usage" Histogram "tokens" TOKENS, V141: "tokens of one exchange. `input` is the whole prompt, with `cached_input` and `cache_creation_input` in it; `output` has `reasoning` in it";
    "gen_ai_client_inference_usage_input_tokens_total" Counter "tokens" MODALITY, V01: "prompt tokens of all calls that reported them, caches included";
    "gen_ai_client_inference_usage_output_tokens_total" Counter "tokens" MODALITY, V01: "tokens of answers, reasoning included";
    "gen_ai_client_inference_usage_cache_read_input_tokens_total" Counter "tokens" MODALITY, V01: "those of the prompt tokens that the cache read";
    "gen_ai_client_inference_usage_cache_write_input_tokens_total" Counter "tokens" MODALITY, V01: "those of the prompt tokens that the cache wrote";
    "gen_ai_client_inference_usage_reasoning_output_tokens_total" Counter "tokens" MODALITY, V01: "those of the answers' tokens that are reasoning";
    "gen_ai_client_inference_duration_seconds" Histogram "s" ENDED, V01: "the same as `gen_ai_server_request_duration_seconds`";
    "gen_ai_client_inference_time_to_first_chunk_seconds" Histogram "s" MODEL, V01: "the same as `gen_ai_server_time_to_first_token_seconds`, of streams";
    "aquifer_attempts_total" Counter "calls" &["backend", "result"], Own: "calls that ended: `answered`, `failed`, `throttled`, `amended` (refused, and made once more, otherwise), `hedge_lost` (the other one was quicker), `abandoned`";
    "aquifer_stop_reasons_total" Counter "answers" &["model", "reason"], Own: "answers by the reason why their model stopped";
    "aquifer_cost_usd_total" Counter "USD" &["model", "backend", "route", "part"], Own: "what calls cost whose tokens were reported and whose price is known; `part`: `input`, `cache_read`, `cache_write`, `output`. Reasoning is a part of the output";
    "aquifer_cost_estimated_usd_total" Counter "USD" &["model", "backend", "route"], Own: "a guess, by bytes, at the cost of calls whose tokens nobody reported: their client left, or another call was quicker";
    "aquifer_cost_unknown_total" Counter "calls" &["reason"], Own: "calls whose cost is not known: `no_price` of the model, its tier or its geography; `no_usage` was reported; `reserved` capacity";
    "aquifer_reasoning_turns_total" Counter "turns" &["result"], Own: "turns that called tools: `stored` with this answer, `restored` because the client had dropped their reasoning, `missed` because nothing was remembered";
    "aquifer_reasoning_turns_evicted_total" Counter "turns" &[], Own: "remembered turns that were forgotten for want of room or for their age";
    "aquifer_reasoning_turns_held" Gauge "turns" &[], Own: "turns remembered now";
    "aquifer_reasoning_turns_held_bytes" Gauge "bytes" &[], Own: "bytes of the turns remembered now";
    "aquifer_reasoning_turns_limit_bytes" Gauge "bytes" &[], Own: "the most bytes that turns may take, of the backends and routes whose turns are remembered now";
    "aquifer_told_bytes_total" Counter "bytes" &["outcome"], Own: "bytes of answers' bodies that clients were given. Bedrock counts tokens at the end of a stream: of one whose client left (`abandoned`) this is what is known";
    "aquifer_hedges_total" Counter "calls" &["result"], Own: "second calls that were made because the first was slow: `won`, the answer is theirs; `lost`, the first was quicker; `failed`; `abandoned`, the client left first";
    "aquifer_drains_total" Counter "calls" &["result"], Own: "calls that were read on after their client had left, so that their tokens are known: `reported`; `limit`, one of time or bytes was reached; `broken`, the backend failed or reported none; `no_room`, as many were read on already as may be, and this one was closed";
    "aquifer_requests_amended_total" Counter "calls" &[], Own: "calls made once more, otherwise, after a refusal";
    "aquifer_token_counts_cached_total" Counter "requests" &[], Own: "counts of tokens that were answered from the cache, without a call";
    "aquifer_backend_ejected" Gauge "" &["backend"], Own: "1 while a backend is left alone after failures";
    "aquifer_backend_open_calls" Gauge "calls" &["backend"], Own: "calls that were sent and whose answer is not read to its end";
    "aquifer_credentials_expiry_timestamp_seconds" Gauge "s" &["backend"], Own: "when the AWS credentials in use expire, of those that do";
    "aquifer_config_last_reload_successful" Gauge "" &[], Own: "1: the configuration in force is that of the files; 0: the last reload was refused";
    "aquifer_config_last_reload_timestamp_seconds" Gauge "s" &[], Own: "when a configuration was last taken over";
    "aquifer_config_warnings" Gauge "warnings" &[], Own: "problems of the configuration in force, each in the log";
    "aquifer_authentication_failures_total" Counter "requests" &[], Own: "requests without a valid API key";
    "aquifer_authentication_delays_total" Counter "requests" &[], Own: "those of them that were answered late, because their address failed often";
    "aquifer_log_lines_dropped_total" Counter "lines" &[], Own: "lines of the log that standard error did not take, beyond the 1 MiB that is kept for it";
    "aquifer_telemetry_dropped_total" Counter "items" &["signal"], Own: "what was not exported by OTLP: spans (`traces`) for which the queue had no room or which the collector did not take, exports of metrics (`metrics`) that failed";
    "process_cpu_seconds_total" Counter "s" &[], Prometheus: "CPU time of the process";
    "process_start_time_seconds" Gauge "s" &[], Prometheus: "when the process began";
    "process_resident_memory_bytes" Gauge "bytes" &[], Prometheus: "its resident memory";
    "process_virtual_memory_bytes" Gauge "bytes" &[], Prometheus: "its virtual memory";
    "process_open_fds" Gauge "descriptors" &[], Prometheus: "its open file descriptors";
    "process_max_fds" Gauge "descriptors" &[], Prometheus: "the most that it may open";
    "process_threads" Gauge "threads" &[], Prometheus: "its threads";
}

/// The description of a metric, for its registration.
pub(crate) fn described(name: &str) -> Option<&'static Described> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The table of all metrics in Markdown, as the documentation has it.
#[must_use]
pub fn markdown() -> String {
    let head = "| metric | kind | unit | labels | convention | what |\n|---|---|---|---|---|---|\n";
    let mut text = head.to_owned();
    for Described { name, kind, unit, labels, convention, what } in METRICS {
        let convention = match convention {
            Convention::Own => "",
            Convention::V141 => "v1.41",
            Convention::V01 => "v0.1",
            Convention::Both => "v1.41, v0.1",
            Convention::Prometheus => "Prometheus",
        };
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels) = (kind.word(), labels.join(", "));
        text.push_str(&format!("| `{name}` | {kind} | {unit} | {labels} | {convention} | {what} |\n"));
    }
    text
}
