//! The lines are those that tracing-subscriber writes of the same events, but for the time.

use super::*;
use aquifer_gateway::record::{AttemptRecord, Estimate, Hedges, Turns};
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
            outcome = outcome_word($record.outcome),
            finish_reason = $record.finish_reason,
            fault = $record.fault,
            fault_message = $record.fault_message,
            duration_ms = milliseconds($record.duration),
            first_reasoning_ms = $record.time_to_first_reasoning.map(milliseconds),
            first_token_ms = $record.time_to_first_token.map(milliseconds),
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
        Form::Text => with_default(registry.with(layer.with_ansi(false)), || through_tracing(record)),
        Form::Coloured => with_default(registry.with(layer.with_ansi(true)), || through_tracing(record)),
        Form::Json => with_default(registry.with(layer.json().flatten_event(true)), || through_tracing(record)),
    }
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn ours(form: Form, record: &Record, wanted: impl Fn(Level) -> bool) -> String {
    let kept = RefCell::new(Vec::new());
    let now = UNIX_EPOCH + Duration::new(1_700_000_000, 1_234_567);
    lines(form, now, record, wanted, |line| kept.borrow_mut().extend_from_slice(line));
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
        time_to_first_token: Some(Duration::from_millis(70)),
        tokens: Some(Tokens {
            input: 10,
            output: 21,
            cache_read: 3,
            cache_write: 4,
            cache_write_hour: 0,
            reasoning: Some(5),
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
            let (ours, mut theirs) = (ours(form, &record, |_| true), theirs(form, &record));
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
    let write = |form| lines(form, UNIX_EPOCH, &records[0], |_| true, |line| assert!(!line.is_empty()));
    for form in [Form::Text, Form::Coloured, Form::Json] {
        // The first makes room for the others.
        write(form);
        let allocated = allocation_counter::measure(|| (0..100).for_each(|_| write(form)));
        assert_eq!(allocated.count_total, 0, "{form:?}");
    }
}
