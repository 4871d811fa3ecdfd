//! The models to examine, each with its backend and its row.

use super::ask::{Place, rendered};
use super::plan::planned;
use super::probe::What;
use super::question::{Facts, probe};
use anyhow::{anyhow, bail};
use aquifer_aws::{ConfiguredModel, configured_models};
use aquifer_gateway::config::{Config, ReasoningPolicy};
use aquifer_gateway::route;
use aquifer_gateway::translate::catalogue::{Catalogue, Entry, Known, base_id};
use http::HeaderMap;
use serde_json::Value;

/// One model to examine.
pub(super) struct Subject {
    pub(super) place: Place,
    /// The row in force.
    pub(super) row: Entry,
    /// The row that the catalogue has without the operator's word.
    pub(super) builtin: Entry,
    /// Which model the configuration says it is, where the id does not tell.
    pub(super) base: Option<String>,
    /// The source of its row.
    pub(super) source: Source,
}

/// The source of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The catalogue has the model.
    Catalogue,
    /// The catalogue has not, and takes the newest of its line.
    Like,
    /// Nothing is known of it.
    Nothing,
    /// The configuration says it.
    Configuration,
}

/// The estimated cost of an examination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) calls: usize,
    /// Roughly: a token is four bytes.
    pub(super) input: u64,
    /// If every answer used its limit.
    pub(super) output: u64,
}

/// For an answer that has no limit.
const UNLIMITED: u64 = 2048;

impl Source {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Catalogue => "the catalogue's own",
            Self::Like => "that of the newest of its line: the catalogue has none for it",
            Self::Nothing => "none: nothing is known of it",
            Self::Configuration => "the configuration's",
        }
    }
}

/// The models that were named on the command line, else all that the configuration names.
///
/// # Errors
/// A name that nothing serves, or no name at all.
pub(super) fn subjects(config: &Config, named: &[String]) -> anyhow::Result<Vec<Subject>> {
    let all = configured_models(config);
    let found: Vec<ConfiguredModel<'_>> = if named.is_empty() {
        all
    } else {
        named.iter().map(|name| one(config, &all, name)).collect::<anyhow::Result<_>>()?
    };
    let mut subjects: Vec<Subject> = Vec::new();
    for called in found {
        if let Some(subject) = subject(config, &called)
            && !subjects.iter().any(|known| known.place == subject.place)
        {
            subjects.push(subject);
        }
    }
    if subjects.is_empty() {
        bail!("no model to examine: the configuration names none that can be called; name one: aquifer doctor MODEL");
    }
    Ok(subjects)
}

/// The backend that the routes choose for this model; else one that a route calls it at.
fn one<'c>(config: &'c Config, all: &[ConfiguredModel<'c>], name: &str) -> anyhow::Result<ConfiguredModel<'c>> {
    match route::choose(config, name, &HeaderMap::new(), None) {
        Ok(target) => Ok(ConfiguredModel {
            backend: target.backend,
            model_id: target.model_id,
            reasoning: target.reasoning.as_ref(),
        }),
        Err(fault) => {
            let found = all.iter().find(|called| called.model_id == name);
            let found = found.map(|it| ConfiguredModel { model_id: it.model_id.clone(), ..*it });
            found.ok_or_else(|| anyhow!("{fault}"))
        }
    }
}

fn subject(config: &Config, called: &ConfiguredModel<'_>) -> Option<Subject> {
    let backend = config.backends.get(called.backend)?;
    let bedrock = backend.kind.bedrock_service()?;
    let model_id = &called.model_id;
    let base = bedrock.base_models.iter().find(|(id, _)| id == model_id).map(|(_, base)| base.clone());
    let (builtin, known) = Catalogue::builtin().resolve(base.as_deref().unwrap_or(model_id));
    let source = match known {
        _ if called.reasoning.entry(model_id).is_some() => Source::Configuration,
        Known::Row => Source::Catalogue,
        Known::Like => Source::Like,
        Known::Nothing => Source::Nothing,
    };
    let named = format!("{}/{}", backend.namespace, backend.name);
    Some(Subject {
        row: row(called.reasoning, model_id, base.as_deref()),
        builtin: builtin.clone(),
        place: Place { backend: called.backend, named, model_id: model_id.clone() },
        base: base.filter(|_| base_id(model_id).is_none()),
        source,
    })
}

fn row(policy: &ReasoningPolicy, model_id: &str, base: Option<&str>) -> Entry {
    policy.entry_or_known(model_id, base).clone()
}

impl Subject {
    /// The estimated cost of examining it, if its row is right.
    pub(super) fn estimate(&self) -> Estimate {
        let facts = Facts::expected(&self.row);
        let mut estimate = Estimate::default();
        for what in planned(&self.row) {
            // What comes back with a tool's answer is not known yet: about as much as the call.
            let what = if matches!(what, What::Back(_)) { What::Tool } else { what };
            estimate.calls += 1;
            let Ok(outgoing) = rendered(&self.place, &probe(what, &self.row, &facts)) else { continue };
            estimate.input += (outgoing.body.len() / 4) as u64;
            let body: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
            estimate.output += body["inferenceConfig"]["maxTokens"].as_u64().unwrap_or(UNLIMITED);
        }
        estimate
    }
}

impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |one, other| Self {
            calls: one.calls + other.calls,
            input: one.input + other.input,
            output: one.output + other.output,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aquifer_gateway::config::{Source as File, load};

    const CONFIG: &str = "\
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {name: one}
spec: {provider: awsbedrock, config: {model: us.anthropic.claude-opus-4-8, region: us-east-1}}
---
apiVersion: aigateway.envoyproxy.io/v1alpha1
kind: AIServiceBackend
metadata: {name: two}
spec: {provider: awsbedrock, config: {model: 'arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc',
  region: us-east-1, baseModel: amazon.nova-pro-v1:0}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: models}
spec:
  rules:
  - matches: [{headers: [{type: Exact, name: x-ai-eg-model, value: thinker}]}]
    backendRefs: [{name: one, modelNameOverride: us.anthropic.claude-opus-9}, {name: two, modelNameOverride: mine}]
";

    fn config(text: &str) -> Config {
        let sources = [File { name: "a.yaml".to_owned(), text: text.to_owned() }];
        load(&sources, &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
    }

    #[test]
    fn everything_that_the_configuration_names_is_examined_once() {
        let found = subjects(&config(CONFIG), &[]).unwrap();
        let shown: Vec<_> = found.iter().map(|it| (it.place.named.as_str(), it.row.id.as_str(), it.source)).collect();
        assert_eq!(
            shown,
            [
                ("default/one", "anthropic.claude-opus-4-8", Source::Catalogue),
                ("default/two", "amazon.nova-pro-v1:0", Source::Catalogue),
                ("default/one", "anthropic.claude-opus-5-5", Source::Like),
                ("default/two", "unknown", Source::Nothing),
            ]
        );
        assert_eq!(found[1].base.as_deref(), Some("amazon.nova-pro-v1:0"), "its id does not tell");
    }

    #[test]
    fn a_name_is_a_clients_or_a_routes() {
        let config = config(CONFIG);
        let of = |name: &str| {
            subjects(&config, &[name.to_owned()]).map(|found| (found[0].place.backend, found[0].place.model_id.clone()))
        };
        assert_eq!(of("thinker").unwrap(), (0, "us.anthropic.claude-opus-9".to_owned()));
        assert_eq!(of("mine").unwrap(), (1, "mine".to_owned()), "no client names it");
        assert!(of("nobody").unwrap_err().to_string().contains("nobody"));
        assert!(subjects(&Config::default(), &[]).is_err());
    }

    #[test]
    fn the_estimate_counts_what_is_planned() {
        let found = subjects(&config(CONFIG), &["thinker".to_owned()]).unwrap();
        let estimate = found[0].estimate();
        assert_eq!(estimate.calls, planned(&found[0].row).len());
        assert!(estimate.input > 500 && estimate.output > 1000, "{estimate:?}");
        let twice: Estimate = [estimate, estimate].into_iter().sum();
        assert_eq!(twice.calls, 2 * estimate.calls);
    }
}
