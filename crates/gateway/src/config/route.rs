//! A route: its rules, what requests they match, and the backends that they lead to.

use crate::config::{FieldPolicy, ReasoningPolicy, Traffic};
use crate::key_ring::KeyRing;
use crate::mutation::Mutation;
use crate::request_cost::RouteCost;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The header that stands for the model that the body names.
pub const MODEL_HEADER: &str = "x-ai-eg-model";

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
    /// `llmRequestCosts`: what its requests cost, by counts of tokens.
    pub costs: Arc<[RouteCost]>,
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
    /// The backends that it leads to.
    pub backends: Vec<BackendRef>,
    /// `timeouts.request`: the whole exchange. `None`: no limit.
    pub request_timeout: Option<Duration>,
    /// `timeouts.backendRequest`: one call. `None`: no limit.
    pub call_timeout: Option<Duration>,
    /// `streamIdleTimeout`.
    pub stream_idle_timeout: Option<Duration>,
    /// Retries, outlier detection and limits of its calls.
    pub traffic: Arc<Traffic>,
    /// The permissions of its clients to use fields of Bedrock's own.
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
    /// The condition on the header's value.
    pub value: HeaderValueMatch,
}

/// A condition on the value of a header. It is never printed: a header can carry a caller's key.
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
    /// Index into [`Config::backends`](super::Config::backends).
    pub backend: usize,
    /// The model id to call instead of the one asked for.
    pub model_name_override: Option<String>,
    /// Its share among the rule's targets of one priority.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// The reasoning policy there: the rule's, the route's and the backend's, merged.
    pub reasoning: Arc<ReasoningPolicy>,
    /// The changes of headers and bodies of calls there: the reference's over the backend's.
    pub mutation: Arc<Mutation>,
}
