//! One probe: its subject, the catalogue row that it assumes, and its outcome.

use aquifer_gateway::translate::catalogue::{Control, Entry, Off, Replay};
use aquifer_gateway::translate::model::reasoning::Effort;
use aquifer_gateway::translate::wire::slice::Slice as _;
use serde_json::{Value, json};

/// The subject of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A question and nothing else: whether it is answered, and whether the model reasons by itself.
    Plain,
    /// The least limit of tokens.
    Limit,
    /// Reasoning, switched on in this shape, in a stream.
    On(Control),
    /// The same with or without `display`.
    Display(bool),
    /// A level of effort.
    Level(Effort),
    /// Reasoning, switched off in this way.
    Off(Off),
    /// A tool that is offered.
    Tool,
    /// The answer of a tool, beside the reasoning that led to the call, of this kind; or beside none.
    Back(Option<Replay>),
    /// A tool that is offered, in a stream.
    Streamed,
    /// A system prompt.
    System,
    /// A tool's result that holds a picture; or the same with words, to see what was refused.
    Result { picture: bool },
    /// A tool that is forced.
    Forced(Mind),
    /// An answer that fits a schema.
    Schema,
    /// A temperature.
    Temperature(Mind),
    /// A temperature together with a top-p.
    TopP,
    /// A top-k.
    TopK,
    /// A stop sequence.
    Stop,
    /// A prefilled beginning of the answer.
    Prefill(Mind),
}

/// Whether reasoning is switched on during a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mind {
    /// Reasoning is off.
    Calm,
    /// Reasoning is on.
    Thinking,
}

/// A probe, ready to be rendered as a client's request would be.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// The subject.
    pub(super) what: What,
    /// The row that would be true if it worked: the request is rendered by it.
    pub(super) row: Entry,
    /// The request, as a client of Chat Completions says it.
    pub(super) question: Value,
    /// Reasoning is expected: an answer without any is worth asking for once more.
    pub(super) hoped: bool,
}

/// The outcome of a probe.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It was answered.
    Answered(Answer),
    /// Bedrock or the model refused the request.
    Refused(String),
    /// Nothing was learned, and why.
    Unprobed(String),
}

/// The observations in an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The kinds of reasoning blocks in it, each once.
    pub(super) thoughts: Vec<Replay>,
    /// The readable reasoning.
    pub(super) thought: String,
    /// The text.
    pub(super) text: String,
    /// It calls a tool.
    pub(super) calls: bool,
    /// It came to its limit of tokens.
    pub(super) cut: bool,
    /// The message as a client of Chat Completions gets it; null for a stream.
    pub(super) message: Value,
    /// The tokens that were billed.
    pub(super) tokens: Tokens,
}

/// Token counts, as Bedrock reported them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) output: u64,
}

impl Answer {
    /// Whether the model reasoned: a limit that is used up without a word was used up by thoughts.
    pub(super) fn reasons(&self) -> bool {
        !self.thoughts.is_empty() || self.cut && self.text.is_empty() && !self.calls
    }
}

impl Outcome {
    /// The answer, if there is one.
    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Refused(_) | Self::Unprobed(_) => None,
        }
    }

    /// In a few words.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Answered(answer) if answer.reasons() => "accepted, with reasoning".to_owned(),
            Self::Answered(_) => "accepted, without reasoning".to_owned(),
            Self::Refused(message) => format!("refused: {}", shortened(message)),
            Self::Unprobed(why) => format!("not probed: {}", shortened(why)),
        }
    }
}

impl What {
    /// The field of the catalogue that it is about.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Plain => "default",
            Self::Limit => "min_max_tokens",
            Self::On(_) => "control",
            Self::Display(_) => "display",
            Self::Level(_) => "efforts",
            Self::Off(_) => "off",
            Self::Tool => "tools",
            Self::Back(_) => "replay",
            Self::Streamed => "streaming",
            Self::System => "system",
            Self::Result { .. } => "result_images",
            Self::Forced(_) => "forced_tool",
            Self::Schema => "structured_output",
            Self::Temperature(_) => "sampling",
            Self::TopP => "one_of_temperature_top_p",
            Self::TopK => "top_k",
            Self::Stop => "stop",
            Self::Prefill(_) => "prefill",
        }
    }

    /// In words.
    pub(super) fn title(self) -> String {
        match self {
            Self::Plain => "a plain question".to_owned(),
            Self::Limit => "maxTokens 1".to_owned(),
            Self::On(control) => format!("reasoning by {}", word(&json!(control))),
            Self::Display(true) => "reasoning with display".to_owned(),
            Self::Display(false) => "reasoning without display".to_owned(),
            Self::Level(level) => format!("the effort {}", level.word()),
            Self::Off(off) => format!("reasoning off by {}", word(&json!(off))),
            Self::Tool => "a tool".to_owned(),
            Self::Back(Some(kind)) => format!("its {} reasoning back in a tool loop", word(&json!(kind))),
            Self::Back(None) => "a tool loop without reasoning".to_owned(),
            Self::Streamed => "a tool in a stream".to_owned(),
            Self::System => "a system text".to_owned(),
            Self::Result { picture: true } => "an image in a tool's result".to_owned(),
            Self::Result { picture: false } => "words in a tool's result".to_owned(),
            Self::Forced(mind) => format!("a forced tool{}", mind.words()),
            Self::Schema => "a JSON schema".to_owned(),
            Self::Temperature(mind) => format!("a temperature{}", mind.words()),
            Self::TopP => "a temperature and a top-p".to_owned(),
            Self::TopK => "a top-k".to_owned(),
            Self::Stop => "a stop sequence".to_owned(),
            Self::Prefill(mind) => format!("a prefill{}", mind.words()),
        }
    }
}

impl Mind {
    fn words(self) -> &'static str {
        match self {
            Self::Calm => "",
            Self::Thinking => " while it reasons",
        }
    }
}

/// The word of the data file for a value.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The most of a message that is shown.
const SHOWN: usize = 160;

/// A message in one line, without what stands before every one, and no longer than a line or two.
pub(super) fn shortened(message: &str) -> String {
    let message = message.strip_prefix("The model returned the following errors: ").unwrap_or(message);
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", line.upto(end)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_used_up_in_silence_was_used_up_by_thoughts() {
        let silent = Answer { cut: true, ..Answer::default() };
        assert!(silent.reasons());
        assert!(!Answer { text: "Yes".to_owned(), ..silent.clone() }.reasons());
        assert!(!Answer { calls: true, ..silent.clone() }.reasons());
        assert!(!Answer { cut: false, ..silent }.reasons());
    }

    #[test]
    fn messages_are_shortened_to_what_is_said() {
        assert_eq!(shortened("The model returned the following errors: no\n  way"), "no way");
        let long = shortened(&"é".repeat(500));
        assert_eq!((long.chars().count(), long.ends_with("...")), (SHOWN + 3, true));
    }

    #[test]
    fn probes_have_words_of_the_data_file() {
        assert_eq!(What::On(Control::ReasoningObject).title(), "reasoning by reasoning_object");
        assert_eq!(What::Off(Off::BetweenTools).title(), "reasoning off by between_tools");
        assert_eq!(What::Forced(Mind::Thinking).title(), "a forced tool while it reasons");
    }
}
