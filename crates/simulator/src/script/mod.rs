//! What the model says: a small answer made from the request alone.

mod calls;
mod spoken;
mod thoughts;
mod tools;

use crate::cached::Cached;
use crate::families::{Family, Model, Shows, reasons};
use crate::fault::Wanted;
use crate::talk;
use serde_json::{Value, json};

/// One block of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// `hidden`: the letters that were thought and are not shown.
    Reasoning {
        text: String,
        signature: Option<String>,
        hidden: usize,
    },
    /// `stops`: whether a stream says that the block ends.
    Redacted {
        data: Vec<u8>,
        stops: bool,
    },
    Text(String),
    Tool {
        id: String,
        name: String,
        input: Value,
    },
}

impl Block {
    pub(crate) fn is_thought(&self) -> bool {
        matches!(self, Self::Reasoning { .. } | Self::Redacted { .. })
    }

    /// How much was said or thought.
    pub(crate) fn letters(&self) -> usize {
        match self {
            Self::Reasoning { text, hidden, .. } => text.len() + hidden,
            Self::Redacted { data, .. } => data.len(),
            Self::Text(text) => text.len(),
            Self::Tool { input, .. } => input.to_string().len(),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop: String,
    /// The stop sequence that was hit.
    pub(crate) stop_sequence: Option<String>,
    pub(crate) input_tokens: usize,
    /// What the guardrail tells of itself, when it is asked to.
    pub(crate) trace: Option<Value>,
    /// What of the request the cache of prompts had, or took.
    pub(crate) cached: Cached,
    /// What the safeguards say of its calls, where they were asked.
    pub(crate) safeguards: Option<Value>,
}

/// A request, and what thoughts and answers repeat of it.
struct Question<'b> {
    body: &'b Value,
    /// The user's last words, without what is meant for the simulator; the end of them where they are long.
    repeated: String,
}

impl<'b> Question<'b> {
    fn new(body: &'b Value, echo: Option<usize>) -> Self {
        let said = without_fault(&calls::without(&talk::asked(body)));
        let letters = said.chars().count();
        let skipped = echo.map_or(0, |most| letters.saturating_sub(most));
        Self { body, repeated: said.chars().skip(skipped).collect() }
    }
}

/// Writes the answer to a request; `echo` is how many letters of it are repeated at most.
pub(crate) fn write(model: &Model, body: &Value, wanted: Option<&Wanted>, echo: Option<usize>) -> Script {
    let question = Question::new(body, echo);
    let fault = wanted.map_or("", |wanted| wanted.name.as_str());
    let inline = matches!(fault, "inline-tags" | "unclosed-tag");
    let thinks = reasons(model.family, body) && fault != "no-reasoning";
    let mut blocks = Vec::new();
    if thinks && !inline {
        blocks.extend(thoughts::drafts(model.family, &question, fault));
    }
    let mut stop = say(&question, fault, &mut blocks);
    if fault == "calls-in-text" {
        spoken::calls(model.family.vendor, &mut blocks, &mut stop);
    }
    if let Some(tag) = tag(model.family, body, inline && thinks) {
        thoughts::inline(tag, &question, fault == "unclosed-tag", &mut blocks);
    }
    if thinks && fault == "interleaved" {
        thoughts::interleave(model.family, &question, &mut blocks);
    }
    let stop_sequence = limit(body, &mut blocks, &mut stop);
    thoughts::seal(model, body, &mut blocks);
    let special = match fault {
        "unknown-stop" => Some("something_new"),
        "refusal" => Some("refusal"),
        // Models have said each where the other one was right.
        "wrong-stop" if stop == "tool_use" => Some("end_turn"),
        "wrong-stop" => Some("tool_use"),
        "malformed-output" => Some("malformed_model_output"),
        "guardrail" => Some("guardrail_intervened"),
        "content-filtered" => Some("content_filtered"),
        "context-window" => Some("model_context_window_exceeded"),
        _ => None,
    };
    let stop = special.unwrap_or(stop).to_owned();
    Script {
        blocks,
        stop,
        stop_sequence,
        input_tokens: body.to_string().len() / 4,
        trace: trace(body, fault),
        cached: Cached::default(),
        safeguards: None,
    }
}

/// What a guardrail tells of an answer: with `[[fault:guardrail]]` that it blocked a word of it.
fn trace(body: &Value, fault: &str) -> Option<Value> {
    let guardrail = &body["guardrailConfig"];
    matches!(guardrail["trace"].as_str(), Some("enabled" | "enabled_full")).then(|| {
        let id = guardrail["guardrailIdentifier"].as_str().unwrap_or_default();
        let word = json!({ "match": "simulated", "action": "BLOCKED", "detected": true });
        match fault == "guardrail" {
            true => {
                let assessment = json!({ "wordPolicy": { "customWords": [word] } });
                json!({ "guardrail": { "outputAssessments": { id: [assessment] }, "actionReason": "Guardrail blocked." } })
            }
            false => json!({ "guardrail": { "inputAssessment": { id: {} }, "actionReason": "No action." } }),
        }
    })
}

/// The tag in which thoughts stand inside the text.
fn tag(family: &Family, body: &Value, asked: bool) -> Option<&'static str> {
    match family.shows {
        Shows::Tags if !talk::tools(body).is_empty() => Some("thinking"),
        _ if asked => Some("reasoning"),
        _ => None,
    }
}

/// The answer proper, behind the thoughts; gives the stop reason.
fn say(question: &Question<'_>, fault: &str, blocks: &mut Vec<Block>) -> &'static str {
    if fault == "reasoning-only" {
        return "end_turn";
    }
    let body = question.body;
    if let Some(schema) = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"].as_str() {
        let schema: Value = serde_json::from_str(schema).unwrap_or_default();
        blocks.push(Block::Text(tools::fitting(&schema, 0).to_string()));
        return "end_turn";
    }
    let asked = talk::asked(body);
    let steps = talk::steps(talk::turns(body));
    if let Some(result) = last_result(body)
        && (steps == 0 || steps >= tools::planned(&asked))
    {
        blocks.push(Block::Text(format!("The tool says: {result}. That is all there is to know.")));
        return "end_turn";
    }
    let calls = tools::called(body, &asked, fault, steps);
    if !calls.is_empty() {
        blocks.push(Block::Text("I will look that up.".to_owned()));
        blocks.extend(calls);
        return "tool_use";
    }
    if fault == "long" {
        blocks.push(Block::Text("word ".repeat(2000)));
        return "end_turn";
    }
    if let Some(said) = calls::said(&asked) {
        blocks.push(Block::Text(said.to_owned()));
        return "end_turn";
    }
    let asked = &question.repeated;
    blocks.push(Block::Text(format!(
        "You asked: \"{asked}\". This is a simulated answer, streamed in small pieces just as Bedrock would send it. é 🦀"
    )));
    if fault == "multi-block" {
        blocks.push(Block::Text(" And one more thing.".to_owned()));
    }
    "end_turn"
}

fn last_result(body: &Value) -> Option<String> {
    // An operator's message may come behind the result.
    let blocks = talk::content(talk::turns(body).iter().rfind(|turn| turn["role"] != "system")?);
    let content = blocks.iter().rev().find_map(|block| block["toolResult"]["content"].as_array())?;
    Some(content.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "))
}

/// Stop sequences and the limit of tokens, a token being a word of the answer; gives the sequence that was hit.
fn limit(body: &Value, blocks: &mut [Block], stop: &mut &'static str) -> Option<String> {
    let config = &body["inferenceConfig"];
    let text = blocks.iter_mut().rev().find_map(|block| match block {
        Block::Text(text) => Some(text),
        _ => None,
    })?;
    let mut hit = None;
    for sequence in config["stopSequences"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(at) = text.find(sequence) {
            text.truncate(at);
            *stop = "stop_sequence";
            hit = Some(sequence.to_owned());
        }
    }
    let most = config["maxTokens"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    if *stop != "tool_use"
        && let Some((at, _)) = text.match_indices(' ').nth(most.saturating_sub(1))
    {
        text.truncate(at);
        *stop = "max_tokens";
    }
    hit
}

fn without_fault(text: &str) -> String {
    match (text.split_once("[["), text.split_once("]]")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}").trim().to_owned(),
        _ => text.trim().to_owned(),
    }
}
