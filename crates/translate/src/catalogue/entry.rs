//! One row of the catalogue: what a model can do, and how it wants to be asked.

use super::price::Price;
use crate::model::offer::CallTokens;
use crate::model::reasoning::Effort;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One model, as the catalogue knows it. Source of every field: bedrock-runtime's and the vendors' documentation.
///
/// It is written with every field, in the form in which the data file and an operator's override have it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The base model id, without a region's prefix.
    pub id: String,
    /// The name people use.
    pub name: String,
    /// `anthropic`, `amazon`, ...; decides whose sealed reasoning may be sent.
    pub vendor: String,
    /// Other ids of the same model.
    #[serde(default)]
    pub also: Vec<String>,
    /// The vendor has announced its end.
    #[serde(default)]
    pub legacy: bool,
    /// Served by Converse; some models are served by other endpoints only.
    #[serde(default = "yes")]
    pub converse: bool,
    /// The geographies of its inference profiles.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// The regions in which it is called by its own id; none when that is not known.
    #[serde(default)]
    pub regions: Option<Vec<String>>,
    /// The fields of this row on which sources differ, or which no source proves.
    #[serde(default)]
    pub unproven: Option<String>,
    /// The operator's way out, in words, where such a field is wrong.
    #[serde(default)]
    pub fallback: Option<String>,
    /// A 400 about structured output is worth asking again, with the schema as an instruction.
    #[serde(default)]
    pub fallback_schema: bool,
    /// A 400 about the effort is worth asking again, one level lower.
    #[serde(default)]
    pub fallback_effort: bool,

    /// The shape of the reasoning switch.
    pub control: Control,
    /// The model's reasoning when the request says nothing of it.
    #[serde(default)]
    pub default: Default,
    /// The switch that turns its reasoning off.
    #[serde(default)]
    pub off: Off,
    /// The levels at which it reasons, weakest first.
    #[serde(default, deserialize_with = "levels", serialize_with = "words")]
    pub efforts: Vec<Effort>,
    /// The level when none is said; for people, never sent.
    #[serde(default, deserialize_with = "level", serialize_with = "word")]
    pub default_effort: Option<Effort>,
    /// The largest level that it takes while its reasoning is off.
    #[serde(default, deserialize_with = "level", serialize_with = "word")]
    pub largest_effort_when_off: Option<Effort>,
    /// The least budget of tokens that it takes.
    #[serde(default)]
    pub min_budget: Option<u32>,
    /// The largest budget that it takes, where that is less than its longest answer.
    #[serde(default)]
    pub max_budget: Option<u32>,
    /// Takes `thinking.display`; from Opus 4.7 on there is no text without it.
    #[serde(default)]
    pub display: bool,
    /// Whether it can think between tool calls.
    #[serde(default)]
    pub interleaved: Interleaved,
    /// The word for `reasoning_details[].format`; none for reasoning without a seal.
    #[serde(default)]
    pub reasoning_format: Option<String>,
    /// The kinds of reasoning block it takes back.
    #[serde(default)]
    pub replay: Vec<Replay>,
    /// Its reasoning is bound to the conversation before it.
    #[serde(default)]
    pub bound: bool,
    /// The tag between which it writes thoughts into its text.
    #[serde(default)]
    pub inline_tag: Option<String>,
    /// The tokens in which it may write calls of tools into its text.
    #[serde(default)]
    pub call_tokens: Option<CallTokens>,
    /// The placeholder that it writes in place of a thought that it does not show.
    #[serde(default)]
    pub redacted_text: Option<String>,
    /// The path in the model's own answer at which the reasoning's tokens are counted.
    #[serde(default)]
    pub usage_path: Option<String>,
    /// Whether Converse's `inputTokens` has the tokens of the cache in it.
    #[serde(default)]
    pub usage_input: UsageInput,

    /// The price of its tokens, where it is known.
    #[serde(default, deserialize_with = "shared", serialize_with = "plain")]
    pub price: Option<Arc<Price>>,

    /// The most tokens that one answer may have.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// `maxTokens` is filled in when the client leaves it out: the default of Bedrock is too small to think in.
    #[serde(default)]
    pub fill_max_tokens: bool,
    /// The least `maxTokens` that it takes.
    #[serde(default)]
    pub min_max_tokens: Option<u32>,
    /// Whether it takes temperature, top-p and top-k.
    #[serde(default)]
    pub sampling: Sampling,
    /// Temperature and top-p exclude each other.
    #[serde(default)]
    pub one_of_temperature_top_p: bool,
    /// The path of top-k in the model's own fields: one or two names.
    #[serde(default)]
    pub top_k: Option<String>,
    /// Takes stop sequences.
    #[serde(default = "yes")]
    pub stop: bool,
    /// The most stop sequences that it takes, where that is less than Converse does.
    #[serde(default)]
    pub max_stops: Option<u32>,
    /// Takes text that leads the conversation.
    #[serde(default = "yes")]
    pub system: bool,

    /// Whether it answers in a stream.
    #[serde(default)]
    pub streaming: Streaming,

    /// Takes tools.
    #[serde(default = "yes")]
    pub tools: bool,
    /// Takes `-` in the names of tools.
    #[serde(default = "yes")]
    pub hyphens_in_tools: bool,
    /// The part of JSON Schema that it takes for the arguments of a tool.
    #[serde(default)]
    pub tool_schemas: Schemas,
    /// Whether a tool's call can be forced.
    #[serde(default)]
    pub forced_tool: Allowed,
    /// Takes `tool_choice` in the vendor's own words among the model's own fields.
    #[serde(default)]
    pub own_tool_choice: bool,
    /// Takes `strict` on a tool.
    #[serde(default)]
    pub strict_tools: bool,
    /// The ids of calls that its vendor takes.
    #[serde(default)]
    pub call_ids: CallIds,
    /// Takes pictures inside a tool's result.
    #[serde(default)]
    pub result_images: bool,
    /// The files that it takes inside a tool's result.
    #[serde(default)]
    pub result_documents: ResultDocuments,
    /// The treatment of text that stands in one turn with calls.
    #[serde(default)]
    pub beside_calls: Beside,
    /// The treatment of content that stands in one turn with results.
    #[serde(default)]
    pub beside_results: Beside,
    /// Takes `outputConfig.textFormat`.
    #[serde(default)]
    pub structured_output: bool,
    /// The longest life of a cache point, none for models without them.
    #[serde(default)]
    pub cache: Option<Cache>,
    /// Takes cache points behind tools.
    #[serde(default = "yes")]
    pub cache_tools: bool,
    /// Takes a conversation that the model itself opens.
    #[serde(default)]
    pub leading_assistant: bool,
    /// Takes a conversation that ends with the beginning of the model's answer.
    #[serde(default)]
    pub prefill: Allowed,
    /// Takes names of beta features.
    #[serde(default)]
    pub betas: bool,
    /// The media that it takes beside text; none when that is not known, and the service decides.
    #[serde(default)]
    pub media: Option<Vec<Medium>>,
}

/// The shape of a reasoning switch among the model's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// There is none.
    None,
    /// `thinking: {type: enabled, budget_tokens}`
    Budget,
    /// `thinking: {type: adaptive}` and `output_config: {effort}`
    Adaptive,
    /// `reasoning_effort: WORD`
    ReasoningEffort,
    /// `reasoning: {effort: WORD}`
    ReasoningObject,
    /// `reasoning_config: WORD`
    ReasoningConfig,
    /// `reasoningConfig: {type: enabled, maxReasoningEffort: WORD}`
    Nova,
    /// It is said to reason, and nobody knows the switch.
    Unknown,
}

/// A model's reasoning when the request says nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Default {
    /// It does not.
    #[default]
    Off,
    /// It does, and can be told not to.
    On,
    /// It does, whatever is said.
    AlwaysOn,
}

/// The count of input tokens in a model's usage: `inputTokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageInput {
    /// Without what the cache read and wrote, as Bedrock's documentation says.
    #[default]
    Net,
    /// In streams it is the whole prompt, caches included, and `totalTokens` adds them once more; whole answers are net.
    GrossInStreams,
}

/// The switch that turns reasoning off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// By saying nothing.
    #[default]
    Omit,
    /// `type: disabled` in the model's shape.
    Disabled,
    /// `thinking: {type: between_tools}`, the nearest that there is.
    BetweenTools,
    /// The level `none`.
    NoneWord,
    /// Not at all.
    Impossible,
    /// Nobody knows.
    Unknown,
}

/// Whether a model can think between tool calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interleaved {
    /// No.
    #[default]
    Never,
    /// With the beta `interleaved-thinking-2025-05-14`.
    Beta,
    /// Of itself.
    BuiltIn,
}

/// A kind of reasoning block in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// Text with its signature.
    Signed,
    /// Text alone.
    Unsigned,
    /// Bytes that only the provider can read.
    Redacted,
}

/// Whether a model takes temperature, top-p and top-k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// It does.
    #[default]
    Free,
    /// Not while it reasons.
    NotWhileReasoning,
    /// It does not.
    Never,
}

/// Whether a model takes something that reasoning may exclude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// It does.
    #[default]
    Allowed,
    /// It does, and then does not reason.
    InsteadOfReasoning,
    /// Not while it reasons.
    NotWhileReasoning,
    /// It does not.
    Refused,
}

/// The part of JSON Schema that a model takes for the arguments of a tool. No model takes a choice between several at
/// the top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schemas {
    /// All of it.
    #[default]
    Full,
    /// No references.
    NoReferences,
    /// No references, and nothing but `type`, `properties` and `required` at the top.
    Plain,
}

/// Whether a model answers in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Streaming {
    /// It does.
    #[default]
    Allowed,
    /// Not where it is offered tools.
    NotWithTools,
    /// It does not.
    Refused,
}

/// The ids of calls that a vendor takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallIds {
    /// Those that Bedrock takes.
    #[default]
    Any,
    /// Nine letters or digits.
    Nine,
}

/// The files that a model takes inside a tool's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultDocuments {
    /// None.
    #[default]
    None,
    /// `csv` and `txt`.
    Plain,
    /// All that it takes elsewhere.
    All,
}

/// The treatment of content that a model does not take beside a call or a result in one turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// It takes both together.
    #[default]
    Together,
    /// It has a turn of its own.
    Apart,
    /// It is left out.
    LeftOut,
}

/// The longest time that a cached prefix can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Cache {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// An hour.
    #[serde(rename = "1h")]
    OneHour,
}

/// A medium that a model takes beside text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Pictures.
    Image,
    /// Files.
    Document,
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
}

impl Entry {
    /// Whether it can reason at all.
    #[must_use]
    pub fn can_reason(&self) -> bool {
        self.control != Control::None || self.default != Default::Off
    }

    /// Whether a row of the catalogue describes it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.id != UNKNOWN
    }

    /// The ids by which Converse serves it in a region, as far as is known.
    pub fn ids_in<'s>(&'s self, region: &str) -> impl Iterator<Item = String> + use<'s> {
        let here = self.regions.as_ref().is_none_or(|regions| regions.iter().any(|known| known == region));
        let near = super::ids::geographies(region);
        let profiles = self.profiles.iter().filter(move |geography| near.contains(&geography.as_str()));
        let profiles = profiles.map(|geography| format!("{geography}.{}", self.id));
        let own = here.then(|| self.id.clone());
        own.into_iter().chain(profiles).filter(|_| self.converse)
    }

    /// The word for `reasoning_details[].format`.
    #[must_use]
    pub fn reasoning_format(&self) -> Option<&str> {
        self.reasoning_format.as_deref()
    }

    /// The id by which this model knows its own reasoning, whatever id it is called by.
    #[must_use]
    pub fn base_of<'s>(&'s self, model_id: &'s str) -> &'s str {
        if self.is_known() { &self.id } else { model_id }
    }

    /// Whether it takes reasoning blocks of this kind back.
    #[must_use]
    pub fn takes_back(&self, kind: Replay) -> bool {
        self.replay.contains(&kind)
    }

    /// Whether it may take any reasoning back; of one of which nothing is known that is not told.
    #[must_use]
    pub fn may_take_back(&self) -> bool {
        !self.replay.is_empty() || !self.is_known()
    }

    /// Whether it takes this medium beside text, as far as is known.
    #[must_use]
    pub fn takes(&self, medium: Medium) -> bool {
        self.media.as_ref().is_none_or(|media| media.contains(&medium))
    }
}

fn yes() -> bool {
    true
}

fn levels<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Effort>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    let levels = words.iter().map(|word| known_level(word)).collect::<Result<Vec<_>, _>>()?;
    if !levels.is_sorted_by(|a, b| a < b) {
        return Err(serde::de::Error::custom("the levels must go from the weakest to the strongest, each once"));
    }
    Ok(levels)
}

fn shared<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Arc<Price>>, D::Error> {
    Ok(Option::<Price>::deserialize(from)?.map(Arc::new))
}

fn plain<S: serde::Serializer>(price: &Option<Arc<Price>>, to: S) -> Result<S::Ok, S::Error> {
    price.as_deref().serialize(to)
}

fn level<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Effort>, D::Error> {
    Option::<String>::deserialize(from)?.map(|word| known_level(&word)).transpose()
}

fn known_level<E: serde::de::Error>(word: &str) -> Result<Effort, E> {
    Effort::from_word(word).ok_or_else(|| E::custom(format!("`{word}` is no level of effort")))
}

fn words<S: serde::Serializer>(levels: &[Effort], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(levels.iter().map(|level| level.word()))
}

fn word<S: serde::Serializer>(level: &Option<Effort>, to: S) -> Result<S::Ok, S::Error> {
    level.map(Effort::word).serialize(to)
}

/// The id of that row.
const UNKNOWN: &str = "unknown";

/// The row for models that no row describes: nothing is assumed that a model might refuse.
#[expect(clippy::too_many_lines, reason = "a line for each field")]
pub(super) fn unknown() -> Entry {
    Entry {
        id: UNKNOWN.to_owned(),
        name: "a model that the catalogue does not know".to_owned(),
        vendor: "unknown".to_owned(),
        also: Vec::new(),
        legacy: false,
        converse: true,
        profiles: Vec::new(),
        regions: None,
        unproven: Some("nothing is known of this model".to_owned()),
        fallback: Some("nothing is sent that a model might refuse".to_owned()),
        fallback_schema: false,
        fallback_effort: false,
        control: Control::None,
        default: Default::Off,
        off: Off::Omit,
        efforts: Vec::new(),
        default_effort: None,
        largest_effort_when_off: None,
        min_budget: None,
        max_budget: None,
        display: false,
        interleaved: Interleaved::Never,
        reasoning_format: None,
        replay: Vec::new(),
        bound: false,
        inline_tag: None,
        call_tokens: None,
        redacted_text: None,
        usage_path: None,
        usage_input: UsageInput::Net,
        price: None,
        max_output_tokens: None,
        fill_max_tokens: false,
        min_max_tokens: None,
        sampling: Sampling::Free,
        // Behind an id that does not tell may be a model that takes only one of them.
        one_of_temperature_top_p: true,
        top_k: None,
        stop: true,
        max_stops: None,
        system: true,
        streaming: Streaming::Allowed,
        tools: true,
        hyphens_in_tools: true,
        tool_schemas: Schemas::Full,
        forced_tool: Allowed::Allowed,
        own_tool_choice: false,
        strict_tools: false,
        call_ids: CallIds::Any,
        result_images: false,
        result_documents: ResultDocuments::None,
        beside_calls: Beside::Together,
        beside_results: Beside::Together,
        structured_output: false,
        cache: None,
        cache_tools: true,
        leading_assistant: false,
        prefill: Allowed::Allowed,
        betas: false,
        media: None,
    }
}
