//! The cache of metric series: counters and histograms of exchanges that share all labels, found with one lookup.

use super::{Families, Labels, time_per_token};
use crate::access_log::outcome_word;
use aquifer_gateway::record::{Outcome, Record, Tokens};
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
    duration: Histogram,
    first_token: OnceLock<Histogram>,
    first_reasoning: OnceLock<Histogram>,
    per_token: OnceLock<Histogram>,
    tokens: [OnceLock<Histogram>; 5],
}

impl<'a> Key<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        let routed = !record.backend.is_empty();
        let named = |name: &'a str| if routed { name } else { "" };
        let answered = record.outcome == Outcome::Answered
            || record.time_to_first_token.is_some()
            || record.time_to_first_reasoning.is_some();
        Self {
            outcome: record.outcome,
            status: record.status,
            model_id: named(&record.model_id),
            model: named(&record.model),
            backend: &record.backend,
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
        let Key { outcome, status, model_id, model, backend, operation, provider, fault, proofs: _ } = bounded;
        let (id, backend) = (("model", model_id.to_owned()), ("backend", backend.to_owned()));
        let ended = [("outcome", outcome_word(outcome).to_owned()), ("status", status.to_string())];
        let requests = Labels(ended.into_iter().chain([id.clone(), backend.clone()]).collect());
        let error = fault.map(|fault| Labels(vec![("fault", fault.to_owned()), id, backend]));
        let called = !bounded.backend.is_empty();
        let labels = Labels(vec![
            ("gen_ai_operation_name", operation.to_owned()),
            ("gen_ai_provider_name", provider.to_owned()),
            ("gen_ai_original_model", model.to_owned()),
            ("gen_ai_request_model", model_id.to_owned()),
        ]);
        Self {
            requests: families.requests.get_or_create_owned(&requests),
            error: error.map(|labels| families.errors.get_or_create_owned(&labels)),
            called: called.then(|| Called::new(families, labels, outcome, fault)),
        }
    }

    /// Counts one exchange.
    pub(crate) fn count(&self, families: &Families, record: &Record) {
        self.requests.inc();
        if let Some(error) = &self.error {
            error.inc();
        }
        if let Some(called) = &self.called {
            called.told.inc_by(record.told);
            called.times(families, record);
            if let Some(tokens) = record.tokens {
                called.tokens(families, tokens);
            }
        }
    }
}

impl Called {
    fn new(families: &Families, labels: Labels, outcome: Outcome, fault: Option<&str>) -> Self {
        let ended = match fault {
            Some(fault) => labels.with("error_type", fault),
            None => labels.clone(),
        };
        let told = Labels(vec![("outcome", outcome_word(outcome).to_owned())]);
        Self {
            labels,
            told: families.told.get_or_create_owned(&told),
            duration: families.duration.get_or_create_owned(&ended),
            first_token: OnceLock::new(),
            first_reasoning: OnceLock::new(),
            per_token: OnceLock::new(),
            tokens: Default::default(),
        }
    }

    fn times(&self, families: &Families, record: &Record) {
        self.duration.observe(record.duration.as_secs_f64());
        let times = [
            (&self.first_token, &families.first_token, record.time_to_first_token),
            (&self.first_reasoning, &families.first_reasoning, record.time_to_first_reasoning),
            (&self.per_token, &families.per_token, time_per_token(record)),
        ];
        for (histogram, family, time) in times {
            if let Some(time) = time {
                let histogram = histogram.get_or_init(|| family.get_or_create_owned(&self.labels));
                histogram.observe(time.as_secs_f64());
            }
        }
    }

    fn tokens(&self, families: &Families, tokens: Tokens) {
        let kinds = [
            ("input", Some(tokens.input)),
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
}
