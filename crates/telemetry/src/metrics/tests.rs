//! Labels, their bounds, and the same text as when every label was looked up for every exchange.

use super::bounded::DISTINCT;
use super::*;
use aquifer_gateway::cost::Cost;
use aquifer_gateway::exchange::Phase;
use aquifer_gateway::record::{Tokens, Turns};

fn answered(model: &str) -> Record {
    Record {
        operation: "chat",
        model: model.to_owned(),
        model_id: model.to_owned(),
        backend: "default/bedrock".to_owned(),
        stream: true,
        status: 200,
        duration: Duration::from_secs(3),
        time_to_first_content: Some(Duration::from_secs(1)),
        tokens: Some(Tokens { input: 10, output: 21, reasoning: Some(5), ..Tokens::default() }),
        ..Record::default()
    }
}

#[test]
fn an_answer_is_counted_with_its_times_and_tokens() {
    let metrics = Metrics::new();
    metrics.observe(&Record { hedges: Hedges { won: 2, ..Hedges::default() }, told: 7, ..answered("m") });
    let text = metrics.text(&HostState::default());
    for line in [
        "aquifer_hedges_total{result=\"won\"} 2",
        "aquifer_told_bytes_total{outcome=\"answered\"} 7",
        "aquifer_requests_total{outcome=\"answered\",status=\"200\",model=\"m\",backend=\"default/bedrock\"} 1",
        "gen_ai_response_model=\"m\",gen_ai_token_type=\"reasoning\"} 5.0",
        "gen_ai_server_request_duration_seconds_count{gen_ai_operation_name=\"chat\"",
        "gen_ai_server_time_to_first_token_seconds_sum{gen_ai_operation_name=\"chat\"",
        "aquifer_build_info{version=",
        "aquifer_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert_eq!(time_per_token(&answered("m")), Some(Duration::from_millis(100)));
}

#[test]
fn a_model_that_nobody_serves_makes_no_label() {
    let metrics = Metrics::new();
    let mut record = answered("made-up");
    record.backend = String::new();
    record.status = 404;
    record.outcome = Outcome::Failed;
    record.fault = Some("client_mistaken".to_owned());
    metrics.observe(&record);
    let text = metrics.text(&HostState::default());
    assert!(!text.contains("made-up"));
    assert!(text.contains("aquifer_request_errors_total{fault=\"client_mistaken\",model=\"\",backend=\"\"} 1"));
}

#[test]
fn label_values_are_bounded() {
    let metrics = Metrics::new();
    for number in 0..2 * DISTINCT {
        metrics.observe(&answered(&format!("model-{number}")));
    }
    let text = metrics.text(&HostState::default());
    assert!(text.contains("model=\"other\""));
    let models = text.lines().filter(|line| line.starts_with("aquifer_requests_total")).count();
    assert_eq!(models, DISTINCT + 1);
}

#[test]
fn a_model_that_a_client_invents_takes_no_place_from_a_real_one() {
    let metrics = Metrics::new();
    for number in 0..2 * DISTINCT {
        let refused = Record {
            status: 404,
            outcome: Outcome::Failed,
            fault: Some("ResourceNotFoundException".to_owned()),
            time_to_first_content: None,
            tokens: None,
            ..answered(&format!("invented-{number}"))
        };
        metrics.observe(&refused);
        metrics.observe(&Record { status: 499, outcome: Outcome::Abandoned, ..refused });
    }
    let configured = Record {
        known_models: [true; 2],
        status: 503,
        outcome: Outcome::Failed,
        time_to_first_content: None,
        tokens: None,
        ..answered("configured")
    };
    metrics.observe(&configured);
    metrics.observe(&answered("real"));
    metrics.observe(&Record { model: "alias".to_owned(), ..answered("real") });
    let text = metrics.text(&HostState::default());
    for shown in ["model=\"configured\"", "model=\"real\"", "gen_ai_original_model=\"alias\"", "model=\"other\""] {
        assert!(text.contains(shown), "{shown} is missing in\n{text}");
    }
    assert!(!text.contains("invented"), "{text}");
    assert!(text.len() < 90_000, "{}", text.len());
}

#[test]
fn models_that_answer_to_any_id_take_no_place_from_those_of_the_configuration() {
    let metrics = Metrics::new();
    for number in 0..2 * DISTINCT {
        metrics.observe(&answered(&format!("invented-{number}")));
    }
    let configured = Record { known_models: [true; 2], ..answered("configured") };
    metrics.observe(&configured);
    metrics.observe(&Record { status: 503, outcome: Outcome::Failed, ..configured });
    let text = metrics.text(&HostState::default());
    assert_eq!(text.lines().filter(|line| line.starts_with("aquifer_requests_total")).count(), DISTINCT + 3);
    assert_eq!(
        text.matches("aquifer_requests_total{outcome=\"answered\",status=\"200\",model=\"configured\"").count(),
        1
    );
}

/// Counts with every label looked up each time, which is what remembering must not be told from.
fn observe_plainly(metrics: &Metrics, record: &Record) {
    metrics.known.forget();
    metrics.observe(record);
}

/// Records that differ in each label, and in what was observed of them.
fn records() -> Vec<Record> {
    let other = |of: &dyn Fn(&mut Record)| {
        let mut record = answered("m");
        of(&mut record);
        record
    };
    vec![
        answered("m"),
        answered("n"),
        answered(&"long".repeat(100)),
        other(&|it| it.model = "alias".to_owned()),
        other(&|it| it.backend = "default/another".to_owned()),
        other(&|it| it.backend.clear()),
        other(&|it| (it.operation, it.provider) = ("embeddings", "openai")),
        other(&|it| (it.stream, it.tokens, it.time_to_first_content) = (false, None, None)),
        other(&|it| it.time_to_first_reasoning = Some(Duration::from_millis(2))),
        other(&|it| it.tokens = Some(Tokens { cache_read: 7, cache_write: 8, ..Tokens::default() })),
        other(&|it| (it.outcome, it.status) = (Outcome::Abandoned, 499)),
        other(&|it| (it.outcome, it.status, it.fault) = (Outcome::Failed, 503, Some("overloaded".to_owned()))),
        other(&|it| (it.outcome, it.status, it.fault) = (Outcome::Failed, 503, Some("refused".to_owned()))),
        other(&|it| (it.outcome, it.fault) = (Outcome::Failed, Some("x".repeat(300)))),
        other(&|it| it.warnings = vec!["ignored a: b".to_owned(), "dropped c: d".to_owned(), "y".repeat(300)]),
        other(&|it| it.cached = true),
        other(&|it| it.route = Some("default/r".to_owned())),
        other(&|it| it.stop_reason = Some("end_turn")),
        other(&|it| (it.reasoning_end, it.overhead) = (Some(Duration::from_secs(2)), Some(Duration::from_micros(9)))),
        other(&|it| it.attempts = attempts()),
        other(&|it| (it.turns, it.amended) = (Turns { kept: 1, restored: 2, missed: 0 }, 1)),
    ]
}

/// A call that was throttled, one that broke off after it had cost something, and the answer.
fn attempts() -> Vec<AttemptRecord> {
    let cost = CallCost::Known(Cost { input: 1_000_000, output: 2_000_000, reasoning: 1_000_000, ..Cost::default() });
    let usage = Some(Tokens { input: 5, cache_read: 6, output: 7, ..Tokens::default() });
    let attempt = |backend: &str, result| AttemptRecord {
        backend: backend.to_owned(),
        model_id: "m".to_owned(),
        result,
        ..AttemptRecord::default()
    };
    let broken = attempt("default/bedrock", AttemptResult::Failed);
    let unknown = CallCost::Unknown(CostUnknown::NoUsage);
    vec![
        attempt("default/another", AttemptResult::Throttled),
        AttemptRecord { usage, cost, ..broken.clone() },
        AttemptRecord { cost: unknown, estimated_cost: Some(3_000_000_000_000), ..broken },
        AttemptRecord { usage, cost, ..attempt("default/bedrock", AttemptResult::Answered) },
    ]
}

fn sorted(metrics: &Metrics) -> Vec<String> {
    let text = metrics.text(&HostState::default());
    // What the system says of the process is another thing at each look.
    let mut lines: Vec<String> = text.lines().filter(|line| !line.starts_with("process_")).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn what_is_remembered_changes_no_text() {
    let (metrics, plain) = (Metrics::new(), Metrics::new());
    for round in 0..3 {
        for record in records() {
            metrics.observe(&record);
            observe_plainly(&plain, &record);
        }
        assert_eq!(sorted(&metrics), sorted(&plain), "round {round}");
    }
}

#[test]
fn remembering_is_bounded_and_goes_on_afterwards() {
    let (metrics, plain) = (Metrics::new(), Metrics::new());
    for status in 0..3000 {
        let record = Record { status, ..answered("m") };
        for _ in 0..2 {
            metrics.observe(&record);
            observe_plainly(&plain, &record);
        }
        assert!(metrics.known.len() <= 1024);
        assert!(metrics.known.count(Key::of(&record), |_| ()), "{status} is remembered");
    }
    assert_eq!(sorted(&metrics), sorted(&plain));
}

#[test]
fn threads_count_together() {
    let (metrics, plain) = (Metrics::new(), Metrics::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| records().iter().for_each(|record| metrics.observe(record))));
        }
    });
    (0..200).for_each(|_| records().iter().for_each(|record| observe_plainly(&plain, record)));
    // Sums of fractions depend on their order.
    let exact = |line: &String| !line.contains("_sum") && !line.contains("_usd_");
    let counted = |metrics| sorted(metrics).into_iter().filter(exact).collect::<Vec<_>>();
    assert_eq!(counted(&metrics), counted(&plain));
}

#[test]
fn counting_allocates_nothing_for_a_series_that_is_remembered() {
    let metrics = Metrics::new();
    // What is too long to be a label is not remembered.
    let long = |record: &Record| {
        [Some(&record.model), record.fault.as_ref(), record.warnings.last()]
            .into_iter()
            .flatten()
            .any(|it| it.len() > 256)
    };
    // One call is what an exchange makes, nearly always.
    let known = records().into_iter().filter(|record| !long(record) && record.attempts.len() < 2);
    let one = Record { attempts: attempts().split_off(3), ..answered("one call") };
    let known: Vec<_> = known.chain([one]).collect();
    known.iter().for_each(|record| metrics.observe(record));
    let allocated = allocation_counter::measure(|| known.iter().for_each(|record| metrics.observe(record)));
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn the_input_is_the_whole_prompt() {
    // As the conventions (client inference, note 28) and Envoy AI Gateway count it; its parts stand beside it.
    let metrics = Metrics::new();
    let tokens = Some(Tokens { input: 1, cache_read: 20, cache_write: 300, output: 4, ..Tokens::default() });
    metrics.observe(&Record { tokens, ..answered("m") });
    let text = metrics.text(&HostState::default());
    for (kind, sum) in
        [("input", "321.0"), ("cached_input", "20.0"), ("cache_creation_input", "300.0"), ("output", "4.0")]
    {
        let line = format!("gen_ai_token_type=\"{kind}\"}} {sum}");
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_first_token_is_the_first_of_any_channel() {
    // What counts answers only tells of minutes where reasoning came within a second (github.com/api7/aisix/issues/869,
    // github.com/vllm-project/guidellm/issues/742).
    let metrics = Metrics::new();
    let reasoned = Some(Duration::from_millis(1200));
    let content = Some(Duration::from_millis(183_600));
    metrics.observe(&Record {
        time_to_first_reasoning: reasoned,
        time_to_first_content: content,
        duration: Duration::from_secs(200),
        ..answered("m")
    });
    let text = metrics.text(&HostState::default());
    for (name, sum) in [
        ("gen_ai_server_time_to_first_token_seconds", "1.2"),
        ("aquifer_time_to_first_reasoning_seconds", "1.2"),
        ("aquifer_time_to_first_content_seconds", "183.6"),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}_sum"))).unwrap();
        assert!(line.ends_with(sum), "{line}");
    }
    // Answers that take minutes have buckets of their own, behind those that dashboards know.
    for bound in ["81.92", "163.84", "1310.72", "60.0", "120.0", "300.0", "600.0"] {
        assert!(text.contains(&format!("le=\"{bound}\"")), "{bound}");
    }
}

#[test]
fn each_call_is_counted_with_its_result_and_cost() {
    let metrics = Metrics::new();
    metrics.families.name_by(MetricConventions::Both);
    metrics.observe(&Record { attempts: attempts(), route: Some("default/r".to_owned()), ..answered("m") });
    let text = metrics.text(&HostState::default());
    for line in [
        "aquifer_attempts_total{backend=\"default/another\",result=\"throttled\"} 1",
        "aquifer_attempts_total{backend=\"default/bedrock\",result=\"failed\"} 2",
        "aquifer_attempts_total{backend=\"default/bedrock\",result=\"answered\"} 1",
        "backend=\"default/bedrock\",route=\"default/r\",part=\"input\"} 0.000002",
        "backend=\"default/bedrock\",route=\"default/r\",part=\"output\"} 0.000004",
        "aquifer_cost_estimated_usd_total{model=\"m\",backend=\"default/bedrock\",route=\"default/r\"} 3.0",
        "aquifer_cost_unknown_total{reason=\"no_usage\"} 1",
        // Every call that reported tokens was paid for.
        "gen_ai_client_inference_usage_input_tokens_total{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"\",\
         gen_ai_original_model=\"m\",gen_ai_request_model=\"m\",gen_ai_response_model=\"m\",\
         gen_ai_token_modality=\"unknown\"} 22",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_conventions_decide_which_names_there_are() {
    for (conventions, older, newer) in [
        (MetricConventions::V141, true, false),
        (MetricConventions::V01, false, true),
        (MetricConventions::Both, true, true),
    ] {
        let metrics = Metrics::new();
        metrics.families.name_by(conventions);
        metrics.observe(&answered("m"));
        let text = metrics.text(&HostState::default());
        assert_eq!(text.contains("gen_ai_client_token_usage_sum"), older, "{conventions:?}");
        assert_eq!(text.contains("gen_ai_client_inference_usage_input_tokens_total{"), newer, "{conventions:?}");
        assert_eq!(text.contains("gen_ai_client_inference_duration_seconds_sum"), newer, "{conventions:?}");
        assert!(text.contains("gen_ai_server_request_duration_seconds_sum"), "{conventions:?}");
    }
}

#[test]
fn what_alerts_divide_by_is_there_from_the_start() {
    let metrics = Metrics::new();
    metrics.adopted(["default/b"].into_iter(), MetricConventions::V141, 2);
    let text = metrics.text(&HostState::default());
    for line in [
        "aquifer_attempts_total{backend=\"default/b\",result=\"throttled\"} 0",
        "aquifer_requests_total{outcome=\"failed\",status=\"\",model=\"\",backend=\"\"} 0",
        "aquifer_request_errors_total{fault=\"overloaded\",model=\"\",backend=\"\"} 0",
        "aquifer_reasoning_turns_total{result=\"missed\"} 0",
        "aquifer_hedges_total{result=\"won\"} 0",
        "aquifer_drains_total{result=\"reported\"} 0",
        "aquifer_cost_unknown_total{reason=\"no_price\"} 0",
        "aquifer_config_last_reload_successful 1",
        "aquifer_config_warnings 2",
        "aquifer_log_lines_dropped_total 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    metrics.refused_config();
    assert!(metrics.text(&HostState::default()).contains("aquifer_config_last_reload_successful 0"));
}

/// Every metric with a series, its kind and its labels, is in the table; and everything in the table is exposed.
#[test]
fn the_table_has_every_metric() {
    let metrics = Metrics::new();
    metrics.adopted(["default/bedrock"].into_iter(), MetricConventions::Both, 0);
    let failed = Record {
        outcome: Outcome::Failed,
        fault: Some("refused".to_owned()),
        known_models: [true; 2],
        ..answered("m")
    };
    records().iter().chain([&failed]).for_each(|record| metrics.observe(record));
    let backends = vec![BackendState {
        name: "default/bedrock".to_owned(),
        is_ejected: true,
        open_calls: 1,
        credentials_expiry: Some(1_800_000_000),
    }];
    let stream = OpenStream { model_id: "m", is_known_model: true, phase: Phase::Thinking };
    metrics.open_streams(stream).inc();
    let text = metrics.text(&HostState { tasks: 1, backends });
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let stem = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let metric = described(name).or_else(|| described(stem)).unwrap_or_else(|| panic!("{line}"));
        assert!(text.contains(&format!(" {}\n", metric.kind.word())), "{line}");
        let labels = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')).map_or("", |(labels, _)| labels);
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let label = label.split('=').next().unwrap();
            assert!(label == "le" || metric.labels.contains(&label), "{line}");
        }
        seen.insert(metric.name);
    }
    let missing: Vec<_> = METRICS.iter().map(|metric| metric.name).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are not in\n{text}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever writes the table anew says so")]
fn the_documentation_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let told = std::fs::read_to_string(path).unwrap();
    let (before, rest) = told.split_once("<!-- metrics -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of metrics -->\n").unwrap();
    let expected = format!("{before}<!-- metrics -->\n{}<!-- end of metrics -->\n{after}", table::markdown());
    if std::env::var_os("AQUIFER_WRITE_METRICS").is_some() {
        std::fs::write(path, &expected).unwrap();
        return;
    }
    assert!(told == expected, "docs/metrics.md is old: write its table with AQUIFER_WRITE_METRICS=1");
}
