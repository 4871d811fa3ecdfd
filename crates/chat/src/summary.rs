//! The line at the end of an answer: times, tokens, cost.

use crate::events::Usage;
use std::time::{Duration, Instant};

/// What is known of an answer when it ends.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) begun: Instant,
    pub(crate) first_thought: Option<Instant>,
    pub(crate) first_word: Option<Instant>,
    pub(crate) ended: Instant,
    pub(crate) finish: Option<String>,
    pub(crate) usage: Option<Usage>,
    /// The letters of the reasoning.
    pub(crate) thought: usize,
}

impl Summary {
    pub(crate) fn begun(at: Instant) -> Self {
        Self { begun: at, first_thought: None, first_word: None, ended: at, finish: None, usage: None, thought: 0 }
    }

    /// Counts some reasoning.
    pub(crate) fn thought(&mut self, text: &str, at: Instant) {
        self.first_thought.get_or_insert(at);
        self.thought += text.chars().count();
    }

    /// Notes that the answer has begun.
    pub(crate) fn answered(&mut self, at: Instant) {
        self.first_word.get_or_insert(at);
    }

    /// Whether nothing of an answer came.
    pub(crate) fn is_of_nothing(&self) -> bool {
        self.first_thought.is_none() && self.first_word.is_none() && self.usage.is_none()
    }

    /// The line: `first thought 0.8 s · first word 6.9 s · 14.2 s · 1,204 in (1,050 cached) · 812 out (412 thought) · stop`.
    pub(crate) fn line(&self) -> String {
        let since = |at: Instant| seconds(at.saturating_duration_since(self.begun));
        let mut parts = Vec::new();
        parts.extend(self.first_thought.map(|at| format!("first thought {}", since(at))));
        parts.extend(self.first_word.map(|at| format!("first word {}", since(at))));
        parts.push(since(self.ended));
        match &self.usage {
            Some(usage) => parts.extend(tokens(usage)),
            None => parts.push("usage unknown".to_owned()),
        }
        parts.extend(self.finish.clone());
        parts.join(" · ")
    }
}

fn tokens(usage: &Usage) -> Vec<String> {
    let part = |tokens: Option<u64>, what| tokens.map(|tokens| format!(" ({} {what})", grouped(tokens)));
    let cached = part(usage.cached(), "cached").unwrap_or_default();
    let thought = part(usage.reasoning(), "thought").unwrap_or_default();
    let mut parts = vec![
        format!("{} in{cached}", grouped(usage.prompt_tokens)),
        format!("{} out{thought}", grouped(usage.completion_tokens)),
    ];
    parts.extend(usage.cost.map(|cost| format!("${cost:.4}")));
    parts
}

/// What a chat took so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    answers: u64,
    /// Answers whose tokens nobody told.
    unknown: u64,
    time: Duration,
    prompt: u64,
    cached: u64,
    completion: u64,
    reasoning: u64,
    cost: Option<f64>,
}

impl Totals {
    /// Adds an answer.
    pub(crate) fn add(&mut self, summary: &Summary) {
        self.answers += 1;
        self.time += summary.ended.saturating_duration_since(summary.begun);
        let Some(usage) = &summary.usage else {
            self.unknown += 1;
            return;
        };
        self.prompt += usage.prompt_tokens;
        self.cached += usage.cached().unwrap_or_default();
        self.completion += usage.completion_tokens;
        self.reasoning += usage.reasoning().unwrap_or_default();
        if let Some(cost) = usage.cost {
            *self.cost.get_or_insert_default() += cost;
        }
    }

    /// The line of `/usage`.
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![
            format!("{} answers", grouped(self.answers)),
            seconds(self.time),
            format!("{} in ({} cached)", grouped(self.prompt), grouped(self.cached)),
            format!("{} out ({} thought)", grouped(self.completion), grouped(self.reasoning)),
        ];
        parts.extend(self.cost.map(|cost| format!("${cost:.4}")));
        if self.unknown > 0 {
            parts.push(format!("usage unknown of {}", grouped(self.unknown)));
        }
        parts.join(" · ")
    }
}

/// A time in seconds, to a tenth.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A number with a comma at each thousand.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0".to_owned(), "999".into(), "1,000".into(), "1,234,567".into()]
        );
    }

    #[test]
    fn the_line_tells_times_tokens_and_cost() {
        let begun = now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut summary = Summary::begun(begun);
        summary.thought("Hm.", at(800));
        summary.answered(at(6_900));
        summary.ended = at(14_200);
        summary.finish = Some("stop".into());
        assert_eq!(summary.line(), "first thought 0.8 s · first word 6.9 s · 14.2 s · usage unknown · stop");
        let usage = r#"{"prompt_tokens": 1204, "completion_tokens": 812, "prompt_tokens_details": {"cached_tokens": 1050}, "completion_tokens_details": {"reasoning_tokens": 412}, "cost": 0.0123}"#;
        summary.usage = Some(serde_json::from_str(usage).expect("usage"));
        assert!(summary.line().ends_with("14.2 s · 1,204 in (1,050 cached) · 812 out (412 thought) · $0.0123 · stop"));
    }
}
