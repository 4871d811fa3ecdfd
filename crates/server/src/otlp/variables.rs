//! OpenTelemetry's variables, read with errors that name them and never show the value of a header.

use super::signal::Signal;
use anyhow::{Context as _, anyhow, bail};
use aquifer_aws::Environment;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// A variable that is set.
pub(super) struct Variable<'e> {
    pub(super) name: String,
    pub(super) value: &'e str,
}

/// The variables of one signal's exporter: `OTEL_EXPORTER_OTLP_TRACES_X` before `OTEL_EXPORTER_OTLP_X`.
#[derive(Clone, Copy)]
pub(super) struct OfSignal<'e> {
    pub(super) environment: &'e Environment,
    pub(super) signal: Signal,
}

impl<'e> OfSignal<'e> {
    /// The signal's own variable.
    pub(super) fn own(&self, what: &str) -> Option<Variable<'e>> {
        let signal = self.signal.word().to_ascii_uppercase();
        variable(self.environment, &format!("OTEL_EXPORTER_OTLP_{signal}_{what}"))
    }

    /// The variable of all signals.
    pub(super) fn general(&self, what: &str) -> Option<Variable<'e>> {
        variable(self.environment, &format!("OTEL_EXPORTER_OTLP_{what}"))
    }

    /// The signal's own variable, else that of all.
    pub(super) fn either(&self, what: &str) -> Option<Variable<'e>> {
        self.own(what).or_else(|| self.general(what))
    }

    /// The text of the file that a variable names.
    pub(super) fn file(&self, what: &str) -> anyhow::Result<Option<String>> {
        let Some(Variable { name, value }) = self.either(what) else { return Ok(None) };
        let text = std::fs::read_to_string(value).with_context(|| format!("{name}: cannot read {value}"))?;
        Ok(Some(text))
    }

    /// The headers of exports: `name=value,...`, percent-encoded. Their values are secrets.
    pub(super) fn headers(&self) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        let Some(Variable { name, value }) = self.either("HEADERS") else { return Ok(headers) };
        for pair in value.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let wrong = || anyhow!("{name}: expected pairs such as name=value with commas between them");
            let (header, value) = pair.split_once('=').ok_or_else(wrong)?;
            let header = HeaderName::from_str(header.trim()).map_err(|_| wrong())?;
            let mut value = percent_decoded(value.trim())
                .and_then(|value| HeaderValue::from_str(&value).ok())
                .with_context(|| format!("{name}: the value of the header {header} cannot be sent"))?;
            value.set_sensitive(true);
            headers.append(header, value);
        }
        Ok(headers)
    }
}

/// A variable that is set.
pub(super) fn variable<'e>(environment: &'e Environment, name: &str) -> Option<Variable<'e>> {
    environment.get(name).map(|value| Variable { name: name.to_owned(), value: value.trim() })
}

/// A number that a variable has, or a default.
pub(super) fn number<T: FromStr + Display>(environment: &Environment, name: &str, default: T) -> anyhow::Result<T> {
    let Some(Variable { name, value }) = variable(environment, name) else { return Ok(default) };
    value.parse().map_err(|_| anyhow!("{name}: `{value}` is not such a number as {default}"))
}

/// A time in milliseconds that a variable has, or a default.
pub(super) fn milliseconds(environment: &Environment, name: &str, default: Duration) -> anyhow::Result<Duration> {
    let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
    let milliseconds = number(environment, name, default)?;
    if milliseconds == 0 {
        bail!("{name}: expected milliseconds, more than 0");
    }
    Ok(Duration::from_millis(milliseconds))
}

/// A text without its percent escapes; `None` where they are none, or no UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let [high, low] = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
    }
    String::from_utf8(bytes).ok()
}
