//! The words of a Converse request, read: for a backend that is not Bedrock.
//!
//! Every member has one of three fates: it is taken into the neutral [`Request`]; it is left out, and a [`Warning`] names
//! it; or it is refused with a [`Fault`] that names it, because the client would trust in what it cannot get. The path
//! names the model and whether a stream is wanted. `docs/bedrock-api.md` has a row for every member.
//!
//! Texts, schemas and base64 are borrowed from the body as they stand there, still escaped.

mod content;
mod media;
mod service;
mod tools;

use crate::dialect::json::{self, Indexed, Object};
use crate::dialect::notes::Notes;
use crate::dialect::own_fields;
use crate::dialect::reasoning_claim::{combine, contradicted};
use crate::fault::Fault;
use crate::limits::{self, Limits};
use crate::model::field_ref::FieldRef;
use crate::model::reasoning::ReasoningAsk;
use crate::model::request::{Block, Message, OwnSwitches, Request, Role, Sampling};
use crate::model::text::Text;
use crate::warning::Warning;
use content::Speaker;

/// The parts of a body that are looked into.
const INDEXED: Indexed = Indexed {
    members: &[
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "inferenceConfig",
        "messages",
        "outputConfig",
        "performanceConfig",
        "requestMetadata",
        "serviceTier",
        "system",
        "toolConfig",
    ],
    beside: "",
    opaque: &["input", "json"],
};

/// The members that some part of this reader takes, or has a verdict for.
const TAKEN: [&str; 12] = [
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "messages",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "system",
    "toolConfig",
];

/// A request, with the warnings about it.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The neutral request, without a model and without a stream.
    pub request: Request<'a>,
    /// The members that were left out or changed.
    pub warnings: Vec<Warning>,
}

/// Reads a request's body.
///
/// # Errors
///
/// A fault whose mistake names the member, or the line and column when the body is not JSON; and what goes beyond a limit.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<Asked<'a>, Fault> {
    let document = json::read(body, limits.json_values, &INDEXED)?;
    let top = json::open(&document);
    let mut notes = Notes::new(*limits);
    notes.unknown(&top, &TAKEN);
    let own = own_fields::read(&top, &mut notes)?;
    let mut reasoning = ReasoningAsk { display: own.display, ..ReasoningAsk::default() };
    for said in own.said {
        combine(&mut reasoning, said);
        if let Some(param) = contradicted(&said, &reasoning) {
            notes.passed_over(param, &super::path(&reasoning.field()));
        }
    }
    let offer = tools::read(&top, &mut notes)?;
    let mut request = Request {
        size: body.len(),
        system: system(&top, &mut notes)?,
        messages: messages(&top, &mut notes)?,
        tools: offer.tools,
        tool_choice: offer.choice,
        sampling: sampling(&top, &mut notes)?,
        reasoning,
        own_switches: OwnSwitches {
            switch: own.switches,
            unread: own.unread,
            forced_tool: own.forces_tool,
            present: own.present,
        },
        additional_fields: own.members,
        betas: own.betas,
        ..Request::default()
    };
    service::read(&top, &mut request, &mut notes)?;
    Ok(Asked { request, warnings: notes.finish() })
}

fn system<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Block<'a>>, Fault> {
    let Some(node) = top.get("system") else { return Ok(Vec::new()) };
    content::read(&node, Speaker::System, notes)
}

fn messages<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Message<'a>>, Fault> {
    let node = top.need("messages")?;
    let list = node.list()?;
    if list.len() == 0 {
        return Err(node.invalid("must hold at least one message"));
    }
    limits::at_most("messages", list.len(), notes.limits.messages, "messages", "--max-messages")?;
    let mut messages = Vec::with_capacity(list.len());
    for (position, node) in list.each().enumerate() {
        let message = node.object()?;
        notes.unknown(&message, &["role", "content"]);
        let role = message.need("role")?;
        let (role, speaker) = match role.string()?.as_ref() {
            "user" => (Role::User, Speaker::User),
            "assistant" => (Role::Assistant, Speaker::Assistant),
            "system" => (Role::System, Speaker::System),
            _ => return Err(role.invalid("must be `user`, `assistant` or `system`")),
        };
        let content = content::read(&message.need("content")?, speaker, notes)?;
        messages.push(Message { role, content, position, unreasoned: false });
    }
    Ok(messages)
}

/// Reads `inferenceConfig`.
fn sampling<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Sampling<'a>, Fault> {
    let Some(node) = top.get("inferenceConfig") else { return Ok(Sampling::default()) };
    let config = node.object()?;
    notes.unknown(&config, &["maxTokens", "temperature", "topP", "stopSequences"]);
    let max_tokens = config.get("maxTokens").map(|node| node.count()).transpose()?;
    let stop = match config.get("stopSequences") {
        // What is blank is refused by Bedrock alone.
        Some(node) => node.list()?.each().map(|node| node.text()).collect::<Result<Vec<Text<'a>>, Fault>>()?,
        None => Vec::new(),
    };
    Ok(Sampling {
        max_tokens,
        max_tokens_field: max_tokens.is_some().then_some(FieldRef::MaxTokens),
        temperature: config.get("temperature").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        top_p: config.get("topP").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        top_k: None,
        stop,
        blank_stop: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
