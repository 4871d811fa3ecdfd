//! A backend to which a request may be sent, as one exchange sees it.

use super::candidates::road;
use crate::config::{Config, FieldPolicy, ReasoningPolicy};
use crate::health::BackendHealth;
use crate::mutation::Mutation;
use crate::route::Candidate;
use aquifer_translate::catalogue::{Catalogue, Encoder, Entry, encoder};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::translation::Road;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// One backend with the model id to call there, and what happened to this request at it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) backend: usize,
    pub(super) model_id: String,
    pub(super) policy: Arc<ReasoningPolicy>,
    pub(super) mutation: Arc<Mutation>,
    /// Which fields the operators let its clients use.
    pub(super) fields: FieldPolicy,
    pub(super) priority: u32,
    /// The calls that were made to it.
    pub(super) tries: u32,
    /// The request sent there is the probe that finds out whether the backend is well again; its outcome must be reported.
    pub(super) probing: bool,
    /// It was such a probe, whatever came of it.
    pub(super) probed: bool,
    /// This request does not come back to it: the backend would answer the same again.
    pub(super) excluded: bool,
    /// The catalogue's row for the model, once it was looked for.
    known: OnceLock<Cow<'static, Entry>>,
}

impl Target {
    pub(super) fn of(candidate: Candidate<'_>, config: &Config) -> Self {
        Self {
            backend: candidate.backend,
            model_id: candidate.model_id,
            policy: Arc::clone(candidate.reasoning),
            mutation: Arc::clone(candidate.mutation),
            fields: config.client_fields_at(candidate.rule, candidate.backend),
            priority: candidate.priority,
            tries: 0,
            probing: false,
            probed: false,
            excluded: false,
            known: OnceLock::new(),
        }
    }

    /// The road of requests of this dialect to it. A backend that is not served is never called.
    pub(super) fn road(&self, dialect: Dialect, config: &Config) -> Road {
        road(config, dialect, self.backend)
    }

    /// The path before `/chat/completions` there, when the backend speaks the client's dialect.
    pub(super) fn openai_prefix<'c>(&self, config: &'c Config) -> Option<&'c str> {
        config.backends.get(self.backend)?.kind.openai_prefix()
    }

    /// The catalogue's row for the model, or the operator's.
    pub(super) fn entry(&self, config: &Config) -> &Entry {
        match self.policy.entry(&self.model_id) {
            Some(own) => own,
            None => self.known(config),
        }
    }

    fn known(&self, config: &Config) -> &Entry {
        self.known.get_or_init(|| Catalogue::builtin().entry(self.declared(config)))
    }

    /// The id that tells the model: the one that the configuration declares for it, else its own.
    fn declared<'s>(&'s self, config: &'s Config) -> &'s str {
        let service = config.backends.get(self.backend).and_then(|backend| backend.kind.bedrock_service());
        let declared = service.and_then(|it| it.base_models.iter().find(|(id, _)| *id == self.model_id));
        declared.map_or(&self.model_id, |(_, base)| base)
    }

    /// The catalogue's row for the model as one that embeds or ranks.
    pub(super) fn encoder(&self, config: &Config) -> Option<&'static Encoder> {
        encoder(self.declared(config))
    }

    /// The mark of reasoning that is made there.
    pub(super) fn mark(&self, config: &Config) -> Mark {
        self.mark_of(self.entry(config), config)
    }

    /// The same, when it is known what the model is like.
    pub(super) fn mark_of(&self, entry: &Entry, config: &Config) -> Mark {
        let backend = config.backends.get(self.backend);
        let name = backend.map(|backend| [&backend.namespace, "/", &backend.name]);
        Mark::of_parts(entry.base_of(&self.model_id), name.as_ref().map_or(&[], |name| &name[..]))
    }

    pub(super) fn is_ejected(&self, health: &BackendHealth, now: Instant) -> bool {
        health.is_ejected_of(self.backend, &self.model_id, now)
    }
}
