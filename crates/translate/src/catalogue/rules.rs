//! The operator's rules for reasoning, and the changes of an adjusted retry.

use crate::model::reasoning::Effort;

/// The operator's rules for reasoning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The reasoning that is asked for when a client says nothing.
    pub default: Option<Wanted>,
    /// The largest effort that a client gets.
    pub most_effort: Option<Effort>,
    /// The largest budget of tokens that a client gets.
    pub most_budget: Option<u32>,
    /// The loser where a tool is forced and the model does not reason then, or cannot be forced at all.
    pub forced_tool: ForcedTool,
    /// Reasoning that is bound to another conversation is dropped by the service instead of refused.
    pub drop_mismatched: bool,
    /// Results without a call are left out, and calls without a result get one, instead of a refusal.
    pub repair: bool,
}

/// Reasoning that is asked for on behalf of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No reasoning.
    Off,
    /// Reasoning of this effort.
    Effort(Effort),
}

/// The loser where a forced tool cannot be had with all that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForcedTool {
    /// The reasoning; where that does not help, the tool is asked for in words. The call is what the client waits for.
    #[default]
    DropReasoning,
    /// The force: the tool is asked for in words.
    Auto,
    /// The request: it is refused.
    Refuse,
}

/// The changes of an adjusted retry: the same request once more, without what Bedrock refused in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// No reasoning is sent back.
    pub without_reasoning: bool,
    /// The effort is one step lower.
    pub lower_effort: bool,
    /// Reasoning that is bound to another conversation is to be dropped by the service.
    pub drop_mismatched: bool,
    /// Schemas are asked for in words.
    pub schema_in_words: bool,
    /// Tools that are forced are asked for in words.
    pub tool_in_words: bool,
    /// Tools are offered for whole answers only, even where a stream is wanted.
    pub tools_whole: bool,
    /// Nothing is said of temperature, top-p and top-k.
    pub without_sampling: bool,
    /// No stop sequences are sent; the gateway cuts the answer at them.
    pub stops_here: bool,
    /// The system prompt is put before the user's first words.
    pub system_in_messages: bool,
    /// No tools are offered.
    pub without_tools: bool,
    /// Calls and results have turns of their own.
    pub apart: bool,
    /// Each result stands at the beginning of the turn behind its call, as where a conversation is written anew.
    pub paired: bool,
}

impl Adjustment {
    /// Whether anything is changed.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}
