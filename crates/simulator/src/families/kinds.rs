//! The words in which the table says what a family does.

/// The rules of one line of models.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Whose model it is.
    pub(crate) vendor: &'static str,
    /// How new a Claude it is.
    pub(crate) generation: Generation,
    /// How its reasoning is switched.
    pub(crate) switch: Switch,
    /// Whether it reasons when the request says nothing about it.
    pub(crate) on: bool,
    /// The levels of effort that it takes.
    pub(crate) levels: &'static [&'static str],
    /// Those of the levels at which it does not reason.
    pub(crate) quiet: &'static [&'static str],
    /// How its reasoning looks.
    pub(crate) shows: Shows,
    /// Which reasoning it takes back.
    pub(crate) takes: Takes,
    /// What else it refuses, or does in its own way.
    pub(crate) rules: &'static [Rule],
}

/// The generations of Claude, as far as the body of InvokeModel differs between them, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Generation {
    /// No Claude at all.
    Other,
    Three,
    ThreeSeven,
    Four,
    FourFive,
    FourSix,
    FourSeven,
    /// Opus 4.8 and everything after it.
    FourEight,
}

/// The member of `additionalModelRequestFields` that asks for reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// None.
    Nothing,
    /// `thinking.type`, one of these words, and `output_config.effort`.
    Thinking { modes: &'static [&'static str], interleaves: Interleaves },
    /// `reasoning.effort`.
    Object,
    /// `reasoning_effort`.
    Flat,
    /// `reasoning_config`, a string.
    Word,
    /// `reasoningConfig`.
    Nova,
}

/// When Claude thinks again between two calls of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interleaves {
    /// Not at all.
    Never,
    /// With the beta `interleaved-thinking-2025-05-14`, while it has tools.
    WithBeta,
    /// In the adaptive mode.
    WhenAdaptive,
}

/// What reasoning looks like in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    Nothing,
    /// Text with a signature.
    Signed,
    /// Text without one.
    Unsigned,
    /// These words in the place of every thought.
    Always(&'static str),
    /// Encrypted bytes only, in a block that is never said to end.
    Sealed,
    /// Tags inside the ordinary text, when there are tools.
    Tags,
}

/// What may stand in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// No reasoning at all.
    Never,
    /// Its own signed and redacted blocks, and those of these models.
    Signed(&'static [&'static str]),
    /// Text without a signature.
    Unsigned,
    /// Redacted content of its vendor.
    Sealed,
}

/// One thing that a family refuses, or does in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No temperature, `topP` or `top_k`.
    NoSampling,
    /// None of them while it reasons.
    NoSamplingWhileReasoning,
    /// Not temperature and `topP` together.
    OneOfTemperatureAndTopP,
    NoTemperature,
    NoStopSequences,
    NoCachePoints,
    /// No cache points among the tools.
    NoCachePointsInTools,
    /// `maxTokens` of 16 or more.
    SixteenTokens,
    /// `maxTokens` of so many at most.
    MostTokens(u64),
    /// So many stop sequences at most.
    MostStops(usize),
    NoSystem,
    NoDocuments,
    NoTools,
    NoToolsInStreams,
    /// No `-` in the names of tools.
    NoHyphensInTools,
    /// Only `type`, `properties` and `required` at the top of a tool's schema, and no references.
    PlainSchemas,
    NoToolChoice,
    /// Neither `any` nor `tool`.
    NoForcedTool,
    NoForcedToolWhileReasoning,
    NoImagesInResults,
    /// No files in a tool's result.
    NoFilesInResults,
    /// Of files in a tool's result only `csv` and `txt`.
    PlainFilesInResults,
    /// Nothing but results in a turn with results.
    ResultsAlone,
    /// Nothing but calls in a turn with calls.
    CallsAlone,
    /// Ids of calls are nine letters or digits.
    NineLetterIds,
    /// The last message must not be the assistant's.
    NoPrefill,
    NoPrefillWhileReasoning,
    /// The text of a thought is empty unless the request wants a summary.
    HiddenText,
    /// Thoughts belong to the conversation in which they were thought.
    Bound,
    /// No effort above `high` while reasoning is off.
    EffortCappedWhenOff,
    /// The effort needs the beta `effort-2025-11-24`.
    EffortByBeta,
    /// `thinking` is passed over.
    IgnoresThinking,
    /// `reasoningConfig` has a refusal of its own.
    RefusesReasoningConfig,
    /// Says how many tokens were thought, when it is asked.
    CountsThinking,
}

impl Family {
    pub(crate) fn has(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    pub(crate) fn is_claude(&self) -> bool {
        self.vendor == "anthropic"
    }
}
