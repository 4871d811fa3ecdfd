//! `ReasoningPolicy`: how much models reason for clients, and how much of that clients are shown.

use crate::config::resources::common::{Metadata, PolicyTarget};
use crate::config::resources::order::{in_order, in_order_before};
use crate::config::resources::text::{DurationText, ModelId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A policy of how much models reason for clients, and how much of that clients are shown.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>, extend("x-kubernetes-preserve-unknown-fields" = true))]
pub(in crate::config) struct ReasoningPolicyResource {
    /// The name of the resource.
    pub(in crate::config) metadata: Metadata,
    /// The targets and the policy.
    pub(in crate::config) spec: ReasoningPolicySpec,
}

/// The fields of a `ReasoningPolicy` beside those of the policy itself.
const BESIDE_REASONING: &[&str] = &["targetRefs", "models"];

/// The targets of a `ReasoningPolicy` and the policy.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order_before::<Reasoning>(BESIDE_REASONING))]
pub(in crate::config) struct ReasoningPolicySpec {
    /// Routes, rules of routes and backends of the same namespace.
    #[schemars(length(max = 16))]
    pub(in crate::config) target_refs: Vec<PolicyTarget>,
    /// Models that the catalogue does not know, or of which the operator knows better.
    #[serde(default)]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"])
    )]
    pub(in crate::config) models: Vec<ModelOverride>,
    /// The policy.
    #[serde(flatten)]
    pub(in crate::config) policy: Reasoning,
}

/// A model of which the operator knows more than the catalogue.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ModelOverride {
    /// The id by which it is called.
    pub(in crate::config) id: ModelId,
    /// The id of a model of the catalogue that it is like.
    pub(in crate::config) base: Option<ModelId>,
    /// Fields that take the place of the catalogue's.
    pub(in crate::config) row: Option<Map<String, Value>>,
}

/// A policy of reasoning; what it leaves out, another policy or the default decides.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct Reasoning {
    /// The ask of a client that says nothing about reasoning.
    pub(in crate::config) default: Option<DefaultReasoning>,
    /// The most that a client gets.
    pub(in crate::config) limits: Option<ReasoningLimits>,
    /// The fields in which clients are shown reasoning, in place of those that fit the client.
    #[serde(default)]
    #[schemars(length(max = 5))]
    pub(in crate::config) expose: Option<Vec<ExposedField>>,
    /// Whether clients are shown the text of reasoning.
    pub(in crate::config) visibility: Option<Visibility>,
    /// How much of an exchange its operators may observe on the admin listener.
    pub(in crate::config) observe: Option<ObserveLevel>,
    /// The store of turns, out of which reasoning is put back that a client dropped.
    pub(in crate::config) restore: Option<Restore>,
    /// The way out when a client forces a tool on a model that cannot reason then.
    pub(in crate::config) forced_tool: Option<ForcedToolChoice>,
    /// The way out when reasoning comes back into another conversation than its own.
    pub(in crate::config) binding_mismatch: Option<BindingMismatchChoice>,
    /// Whether a conversation whose calls and results do not pair is mended.
    pub(in crate::config) repair: Option<bool>,
    /// Whether a stream that breaks off while its model is thinking begins again, at another backend if there is one.
    pub(in crate::config) restart_while_thinking: Option<bool>,
    /// The text in place of reasoning that the provider redacted.
    pub(in crate::config) redacted_text: Option<RedactedText>,
}

/// The ask of a client that says nothing about reasoning.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct DefaultReasoning {
    /// The effort; `none`: no reasoning.
    pub(in crate::config) effort: EffortOrNone,
}

/// The most that a client gets.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct ReasoningLimits {
    /// The largest effort.
    pub(in crate::config) effort: Option<EffortName>,
    /// The largest budget, in tokens.
    #[schemars(range(min = 1024, max = 4_294_967_295_u32))]
    pub(in crate::config) budget_tokens: Option<u32>,
}

/// The levels of effort, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum EffortName {
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// The levels of effort and none at all, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum EffortOrNone {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// A field of an answer in which reasoning can be shown.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum ExposedField {
    Reasoning,
    ReasoningContent,
    ReasoningDetails,
    ThinkingBlocks,
    ThinkTags,
}

/// Whether clients are shown the text of reasoning: `Full` shows it, `Hidden` hides it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum Visibility {
    Full,
    Hidden,
}

/// How much of an exchange its operators may observe on the admin listener: `Nothing`, its `Metadata`, the text of its
/// `Reasoning` too, or `Everything`, which are the answer and both requests as well.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum ObserveLevel {
    Nothing,
    Metadata,
    Reasoning,
    Everything,
}

/// The store of turns, out of which reasoning is put back that a client dropped.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = in_order::<Self>)]
pub(in crate::config) struct Restore {
    /// Whether turns are remembered.
    pub(in crate::config) enabled: Option<bool>,
    /// The most turns that are kept.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub(in crate::config) max_entries: Option<u32>,
    /// The most bytes that turns take.
    #[schemars(range(min = 1))]
    pub(in crate::config) max_bytes: Option<u64>,
    /// The age at which a turn is forgotten.
    pub(in crate::config) max_age: Option<DurationText>,
    /// Whether turns of callers without credentials are remembered.
    pub(in crate::config) anonymous: Option<bool>,
}

/// The way out when a client forces a tool on a model that cannot reason then.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum ForcedToolChoice {
    Auto,
    DropReasoning,
    Refuse,
}

/// The way out when reasoning comes back into another conversation than its own.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum BindingMismatchChoice {
    Fail,
    DropBlock,
}

/// The text in place of reasoning that the provider redacted.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum RedactedText {
    Encrypted,
    Summary,
    Drop,
}
