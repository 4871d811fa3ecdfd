//! Labels, their bounds, and the same text as when every label was looked up for every exchange.

use super::*;
use crate::access_log::outcome_word;
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
        time_to_first_token: Some(Duration::from_secs(1)),
        tokens: Some(Tokens { input: 10, output: 21, reasoning: Some(5), ..Tokens::default() }),
        ..Record::default()
    }
}

#[test]
fn an_answer_is_counted_with_its_times_and_tokens() {
    let metrics = Metrics::new();
    metrics.observe(&Record { hedges: Hedges { won: 2, ..Hedges::default() }, told: 7, ..answered("m") });
    let text = metrics.text(0);
    for line in [
        "aquifer_hedges_total{result=\"won\"} 2",
        "aquifer_told_bytes_total{outcome=\"answered\"} 7",
        "aquifer_requests_total{outcome=\"answered\",status=\"200\",model=\"m\",backend=\"default/bedrock\"} 1",
        "gen_ai_request_model=\"m\",gen_ai_token_type=\"reasoning\"} 5.0",
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
    let text = metrics.text(0);
    assert!(!text.contains("made-up"));
    assert!(text.contains("aquifer_request_errors_total{fault=\"client_mistaken\",model=\"\",backend=\"\"} 1"));
}

#[test]
fn label_values_are_bounded() {
    let metrics = Metrics::new();
    for number in 0..2 * DISTINCT {
        metrics.observe(&answered(&format!("model-{number}")));
    }
    let text = metrics.text(0);
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
            time_to_first_token: None,
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
        time_to_first_token: None,
        tokens: None,
        ..answered("configured")
    };
    metrics.observe(&configured);
    metrics.observe(&answered("real"));
    metrics.observe(&Record { model: "alias".to_owned(), ..answered("real") });
    let text = metrics.text(0);
    for shown in ["model=\"configured\"", "model=\"real\"", "gen_ai_original_model=\"alias\"", "model=\"other\""] {
        assert!(text.contains(shown), "{shown} is missing in\n{text}");
    }
    assert!(!text.contains("invented"), "{text}");
    assert!(text.len() < 50_000, "{}", text.len());
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
    let text = metrics.text(0);
    assert_eq!(text.lines().filter(|line| line.starts_with("aquifer_requests_total")).count(), DISTINCT + 3);
    assert_eq!(
        text.matches("aquifer_requests_total{outcome=\"answered\",status=\"200\",model=\"configured\"").count(),
        1
    );
}

/// Counts with every label looked up each time, which is what remembering must not be told from.
fn observe_plainly(metrics: &Metrics, record: &Record) {
    let families = &metrics.families;
    let owned = |pairs: &[(&'static str, &str)]| {
        Labels(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let routed = !record.backend.is_empty();
    let model = if routed { metrics.models.bound(&record.model_id) } else { "" };
    let asked = if routed { metrics.asked.bound(&record.model) } else { "" };
    let (status, backend) = (record.status.to_string(), ("backend", record.backend.as_str()));
    let ended = [("outcome", outcome_word(record.outcome)), ("status", &status), ("model", model), backend];
    families.requests.get_or_create(&owned(&ended)).inc();
    let fault = record.fault.as_deref().map(|fault| metrics.faults.bound(fault));
    if let Some(fault) = fault {
        families.errors.get_or_create(&owned(&[("fault", fault), ("model", model), backend])).inc();
    }
    for warning in &record.warnings {
        let kind = metrics.faults.bound(warning.split(' ').next().unwrap());
        metrics.warnings.get_or_create(&owned(&[("kind", kind)])).inc();
    }
    metrics.cached.inc_by(record.cached.into());
    if !routed {
        return;
    }
    let turns = record.turns;
    for (result, count) in [("stored", turns.kept), ("restored", turns.restored), ("missed", turns.missed)] {
        if count > 0 {
            metrics.turns.get_or_create(&owned(&[("result", result)])).inc_by(count.into());
        }
    }
    metrics.amended.inc_by(record.amended.into());
    let outcome = owned(&[("outcome", outcome_word(record.outcome))]);
    families.told.get_or_create(&outcome).inc_by(record.told);
    let labels = owned(&[
        ("gen_ai_operation_name", record.operation),
        ("gen_ai_provider_name", record.provider),
        ("gen_ai_original_model", asked),
        ("gen_ai_request_model", model),
    ]);
    observe_histograms_plainly(families, record, &labels, fault);
}

fn observe_histograms_plainly(families: &Families, record: &Record, labels: &Labels, fault: Option<&str>) {
    let ended = fault.map_or_else(|| labels.clone(), |fault| labels.with("error_type", fault));
    families.duration.get_or_create(&ended).observe(record.duration.as_secs_f64());
    for (family, time) in [
        (&families.first_token, record.time_to_first_token),
        (&families.first_reasoning, record.time_to_first_reasoning),
        (&families.per_token, time_per_token(record)),
    ] {
        if let Some(time) = time {
            family.get_or_create(labels).observe(time.as_secs_f64());
        }
    }
    let Some(Tokens { input, output, cache_read, cache_write, reasoning, .. }) = record.tokens else { return };
    for (kind, count) in [
        ("input", Some(input)),
        ("output", Some(output)),
        ("cached_input", Some(cache_read).filter(|count| *count > 0)),
        ("cache_creation_input", Some(cache_write).filter(|count| *count > 0)),
        ("reasoning", reasoning),
    ] {
        if let Some(count) = count {
            families.tokens.get_or_create(&labels.with("gen_ai_token_type", kind)).observe(count as f64);
        }
    }
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
        other(&|it| (it.stream, it.tokens, it.time_to_first_token) = (false, None, None)),
        other(&|it| it.time_to_first_reasoning = Some(Duration::from_millis(2))),
        other(&|it| it.tokens = Some(Tokens { cache_read: 7, cache_write: 8, ..Tokens::default() })),
        other(&|it| (it.outcome, it.status) = (Outcome::Abandoned, 499)),
        other(&|it| (it.outcome, it.status, it.fault) = (Outcome::Failed, 503, Some("overloaded".to_owned()))),
        other(&|it| (it.outcome, it.status, it.fault) = (Outcome::Failed, 503, Some("refused".to_owned()))),
        other(&|it| (it.outcome, it.fault) = (Outcome::Failed, Some("x".repeat(300)))),
        other(&|it| it.warnings = vec!["ignored a: b".to_owned(), "dropped c: d".to_owned(), "y".repeat(300)]),
        other(&|it| it.cached = true),
        other(&|it| (it.turns, it.amended) = (Turns { kept: 1, restored: 2, missed: 0 }, 1)),
    ]
}

fn sorted(metrics: &Metrics) -> Vec<String> {
    let mut lines: Vec<String> = metrics.text(0).lines().map(str::to_owned).collect();
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
    let counted = |metrics| sorted(metrics).into_iter().filter(|line| !line.contains("_sum")).collect::<Vec<_>>();
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
    let known: Vec<_> = records().into_iter().filter(|record| !long(record)).collect();
    known.iter().for_each(|record| metrics.observe(record));
    let allocated = allocation_counter::measure(|| known.iter().for_each(|record| metrics.observe(record)));
    assert_eq!(allocated.count_total, 0);
}
