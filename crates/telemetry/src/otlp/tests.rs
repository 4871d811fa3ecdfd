//! What is encoded, decoded again with OpenTelemetry's own messages: every attribute of the table, and no other.

use super::attributes::ATTRIBUTES;
use super::*;
use crate::{HostState, Telemetry};
use aquifer_gateway::config::{Config, MetricConventions};
use aquifer_gateway::cost::{CallCost, Cost, CostUnknown, Tokens};
use aquifer_gateway::record::{
    Asked, AttemptReason, AttemptRecord, AttemptResult, BackendAddress, ExchangeTrace, Hedges, Outcome, Record,
    RemoteSpan, TraceContext, TraceTrust, Turns,
};
use aquifer_gateway::translate::model::reasoning::{Effort, SentEffort};
use aquifer_gateway::translate::model::response::ServiceTier;
use aquifer_gateway::translate::translation::Parameters;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

const ALL: SpanConventions =
    SpanConventions { is_v141: false, cache_write: CacheWriteName::Both, openinference: true, usage: true };
const SETTINGS: SpanQueueSettings =
    SpanQueueSettings { most: 2048, batch: 512, always: AlwaysSampled::NONE, names: ALL };

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn caller() -> RemoteSpan {
    RemoteSpan { trace_id: 0xabc << 64, span_id: 0x1234, is_sampled: true, state: "vendor=1".to_owned() }
}

fn trace(trust: TraceTrust) -> ExchangeTrace {
    ExchangeTrace {
        context: TraceContext::begin(77 << 64 | 99, Some(caller()), trust, |_, _| true),
        began: UNIX_EPOCH + Duration::from_secs(1_795_000_000),
        method: http::Method::POST,
        path: "/v1/chat/completions".to_owned(),
        route: Some("/v1/chat/completions"),
        client: Some([127, 0, 0, 1].into()),
        user_agent: Some("openai-python".to_owned()),
        servers: vec![Some(BackendAddress { host: "a.example".to_owned(), port: 443 }), None],
    }
}

/// A stream whose first call was throttled and whose second one answered.
#[expect(clippy::too_many_lines, reason = "a line for each field")]
fn retried() -> Record {
    let throttled = AttemptRecord {
        backend: "default/a".to_owned(),
        model_id: "us.anthropic.claude-opus-5".to_owned(),
        provider: "aws.bedrock",
        region: Some("us-east-1".to_owned()),
        result: AttemptResult::Throttled,
        started: ms(1),
        sent: Some(ms(4)),
        first_byte: Some(ms(20)),
        ended: Some(ms(21)),
        status: Some(429),
        upstream_request_id: Some("aws-1".to_owned()),
        fault: Some("ThrottlingException".to_owned()),
        sent_bytes: 500,
        came_bytes: 60,
        ..AttemptRecord::default()
    };
    let tokens = Tokens {
        input: 100,
        output: 50,
        cache_read: 30,
        cache_write: 20,
        reasoning: Some(40),
        tier: Some(ServiceTier::Flex),
        ..Tokens::default()
    };
    let cost =
        Cost { input: 1_000_000_000_000, output: 2_000_000_000_000, reasoning: 1_600_000_000_000, ..Cost::default() };
    let answered = AttemptRecord {
        backend: "default/b".to_owned(),
        why: AttemptReason::Retry,
        result: AttemptResult::Answered,
        effort: SentEffort { level: Some(Effort::High), budget: None },
        started: ms(30),
        sent: Some(ms(30)),
        first_byte: Some(ms(50)),
        first_reasoning: Some(ms(55)),
        first_content: Some(ms(80)),
        ended: Some(ms(100)),
        status: Some(200),
        upstream_request_id: Some("aws-2".to_owned()),
        fault: None,
        usage: Some(tokens),
        cost: CallCost::Known(cost),
        ..throttled.clone()
    };
    Record {
        id: "chatcmpl-1".to_owned(),
        operation: "chat",
        caller: Some("team".into()),
        model: "opus".to_owned(),
        model_id: "us.anthropic.claude-opus-5".to_owned(),
        provider: "aws.bedrock",
        backend: "default/b".to_owned(),
        route: Some("default/r".to_owned()),
        rule: Some("first".to_owned()),
        stream: true,
        asked: Asked {
            body_bytes: 400,
            parameters: Parameters {
                max_tokens: Some(1024),
                temperature: Some(0.5),
                top_p: Some(0.9),
                top_k: Some(40),
                json: true,
                effort: Some(Effort::High),
                ..Parameters::default()
            },
        },
        status: 200,
        duration: ms(101),
        time_to_first_reasoning: Some(ms(55)),
        reasoning_end: Some(ms(70)),
        thinking_time: ms(15),
        time_to_first_content: Some(ms(80)),
        longest_gap: Some(ms(9)),
        overhead: Some(Duration::from_micros(250)),
        told: 900,
        tokens: Some(tokens),
        finish_reason: Some("stop"),
        warnings: vec!["dropped x: y".to_owned()],
        reasoned: true,
        turns: Turns { kept: 1, restored: 2, missed: 3 },
        hedges: Hedges { lost: 1, ..Hedges::default() },
        amended: 1,
        attempts: vec![throttled, answered],
        trace: Some(Box::new(trace(TraceTrust::Continue))),
        ..Record::default()
    }
}

/// The spans of a record, as a collector reads them.
fn spans(record: &Record, names: SpanConventions) -> Vec<Span> {
    let mut telemetry = Telemetry::new();
    let queue = telemetry.export_spans(SpanQueueSettings { names, ..SETTINGS });
    telemetry.observe(record.clone());
    let resource = OtlpResource::new(&[("service.name".to_owned(), "aquifer".to_owned())], names.is_v141);
    let request = resource.traces(&queue.batch().unwrap());
    let mut request = ExportTraceServiceRequest::decode(request.as_slice()).unwrap();
    let mut of_resource = request.resource_spans.remove(0);
    assert_eq!(of_resource.resource.unwrap().attributes[0].key, "service.name");
    let scope = of_resource.scope_spans.remove(0);
    assert_eq!(scope.scope.unwrap().name, "aquifer");
    assert_eq!(scope.schema_url.is_empty(), !names.is_v141);
    scope.spans
}

/// A value as text.
fn told(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::ArrayValue(all)) => {
            format!("[{}]", all.values.into_iter().map(|it| told(Some(it))).collect::<Vec<_>>().join(","))
        }
        other => panic!("{other:?}"),
    }
}

fn attributes(all: Vec<KeyValue>) -> BTreeMap<String, String> {
    let count = all.len();
    let map: BTreeMap<_, _> = all.into_iter().map(|pair| (pair.key, told(pair.value))).collect();
    assert_eq!(map.len(), count, "each is there once: {map:?}");
    map
}

fn assert_has(span: &Span, expected: &[(&str, &str)]) {
    let have = attributes(span.attributes.clone());
    for (name, value) in expected {
        assert_eq!(have.get(*name).map(String::as_str), Some(*value), "{name} in {have:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each attribute")]
fn a_retried_stream_is_three_spans_with_all_that_the_record_has() {
    let spans = spans(&retried(), ALL);
    let [exchange, throttled, answered] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(exchange.kind, SpanKind::Server as i32);
    assert_eq!(exchange.name, "POST /v1/chat/completions");
    assert_eq!(exchange.trace_id, (0xabc_u128 << 64).to_be_bytes());
    assert_eq!(
        (exchange.parent_span_id.as_slice(), exchange.trace_state.as_str()),
        (&0x1234_u64.to_be_bytes()[..], "vendor=1")
    );
    assert_eq!(exchange.end_time_unix_nano - exchange.start_time_unix_nano, 101_000_000);
    assert_eq!(exchange.start_time_unix_nano, 1_795_000_000_000_000_000);
    assert_eq!(exchange.flags, 0x301);
    assert!(exchange.status.is_none() && exchange.links.is_empty());
    assert_has(
        exchange,
        &[
            ("http.request.method", "POST"),
            ("http.route", "/v1/chat/completions"),
            ("url.path", "/v1/chat/completions"),
            ("http.response.status_code", "200"),
            ("http.request.body.size", "400"),
            ("http.response.body.size", "900"),
            ("client.address", "127.0.0.1"),
            ("user_agent.original", "openai-python"),
            ("aquifer.request_id", "chatcmpl-1"),
            ("aquifer.operation", "chat"),
            ("aquifer.dialect", "openai_chat"),
            ("aquifer.caller", "team"),
            ("aquifer.original_model", "opus"),
            ("aquifer.route", "default/r"),
            ("aquifer.rule", "first"),
            ("aquifer.backend", "default/b"),
            ("aquifer.stream", "true"),
            ("aquifer.outcome", "answered"),
            ("aquifer.attempts", "2"),
            ("aquifer.hedges", "1"),
            ("aquifer.amended", "1"),
            ("aquifer.warnings", "[dropped x: y]"),
            ("aquifer.turns_stored", "1"),
            ("aquifer.turns_restored", "2"),
            ("aquifer.turns_missed", "3"),
            ("aquifer.reasoned", "true"),
            ("aquifer.usage", "reported"),
            ("aquifer.overhead_ms", "0.25"),
            ("aquifer.first_reasoning_ms", "55.0"),
            ("aquifer.reasoning_end_ms", "70.0"),
            ("aquifer.reasoning_ms", "15.0"),
            ("aquifer.first_content_ms", "80.0"),
            ("aquifer.longest_gap_ms", "9.0"),
            ("aquifer.cost_usd", "3.0"),
            ("openinference.span.kind", "CHAIN"),
        ],
    );
    let of_exchange = attributes(exchange.attributes.clone());
    // Backends price every span that looks like a call of a model.
    let priced = of_exchange.keys().find(|key| key.starts_with("gen_ai.") || key.starts_with("llm."));
    assert_eq!(priced, None);
    for attempt in [throttled, answered] {
        assert_eq!((attempt.kind, attempt.name.as_str()), (SpanKind::Client as i32, "chat us.anthropic.claude-opus-5"));
        assert_eq!((&attempt.parent_span_id, &attempt.trace_id), (&exchange.span_id, &exchange.trace_id));
        assert_eq!(attempt.flags, 0x101);
    }
    assert_has(
        throttled,
        &[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "aws.bedrock"),
            ("gen_ai.request.model", "us.anthropic.claude-opus-5"),
            ("error.type", "ThrottlingException"),
            ("http.response.status_code", "429"),
            ("aws.request_id", "aws-1"),
            ("cloud.region", "us-east-1"),
            ("server.address", "a.example"),
            ("server.port", "443"),
            ("aquifer.attempt", "1"),
            ("aquifer.attempt_reason", "first"),
            ("aquifer.result", "throttled"),
            ("aquifer.queue_ms", "3.0"),
            ("aquifer.first_byte_ms", "19.0"),
        ],
    );
    let status = throttled.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "ThrottlingException"));
    assert_eq!(throttled.start_time_unix_nano - exchange.start_time_unix_nano, 1_000_000);
    assert_eq!(throttled.end_time_unix_nano - exchange.start_time_unix_nano, 21_000_000);
    assert!(!attributes(throttled.attributes.clone()).keys().any(|key| key.starts_with("gen_ai.usage")));
    assert!(answered.status.is_none());
    assert_has(
        answered,
        &[
            ("gen_ai.response.model", "us.anthropic.claude-opus-5"),
            ("gen_ai.request.stream", "true"),
            ("gen_ai.request.max_tokens", "1024"),
            ("gen_ai.request.temperature", "0.5"),
            ("gen_ai.request.top_p", "0.9"),
            ("gen_ai.request.top_k", "40"),
            ("gen_ai.request.reasoning.level", "high"),
            ("gen_ai.output.type", "json"),
            ("gen_ai.response.id", "chatcmpl-1"),
            ("gen_ai.response.finish_reasons", "[stop]"),
            ("gen_ai.response.time_to_first_chunk", "0.025"),
            ("gen_ai.usage.input_tokens", "150"),
            ("gen_ai.usage.cache_read.input_tokens", "30"),
            ("gen_ai.usage.cache_creation.input_tokens", "20"),
            ("gen_ai.usage.cache_write.input_tokens", "20"),
            ("gen_ai.usage.output_tokens", "50"),
            ("gen_ai.usage.reasoning.output_tokens", "40"),
            ("gen_ai.usage.cost", "3.0"),
            ("http.request.resend_count", "1"),
            ("http.request.body.size", "500"),
            ("http.response.body.size", "60"),
            ("aquifer.attempt", "2"),
            ("aquifer.attempt_reason", "retry"),
            ("aquifer.result", "answered"),
            ("aquifer.tier", "flex"),
            ("aquifer.first_byte_ms", "20.0"),
            ("aquifer.first_reasoning_ms", "25.0"),
            ("aquifer.first_content_ms", "50.0"),
            ("openinference.span.kind", "LLM"),
            ("llm.model_name", "us.anthropic.claude-opus-5"),
            ("llm.system", "anthropic"),
            ("llm.provider", "aws"),
            ("llm.finish_reason", "stop"),
            (
                "llm.invocation_parameters",
                "{\"max_tokens\":1024,\"temperature\":0.5,\"top_p\":0.9,\"top_k\":40,\"reasoning_effort\":\"high\"}",
            ),
            ("llm.token_count.prompt", "150"),
            ("llm.token_count.completion", "50"),
            ("llm.token_count.total", "200"),
            ("llm.token_count.prompt_details.cache_read", "30"),
            ("llm.token_count.prompt_details.cache_write", "20"),
            ("llm.token_count.completion_details.reasoning", "40"),
            ("llm.cost.total", "3.0"),
            ("llm.cost.prompt", "1.0"),
            ("llm.cost.completion", "2.0"),
            ("llm.cost.completion_details.reasoning", "1.6"),
        ],
    );
}

/// A stream that broke at a backend of OpenAI's dialect.
fn broken() -> Record {
    let mut record = retried();
    let attempt = &mut record.attempts[1];
    (attempt.result, attempt.provider, attempt.usage) = (AttemptResult::Failed, "openai", None);
    (attempt.cost, attempt.estimated_cost) = (CallCost::Unknown(CostUnknown::NoUsage), Some(5_000_000_000_000));
    (record.outcome, record.fault) = (Outcome::Failed, Some("upstream_broken".to_owned()));
    (record.fault_message, record.finish_reason) = (Some("the connection broke".to_owned()), None);
    record
}

#[test]
fn a_broken_stream_is_an_error_on_both_spans() {
    let told = spans(&broken(), SpanConventions { openinference: false, ..ALL });
    for span in [&told[0], &told[2]] {
        let status = span.status.as_ref().unwrap();
        assert_eq!((status.code, status.message.as_str()), (2, "the connection broke"));
        assert_has(span, &[("error.type", "upstream_broken"), ("aquifer.cost_unknown", "no_usage")]);
        assert_has(span, &[("aquifer.cost_estimated_usd", "5.0")]);
    }
    assert_has(&told[2], &[("aquifer.upstream_request_id", "aws-2"), ("gen_ai.response.finish_reasons", "[error]")]);
    let refused = Record { status: 400, attempts: Vec::new(), ..broken() };
    let [exchange] = &spans(&refused, ALL)[..] else { panic!("a call that nobody made") };
    assert!(exchange.status.is_none(), "a client's mistake is no error of a server");
    assert_has(exchange, &[("error.type", "upstream_broken"), ("http.response.status_code", "400")]);
}

#[test]
fn an_abandoned_stream_is_no_error() {
    let mut record = retried();
    (record.outcome, record.status) = (Outcome::Abandoned, 499);
    (record.attempts[1].result, record.finish_reason) = (AttemptResult::Abandoned, None);
    let spans = spans(&record, ALL);
    assert!(spans[0].status.is_none() && spans[2].status.is_none());
    assert_has(&spans[0], &[("aquifer.outcome", "abandoned"), ("http.response.status_code", "499")]);
    assert_has(&spans[2], &[("aquifer.result", "abandoned")]);
    assert!(!attributes(spans[2].attributes.clone()).contains_key("error.type"));
}

#[test]
fn a_caller_that_is_not_trusted_is_linked() {
    let record = Record { trace: Some(Box::new(trace(TraceTrust::Link))), ..retried() };
    let exchange = spans(&record, ALL).remove(0);
    assert_eq!((exchange.trace_id, exchange.parent_span_id.len()), ((77_u128 << 64 | 99).to_be_bytes().to_vec(), 0));
    let [link] = exchange.links.as_slice() else { panic!("{:?}", exchange.links) };
    assert_eq!(
        (link.trace_id.as_slice(), link.trace_state.as_str()),
        (&(0xabc_u128 << 64).to_be_bytes()[..], "vendor=1")
    );
    assert_eq!((link.span_id.as_slice(), link.flags), (&0x1234_u64.to_be_bytes()[..], 0x301));
}

#[test]
fn names_follow_the_settings() {
    let of = |names| attributes(spans(&retried(), names).pop().unwrap().attributes);
    let old = of(SpanConventions::default());
    assert_eq!(old["gen_ai.request.top_k"], "40.0");
    assert!(old.contains_key("gen_ai.usage.cache_creation.input_tokens"));
    assert!(!old.contains_key("gen_ai.usage.cache_write.input_tokens"));
    assert!(!old.keys().any(|key| key.starts_with("llm.") || key.starts_with("openinference.")));
    let new = of(SpanConventions { is_v141: false, cache_write: CacheWriteName::Write, ..SpanConventions::default() });
    assert_eq!(new["gen_ai.request.top_k"], "40");
    assert!(!new.contains_key("gen_ai.usage.cache_creation.input_tokens"));
    assert!(new.contains_key("gen_ai.usage.cache_write.input_tokens"));
    let none = of(SpanConventions { usage: false, ..ALL });
    let counted = |key: &&String| key.contains("usage") || key.contains("token_count") || key.contains("cost");
    assert_eq!(none.keys().find(counted), None);
}

#[test]
fn every_attribute_of_the_table_is_on_some_span_and_no_other_is() {
    let mut seen = BTreeSet::new();
    for record in [retried(), broken()] {
        for (at, span) in spans(&record, ALL).into_iter().enumerate() {
            for (name, _) in attributes(span.attributes) {
                let known = ATTRIBUTES.iter().find(|attribute| attribute.name == name);
                let known = known.unwrap_or_else(|| panic!("{name} is not in the table"));
                assert!(known.is_on(at > 0), "{name} on span {at}");
                seen.insert(name);
            }
        }
    }
    let missing: Vec<_> = ATTRIBUTES.iter().map(|it| it.name).filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn long_names_of_clients_are_cut() {
    let mut record = retried();
    record.model = "ü".repeat(5000);
    record.attempts[0].model_id = "ü".repeat(5000);
    record.warnings = vec!["ü".repeat(5000); 100];
    let spans = spans(&record, ALL);
    assert!(spans[0].encoded_len() < 10_000, "{}", spans[0].encoded_len());
    assert!(spans[1].encoded_len() < 2_000, "{}", spans[1].encoded_len());
}

#[test]
fn encoding_allocates_for_hardly_more_than_lists() {
    let (record, mut bytes) = (retried(), Vec::with_capacity(1 << 16));
    let trace = record.trace.clone().unwrap();
    let counted = allocation_counter::measure(|| {
        span::encode(&mut bytes, &record, &trace, &SpanConventions::default());
    });
    // The address of the client, the effort, and two lists.
    assert!(counted.count_total <= 8, "{} allocations for {} bytes", counted.count_total, bytes.len());
    assert!(bytes.len() < 4096, "{} bytes", bytes.len());
}

#[test]
fn a_full_queue_drops_and_counts() {
    let mut telemetry = Telemetry::new();
    let queue = telemetry.export_spans(SpanQueueSettings { most: 10, batch: 6, ..SETTINGS });
    assert!(queue.batch().is_none());
    (0..5).for_each(|_| telemetry.observe(retried()));
    let dropped = "aquifer_telemetry_dropped_total{signal=\"traces\"} 6";
    let text = telemetry.metrics(&HostState::default());
    assert!(text.contains(dropped), "{text}");
    let sizes: Vec<_> = std::iter::from_fn(|| queue.batch()).map(|batch| batch.spans).collect();
    assert_eq!(sizes, [6, 3]);
    telemetry.observe(retried());
    assert_eq!(queue.batch().unwrap().spans, 3, "there is room again");
}

#[test]
fn what_is_not_sampled_is_exported_when_something_is_learnt_of_it() {
    let mut telemetry = Telemetry::new();
    let always = AlwaysSampled { failed: true, ..AlwaysSampled::NONE };
    let queue = telemetry.export_spans(SpanQueueSettings { always, ..SETTINGS });
    let unsampled = |mut record: Record| {
        record.trace.as_mut().unwrap().context.is_sampled = false;
        record
    };
    telemetry.observe(unsampled(retried()));
    telemetry.observe(Record { trace: None, ..broken() });
    assert!(queue.batch().is_none());
    telemetry.observe(unsampled(broken()));
    assert_eq!(queue.batch().unwrap().spans, 3);
}

#[test]
fn metrics_are_what_is_scraped() {
    let telemetry = Telemetry::new();
    telemetry.adopted(&Config::default(), MetricConventions::Both);
    (0..3).for_each(|_| telemetry.observe(retried()));
    let text = telemetry.metrics(&HostState::default());
    let request = OtlpResource::new(&[], true).metrics(&text, MetricTimes { start: 5, now: 9 });
    let mut request = ExportMetricsServiceRequest::decode(request.as_slice()).unwrap();
    let metrics = request.resource_metrics.remove(0).scope_metrics.remove(0).metrics;
    let names: BTreeSet<_> = metrics.iter().map(|metric| metric.name.clone()).collect();
    assert_eq!(names.len(), metrics.len(), "each is there once: {names:?}");
    let scraped: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(metrics.len() > 20 && metrics.len() <= scraped.len(), "{} of {}", metrics.len(), scraped.len());
    for metric in metrics {
        match (metric.name.as_str(), metric.data.unwrap()) {
            ("aquifer.requests", Data::Sum(sum)) => {
                assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
                let counted = sum.data_points.iter().filter_map(|point| match point.value {
                    Some(number_data_point::Value::AsInt(count)) => Some(count),
                    _ => None,
                });
                assert_eq!(counted.sum::<i64>(), 3);
                assert_eq!((sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano), (5, 9));
            }
            ("gen_ai.server.request.duration", Data::Histogram(histogram)) => {
                let [point] = histogram.data_points.as_slice() else { panic!("{histogram:?}") };
                assert_eq!((point.count, metric.unit.as_str(), histogram.aggregation_temporality), (3, "s", 2));
                assert!((point.sum.unwrap() - 0.303).abs() < 1e-9);
                assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                assert_eq!(point.bucket_counts.iter().sum::<u64>(), 3);
                let of = attributes(point.attributes.clone());
                assert_eq!(of["gen_ai.response.model"], "us.anthropic.claude-opus-5");
            }
            ("aquifer.cost_usd", Data::Sum(sum)) => {
                let cost = sum.data_points.iter().filter_map(|point| match point.value {
                    Some(number_data_point::Value::AsDouble(cost)) => Some(cost),
                    _ => None,
                });
                assert!((cost.sum::<f64>() - 9.0).abs() < 1e-9);
            }
            ("aquifer.requests" | "gen_ai.server.request.duration" | "aquifer.cost_usd", other) => panic!("{other:?}"),
            _ => {}
        }
    }
    assert!(names.contains("aquifer.requests") && names.contains("gen_ai.server.request.duration"), "{names:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever writes the table anew says so")]
fn the_documentation_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tracing.md");
    let told = std::fs::read_to_string(path).unwrap();
    let (before, rest) = told.split_once("<!-- attributes -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of attributes -->\n").unwrap();
    let expected = format!("{before}<!-- attributes -->\n{}<!-- end of attributes -->\n{after}", attributes_table());
    if std::env::var_os("AQUIFER_WRITE_METRICS").is_some() {
        std::fs::write(path, &expected).unwrap();
        return;
    }
    assert!(told == expected, "docs/tracing.md is old: write its table with AQUIFER_WRITE_METRICS=1");
}
