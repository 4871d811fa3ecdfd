//! The view of a program: each event as a line of JSON on standard output.

use crate::events::{Event, Failure};
use crate::summary::Summary;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Instant;

/// Writes the lines.
pub(crate) struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out }
    }

    pub(crate) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Reasoning(text) => self.line(&json!({"type": "reasoning", "text": text})),
            Event::Content(text) => self.line(&json!({"type": "content", "text": text})),
            Event::Details(details) => self.line(&json!({"type": "reasoning_details", "details": details})),
            Event::Call(name) => self.line(&json!({"type": "call", "name": name})),
            Event::Finish(_) | Event::Usage(_) | Event::Failed(_) => Ok(()),
        }
    }

    pub(crate) fn warning(&mut self, warning: &str) -> io::Result<()> {
        self.line(&json!({"type": "warning", "message": warning}))
    }

    pub(crate) fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        self.line(&json!({"type": "error", "status": failure.status, "message": failure.message}))
    }

    /// The last line: how the answer ended, times in seconds, tokens, and USD where the gateway tells them.
    pub(crate) fn end(&mut self, summary: &Summary) -> io::Result<()> {
        let since = |at: Instant| at.saturating_duration_since(summary.begun).as_secs_f64();
        let usage = summary.usage.as_ref().map(|usage| {
            json!({"prompt_tokens": usage.prompt_tokens, "cached_tokens": usage.cached(), "completion_tokens": usage.completion_tokens,
                "reasoning_tokens": usage.reasoning(), "cost_usd": usage.cost})
        });
        self.line(&json!({"type": "end", "finish_reason": summary.finish, "usage": usage,
            "first_reasoning_s": summary.first_thought.map(since), "first_content_s": summary.first_word.map(since),
            "duration_s": since(summary.ended)}))
    }

    fn line(&mut self, line: &Value) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[test]
    fn every_line_is_json_with_a_type() {
        let mut lines = JsonLines::new(Vec::new());
        lines.warning("a\nb").expect("written");
        lines.event(&Event::Reasoning("Hm\x1b.".into())).expect("written");
        lines.failure(&Failure { message: "no".into(), status: Some(429) }).expect("written");
        lines.end(&Summary::begun(now())).expect("written");
        let text = String::from_utf8(lines.out).expect("UTF-8");
        let types: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["type"].as_str().expect("a type").to_owned())
            .collect();
        assert_eq!(types, ["warning", "reasoning", "error", "end"]);
        assert!(!text.contains('\x1b'));
    }
}
