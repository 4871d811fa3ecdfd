//! Permissions of clients to use fields of Bedrock's own, and the model's name in answers: from `RequestPolicy`
//! resources and from `clientFields` of the short form.

use crate::config::build::policies::{Target, target};
use crate::config::resource::{Kind, Resource, Set};
use crate::config::resources::request_policy::{ClientFields as ClientFieldsResource, Permission, ReportedModel};
use crate::config::text::mistake::Report;
use crate::config::{Config, Rule};
use crate::translate::limits::ClientFields;
use std::collections::HashMap;

/// The permissions of an operator for fields that clients may use. `None`: the operator says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldPolicy {
    /// `additionalModelRequestFields`
    pub additional_model_request_fields: Option<bool>,
    /// `guardrailConfig`
    pub guardrail_config: Option<bool>,
    /// `service_tier`
    pub service_tier: Option<bool>,
    /// `performanceConfig`
    pub performance_config: Option<bool>,
    /// `s3://` addresses
    pub s3_uris: Option<bool>,
    /// `reportModel`: whether answers name the model by the backend's id instead of the client's.
    pub report_upstream_model: Option<bool>,
}

/// The permissions everywhere, and at each backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPolicies {
    /// Everywhere: what the command line says.
    pub everywhere: FieldPolicy,
    /// At each of [`Config::backends`], in their order; nothing where the list ends.
    pub backends: Vec<FieldPolicy>,
}

impl FieldPolicy {
    /// Both: what either of them denies is denied.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |one: Option<bool>, other: Option<bool>| match (one, other) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
        Self {
            additional_model_request_fields: both(
                self.additional_model_request_fields,
                other.additional_model_request_fields,
            ),
            guardrail_config: both(self.guardrail_config, other.guardrail_config),
            service_tier: both(self.service_tier, other.service_tier),
            performance_config: both(self.performance_config, other.performance_config),
            s3_uris: both(self.s3_uris, other.s3_uris),
            // No denial: the nearest word holds.
            report_upstream_model: self.report_upstream_model.or(other.report_upstream_model),
        }
    }

    /// The permissions that apply, with `usual` where the operator says nothing.
    #[must_use]
    pub fn decided(self, usual: ClientFields) -> ClientFields {
        ClientFields {
            additional_model_request_fields: self
                .additional_model_request_fields
                .unwrap_or(usual.additional_model_request_fields),
            guardrail_config: self.guardrail_config.unwrap_or(usual.guardrail_config),
            service_tier: self.service_tier.unwrap_or(usual.service_tier),
            performance_config: self.performance_config.unwrap_or(usual.performance_config),
            s3_uris: self.s3_uris.unwrap_or(usual.s3_uris),
        }
    }

    /// From `clientFields` and `reportModel` of a resource.
    fn of(fields: Option<&ClientFieldsResource>, reported: Option<ReportedModel>) -> Self {
        let allowed = |permission: Option<Permission>| permission.map(|permission| permission == Permission::Allow);
        Self {
            additional_model_request_fields: fields.and_then(|it| allowed(it.additional_model_request_fields)),
            guardrail_config: fields.and_then(|it| allowed(it.guardrail_config)),
            service_tier: fields.and_then(|it| allowed(it.service_tier)),
            performance_config: fields.and_then(|it| allowed(it.performance_config)),
            s3_uris: fields.and_then(|it| allowed(it.s3_uris)),
            report_upstream_model: reported.map(|reported| reported == ReportedModel::Upstream),
        }
    }
}

impl Config {
    /// The fields that clients may use in a request that this rule, if any, sends to this backend.
    #[must_use]
    pub fn client_fields_at(&self, rule: Option<&Rule>, backend: usize) -> FieldPolicy {
        let FieldPolicies { everywhere, backends } = &self.client_fields;
        let at_rule = rule.map(|rule| rule.client_fields).unwrap_or_default();
        everywhere.and(at_rule).and(backends.get(backend).copied().unwrap_or_default())
    }
}

/// The policies of the files, by what they are attached to.
pub(in crate::config) struct RequestPolicies {
    words: HashMap<Target, FieldPolicy>,
}

impl RequestPolicies {
    /// Reads them all: of several at one target each one's denials hold.
    pub(in crate::config) fn read(set: Set<'_>, report: &mut Report) -> Self {
        let mut words: HashMap<Target, FieldPolicy> = HashMap::new();
        for document in set.of(Kind::ServiceBackend) {
            if let Resource::ShortBackend(short) = &document.resource {
                let config = &short.spec.config;
                let at = (Kind::ServiceBackend, document.namespace.clone(), document.name.clone(), None);
                words.insert(at, FieldPolicy::of(config.client_fields.as_ref(), config.report_model));
            }
        }
        for document in set.of(Kind::RequestPolicy) {
            let Resource::RequestPolicy(policy) = &document.resource else { continue };
            let spec = &policy.spec;
            let word = FieldPolicy::of(Some(&spec.client_fields), spec.report_model);
            for (index, node) in document.root.items_at("spec.targetRefs").iter().enumerate() {
                let path = format!("spec.targetRefs[{index}]");
                if let Some(at) = target(set, document, node, &path, report) {
                    let known = words.entry(at).or_default();
                    *known = known.and(word);
                }
            }
        }
        Self { words }
    }

    /// The permissions at a backend.
    pub(in crate::config) fn of_backend(&self, namespace: &str, name: &str) -> FieldPolicy {
        self.word(Kind::ServiceBackend, namespace, name, None)
    }

    /// The permissions at a rule of a route, joined with the route's.
    pub(in crate::config) fn of_rule(&self, namespace: &str, route: &str, rule: Option<&str>) -> FieldPolicy {
        let at_route = self.word(Kind::GatewayRoute, namespace, route, None);
        rule.map_or(at_route, |rule| self.word(Kind::GatewayRoute, namespace, route, Some(rule)).and(at_route))
    }

    fn word(&self, kind: Kind, namespace: &str, name: &str, section: Option<&str>) -> FieldPolicy {
        let at = (kind, namespace.to_owned(), name.to_owned(), section.map(str::to_owned));
        self.words.get(&at).copied().unwrap_or_default()
    }
}
