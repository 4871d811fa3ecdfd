//! The tokens of each kind of model, and what stands between them.
//!
//! Sources: the chat templates of Kimi K2, Qwen3 and Qwen3-Coder, GLM-4.5, MiniMax-M2, DeepSeek R1, V3.1 and V3.2, Llama's
//! prompt format, Mistral's tokenizers, and OpenAI's Harmony format.

mod tagged;

use super::Voice;
use crate::model::offer::{CallTokens, Offer};
use serde_json::{Map, Value};

/// The first of a model's tokens in a text.
pub(super) enum Found {
    /// A section begins here.
    Opens(usize),
    /// A token without a section.
    Stray { at: usize, length: usize },
    /// None, but one may begin here, behind the end.
    Perhaps(usize),
}

/// A section of the text between a model's tokens, read.
pub(super) enum Section {
    /// Calls: the client's names, and arguments as JSON.
    Calls(Vec<(String, String)>),
    /// A channel's head: the text behind it is of this kind.
    Speaks(Voice),
    /// Nobody knows.
    Unread,
}

/// The tokens that begin a section, those that end it, and those that may stand behind one.
struct Tokens {
    opens: &'static [&'static str],
    /// The tokens that end a section, by the one that it began with.
    closes: &'static [(&'static str, &'static [&'static str])],
    stray: &'static [&'static str],
}

const CALL: &str = "<|tool_call_begin|>";
const ARGUMENTS: &str = "<|tool_call_argument_begin|>";
const CALL_END: &str = "<|tool_call_end|>";
const KIMI: Tokens = Tokens {
    opens: &["<|tool_calls_section_begin|>", CALL],
    closes: &[("<|tool_calls_section_begin|>", &["<|tool_calls_section_end|>"]), (CALL, &[CALL_END])],
    stray: &["<|tool_calls_section_end|>", CALL_END, ARGUMENTS],
};

const TAGS: Tokens = Tokens {
    opens: &["<tool_call>", "<function="],
    closes: &[("<tool_call>", &["</tool_call>"]), ("<function=", &["</function>"])],
    stray: &["</tool_call>", "</function>"],
};

const MINIMAX_OPEN: &str = "<minimax:tool_call>";
const MINIMAX_CLOSE: &str = "</minimax:tool_call>";
const MINIMAX: Tokens =
    Tokens { opens: &[MINIMAX_OPEN], closes: &[(MINIMAX_OPEN, &[MINIMAX_CLOSE])], stray: &[MINIMAX_CLOSE] };

const DEEPSEEK_CALLS: &str = "<｜tool▁calls▁begin｜>";
const DEEPSEEK_CALLS_END: &str = "<｜tool▁calls▁end｜>";
const DEEPSEEK_CALL: &str = "<｜tool▁call▁begin｜>";
const DEEPSEEK_CALL_END: &str = "<｜tool▁call▁end｜>";
const DEEPSEEK: Tokens = Tokens {
    opens: &[DEEPSEEK_CALLS, DEEPSEEK_CALL, "<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"],
    closes: &[
        (DEEPSEEK_CALLS, &[DEEPSEEK_CALLS_END]),
        (DEEPSEEK_CALL, &[DEEPSEEK_CALL_END]),
        ("<｜DSML｜function_calls>", &["</｜DSML｜function_calls>"]),
        ("<｜DSML｜tool_calls>", &["</｜DSML｜tool_calls>"]),
    ],
    stray: &[
        DEEPSEEK_CALLS_END,
        DEEPSEEK_CALL_END,
        "</｜DSML｜function_calls>",
        "</｜DSML｜tool_calls>",
        "<｜end▁of▁sentence｜>",
    ],
};

const MISTRAL_CALLS: &str = "[TOOL_CALLS]";
/// Mistral's tokens. All that follows belongs to the call, which only the text's end ends.
const MISTRAL: Tokens = Tokens { opens: &[MISTRAL_CALLS], closes: &[], stray: &[] };

const MESSAGE: &str = "<|message|>";
const ENDS: &[&str] = &["<|call|>", "<|end|>", "<|return|>"];
const HARMONY: Tokens = Tokens {
    opens: &["<|start|>", "<|channel|>"],
    closes: &[],
    stray: &["<|call|>", "<|end|>", "<|return|>", MESSAGE],
};

fn of(tokens: CallTokens) -> &'static Tokens {
    match tokens {
        CallTokens::Kimi => &KIMI,
        CallTokens::Function | CallTokens::Glm => &TAGS,
        CallTokens::Minimax => &MINIMAX,
        CallTokens::Deepseek => &DEEPSEEK,
        CallTokens::Mistral => &MISTRAL,
        CallTokens::Harmony => &HARMONY,
    }
}

/// The first token in a text.
pub(super) fn begin(tokens: CallTokens, text: &str) -> Found {
    let Tokens { opens, stray, .. } = of(tokens);
    let first = |words: &[&'static str]| words.iter().filter_map(|word| Some((text.find(word)?, word.len()))).min();
    match (first(opens), first(stray)) {
        (Some((at, _)), None) => Found::Opens(at),
        (Some((opens, _)), Some((stray, _))) if opens < stray => Found::Opens(opens),
        (_, Some((at, length))) => Found::Stray { at, length },
        (None, None) => Found::Perhaps(perhaps(opens.iter().chain(*stray), text)),
    }
}

/// The position at the end of a text from which on one of the words may begin.
fn perhaps<'w>(words: impl Iterator<Item = &'w &'static str>, text: &str) -> usize {
    let begins = |word: &str| (1..word.len()).rev().find(|length| text.ends_with(word.get(..*length).unwrap_or(word)));
    text.len() - words.filter_map(|word| begins(word)).max().unwrap_or(0)
}

/// The end of the section with which a text begins; up to `known` there was none.
pub(super) fn end(tokens: CallTokens, text: &str, known: usize) -> Option<usize> {
    if tokens == CallTokens::Harmony {
        return harmony_end(text, known);
    }
    let closes = of(tokens).closes.iter().find(|(open, _)| text.starts_with(open)).map_or(&[][..], |(_, ends)| ends);
    closes.iter().filter_map(|end| after(text, end, known)).min()
}

/// The position behind the first `word`; the first `known` bytes hold none.
fn after(text: &str, word: &str, known: usize) -> Option<usize> {
    let from = text.floor_char_boundary(known.saturating_sub(word.len()));
    Some(from + text.get(from..)?.find(word)? + word.len())
}

/// A head ends with its message's beginning; a call's message belongs to it.
fn harmony_end(text: &str, known: usize) -> Option<usize> {
    let head = after(text, MESSAGE, 0)?;
    if !text.get(..head)?.contains("to=") {
        return Some(head);
    }
    let known = known.max(head);
    let next = ["<|start|>", "<|channel|>"].iter().filter_map(|word| Some(after(text, word, known)? - word.len()));
    ENDS.iter().filter_map(|end| after(text, end, known)).chain(next).filter(|end| *end >= head).min()
}

/// Reads a section.
pub(super) fn read(offer: &Offer, section: &str) -> Section {
    let calls = match offer.tokens {
        CallTokens::Kimi => kimi(section),
        CallTokens::Function | CallTokens::Glm => tagged::call(offer, section).map(|call| vec![call]),
        CallTokens::Minimax => tagged::invoked(offer, section, ""),
        CallTokens::Deepseek if section.contains("｜DSML｜") => tagged::invoked(offer, section, "｜DSML｜"),
        CallTokens::Deepseek => deepseek(section),
        CallTokens::Mistral => mistral(section),
        CallTokens::Harmony => {
            let Some((head, message)) = section.split_once(MESSAGE) else { return Section::Unread };
            let Some((_, to)) = head.split_once("to=") else { return Section::Speaks(voice(head)) };
            let name = to.split(|letter: char| letter.is_whitespace() || letter == '<').next().unwrap_or_default();
            let message = ENDS.iter().fold(message, |message, end| message.trim_end_matches(end));
            Some(vec![(name.to_owned(), message.to_owned())])
        }
    };
    let known = |(name, arguments): (String, String)| {
        let client = offer.tools.get(cleaned(&name)).or_else(|| offer.tools.get(&name))?;
        Some((client.clone(), object(&arguments)?))
    };
    let calls = calls.and_then(|calls| calls.into_iter().map(known).collect::<Option<Vec<_>>>());
    calls.filter(|calls| !calls.is_empty()).map_or(Section::Unread, Section::Calls)
}

fn voice(head: &str) -> Voice {
    if head.contains("<|channel|>analysis") { Voice::Thought } else { Voice::Answer }
}

/// Each call is `NAME:NUMBER`, a token, and its arguments.
fn kimi(section: &str) -> Option<Vec<(String, String)>> {
    let call = |call: &str| {
        let (name, arguments) = call.split_once(ARGUMENTS)?;
        let arguments = arguments.split("<|").next().unwrap_or_default();
        Some((name.to_owned(), arguments.to_owned()))
    };
    section.split(CALL).skip(1).map(call).collect()
}

/// `NAME<｜tool▁sep｜>{...}`, or `function<｜tool▁sep｜>NAME` with the arguments in a fence behind it.
fn deepseek(section: &str) -> Option<Vec<(String, String)>> {
    let call = |call: &str| {
        let (kind, rest) = call.split_once("<｜tool▁sep｜>")?;
        let rest = rest.split("<｜tool▁").next().unwrap_or_default();
        let fenced = rest.split_once("```json").filter(|(name, _)| !name.contains('{'));
        Some(match fenced {
            Some((name, arguments)) => {
                (name.trim().to_owned(), arguments.split("```").next().unwrap_or_default().to_owned())
            }
            None => (kind.trim().to_owned(), rest.to_owned()),
        })
    };
    section.split(DEEPSEEK_CALL).skip(1).map(call).collect()
}

/// A list of objects with a name and arguments, or `NAME[ARGS]{...}`, with `[CALL_ID]` between in some.
fn mistral(section: &str) -> Option<Vec<(String, String)>> {
    let mut calls = Vec::new();
    for said in section.split(MISTRAL_CALLS).skip(1) {
        let said = said.trim().trim_end_matches("</s>");
        if said.starts_with('[') {
            let listed: Vec<Value> = serde_json::from_str(said).ok()?;
            calls.extend(listed.iter().map(|call| tagged::named(&call.to_string())).collect::<Option<Vec<_>>>()?);
            continue;
        }
        let (name, arguments) = said.split_at(said.find('{')?);
        let name = name.split('[').next().unwrap_or_default().trim();
        calls.push((name.to_owned(), arguments.to_owned()));
    }
    Some(calls)
}

/// Arguments that are an object; none at all are an empty one.
fn object(arguments: &str) -> Option<String> {
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return Some("{}".to_owned());
    }
    serde_json::from_str::<Map<String, Value>>(arguments).ok().map(|_| arguments.to_owned())
}

/// A tool's name without what a model puts around it: `functions.NAME:0`, `NAME<|channel|>commentary`.
#[must_use]
pub fn cleaned(name: &str) -> &str {
    let name = name.split("<|").next().unwrap_or_default().trim();
    let name = name.strip_prefix("to=").unwrap_or(name);
    let name = ["functions.", "functions/", "functions:", "function."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    match name.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    }
}
