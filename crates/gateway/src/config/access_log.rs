//! The access log, as the operator wants it: which exchanges have a line, and the form of the line.

use std::sync::Arc;
use std::time::Duration;

/// The fields of a line, in the order in which a line without a format of its own has them.
pub const LOG_FIELDS: [&str; 59] = [
    "id",
    "trace_id",
    "span_id",
    "operation",
    "dialect",
    "caller",
    "model",
    "model_id",
    "backend",
    "route",
    "rule",
    "region",
    "stream",
    "status",
    "outcome",
    "stop_reason",
    "finish_reason",
    "fault",
    "fault_message",
    "duration_ms",
    "overhead_ms",
    "queue_ms",
    "first_reasoning_ms",
    "first_content_ms",
    "first_token_ms",
    "reasoned",
    "reasoning_ms",
    "longest_gap_ms",
    "effort_asked",
    "effort",
    "tier",
    "turns_stored",
    "turns_restored",
    "turns_missed",
    "amended",
    "cached",
    "attempts",
    "attempt_path",
    "aws_request_id",
    "hedged",
    "warnings",
    "bytes_in",
    "told_bytes",
    "drain",
    "drain_ms",
    "usage",
    "prompt_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "estimated_input_tokens",
    "estimated_output_tokens",
    "cost_usd",
    "cost_parts_usd",
    "cost_unknown",
    "cost_estimated_usd",
    "request_costs",
];

/// The access log of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessLog {
    /// The exchanges that have a line: those that any of these wants. None at all: every exchange.
    pub only: Vec<LogFilter>,
    /// A format of the operator's own, in place of the usual line.
    pub format: Option<Arc<[LogPiece]>>,
}

/// A filter of exchanges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogFilter {
    /// `failed`
    Failed,
    /// `slow:30s`: those that took at least this long.
    Slow(Duration),
    /// `sampled:0.01`: this share of all, in millionths.
    Sampled(u32),
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// Text that stands in every line.
    Text(String),
    /// `{status}`: the field at this place of [`LOG_FIELDS`] as text, `-` where it is not there.
    Plain(usize),
    /// `{status:json}`: the same as a JSON value, `null` where it is not there.
    Json(usize),
}

impl LogFilter {
    /// Reads a list of filters with commas between them.
    ///
    /// # Errors
    /// The first word that is none.
    pub fn list(text: &str) -> Result<Vec<Self>, &str> {
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| Self::named(word).ok_or(word))
            .collect()
    }

    fn named(word: &str) -> Option<Self> {
        match word.split_once(':') {
            None => (word == "failed").then_some(Self::Failed),
            Some(("slow", time)) => super::duration(time).map(Self::Slow),
            Some(("sampled", share)) => {
                let share: f64 = share.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
                Some(Self::Sampled((share * 1e6).round() as u32))
            }
            Some(_) => None,
        }
    }
}

impl LogPiece {
    /// Reads a format: text with fields in braces; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn format(text: &str) -> Result<Arc<[Self]>, String> {
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                plain.push_str(brace.get(..1).unwrap_or_default());
                rest = after;
                continue;
            }
            let inside = brace.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            let (name, after) = inside.ok_or("a brace without its other one; write `{{` or `}}` for a brace")?;
            if !plain.is_empty() {
                pieces.push(Self::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Self::field(name)?);
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Self::Text(plain));
        }
        if pieces.iter().any(|piece| matches!(piece, Self::Text(text) if text.contains(['\n', '\r']))) {
            return Err("a line's format is one line".to_owned());
        }
        Ok(pieces.into())
    }

    fn field(name: &str) -> Result<Self, String> {
        let (name, json) = name.strip_suffix(":json").map_or((name, false), |name| (name, true));
        match LOG_FIELDS.iter().position(|known| *known == name) {
            Some(at) if json => Ok(Self::Json(at)),
            Some(at) => Ok(Self::Plain(at)),
            None => Err(format!("unknown field `{name}`: expected one of {}", LOG_FIELDS.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let filters = [LogFilter::Failed, LogFilter::Slow(Duration::from_secs(30)), LogFilter::Sampled(10_000)];
        assert_eq!(LogFilter::list("failed, slow:30s,sampled:0.01").unwrap(), filters);
        assert_eq!(LogFilter::list("").unwrap(), []);
        for wrong in ["faild", "slow", "slow:x", "sampled:2", "sampled:-1", "sampled:NaN", "failed:1"] {
            assert_eq!(LogFilter::list(wrong), Err(wrong));
        }
    }

    #[test]
    fn formats_are_read() {
        let pieces = LogPiece::format("{id} {{s}}={status:json}").unwrap();
        let status = LOG_FIELDS.iter().position(|name| *name == "status").unwrap();
        let text = |text: &str| LogPiece::Text(text.to_owned());
        assert_eq!(*pieces, [LogPiece::Plain(0), text(" {s}="), LogPiece::Json(status)]);
        for (wrong, why) in
            [("{", "brace"), ("a}", "brace"), ("{stats}", "unknown field `stats`"), ("a\nb", "one line")]
        {
            assert!(LogPiece::format(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
