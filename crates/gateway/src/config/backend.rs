//! A backend: the service that is called, the API that it speaks, and the credentials for it.

use crate::config::ReasoningPolicy;
use crate::mutation::Mutation;
use crate::secret::Secret;
use aquifer_translate::bedrock::Api;
use aquifer_translate::dialect::Dialect;
use aquifer_translate::translation::UpstreamApi;
use std::sync::Arc;

/// One place that answers requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// `metadata.namespace`, or `default`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// The service that is called and the API that it speaks.
    pub kind: BackendKind,
    /// The reasoning policy of requests that no route sends here.
    pub reasoning: Arc<ReasoningPolicy>,
    /// The changes of headers and bodies of calls that no route sends.
    pub mutation: Arc<Mutation>,
}

impl Backend {
    /// One without a policy, in the namespace `default`.
    #[must_use]
    pub fn new(name: &str, kind: BackendKind) -> Self {
        let (namespace, name) = ("default".to_owned(), name.to_owned());
        Self { namespace, name, kind, reasoning: Arc::default(), mutation: Arc::default() }
    }

    /// Whether both are one backend called in one way: the same name, service and API, whatever the policies.
    #[must_use]
    pub fn is_called_like(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.name == other.name && self.kind == other.kind
    }
}

/// The service behind a backend and the API that it speaks, or the reason why it is not called.
#[derive(Clone, Debug, PartialEq)]
pub enum BackendKind {
    /// Called.
    Served {
        /// The place, and the connection to it.
        service: Box<Service>,
        /// The API that is spoken there.
        api: BackendApi,
    },
    /// Accepted in the configuration and not served.
    NotServed {
        /// The schema's name, for example `OpenAI`.
        schema: String,
        /// The reason, for the person who sends a request to it.
        why: String,
    },
}

/// The API that a served backend speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendApi {
    /// One of Bedrock's own; `None`: the one that suits the client and the model.
    Bedrock(Option<Api>),
    /// OpenAI's Chat Completions, the dialect of clients: their requests are relayed as they come. Bedrock serves it
    /// too.
    OpenAiChat {
        /// The path before `/chat/completions`.
        prefix: String,
    },
}

impl BackendApi {
    /// The same API, as the table of roads between clients and backends names it.
    #[must_use]
    pub fn upstream(&self) -> UpstreamApi {
        match self {
            Self::Bedrock(api) => UpstreamApi::Bedrock(*api),
            Self::OpenAiChat { .. } => UpstreamApi::Dialect(Dialect::OpenAiChat),
        }
    }
}

impl BackendKind {
    /// A service that speaks Bedrock's APIs.
    #[must_use]
    pub fn bedrock(service: Service) -> Self {
        Self::Served { service: Box::new(service), api: BackendApi::Bedrock(None) }
    }

    /// A service that speaks OpenAI's Chat Completions under this path.
    #[must_use]
    pub fn openai_chat(prefix: &str, service: Service) -> Self {
        Self::Served { service: Box::new(service), api: BackendApi::OpenAiChat { prefix: prefix.to_owned() } }
    }

    /// The service to call; `None` when it is not served.
    #[must_use]
    pub fn service(&self) -> Option<&Service> {
        match self {
            Self::Served { service, .. } => Some(service),
            Self::NotServed { .. } => None,
        }
    }

    /// The API that is spoken there; `None` when it is not served.
    #[must_use]
    pub fn api(&self) -> Option<&BackendApi> {
        match self {
            Self::Served { api, .. } => Some(api),
            Self::NotServed { .. } => None,
        }
    }

    /// The service, when it speaks an API of Bedrock's own.
    #[must_use]
    pub fn bedrock_service(&self) -> Option<&Service> {
        match self {
            Self::Served { service, api: BackendApi::Bedrock(_) } => Some(service),
            Self::Served { api: BackendApi::OpenAiChat { .. }, .. } | Self::NotServed { .. } => None,
        }
    }

    /// The same, to be changed.
    #[must_use]
    pub fn bedrock_service_mut(&mut self) -> Option<&mut Service> {
        match self {
            Self::Served { service, api: BackendApi::Bedrock(_) } => Some(service),
            Self::Served { api: BackendApi::OpenAiChat { .. }, .. } | Self::NotServed { .. } => None,
        }
    }

    /// The path before `/chat/completions`, when OpenAI's Chat Completions are spoken there.
    #[must_use]
    pub fn openai_prefix(&self) -> Option<&str> {
        match self {
            Self::Served { api: BackendApi::OpenAiChat { prefix }, .. } => Some(prefix),
            Self::Served { api: BackendApi::Bedrock(_), .. } | Self::NotServed { .. } => None,
        }
    }
}

/// A service that is called: its place, the connection to it and the credentials for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// The region that signs the call, and that names the endpoint when none is given. `None`: what the AWS
    /// profile says, else [`DEFAULT_REGION`](super::DEFAULT_REGION).
    pub region: Option<String>,
    /// Scheme, host and port to call instead of the region's own.
    pub endpoint: Option<url::Url>,
    /// The host name that the certificate must have, when it is not the endpoint's.
    pub tls_hostname: Option<String>,
    /// Certificates to trust instead of the system's, PEM.
    pub tls_ca_pem: Option<String>,
    /// The credentials of its calls.
    pub credentials: Credentials,
    /// The way in which calls are authorised with AWS credentials; `None`: the command line's.
    pub auth: Option<BedrockAuth>,
    /// The model ids served without a route, for the short form; empty: none.
    pub models: Vec<String>,
    /// HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// The foundation model behind a model id or ARN, where the operator declares it: pairs of the id and the base
    /// model's id.
    pub base_models: Vec<(String, String)>,
}

/// The way in which a call is authorised with AWS credentials.
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

/// The source of a call's credentials.
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
        /// The reason for which calls to this backend fail.
        why: String,
    },
}

impl Default for Service {
    /// Bedrock of the AWS profile's region, with AWS's default credentials, serving no model by itself.
    fn default() -> Self {
        Self {
            region: None,
            endpoint: None,
            tls_hostname: None,
            tls_ca_pem: None,
            credentials: Credentials::Default,
            auth: None,
            models: Vec::new(),
            http2: false,
            base_models: Vec::new(),
        }
    }
}
