//! The configuration of a gateway without a file: Bedrock, as AWS's own variables describe it.

use crate::config::check::forms::{self, Form};
use crate::config::{
    Backend, BackendKind, BackendRef, Config, DEFAULT_REGION, Notice, ReasoningPolicy, Route, Rule, Service,
};
use std::sync::Arc;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Whether a backend of the short form serves models by itself, without a route.
    #[must_use]
    pub fn has_short_form(&self) -> bool {
        self.backends.iter().filter_map(|backend| backend.kind.service()).any(|service| !service.models.is_empty())
    }

    /// The configuration without a file: every model id goes to Bedrock in the region of the environment.
    ///
    /// Read are `AWS_REGION` and `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` and
    /// `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn from_environment(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut notices = Vec::new();
        let kind = bedrock(env, &mut notices).unwrap_or_else(|why| {
            notices.push(Notice::problem(format!("not served: {why}")));
            BackendKind::NotServed { schema: "AWSBedrock".to_owned(), why }
        });
        let (namespace, name) = ("default".to_owned(), "bedrock".to_owned());
        let reasoning = Arc::<ReasoningPolicy>::default();
        let target = BackendRef {
            backend: 0,
            model_name_override: None,
            weight: 1,
            priority: 0,
            reasoning: Arc::clone(&reasoning),
            mutation: Arc::default(),
        };
        let route = Route {
            namespace: namespace.clone(),
            name: name.clone(),
            parents: Vec::new(),
            hostnames: Vec::new(),
            rules: vec![Rule { backends: vec![target], ..Rule::default() }],
            costs: Arc::default(),
            keys: None,
        };
        let backend = Backend { namespace, name, kind, reasoning, mutation: Arc::default() };
        Self { backends: vec![backend], routes: vec![route].into(), notices, ..Self::default() }
    }
}

fn bedrock(env: Env<'_>, notices: &mut Vec<Notice>) -> Result<BackendKind, String> {
    let region = region(env);
    match &region {
        None => notices.push(Notice::note(format!(
            "neither AWS_REGION nor AWS_DEFAULT_REGION is set: the AWS profile's region is used, or {DEFAULT_REGION}"
        ))),
        Some(region) if !Form::Region.fits(region) => {
            return Err("the region is not an AWS region, such as us-east-1".to_owned());
        }
        Some(_) => {}
    }
    Ok(BackendKind::bedrock(Service { region, endpoint: endpoint(env)?, ..Service::default() }))
}

/// The region that the environment names.
pub(in crate::config) fn region(env: Env<'_>) -> Option<String> {
    first(env, ["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, region)| region)
}

/// The endpoint that the environment names.
///
/// # Errors
///
/// The reason for which the endpoint cannot be called, without its text.
pub(in crate::config) fn endpoint(env: Env<'_>) -> Result<Option<url::Url>, String> {
    let found = first(env, ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"]);
    found.map(|(name, text)| forms::endpoint(&text).map_err(|why| format!("{name}: {why}"))).transpose()
}

fn first(env: Env<'_>, names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, env(name).filter(|value| !value.is_empty())?)))
}
