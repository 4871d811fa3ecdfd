//! The tools of a request, for reading calls out of an answer's text.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The tools of a request, as reading calls out of an answer's text needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The tokens in which the model may write calls.
    pub tokens: CallTokens,
    /// The tools' names as sent, with those that the client knows.
    pub tools: BTreeMap<String, String>,
    /// The parameters that are strings whatever they look like, by the tools' names as sent.
    pub strings: BTreeSet<(String, String)>,
}

/// Tokens in which a model may write calls of tools into its text, where Bedrock should have read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallTokens {
    /// `<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{...}<|tool_call_end|>`
    Kimi,
    /// `<function=NAME>`, and `<tool_call>` around it or around an object with a name and arguments
    Function,
    /// `<tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value></tool_call>`, and as `function`
    Glm,
    /// `<minimax:tool_call><invoke name="NAME"><parameter name="KEY">VALUE</parameter></invoke></minimax:tool_call>`
    Minimax,
    /// `<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{...}<｜tool▁call▁end｜>`, and `<｜DSML｜invoke name="NAME">`
    Deepseek,
    /// `[TOOL_CALLS]` before a list of objects with a name and arguments, or before `NAME[ARGS]{...}`
    Mistral,
    /// `<|channel|>commentary to=functions.NAME<|message|>{...}<|call|>`
    Harmony,
}
