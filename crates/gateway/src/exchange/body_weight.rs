//! The memory that stands beside a request's body while it is read.

use super::admit::Admitted;
use super::passed::Glance;
use super::{Exchange, State};
use crate::config::{Config, FieldPolicy, ReasoningPolicy};
use crate::mutation::Mutation;

/// A body up to this size is looked at as every body is: a look at the configuration would cost more.
const SHORT: usize = 16 << 10;
/// The memory of a request whose body is not read, in bytes.
const UNREAD: usize = 16 << 10;

impl Exchange {
    /// The most bytes of memory that stand beside the body of this request while it is read. One of Bedrock's own API goes
    /// on unread, unless the operator limits or changes what it says, or a turn of it is to be remembered.
    #[must_use]
    pub fn body_weight(&mut self, body: &[u8]) -> usize {
        let config = &self.common.config;
        if let State::Head(Admitted::Bedrock(operation)) = &self.state
            && body.len() > SHORT
            && !changes_requests(config)
            && !self.common.glance.insert(Glance::at(*operation, body)).is_read()
        {
            return UNREAD;
        }
        config.limits.weight(body)
    }
}

/// Whether the operator limits or changes what some request says, or serves it in another dialect.
fn changes_requests(config: &Config) -> bool {
    let fields = &config.client_fields;
    let backends = config.backends.iter().any(|backend| {
        limits(&backend.reasoning) || changes(&backend.mutation) || backend.kind.bedrock_service().is_none()
    });
    let rules = config.routes.iter().flat_map(|route| &route.rules).any(|rule| {
        denies(&rule.client_fields) || rule.backends.iter().any(|to| limits(&to.reasoning) || changes(&to.mutation))
    });
    backends || rules || denies(&fields.everywhere) || fields.backends.iter().any(denies)
}

fn limits(policy: &ReasoningPolicy) -> bool {
    policy.hidden || policy.most_effort.is_some() || policy.most_budget.is_some() || policy.default_effort.is_some()
}

fn changes(mutation: &Mutation) -> bool {
    !mutation.set_fields.is_empty() || !mutation.remove_fields.is_empty()
}

/// Whether a field is denied that is not denied by default.
fn denies(fields: &FieldPolicy) -> bool {
    let FieldPolicy { additional_model_request_fields, guardrail_config, service_tier, performance_config, .. } =
        fields;
    [additional_model_request_fields, guardrail_config, service_tier, performance_config].contains(&&Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Backend, BackendKind, Service};
    use crate::exchange::{HostTerms, RequestHead};
    use crate::health::BackendHealth;
    use http::{HeaderMap, Method};
    use std::sync::Arc;
    use std::time::Instant;

    fn weight(path: &str, body: &str, change: impl FnOnce(&mut Config)) -> usize {
        let mut config = Config::default();
        config.backends.push(Backend::new("b", BackendKind::bedrock(Service::default())));
        change(&mut config);
        let (method, headers) = (Method::POST, HeaderMap::new());
        #[expect(clippy::disallowed_methods, reason = "a test has no host's clock")]
        let now = Instant::now();
        let head = RequestHead {
            method: &method,
            path,
            query: "",
            headers: &headers,
            port: None,
            random: 1,
            unix_seconds: 1,
            now,
        };
        let health = Arc::new(BackendHealth::new(1, now));
        Exchange::begin(Arc::new(config), health, HostTerms::default(), &head).body_weight(body.as_bytes())
    }

    #[test]
    fn a_body_that_is_not_read_has_no_weight() {
        let body = format!(r#"{{"messages":[{{"content":[{{"text":"{}"}}]}}]}}"#, "a, b: c ".repeat(10_000));
        let converse = "/model/amazon.nova-lite-v1%3A0/converse";
        assert_eq!(weight(converse, &body, |_| ()), UNREAD);
        assert!(weight("/v1/chat/completions", &body, |_| ()) > UNREAD);
        for read in [
            body.replace("a, ", "\\u0061, "),
            body.replacen("a, ", "s3Location", 1),
            body.replacen("a, ", "reasoningContent", 1),
            format!(r#"{{"toolConfig":{{}},"x":{body}}}"#),
        ] {
            assert!(weight(converse, &read, |_| ()) > UNREAD);
        }
        let invoke = "/model/anthropic.claude-sonnet-4-5/invoke";
        assert_eq!(weight(invoke, &body, |_| ()), UNREAD);
        assert!(weight(invoke, &format!(r#"{{"anthropic_version":"2026-10-21","x":{body}}}"#), |_| ()) > UNREAD);
    }

    #[test]
    fn what_the_operator_changes_is_read() {
        let body = format!(r#"{{"messages":[{{"content":[{{"text":"{}"}}]}}]}}"#, "a, b: c ".repeat(10_000));
        let path = "/model/m/converse-stream";
        let policy = ReasoningPolicy { most_budget: Some(1), ..ReasoningPolicy::default() };
        let mutation = Mutation { remove_fields: vec!["x".to_owned()], ..Mutation::default() };
        assert!(weight(path, &body, |config| config.backends[0].reasoning = Arc::new(policy)) > UNREAD);
        assert!(weight(path, &body, |config| config.backends[0].mutation = Arc::new(mutation)) > UNREAD);
        assert!(weight(path, &body, |config| config.client_fields.everywhere.guardrail_config = Some(false)) > UNREAD);
    }
}
