//! One request on its way out.

use super::Restore;
use super::tags::angled;
use crate::bedrock::converse;
use crate::catalogue::{self, Amend, Catalogue, Entry, Rules};
use crate::dialect::openai_chat::{self, Shown, Spoken, Stand, Style};
use crate::fault::Fault;
use crate::model::alike::{Alike, Likeness};
use crate::model::issuer::Mark;
use crate::model::request::{Block, Message, Role};
use crate::model::text::Text;
use crate::model::turn::Turn;
use crate::warning::Warning;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

pub use crate::bedrock::converse::request::Terms;

/// A client's request, read.
#[derive(Debug)]
pub struct Incoming<'a> {
    asked: openai_chat::request::Asked<'a>,
}

/// What to send to Bedrock, and what must be kept until the answer.
pub struct Outgoing {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// The model as the client named it.
    pub model: Text<'static>,
    /// How the client wants its answer.
    pub style: Style,
    /// Gives the tools' names back.
    pub restore: Restore,
    /// What the client does not get exactly as it asked.
    pub warnings: Vec<Warning>,
    /// The model will reason, as far as is known.
    pub reasoning_on: bool,
    /// Sealed reasoning came back with the conversation.
    pub sealed: bool,
    /// The answer may be a turn that is worth remembering: it may call tools, and the model takes reasoning back.
    pub memorable: bool,
}

/// How the operator wants reasoning to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Showing {
    /// The fields, whatever the client spoke.
    pub pinned: Option<Shown>,
    /// No client sees any.
    pub hidden: bool,
    /// What becomes of a word that stands for a thought.
    pub stand: Stand,
}

/// A turn of the model that called tools: what is remembered of it counts more than what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledTurn {
    /// It came back without sealed reasoning.
    pub lost: bool,
    /// Its place in the client's list of messages.
    pub position: usize,
    /// The ids of its calls, in the client's order.
    pub calls: Vec<String>,
    /// What it comes to with the conversation before it, whatever its ids.
    pub likeness: Likeness,
}

impl<'a> Incoming<'a> {
    /// Reads a Chat Completions request.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read(body: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self { asked: openai_chat::request::read(body)? })
    }

    /// The same with the betas of a header `anthropic-beta`.
    #[must_use]
    pub fn with_betas<'h>(mut self, headers: impl Iterator<Item = &'h str>) -> Self {
        openai_chat::request::add_betas(&mut self.asked.request, headers);
        self
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.asked.request.model
    }

    /// Whether it wants a stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.asked.request.stream
    }

    /// Whether the model may reason on this request.
    #[must_use]
    pub fn may_reason(&self, entry: &Entry, rules: &Rules) -> bool {
        let ask = &self.asked.request.reasoning;
        entry.can_reason()
            && (ask.wants_reasoning() || entry.default != catalogue::Default::Off || rules.default.is_some())
    }

    /// The turns that called tools, for a model that takes reasoning back, and the conversation so far.
    #[must_use]
    pub fn called_turns(&self, entry: &Entry) -> (Vec<CalledTurn>, Alike) {
        let mut turns = Vec::new();
        let mut before = Alike::default();
        if entry.replay.is_empty() {
            return (turns, before);
        }
        before.system(&self.asked.request.system);
        for message in &self.asked.request.messages {
            turns.extend(called(message, &before));
            before.message(message);
        }
        (turns, before)
    }

    /// The marks on the sealed reasoning that the client sent back, the latest first.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        let blocks = self.asked.request.messages.iter().rev().flat_map(|message| message.content.iter().rev());
        blocks.filter_map(|block| match block {
            Block::Reasoning { signature: Some(_), issuer, .. } | Block::Redacted { issuer, .. } => issuer.mark,
            _ => None,
        })
    }

    /// What binds requests of one conversation together, when the client says it: `prompt_cache_key`.
    #[must_use]
    pub fn affinity(&self) -> Option<&str> {
        self.asked.manner.affinity.as_deref()
    }

    /// Puts the reasoning of a remembered turn back into the message at `position`. `false`: it is another turn.
    pub fn put_back(&mut self, position: usize, turn: &Turn) -> bool {
        self.put_back_by(position, turn, Turn::put_back)
    }

    /// The same, when the client gave the calls ids of its own.
    pub fn put_back_renamed(&mut self, position: usize, turn: &Turn) -> bool {
        self.put_back_by(position, turn, Turn::put_back_renamed)
    }

    fn put_back_by(
        &mut self,
        position: usize,
        turn: &Turn,
        way: impl FnOnce(&Turn, &mut Vec<Block<'a>>) -> bool,
    ) -> bool {
        let messages = &mut self.asked.request.messages;
        let found = messages.binary_search_by_key(&position, |message| message.position).ok();
        let Some(message) = found.and_then(|at| messages.get_mut(at)) else { return false };
        let back = way(turn, &mut message.content);
        message.unreasoned |= back && !turn.reasoned();
        if back {
            let lost = format!("messages[{position}].reasoning_details");
            self.asked.warnings.retain(|warning| !warning.param.starts_with(&lost));
        }
        back
    }

    /// Takes every `<think>` out of what the model said before, for clients that are shown thoughts so. One that was
    /// never closed is a thought that was cut off.
    pub fn strip_think_tags(&mut self) {
        let answers = self.asked.request.messages.iter_mut().filter(|message| message.role == Role::Assistant);
        for block in answers.flat_map(|message| &mut message.content) {
            if let Block::Text(text) = block
                && let Some(said) = without_thoughts(&angled(text.as_escaped()))
            {
                *text = Text::from_escaped(said);
            }
        }
    }

    /// Says it in Bedrock's words, for the model `model_id`; `base` names the model that the catalogue shall take it
    /// for, when the id itself does not tell.
    ///
    /// # Errors
    ///
    /// What this model cannot do and the client cannot do without.
    pub fn outgoing(self, model_id: &str, base: Option<&str>) -> Result<Outgoing, Fault> {
        let entry = Catalogue::builtin().lookup(base.unwrap_or(model_id));
        let rules = Rules::default();
        let mark = Mark::of(entry.base_of(model_id), "");
        self.outgoing_on(&Terms { model_id, entry, mark, rules: &rules, amend: Amend::default() }, Showing::default())
    }

    /// The same on the operator's terms.
    ///
    /// # Errors
    ///
    /// As [`Self::outgoing`].
    pub fn outgoing_on(self, terms: &Terms<'_>, showing: Showing) -> Result<Outgoing, Fault> {
        let openai_chat::request::Asked { request, manner, mut warnings } = self.asked;
        let written = converse::request::write(&request, terms)?;
        warnings.extend(written.warnings);
        let names = written.names;
        let entry = terms.entry;
        Ok(Outgoing {
            path: written.path,
            body: Bytes::from(written.body),
            stream: request.stream,
            model: Text::from_plain(request.model.into_owned()),
            style: Style {
                include_usage: manner.include_usage,
                legacy_functions: manner.legacy_functions,
                exclude_reasoning: manner.exclude_reasoning || showing.hidden,
                shown: shown(manner.spoken, manner.exclude_reasoning, showing),
                reasoning_format: entry.reasoning_format().map(str::to_owned),
                mark: Some(terms.mark),
                placeholder: entry.redacted_text.clone(),
                stand: showing.stand,
                inline_tag: entry.inline_tag.clone(),
            },
            restore: Box::new(move |sent| {
                let restored = names.restore(sent);
                (restored != sent).then(|| restored.to_owned())
            }),
            warnings,
            reasoning_on: written.reasoning_on,
            sealed: request.messages.iter().flat_map(|message| &message.content).any(is_sealed),
            memorable: !request.tools.is_empty() && !entry.replay.is_empty() && written.reasoning_on,
        })
    }
}

/// The text without what stands in `<think>`, when there is any.
fn without_thoughts(escaped: &str) -> Option<String> {
    let (first, mut rest) = escaped.split_once("<think>")?;
    let mut said = first.to_owned();
    loop {
        let (_, after) = rest.split_once("</think>").unwrap_or_default();
        let Some((between, thought)) = after.split_once("<think>") else { return Some(said + after) };
        said.push_str(between);
        rest = thought;
    }
}

fn shown(spoken: Spoken, exclude: bool, showing: Showing) -> Shown {
    let shown = showing.pinned.unwrap_or_else(|| Shown::to(spoken));
    match (showing.hidden, exclude) {
        (true, _) => Shown::NOTHING,
        (false, true) => shown.without_text(),
        (false, false) => shown,
    }
}

fn is_sealed(block: &Block<'_>) -> bool {
    matches!(block, Block::Reasoning { signature: Some(_), .. } | Block::Redacted { .. })
}

fn called(message: &Message<'_>, before: &Alike) -> Option<CalledTurn> {
    let id = |block: &Block<'_>| match block {
        Block::ToolUse { id, .. } => Some(id.plain().into_owned()),
        _ => None,
    };
    if message.role != Role::Assistant {
        return None;
    }
    let calls: Vec<String> = message.content.iter().filter_map(id).collect();
    let lost = !message.content.iter().any(is_sealed);
    if calls.is_empty() {
        return None;
    }
    let likeness = before.calling(message.content.iter().filter_map(|block| match block {
        Block::ToolUse { name, input, .. } => Some((name.as_ref(), Cow::Borrowed(input.as_json()))),
        _ => None,
    }));
    Some(CalledTurn { lost, position: message.position, calls, likeness })
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("path", &self.path).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
