//! The filter of exchanges: `model:opus outcome:failed status:4xx dur:>30s word -backend:b`; all of its terms must hold.

use aquifer_gateway::config::duration;
use aquifer_gateway::record::{Outcome, Record};
use std::time::Duration;

/// The longest filter, in bytes.
const LONGEST: usize = 1024;

/// A filter of exchanges.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Filter(Vec<Term>);

/// One of its terms.
#[derive(Debug, PartialEq)]
struct Term {
    negated: bool,
    test: Test,
}

/// What a term looks at. Texts are in lower case.
#[derive(Debug, PartialEq)]
enum Test {
    Model(String),
    Outcome(Outcome),
    /// From and to, both included.
    Status(u16, u16),
    Route(String),
    Rule(String),
    Backend(String),
    Fault(String),
    Caller(String),
    Dialect(String),
    Source(String),
    /// The beginning of an id.
    Id(String),
    LongerThan(Duration),
    ShorterThan(Duration),
    /// In any of the names above.
    Word(String),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The term that cannot be read, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the filter is longer than {LONGEST} bytes"));
        }
        text.split_whitespace().map(Term::read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every term holds.
    pub(super) fn passes(&self, record: &Record) -> bool {
        self.0.iter().all(|term| term.test.holds(record) != term.negated)
    }
}

impl Term {
    fn read(text: &str) -> Result<Self, String> {
        let (negated, text) = match text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Ok(Self { negated, test: Test::read(text)? })
    }
}

impl Test {
    fn read(text: &str) -> Result<Self, String> {
        let Some((key, value)) = text.split_once(':') else { return Ok(Self::Word(text.to_lowercase())) };
        let lower = value.to_lowercase();
        Ok(match key {
            "model" => Self::Model(lower),
            "route" => Self::Route(lower),
            "rule" => Self::Rule(lower),
            "backend" => Self::Backend(lower),
            "fault" => Self::Fault(lower),
            "caller" => Self::Caller(lower),
            "dialect" => Self::Dialect(lower),
            "source" => Self::Source(lower),
            "id" => Self::Id(lower),
            "outcome" => Self::Outcome(
                outcome(&lower)
                    .ok_or_else(|| format!("`{text}`: an outcome is `answered`, `failed` or `abandoned`"))?,
            ),
            "status" => status(&lower)
                .ok_or_else(|| format!("`{text}`: a status is such as `429`, `5xx`, `>=500` or `<400`"))?,
            "dur" => time(&lower).ok_or_else(|| format!("`{text}`: a duration is such as `>30s` or `<500ms`"))?,
            // Ids of models hold colons.
            _ => Self::Word(text.to_lowercase()),
        })
    }

    fn holds(&self, record: &Record) -> bool {
        match self {
            Self::Model(text) => has(&record.model, text) || has(&record.model_id, text),
            Self::Outcome(outcome) => record.outcome == *outcome,
            Self::Status(from, to) => (*from..=*to).contains(&record.status),
            Self::Route(text) => maybe_has(record.route.as_deref(), text),
            Self::Rule(text) => maybe_has(record.rule.as_deref(), text),
            Self::Backend(text) => backend_has(record, text),
            Self::Fault(text) => fault_has(record, text),
            Self::Caller(text) => maybe_has(record.caller.as_deref(), text),
            Self::Dialect(text) => has(record.dialect.word(), text),
            Self::Source(text) => has(record.source.word(), text),
            Self::Id(text) => record.id.to_lowercase().starts_with(text),
            Self::LongerThan(time) => record.duration > *time,
            Self::ShorterThan(time) => record.duration < *time,
            Self::Word(text) => {
                has(&record.id, text)
                    || has(&record.model, text)
                    || has(&record.model_id, text)
                    || maybe_has(record.route.as_deref(), text)
                    || maybe_has(record.caller.as_deref(), text)
                    || backend_has(record, text)
                    || fault_has(record, text)
            }
        }
    }
}

fn has(field: &str, text: &str) -> bool {
    field.to_lowercase().contains(text)
}

fn maybe_has(field: Option<&str>, text: &str) -> bool {
    field.is_some_and(|field| has(field, text))
}

/// Any backend that was called.
fn backend_has(record: &Record, text: &str) -> bool {
    has(&record.backend, text) || record.attempts.iter().any(|attempt| has(&attempt.backend, text))
}

/// Any fault, also of a call that another one made good.
fn fault_has(record: &Record, text: &str) -> bool {
    maybe_has(record.fault.as_deref(), text)
        || record.attempts.iter().any(|attempt| maybe_has(attempt.fault.as_deref(), text))
}

fn outcome(word: &str) -> Option<Outcome> {
    match word {
        "answered" => Some(Outcome::Answered),
        "failed" => Some(Outcome::Failed),
        "abandoned" => Some(Outcome::Abandoned),
        _ => None,
    }
}

fn status(text: &str) -> Option<Test> {
    if let Some(hundreds) = text.strip_suffix("xx") {
        let from = hundreds.parse::<u16>().ok().filter(|hundreds| (1..=5).contains(hundreds))? * 100;
        return Some(Test::Status(from, from + 99));
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|status| (100..=999).contains(status));
    if let Some(from) = text.strip_prefix(">=") {
        return number(from).map(|from| Test::Status(from, u16::MAX));
    }
    if let Some(above) = text.strip_prefix('<') {
        return number(above).map(|above| Test::Status(0, above - 1));
    }
    number(text).map(|status| Test::Status(status, status))
}

fn time(text: &str) -> Option<Test> {
    if let Some(time) = text.strip_prefix('>') {
        return duration(time.trim_start_matches('=')).map(Test::LongerThan);
    }
    duration(text.strip_prefix('<')?.trim_start_matches('=')).map(Test::ShorterThan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str) -> bool {
        let record = Record {
            id: "chatcmpl-AbC".to_owned(),
            model: "Claude-Opus".to_owned(),
            model_id: "us.anthropic.claude-opus-5-v1:0".to_owned(),
            backend: "default/b".to_owned(),
            route: Some("default/r".to_owned()),
            status: 429,
            outcome: Outcome::Failed,
            fault: Some("throttled".to_owned()),
            duration: Duration::from_secs(31),
            ..Record::default()
        };
        Filter::read(filter).unwrap().passes(&record)
    }

    #[test]
    fn every_term_must_hold() {
        for filter in [
            "",
            "  ",
            "model:opus",
            "model:v1:0 outcome:failed",
            "status:429 status:4xx status:>=400 status:<500",
            "route:default/R backend:b fault:throttle id:chatcmpl-abc",
            "dur:>30s dur:<1m dialect:chat source:client",
            "opus -sonnet -model:haiku -caller:x",
            "claude-opus-5-v1:0",
        ] {
            assert!(passes(filter), "{filter}");
        }
        for filter in ["model:sonnet", "-opus", "status:5xx", "dur:<30s", "caller:a", "id:cmpl", "rule:x", "opus no"] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for wrong in ["outcome:lost", "status:abc", "status:9xx", "dur:30s", "dur:>soon", "status:<1"] {
            assert!(Filter::read(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
        assert!(Filter::read(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let record = Record { model: "a:b".to_owned(), ..Record::default() };
        arbtest::arbtest(|bytes| {
            let text: String = bytes.arbitrary()?;
            if let Ok(filter) = Filter::read(&text) {
                filter.passes(&record);
            }
            let keyed = format!("{} {}:{text}", text, ["status", "dur", "outcome"][bytes.choose_index(3)?]);
            drop(Filter::read(&keyed));
            Ok(())
        });
    }
}
