//! A request to a model, in the words of no dialect.

use super::field_ref::FieldRef;
use super::issuer::Issuer;
use super::raw::Raw;
use super::reasoning::ReasoningAsk;
use super::text::Text;
use std::borrow::Cow;

/// One request. Everything that can be is borrowed from the client's body.
#[derive(Clone, Default)]
pub struct Request<'a> {
    /// The client's body, in bytes: what is written for it will be about as long.
    pub size: usize,
    /// The model the client named.
    pub model: Cow<'a, str>,
    /// Whether it wants the answer as a stream.
    pub stream: bool,
    /// The system prompt: text and cache points only.
    pub system: Vec<Block<'a>>,
    /// The turns, in the client's order, one per message of the client.
    pub messages: Vec<Message<'a>>,
    /// The tools that the model may call, in the client's order.
    pub tools: Vec<Tool<'a>>,
    /// The choice among the tools.
    pub tool_choice: ToolChoice<'a>,
    /// `Some(false)`: at most one call per turn.
    pub parallel_tools: Option<bool>,
    /// The sampling of tokens, and their limit.
    pub sampling: Sampling<'a>,
    /// The ask for reasoning.
    pub reasoning: ReasoningAsk,
    /// The same without what the model's own fields ask, where they ask anything.
    pub reasoning_beside: Option<ReasoningAsk>,
    /// The vendor fields' decisions on reasoning.
    pub own_switches: OwnSwitches<'a>,
    /// The form of the answer.
    pub format: Format<'a>,
    /// `default`, `flex`, `priority` or `reserved`; other words are read away by the dialect.
    pub service_tier: Option<&'static str>,
    /// The faster hardware is wanted, where there is any.
    pub latency_optimized: bool,
    /// Pairs for the provider's invocation log, checked by nobody yet.
    pub metadata: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// A guardrail in Bedrock's own words, a JSON object.
    pub guardrail: Option<Raw<'a>>,
    /// Members for the model's own body in its own words, in the client's order.
    pub additional_fields: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// Names of the vendor's beta features.
    pub betas: Vec<Cow<'a, str>>,
    /// Of those only the ones go on that the model is known to take.
    pub known_betas_only: bool,
    /// The client wants to be told at which stop sequence the answer ended.
    pub tell_stop: bool,
    /// Tools in the vendor's own words, which the client runs.
    pub vendor_tools: Vec<VendorTool<'a>>,
    /// Cache points are to be placed by the gateway, with this time to live.
    pub automatic_cache: Option<CacheTtl>,
    /// Of too many cache points the earliest give way; else those in the middle.
    pub latest_cache_points: bool,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("model", &self.model).field("bytes", &self.size).finish_non_exhaustive()
    }
}

/// The decisions of vendor fields (`additionalModelRequestFields`) beside the neutral fields.
#[derive(Clone, Debug, Default)]
pub struct OwnSwitches<'a> {
    /// They switch the reasoning; else they say at most how hard to work.
    pub switch: bool,
    /// The names of those whose value nobody can read.
    pub unread: Vec<Cow<'a, str>>,
    /// They force the call of a tool.
    pub forced_tool: bool,
    /// There are any members at all.
    pub present: bool,
}

/// One turn.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The role of the speaker.
    pub role: Role,
    /// The content, in order.
    pub content: Vec<Block<'a>>,
    /// The position in the client's list, for errors.
    pub position: usize,
    /// It is known that the model said this without reasoning, so that none is missing.
    pub unreasoned: bool,
}

/// The role of a message's speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator, in the middle of a conversation; leading ones are in [`Request::system`].
    System,
    /// The person, or the tools.
    User,
    /// The model.
    Assistant,
}

/// One part of a message, on the way in or out. Order is kept from end to end.
#[derive(Clone, Debug)]
pub enum Block<'a> {
    /// Text.
    Text(Text<'a>),
    /// Readable reasoning; the text may be empty when only the signature is shown.
    Reasoning {
        /// The thought.
        text: Text<'a>,
        /// The provider's seal on it.
        signature: Option<Text<'a>>,
        /// The issuer of the reasoning, as far as is known.
        issuer: Issuer,
    },
    /// Reasoning that only the provider can read.
    Redacted {
        /// Base64, exactly as it came.
        data: Text<'a>,
        /// The issuer of the reasoning, as far as is known.
        issuer: Issuer,
    },
    /// The model calls a tool.
    ToolUse {
        /// The call's id.
        id: Text<'a>,
        /// The tool's name, as the client knows it.
        name: Cow<'a, str>,
        /// A JSON object.
        input: Raw<'a>,
    },
    /// The result of a tool call.
    ToolResult {
        /// The call's id.
        id: Text<'a>,
        /// Text, images, documents.
        content: Vec<Self>,
        /// The call failed.
        failed: bool,
    },
    /// A picture.
    Image {
        /// `png`, `jpeg`, `gif` or `webp`.
        format: &'static str,
        /// The bytes or their address.
        source: MediaSource<'a>,
    },
    /// A file.
    Document {
        /// `pdf`, `csv`, `doc`, `docx`, `xls`, `xlsx`, `html`, `txt` or `md`.
        format: &'static str,
        /// The file's name, as the client wrote it.
        name: Option<Cow<'a, str>>,
        /// The bytes or their address.
        source: MediaSource<'a>,
        /// What the client says about it, which the model reads and does not cite.
        context: Option<Text<'a>>,
        /// The answer shall say which parts of it it rests on.
        citations: bool,
    },
    /// What a search of the client's found.
    SearchResult {
        /// What names the source, for example its address.
        source: Text<'a>,
        /// Its title.
        title: Text<'a>,
        /// What it says, in parts.
        content: Vec<Text<'a>>,
        /// The answer shall say which parts of it it rests on.
        citations: bool,
    },
    /// Sound.
    Audio {
        /// `mp3`, `wav`, ...
        format: Cow<'a, str>,
        /// The bytes or their address.
        source: MediaSource<'a>,
    },
    /// Text with the sources it rests on.
    Cited {
        /// The text.
        text: Text<'a>,
        /// Its sources.
        citations: Vec<Citation<'a>>,
    },
    /// A cache point: the prefix up to here is worth caching.
    CachePoint(Option<CacheTtl>),
}

impl MediaSource<'_> {
    /// What tells it from others, in pieces.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &str> {
        let (one, parts) = match self {
            Self::Base64(text) | Self::Words(text) | Self::S3 { uri: text, .. } => (Some(text), &[][..]),
            Self::Parts(parts) => (None, parts.as_slice()),
        };
        one.into_iter().chain(parts).map(Text::as_escaped)
    }
}

/// A call of a tool, as a block holds it.
#[derive(Clone, Copy)]
pub(crate) struct ToolCall<'b> {
    pub(crate) id: &'b Text<'b>,
    pub(crate) name: &'b str,
    pub(crate) input: &'b Raw<'b>,
}

impl Block<'_> {
    /// The call of a tool, if it is one.
    pub(crate) fn tool_call(&self) -> Option<ToolCall<'_>> {
        let Self::ToolUse { id, name, input } = self else { return None };
        Some(ToolCall { id, name, input })
    }

    /// Whether it is reasoning, readable or not.
    pub(crate) fn is_reasoning(&self) -> bool {
        matches!(self, Self::Reasoning { .. } | Self::Redacted { .. })
    }

    /// Whether it is reasoning with its provider's seal on it.
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self, Self::Reasoning { signature: Some(_), .. } | Self::Redacted { .. })
    }
}

/// The bytes of a picture or file.
#[derive(Clone, Debug)]
pub enum MediaSource<'a> {
    /// Base64 of the bytes.
    Base64(Text<'a>),
    /// The words of a document.
    Words(Text<'a>),
    /// The words of a document, in the parts that are cited.
    Parts(Vec<Text<'a>>),
    /// An object's URI, `s3://bucket/key`.
    S3 {
        /// The address.
        uri: Text<'a>,
        /// The client's field that holds it.
        field: FieldRef,
    },
}

/// The lifetime of a cached prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheTtl {
    /// `5m`
    FiveMinutes,
    /// `1h`
    OneHour,
}

/// One source of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation<'a> {
    /// The address, when the source is on the web.
    pub url: Option<Text<'a>>,
    /// The source's title.
    pub title: Option<Text<'a>>,
    /// What names the source, when it is a search result.
    pub source: Option<Text<'a>>,
    /// The words of the source that count.
    pub cited: Option<Text<'a>>,
    /// Where they stand in what the client sent.
    pub span: Option<CitedSpan>,
}

/// Where cited words stand in a document or a search result that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CitedSpan {
    /// What is counted.
    pub unit: SpanUnit,
    /// The document, or the search result, among all of them.
    pub of: u64,
    /// The first one.
    pub start: u64,
    /// The one behind the last.
    pub end: u64,
}

/// What the place of cited words is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanUnit {
    /// Characters of a document.
    Characters,
    /// Pages of a document, the first is 1.
    Pages,
    /// Parts of a document that came in parts.
    Parts,
    /// Parts of a search result.
    SearchResult,
}

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    /// The name, as the client knows it.
    pub name: Cow<'a, str>,
    /// The description for the model.
    pub description: Option<Text<'a>>,
    /// The JSON Schema of its arguments, as it came; `None` for a tool without arguments.
    pub schema: Option<Raw<'a>>,
    /// The schema takes something that is no object: it is sent as the only member of one.
    pub wrapped: bool,
    /// The arguments must fit the schema exactly.
    pub strict: Option<bool>,
    /// A cache point follows.
    pub cache_point: Option<Option<CacheTtl>>,
    /// The position in the client's list, for errors.
    pub position: usize,
}

/// A tool that the vendor defines by a name, and the client runs.
#[derive(Clone, Debug)]
pub struct VendorTool<'a> {
    /// Its type with its version, for example `bash_20250124`.
    pub kind: Cow<'a, str>,
    /// The name by which it is called.
    pub name: Cow<'a, str>,
    /// The tool, a JSON object.
    pub raw: Raw<'a>,
    /// The client's field that holds it.
    pub field: FieldRef,
}

/// The choice among tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// The client did not say.
    #[default]
    Unset,
    /// The model decides.
    Auto,
    /// Some tool must be called.
    Required,
    /// No tool may be called.
    None,
    /// This tool must be called.
    Named(Cow<'a, str>),
}

/// The sampling of tokens, and their limit.
#[derive(Clone, Debug, Default)]
pub struct Sampling<'a> {
    /// The most tokens to produce, reasoning included.
    pub max_tokens: Option<u32>,
    /// The field that said so, for errors.
    pub max_tokens_field: Option<FieldRef>,
    /// 0 to 1; clients may send up to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// The number of candidates.
    pub top_k: Option<u32>,
    /// The stop sequences.
    pub stop: Vec<Text<'a>>,
    /// Those of nothing but white space, which Bedrock takes from nobody.
    pub blank_stop: Vec<Text<'a>>,
}

/// The form of the answer.
#[derive(Clone, Debug, Default)]
pub enum Format<'a> {
    /// Any text.
    #[default]
    Text,
    /// Some JSON object, by instruction.
    Json,
    /// JSON that fits a schema.
    Schema {
        /// The schema's name.
        name: Text<'a>,
        /// The description for the model.
        description: Option<Text<'a>>,
        /// The JSON Schema, as it came.
        schema: Raw<'a>,
        /// It must fit exactly.
        strict: bool,
    },
}

impl CacheTtl {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }
}

impl Request<'_> {
    /// Whether some message holds a tool's call or result.
    #[must_use]
    pub fn has_tool_history(&self) -> bool {
        let mut blocks = self.messages.iter().flat_map(|message| &message.content);
        blocks.any(|block| matches!(block, Block::ToolUse { .. } | Block::ToolResult { .. }))
    }
}
