//! Notices about backends, rules and models that are valid and yet cannot be served: seen once all resources are
//! joined.

use crate::config::check::checker::short;
use crate::config::resource::{Kind, Set, location};
use crate::config::text::mistake::{Notice, Report};
use crate::config::text::suggest::did_you_mean;
use crate::config::text::yaml::Node;
use crate::config::{Backend, Config, MODEL_HEADER};
use crate::translate::catalogue::{Catalogue, Known, encoder};

/// Adds to the report what of a configuration will not serve.
pub(in crate::config) fn check(set: Set<'_>, config: &Config, report: &mut Report) {
    short_forms(set, config, report);
    rules(set, config, report);
    if !config.serves_anything() {
        report.notices.push(Notice::problem("no backend can be served: every request will be refused".to_owned()));
    }
}

impl Config {
    /// Whether any request can be sent to any backend.
    #[must_use]
    pub fn serves_anything(&self) -> bool {
        let by_route = self.routes.iter().flat_map(|route| &route.rules).flat_map(|rule| &rule.backends);
        let by_route = by_route.filter_map(|reference| self.backends.get(reference.backend));
        let short_form =
            self.backends.iter().filter(|backend| backend.kind.service().is_some_and(|it| !it.models.is_empty()));
        by_route.chain(short_form).any(is_served)
    }
}

fn is_served(backend: &Backend) -> bool {
    backend.kind.service().is_some()
}

/// The two usual mistakes with Bedrock: a region that is none, and a model's name instead of its id.
fn short_forms(set: Set<'_>, config: &Config, report: &mut Report) {
    for (document, backend) in set.of(Kind::ServiceBackend).zip(&config.backends) {
        let Some(node) = document.root.at("spec.config") else { continue };
        if let Some(region) = node.get("region").filter(|region| !region.text().is_some_and(is_region)) {
            let text = short(region.shown());
            let message = format!("{text:?} is not the name of an AWS region{}", did_you_mean(text, REGIONS));
            report.problem(location(document, region, "spec.config.region"), message);
        }
        if backend.kind.bedrock_service().is_none()
            || node.get("baseModel").is_some()
            || node.at("reasoning.row").is_some()
        {
            continue;
        }
        let Some((model, id)) = node.get("model").and_then(|model| Some((model, model.text()?))) else { continue };
        let known_to_operator = backend.reasoning.entry(id).is_some();
        let is_known = Catalogue::builtin().resolve(id).1 != Known::Nothing || encoder(id).is_some();
        if !known_to_operator && !is_known && !id.starts_with("arn:") {
            let at = location(document, model, "spec.config.model");
            let message =
                format!("the catalogue knows no model of Bedrock {:?}{}", short(model.shown()), model_meant(id));
            report.problem(at, message);
        }
    }
}

/// The id that a model's name without vendor or version stands for.
fn model_meant(id: &str) -> String {
    let ids = || Catalogue::builtin().entries().iter().map(|entry| entry.id.as_str());
    let lower = id.to_ascii_lowercase();
    let named =
        ids().find(|known| lower.len() > 3 && known.split_once('.').is_some_and(|(_, name)| name.starts_with(&lower)));
    match named {
        Some(known) => format!("; did you mean {known:?}?"),
        None => did_you_mean(id, ids()),
    }
}

/// Rules that lead nowhere, and header names that are nearly the model's.
fn rules(set: Set<'_>, config: &Config, report: &mut Report) {
    for (document, route) in set.of(Kind::GatewayRoute).zip(&config.routes) {
        for (index, (node, rule)) in document.root.items_at("spec.rules").iter().zip(&route.rules).enumerate() {
            let path = format!("spec.rules[{index}]");
            let mut backends = rule.backends.iter().filter_map(|reference| config.backends.get(reference.backend));
            if !backends.any(is_served) {
                let message = "none of its backends can be served: every request of this rule will be refused";
                report.problem(location(document, node, &path), message);
            }
            for header in node.items_at("matches").iter().flat_map(|part| part.items_at("headers")) {
                misspelled(document, header, &path, report);
            }
        }
    }
}

fn misspelled(document: &crate::config::resource::Document<'_>, header: &Node, path: &str, report: &mut Report) {
    let Some(name) = header.text_at("name").filter(|name| !name.eq_ignore_ascii_case(MODEL_HEADER)) else { return };
    let meant = did_you_mean(name, [MODEL_HEADER]);
    if !meant.is_empty() {
        let message = format!("no client sends the header {:?}{meant}", short(name));
        report.problem(location(document, header, path), message);
    }
}

/// The form of AWS's region names: `us-east-1`, `ap-southeast-2`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    (2..=5).contains(&first.len())
        && letters(first)
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part))
        && !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Regions in which Bedrock is offered, for suggestions only. Source: AWS's list of Bedrock's endpoints.
const REGIONS: [&str; 22] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "me-central-1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_from_what_is_nearly_one() {
        for region in REGIONS.into_iter().chain(["us-iso-east-1", "il-central-1"]) {
            assert!(is_region(region), "{region}");
        }
        for wrong in ["us-east1", "useast-1", "US-EAST-1", "us--1", "us-east-", "-", "", "1-east-1"] {
            assert!(!is_region(wrong), "{wrong}");
        }
        assert_eq!(did_you_mean("us-east1", REGIONS), "; did you mean \"us-east-1\"?");
    }

    #[test]
    fn a_models_name_leads_to_its_id() {
        assert_eq!(model_meant("claude-sonnet-4-5"), "; did you mean \"anthropic.claude-sonnet-4-5-20250929-v1:0\"?");
        assert_eq!(model_meant("antropic.claude-opus-4-8"), "; did you mean \"anthropic.claude-opus-4-8\"?");
        assert_eq!(model_meant("gpt-4o-mini"), "");
    }
}
