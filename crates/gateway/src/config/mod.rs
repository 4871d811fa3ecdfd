//! The configuration, checked and ready: no illegal value can be expressed.

mod build;
mod check;
mod load;
mod reasoning;
mod resource;
mod text;
mod traffic;

pub use aquifer_translate::catalogue::ForcedTool;
pub use build::client_fields::{FieldPolicies, FieldPolicy};
pub use check::shape::duration;
pub use load::{Source, load};
pub use reasoning::{BindingMismatch, Expose, ReasoningPolicy, RestorePolicy};
pub use text::mistake::{ConfigError, Notice, Severity};
pub use text::yaml::MAX_BYTES;
pub use traffic::{Circuit, Outliers, Retry, Traffic};

use crate::key_ring::KeyRing;
use crate::mutation::Mutation;
use crate::secret::Secret;
use aquifer_translate::bedrock::Api;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::limits::Limits;
use aquifer_translate::translation::UpstreamApi;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The region of last resort: for a backend without one, when AWS's own configuration names none either.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Everything a gateway needs to know to serve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Where clients are served, as the `Gateway` resources say; the command line wins.
    pub listeners: Vec<Listener>,
    /// What the ConfigMap `ai-gateway-config` says of the log.
    pub log_level: Option<LogLevel>,
    /// The ConfigMap `ai-gateway-config` says in words that having no backend is meant.
    pub no_backends: bool,
    /// Where requests can be sent, in the order of the files.
    pub backends: Vec<Backend>,
    /// Which request goes where, in the order of the files.
    pub routes: Vec<Route>,
    /// What holds for calls that no rule sends.
    pub traffic: Arc<Traffic>,
    /// The keys of the keys file, for listeners and routes without a `SecurityPolicy`. `None`: no key is asked for there.
    pub keys: Option<Arc<KeyRing>>,
    /// Which fields clients may use, but for what rules say.
    pub client_fields: FieldPolicies,
    /// How much of everything a client's request may hold; the command line says it.
    pub limits: Limits,
    /// How a client is told that a backend refused the gateway's credentials; the command line says it.
    pub access_denied: AccessDenied,
    /// What the reader should know, although nothing is wrong: kinds skipped, old fields ignored, references that dangle.
    pub notices: Vec<Notice>,
}

impl Config {
    /// Whether this configuration may take the place of `before` while a gateway serves: a file that is empty for a
    /// moment, or cut, must not take away every backend.
    ///
    /// # Errors
    /// Why not, in words for the operator.
    pub fn may_replace(&self, before: &Self) -> Result<(), String> {
        if self.no_backends || self.serves_anything() || !before.serves_anything() {
            return Ok(());
        }
        Err("it has no backend that can be served, and the one before had some; if that is meant, say `no_backends: \
             \"true\"` in the ConfigMap ai-gateway-config"
            .to_owned())
    }
}

/// How a client is told of a backend's 401 or 403: they are about the gateway's own credentials, not about the client's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessDenied {
    /// As 502 `upstream_access_denied` to a client that showed an API key of the gateway, and to others as it came: they
    /// may be the gateway's own operator.
    #[default]
    Auto,
    /// As it came.
    Pass,
    /// As 502 `upstream_access_denied`.
    BadGateway,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The namespace of its `Gateway`.
    pub namespace: String,
    /// The name of its `Gateway`.
    pub gateway: String,
    /// Its name in the `Gateway`.
    pub name: String,
    /// The port.
    pub port: u16,
    /// The hostname served there, if it is limited to one.
    pub hostname: Option<String>,
    /// The certificate and key, when the listener speaks TLS.
    pub tls: Option<ServerTls>,
    /// The keys that clients need there, as a `SecurityPolicy` says. `None`: those of [`Config::keys`].
    pub keys: Option<Arc<KeyRing>>,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerTls {
    /// The chain, leaf first.
    pub certificate_pem: String,
    /// The private key.
    pub key_pem: Secret,
}

impl Eq for ServerTls {}

/// How much is logged.
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

/// One place that answers requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// `metadata.namespace`, or `default`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// What it is.
    pub kind: BackendKind,
    /// What holds for reasoning when no route sends a request here.
    pub reasoning: Arc<ReasoningPolicy>,
    /// What is changed of its calls when no route sends them.
    pub mutation: Arc<Mutation>,
}

impl Backend {
    /// One without a policy, in the namespace `default`.
    #[must_use]
    pub fn new(name: &str, kind: BackendKind) -> Self {
        let (namespace, name) = ("default".to_owned(), name.to_owned());
        Self { namespace, name, kind, reasoning: Arc::default(), mutation: Arc::default() }
    }

    /// Whether both are the same place, called in the same way, whatever is asked there.
    #[must_use]
    pub fn is_called_like(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.name == other.name && self.kind == other.kind
    }
}

/// What a backend speaks.
#[derive(Clone, Debug, PartialEq)]
pub enum BackendKind {
    /// Bedrock's Converse.
    Bedrock(Box<Bedrock>),
    /// OpenAI's Chat Completions, which is what clients speak: their words go on as they come.
    OpenAi(Box<OpenAi>),
    /// Accepted in the configuration and not served.
    NotServed {
        /// The schema's name, for example `OpenAI`.
        schema: String,
        /// Why, for the person who sends a request to it.
        why: String,
    },
}

impl BackendKind {
    /// What it speaks; `None` when it is not served.
    #[must_use]
    pub fn spoken(&self) -> Option<UpstreamApi> {
        match self {
            Self::Bedrock(_) => Some(UpstreamApi::Bedrock(Api::Converse)),
            Self::OpenAi(_) => Some(UpstreamApi::Dialect(Dialect::OpenAiChat)),
            Self::NotServed { .. } => None,
        }
    }

    /// How it is called; `None` when it is not served.
    #[must_use]
    pub fn service(&self) -> Option<&Bedrock> {
        match self {
            Self::Bedrock(bedrock) => Some(bedrock),
            Self::OpenAi(openai) => Some(&openai.service),
            Self::NotServed { .. } => None,
        }
    }

    /// Whether Bedrock's own API is spoken there.
    #[must_use]
    pub fn is_bedrock(&self) -> bool {
        matches!(self, Self::Bedrock(_))
    }
}

/// A service that speaks OpenAI's Chat Completions.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAi {
    /// What stands before `/chat/completions` in its path.
    pub prefix: String,
    /// Where it is and who calls: Bedrock serves this dialect too, and is called in the same way.
    pub service: Bedrock,
}

/// How to call one Bedrock.
#[derive(Clone, Debug, PartialEq)]
pub struct Bedrock {
    /// The region that signs the call, and that names the endpoint when none is given. `None`: what the AWS
    /// profile says, else [`DEFAULT_REGION`].
    pub region: Option<String>,
    /// Scheme, host and port to call instead of the region's own.
    pub endpoint: Option<url::Url>,
    /// The host name that the certificate must have, when it is not the endpoint's.
    pub tls_hostname: Option<String>,
    /// Certificates to trust instead of the system's, PEM.
    pub tls_ca_pem: Option<String>,
    /// Who calls.
    pub credentials: Credentials,
    /// How calls are authorised with AWS credentials; `None`: as the command line says.
    pub auth: Option<BedrockAuth>,
    /// The model ids served without a route, for the short form; empty: none.
    pub models: Vec<String>,
    /// HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// What the operator knows of a model better than the catalogue: model id (or ARN) to base model id.
    pub base_models: Vec<(String, String)>,
}

/// How a call is authorised with AWS credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BedrockAuth {
    /// Signature Version 4, for which the body is hashed.
    #[default]
    SigV4,
    /// A short-term Bedrock API key that is derived from the credentials. They need the right
    /// `bedrock:CallWithBearerToken`.
    Bearer,
    /// The same, until AWS denies that right; from then on signed.
    Auto,
}

impl BedrockAuth {
    /// By its name in the configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sigv4" => Some(Self::SigV4),
            "bearer" => Some(Self::Bearer),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }
}

/// Where a call's credentials come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// AWS's default chain, or `AWS_BEARER_TOKEN_BEDROCK`.
    Default,
    /// A shared credentials file, given as text.
    File {
        /// INI text.
        text: Secret,
        /// The profile in it.
        profile: String,
    },
    /// An API key, sent as a bearer token.
    ApiKey(Secret),
    /// Nobody: calls go without authorization.
    Nobody,
    /// Credentials that the configuration names and that cannot be had: `oidcExchangeToken`, a missing `Secret`.
    NotServed {
        /// Why calls to this backend fail.
        why: String,
    },
}

/// One `AIGatewayRoute`.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `metadata.namespace`, or `default`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// The listeners at which it is served; empty: all.
    pub parents: Vec<Parent>,
    /// Hostnames it is limited to; empty: any.
    pub hostnames: Vec<String>,
    /// Tried in order; the first that matches decides.
    pub rules: Vec<Rule>,
    /// The keys that clients need for it, as a `SecurityPolicy` says. `None`: those of its listener.
    pub keys: Option<Arc<KeyRing>>,
}

/// One of a route's `parentRefs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The namespace of the `Gateway`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `sectionName`: the one listener.
    pub listener: Option<String>,
    /// The one port.
    pub port: Option<u16>,
}

/// One rule of a route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Its name, when it has one.
    pub name: Option<String>,
    /// Any of these must match; empty: everything matches.
    pub matches: Vec<Match>,
    /// Where to.
    pub backends: Vec<BackendRef>,
    /// `timeouts.request`: the whole exchange. `None`: no limit.
    pub request_timeout: Option<Duration>,
    /// `timeouts.backendRequest`: one call. `None`: no limit.
    pub call_timeout: Option<Duration>,
    /// `streamIdleTimeout`.
    pub stream_idle_timeout: Option<Duration>,
    /// How its requests are tried.
    pub traffic: Arc<Traffic>,
    /// Which fields its clients may use.
    pub client_fields: FieldPolicy,
    /// `modelsOwnedBy`.
    pub models_owned_by: Option<String>,
    /// `modelsCreatedAt`, in seconds since the epoch.
    pub models_created_at: Option<u64>,
}

/// All of these headers must match.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The conditions.
    pub headers: Vec<HeaderMatch>,
}

/// One condition on one header; `x-ai-eg-model` stands for the body's `model`.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// The header's name, in lower case.
    pub name: String,
    /// What its value must be.
    pub value: HeaderValueMatch,
}

/// What a header's value must be. It is never printed: a header can carry a caller's key.
#[derive(Clone)]
pub enum HeaderValueMatch {
    /// Exactly this.
    Exact(String),
    /// The whole of it matches.
    Regex(regex::Regex),
}

impl fmt::Debug for HeaderValueMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact(_) => "Exact(***)",
            Self::Regex(_) => "Regex(***)",
        })
    }
}

impl PartialEq for HeaderMatch {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.value, &other.value) {
                (HeaderValueMatch::Exact(a), HeaderValueMatch::Exact(b)) => a == b,
                (HeaderValueMatch::Regex(a), HeaderValueMatch::Regex(b)) => a.as_str() == b.as_str(),
                (HeaderValueMatch::Exact(_), HeaderValueMatch::Regex(_))
                | (HeaderValueMatch::Regex(_), HeaderValueMatch::Exact(_)) => false,
            }
    }
}

/// One target of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendRef {
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// The model id to call instead of the one asked for.
    pub model_name_override: Option<String>,
    /// Its share among the rule's targets of one priority.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// What holds for reasoning there: the rule's, the route's and the backend's policies, merged.
    pub reasoning: Arc<ReasoningPolicy>,
    /// What is changed of calls there: the reference's changes over the backend's.
    pub mutation: Arc<Mutation>,
}
