//! References to fields of a client's request, in the words of no dialect.

use std::borrow::Cow;

/// Stands in a mistake's message for the name of its field, which the client's dialect prints.
pub const NAME: char = '\u{fffc}';

/// A field of a client's request, or of several. A dialect prints it as the path that its clients know; messages are
/// counted as in the client's own list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRef {
    /// The model.
    Model,
    /// The switch between a stream and a whole answer.
    Stream,
    /// All messages.
    Conversation,
    /// The content of this message.
    Content(usize),
    /// The calls of tools in this message.
    ToolCalls(usize),
    /// The call to which the result in this message belongs.
    ToolResult(usize),
    /// The reasoning that came back with this message; `None`: with some.
    PastReasoning(Option<usize>),
    /// The seals on the reasoning that came back with this message.
    Seals(usize),
    /// The ask for reasoning.
    Reasoning,
    /// The effort of reasoning.
    Effort,
    /// The part of the reasoning that is shown.
    ReasoningDisplay,
    /// All tools.
    Tools,
    /// That this tool's arguments must fit its schema.
    ToolStrict(usize),
    /// The schema of this tool's arguments.
    ToolSchema(usize),
    /// The cache points behind tools.
    ToolCachePoints,
    /// The choice among tools.
    ToolChoice,
    /// The switch for several calls in one turn.
    ParallelTools,
    /// The calls of tools in the answer.
    AnsweredCalls,
    /// The most tokens of the answer.
    MaxTokens,
    /// The sampling temperature.
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
    /// The lifetime of a cached prefix.
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
    /// A field that only the dialect knows, by its path there.
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
