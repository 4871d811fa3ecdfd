//! One line of the log as tracing-subscriber writes it, at a fraction of its cost: exchanges write one each.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use tracing::Level;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For files.
    Text,
    /// For terminals.
    Coloured,
    /// For programs.
    Json,
    /// The value alone, as text: in a format of the operator's own.
    Plain,
    /// The value alone, as JSON.
    Value,
}

/// The buffer of a thread for its lines, with the last date that it has formatted.
struct Desk {
    bytes: Vec<u8>,
    date: Date,
}

/// A second, written out: `2026-01-31T12:00:00.`.
struct Date {
    second: u64,
    text: Vec<u8>,
}

thread_local! {
    static DESK: RefCell<Desk> = const {
        RefCell::new(Desk { bytes: Vec::new(), date: Date { second: u64::MAX, text: Vec::new() } })
    };
}

/// A line that is being written.
pub(crate) struct Line<'a> {
    form: Form,
    bytes: &'a mut Vec<u8>,
}

/// A field's name as each form writes it; made by [`name!`].
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) text: &'static str,
    pub(crate) coloured: &'static str,
    pub(crate) json: &'static str,
}

/// A [`Name`], put together when this is compiled.
macro_rules! name {
    ($name:literal) => {
        $crate::line::Name {
            text: concat!(" ", $name, "="),
            coloured: concat!(" \x1b[3m", $name, "\x1b[0m\x1b[2m=\x1b[0m"),
            json: concat!(",\"", $name, "\":"),
        }
    };
}
pub(crate) use name;

/// The level, target and message of a line.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) level: Level,
    pub(crate) target: &'static str,
    /// Without anything that JSON would escape.
    pub(crate) message: &'static str,
}

/// Formats a line in the thread's buffer and hands it to `take`.
pub(crate) fn line(
    form: Form,
    now: SystemTime,
    head: Head,
    fields: impl FnOnce(&mut Line<'_>),
    take: impl FnOnce(&[u8]),
) {
    DESK.with(|desk| {
        // Nothing that is called below writes a line itself, so this never fails.
        let Ok(mut desk) = desk.try_borrow_mut() else { return };
        let Desk { bytes, date } = &mut *desk;
        bytes.clear();
        let mut line = Line { form, bytes };
        line.begin(now, head, date);
        fields(&mut line);
        line.end(head);
        take(bytes);
    });
}

/// Formats a line of the operator's own in the thread's buffer and hands it to `take`.
pub(crate) fn formatted(pieces: impl FnOnce(&mut Line<'_>), take: impl FnOnce(&[u8])) {
    DESK.with(|desk| {
        let Ok(mut desk) = desk.try_borrow_mut() else { return };
        desk.bytes.clear();
        pieces(&mut Line { form: Form::Plain, bytes: &mut desk.bytes });
        desk.bytes.push(b'\n');
        take(&desk.bytes);
    });
}

impl Line<'_> {
    /// Writes a value alone in this form; `none` stands for one that is not there.
    pub(crate) fn value(&mut self, form: Form, none: &str, write: impl FnOnce(&mut Line<'_>)) {
        let before = self.bytes.len();
        write(&mut Line { form, bytes: self.bytes });
        if self.bytes.len() == before {
            self.plain(none);
        }
    }

    fn begin(&mut self, now: SystemTime, head: Head, date: &mut Date) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (before, after) = match self.form {
            Form::Text | Form::Plain | Form::Value => ("", "Z "),
            Form::Coloured => ("\x1b[2m", "Z\x1b[0m "),
            Form::Json => ("{\"timestamp\":\"", "Z\",\"level\":\""),
        };
        self.plain(before);
        date.write(since, self.bytes);
        self.plain(after);
        let level = match head.level {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        self.level(level, head);
    }

    fn level(&mut self, level: &str, head: Head) {
        let pad = if level.len() < 5 { " " } else { "" };
        let parts = match self.form {
            Form::Text | Form::Plain | Form::Value => [pad, level, " ", head.target, ": ", head.message],
            Form::Json => ["", level, "\",\"message\":\"", head.message, "\"", ""],
            Form::Coloured => {
                let colour = match head.level {
                    Level::ERROR => "\x1b[31m",
                    Level::WARN => "\x1b[33m",
                    Level::INFO => "\x1b[32m",
                    Level::DEBUG => "\x1b[34m",
                    Level::TRACE => "\x1b[35m",
                };
                self.plain(colour);
                self.plain(pad);
                [level, "\x1b[0m \x1b[2m", head.target, "\x1b[0m\x1b[2m:\x1b[0m ", head.message, ""]
            }
        };
        parts.into_iter().for_each(|part| self.plain(part));
    }

    /// A field that is there only sometimes.
    pub(crate) fn maybe<T>(&mut self, name: Name, value: Option<T>, write: impl FnOnce(&mut Self, Name, T)) {
        if let Some(value) = value {
            write(self, name, value);
        }
    }

    /// A field of text.
    pub(crate) fn text(&mut self, name: Name, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    fn quoted(&mut self, value: &str) {
        if self.form == Form::Plain {
            // Escaped, so that a line stays one line, and without quotes.
            let _ = write!(self.bytes, "{}", value.escape_debug());
            return;
        }
        if escapes_nothing(value) {
            self.bytes.push(b'"');
            self.plain(value);
            return self.bytes.push(b'"');
        }
        // Writing to memory does not fail.
        let _ = match self.form {
            Form::Json | Form::Value => serde_json::to_writer(&mut *self.bytes, value).map_err(|_| fmt::Error),
            Form::Text | Form::Coloured | Form::Plain => write!(self.bytes, "{value:?}").map_err(|_| fmt::Error),
        };
    }

    /// A field of several texts.
    pub(crate) fn list(&mut self, name: Name, values: &[String]) {
        self.name(name);
        self.plain("[");
        for (at, value) in values.iter().enumerate() {
            let comma = if matches!(self.form, Form::Json | Form::Value) { "," } else { ", " };
            self.plain(if at == 0 { "" } else { comma });
            self.quoted(value);
        }
        self.plain("]");
    }

    /// A field that counts.
    pub(crate) fn number(&mut self, name: Name, value: impl Into<u64>) {
        self.name(name);
        digits(self.bytes, value.into(), 1);
    }

    /// An id as so many digits of hexadecimal.
    pub(crate) fn hex(&mut self, name: Name, value: u128, digits: usize) {
        self.joined(name, |line| {
            // Writing to memory does not fail.
            let _ = write!(line.bytes, "{value:0digits$x}");
        });
    }

    /// A field in thousandths: `0.042`.
    pub(crate) fn thousandths(&mut self, name: Name, value: u64) {
        self.name(name);
        digits(self.bytes, value / 1000, 1);
        self.plain(".");
        digits(self.bytes, value % 1000, 3);
    }

    /// A field in US dollars, of 10⁻¹² dollars.
    pub(crate) fn dollars(&mut self, name: Name, value: u64) {
        self.name(name);
        self.amount(value);
    }

    /// A text that is put together by `write` of parts which nothing escapes.
    pub(crate) fn joined(&mut self, name: Name, write: impl FnOnce(&mut Self)) {
        let quote = if self.form == Form::Plain { "" } else { "\"" };
        self.name(name);
        self.plain(quote);
        write(self);
        self.plain(quote);
    }

    /// A word inside a text, with `_` for whatever would be escaped.
    pub(crate) fn harmless(&mut self, word: &str) {
        self.bytes.extend(word.bytes().map(|byte| match byte {
            b'"' | b'\\' => b'_',
            b' '..=b'~' => byte,
            _ => b'_',
        }));
    }

    /// A number inside a text.
    pub(crate) fn count(&mut self, value: u64) {
        digits(self.bytes, value, 1);
    }

    /// An amount in dollars, of 10⁻¹² dollars.
    pub(crate) fn amount(&mut self, value: u64) {
        const DOLLAR: u64 = 1_000_000_000_000;
        digits(self.bytes, value / DOLLAR, 1);
        if !value.is_multiple_of(DOLLAR) {
            self.plain(".");
            digits(self.bytes, value % DOLLAR, 12);
            while self.bytes.last() == Some(&b'0') {
                self.bytes.pop();
            }
        }
    }

    /// A field that is so or not.
    pub(crate) fn flag(&mut self, name: Name, value: bool) {
        self.name(name);
        self.plain(if value { "true" } else { "false" });
    }

    fn name(&mut self, name: Name) {
        self.plain(match self.form {
            Form::Text => name.text,
            Form::Coloured => name.coloured,
            Form::Json => name.json,
            Form::Plain | Form::Value => "",
        });
    }

    fn end(&mut self, head: Head) {
        if self.form == Form::Json {
            self.text(name!("target"), head.target);
            self.plain("}");
        }
        self.plain("\n");
    }

    /// A text as it is.
    pub(crate) fn plain(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// Whether neither JSON nor Rust's `Debug` would escape any of the text.
fn escapes_nothing(text: &str) -> bool {
    // A fold without an early exit is vectorised.
    !text.bytes().fold(false, |odd, byte| odd | !matches!(byte, b' '..=b'~') | (byte == b'"') | (byte == b'\\'))
}

/// Writes a number, with zeros before it up to this width.
fn digits(bytes: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut all = [b'0'; 20];
    let mut used = 0;
    for place in all.iter_mut().rev() {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    bytes.extend_from_slice(all.split_at(all.len().saturating_sub(used.max(width))).1);
}

impl Date {
    fn write(&mut self, since: Duration, bytes: &mut Vec<u8>) {
        if self.second != since.as_secs() {
            self.second = since.as_secs();
            self.text.clear();
            date(self.second, &mut self.text);
        }
        bytes.extend_from_slice(&self.text);
        digits(bytes, u64::from(since.subsec_micros()), 6);
    }
}

/// The date of a second since 1970.
fn date(second: u64, bytes: &mut Vec<u8>) {
    let time = i64::try_from(second).ok().and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let year = time.year().unsigned_abs();
    let parts = [
        (year, 4, b'-'),
        (u8::from(time.month()).into(), 2, b'-'),
        (time.day().into(), 2, b'T'),
        (time.hour().into(), 2, b':'),
        (time.minute().into(), 2, b':'),
        (time.second().into(), 2, b'.'),
    ];
    for (number, width, after) in parts {
        digits(bytes, number.into(), width);
        bytes.push(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(second: u64) -> String {
        let mut bytes = Vec::new();
        date(second, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dates_are_the_calendars() {
        for (second, told) in [
            (0, "1970-01-01T00:00:00."),
            (951_782_399, "2000-02-28T23:59:59."),
            (951_782_400, "2000-02-29T00:00:00."),
            (951_868_800, "2000-03-01T00:00:00."),
            (1_709_164_801, "2024-02-29T00:00:01."),
            (1_735_689_599, "2024-12-31T23:59:59."),
            (1_735_689_600, "2025-01-01T00:00:00."),
            (4_107_542_400, "2100-03-01T00:00:00."),
            (4_107_542_399, "2100-02-28T23:59:59."),
        ] {
            assert_eq!(written(second), told);
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 9, 10, 1234, u64::MAX] {
            let mut bytes = Vec::new();
            digits(&mut bytes, number, 1);
            assert_eq!(String::from_utf8(bytes).unwrap(), number.to_string());
        }
    }
}
