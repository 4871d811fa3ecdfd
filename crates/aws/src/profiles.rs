//! Application inference profiles: looks up the model behind each that the configuration names without declaring its model.

use crate::credentials::CredentialChains;
use aquifer_gateway::config::{Backend, Config, HeaderValueMatch, ReasoningPolicy, Rule, Service};
use aquifer_gateway::route::MODEL_HEADER;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::bedrock::{Api, refusal};
use aquifer_gateway::translate::catalogue::base_id;
use aquifer_gateway::translate::wire::uri;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;

/// The timeout of one lookup: the start of the process waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The models behind inference profiles that were looked up so far, kept across configuration reloads.
#[derive(Default)]
pub struct Profiles {
    known: HashMap<String, String>,
    chains: CredentialChains,
}

/// An answer of Bedrock's control plane.
pub struct ControlAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole; a host reads 1 MiB of it at most.
    pub body: Vec<u8>,
}

/// An application inference profile that a backend is called for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Profile {
    backend: usize,
    arn: String,
}

impl Profiles {
    /// Declares the models behind the profiles that the configuration names: `get` makes a `GET` of a path at the control
    /// plane of a backend, signed with that backend's credentials out of these chains. What cannot be learned is told in a
    /// warning, and its model counts as unknown.
    pub async fn resolve<F>(&mut self, config: &mut Config, get: impl Fn(&Service, &CredentialChains, String) -> F)
    where
        F: Future<Output = Result<ControlAnswer, String>> + Send + 'static,
    {
        let wanted = undeclared(config);
        self.look_up(config, &wanted, get).await;
        for Profile { backend, arn } in wanted {
            if let (Some(base), Some(backend)) = (self.known.get(&arn), config.backends.get_mut(backend))
                && let Some(bedrock) = backend.kind.bedrock_service_mut()
            {
                bedrock.base_models.push((arn, base.clone()));
            }
        }
    }

    /// Looks up all that is not known yet, at once.
    async fn look_up<F>(
        &mut self,
        config: &Config,
        wanted: &[Profile],
        get: impl Fn(&Service, &CredentialChains, String) -> F,
    ) where
        F: Future<Output = Result<ControlAnswer, String>> + Send + 'static,
    {
        let mut asking = JoinSet::new();
        for Profile { backend, arn } in wanted.iter().filter(|profile| !self.known.contains_key(&profile.arn)) {
            let Some(bedrock) = config.backends.get(*backend).and_then(bedrock) else { continue };
            let (answer, arn) = (get(bedrock, &self.chains, path(arn)), arn.clone());
            asking.spawn(async move { (arn, learned(answer).await) });
        }
        while let Some(answered) = asking.join_next().await {
            match answered {
                Ok((arn, Ok(base))) => {
                    tracing::info!(profile = arn, model = base, "the model behind an inference profile");
                    self.known.insert(arn, base);
                }
                Ok((arn, Err(why))) => tell(&arn, &why),
                Err(_) => {}
            }
        }
    }
}

fn tell(arn: &str, why: &str) {
    tracing::warn!(
        "the model behind {arn} could not be looked up: {why}; nothing is assumed of it. The caller needs \
         bedrock:GetInferenceProfile; or declare the model with `baseModel`"
    );
}

fn bedrock(backend: &Backend) -> Option<&Service> {
    backend.kind.bedrock_service()
}

/// The profiles that the configuration calls and whose model it does not declare, each once.
fn undeclared(config: &Config) -> Vec<Profile> {
    let mut wanted: Vec<Profile> = Vec::new();
    for ConfiguredModel { backend, model_id, reasoning } in configured_models(config) {
        let declares = |bedrock: &Service| bedrock.base_models.iter().any(|(id, _)| *id == model_id);
        let undeclared = config.backends.get(backend).and_then(bedrock).is_some_and(|bedrock| !declares(bedrock));
        if is_application_profile(&model_id) && undeclared && reasoning.entry(&model_id).is_none() {
            let asked = Profile { backend, arn: model_id };
            if !wanted.contains(&asked) {
                wanted.push(asked);
            }
        }
    }
    wanted
}

/// A model that the configuration names for a backend.
pub struct ConfiguredModel<'c> {
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// The model's id at that backend.
    pub model_id: String,
    /// The reasoning policy that holds there.
    pub reasoning: &'c ReasoningPolicy,
}

/// The models that the configuration names: those of the short form, then those of the routes.
pub fn configured_models(config: &Config) -> Vec<ConfiguredModel<'_>> {
    let mut found = Vec::new();
    for (at, backend) in config.backends.iter().enumerate() {
        let models = bedrock(backend).map(|bedrock| bedrock.models.as_slice()).unwrap_or_default();
        let of = |id: &String| ConfiguredModel { backend: at, model_id: id.clone(), reasoning: &backend.reasoning };
        found.extend(models.iter().map(of));
    }
    for rule in config.routes.iter().flat_map(|route| &route.rules) {
        for reference in &rule.backends {
            let (backend, reasoning) = (reference.backend, reference.reasoning.as_ref());
            let instead = reference.model_name_override.as_ref().map(|id| vec![id]);
            let ids = instead.unwrap_or_else(|| named(rule));
            found.extend(ids.into_iter().map(|id| ConfiguredModel { backend, model_id: id.clone(), reasoning }));
        }
    }
    found
}

/// The model ids that a rule matches exactly.
fn named(rule: &Rule) -> Vec<&String> {
    let headers = rule.matches.iter().flat_map(|condition| &condition.headers);
    let exact = headers.filter_map(|header| match &header.value {
        HeaderValueMatch::Exact(id) if header.name == MODEL_HEADER => Some(id),
        _ => None,
    });
    exact.collect()
}

/// `arn:PARTITION:bedrock:REGION:ACCOUNT:application-inference-profile/ID`.
fn is_application_profile(id: &str) -> bool {
    let resource = id.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    resource.is_some_and(|resource| resource.starts_with("application-inference-profile/"))
}

/// The base id of the first model of a profile, as `GetInferenceProfile` answers. Those of one profile differ in their
/// region alone.
async fn learned(answer: impl Future<Output = Result<ControlAnswer, String>>) -> Result<String, String> {
    let ControlAnswer { status, headers, body } =
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| format!("no answer in {PATIENCE:?}"))??;
    if !status.is_success() {
        return Err(match refusal(Api::default(), status, &headers, &body) {
            Fault::Refused(refusal) => format!("{}: {}", refusal.exception, refusal.message),
            fault => fault.to_string(),
        });
    }
    model(&body).ok_or_else(|| "the answer names no model".to_owned())
}

fn path(identifier: &str) -> String {
    format!("/inference-profiles/{}", uri::segment(identifier))
}

fn model(body: &[u8]) -> Option<String> {
    let profile: Value = serde_json::from_slice(body).ok()?;
    let arn = profile.get("models")?.get(0)?.get("modelArn")?.as_str()?;
    base_id(arn).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aquifer_gateway::config::{Source, load};

    const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile";

    fn config(text: &str) -> Config {
        let sources = [Source { name: "a.yaml".to_owned(), text: text.replace("PROFILE", PROFILE) }];
        load(&sources, &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
    }

    #[test]
    fn profiles_are_found_wherever_they_are_named() {
        let config = config(
            "apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {name: one}\n\
             spec: {provider: awsbedrock, config: {model: 'PROFILE/own', region: us-east-1}}\n---\n\
             apiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\nmetadata: {name: two}\n\
             spec: {provider: awsbedrock, config: {model: 'PROFILE/told', region: us-east-1, \
             baseModel: amazon.nova-pro-v1:0}}\n---\n\
             apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: {name: models}\nspec:\n  rules:\n  \
             - matches: [{headers: [{type: Exact, name: x-ai-eg-model, value: 'PROFILE/asked'}]}]\n    \
             backendRefs: [{name: two}]\n  - matches: [{headers: [{type: Exact, name: x-ai-eg-model, value: nice}]}]\n    \
             backendRefs: [{name: one, modelNameOverride: 'PROFILE/instead'}, {name: two, modelNameOverride: 'PROFILE/told'}]\n",
        );
        let found = undeclared(&config);
        let found: Vec<_> = found.iter().map(|it| (it.backend, it.arn.rsplit('/').next().unwrap())).collect();
        assert_eq!(found, [(0, "own"), (1, "asked"), (0, "instead")]);
    }

    #[test]
    fn other_ids_tell_or_cannot_be_asked_about() {
        assert!(is_application_profile(&format!("{PROFILE}/abc")));
        for other in ["us.anthropic.claude-opus-4-8", "arn:aws:bedrock:us-east-1:1:provisioned-model/x", "arn:", ""] {
            assert!(!is_application_profile(other), "{other}");
        }
    }

    #[test]
    fn the_arn_is_one_segment_and_the_answer_tells_the_base() {
        assert_eq!(path("arn:aws:x/y_z"), "/inference-profiles/arn%3Aaws%3Ax%2Fy_z");
        let told = |arn: &str| model(format!(r#"{{"models":[{{"modelArn":"{arn}"}}]}}"#).as_bytes());
        let arn = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(told(arn).as_deref(), Some("anthropic.claude-sonnet-4-5-20250929-v1:0"));
        assert_eq!(told("arn:aws:bedrock:us-east-1:1:custom-model/x"), None);
        assert_eq!(model(br#"{"models":[]}"#), None);
    }
}
