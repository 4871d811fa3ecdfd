//! One request on its way out.

mod chat;
mod own_body;

use super::Restore;
use super::answering::Answering;
use super::conversation::{Before, Conversation};
use super::passthrough::AnswerWords;
use super::road::AnswerApi;
use super::spoken::cleaned;
use super::tags::{angled, without_thoughts};
use crate::bedrock::{self, Api, ToolNames, Written};
use crate::catalogue::{self, Adjustment, Catalogue, Entry, Rules};
use crate::dialect::{self, Answerer, Asked, Dialect, SealKeys};
use crate::fault::Fault;
use crate::limits::{ClientFields, Limits};
use crate::model::alike::{self, Alike, Likeness};
use crate::model::field_ref::FieldRef;
use crate::model::issuer::Mark;
use crate::model::offer::{CallTokens, Offer};
use crate::model::raw::Raw;
use crate::model::reasoning::{Effort, SentEffort};
use crate::model::request::{Block, Format, Message, Request, Role, ToolChoice};
use crate::model::response::ServiceTier;
use crate::model::text::Text;
use crate::model::turn::Turn;
use crate::warning::Warning;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

pub use crate::bedrock::Terms;
pub use crate::dialect::Exposure;

/// A client's request, read.
#[derive(Debug)]
pub struct Incoming<'a> {
    asked: Asked<'a>,
    /// The messages, by their places in it, in which reasoning was put back.
    restored: BTreeSet<usize>,
}

/// A request to an upstream, and what its answer will be read by.
pub struct Outgoing {
    /// The path, percent-encoded as it must stand on the wire.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// Whether the client's answer is a stream.
    pub stream: bool,
    /// Bedrock answers whole, although the client's answer is a stream.
    pub whole: bool,
    /// The model as the client named it.
    pub model: Text<'static>,
    /// The terms on which the answer is read and written.
    pub style: Answering,
    /// Headers that the API wants, beside `accept`.
    pub headers: HeaderMap,
    /// The type of answer that is asked for.
    pub accept: &'static str,
    /// Gives the tools' names back.
    pub restore: Restore,
    /// The fields that are not sent exactly as asked.
    pub warnings: Vec<Warning>,
    /// The fingerprint of the schema of the answer, when one is enforced: equal schemas have equal fingerprints.
    pub schema: Option<u64>,
    /// The model will reason, as far as is known.
    pub reasoning_on: bool,
    /// What is sent of how hard to reason.
    pub effort: SentEffort,
    /// Sealed reasoning came back with the conversation.
    pub sealed: bool,
    /// The answer may be a turn that is worth remembering: it may call tools, and the model takes reasoning back.
    pub memorable: bool,
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
    /// The digest of the conversation before it.
    pub before: Before,
    /// The fingerprint of the turn and of the conversation before it, whatever the ids of its calls.
    pub likeness: Likeness,
}

/// What a request asks for in numbers, without its content.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The most tokens to produce, reasoning included.
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// The number of candidates for each token.
    pub top_k: Option<u32>,
    /// The answer is asked to be JSON.
    pub json: bool,
    /// The effort of the reasoning, where the client says it in words.
    pub effort: Option<Effort>,
    /// The tier that is asked of the service.
    pub tier: Option<ServiceTier>,
    /// Messages of the conversation.
    pub messages: u32,
    /// Tools that are offered.
    pub tools: u32,
}

impl<'a> Incoming<'a> {
    /// Reads a Chat Completions request, within the usual limits.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read(body: &'a [u8]) -> Result<Self, Fault> {
        Self::read_within(body, std::iter::empty(), &Limits::default())
    }

    /// The same with the betas of headers `anthropic-beta`, within these limits.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read_within<'h>(
        body: &'a [u8],
        betas: impl Iterator<Item = &'h str> + Clone,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        Self::read_in(Dialect::OpenAiChat, body, betas, limits)
    }

    /// The same of a request in any dialect.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read_in<'h>(
        dialect: Dialect,
        body: &'a [u8],
        betas: impl Iterator<Item = &'h str> + Clone,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let asked = dialect::read(dialect, body, betas, limits)?;
        Ok(Self { asked, restored: BTreeSet::new() })
    }

    /// The same of a request whose tokens are to be counted.
    ///
    /// # Errors
    ///
    /// The client's mistakes, each with its field.
    pub fn read_to_count<'h>(
        dialect: Dialect,
        body: &'a [u8],
        betas: impl Iterator<Item = &'h str> + Clone,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let asked = dialect::read_to_count(dialect, body, betas, limits)?;
        Ok(Self { asked, restored: BTreeSet::new() })
    }

    /// Opens the reasoning that came back in `encrypted_content`, and has the answer's sealed with the same keys.
    pub fn unseal(&mut self, keys: &Arc<SealKeys>) {
        self.restored.extend(self.asked.unseal(keys));
    }

    /// The request's parameters in numbers, for its record.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let request = &self.asked.request;
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Parameters {
            max_tokens: request.sampling.max_tokens,
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            top_k: request.sampling.top_k,
            json: !matches!(request.format, Format::Text),
            effort: request.reasoning.effort,
            tier: request.service_tier.map(ServiceTier::named),
            messages: count(request.messages.len()),
            tools: count(request.tools.len()),
        }
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

    /// The fingerprint of the schema of the answer, when it has one: equal schemas have equal fingerprints.
    #[must_use]
    pub fn schema(&self) -> Option<u64> {
        match &self.asked.request.format {
            Format::Schema { schema, .. } => Some(schema.fingerprint()),
            Format::Text | Format::Json => None,
        }
    }

    /// Whether the model may reason on this request.
    #[must_use]
    pub fn may_reason(&self, entry: &Entry, rules: &Rules) -> bool {
        let ask = &self.asked.request.reasoning;
        entry.can_reason()
            && (ask.wants_reasoning()
                || ask.effort.is_some()
                || entry.default != catalogue::Default::Off
                || rules.default.is_some())
            || asks_a_stranger(&self.asked.request, entry)
    }

    /// The turns that called tools, in order, and the conversation so far: as the turn that is asked for is bound to it, and
    /// as it is known whatever the ids of its calls.
    #[must_use]
    pub fn history(&self) -> (Vec<CalledTurn>, Before, Alike) {
        history_of(&self.asked.request)
    }

    /// The turns that called tools, for a model that takes reasoning back.
    pub fn called_turns(&self, entry: &Entry) -> impl Iterator<Item = CalledTurn> + use<> {
        let turns = if entry.may_take_back() { self.history().0 } else { Vec::new() };
        turns.into_iter()
    }

    /// Whether the request declares tools or its messages hold tool calls.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        let mut blocks = self.asked.request.messages.iter().flat_map(|message| &message.content);
        !self.asked.request.tools.is_empty() || blocks.any(|block| matches!(block, Block::ToolUse { .. }))
    }

    /// The marks on the sealed reasoning that the client sent back, the latest first.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        let blocks = self.asked.request.messages.iter().rev().flat_map(|message| message.content.iter().rev());
        blocks.filter_map(|block| match block {
            Block::Reasoning { signature: Some(_), issuer, .. } | Block::Redacted { issuer, .. } => issuer.mark,
            Block::Text(_)
            | Block::Reasoning { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => None,
        })
    }

    /// The key that requests of one conversation share, when the client gives one: `prompt_cache_key`.
    #[must_use]
    pub fn affinity(&self) -> Option<&str> {
        self.asked.manner.affinity()
    }

    /// Whether the client may go on from its answer by naming it (`store` of Responses).
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.asked.manner.is_stored()
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
            self.restored.insert(position);
            let (dialect, lost) = (self.asked.manner.dialect(), FieldRef::Seals(position));
            self.asked.warnings.retain(|warning| !dialect.is_in(&warning.field, &lost));
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
        let entry = &*Catalogue::builtin().entry(base.unwrap_or(model_id));
        let rules = Rules::default();
        let mark = Mark::of(entry.base_of(model_id), "");
        let (adjustment, allowed) = (Adjustment::default(), ClientFields::default());
        self.outgoing_on(
            &Terms { api: Api::default(), model_id, entry, mark, rules: &rules, adjustment, allowed },
            Exposure::default(),
        )
    }

    /// The same on the operator's terms.
    ///
    /// # Errors
    ///
    /// As [`Self::outgoing`].
    pub fn outgoing_on(self, terms: &Terms<'_>, exposure: Exposure) -> Result<Outgoing, Fault> {
        let written = bedrock::write(&self.asked.request, terms)?;
        Ok(self.written(written, terms, exposure))
    }

    fn written(self, written: Written, terms: &Terms<'_>, exposure: Exposure) -> Outgoing {
        let Asked { request, manner, mut warnings, sealed, body: _ } = self.asked;
        warnings.extend(dialect::left_out_seals(&sealed));
        let schema = written.schema;
        if !written.stops.is_empty() {
            // Blank ones are among them.
            let dialect = manner.dialect();
            warnings.retain(|warning| !dialect.is_in(&warning.field, &FieldRef::Stop));
        }
        warnings.extend(written.warnings);
        let names = written.names;
        let offer = offer(&request, terms.entry);
        let entry = terms.entry;
        let answerer = Answerer {
            reasoning_format: entry.reasoning_format().map(str::to_owned),
            mark: terms.mark,
            placeholder: entry.redacted_text.clone(),
            trace: bedrock::asks_for_trace(&request),
        };
        let stranger = asks_a_stranger(&request, entry);
        Outgoing {
            path: written.path,
            body: Bytes::from(written.body),
            stream: request.stream,
            whole: request.stream && !written.stream,
            model: Text::from_plain(request.model.into_owned()),
            headers: written.headers,
            accept: written.accept,
            style: Answering {
                api: terms.api.into(),
                usage_input: entry.usage_input,
                style: manner.style(exposure, answerer),
                inline_tag: entry.inline_tag.clone(),
                stops: written.stops,
                offer: offer.clone(),
                wrapped: request.tools.iter().filter(|tool| tool.wrapped).map(|tool| tool.name.to_string()).collect(),
            },
            restore: Box::new(move |sent| {
                let strange = offer.as_ref().filter(|offer| !offer.tools.contains_key(sent));
                let said = strange.map_or(sent, |offer| known(offer, sent));
                let restored = names.restore(said);
                (restored != sent).then(|| restored.to_owned())
            }),
            warnings,
            schema,
            reasoning_on: written.reasoning_on,
            effort: written.effort,
            sealed: request.messages.iter().flat_map(|message| &message.content).any(Block::is_sealed),
            memorable: !request.tools.is_empty() && entry.may_take_back() && (written.reasoning_on || stranger),
        }
    }
}

/// Whether a model without a row in the catalogue is asked to reason, in its vendor's words.
fn asks_a_stranger(request: &Request<'_>, entry: &Entry) -> bool {
    !entry.is_known() && request.own_switches.switch
}

/// The tools whose calls the model may write into its text.
fn offer(request: &Request<'_>, entry: &Entry) -> Option<Offer> {
    let tokens = entry.call_tokens.filter(|_| request.tool_choice != ToolChoice::None && !request.tools.is_empty())?;
    let pairs = || ToolNames::pairs(request.tools.iter().map(|tool| tool.name.as_ref()));
    let plain = matches!(tokens, CallTokens::Function | CallTokens::Glm | CallTokens::Minimax | CallTokens::Deepseek);
    let schemas = request.tools.iter().map(|tool| tool.schema.as_ref().filter(|_| plain));
    let strings = pairs().zip(schemas).flat_map(|((sent, _), schema)| {
        let strings = schema.map_or_else(Vec::new, strings);
        strings.into_iter().map(move |name| (sent.clone(), name))
    });
    Some(Offer { tokens, tools: pairs().collect(), strings: strings.collect() })
}

/// The parameters that a schema has for strings.
fn strings(schema: &Raw<'_>) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(schema.as_json()).unwrap_or_default();
    let parameters = schema.get("properties").and_then(serde_json::Value::as_object).into_iter().flatten();
    let strings = parameters.filter(|(_, schema)| schema.get("type").is_some_and(|kind| kind == "string"));
    strings.map(|(name, _)| name.clone()).collect()
}

/// The name of a tool that was offered, out of what a model made of it.
fn known<'s>(offer: &Offer, sent: &'s str) -> &'s str {
    let cleaned = cleaned(sent);
    if offer.tools.contains_key(cleaned) { cleaned } else { sent }
}

fn called(message: &Message<'_>, meanings: &[u64], conversation: &Conversation, alike: &Alike) -> Option<CalledTurn> {
    if message.role != Role::Assistant {
        return None;
    }
    let calls = message.content.iter().filter_map(Block::tool_call);
    let calls: Vec<String> = calls.map(|call| call.id.plain().into_owned()).collect();
    let lost = !message.content.iter().any(Block::is_sealed);
    if calls.is_empty() {
        return None;
    }
    let likeness = alike.calling(alike::calls(message, meanings));
    Some(CalledTurn { lost, position: message.position, calls, before: conversation.before_turn(), likeness })
}

/// The turns of a request that called tools, and the conversation so far.
fn history_of(request: &Request<'_>) -> (Vec<CalledTurn>, Before, Alike) {
    let mut conversation = Conversation::of(request);
    let (mut turns, mut alike) = (Vec::new(), Alike::default());
    alike.system(&request.system);
    for message in &request.messages {
        let meanings = alike::meanings(message);
        conversation.message(message, &meanings);
        turns.extend(called(message, &meanings, &conversation, &alike));
        alike.message(message, &meanings);
    }
    (turns, conversation.before_turn(), alike)
}

/// The conversation so far of a request that is passed through to Bedrock, as the turn that is asked for is bound to it, and
/// as it is known whatever the ids of its calls; `None` where its body is in no words that are read.
#[must_use]
pub fn passed_conversation(words: AnswerWords, body: &[u8], limits: &Limits) -> Option<(Before, Alike)> {
    let request = match words {
        AnswerWords::Converse => dialect::read_converse(body)?,
        AnswerWords::Claude => dialect::read_messages(body, limits).ok()?,
        AnswerWords::Unread | AnswerWords::Count => return None,
    };
    let (_, before, alike) = history_of(&request);
    Some((before, alike))
}

impl Outgoing {
    /// The same request as one that counts its tokens: another path and body, and a whole answer.
    #[must_use]
    pub fn counting(self) -> Self {
        // Of other services' requests no tokens are counted.
        let AnswerApi::Bedrock(api) = self.style.api else { return self };
        let (path, body) = bedrock::count_tokens(api, &self.path, &self.body);
        let body = Bytes::from(body);
        Self { path, body, stream: false, whole: false, accept: "application/json", ..self }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("path", &self.path).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
