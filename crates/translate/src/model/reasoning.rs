//! The client's ask for reasoning, and the vocabulary of reasoning controls.

pub mod own;

use super::field_ref::FieldRef;

/// The one value that every dialect's reasoning controls are normalised to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReasoningAsk {
    /// Reasoning on or off, and its budget.
    pub switch: Switch,
    /// The effort, when the client said it in words; stands beside any switch.
    pub effort: Option<Effort>,
    /// The part of the reasoning that the client wants to see.
    pub display: Option<Display>,
    /// The client does not want the reasoning in its answer.
    pub exclude: bool,
    /// The client allows thinking between tool calls (`interleaved-thinking-2025-05-14`).
    pub interleaved: bool,
    /// Thoughts that are bound to another conversation than this one are to be left out, not refused.
    pub drop_mismatched: bool,
    /// The effort says how hard to work, and does not ask for reasoning.
    pub effort_alone: bool,
    /// The client's dialect has no word by which reasoning is left out of an answer.
    pub cannot_exclude: bool,
    /// The field that asked, for errors and warnings; `None`: nobody asked.
    pub field: Option<FieldRef>,
    /// The field that said how hard, where that is another one.
    pub effort_field: Option<FieldRef>,
}

/// The client's switch for reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// It did not say: the model's own default.
    #[default]
    Unset,
    /// Not wanted.
    Off,
    /// Wanted, as much as the model sees fit (or as `effort` says).
    On,
    /// Wanted, with this many tokens at most.
    Budget(u32),
    /// Wanted only between tool calls (`thinking.type: between_tools`).
    BetweenTools,
}

/// The effort of reasoning, in the words that all vendors share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    XHigh,
    /// `max`
    Max,
}

/// The part of its thinking that a model shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// A readable summary.
    Summarized,
    /// Nothing but the signature.
    Omitted,
    /// Now and then a word of what it is doing.
    Updates,
}

/// The treatment of a placeholder: a text that a model writes where its thought would stand, such as Nova's
/// `[REDACTED]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placeholder {
    /// It is shown as reasoning that cannot be read.
    #[default]
    Encrypted,
    /// It is shown as a summary.
    Summary,
    /// It is not shown.
    Dropped,
}

/// What is sent to a model of how hard to reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentEffort {
    /// The level, in the words that all vendors share.
    pub level: Option<Effort>,
    /// The budget, in tokens.
    pub budget: Option<u32>,
}

impl Effort {
    /// Reads the word; `None` for words that are no effort (`none` is a [`Switch::Off`]).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::XHigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

impl ReasoningAsk {
    /// The field that asked.
    #[must_use]
    pub fn field(&self) -> FieldRef {
        self.field.clone().unwrap_or(FieldRef::Reasoning)
    }

    /// The field that said how hard.
    #[must_use]
    pub fn effort_field(&self) -> FieldRef {
        self.effort_field.clone().unwrap_or_else(|| self.field())
    }

    /// Whether the client asked for reasoning in any way.
    #[must_use]
    pub fn wants_reasoning(&self) -> bool {
        let by_effort = self.effort.is_some() && !self.effort_alone;
        !matches!(self.switch, Switch::Unset | Switch::Off) || by_effort && self.switch != Switch::Off
    }
}
