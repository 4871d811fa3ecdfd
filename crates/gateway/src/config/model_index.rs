//! The index over the models that a configuration names, so that a request does not look at all backends and rules.

use crate::config::{Config, HeaderMatch, HeaderValueMatch, MODEL_HEADER};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;

/// The index of a configuration's models. It is made at the first look-up, when the configuration changes no more; a copy
/// of the configuration makes its own.
#[derive(Default)]
pub struct ModelIndex(OnceLock<Names>);

/// The names of the models.
#[derive(Default)]
struct Names {
    /// Models that a backend of the short form serves by itself, each with the first such backend.
    served: HashMap<String, usize>,
    /// Models that rules match, or call in place of another.
    routed: HashSet<String>,
}

impl Config {
    /// The backend of the short form that serves a model by itself: the first one, an index into [`Config::backends`].
    pub(crate) fn backend_serving(&self, model: &str) -> Option<usize> {
        self.names().served.get(model).copied()
    }

    /// Whether a rule or a backend names this model.
    pub(crate) fn names_model(&self, model: &str) -> bool {
        let names = self.names();
        names.routed.contains(model) || names.served.contains_key(model)
    }

    fn names(&self) -> &Names {
        self.model_index.0.get_or_init(|| Names::of(self))
    }
}

impl Names {
    fn of(config: &Config) -> Self {
        let mut names = Self::default();
        for (at, backend) in config.backends.iter().enumerate() {
            for model in backend.kind.service().into_iter().flat_map(|service| &service.models) {
                names.served.entry(model.clone()).or_insert(at);
            }
        }
        for rule in config.routes.iter().flat_map(|route| &route.rules) {
            let called = rule.backends.iter().filter_map(|to| to.model_name_override.as_deref());
            let matched = rule.matches.iter().flat_map(|one| &one.headers).filter_map(exact_model);
            names.routed.extend(called.chain(matched).map(str::to_owned));
        }
        names
    }
}

fn exact_model(header: &HeaderMatch) -> Option<&str> {
    match &header.value {
        HeaderValueMatch::Exact(value) if header.name == MODEL_HEADER => Some(value),
        HeaderValueMatch::Exact(_) | HeaderValueMatch::Regex(_) => None,
    }
}

impl Clone for ModelIndex {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// An index says nothing that the configuration does not say.
impl PartialEq for ModelIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for ModelIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelIndex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Backend, BackendKind, Service};

    #[test]
    fn the_first_backend_serves_and_a_copy_has_an_index_of_its_own() {
        let backend = |name: &str, models: &[&str]| {
            let models = models.iter().map(|model| (*model).to_owned()).collect();
            Backend::new(name, BackendKind::bedrock(Service { models, ..Service::default() }))
        };
        let config = Config { backends: vec![backend("a", &["m"]), backend("b", &["m", "n"])], ..Config::default() };
        assert_eq!((config.backend_serving("m"), config.backend_serving("n")), (Some(0), Some(1)));
        assert!(config.names_model("n") && !config.names_model("x") && config.backend_serving("x").is_none());
        let mut other = config.clone();
        other.backends.remove(0);
        assert_eq!(other.backend_serving("m"), Some(0));
        assert!(config != other && config == config.clone());
    }
}
