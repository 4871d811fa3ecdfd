//! The rules about reasoning policies that a shape cannot say.

use crate::config::check::checker::{Check, join, short};
use crate::config::check::forms::duration;
use crate::config::text::json;
use crate::config::text::mistake::Location;
use crate::config::text::yaml::Node;
use crate::translate::catalogue::{Catalogue, Known};

/// The levels of effort, weakest first.
const EFFORTS: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];

/// Rules of a `ReasoningPolicy`.
pub(in crate::config) fn reasoning_policy(check: &mut Check<'_>, root: &Node) {
    let Some(spec) = root.get("spec") else { return };
    if let Some(targets) = spec.get("targetRefs") {
        target_refs(check, targets);
    }
    common(check, spec, "spec");
    for (index, node) in spec.items_at("models").iter().enumerate() {
        let path = format!("spec.models[{index}]");
        if node.get("base").is_none() && node.get("row").is_none() {
            check.break_rule(node, &path, "at least one of base or row must be specified");
        }
        model(check, node.text_at("id"), node.get("base"), node.get("row"), &path);
    }
}

/// Rules of a `RequestPolicy`.
pub(in crate::config) fn request_policy(check: &mut Check<'_>, root: &Node) {
    if let Some(targets) = root.at("spec.targetRefs") {
        target_refs(check, targets);
    }
}

/// Rules of `spec.config.reasoning` of the short form.
pub(in crate::config) fn short_form(check: &mut Check<'_>, root: &Node) {
    let Some(config) = root.at("spec.config") else { return };
    let Some(reasoning) = config.get("reasoning") else { return };
    common(check, reasoning, "spec.config.reasoning");
    let base = config.text_at("baseModel");
    if let Some(row) = reasoning.get("row") {
        fields(check, config.text_at("model"), base, row, "spec.config.reasoning.row");
    }
}

fn target_refs(check: &mut Check<'_>, targets: &Node) {
    at_least_one(check, targets, "spec.targetRefs");
    if !targets.items().iter().all(is_served) {
        let message = "targetRefs must reference AIServiceBackend or AIGatewayRoute resources";
        check.break_rule(targets, "spec.targetRefs", message);
    }
    for (index, target) in targets.items().iter().enumerate() {
        if target.get("sectionName").is_some() && target.text_at("kind") != Some("AIGatewayRoute") {
            let message = "sectionName is supported for AIGatewayRoute only, whose rules have names";
            check.break_rule(target, &format!("spec.targetRefs[{index}]"), message);
        }
    }
}

fn is_served(target: &Node) -> bool {
    target.text_at("group") == Some("aigateway.envoyproxy.io")
        && matches!(target.text_at("kind"), Some("AIServiceBackend" | "AIGatewayRoute"))
}

fn common(check: &mut Check<'_>, spec: &Node, path: &str) {
    if let Some(exposed) = spec.get("expose") {
        let path = join(path, "expose");
        at_least_one(check, exposed, &path);
        let mut seen = Vec::new();
        for (index, item) in exposed.items().iter().enumerate() {
            let Some(word) = item.text() else { continue };
            if seen.contains(&word) {
                check.refuse(item, &format!("{path}[{index}]"), format!("Duplicate value: {:?}", short(item.shown())));
            }
            seen.push(word);
        }
    }
    let strength = |path: &str| spec.text_at(path).and_then(|word| EFFORTS.iter().position(|known| *known == word));
    if let (Some(usual), Some(most)) = (strength("default.effort"), strength("limits.effort"))
        && usual > most
    {
        check.break_rule(spec, path, "default.effort must not be above limits.effort");
    }
    if let Some(age) = spec.at("restore.maxAge")
        && age.text().and_then(duration).is_some_and(|age| age.is_zero())
    {
        let path = join(&join(path, "restore"), "maxAge");
        let message = format!("Invalid value: {:?}: must be longer than nought", short(age.shown()));
        check.refuse(age, &path, message);
    }
}

fn at_least_one(check: &mut Check<'_>, list: &Node, path: &str) {
    if list.items().is_empty() {
        check.refuse(list, path, format!("Invalid value: 0: {path} in body should have at least 1 items"));
    }
}

fn model(check: &mut Check<'_>, id: Option<&str>, base: Option<&Node>, row: Option<&Node>, path: &str) {
    let named = base.and_then(Node::text);
    if let (Some(node), Some(name)) = (base, named)
        && Catalogue::builtin().resolve(name).1 == Known::Nothing
    {
        let message = format!("Invalid value: {:?}: no row of the catalogue has this id", short(node.shown()));
        check.refuse(node, &join(path, "base"), message);
    }
    if let Some(row) = row {
        fields(check, id, named, row, &join(path, "row"));
    }
}

/// The fields of a row, against the catalogue's own.
fn fields(check: &mut Check<'_>, id: Option<&str>, base: Option<&str>, row: &Node, path: &str) {
    let overridden = Catalogue::builtin().overridden(id.unwrap_or_default(), base, &json::members(row));
    for mistake in overridden.err().unwrap_or_default() {
        let entry = row.entries().iter().find(|entry| entry.key == mistake.field);
        let unknown = mistake.message.starts_with("unknown field");
        let position = entry.map_or(row.position, |entry| if unknown { entry.position } else { entry.value.position });
        // What is wrong with a value repeats it.
        let message = match entry.filter(|entry| !unknown && entry.value.is_substituted()) {
            Some(_) => "Invalid value: the environment put in what this field cannot be".to_owned(),
            None => mistake.message,
        };
        let path = join(path, &mistake.field);
        check.report.refuse(Location { file: check.file, position, path: &path }, message);
    }
}
