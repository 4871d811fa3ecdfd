//! The reasoning policy of an operator: one for each target that a request can be sent to.

use crate::translate::catalogue::{Catalogue, Entry, ForcedTool, Rules, Wanted, base_id};
use crate::translate::dialect::Dialect;
use crate::translate::dialect::openai_chat::{Details, ReasoningFields};
use crate::translate::model::reasoning::Effort;
use crate::translate::model::reasoning::Placeholder;
use crate::translate::translation::Exposure;
use std::sync::Arc;
use std::time::Duration;

/// The reasoning policy of one backend, or of one backend of a rule: all layers merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningPolicy {
    /// The effort asked for when a client says nothing about reasoning. `None`: the model decides.
    pub default_effort: Option<Wanted>,
    /// The largest effort that a client gets.
    pub most_effort: Option<Effort>,
    /// The largest budget of tokens that a client gets.
    pub most_budget: Option<u32>,
    /// The fields in which reasoning is shown. `None`: those that the client speaks.
    pub expose: Option<Expose>,
    /// No client sees any reasoning; it is put back between turns all the same.
    pub hidden: bool,
    /// How much of an exchange may be observed on the admin listener.
    pub observe: Observe,
    /// `namespace/name` of the resource that says so; `None`: it is the default.
    pub observe_by: Option<Arc<str>>,
    /// The store of reasoning that clients drop.
    pub restore: RestorePolicy,
    /// The part of a request that gives way when a tool is forced on a model that does not reason then, or cannot be
    /// forced at all.
    pub forced_tool: ForcedTool,
    /// The treatment of signed reasoning that comes back into another conversation than its own.
    pub binding_mismatch: BindingMismatch,
    /// Whether conversations with results of no call, or calls without a result, are mended instead of refused. `None`: those
    /// of Messages, whose clients keep what they once sent and would be refused for ever.
    pub repair: Option<bool>,
    /// Whether a stream that breaks off while its model is thinking begins again. `None`: where no signed thought is shown.
    pub restart_while_thinking: Option<bool>,
    /// The treatment of a placeholder that stands where reasoning would, such as Nova's `[REDACTED]`.
    pub redacted_text: Placeholder,
    /// Catalogue entries of the operator's, which take the place of the built-in ones, by model id, profile id or ARN;
    /// the first counts.
    pub models: Vec<(String, Arc<Entry>)>,
}

/// How much of an exchange may be observed on the admin listener, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observe {
    /// Nothing: it is not listed.
    Nothing,
    /// Who asked what for, where it went, how long it took and what it cost, without any text.
    #[default]
    Metadata,
    /// The text of its reasoning too.
    Reasoning,
    /// All texts: the reasoning, the answer, the tool calls, and the request as it came and as it was sent.
    Everything,
}

impl Observe {
    /// Its word, in the admin API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Metadata => "metadata",
            Self::Reasoning => "reasoning",
            Self::Everything => "everything",
        }
    }
}

/// The most that one policy lets operators observe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObserveRule {
    pub(super) most: Observe,
    /// `namespace/name` of the policy.
    pub(super) by: Arc<str>,
}

/// The fields of Chat Completions in which reasoning is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expose {
    /// `reasoning`
    pub reasoning: bool,
    /// `reasoning_content`
    pub reasoning_content: bool,
    /// `reasoning_details`
    pub reasoning_details: bool,
    /// `thinking_blocks`
    pub thinking_blocks: bool,
    /// `<think>` within the content.
    pub think_tags: bool,
}

/// The store of turns, out of which reasoning is restored that clients drop: its size and its lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestorePolicy {
    /// Whether turns are stored.
    pub enabled: bool,
    /// Whether turns are stored of callers without credentials, who count as one caller.
    pub anonymous: bool,
    /// The most turns.
    pub max_entries: u32,
    /// The most bytes.
    pub max_bytes: u64,
    /// The longest time.
    pub max_age: Duration,
}

impl Default for RestorePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            anonymous: true,
            max_entries: 10_000,
            max_bytes: 64 << 20,
            max_age: Duration::from_secs(3600),
        }
    }
}

/// The treatment of signed reasoning that comes back into another conversation than its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindingMismatch {
    /// The service refuses the request.
    #[default]
    Fail,
    /// The service drops the block.
    DropBlock,
}

impl ReasoningPolicy {
    /// The row that the operator gives a model: by this very id, else by the base id in it.
    #[must_use]
    pub fn entry(&self, model_id: &str) -> Option<&Arc<Entry>> {
        let by = |wanted: &str| self.models.iter().find(|(id, _)| id == wanted).map(|(_, entry)| entry);
        if self.models.is_empty() { None } else { by(model_id).or_else(|| by(base_id(model_id)?)) }
    }

    /// The row that counts for the model called by `model_id`: the operator's, else the catalogue's for `base`, where
    /// that is given, or for the id.
    #[must_use]
    pub fn entry_or_known(&self, model_id: &str, base: Option<&str>) -> &Entry {
        match self.entry(model_id) {
            Some(entry) => entry,
            None => Catalogue::builtin().lookup(base.unwrap_or(model_id)),
        }
    }

    /// The rules for the reasoning that a request asks for.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            default: self.default_effort,
            most_effort: self.most_effort,
            most_budget: self.most_budget,
            forced_tool: self.forced_tool,
            drop_mismatched: self.binding_mismatch == BindingMismatch::DropBlock,
            repair: self.repair == Some(true),
        }
    }

    /// The same for a request in this dialect.
    #[must_use]
    pub fn rules_for(&self, dialect: Dialect) -> Rules {
        let repair = self.repair.unwrap_or(dialect == Dialect::AnthropicMessages);
        Rules { repair, ..self.rules() }
    }

    /// Whether a stream of this model begins again that breaks off while only reasoning of it was told.
    #[must_use]
    pub fn restarts(&self, entry: &Entry) -> bool {
        self.restart_while_thinking.unwrap_or_else(|| self.hidden || entry.reasoning_format.is_none())
    }

    /// The rules for the reasoning that an answer shows.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        Exposure {
            pinned: self.expose.map(ReasoningFields::from),
            hidden: self.hidden,
            on_placeholder: self.redacted_text,
        }
    }
}

impl From<Expose> for ReasoningFields {
    fn from(expose: Expose) -> Self {
        Self {
            reasoning: expose.reasoning,
            reasoning_content: expose.reasoning_content,
            details: if expose.reasoning_details { Details::Full } else { Details::None },
            thinking_blocks: expose.thinking_blocks,
            think_tags: expose.think_tags,
        }
    }
}

/// One layer of a reasoning policy, from one resource: fields that it leaves out are taken from the layer below.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PolicyLayer {
    pub(super) default_effort: Option<Wanted>,
    pub(super) most_effort: Option<Effort>,
    pub(super) most_budget: Option<u32>,
    pub(super) expose: Option<Expose>,
    pub(super) hidden: bool,
    pub(super) observe: Option<ObserveRule>,
    pub(super) restore_off: bool,
    pub(super) anonymous_off: bool,
    pub(super) max_entries: Option<u32>,
    pub(super) max_bytes: Option<u64>,
    pub(super) max_age: Option<Duration>,
    pub(super) forced_tool: Option<ForcedTool>,
    pub(super) binding_mismatch: Option<BindingMismatch>,
    pub(super) repair: Option<bool>,
    pub(super) restart_while_thinking: Option<bool>,
    pub(super) redacted_text: Option<Placeholder>,
    pub(super) models: Vec<(String, Arc<Entry>)>,
}

impl PolicyLayer {
    /// This word where it says something, else the wider one; limits of both hold, and so does what either hides.
    pub(super) fn over(&self, wider: &Self) -> Self {
        let models = self.models.iter().chain(&wider.models);
        Self {
            default_effort: self.default_effort.or(wider.default_effort),
            most_effort: smaller(self.most_effort, wider.most_effort),
            most_budget: smaller(self.most_budget, wider.most_budget),
            expose: self.expose.or(wider.expose),
            hidden: self.hidden || wider.hidden,
            observe: stricter(self.observe.as_ref(), wider.observe.as_ref()).cloned(),
            restore_off: self.restore_off || wider.restore_off,
            anonymous_off: self.anonymous_off || wider.anonymous_off,
            max_entries: self.max_entries.or(wider.max_entries),
            max_bytes: self.max_bytes.or(wider.max_bytes),
            max_age: self.max_age.or(wider.max_age),
            forced_tool: self.forced_tool.or(wider.forced_tool),
            binding_mismatch: self.binding_mismatch.or(wider.binding_mismatch),
            repair: self.repair.or(wider.repair),
            restart_while_thinking: self.restart_while_thinking.or(wider.restart_while_thinking),
            redacted_text: self.redacted_text.or(wider.redacted_text),
            models: models.cloned().collect(),
        }
    }

    /// The policy of merged layers, with defaults for the fields that no layer has.
    pub(super) fn decided(self) -> ReasoningPolicy {
        let usual = RestorePolicy::default();
        let (observe, observe_by) = match self.observe {
            Some(rule) => (rule.most, Some(rule.by)),
            None => (Observe::default(), None),
        };
        let limited = |effort: Effort| self.most_effort.map_or(effort, |most| effort.min(most));
        ReasoningPolicy {
            default_effort: self.default_effort.map(|wanted| match wanted {
                Wanted::Effort(effort) => Wanted::Effort(limited(effort)),
                Wanted::Off => Wanted::Off,
            }),
            most_effort: self.most_effort,
            most_budget: self.most_budget,
            expose: self.expose,
            hidden: self.hidden,
            observe,
            observe_by,
            restore: RestorePolicy {
                enabled: !self.restore_off,
                anonymous: !self.anonymous_off,
                max_entries: self.max_entries.unwrap_or(usual.max_entries),
                max_bytes: self.max_bytes.unwrap_or(usual.max_bytes),
                max_age: self.max_age.unwrap_or(usual.max_age),
            },
            forced_tool: self.forced_tool.unwrap_or_default(),
            binding_mismatch: self.binding_mismatch.unwrap_or_default(),
            repair: self.repair,
            restart_while_thinking: self.restart_while_thinking,
            redacted_text: self.redacted_text.unwrap_or_default(),
            models: self.models,
        }
    }
}

/// The policy that lets operators observe less; of two equal ones the first.
fn stricter<'r>(one: Option<&'r ObserveRule>, other: Option<&'r ObserveRule>) -> Option<&'r ObserveRule> {
    one.into_iter().chain(other).min_by_key(|rule| rule.most)
}

/// The smaller of two limits, of which each may be missing.
fn smaller<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_word_wins_but_never_loosens() {
        let wide = PolicyLayer {
            default_effort: Some(Wanted::Effort(Effort::High)),
            most_effort: Some(Effort::Medium),
            most_budget: Some(9000),
            hidden: true,
            restore_off: true,
            anonymous_off: true,
            max_entries: Some(1),
            repair: Some(true),
            forced_tool: Some(ForcedTool::DropReasoning),
            ..PolicyLayer::default()
        };
        let narrow = PolicyLayer {
            most_effort: Some(Effort::Max),
            most_budget: Some(2000),
            expose: Some(Expose { reasoning: true, ..Expose::default() }),
            max_entries: Some(2),
            forced_tool: Some(ForcedTool::Auto),
            ..PolicyLayer::default()
        };
        let policy = narrow.over(&wide).decided();
        assert_eq!(policy.default_effort, Some(Wanted::Effort(Effort::Medium)), "within the limit");
        assert_eq!((policy.most_effort, policy.most_budget), (Some(Effort::Medium), Some(2000)));
        assert!(!policy.restore.anonymous);
        assert!(policy.hidden && !policy.restore.enabled && policy.expose.is_some_and(|shown| shown.reasoning));
        assert_eq!((policy.restore.max_entries, policy.forced_tool), (2, ForcedTool::Auto));
        assert_eq!(policy.repair, Some(true));
        assert_eq!(PolicyLayer { repair: Some(false), ..narrow }.over(&wide).decided().repair, Some(false));
        assert_eq!(PolicyLayer::default().over(&wide).decided(), wide.decided());
    }

    #[test]
    fn of_several_policies_the_one_counts_that_lets_operators_observe_least() {
        let layer = |most, by: &str| PolicyLayer {
            observe: Some(ObserveRule { most, by: by.into() }),
            ..PolicyLayer::default()
        };
        let decided = |narrow: &PolicyLayer, wide: &PolicyLayer| {
            let policy = narrow.over(wide).decided();
            (policy.observe, policy.observe_by.as_deref().map(str::to_owned))
        };
        let (open, strict, none) =
            (layer(Observe::Everything, "d/a"), layer(Observe::Nothing, "d/b"), PolicyLayer::default());
        assert_eq!(decided(&none, &none), (Observe::Metadata, None));
        assert_eq!(decided(&open, &none), (Observe::Everything, Some("d/a".to_owned())));
        assert_eq!(decided(&none, &open), (Observe::Everything, Some("d/a".to_owned())));
        for either in [decided(&open, &strict), decided(&strict, &open)] {
            assert_eq!(either, (Observe::Nothing, Some("d/b".to_owned())));
        }
        assert_eq!(decided(&open, &layer(Observe::Everything, "d/c")).1.as_deref(), Some("d/a"));
    }

    #[test]
    fn an_operators_row_is_found_by_the_id_or_by_its_base() {
        let entry = |name: &str| {
            let entry = Catalogue::builtin().lookup("anthropic.claude-opus-4-8").clone();
            Arc::new(Entry { name: name.to_owned(), ..entry })
        };
        let of = |id: &str, name: &str| (id.to_owned(), entry(name));
        let models = vec![of("eu.anthropic.claude-opus-4-8", "eu"), of("anthropic.claude-opus-4-8", "all")];
        let policy = ReasoningPolicy { models, ..ReasoningPolicy::default() };
        let name = |id: &str| policy.entry(id).map(|entry| entry.name.as_str());
        assert_eq!(name("eu.anthropic.claude-opus-4-8"), Some("eu"));
        assert_eq!(name("us.anthropic.claude-opus-4-8"), Some("all"));
        assert_eq!(name("anthropic.claude-opus-4-7"), None);
        assert_eq!(policy.entry_or_known("anthropic.claude-opus-4-7", None).id, "anthropic.claude-opus-4-7");
        assert_eq!(policy.entry_or_known("mine", Some("amazon.nova-2-lite-v1:0")).id, "amazon.nova-2-lite-v1:0");
    }

    #[test]
    fn the_translators_words_for_it() {
        let policy = ReasoningPolicy {
            default_effort: Some(Wanted::Off),
            expose: Some(Expose { reasoning_details: true, think_tags: true, ..Expose::default() }),
            forced_tool: ForcedTool::Refuse,
            binding_mismatch: BindingMismatch::DropBlock,
            repair: Some(true),
            redacted_text: Placeholder::Dropped,
            ..ReasoningPolicy::default()
        };
        let rules = policy.rules();
        assert_eq!((rules.forced_tool, rules.default), (ForcedTool::Refuse, Some(Wanted::Off)));
        assert!(rules.drop_mismatched && rules.repair);
        let shown = policy.exposure().pinned.unwrap_or_default();
        assert_eq!((shown.details, shown.think_tags, shown.reasoning), (Details::Full, true, false));
        assert_eq!(ReasoningPolicy::default().rules(), Rules::default());
        let repairs =
            |repair, dialect| ReasoningPolicy { repair, ..ReasoningPolicy::default() }.rules_for(dialect).repair;
        assert!(repairs(None, Dialect::AnthropicMessages) && !repairs(None, Dialect::OpenAiChat));
        assert!(repairs(Some(true), Dialect::OpenAiChat) && !repairs(Some(false), Dialect::AnthropicMessages));
        assert_eq!(ReasoningPolicy::default().exposure(), Exposure::default());
    }
}
