//! Reasoning policies at each target, from `ReasoningPolicy` resources and from `spec.config.reasoning` of the short
//! form.

use crate::config::check::checker::short;
use crate::config::check::forms::duration;
use crate::config::reasoning::{BindingMismatch, Expose, Observe, ObserveRule, PolicyLayer, ReasoningPolicy};
use crate::config::resource::{Document, Kind, Resource, Set, location};
use crate::config::resources::reasoning_policy::{
    BindingMismatchChoice, EffortName, EffortOrNone, ExposedField, ForcedToolChoice, ObserveLevel, Reasoning,
    RedactedText, Visibility,
};
use crate::config::text::json;
use crate::config::text::mistake::{Location, Report};
use crate::config::text::yaml::Node;
use crate::config::{Backend, ForcedTool};
use crate::translate::catalogue::{Catalogue, Entry, Known, Wanted};
use crate::translate::model::reasoning::Effort;
use crate::translate::model::reasoning::Placeholder;
use std::collections::HashMap;
use std::sync::Arc;

/// The target of a policy: kind, namespace, name, and the name of a rule.
pub(in crate::config) type Target = (Kind, String, String, Option<String>);

/// The layers of reasoning policies, by their targets.
pub(in crate::config) struct Policies {
    layers: HashMap<Target, PolicyLayer>,
}

impl Policies {
    /// Reads the policies in the order of the files: of two at one target the first holds, and the other is told.
    pub(in crate::config) fn read(set: Set<'_>, report: &mut Report) -> Self {
        let mut found: HashMap<Target, (PolicyLayer, String)> = HashMap::new();
        for document in set.of(Kind::ServiceBackend) {
            if let Some(own) = own_layer(document, report) {
                let target = (Kind::ServiceBackend, document.namespace.clone(), document.name.clone(), None);
                found.insert(target, (own, "its own spec.config.reasoning".to_owned()));
            }
        }
        for document in set.of(Kind::ReasoningPolicy) {
            let Resource::ReasoningPolicy(policy) = &document.resource else { continue };
            let mut layer = layer(&policy.spec.policy, document);
            layer.models = models(document, report);
            for (index, node) in document.root.items_at("spec.targetRefs").iter().enumerate() {
                let path = format!("spec.targetRefs[{index}]");
                let Some(target) = target(set, document, node, &path, report) else { continue };
                let named = format!("the ReasoningPolicy {}", document.id());
                match found.get(&target) {
                    Some((_, first)) if *first != named => {
                        let message = format!("conflict: {} has {first} already, which holds", described(&target));
                        report.notice(location(document, node, &path), message);
                    }
                    Some(_) => {}
                    None => {
                        found.insert(target, (layer.clone(), named));
                    }
                }
            }
        }
        Self { layers: found.into_iter().map(|(target, (layer, _))| (target, layer)).collect() }
    }

    /// The reasoning policy of a backend for requests that no rule sends.
    pub(in crate::config) fn of_backend(&self, namespace: &str, name: &str) -> Arc<ReasoningPolicy> {
        Arc::new(self.layer(Kind::ServiceBackend, namespace, name, None).decided())
    }

    /// The reasoning policy of a backend for requests that this rule of a route sends.
    pub(in crate::config) fn of_rule(
        &self,
        namespace: &str,
        route: &str,
        rule: Option<&str>,
        backend: &Backend,
    ) -> Arc<ReasoningPolicy> {
        let at_rule = rule.map(|rule| self.layer(Kind::GatewayRoute, namespace, route, Some(rule))).unwrap_or_default();
        let at_route = self.layer(Kind::GatewayRoute, namespace, route, None);
        let at_backend = self.layer(Kind::ServiceBackend, &backend.namespace, &backend.name, None);
        Arc::new(at_rule.over(&at_route).over(&at_backend).decided())
    }

    fn layer(&self, kind: Kind, namespace: &str, name: &str, section: Option<&str>) -> PolicyLayer {
        let target = (kind, namespace.to_owned(), name.to_owned(), section.map(str::to_owned));
        self.layers.get(&target).cloned().unwrap_or_default()
    }
}

fn described((kind, namespace, name, section): &Target) -> String {
    let kind = if *kind == Kind::GatewayRoute { "AIGatewayRoute" } else { "AIServiceBackend" };
    let of_rule = section.as_ref().map(|section| format!("the rule {section} of "));
    format!("{}{kind} {namespace}/{name}", of_rule.unwrap_or_default())
}

/// The target that one of the policy's references names; `None`, and a notice, where these files have no such resource.
pub(in crate::config) fn target(
    set: Set<'_>,
    document: &Document<'_>,
    node: &Node,
    path: &str,
    report: &mut Report,
) -> Option<Target> {
    let kind = match node.text_at("kind")? {
        "AIGatewayRoute" => Kind::GatewayRoute,
        _ => Kind::ServiceBackend,
    };
    let section = node.text_at("sectionName").map(str::to_owned);
    let target = (kind, document.namespace.clone(), node.text_at("name")?.to_owned(), section);
    let found = set.find(kind, &target.1, &target.2).filter(|found| match &target.3 {
        None => true,
        Some(section) => found.root.items_at("spec.rules").iter().any(|rule| rule.text_at("name") == Some(section)),
    });
    if found.is_none() {
        let shown = |field: &str| node.get(field).map(|node| short(node.shown()).to_owned());
        let name = shown("name").unwrap_or_default();
        let missing = described(&(kind, document.namespace.clone(), name, shown("sectionName")));
        let message = format!("{missing} is not in these files: the policy does nothing there");
        report.problem(location(document, node, path), message);
    }
    found.map(|_| target)
}

/// The policy of a backend in the short form, `spec.config.reasoning`.
fn own_layer(document: &Document<'_>, report: &mut Report) -> Option<PolicyLayer> {
    let Resource::ShortBackend(short) = &document.resource else { return None };
    let config = &short.spec.config;
    let mut own = layer(&config.reasoning.as_ref()?.policy, document);
    if let Some(row) = document.root.at("spec.config.reasoning.row") {
        let position = Location { file: document.file, position: row.position, path: "spec.config.reasoning.row" };
        own.models.extend(model(&config.model, config.base_model.as_deref(), Some(row), position, report));
    }
    Some(own)
}

/// The layer of a policy, but for its models.
fn layer(policy: &Reasoning, document: &Document<'_>) -> PolicyLayer {
    let (limits, restore) = (policy.limits.as_ref(), policy.restore.as_ref());
    PolicyLayer {
        default_effort: policy.default.as_ref().map(|default| wanted(default.effort)),
        most_effort: limits.and_then(|limits| limits.effort).map(effort),
        most_budget: limits.and_then(|limits| limits.budget_tokens),
        expose: policy.expose.as_deref().map(exposed),
        hidden: policy.visibility == Some(Visibility::Hidden),
        observe: observed(policy).map(|most| ObserveRule { most, by: document.id().into() }),
        restore_off: restore.is_some_and(|restore| restore.enabled == Some(false)),
        anonymous_off: restore.is_some_and(|restore| restore.anonymous == Some(false)),
        max_entries: restore.and_then(|restore| restore.max_entries),
        max_bytes: restore.and_then(|restore| restore.max_bytes),
        max_age: restore.and_then(|restore| restore.max_age.as_deref()).and_then(duration),
        forced_tool: policy.forced_tool.map(|choice| match choice {
            ForcedToolChoice::Auto => ForcedTool::Auto,
            ForcedToolChoice::Refuse => ForcedTool::Refuse,
            ForcedToolChoice::DropReasoning => ForcedTool::DropReasoning,
        }),
        binding_mismatch: policy.binding_mismatch.map(|choice| match choice {
            BindingMismatchChoice::DropBlock => BindingMismatch::DropBlock,
            BindingMismatchChoice::Fail => BindingMismatch::Fail,
        }),
        repair: policy.repair,
        restart_while_thinking: policy.restart_while_thinking,
        redacted_text: policy.redacted_text.map(|text| match text {
            RedactedText::Summary => Placeholder::Summary,
            RedactedText::Drop => Placeholder::Dropped,
            RedactedText::Encrypted => Placeholder::Encrypted,
        }),
        models: Vec::new(),
    }
}

/// How much a policy lets operators observe: what it hides from clients is not shown to them either.
fn observed(policy: &Reasoning) -> Option<Observe> {
    let said = policy.observe.map(|level| match level {
        ObserveLevel::Nothing => Observe::Nothing,
        ObserveLevel::Metadata => Observe::Metadata,
        ObserveLevel::Reasoning => Observe::Reasoning,
        ObserveLevel::Everything => Observe::Everything,
    });
    match policy.visibility {
        Some(Visibility::Hidden) => Some(said.unwrap_or_default().min(Observe::Metadata)),
        Some(Visibility::Full) | None => said,
    }
}

fn effort(name: EffortName) -> Effort {
    match name {
        EffortName::Minimal => Effort::Minimal,
        EffortName::Low => Effort::Low,
        EffortName::Medium => Effort::Medium,
        EffortName::High => Effort::High,
        EffortName::XHigh => Effort::XHigh,
        EffortName::Max => Effort::Max,
    }
}

fn wanted(name: EffortOrNone) -> Wanted {
    match name {
        EffortOrNone::None => Wanted::Off,
        EffortOrNone::Minimal => Wanted::Effort(Effort::Minimal),
        EffortOrNone::Low => Wanted::Effort(Effort::Low),
        EffortOrNone::Medium => Wanted::Effort(Effort::Medium),
        EffortOrNone::High => Wanted::Effort(Effort::High),
        EffortOrNone::XHigh => Wanted::Effort(Effort::XHigh),
        EffortOrNone::Max => Wanted::Effort(Effort::Max),
    }
}

fn exposed(fields: &[ExposedField]) -> Expose {
    Expose {
        reasoning: fields.contains(&ExposedField::Reasoning),
        reasoning_content: fields.contains(&ExposedField::ReasoningContent),
        reasoning_details: fields.contains(&ExposedField::ReasoningDetails),
        thinking_blocks: fields.contains(&ExposedField::ThinkingBlocks),
        think_tags: fields.contains(&ExposedField::ThinkTags),
    }
}

fn models(document: &Document<'_>, report: &mut Report) -> Vec<(String, Arc<Entry>)> {
    let nodes = document.root.items_at("spec.models").iter().enumerate();
    let entry = nodes.filter_map(|(index, node)| {
        let path = format!("spec.models[{index}]");
        model(node.text_at("id")?, node.text_at("base"), node.get("row"), location(document, node, &path), report)
    });
    entry.collect()
}

/// One model's row; its fields were checked before.
fn model(
    id: &str,
    base: Option<&str>,
    row: Option<&Node>,
    at: Location<'_>,
    report: &mut Report,
) -> Option<(String, Arc<Entry>)> {
    let catalogue = Catalogue::builtin();
    let (like, known) = catalogue.resolve(base.unwrap_or(id));
    if known == Known::Like {
        report.notice(at, format!("the catalogue has no row for this model: it begins as that of {}", like.id));
    }
    let entry = catalogue.overridden(id, base, &row.map(json::members).unwrap_or_default()).ok()?;
    Some((id.to_owned(), Arc::new(entry)))
}
