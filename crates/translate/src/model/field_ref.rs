//! Where in a client's request something stands, in nobody's words.

use std::borrow::Cow;

/// Stands in a mistake's message for the name of its field, which the client's dialect prints.
pub const NAME: char = '\u{fffc}';

/// A field of a client's request, or of several. A dialect prints it as the path that its clients know; messages are
/// counted as in the client's own list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRef {
    /// The model.
    Model,
    /// Whether the answer is wanted as a stream.
    Stream,
    /// All messages.
    Conversation,
    /// What this message says.
    Content(usize),
    /// The calls of tools in this message.
    ToolCalls(usize),
    /// The call to which the result in this message belongs.
    ToolResult(usize),
    /// The reasoning that came back with this message; `None`: with some.
    PastReasoning(Option<usize>),
    /// What seals the reasoning that came back with this message.
    Seals(usize),
    /// The ask for reasoning.
    Reasoning,
    /// How hard to think.
    Effort,
    /// What is shown of the reasoning.
    ReasoningDisplay,
    /// All tools.
    Tools,
    /// That this tool's arguments must fit its schema.
    ToolStrict(usize),
    /// The schema of this tool's arguments.
    ToolSchema(usize),
    /// The cache points behind tools.
    ToolCachePoints,
    /// Which tool must be called.
    ToolChoice,
    /// Whether one turn may call several tools.
    ParallelTools,
    /// The calls of tools in the answer.
    AnsweredCalls,
    /// The most tokens of the answer.
    MaxTokens,
    /// How freely tokens are drawn.
    Temperature,
    /// Of which share of likely tokens they are drawn.
    TopP,
    /// Of how many likely tokens they are drawn.
    TopK,
    /// The stop sequences.
    Stop,
    /// The form of the answer.
    Format,
    /// The form of the answer, where it is a schema's.
    StructuredFormat,
    /// That schema.
    Schema,
    /// The cache points.
    CachePoints,
    /// How long what stands before a cache point is kept.
    CacheLifetime,
    /// The pairs for the provider's log of calls.
    Metadata,
    /// The tier, or the speed, that is asked of the service.
    ServiceTier,
    /// The guardrail.
    Guardrail,
    /// The beta features.
    Betas,
    /// The members for the model's own body.
    OwnFields,
    /// One of them.
    OwnField(Cow<'static, str>),
    /// Further fields, which are not named.
    Others,
    /// The dialect's own path, for what only it knows.
    Own(Cow<'static, str>),
}

impl FieldRef {
    /// What only the dialect knows, by its path there.
    #[must_use]
    pub fn own(path: impl Into<Cow<'static, str>>) -> Self {
        Self::Own(path.into())
    }

    /// The dialect's own path, where it gave one.
    #[must_use]
    pub fn as_own(&self) -> Option<&str> {
        if let Self::Own(path) = self { Some(path) } else { None }
    }
}
