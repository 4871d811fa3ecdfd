//! The plan of a request: all that an attempt needs, the first one and each further one, with the targets in order.

use super::contract::RequestHead;
use super::encoding::{AnswerTo, Encoding};
use super::passed::Passed;
use super::target::Target;
use super::timeouts::CallTimeouts;
use super::{denied, relayed};
use crate::config::{Config, ReasoningPolicy, RestorePolicy, Traffic};
use crate::health::BackendHealth;
use crate::lessons::Lesson;
use crate::mutation::Mutation;
use crate::request_cost::RouteCost;
use crate::restore::{Caller, RestoreLimits, TurnKey};
use crate::route::Draw;
use crate::token_counts::{CountKey, CountTurn};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::{Adjustment, Encoder, EncoderTask, Entry, base_id};
use aquifer_translate::dialect::{BedrockOperation, Dialect, Head};
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::limits::ClientFields;
use aquifer_translate::model::alike::Alike;
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::text::Text;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{
    Before, CalledTurn, EncoderCall, Incoming, Outgoing, Road, Terms, passed_conversation,
};
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use std::sync::Arc;

/// The header of Anthropic's betas.
static BETAS: HeaderName = HeaderName::from_static("anthropic-beta");
/// The most of one turn that is remembered, in bytes.
const LARGEST_TURN: usize = 4 << 20;
/// The largest request whose response is remembered, in bytes: it is kept with it.
const LARGEST_REQUEST: usize = 1 << 20;

/// A request that was read and routed.
pub(super) struct Plan {
    pub(super) config: Arc<Config>,
    /// What the client speaks.
    pub(super) dialect: Dialect,
    pub(super) body: Bytes,
    /// What was read of it to choose a backend: the same counts at each of them.
    pub(super) head: Head<'static>,
    pub(super) caller: Caller,
    /// The same by the head alone, whatever route it takes: whoever asks for a response by its id names no model.
    pub(super) shown: Caller,
    /// The body of a request whose response may be remembered with it.
    pub(super) stored: Option<Bytes>,
    pub(super) unix_seconds: u64,
    /// What the header `anthropic-beta` names.
    pub(super) betas: Vec<String>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) timeouts: CallTimeouts,
    /// The same for an answer that is asked for whole, whatever the client wants.
    pub(super) timeouts_whole: CallTimeouts,
    pub(super) health: Arc<BackendHealth>,
    /// Where it may be sent, in order; never empty.
    pub(super) targets: Vec<Target>,
    pub(super) attempts: u32,
    pub(super) draw: Draw,
    /// The turns that called tools, with what is remembered of them under each model id.
    pub(super) called: Vec<(CalledTurn, Vec<Recalled>)>,
    /// What stands before the turn that is asked for, when it may be remembered.
    pub(super) before: Option<Before>,
    /// The conversation so far, as it is known whatever the ids of its calls.
    pub(super) talk: Alike,
    pub(super) adjustment: Adjustment,
    /// What the client is told of amendments.
    pub(super) adjusted: Vec<Warning>,
    /// The conversation holds sealed reasoning.
    pub(super) sealed: bool,
    /// The number of its tokens is asked for, and no answer.
    pub(super) counting: bool,
    /// The turn to ask for it, which others wait for who want the same.
    pub(super) count_turn: Option<CountTurn>,
    /// What a request of Bedrock's own API says outside its body, which is not read.
    pub(super) passed: Option<Passed>,
    /// The costs that its route defines.
    pub(super) costs: Arc<[RouteCost]>,
    /// An encoder is asked, and no model for an answer.
    pub(super) encoding: Option<Encoding>,
}

/// The names of Anthropic's betas that a request's headers ask for.
pub(super) fn betas(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(&BETAS).iter().filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
}

/// Reads a client's request, for an answer or for `counting` its tokens.
pub(super) fn read<'b>(
    dialect: Dialect,
    body: &'b Bytes,
    betas: &[String],
    counting: bool,
    config: &Config,
) -> Result<Incoming<'b>, Fault> {
    let betas = betas.iter().map(String::as_str);
    let mut incoming = match counting {
        true => Incoming::read_to_count(dialect, body, betas, &config.limits),
        false => Incoming::read_in(dialect, body, betas, &config.limits),
    }?;
    if let Some(keys) = &config.seal_keys {
        incoming.unseal(keys);
    }
    Ok(incoming)
}

/// A remembered turn, and the model id under which it is.
pub(super) struct Recalled {
    model_id: String,
    /// It was found without the ids of its calls.
    renamed: bool,
    turn: Turn,
}

/// A call's request, written for one target, with what its call needs of that target.
pub(super) struct Written {
    pub(super) outgoing: Outgoing,
    pub(super) put_back: PutBack,
    /// The target: an index into [`Plan::targets`].
    pub(super) at: usize,
    pub(super) backend: usize,
    pub(super) model_id: String,
    pub(super) road: Road,
    pub(super) policy: Arc<ReasoningPolicy>,
    pub(super) mutation: Arc<Mutation>,
    /// The key of the count that is asked for, where one is.
    pub(super) count_key: Option<CountKey>,
    /// What its answer is a part of.
    pub(super) answers: AnswerTo,
}

/// A request in the words of a target's API, with the road of its answer.
struct Said {
    outgoing: Outgoing,
    put_back: PutBack,
    road: Road,
    answers: AnswerTo,
}

/// The turns that came back without their reasoning, and got it back or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PutBack {
    pub(super) restored: u32,
    pub(super) missed: u32,
}

/// The refusal of a chat with a model that embeds or ranks.
fn not_for_chat(encoder: &Encoder) -> Fault {
    let message = match encoder.task {
        EncoderTask::Embed => format!("{} makes embeddings and does not chat: use /v1/embeddings", encoder.name),
        EncoderTask::Rerank => format!("{} ranks documents and does not chat: use /v1/rerank", encoder.name),
    };
    Fault::unsupported(FieldRef::Model, message)
}

impl Plan {
    /// The plan of a request that goes nowhere yet.
    pub(super) fn new(
        config: Arc<Config>,
        health: Arc<BackendHealth>,
        dialect: Dialect,
        arrived: &RequestHead<'_>,
        body: Bytes,
        head: Head<'static>,
    ) -> Self {
        Self {
            traffic: Arc::clone(&config.traffic),
            config,
            dialect,
            body,
            head,
            caller: Caller::default(),
            shown: Caller::default(),
            stored: None,
            unix_seconds: arrived.unix_seconds,
            betas: Vec::new(),
            timeouts: CallTimeouts::default(),
            timeouts_whole: CallTimeouts::default(),
            health,
            targets: Vec::new(),
            attempts: 0,
            draw: Draw((arrived.random >> 64) as u64),
            called: Vec::new(),
            before: None,
            talk: Alike::default(),
            adjustment: Adjustment::default(),
            adjusted: Vec::new(),
            sealed: false,
            counting: false,
            count_turn: None,
            passed: None,
            costs: Arc::default(),
            encoding: None,
        }
    }

    /// The road from the client to a target.
    pub(super) fn road_to(&self, target: &Target) -> Road {
        target.road(self.dialect, &self.config)
    }

    /// What was read of the request. Where it goes on as it came, nothing need have been.
    pub(super) fn as_needed<'r>(&self, read: Result<Incoming<'r>, Fault>) -> Result<Option<Incoming<'r>>, Fault> {
        let relayed = self.targets.first().is_some_and(|target| self.road_to(target) == Road::Relay);
        match read {
            Err(_) if relayed => Ok(None),
            read => read.map(Some),
        }
    }

    /// Lets go of what only a further attempt would need.
    pub(super) fn let_go(&mut self) {
        self.body = Bytes::new();
        self.called = Vec::new();
        self.betas = Vec::new();
    }

    /// Reads the client's words.
    pub(super) fn read(&self) -> Result<Incoming<'_>, Fault> {
        let incoming = read(self.dialect, &self.body, &self.betas, self.counting, &self.config)?;
        Ok(match &self.passed {
            // Its path said so.
            Some(_) => incoming.named(&self.head.model, self.head.stream),
            None => incoming,
        })
    }

    /// Notes which turns called tools, for models that may reason and take their reasoning back.
    pub(super) fn note_calls(&mut self, incoming: &Incoming<'_>) {
        // A backend that speaks the client's dialect takes its words as they are.
        let translated = self.targets.iter().find(|target| self.road_to(target) != Road::Relay);
        let Some(target) = translated.filter(|target| self.restores(target)) else { return };
        let entry = target.entry(&self.config);
        if entry.may_take_back() && incoming.has_tools() && incoming.may_reason(entry, &target.policy.rules()) {
            let (turns, before, talk) = incoming.history();
            self.called = turns.into_iter().map(|called| (called, Vec::new())).collect();
            (self.before, self.talk) = (Some(before), talk);
        }
    }

    /// Notes that the response may be remembered with its request, where the client wants that and the operator allows it.
    pub(super) fn note_stored(&mut self, incoming: &Incoming<'_>) {
        let allowed = self.targets.first().is_some_and(|target| self.restores(target));
        let wanted = incoming.is_stored() && !self.counting && self.body.len() <= LARGEST_REQUEST;
        self.stored = (allowed && wanted).then(|| self.body.clone());
    }

    /// Notes what stands before the turn that is asked for, of a request that is passed through with tools to a model that
    /// may take its reasoning back: its client does so itself, and others that continue the conversation may not.
    pub(super) fn note_passed(&mut self) {
        let target = self.targets.iter().find(|target| self.road_to(target) == Road::Passthrough);
        let Some((passed, target)) = self.passed.as_ref().zip(target) else { return };
        let entry = target.entry(&self.config);
        if passed.offers_tools() && self.restores(target) && entry.may_take_back() && entry.can_reason() {
            let words = passed.words(&self.body, entry);
            if let Some((before, talk)) = passed_conversation(words, &self.body, &self.config.limits) {
                (self.before, self.talk) = (Some(before), talk);
            }
        }
    }

    /// Keeps the targets that an operation of Bedrock's own API can be sent to: another service takes Converse alone.
    pub(super) fn keep_fit_for(&mut self, operation: BedrockOperation) -> Result<(), Fault> {
        if operation.is_converse() {
            return Ok(());
        }
        let (config, dialect) = (Arc::clone(&self.config), self.dialect);
        self.targets.retain(|target| target.road(dialect, &config) == Road::Passthrough);
        if !self.targets.is_empty() {
            return Ok(());
        }
        let operation = operation.segment();
        let message = format!(
            "Another service than Bedrock answers for this model: it can be asked by Converse, and not by `{operation}`."
        );
        Err(Fault::mistake(MistakeKind::UnsupportedParameter, None, message))
    }

    /// Whether turns of this caller are remembered there.
    fn restores(&self, target: &Target) -> bool {
        let RestorePolicy { enabled, anonymous, .. } = target.policy.restore;
        enabled && (anonymous || !self.caller.is_anonymous())
    }

    /// Under what those turns may be remembered: for each model id that may be called, every turn by its ids, then every
    /// turn without them.
    pub(super) fn keys(&self) -> Vec<TurnKey> {
        let key = |model_id, called: &CalledTurn| self.key(model_id, called.calls.clone()).after(called.before);
        let by_ids = |model_id| self.called.iter().map(move |(called, _)| key(model_id, called));
        let alike = |called: &CalledTurn, model_id| TurnKey::alike(self.caller.clone(), model_id, called.likeness);
        let renamed = |model_id| self.called.iter().map(move |(called, _)| alike(called, model_id));
        self.model_ids().flat_map(|model_id| by_ids(model_id).chain(renamed(model_id))).collect()
    }

    pub(super) fn key(&self, model_id: &str, calls: Vec<String>) -> TurnKey {
        TurnKey::new(self.caller.clone(), model_id, calls)
    }

    /// Takes what is remembered, in the order of the keys.
    pub(super) fn remember(&mut self, turns: Vec<Option<Turn>>) {
        if turns.is_empty() {
            return;
        }
        let ids: Vec<String> = self.model_ids().map(str::to_owned).collect();
        let mut turns = turns.into_iter();
        for model_id in ids {
            for renamed in [false, true] {
                for ((_, known), turn) in self.called.iter_mut().zip(turns.by_ref()) {
                    known.extend(turn.map(|turn| Recalled { model_id: model_id.clone(), renamed, turn }));
                }
            }
        }
    }

    /// Moves the target that made the conversation's sealed reasoning to the front: nobody else takes it.
    pub(super) fn prefer_issuer(&mut self, incoming: &Incoming<'_>) {
        let recalled = self.called.iter().rev().flat_map(|(_, known)| known).map(|known| known.turn.issuer());
        let Some(issuer) = incoming.marks().chain(recalled).find(|mark| *mark != Mark::default()) else { return };
        if let Some(at) = self.targets.iter().position(|target| target.mark(&self.config) == issuer) {
            let target = self.targets.remove(at);
            self.targets.insert(0, target);
        }
    }

    /// Writes the call to a target, with the operator's changes.
    pub(super) fn write(&self, at: usize, incoming: Option<Incoming<'_>>) -> Result<Written, Fault> {
        let target = self.targets.get(at).ok_or_else(|| Fault::Ours("a request without a target".to_owned()))?;
        let Said { mut outgoing, put_back, road, answers } = self.translated(target, incoming)?;
        outgoing.body = target.mutation.body(&outgoing.body).map_err(|_| {
            Fault::Ours("the call's body could not be changed as the configuration wants it".to_owned())
        })?;
        let counts = &self.health.counts;
        let count_key = self.counting.then(|| counts.key(&self.caller, &outgoing.path, &outgoing.body));
        Ok(Written {
            count_key,
            outgoing,
            put_back,
            at,
            backend: target.backend,
            model_id: target.model_id.clone(),
            road,
            policy: Arc::clone(&target.policy),
            mutation: Arc::clone(&target.mutation),
            answers,
        })
    }

    /// Translates the request for a target's API, with the reasoning that is remembered, or relays it in its dialect.
    fn translated(&self, target: &Target, incoming: Option<Incoming<'_>>) -> Result<Said, Fault> {
        let road = self.road_to(target);
        if let (Road::Passthrough, Some(passed)) = (road, &self.passed) {
            let mut outgoing = passed.outgoing(&self.body, &self.head, target, &self.config)?;
            outgoing.memorable = self.restores(target) && self.before.is_some();
            return Ok(Said { outgoing, put_back: PutBack::default(), road, answers: AnswerTo::default() });
        }
        if let (Road::Relay, Some(prefix)) = (road, target.openai_prefix(&self.config)) {
            denied::check(&self.body, target.fields)?;
            return self.relayed_to(target, prefix);
        }
        if let Some(encoding) = &self.encoding {
            return self.encoded(target, encoding);
        }
        let mut incoming = incoming.map_or_else(|| self.read(), Ok)?;
        if target.policy.expose.is_some_and(|expose| expose.think_tags) {
            incoming.strip_think_tags();
        }
        let entry = target.entry(&self.config);
        // Only an id that no row of the catalogue has, or one like this, may be an encoder's.
        if (!entry.is_known() || target.model_id.contains("embed"))
            && let Some(encoder) = target.encoder(&self.config)
        {
            return Err(not_for_chat(encoder));
        }
        self.check_counting(road)?;
        let put_back = self.put_back(&mut incoming, target, entry);
        let rules = target.policy.rules_for(self.dialect);
        let mark = target.mark_of(entry, &self.config);
        let (adjustment, learned) = self.learned(target, &incoming);
        let allowed = target.fields.decided(ClientFields::default());
        let api = road.api().unwrap_or_default();
        // Tokens are counted by models, and not by the inference profiles that lead to them.
        let counted = if self.counting { base_id(&target.model_id) } else { None };
        let model_id = counted.unwrap_or(&target.model_id);
        let terms = Terms { api, model_id, entry, mark, rules: &rules, adjustment, allowed };
        let exposure = target.policy.exposure();
        // What the road to this backend cannot hold takes another one.
        let road = incoming.road(road, &terms, exposure);
        let mut outgoing = match road {
            Road::Reframe(_) if !self.counting => incoming.reframed_on(&terms, exposure)?,
            Road::Translate(api) | Road::Reframe(api) => incoming.outgoing_on(&Terms { api, ..terms }, exposure)?,
            Road::TranslateToOpenAi => {
                let prefix = target.openai_prefix(&self.config).unwrap_or_default();
                incoming.chat_on(&terms, prefix, exposure)?
            }
            Road::Relay | Road::Passthrough | Road::Closed => {
                return Err(Fault::Ours("a backend that is reached by no translation".to_owned()));
            }
        };
        outgoing.warnings.extend(learned);
        if target.fields.report_upstream_model == Some(true) {
            outgoing.model = Text::from_plain(target.model_id.clone());
        }
        outgoing.warnings.extend(self.adjusted.iter().cloned());
        outgoing.memorable &= self.restores(target) && self.before.is_some();
        if self.counting {
            outgoing = outgoing.counting();
        }
        let answers = if self.counting { AnswerTo::TokenCount } else { AnswerTo::Chat };
        Ok(Said { outgoing, put_back, road, answers })
    }

    /// Refuses to count tokens where another service than Bedrock answers.
    fn check_counting(&self, road: Road) -> Result<(), Fault> {
        if !self.counting || road != Road::TranslateToOpenAi {
            return Ok(());
        }
        Err(Fault::unsupported(FieldRef::Model, "the service that answers for this model counts no tokens"))
    }

    /// The request for a service of the client's own dialect.
    fn relayed_to(&self, target: &Target, prefix: &str) -> Result<Said, Fault> {
        let (outgoing, answers) = match &self.encoding {
            Some(Encoding { task, .. }) => {
                let outgoing = relayed::encoding(&self.body, &self.head, &target.model_id, prefix, *task)?;
                (outgoing, AnswerTo::RelayedEncoding(*task))
            }
            None => {
                let relayed = relayed::relayed(&self.body, &self.head, &target.model_id, &target.policy, prefix)?;
                (relayed, AnswerTo::Chat)
            }
        };
        Ok(Said { outgoing, put_back: PutBack::default(), road: Road::Relay, answers })
    }

    /// Writes the next call to an encoder.
    fn encoded(&self, target: &Target, encoding: &Encoding) -> Result<Said, Fault> {
        let EncoderCall { mut outgoing, part } =
            encoding.call(&self.body, &target.model_id, target.encoder(&self.config), &self.config.limits)?;
        if target.fields.report_upstream_model == Some(true) {
            outgoing.model = Text::from_plain(target.model_id.clone());
        }
        let road = self.road_to(target);
        Ok(Said { outgoing, put_back: PutBack::default(), road, answers: AnswerTo::Encoding(part) })
    }

    /// Puts the reasoning back that is remembered for a target; how often that was done, and could not be.
    fn put_back(&self, incoming: &mut Incoming<'_>, target: &Target, entry: &Entry) -> PutBack {
        let mut put_back = PutBack::default();
        for (called, known) in &self.called {
            let mut here = known.iter().filter(|known| known.model_id == target.model_id).peekable();
            // What a model of which nothing is known thought without a seal is not sent to it.
            if !entry.is_known() && here.peek().is_some_and(|known| !known.turn.is_sealed()) {
                continue;
            }
            let turn = here.find(|known| match known.renamed {
                false => incoming.put_back(called.position, &known.turn),
                true => incoming.put_back_renamed(called.position, &known.turn),
            });
            let turn = turn.map(|known| &known.turn);
            put_back.restored += u32::from(called.lost && turn.is_some_and(Turn::reasoned));
            put_back.missed += u32::from(called.lost && turn.is_none());
        }
        put_back
    }

    /// The adjustments of the request for a target, because of a refusal of it or of one before it; the warning that the
    /// client gets of the latter.
    fn learned(&self, target: &Target, incoming: &Incoming<'_>) -> (Adjustment, Option<Warning>) {
        let (mut adjustment, lessons) = (self.adjustment, &self.health.lessons);
        if lessons.is_empty() {
            return (adjustment, None);
        }
        adjustment.tools_whole |= lessons.knows(&target.model_id, Lesson::ToolsInStreams);
        let schema = incoming.schema().filter(|_| !adjustment.schema_in_words);
        if !schema.is_some_and(|schema| lessons.knows(&target.model_id, Lesson::Schema(schema))) {
            return (adjustment, None);
        }
        adjustment.schema_in_words = true;
        let why = "Bedrock refused this schema before; the model was asked in words to keep to it";
        (adjustment, Some(Warning::changed(FieldRef::Format, why)))
    }

    /// The largest turn that is remembered, in bytes.
    pub(super) fn room(&self, at: usize) -> usize {
        self.limits(at).bytes.min(LARGEST_TURN)
    }

    /// The limits of the store for turns of a target.
    pub(super) fn limits(&self, at: usize) -> RestoreLimits {
        let RestorePolicy { max_entries, max_bytes, max_age, .. } = self.restore(at);
        let number = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
        RestoreLimits { entries: number(max_entries.into()), bytes: number(max_bytes), age: max_age }
    }

    /// The group of turns that share them: those of one backend where the operator set any, else all.
    pub(super) fn group(&self, at: usize) -> u64 {
        let backend = self.targets.get(at).map_or(0, |target| target.backend as u64 + 1);
        if self.restore(at) == RestorePolicy::default() { 0 } else { backend }
    }

    /// Leaves a target for another one. Sealed reasoning is its issuer's alone, so it stays behind.
    pub(super) fn leave(&mut self, from: usize, to: usize) {
        let backend = |at: usize| self.targets.get(at).map(|target| target.backend);
        if backend(to) != backend(from) && self.sealed && !self.adjustment.without_reasoning {
            self.adjustment.without_reasoning = true;
            let why = "the backend that made it does not answer; another one was asked without it";
            self.adjusted.push(Warning::dropped(FieldRef::PastReasoning(None), why));
        }
    }

    fn restore(&self, at: usize) -> RestorePolicy {
        self.targets.get(at).map(|target| target.policy.restore).unwrap_or_default()
    }

    /// The model ids of all targets, each once.
    fn model_ids(&self) -> impl Iterator<Item = &str> {
        let first = |at: usize, id: &str| !self.targets.iter().take(at).any(|target| target.model_id == id);
        let ids = self.targets.iter().map(|target| target.model_id.as_str()).enumerate();
        ids.filter(move |(at, id)| first(*at, id)).map(|(_, id)| id)
    }
}
