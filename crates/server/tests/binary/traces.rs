//! Traces through the real binary: what a collector gets on both transports, and that nobody waits for it.

use crate::bedrock::{Bedrock, MODEL};
use crate::collector::{Collector, CollectorAnswer};
use crate::streams::Chat;
use crate::support::{Aquifer, ask, command, connect, read_reply, region, request, run, wait_until};
use std::io::Write as _;
use std::time::{Duration, Instant};

const MARKER: &str = "xyzzymarker";
const PARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: vendor=1\r\n";
const QUICK: [(&str, &str); 1] = [("OTEL_BSP_SCHEDULE_DELAY", "50")];

/// A gateway in front of a Bedrock of the test's, which exports to this collector.
fn traced(collector: &Collector, arguments: &[&str], more: &[(&str, &str)]) -> (Aquifer, Bedrock) {
    let bedrock = Bedrock::listen();
    let (variables, url) = (bedrock.variables(), collector.url());
    let mut all: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &url));
    all.extend(QUICK);
    all.extend(more);
    (Aquifer::serve(arguments, &all), bedrock)
}

/// Has a stream answered whole.
fn answer(aquifer: &Aquifer, bedrock: &Bedrock, headers: &str) {
    let mut chat = Chat::begin_with(aquifer, MARKER, headers);
    let mut call = bedrock.call();
    call.begin();
    call.reasoning(&format!("thinking of {MARKER}"));
    call.signature("xyzzymarkerc2ln");
    call.text(&format!("say {MARKER}"));
    call.finish();
    chat.read_until("data: [DONE]\n\n");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each attribute")]
fn a_stream_is_told_on_both_transports_without_its_content() {
    for (protocol, path, compression) in [
        ("http/protobuf", "/v1/traces", "none"),
        ("http/protobuf", "/v1/traces", "gzip"),
        ("grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "none"),
        ("grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "gzip"),
    ] {
        let collector = Collector::listen(Vec::new());
        let (aquifer, bedrock) = traced(
            &collector,
            &["--log-format", "json", "--log-level", "debug"],
            &[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a%20b,authorization=Basic%20secretofheaders"),
                ("OTEL_SERVICE_NAME", "gateway"),
                ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            ],
        );
        answer(&aquifer, &bedrock, &format!("{PARENT}authorization: Bearer sk-{MARKER}\r\nuser-agent: tests\r\n"));
        let export = collector.export();
        assert_eq!((export.path.as_str(), export.header("x-team")), (path, Some("a b")));
        assert_eq!(export.header("authorization"), Some("Basic secretofheaders"));
        let resource = export.resource();
        assert_eq!(
            (resource["service.name"].as_str(), resource["deployment.environment.name"].as_str()),
            ("gateway", "test")
        );
        let spans = export.spans();
        let [exchange, attempt] = spans.as_slice() else { panic!("{} spans", spans.len()) };
        assert_eq!(hex(&exchange.span.trace_id), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(
            (hex(&exchange.span.parent_span_id), exchange.span.trace_state.as_str()),
            ("b7ad6b7169203331".to_owned(), "vendor=1")
        );
        assert_eq!(attempt.span.parent_span_id, exchange.span.span_id);
        assert!(!exchange.is_error() && !attempt.is_error());
        exchange.assert_has(&[
            ("http.route", "/v1/chat/completions"),
            ("http.response.status_code", "200"),
            ("client.address", "127.0.0.1"),
            ("aquifer.outcome", "answered"),
            ("aquifer.attempts", "1"),
            ("aquifer.reasoned", "true"),
            ("aquifer.usage", "reported"),
            ("aquifer.original_model", MODEL),
        ]);
        let server = bedrock.address.port().to_string();
        attempt.assert_has(&[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "aws.bedrock"),
            ("gen_ai.request.model", MODEL),
            ("gen_ai.request.stream", "true"),
            ("gen_ai.usage.input_tokens", "10"),
            ("gen_ai.usage.output_tokens", "20"),
            ("gen_ai.response.finish_reasons", "stop"),
            ("aws.request_id", "7a62c49f"),
            ("cloud.region", "us-east-1"),
            ("server.address", "127.0.0.1"),
            ("server.port", &server),
            ("aquifer.result", "answered"),
            // No price of this model is known.
            ("aquifer.cost_unknown", "no_price"),
        ]);
        for key in ["gen_ai.response.time_to_first_chunk", "aquifer.first_content_ms"] {
            assert!(attempt.attributes.contains_key(key), "{key} in {:?}", attempt.attributes);
        }
        assert!(!exchange.attributes.keys().any(|key| key.starts_with("gen_ai.")), "{:?}", exchange.attributes);
        let bytes = String::from_utf8_lossy(&export.message).into_owned();
        assert!(!bytes.contains(MARKER) && !bytes.contains("the-secret-of-the-tests"), "{bytes}");
        let log = aquifer.log();
        assert!(!log.contains("secretofheaders") && !log.contains(MARKER), "{log}");
        aquifer.wait_for_log("\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"");
        aquifer.wait_for_log(&format!("\"span_id\":\"{}\"", hex(&exchange.span.span_id)));
        aquifer.wait_for_metric("aquifer_telemetry_dropped_total", 0.0);
    }
}

#[test]
fn a_retry_a_failure_and_a_client_that_leaves() {
    let collector = Collector::listen(Vec::new());
    let (aquifer, bedrock) = traced(&collector, &[], &[("OTEL_TRACES_SAMPLER", "always_on")]);
    let mut chat = Chat::begin(&aquifer, "Hello?");
    let throttled = "x-amzn-errortype: ThrottlingException\r\nx-amzn-requestid: first\r\n";
    bedrock.call().answer("429 Too Many Requests", throttled, r#"{"message":"no"}"#);
    let mut call = bedrock.call();
    call.begin();
    call.text("one");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    let spans = collector.spans();
    assert_eq!(spans.len(), 3);
    spans[0].assert_has(&[("aquifer.attempts", "2"), ("aquifer.outcome", "answered")]);
    spans[1].assert_has(&[
        ("aquifer.attempt", "1"),
        ("aquifer.result", "throttled"),
        ("error.type", "ThrottlingException"),
        ("http.response.status_code", "429"),
        ("aws.request_id", "first"),
    ]);
    spans[2].assert_has(&[
        ("aquifer.attempt", "2"),
        ("aquifer.attempt_reason", "retry"),
        ("aquifer.result", "answered"),
    ]);
    assert!(!spans[0].is_error() && spans[1].is_error() && !spans[2].is_error());
    assert!(spans[1].span.end_time_unix_nano <= spans[2].span.start_time_unix_nano);

    let chat = Chat::begin(&aquifer, "Hello?");
    bedrock.call().answer("403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n", r#"{"message":"no"}"#);
    assert!(read_reply(&mut { chat.stream }).status >= 400);
    let spans = collector.spans();
    spans[1].assert_has(&[("error.type", "AccessDeniedException"), ("aquifer.result", "failed")]);
    assert!(spans[1].is_error());

    let mut chat = Chat::begin(&aquifer, "Hello?");
    let mut call = bedrock.call();
    call.begin();
    call.text("one");
    chat.read_until("one");
    drop(chat);
    call.wait_until_dropped();
    let spans = collector.spans();
    spans[0].assert_has(&[("aquifer.outcome", "abandoned"), ("http.response.status_code", "499")]);
    spans[1].assert_has(&[("aquifer.result", "abandoned"), ("aquifer.cost_unknown", "no_usage")]);
    assert!(!spans[1].attributes.contains_key("gen_ai.usage.input_tokens"));

    assert_eq!(aquifer.chat(&format!("{{\"{MARKER}")).status, 400);
    let spans = collector.spans();
    spans[0].assert_has(&[("http.response.status_code", "400"), ("aquifer.outcome", "failed")]);
    assert!(spans.len() == 1 && !spans[0].is_error());
}

#[test]
fn a_dead_or_a_slow_collector_costs_clients_nothing() {
    let never = CollectorAnswer { after: Duration::from_secs(600), ..CollectorAnswer::default() };
    let slow = Collector::listen(vec![never; 100]);
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, timeout) in [(slow.url(), "60000"), (format!("http://{dead}"), "1000")] {
        let collector = Collector::listen(Vec::new());
        let more = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str()),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
        ];
        let (mut aquifer, bedrock) = traced(&collector, &[], &more);
        let begun = now();
        for _ in 0..12 {
            answer(&aquifer, &bedrock, "");
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        wait_until(
            "spans to be dropped",
            || aquifer.metric("aquifer_telemetry_dropped_total{signal=\"traces\"}") >= 10.0,
            || aquifer.admin("/metrics").body,
        );
        let ending = now();
        aquifer.signal("TERM");
        assert_eq!(aquifer.wait(), Some(0));
        assert!(ending.elapsed() < Duration::from_secs(10), "{:?}", ending.elapsed());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of how long something takes")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_busy_collector_is_asked_again_and_what_it_rejects_is_told_once() {
    for protocol in ["http/protobuf", "grpc"] {
        let busy = CollectorAnswer {
            status: if protocol == "grpc" { 200 } else { 503 },
            headers: vec![("retry-after", "0"), ("grpc-retry-pushback-ms", "1")],
            grpc_status: "14",
            ..CollectorAnswer::default()
        };
        let collector = Collector::listen(vec![busy.clone(), busy]);
        let (aquifer, bedrock) = traced(&collector, &[], &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        answer(&aquifer, &bedrock, "");
        let first = collector.export().message;
        assert!(first == collector.export().message && first == collector.export().message);
        aquifer.wait_for_log("an export by OTLP failed");
        aquifer.wait_for_log("the collector takes exports again");
        for _ in 0..2 {
            // partial_success { rejected_spans: 2, error_message: "old" }
            let body = vec![0x0a, 7, 8, 2, 0x12, 3, b'o', b'l', b'd'];
            collector.answer(CollectorAnswer { body, ..CollectorAnswer::default() });
            answer(&aquifer, &bedrock, "");
            assert_eq!(collector.spans().len(), 2);
        }
        aquifer.wait_for_metric("aquifer_telemetry_dropped_total{signal=\"traces\"}", 4.0);
        assert_eq!(aquifer.log().matches("the collector rejects some of it: old").count(), 1, "{}", aquifer.log());
        // What it refuses is not sent again.
        collector.answer(CollectorAnswer { status: 400, grpc_status: "3", ..CollectorAnswer::default() });
        answer(&aquifer, &bedrock, "");
        assert_eq!(collector.spans().len(), 2);
        assert!(collector.is_silent_for(Duration::from_millis(1500)));
        aquifer.wait_for_metric("aquifer_telemetry_dropped_total{signal=\"traces\"}", 6.0);
    }
}

#[test]
fn what_is_left_is_exported_at_the_end() {
    let collector = Collector::listen(Vec::new());
    let (mut aquifer, bedrock) = traced(&collector, &[], &[("OTEL_BSP_SCHEDULE_DELAY", "600000")]);
    answer(&aquifer, &bedrock, "");
    aquifer.signal("TERM");
    assert_eq!(aquifer.wait(), Some(0));
    assert_eq!(collector.spans().len(), 2);
}

#[test]
fn sampling_is_the_parents_or_a_share_and_failures_are_kept() {
    let collector = Collector::listen(Vec::new());
    let more = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let (aquifer, bedrock) = traced(&collector, &[], &more);
    answer(&aquifer, &bedrock, "");
    assert!(collector.is_silent_for(Duration::from_millis(500)));
    answer(&aquifer, &bedrock, PARENT);
    assert_eq!(collector.spans().len(), 2);
    answer(&aquifer, &bedrock, &PARENT.replace("-01\r", "-00\r"));
    let chat = Chat::begin(&aquifer, "Hello?");
    bedrock.call().answer("403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n", r#"{"message":"no"}"#);
    assert!(read_reply(&mut { chat.stream }).status >= 400);
    let spans = collector.spans();
    assert_eq!(spans.len(), 2);
    spans[0].assert_has(&[("aquifer.outcome", "failed"), ("error.type", "AccessDeniedException")]);
}

#[test]
fn a_context_goes_to_backends_of_openais_dialect_and_to_aws_only_as_x_rays() {
    let collector = Collector::listen(Vec::new());
    for (propagators, x_ray) in [("tracecontext,baggage", false), ("tracecontext,xray", true)] {
        let (aquifer, bedrock) = traced(&collector, &["--trace-trust", "link"], &[("OTEL_PROPAGATORS", propagators)]);
        let mut chat = Chat::begin_with(&aquifer, "Hello?", &format!("{PARENT}baggage: a=b\r\n"));
        let mut call = bedrock.call();
        assert_eq!((call.header("traceparent"), call.header("tracestate"), call.header("baggage")), (None, None, None));
        let sent = call.header("x-amzn-trace-id").map(str::to_owned);
        let signed = call.header("authorization").unwrap();
        assert!(!signed.contains("trace"), "{signed}");
        call.begin();
        call.text("one");
        call.finish();
        chat.read_until("data: [DONE]\n\n");
        let spans = collector.spans();
        let link = &spans[0].span.links[0];
        assert_eq!(hex(&link.trace_id), "0af7651916cd43dd8448eb211c80319c");
        let (trace, span) = (hex(&spans[1].span.trace_id), hex(&spans[1].span.span_id));
        assert_ne!(trace, "0af7651916cd43dd8448eb211c80319c");
        let expected = format!("Root=1-{}-{};Parent={span};Sampled=1", &trace[..8], &trace[8..]);
        assert_eq!(sent, x_ray.then_some(expected));
    }
}

/// A gateway with these resources, which exports to this collector.
fn configured(collector: &Collector, resources: &str) -> Aquifer {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, resources).unwrap();
    let url = collector.url();
    let mut variables =
        vec![("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-tests")];
    variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &url));
    variables.extend(QUICK);
    Aquifer::serve(&["--config", file.to_str().unwrap()], &variables)
}

const ROUTE: &str = "apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: route, annotations: {'aquifer.dev/hedge-after': 50ms}}
spec: {rules: [{backendRefs: [{name: region-0}, {name: region-1, priority: 1}]}]}
";

#[test]
fn a_hedge_and_the_call_that_it_beat_are_spans_beside_one_another() {
    let (slow, quick, collector) = (Bedrock::listen(), Bedrock::listen(), Collector::listen(Vec::new()));
    let regions = [region(0, MODEL, slow.address), region(1, MODEL, quick.address)].concat();
    let aquifer = configured(&collector, &format!("{ROUTE}{regions}"));
    let mut chat = Chat::begin(&aquifer, "Hello?");
    let mut stalled = slow.call();
    stalled.begin();
    let mut call = quick.call();
    call.begin();
    call.text("from the second");
    call.finish();
    chat.read_until("data: [DONE]\n\n");
    let spans = collector.spans();
    assert_eq!(spans.len(), 3);
    spans[0].assert_has(&[
        ("aquifer.hedges", "1"),
        ("aquifer.backend", "default/region-1"),
        ("aquifer.route", "default/route"),
    ]);
    spans[1].assert_has(&[("aquifer.result", "hedge_lost"), ("aquifer.backend", "default/region-0")]);
    spans[2].assert_has(&[("aquifer.attempt_reason", "hedge"), ("aquifer.result", "answered")]);
    assert!(spans[2].span.start_time_unix_nano < spans[1].span.end_time_unix_nano);
    assert!(!spans[1].is_error());
}

#[test]
fn a_backend_of_openais_dialect_goes_on_with_the_trace() {
    let (service, collector) = (Bedrock::listen(), Collector::listen(Vec::new()));
    let port = service.address.port();
    let aquifer = configured(
        &collector,
        &format!(
            "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: o}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {port}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: o}}
spec: {{schema: {{name: OpenAI}}, backendRef: {{group: gateway.envoyproxy.io, kind: Backend, name: o}}}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: route}}
spec: {{rules: [{{backendRefs: [{{name: o}}]}}]}}
"
        ),
    );
    let body = serde_json::json!({"model": MODEL, "messages": [{"role": "user", "content": "Hello?"}]}).to_string();
    let mut stream = connect(aquifer.gateway.unwrap());
    let asked = request("POST", "/v1/chat/completions", &body).replacen("\r\n", &format!("\r\n{PARENT}"), 1);
    stream.write_all(asked.as_bytes()).unwrap();
    let call = service.call();
    let (parent, state) =
        (call.header("traceparent").unwrap().to_owned(), call.header("tracestate").map(str::to_owned));
    call.answer(
        "200 OK",
        "x-request-id: up-1\r\n",
        r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}"#,
    );
    assert_eq!(read_reply(&mut stream).status, 200);
    let spans = collector.spans();
    let span = hex(&spans[1].span.span_id);
    assert_eq!(parent, format!("00-0af7651916cd43dd8448eb211c80319c-{span}-01"));
    assert_eq!(state.as_deref(), Some("vendor=1"));
    spans[1].assert_has(&[("gen_ai.provider.name", "openai"), ("aquifer.upstream_request_id", "up-1")]);
    assert!(!spans[1].attributes.contains_key("aws.request_id"));
}

#[test]
fn metrics_are_exported_when_they_are_asked_for() {
    let collector = Collector::listen(Vec::new());
    let more =
        [("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRIC_EXPORT_INTERVAL", "100")];
    let (aquifer, bedrock) = traced(&collector, &[], &more);
    answer(&aquifer, &bedrock, "");
    let has = |name: &str| {
        let export = collector.export();
        assert_eq!(export.path, "/v1/metrics");
        assert!(!String::from_utf8_lossy(&export.message).contains(MARKER));
        export.metrics().iter().any(|metric| metric == name)
    };
    wait_until("metrics", || has("gen_ai.client.token.usage"), String::new);
    assert!(has("aquifer.requests") && has("aquifer.tasks"));
}

#[test]
fn wrong_words_end_the_start_with_their_name_and_no_secret() {
    for (name, value, told) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "expected http/protobuf or grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd", "expected gzip or none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "expected a URL"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:xyzzymarker@collector:4318", "without a user in it"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "is not such a number"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "xyzzymarker", "expected pairs"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0axyzzymarker", "cannot be sent"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere", "cannot read /nowhere"),
        ("OTEL_TRACES_EXPORTER", "jaeger", "expected otlp or none"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "expected always_on"),
        ("OTEL_PROPAGATORS", "b3", "expected tracecontext"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "expected 1 to"),
        ("OTEL_RESOURCE_ATTRIBUTES", "xyz", "expected pairs"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", "metrics are cumulative"),
        ("AQUIFER_TRACE_TRUST", "all", "possible values"),
    ] {
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        serve.env("AWS_REGION", "us-east-1").env("OTEL_TRACES_EXPORTER", "otlp").env(name, value);
        let output = serve.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(told), "{name}={value}: {said}");
        assert!(said.contains(name) || name.starts_with("AQUIFER"), "{name}: {said}");
        assert!(!said.contains(MARKER), "{said}");
    }
    let (code, help, _) = run(&["serve", "--help"]);
    assert!(code == 0 && help.contains("--trace-trust") && help.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{help}");
}

#[test]
fn nothing_is_exported_unless_an_endpoint_is_known() {
    let collector = Collector::listen(Vec::new());
    let (aquifer, bedrock) = traced(&collector, &[], &[("OTEL_SDK_DISABLED", "true")]);
    answer(&aquifer, &bedrock, "");
    assert!(collector.is_silent_for(Duration::from_millis(300)));
    assert_eq!(ask(aquifer.gateway.unwrap(), "GET", "/v1/models", "").status, 200);
}
