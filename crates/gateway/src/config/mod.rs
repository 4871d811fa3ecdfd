//! The configuration, checked and ready: no illegal value can be expressed.

mod access_log;
mod backend;
mod build;
mod check;
mod key_index;
mod listener;
mod load;
mod model_index;
mod reasoning;
mod redacted;
mod resource;
#[expect(dead_code, reason = "parts of resources that are checked and shown, and not used")]
mod resources;
mod route;
mod routes;
mod text;
mod traffic;

pub use access_log::{AccessLog, LOG_FIELDS, LogFilter, LogPiece};
pub use aquifer_translate::catalogue::ForcedTool;
pub use backend::{Backend, BackendApi, BackendKind, BedrockAuth, Credentials, Service};
pub use build::client_fields::{FieldPolicies, FieldPolicy};
pub use check::forms::duration;
pub use listener::{Listener, ServerTls};
pub use load::{Source, load};
pub use model_index::ModelIndex;
pub use reasoning::{BindingMismatch, Expose, Observe, ReasoningPolicy, RestorePolicy};
pub use resources::{json_schema, kinds};
pub use route::{BackendRef, HeaderMatch, HeaderValueMatch, MODEL_HEADER, Match, Parent, Route, Rule};
pub use routes::Routes;
pub(crate) use routes::RulePosition;
pub use text::mistake::{ConfigError, Notice, Severity};
pub use text::yaml::MAX_BYTES;
pub use traffic::{Circuit, Outliers, Retry, Traffic};

use crate::key_ring::KeyRing;
use aquifer_translate::dialect::openai_responses::seal_keys::SealKeys;
use aquifer_translate::limits::Limits;
use std::sync::Arc;

/// The region of last resort: for a backend without one, when AWS's own configuration names none either.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Everything a gateway needs to know to serve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The addresses at which clients are served, from the `Gateway` resources; those of the command line take their
    /// place.
    pub listeners: Vec<Listener>,
    /// The log level of the ConfigMap `ai-gateway-config`.
    pub log_level: Option<LogLevel>,
    /// The conventions by which metrics are named, of the same ConfigMap.
    pub conventions: Option<MetricConventions>,
    /// The access log, of the same ConfigMap.
    pub access_log: AccessLog,
    /// The ConfigMap `ai-gateway-config` says in words that having no backend is meant.
    pub no_backends: bool,
    /// The backends, in the order of the files.
    pub backends: Vec<Backend>,
    /// The routes from requests to backends, in the order of the files.
    pub routes: Routes,
    /// Retries, outlier detection and limits of calls that no rule sends.
    pub traffic: Arc<Traffic>,
    /// The keys of the keys file, for listeners and routes without a `SecurityPolicy`. `None`: no key is asked for
    /// there.
    pub keys: Option<Arc<KeyRing>>,
    /// The keys that seal the reasoning of Responses. `None`: none is sealed, and what comes back sealed is left out.
    pub seal_keys: Option<Arc<SealKeys>>,
    /// The permissions of clients to use fields of Bedrock's own, but for those of rules.
    pub client_fields: FieldPolicies,
    /// The limits of the size of clients' requests, from the command line.
    pub limits: Limits,
    /// The answer to a client when a backend refuses the gateway's credentials, from the command line.
    pub access_denied: AccessDenied,
    /// Notices about a configuration that is valid: kinds skipped, fields ignored, references that dangle.
    pub notices: Vec<Notice>,
    /// The resources that it was built from, as YAML with every secret masked; empty where there were none.
    pub redacted: Arc<str>,
    /// The index over the models that are named above, made at the first look-up.
    pub model_index: ModelIndex,
}

impl Config {
    /// Whether this configuration may take the place of `before` while a gateway serves: a file that is empty for a
    /// moment, or cut, must not take away every backend.
    ///
    /// # Errors
    /// The reason against it, for the operator.
    pub fn may_replace(&self, before: &Self) -> Result<(), String> {
        if self.no_backends || self.serves_anything() || !before.serves_anything() {
            return Ok(());
        }
        Err("it has no backend that can be served, and the one before had some; if that is meant, say `no_backends: \
             \"true\"` in the ConfigMap ai-gateway-config"
            .to_owned())
    }
}

impl Config {
    /// How much its policies let operators observe, each once or more.
    pub fn observed(&self) -> impl Iterator<Item = Observe> + '_ {
        let rules = self.routes.iter().flat_map(|route| &route.rules);
        let of_rules = rules.flat_map(|rule| &rule.backends).map(|backend| backend.reasoning.observe);
        self.backends.iter().map(|backend| backend.reasoning.observe).chain(of_rules)
    }
}

/// The answer to a client for a backend's 401 or 403, which are about the gateway's own credentials and not about the
/// client's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessDenied {
    /// As 502 `upstream_access_denied` to a client that showed an API key of the gateway, and to others as it came:
    /// they
    /// may be the gateway's own operator.
    #[default]
    Auto,
    /// As it came.
    Pass,
    /// As 502 `upstream_access_denied`.
    BadGateway,
}

/// OpenTelemetry's conventions for generative models by which metrics are named, where versions differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum MetricConventions {
    /// v1.41, which existing dashboards have.
    #[default]
    V141,
    /// v0.1 of the conventions' own repository.
    V01,
    /// Both beside each other.
    Both,
}

/// The level of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And one line for each exchange.
    Info,
    /// And the progress of each stream, without its text.
    Debug,
    /// And the content: for a developer's own machine only.
    Trace,
}

impl LogLevel {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
