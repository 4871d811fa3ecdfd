//! The cache of metric series: counters and histograms of exchanges that share all labels, found with one lookup.

use super::families::{Families, Labels, UsdCounter};
use super::time_per_token;
use aquifer_gateway::cost::CallCost;
use aquifer_gateway::record::{AttemptRecord, AttemptResult, Outcome, Record, Tokens};
use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};

/// The capacity of the cache, which is emptied when it is full.
const MOST: usize = 1024;

/// The labels of an exchange, which are the key of its series. Where nothing was called, no model is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
    pub(crate) model_id: &'a str,
    pub(crate) model: &'a str,
    pub(crate) backend: &'a str,
    pub(crate) route: &'a str,
    pub(crate) stop_reason: Option<&'static str>,
    pub(crate) operation: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) fault: Option<&'a str>,
    /// The proofs that the models, asked for and called, are no inventions of a client.
    pub(crate) proofs: [Proof; 2],
}

/// The evidence that a model id names a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    /// A client named it, and nothing answered.
    None,
    /// A backend answered to the id; some backends answer to any.
    Answered,
    /// The configuration or the catalogue has it.
    Known,
}

/// A key that outlives its record.
struct Kept {
    outcome: Outcome,
    status: u16,
    model_id: String,
    model: String,
    backend: String,
    route: String,
    stop_reason: Option<&'static str>,
    operation: &'static str,
    provider: &'static str,
    fault: Option<String>,
    proofs: [Proof; 2],
}

/// The cached series. Readers take no lock.
#[derive(Default)]
pub(crate) struct Known {
    seed: RandomState,
    series: ArcSwap<HashMap<u64, Arc<(Kept, Series)>>>,
}

/// The counters and histograms of exchanges that share all labels.
pub(crate) struct Series {
    requests: Counter,
    error: Option<Counter>,
    called: Option<Called>,
}

/// The part of exchanges that called something. What was never observed is not there: it would be shown with zeros.
struct Called {
    labels: Labels,
    told: Counter,
    stop: Option<Counter>,
    overhead: OnceLock<Histogram>,
    times: [OnceLock<Histogram>; TIMES],
    tokens: [OnceLock<Histogram>; 5],
    usage: [OnceLock<Counter>; 5],
    attempts: [OnceLock<Counter>; AttemptResult::ALL.len()],
    backend: String,
    operation: &'static str,
    /// The labels of what it costs, and the counters of its parts.
    priced: Labels,
    cost: [OnceLock<UsdCounter>; 4],
    /// The labels of durations.
    ended: Labels,
}

/// The histograms of times.
const TIMES: usize = 8;

impl<'a> Key<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        let routed = !record.backend.is_empty();
        let named = |name: &'a str| if routed { name } else { "" };
        let answered = record.outcome == Outcome::Answered || record.time_to_first_token().is_some();
        Self {
            outcome: record.outcome,
            status: record.status,
            model_id: named(&record.model_id),
            model: named(&record.model),
            backend: &record.backend,
            route: record.route.as_deref().unwrap_or_default(),
            stop_reason: record.stop_reason,
            operation: record.operation,
            provider: record.provider,
            fault: record.fault.as_deref(),
            proofs: record.known_models.map(|known| match (known, answered) {
                (true, _) => Proof::Known,
                (false, true) => Proof::Answered,
                (false, false) => Proof::None,
            }),
        }
    }

    fn keep(&self) -> Kept {
        Kept {
            outcome: self.outcome,
            status: self.status,
            model_id: self.model_id.to_owned(),
            model: self.model.to_owned(),
            backend: self.backend.to_owned(),
            route: self.route.to_owned(),
            stop_reason: self.stop_reason,
            operation: self.operation,
            provider: self.provider,
            fault: self.fault.map(str::to_owned),
            proofs: self.proofs,
        }
    }
}

impl Kept {
    fn key(&self) -> Key<'_> {
        Key {
            outcome: self.outcome,
            status: self.status,
            model_id: &self.model_id,
            model: &self.model,
            backend: &self.backend,
            route: &self.route,
            stop_reason: self.stop_reason,
            operation: self.operation,
            provider: self.provider,
            fault: self.fault.as_deref(),
            proofs: self.proofs,
        }
    }
}

impl Known {
    /// Counts by a key's series, if it is cached; returns whether it is.
    pub(crate) fn count(&self, key: Key<'_>, count: impl FnOnce(&Series)) -> bool {
        let known = self.series.load();
        match known.get(&self.seed.hash_one(key)) {
            Some(entry) if entry.0.key() == key => {
                count(&entry.1);
                true
            }
            _ => false,
        }
    }

    /// Forgets every series.
    #[cfg(test)]
    pub(crate) fn forget(&self) {
        self.series.store(Arc::default());
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.series.load().len()
    }

    /// Caches a key's series.
    pub(crate) fn remember(&self, key: Key<'_>, series: Series) {
        let (hash, entry) = (self.seed.hash_one(key), Arc::new((key.keep(), series)));
        self.series.rcu(|known| {
            let mut more = if known.len() < MOST { HashMap::clone(known) } else { HashMap::new() };
            more.insert(hash, Arc::clone(&entry));
            more
        });
    }
}

impl Series {
    /// The series of a key whose labels are bounded.
    pub(crate) fn new(families: &Families, bounded: Key<'_>) -> Self {
        let (id, backend) = (("model", bounded.model_id.to_owned()), ("backend", bounded.backend.to_owned()));
        let ended = [("outcome", bounded.outcome.word().to_owned()), ("status", bounded.status.to_string())];
        let requests = Labels(ended.into_iter().chain([id.clone(), backend.clone()]).collect());
        let error = bounded.fault.map(|fault| Labels(vec![("fault", fault.to_owned()), id, backend]));
        let called = !bounded.backend.is_empty();
        Self {
            requests: families.requests.get_or_create_owned(&requests),
            error: error.map(|labels| families.errors.get_or_create_owned(&labels)),
            called: called.then(|| Called::new(families, bounded)),
        }
    }

    /// Counts one exchange.
    pub(crate) fn count(&self, families: &Families, record: &Record) {
        self.requests.inc();
        if let Some(error) = &self.error {
            error.inc();
        }
        if let Some(called) = &self.called {
            called.count(families, record);
        }
    }
}

impl Called {
    fn new(families: &Families, bounded: Key<'_>) -> Self {
        let Key { outcome, model_id, model, backend, route, stop_reason, operation, provider, fault, .. } = bounded;
        let labels = Labels::one("gen_ai_operation_name", operation)
            .with("gen_ai_provider_name", provider)
            .with("gen_ai_original_model", model)
            .with("gen_ai_request_model", model_id)
            // Converse does not name the model that answered: it is the one that was called.
            .with("gen_ai_response_model", model_id);
        let ended = fault.map_or_else(|| labels.clone(), |fault| labels.with("error_type", fault));
        let stop = stop_reason.map(|reason| Labels::one("model", model_id).with("reason", reason));
        Self {
            told: families.told.get_or_create_owned(&Labels::one("outcome", outcome.word())),
            stop: stop.map(|labels| families.stops.get_or_create_owned(&labels)),
            overhead: OnceLock::new(),
            operation,
            times: Default::default(),
            tokens: Default::default(),
            usage: Default::default(),
            attempts: Default::default(),
            backend: backend.to_owned(),
            priced: Labels::one("model", model_id).with("backend", backend).with("route", route),
            cost: Default::default(),
            labels,
            ended,
        }
    }

    fn count(&self, families: &Families, record: &Record) {
        self.told.inc_by(record.told);
        if let Some(stop) = &self.stop {
            stop.inc();
        }
        if let Some(overhead) = record.overhead {
            let histogram = self.overhead.get_or_init(|| {
                families.overhead.get_or_create_owned(&Labels::one("gen_ai_operation_name", self.operation))
            });
            histogram.observe(overhead.as_secs_f64());
        }
        self.times(families, record);
        if let Some(tokens) = record.tokens.filter(|_| families.names().older) {
            self.tokens(families, tokens);
        }
        if families.names().newer {
            self.usage(families, record);
        }
        if let Some(attempt) = record.last_attempt() {
            self.attempt(families, attempt);
        }
    }

    fn times(&self, families: &Families, record: &Record) {
        let newer = families.names().newer;
        let first = record.time_to_first_token();
        let thought = record.reasoning_end.map(|_| record.thinking_time);
        let (labels, ended) = (&self.labels, &self.ended);
        let times = [
            (&families.duration, ended, Some(record.duration)),
            (&families.first_token, labels, first),
            (&families.first_reasoning, labels, record.time_to_first_reasoning),
            (&families.first_content, labels, record.time_to_first_content),
            (&families.reasoning, labels, thought),
            (&families.per_token, labels, time_per_token(record)),
            (&families.client_duration, ended, Some(record.duration).filter(|_| newer)),
            (&families.first_chunk, labels, first.filter(|_| newer && record.stream)),
        ];
        for ((family, labels, time), histogram) in times.into_iter().zip(&self.times) {
            if let Some(time) = time {
                let histogram = histogram.get_or_init(|| family.get_or_create_owned(labels));
                histogram.observe(time.as_secs_f64());
            }
        }
    }

    fn tokens(&self, families: &Families, tokens: Tokens) {
        let kinds = [
            // The whole prompt, as the conventions and other gateways count it.
            ("input", Some(tokens.prompt())),
            ("output", Some(tokens.output)),
            ("cached_input", Some(tokens.cache_read).filter(|count| *count > 0)),
            ("cache_creation_input", Some(tokens.cache_write).filter(|count| *count > 0)),
            ("reasoning", tokens.reasoning),
        ];
        for ((kind, count), histogram) in kinds.into_iter().zip(&self.tokens) {
            let Some(count) = count else { continue };
            let made = || families.tokens.get_or_create_owned(&self.labels.with("gen_ai_token_type", kind));
            #[expect(clippy::cast_precision_loss, reason = "a histogram of counts far below 2^52")]
            histogram.get_or_init(made).observe(count as f64);
        }
    }

    /// Counts the tokens of every call that reported them: what was tried again was paid for too.
    fn usage(&self, families: &Families, record: &Record) {
        let mut sums = [0_u64; 5];
        for Tokens { input, output, cache_read, cache_write, reasoning, .. } in
            record.attempts.iter().filter_map(|attempt| attempt.usage)
        {
            let prompt = input.saturating_add(cache_read).saturating_add(cache_write);
            let counts = [prompt, output, cache_read, cache_write, reasoning.unwrap_or(0)];
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(count);
            }
        }
        for ((family, counter), sum) in families.usage.iter().zip(&self.usage).zip(sums) {
            let made = counter
                .get_or_init(|| family.get_or_create_owned(&self.labels.with("gen_ai_token_modality", "unknown")));
            made.inc_by(sum);
        }
    }

    fn attempt(&self, families: &Families, attempt: &AttemptRecord) {
        let at = AttemptResult::ALL.iter().position(|result| *result == attempt.result);
        if let Some(counter) = at.and_then(|at| self.attempts.get(at)) {
            let made = counter.get_or_init(|| {
                let labels = Labels::one("backend", &self.backend).with("result", attempt.result.word());
                families.attempts.get_or_create_owned(&labels)
            });
            made.inc();
        }
        let CallCost::Known(cost) = attempt.cost else { return };
        for ((part, amount), counter) in cost.parts().into_iter().zip(&self.cost) {
            if amount > 0 {
                let made = counter.get_or_init(|| families.cost.get_or_create_owned(&self.priced.with("part", part)));
                made.inc_by(usd(amount));
            }
        }
    }
}

/// An amount of 10⁻¹² US dollars in dollars.
#[expect(clippy::cast_precision_loss, reason = "a counter of dollars: exact sums are in records")]
pub(crate) fn usd(amount: u64) -> f64 {
    amount as f64 / 1e12
}
