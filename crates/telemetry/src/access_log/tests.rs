//! The lines are those that tracing-subscriber writes of the same events, but for the time.

use super::*;
use aquifer_gateway::config::LOG_FIELDS;
use aquifer_gateway::cost::{CallCost, Cost};
use aquifer_gateway::record::{
    Asked, AttemptRecord, AttemptResult, Drain, DrainResult, Estimate, ExchangeTrace, Hedges, Tokens, TraceContext,
    TraceTrust, Turns,
};
use aquifer_gateway::translate::translation::Parameters;
use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;

/// The event of a record, as tracing has it.
macro_rules! event {
    ($level:ident, $record:ident, $message:literal) => {{
        let tokens = $record.tokens;
        tracing::$level!(
            target: TARGET,
            id = $record.id,
            operation = $record.operation,
            model = shortened(&$record.model),
            model_id = ($record.model_id != $record.model).then(|| shortened(&$record.model_id)),
            backend = Some($record.backend.as_str()).filter(|backend| !backend.is_empty()),
            stream = $record.stream,
            status = $record.status,
            outcome = $record.outcome.word(),
            finish_reason = $record.finish_reason,
            fault = $record.fault,
            fault_message = $record.fault_message,
            duration_ms = milliseconds($record.duration),
            first_reasoning_ms = $record.time_to_first_reasoning.map(milliseconds),
            first_content_ms = $record.time_to_first_content.map(milliseconds),
            reasoned = $record.reasoned,
            turns_stored = counted($record.turns.kept),
            turns_restored = counted($record.turns.restored),
            turns_missed = counted($record.turns.missed),
            amended = counted($record.amended),
            cached = Some($record.cached).filter(|cached| *cached),
            attempts = counted($record.calls()).filter(|attempts| *attempts > 1),
            hedged = counted($record.hedges.all()),
            warnings = (!$record.warnings.is_empty()).then(|| tracing::field::debug(&$record.warnings)),
            told_bytes = $record.told,
            input_tokens = tokens.map(|tokens| tokens.input),
            output_tokens = tokens.map(|tokens| tokens.output),
            cache_read_tokens = tokens.map(|tokens| tokens.cache_read),
            cache_write_tokens = tokens.map(|tokens| tokens.cache_write),
            reasoning_tokens = tokens.and_then(|tokens| tokens.reasoning),
            estimated_input_tokens = $record.estimated.map(|estimated| estimated.input),
            estimated_output_tokens = $record.estimated.map(|estimated| estimated.output),
            $message
        )
    }};
}

fn through_tracing(record: &Record) {
    match (record.outcome, record.status) {
        (Outcome::Answered, _) => event!(info, record, "answered"),
        (Outcome::Abandoned, _) => event!(info, record, "the client left"),
        (Outcome::Failed, 500..) => event!(warn, record, "failed"),
        (Outcome::Failed, ..400) => event!(warn, record, "failed in mid-stream"),
        (Outcome::Failed, _) => event!(info, record, "refused"),
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn theirs(form: Form, record: &Record) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let layer = fmt::layer().with_writer(move || writer.clone());
    let registry = tracing_subscriber::registry();
    match form {
        Form::Text | Form::Plain | Form::Value => {
            with_default(registry.with(layer.with_ansi(false)), || through_tracing(record))
        }
        Form::Coloured => with_default(registry.with(layer.with_ansi(true)), || through_tracing(record)),
        Form::Json => with_default(registry.with(layer.json().flatten_event(true)), || through_tracing(record)),
    }
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// When the lines of these tests are written.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000, 1_234_567)
}

fn ours(form: Form, record: &Record, wanted: impl Fn(Level) -> bool) -> String {
    logged(form, record, &AccessLog::default(), wanted)
}

fn logged(form: Form, record: &Record, log: &AccessLog, wanted: impl Fn(Level) -> bool) -> String {
    let kept = RefCell::new(Vec::new());
    lines(form, now(), record, log, wanted, |line| kept.borrow_mut().extend_from_slice(line));
    String::from_utf8(kept.into_inner()).unwrap()
}

/// The fields that tracing has too: it takes no more than 32.
const COMPARED: [&str; 31] = [
    "id",
    "operation",
    "model",
    "model_id",
    "backend",
    "stream",
    "status",
    "outcome",
    "finish_reason",
    "fault",
    "fault_message",
    "duration_ms",
    "first_reasoning_ms",
    "first_content_ms",
    "reasoned",
    "turns_stored",
    "turns_restored",
    "turns_missed",
    "amended",
    "cached",
    "attempts",
    "hedged",
    "warnings",
    "told_bytes",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "estimated_input_tokens",
    "estimated_output_tokens",
];

fn compared(form: Form, record: &Record) -> String {
    let kept = RefCell::new(Vec::new());
    let write = |line: &mut Line<'_>| {
        for (field, name) in FIELDS.iter().zip(LOG_FIELDS) {
            if COMPARED.contains(&name) {
                (field.write)(line, field.name, record);
            }
        }
    };
    line(form, now(), head(record), write, |line| kept.borrow_mut().extend_from_slice(line));
    String::from_utf8(kept.into_inner()).unwrap()
}

/// Puts the same digit for all of a time, which must be written as it is.
fn timeless(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let (before, after) = line.split_at(line.find("20").unwrap());
        let (time, after) = after.split_at("2023-11-14T22:13:20.001234Z".len());
        let time: String = time.chars().map(|digit| if digit.is_ascii_digit() { '9' } else { digit }).collect();
        assert_eq!(time, "9999-99-99T99:99:99.999999Z");
        lines.extend([before, &time, after, "\n"]);
    }
    lines
}

fn records() -> Vec<Record> {
    let answered = Record {
        id: "chatcmpl-00112233445566778899aabbccddeeff".to_owned(),
        operation: "chat",
        model: "claude".to_owned(),
        model_id: "anthropic.claude-opus-4-5".to_owned(),
        provider: "aws.bedrock",
        backend: "default/bedrock".to_owned(),
        stream: true,
        status: 200,
        duration: Duration::from_micros(1_234_567),
        time_to_first_reasoning: Some(Duration::from_micros(900)),
        time_to_first_content: Some(Duration::from_millis(70)),
        tokens: Some(Tokens {
            input: 10,
            output: 21,
            cache_read: 3,
            cache_write: 4,
            cache_write_hour: 0,
            reasoning: Some(5),
            tier: None,
        }),
        finish_reason: Some("tool_calls"),
        reasoned: true,
        turns: Turns { kept: 1, restored: 2, missed: 3 },
        attempts: vec![AttemptRecord::default(); 2],
        amended: 1,
        hedges: Hedges { won: 1, lost: 2, ..Hedges::default() },
        told: 4_321,
        estimated: Some(Estimate { input: 7, output: 8 }),
        ..Record::default()
    };
    let hostile = Record {
        model: "quote \" back \\ ' tab \t line \n esc \x1b[31m del \x7f null \0 ü \u{85} \u{200b} 🦀".to_owned(),
        warnings: vec!["ignored a: \"b\"".to_owned(), "dropped \u{7}".to_owned()],
        fault: Some("client_mistaken".to_owned()),
        fault_message: Some("a wrong value: a[\"b\"]\r\n".to_owned()),
        outcome: Outcome::Failed,
        status: 400,
        tokens: Some(Tokens { input: u64::MAX, ..Tokens::default() }),
        duration: Duration::MAX,
        ..Record::default()
    };
    let mut records = vec![answered, hostile, Record::default()];
    for (outcome, status) in [(Outcome::Failed, 503), (Outcome::Failed, 200), (Outcome::Abandoned, 499)] {
        records.push(Record { outcome, status, model: "ü".repeat(300), ..records[0].clone() });
    }
    records
}

#[test]
fn the_lines_are_tracings_own() {
    for record in records() {
        for form in [Form::Text, Form::Coloured, Form::Json] {
            let (ours, mut theirs) = (compared(form, &record), theirs(form, &record));
            if form == Form::Json {
                // Its JSON has no lists.
                let text = serde_json::to_string(&format!("{:?}", record.warnings)).unwrap();
                theirs = theirs.replace(&text, &serde_json::to_string(&record.warnings).unwrap());
            }
            assert_eq!(timeless(&ours), timeless(&theirs), "{form:?}");
        }
    }
}

#[test]
fn the_time_is_the_clocks() {
    let line = ours(Form::Text, &Record::default(), |_| true);
    assert!(line.starts_with("2023-11-14T22:13:20.001234Z  INFO aquifer::exchange: answered id="), "{line}");
}

#[test]
fn what_is_not_wanted_is_not_written() {
    for record in records() {
        let warned = usize::from(head(&record).level == Level::WARN);
        assert_eq!(ours(Form::Text, &record, |level| level <= Level::WARN).lines().count(), warned);
        assert_eq!(ours(Form::Json, &record, |_| false), "");
    }
}

#[test]
fn names_are_cut_between_characters() {
    assert_eq!(shortened("claude"), "claude");
    assert_eq!(shortened(&"ü".repeat(300)).len(), 200);
    assert_eq!(shortened(&format!("a{}", "ü".repeat(300))).len(), 199);
}

#[test]
fn a_line_allocates_nothing() {
    let records = records();
    let log = AccessLog::default();
    let write = |form| lines(form, UNIX_EPOCH, &records[0], &log, |_| true, |line| assert!(!line.is_empty()));
    for form in [Form::Text, Form::Coloured, Form::Json] {
        // The first makes room for the others.
        write(form);
        let allocated = allocation_counter::measure(|| (0..100).for_each(|_| write(form)));
        assert_eq!(allocated.count_total, 0, "{form:?}");
    }
}

/// An exchange of which everything is known that a line can tell.
#[expect(clippy::too_many_lines, reason = "a line for each field")]
fn told_whole() -> Record {
    let attempt = |backend: &str, status, result| AttemptRecord {
        backend: backend.to_owned(),
        status: Some(status),
        result,
        ..AttemptRecord::default()
    };
    let cost = Cost {
        input: 50_000_000,
        cache_read: 500_000,
        output: 1_234_000_000_000,
        reasoning: 1_000_000_000_000,
        cache_write: 0,
    };
    let answered = AttemptRecord {
        region: Some("us-east-1".to_owned()),
        upstream_request_id: Some("0a1b".to_owned()),
        effort: SentEffort { level: None, budget: Some(2048) },
        cost: CallCost::Known(cost),
        ..attempt("default/b", 200, AttemptResult::Answered)
    };
    let throttled = AttemptRecord {
        started: Duration::from_millis(1),
        sent: Some(Duration::from_millis(5)),
        cost: CallCost::Unknown(CostUnknown::NoUsage),
        estimated_cost: Some(7_000_000),
        ..attempt("default/a", 429, AttemptResult::Throttled)
    };
    Record {
        caller: Some("team".into()),
        route: Some("default/r".to_owned()),
        rule: Some("first".to_owned()),
        stop_reason: Some("tool_use"),
        overhead: Some(Duration::from_micros(42)),
        reasoning_end: Some(Duration::from_millis(60)),
        thinking_time: Duration::from_millis(59),
        longest_gap: Some(Duration::from_millis(12)),
        asked: Asked {
            body_bytes: 99,
            parameters: Parameters {
                effort: Some(Effort::High),
                tier: Some(ServiceTier::Flex),
                ..Parameters::default()
            },
        },
        warnings: vec!["dropped a: b".to_owned()],
        fault: Some("f".to_owned()),
        fault_message: Some("m".to_owned()),
        cached: true,
        drain: Some(Drain { result: DrainResult::Limit, time: Duration::from_millis(1234), bytes: 5 }),
        trace: Some(Box::new(ExchangeTrace {
            context: TraceContext::begin(7, None, TraceTrust::Ignore, |_, _| true),
            began: now(),
            method: http::Method::POST,
            path: "/".to_owned(),
            route: None,
            client: None,
            user_agent: None,
            servers: Vec::new(),
        })),
        costs: vec![CountedCost { key: "a \"key\"".into(), value: 12 }, CountedCost { key: "b".into(), value: 3 }],
        attempts: vec![throttled, answered],
        ..records().swap_remove(0)
    }
}

#[test]
fn every_field_is_told_under_its_name() {
    let line = ours(Form::Json, &told_whole(), |_| true);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let line = line.as_object().unwrap();
    let missing: Vec<_> = LOG_FIELDS.iter().filter(|name| !line.contains_key(**name)).collect();
    assert!(missing.is_empty() && FIELDS.len() == LOG_FIELDS.len(), "{missing:?}");
    for (name, told) in [
        ("drain", "\"limit\""),
        ("drain_ms", "1234"),
        ("trace_id", "\"00000000000000000000000000000007\""),
        ("attempt_path", "\"default/a:429,default/b:200\""),
        ("cost_usd", "1.2340505"),
        ("cost_parts_usd", "\"input=0.00005,cache_read=0.0000005,output=1.234,reasoning=1\""),
        ("cost_estimated_usd", "7e-6"),
        ("cost_unknown", "\"no_usage\""),
        ("effort", "\"budget:2048\""),
        ("effort_asked", "\"high\""),
        ("first_token_ms", "0"),
        ("overhead_ms", "0.042"),
        ("queue_ms", "4"),
        ("prompt_tokens", "17"),
        ("request_costs", "\"a _key_=12,b=3\""),
        ("tier", "\"flex\""),
        ("usage", "\"estimated\""),
        ("dialect", "\"openai_chat\""),
    ] {
        assert_eq!(line[name].to_string(), told, "{name}");
    }
}

#[test]
fn a_format_of_the_operators_own_takes_the_place_of_the_line() {
    let format = LogPiece::format(
        "{id} {model}|{status}/{fault} {{\"m\":{model:json},\"w\":{warnings:json},\"c\":{caller:json}}}",
    );
    let log = AccessLog { format: Some(format.unwrap()), ..AccessLog::default() };
    let record = Record { id: "i".to_owned(), model: "a \"b\"\n".to_owned(), status: 200, ..Record::default() };
    let line = logged(Form::Json, &record, &log, |_| true);
    assert_eq!(line, "i a \\\"b\\\"\\n|200/- {\"m\":\"a \\\"b\\\"\\n\",\"w\":null,\"c\":null}\n");
}

#[test]
fn filters_choose_which_exchanges_have_a_line() {
    let answered =
        |id: &str, seconds| Record { id: id.to_owned(), duration: Duration::from_secs(seconds), ..Record::default() };
    let failed = Record { outcome: Outcome::Failed, status: 503, ..answered("f", 1) };
    let only = |text: &str| AccessLog { only: LogFilter::list(text).unwrap(), ..AccessLog::default() };
    for (filters, record, logs) in [
        ("", answered("a", 1), true),
        ("failed", answered("a", 1), false),
        ("failed", failed.clone(), true),
        ("slow:30s", failed, false),
        ("failed,slow:30s", answered("a", 30), true),
        ("sampled:0", answered("a", 1), false),
        ("sampled:1", answered("a", 1), true),
    ] {
        assert_eq!(!logged(Form::Text, &record, &only(filters), |_| true).is_empty(), logs, "{filters}");
    }
    let tenth = only("sampled:0.1");
    let sampled =
        (0..10_000).filter(|number| passes(&tenth.only, &answered(&format!("chatcmpl-{number:032x}"), 1))).count();
    assert!((900..1_100).contains(&sampled), "{sampled}");
}
