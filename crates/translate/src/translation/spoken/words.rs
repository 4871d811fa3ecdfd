//! The tokens of each kind of model, and what stands between them.
//!
//! Sources: the chat templates of Kimi K2, Qwen3 and Qwen3-Coder, Llama's prompt format, and OpenAI's Harmony format.

use super::Voice;
use crate::model::offer::{CallTokens, Offer};
use serde_json::{Map, Value};

/// What the text holds of a model's tokens.
pub(super) enum Found {
    /// A section begins here.
    Opens(usize),
    /// A token without a section.
    Stray { at: usize, length: usize },
    /// None, but one may begin here, behind the end.
    Perhaps(usize),
}

/// What a section is.
pub(super) enum Section {
    /// Calls: the client's names, and arguments as JSON.
    Calls(Vec<(String, String)>),
    /// What follows is said so.
    Speaks(Voice),
    /// Nobody knows.
    Unread,
}

/// The tokens that begin a section, those that end it, and those that may stand behind one.
struct Tokens {
    opens: &'static [&'static str],
    /// What ends a section that begins so.
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
        CallTokens::Function => &TAGS,
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

/// Where one of the words may begin at the end of a text.
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

/// Where `word` ends for the first time, when all but its beginning may be known.
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
        CallTokens::Function => tagged(offer, section).map(|call| vec![call]),
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

/// `<function=NAME>` with an object or `<parameter=NAME>` inside, or an object with a name and arguments.
fn tagged(offer: &Offer, section: &str) -> Option<(String, String)> {
    let section = section.trim_start_matches("<tool_call>");
    let Some((_, function)) = section.split_once("<function=") else {
        return named(section.split("</tool_call>").next()?);
    };
    let (name, inside) = function.split_once('>')?;
    let inside = inside.split("</function>").next()?.trim_end_matches("</tool_call>");
    let name = name.trim().trim_matches('"').to_owned();
    if !inside.contains("<parameter=") {
        return Some((name, inside.to_owned()));
    }
    let mut arguments = Vec::new();
    for parameter in inside.split("<parameter=").skip(1) {
        let (key, value) = parameter.split_once('>')?;
        let key = key.trim().trim_matches('"').to_owned();
        let value = value.split("</parameter>").next()?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        let text = offer.strings.contains(&(cleaned(&name).to_owned(), key.clone()));
        let read = if text { None } else { serde_json::from_str(value.trim()).ok() };
        let read = read.unwrap_or_else(|| Value::String(value.to_owned()));
        arguments.push(format!("{}:{read}", Value::String(key)));
    }
    // In the model's own order.
    Some((name, format!("{{{}}}", arguments.join(","))))
}

/// `{"name": ..., "arguments": {...}}`; Llama's `parameters` are the same.
fn named(json: &str) -> Option<(String, String)> {
    let call: Map<String, Value> = serde_json::from_str(json.trim()).ok()?;
    let name = call.get("name")?.as_str()?.to_owned();
    let arguments = call.get("arguments").or_else(|| call.get("parameters"));
    let arguments = match arguments {
        Some(Value::String(text)) => text.clone(),
        other => other.map_or_else(String::new, Value::to_string),
    };
    Some((name, arguments))
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
