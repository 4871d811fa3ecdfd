//! From `ReasoningPolicy` resources, and from `spec.config.reasoning`, to what holds at each target.

use crate::config::ForcedTool;
use crate::config::check::shape::{duration, short};
use crate::config::reasoning::{BindingMismatch, Expose, ReasoningPolicy, Word};
use crate::config::resource::{Document, Kind, Set, spot};
use crate::config::text::json;
use crate::config::text::mistake::{Report, Spot};
use crate::config::text::yaml::Node;
use crate::translate::catalogue::{Catalogue, Entry, Known, Wanted};
use crate::translate::model::reasoning::Effort;
use crate::translate::model::reasoning::Placeholder;
use std::collections::HashMap;
use std::sync::Arc;

/// What a policy can be attached to: kind, namespace, name, and the name of a rule.
pub(in crate::config) type Target = (Kind, String, String, Option<String>);

/// The words of the policies, by what they are attached to.
pub(in crate::config) struct Policies {
    words: HashMap<Target, Word>,
}

impl Policies {
    /// Reads the policies in the order of the files: of two at one target the first holds, and the other is told.
    pub(in crate::config) fn read(set: Set<'_>, report: &mut Report) -> Self {
        let mut found: HashMap<Target, (Word, String)> = HashMap::new();
        for document in set.of(Kind::ServiceBackend) {
            if let Some(own) = own_word(document, report) {
                let target = (Kind::ServiceBackend, document.namespace.clone(), document.name.clone(), None);
                found.insert(target, (own, "its own spec.config.reasoning".to_owned()));
            }
        }
        for document in set.of(Kind::ReasoningPolicy) {
            let mut word = document.root.get("spec").map(word).unwrap_or_default();
            word.models = models(document, report);
            for (index, node) in document.root.items_at("spec.targetRefs").iter().enumerate() {
                let path = format!("spec.targetRefs[{index}]");
                let Some(target) = target(set, document, node, &path, report) else { continue };
                let named = format!("the ReasoningPolicy {}", document.id());
                match found.get(&target) {
                    Some((_, first)) if *first != named => {
                        let message = format!("conflict: {} has {first} already, which holds", described(&target));
                        report.notice(spot(document, node, &path), message);
                    }
                    Some(_) => {}
                    None => {
                        found.insert(target, (word.clone(), named));
                    }
                }
            }
        }
        Self { words: found.into_iter().map(|(target, (word, _))| (target, word)).collect() }
    }

    /// What holds at a backend to which no rule leads.
    pub(in crate::config) fn of_backend(&self, namespace: &str, name: &str) -> Arc<ReasoningPolicy> {
        Arc::new(self.word(Kind::ServiceBackend, namespace, name, None).decided())
    }

    /// What holds at a backend to which this rule of a route leads.
    pub(in crate::config) fn of_rule(
        &self,
        namespace: &str,
        route: &str,
        rule: Option<&str>,
        (backend_namespace, backend): (&str, &str),
    ) -> Arc<ReasoningPolicy> {
        let at_rule = rule.map(|rule| self.word(Kind::GatewayRoute, namespace, route, Some(rule))).unwrap_or_default();
        let at_route = self.word(Kind::GatewayRoute, namespace, route, None);
        let at_backend = self.word(Kind::ServiceBackend, backend_namespace, backend, None);
        Arc::new(at_rule.over(&at_route).over(&at_backend).decided())
    }

    fn word(&self, kind: Kind, namespace: &str, name: &str, section: Option<&str>) -> Word {
        let target = (kind, namespace.to_owned(), name.to_owned(), section.map(str::to_owned));
        self.words.get(&target).cloned().unwrap_or_default()
    }
}

fn described((kind, namespace, name, section): &Target) -> String {
    let kind = if *kind == Kind::GatewayRoute { "AIGatewayRoute" } else { "AIServiceBackend" };
    let of_rule = section.as_ref().map(|section| format!("the rule {section} of "));
    format!("{}{kind} {namespace}/{name}", of_rule.unwrap_or_default())
}

/// What one of the policy's references leads to, or nothing and a notice.
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
        report.problem(spot(document, node, path), message);
    }
    found.map(|_| target)
}

/// `spec.config.reasoning` of the short form.
fn own_word(document: &Document<'_>, report: &mut Report) -> Option<Word> {
    let config = document.root.at("spec.config")?;
    let reasoning = config.get("reasoning")?;
    let mut own = word(reasoning);
    if let Some(row) = reasoning.get("row") {
        let id = config.text_at("model").unwrap_or_default();
        let place = Spot { file: document.file, place: row.place, path: "spec.config.reasoning.row" };
        own.models.extend(model((id, config.text_at("baseModel")), Some(row), place, report));
    }
    Some(own)
}

fn word(spec: &Node) -> Word {
    let number = |path: &str| spec.at(path).and_then(Node::whole).and_then(|value| u64::try_from(value).ok());
    let small = |path: &str| number(path).and_then(|value| u32::try_from(value).ok());
    let off = |path: &str| spec.text_at(path).is_some_and(|text| text.eq_ignore_ascii_case("false"));
    Word {
        default_effort: spec.text_at("default.effort").and_then(|word| match word {
            "none" => Some(Wanted::Off),
            word => Effort::from_word(word).map(Wanted::Effort),
        }),
        most_effort: spec.text_at("limits.effort").and_then(Effort::from_word),
        most_budget: small("limits.budgetTokens"),
        expose: spec.get("expose").map(exposed),
        hidden: spec.text_at("visibility") == Some("Hidden"),
        restore_off: off("restore.enabled"),
        anonymous_off: off("restore.anonymous"),
        max_entries: small("restore.maxEntries"),
        max_bytes: number("restore.maxBytes"),
        max_age: spec.text_at("restore.maxAge").and_then(duration),
        forced_tool: spec.text_at("forcedTool").map(|word| match word {
            "Auto" => ForcedTool::Auto,
            "Refuse" => ForcedTool::Refuse,
            _ => ForcedTool::DropReasoning,
        }),
        binding_mismatch: spec.text_at("bindingMismatch").map(|word| match word {
            "DropBlock" => BindingMismatch::DropBlock,
            _ => BindingMismatch::Fail,
        }),
        repair: spec.text_at("repair").map(|text| text.eq_ignore_ascii_case("true")),
        redacted_text: spec.text_at("redactedText").map(|word| match word {
            "Summary" => Placeholder::Summary,
            "Drop" => Placeholder::Dropped,
            _ => Placeholder::Encrypted,
        }),
        models: Vec::new(),
    }
}

fn exposed(list: &Node) -> Expose {
    let has = |name: &str| list.items().iter().any(|item| item.text() == Some(name));
    Expose {
        reasoning: has("reasoning"),
        reasoning_content: has("reasoning_content"),
        reasoning_details: has("reasoning_details"),
        thinking_blocks: has("thinking_blocks"),
        think_tags: has("think_tags"),
    }
}

fn models(document: &Document<'_>, report: &mut Report) -> Vec<(String, Arc<Entry>)> {
    let nodes = document.root.items_at("spec.models").iter().enumerate();
    let entry = nodes.filter_map(|(index, node)| {
        let path = format!("spec.models[{index}]");
        model((node.text_at("id")?, node.text_at("base")), node.get("row"), spot(document, node, &path), report)
    });
    entry.collect()
}

/// One model's row; its fields were checked before.
fn model(
    (id, base): (&str, Option<&str>),
    row: Option<&Node>,
    at: Spot<'_>,
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
