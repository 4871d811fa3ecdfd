//! Metrics as OTLP's messages, cumulative, from the text that is scraped: both tell the same of the same moment.
//!
//! Names are those of the conventions (`gen_ai.client.token.usage`), without what Prometheus puts behind them: a collector
//! that hands them on to Prometheus makes the same names of them again. The numbers of fields are those of `metrics.proto`.

use super::wire::{self, Attributes};
use crate::metrics::{Described, Kind, described};

/// The words of OpenTelemetry's names that keep their underscores.
const COMPOUNDS: &[&str] = &[
    "gen_ai",
    "time_to_first_token",
    "time_to_first_chunk",
    "time_per_output_token",
    "input_tokens",
    "output_tokens",
    "cache_read",
    "cache_write",
];
/// `AggregationTemporality`: since the start.
const CUMULATIVE: u64 = 2;

/// The times of cumulative metrics, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct MetricTimes {
    /// Since when they are counted.
    pub start: u64,
    /// Now.
    pub now: u64,
}

/// A line of a metric: its labels and its value.
struct Sample<'t> {
    name: &'t str,
    labels: Vec<Label<'t>>,
    value: &'t str,
}

#[derive(Clone, PartialEq)]
struct Label<'t> {
    name: &'t str,
    value: String,
}

/// A histogram of one set of labels.
#[derive(Default)]
struct HistogramPoint<'t> {
    labels: Vec<Label<'t>>,
    count: u64,
    sum: f64,
    bounds: Vec<f64>,
    /// The counts up to each bound, and of all.
    cumulative: Vec<u64>,
}

/// Writes all metrics of the text, each as a field of `ScopeMetrics`.
pub(super) fn encode(to: &mut Vec<u8>, text: &str, times: MetricTimes) {
    let mut samples = Vec::new();
    let mut family: Option<&Described> = None;
    for line in text.lines() {
        let Some(sample) = read_sample(line) else { continue };
        let metric = described(sample.name).or_else(|| described(stem(sample.name)));
        if metric.map(|it| it.name) != family.map(|it| it.name) {
            write(to, family, &samples, times);
            samples.clear();
            family = metric;
        }
        samples.push(sample);
    }
    write(to, family, &samples, times);
}

fn write(to: &mut Vec<u8>, family: Option<&Described>, samples: &[Sample<'_>], times: MetricTimes) {
    let Some(metric) = family.filter(|_| !samples.is_empty()) else { return };
    wire::message(to, 2, |to| {
        wire::bytes(to, 1, name(metric).as_bytes());
        wire::bytes(to, 2, metric.what.as_bytes());
        wire::bytes(to, 3, unit(metric).as_bytes());
        match metric.kind {
            Kind::Gauge => wire::message(to, 5, |to| numbers(to, samples, times)),
            Kind::Counter => wire::message(to, 7, |to| {
                numbers(to, samples, times);
                wire::uint(to, 2, CUMULATIVE);
                wire::uint(to, 3, 1);
            }),
            Kind::Histogram => wire::message(to, 9, |to| {
                histograms(to, samples, times);
                wire::uint(to, 2, CUMULATIVE);
            }),
        }
    });
}

fn numbers(to: &mut Vec<u8>, samples: &[Sample<'_>], times: MetricTimes) {
    for sample in samples {
        wire::message(to, 1, |to| {
            wire::fixed64(to, 2, times.start);
            wire::fixed64(to, 3, times.now);
            match sample.value.parse::<i64>() {
                Ok(whole) => wire::fixed64(to, 6, whole.cast_unsigned()),
                Err(_) => wire::double(to, 4, sample.value.parse().unwrap_or(f64::NAN)),
            }
            attributes(to, 7, &sample.labels);
        });
    }
}

fn histograms(to: &mut Vec<u8>, samples: &[Sample<'_>], times: MetricTimes) {
    let mut points: Vec<HistogramPoint<'_>> = Vec::new();
    for sample in samples {
        let (bound, labels): (Vec<_>, Vec<_>) = sample.labels.iter().cloned().partition(|label| label.name == "le");
        if points.last().is_none_or(|point| point.labels != labels) {
            points.push(HistogramPoint { labels, ..HistogramPoint::default() });
        }
        let Some(point) = points.last_mut() else { continue };
        point.add(sample, bound.first());
    }
    for point in &points {
        wire::message(to, 1, |to| point.write(to, times));
    }
}

impl HistogramPoint<'_> {
    fn add(&mut self, sample: &Sample<'_>, bound: Option<&Label<'_>>) {
        match bound {
            Some(bound) => {
                let bound = bound.value.parse().unwrap_or(f64::INFINITY);
                if bound.is_finite() {
                    self.bounds.push(bound);
                }
                self.cumulative.push(sample.value.parse().unwrap_or_default());
            }
            None if sample.name.ends_with("_sum") => self.sum = sample.value.parse().unwrap_or_default(),
            None => self.count = sample.value.parse().unwrap_or_default(),
        }
    }

    fn write(&self, to: &mut Vec<u8>, times: MetricTimes) {
        wire::fixed64(to, 2, times.start);
        wire::fixed64(to, 3, times.now);
        wire::fixed64(to, 4, self.count);
        wire::double(to, 5, self.sum);
        wire::message(to, 6, |to| {
            let mut before = 0;
            for count in &self.cumulative {
                to.extend_from_slice(&count.saturating_sub(before).to_le_bytes());
                before = *count;
            }
        });
        wire::message(to, 7, |to| {
            self.bounds.iter().for_each(|bound| to.extend_from_slice(&bound.to_bits().to_le_bytes()));
        });
        attributes(to, 9, &self.labels);
    }
}

fn attributes(to: &mut Vec<u8>, field: u32, labels: &[Label<'_>]) {
    let mut attributes = Attributes::new(to, field);
    for label in labels {
        let conventional = label.name.starts_with("gen_ai_") || label.name == "error_type";
        match conventional {
            true => attributes.text(&dotted(label.name), &label.value),
            false => attributes.text(label.name, &label.value),
        }
    }
}

/// A name with dots between its words, but within `gen_ai` and other words that are one.
fn dotted(name: &str) -> String {
    let mut dotted = String::with_capacity(name.len());
    let mut rest = name;
    while !rest.is_empty() {
        let compound = COMPOUNDS
            .iter()
            .find(|word| rest.strip_prefix(**word).is_some_and(|after| after.is_empty() || after.starts_with('_')));
        let length = compound.map_or_else(|| rest.find('_').unwrap_or(rest.len()), |word| word.len());
        let (word, after) = rest.split_at(length);
        dotted.push_str(word);
        rest = after.strip_prefix('_').unwrap_or(after);
        if !rest.is_empty() {
            dotted.push('.');
        }
    }
    dotted
}

/// The name of a metric in OTLP.
fn name(metric: &Described) -> String {
    let bare = metric.name.strip_suffix("_total").filter(|_| metric.kind == Kind::Counter).unwrap_or(metric.name);
    // The name without `_bytes` may be another metric's.
    let bare = bare.strip_suffix("_seconds").unwrap_or(bare);
    match bare.split_once('_') {
        _ if bare.starts_with("gen_ai_") => dotted(bare),
        Some((owner, rest)) => [owner, ".", rest].concat(),
        None => bare.to_owned(),
    }
}

/// The unit of a metric, as UCUM has it.
fn unit(metric: &Described) -> String {
    match metric.unit {
        "s" => "s".to_owned(),
        "bytes" => "By".to_owned(),
        "" => String::new(),
        "tokens" => "{token}".to_owned(),
        other => format!("{{{other}}}"),
    }
}

/// The family of a histogram's line.
fn stem(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// Reads `name{label="value",...} 12`; `None`: another line.
fn read_sample(line: &str) -> Option<Sample<'_>> {
    let (name, mut rest) = line.split_at(line.find(['{', ' '])?);
    if name.starts_with('#') {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while let Some((name, after)) = rest.split_once("=\"").filter(|_| !rest.starts_with('}')) {
            let (value, behind) = unquoted(after)?;
            labels.push(Label { name: name.trim_start_matches(','), value });
            rest = behind;
        }
        rest = rest.strip_prefix('}')?;
    }
    Some(Sample { name, labels, value: rest.split_whitespace().next()? })
}

/// A label's value up to its closing quote, its escapes undone, and what stands behind the quote.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::METRICS;

    #[test]
    fn a_collector_makes_prometheus_names_of_them_again() {
        for metric in METRICS {
            let mut again = name(metric).replace('.', "_");
            // What the collector's translator appends, by unit and kind.
            match unit(metric).as_str() {
                "s" if !again.ends_with("_seconds") => again.push_str("_seconds"),
                "By" if !again.ends_with("_bytes") => again.push_str("_bytes"),
                _ => {}
            }
            if metric.kind == Kind::Counter {
                again.push_str("_total");
            }
            assert_eq!(again, metric.name);
        }
    }

    #[test]
    fn names_are_those_of_the_conventions() {
        for (prometheus, name_) in [
            ("gen_ai_client_token_usage", "gen_ai.client.token.usage"),
            ("gen_ai_server_request_duration_seconds", "gen_ai.server.request.duration"),
            ("gen_ai_server_time_to_first_token_seconds", "gen_ai.server.time_to_first_token"),
            (
                "gen_ai_client_inference_usage_cache_read_input_tokens_total",
                "gen_ai.client.inference.usage.cache_read.input_tokens",
            ),
            (
                "gen_ai_client_inference_usage_reasoning_output_tokens_total",
                "gen_ai.client.inference.usage.reasoning.output_tokens",
            ),
            ("aquifer_requests_total", "aquifer.requests"),
        ] {
            assert_eq!(name(described(prometheus).unwrap()), name_);
        }
        assert_eq!(dotted("gen_ai_token_type"), "gen_ai.token.type");
        assert_eq!(dotted("error_type"), "error.type");
    }

    #[test]
    fn lines_are_read_with_their_escapes() {
        let sample = read_sample(r#"a{b="c\"d\\e\nf}",g=""} 1.5"#).unwrap();
        let labels: Vec<_> = sample.labels.iter().map(|label| (label.name, label.value.as_str())).collect();
        assert_eq!((sample.name, sample.value, labels), ("a", "1.5", vec![("b", "c\"d\\e\nf}"), ("g", "")]));
        assert_eq!(read_sample("a 1").unwrap().labels.len(), 0);
        for none in ["", "# EOF", "# HELP a b", "a{b=\"c", "a{b=\"c\"", "a{} "] {
            assert!(read_sample(none).is_none(), "{none}");
        }
    }
}
