//! A chat request on its way: all that an attempt needs, the first one and each further one.

use super::{CallTimeouts, denied, relayed};
use crate::config::{BackendKind, Config, FieldPolicy, OpenAi, ReasoningPolicy, RestorePolicy, Traffic};
use crate::health::BackendHealth;
use crate::lessons::Lesson;
use crate::mutation::Mutation;
use crate::restore::{Caller, RestoreLimits, TurnKey};
use crate::route::{Draw, Target};
use aquifer_translate::Fault;
use aquifer_translate::bedrock::{self, Api, Remedy};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Entry};
use aquifer_translate::dialect::{Dialect, Head};
use aquifer_translate::limits::ClientFields;
use aquifer_translate::model::alike::Alike;
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::text::Text;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{Before, CalledTurn, Incoming, Outgoing, Road, Terms, UpstreamApi};
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The most of one turn that is remembered, in bytes.
const LARGEST_TURN: usize = 4 << 20;

/// A request that was read and routed.
pub(super) struct Asked {
    pub(super) config: Arc<Config>,
    /// What the client speaks.
    pub(super) dialect: Dialect,
    pub(super) body: Bytes,
    /// What was read of it to choose a backend: the same counts at each of them.
    pub(super) head: Head<'static>,
    pub(super) caller: Caller,
    pub(super) unix_seconds: u64,
    /// What the header `anthropic-beta` names.
    pub(super) betas: Vec<String>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) patience: CallTimeouts,
    /// The same for an answer that is asked for whole, whatever the client wants.
    pub(super) patience_whole: CallTimeouts,
    /// What is known of backends and models.
    pub(super) health: Arc<BackendHealth>,
    /// Where it may be sent, in order; never empty.
    pub(super) places: Vec<Place>,
    /// Where the attempt at hand is sent.
    pub(super) at: usize,
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
}

/// One place to which a request may be sent.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) backend: usize,
    pub(super) model_id: String,
    pub(super) policy: Arc<ReasoningPolicy>,
    pub(super) mutation: Arc<Mutation>,
    /// What the operators say of the fields that its clients may use.
    pub(super) fields: FieldPolicy,
    pub(super) priority: u32,
    /// How often it was sent there.
    pub(super) tries: u32,
    /// The request sent there finds out whether it is well again, which must be told.
    pub(super) probing: bool,
    /// It did, whatever came of it.
    pub(super) probed: bool,
    /// This request does not come back to it: it would say the same again.
    pub(super) excluded: bool,
    /// The catalogue's row for the model, once it was looked for.
    known: OnceLock<Cow<'static, Entry>>,
}

/// A remembered turn, and the model id under which it is.
pub(super) struct Recalled {
    model_id: String,
    /// It was found without the ids of its calls.
    renamed: bool,
    turn: Turn,
}

/// What became of the turns that came back without their reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PutBack {
    pub(super) restored: u32,
    pub(super) missed: u32,
}

impl Place {
    pub(super) fn of(target: Target<'_>, config: &Config) -> Self {
        Self {
            backend: target.backend,
            model_id: target.model_id,
            policy: Arc::clone(target.reasoning),
            mutation: Arc::clone(target.mutation),
            fields: config.client_fields_at(target.rule, target.backend),
            priority: target.priority,
            tries: 0,
            probing: false,
            probed: false,
            excluded: false,
            known: OnceLock::new(),
        }
    }

    /// How requests of clients of this dialect are led there. What is not served is never called.
    pub(super) fn road(&self, dialect: Dialect, config: &Config) -> Road {
        let spoken = config.backends.get(self.backend).and_then(|backend| backend.kind.spoken());
        Road::between(dialect, spoken.unwrap_or(UpstreamApi::Bedrock(Api::Converse)))
    }

    /// The backend there, when it speaks the client's dialect.
    fn openai<'c>(&self, config: &'c Config) -> Option<&'c OpenAi> {
        match config.backends.get(self.backend).map(|backend| &backend.kind) {
            Some(BackendKind::OpenAi(openai)) => Some(openai),
            _ => None,
        }
    }

    /// What the model is like there.
    pub(super) fn entry(&self, config: &Config) -> &Entry {
        match self.policy.entry(&self.model_id) {
            Some(own) => own,
            None => self.known(config),
        }
    }

    fn known(&self, config: &Config) -> &Entry {
        self.known.get_or_init(|| {
            let declared = match config.backends.get(self.backend).map(|backend| &backend.kind) {
                Some(BackendKind::Bedrock(bedrock)) => bedrock.base_models.iter().find(|(id, _)| *id == self.model_id),
                _ => None,
            };
            Catalogue::builtin().entry(declared.map_or(&self.model_id, |(_, base)| base))
        })
    }

    /// The mark of reasoning that is made there.
    pub(super) fn mark(&self, config: &Config) -> Mark {
        self.mark_of(self.entry(config), config)
    }

    /// The same, when it is known what the model is like.
    fn mark_of(&self, entry: &Entry, config: &Config) -> Mark {
        let backend = config.backends.get(self.backend);
        let name = backend.map(|backend| [&backend.namespace, "/", &backend.name]);
        Mark::of_parts(entry.base_of(&self.model_id), name.as_ref().map_or(&[], |name| &name[..]))
    }
}

impl Asked {
    /// Where the attempt at hand is sent.
    pub(super) fn place(&self) -> Option<&Place> {
        self.places.get(self.at)
    }

    /// How the request is led to a place.
    pub(super) fn road_to(&self, place: &Place) -> Road {
        place.road(self.dialect, &self.config)
    }

    /// What was read of the request. Where it goes on as it came, nothing need have been.
    pub(super) fn as_needed<'r>(&self, read: Result<Incoming<'r>, Fault>) -> Result<Option<Incoming<'r>>, Fault> {
        let relayed = self.place().is_some_and(|place| self.road_to(place) == Road::Relay);
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
        let betas = self.betas.iter().map(String::as_str);
        Incoming::read_in(self.dialect, &self.body, betas, &self.config.limits)
    }

    /// Notes which turns called tools, for models that may reason and take their reasoning back.
    pub(super) fn note_calls(&mut self, incoming: &Incoming<'_>) {
        // A backend that speaks the client's dialect takes its words as they are.
        let translated = self.places.iter().find(|place| self.road_to(place) != Road::Relay);
        let Some(place) = translated.filter(|place| self.restores(place)) else { return };
        let entry = place.entry(&self.config);
        if entry.may_take_back() && incoming.has_tools() && incoming.may_reason(entry, &place.policy.rules()) {
            let (turns, before, talk) = incoming.history();
            self.called = turns.into_iter().map(|called| (called, Vec::new())).collect();
            (self.before, self.talk) = (Some(before), talk);
        }
    }

    /// Whether turns of this caller are remembered there.
    fn restores(&self, place: &Place) -> bool {
        let RestorePolicy { enabled, anonymous, .. } = place.policy.restore;
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

    /// Moves the place that made the conversation's sealed reasoning to the front: nobody else takes it.
    pub(super) fn prefer_issuer(&mut self, incoming: &Incoming<'_>) {
        let recalled = self.called.iter().rev().flat_map(|(_, known)| known).map(|known| known.turn.issuer());
        let Some(issuer) = incoming.marks().chain(recalled).find(|mark| *mark != Mark::default()) else { return };
        if let Some(at) = self.places.iter().position(|place| place.mark(&self.config) == issuer) {
            let place = self.places.remove(at);
            self.places.insert(0, place);
        }
    }

    /// Says it as the place at hand takes it, with the operator's changes.
    pub(super) fn outgoing(&self, incoming: Option<Incoming<'_>>) -> Result<(Outgoing, PutBack), Fault> {
        let (mut outgoing, put_back) = self.worded(incoming)?;
        if let Some(place) = self.place() {
            let changed = place.mutation.body(&outgoing.body);
            let ours = |_| Fault::Ours("the call's body could not be changed as the configuration wants it".to_owned());
            outgoing.body = changed.map_err(ours)?;
        }
        Ok((outgoing, put_back))
    }

    /// Says it in Bedrock's words, with the reasoning that is remembered, or leaves it in the client's.
    fn worded(&self, incoming: Option<Incoming<'_>>) -> Result<(Outgoing, PutBack), Fault> {
        let place = self.place().ok_or_else(|| Fault::Ours("a request without a place".to_owned()))?;
        if let (Road::Relay, Some(openai)) = (self.road_to(place), place.openai(&self.config)) {
            denied::check(&self.body, place.fields)?;
            let outgoing = relayed::relayed(&self.body, &self.head, (&place.model_id, &place.policy), openai)?;
            return Ok((outgoing, PutBack::default()));
        }
        let mut incoming = incoming.map_or_else(|| self.read(), Ok)?;
        if place.policy.expose.is_some_and(|expose| expose.think_tags) {
            incoming.strip_think_tags();
        }
        let mut put_back = PutBack::default();
        let entry = place.entry(&self.config);
        for (called, known) in &self.called {
            let mut here = known.iter().filter(|known| known.model_id == place.model_id).peekable();
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
        let rules = place.policy.rules();
        let mark = place.mark_of(entry, &self.config);
        let (adjustment, learned) = self.learned(place, &incoming);
        let allowed = place.fields.decided(ClientFields::default());
        let api = self.road_to(place).api().unwrap_or_default();
        let terms = Terms { api, model_id: &place.model_id, entry, mark, rules: &rules, adjustment, allowed };
        let mut outgoing = incoming.outgoing_on(&terms, place.policy.exposure())?;
        outgoing.warnings.extend(learned);
        if place.fields.report_upstream_model == Some(true) {
            outgoing.model = Text::from_plain(place.model_id.clone());
        }
        outgoing.warnings.extend(self.adjusted.iter().cloned());
        outgoing.memorable &= self.restores(place) && self.before.is_some();
        Ok((outgoing, put_back))
    }

    /// What is done otherwise at a place, because of a refusal of this request or of one before it; what of the latter the
    /// client should know.
    fn learned(&self, place: &Place, incoming: &Incoming<'_>) -> (Adjustment, Option<Warning>) {
        let (mut adjustment, lessons) = (self.adjustment, &self.health.lessons);
        if lessons.is_empty() {
            return (adjustment, None);
        }
        adjustment.tools_whole |= lessons.knows(&place.model_id, Lesson::ToolsInStreams);
        let schema = incoming.schema().filter(|_| !adjustment.schema_in_words);
        if !schema.is_some_and(|schema| lessons.knows(&place.model_id, Lesson::Schema(schema))) {
            return (adjustment, None);
        }
        adjustment.schema_in_words = true;
        let why = "Bedrock refused this schema before; the model was asked in words to keep to it";
        (adjustment, Some(Warning::changed(FieldRef::Format, why)))
    }

    /// Remembers what a refusal teaches of the model at hand.
    fn learn(&self, lesson: Lesson) {
        if let Some(place) = self.place() {
            self.health.lessons.learn(&place.model_id, lesson);
        }
    }

    /// How much of a turn is remembered, in bytes.
    pub(super) fn room(&self) -> usize {
        self.limits().bytes.min(LARGEST_TURN)
    }

    /// How much is remembered of all turns that share these limits, and for how long.
    pub(super) fn limits(&self) -> RestoreLimits {
        let RestorePolicy { max_entries, max_bytes, max_age, .. } = self.restore();
        let number = |most: u64| usize::try_from(most).unwrap_or(usize::MAX);
        RestoreLimits { entries: number(max_entries.into()), bytes: number(max_bytes), age: max_age }
    }

    /// Which turns share them: those of one backend where the operator set any, else all.
    pub(super) fn group(&self) -> u64 {
        let backend = self.place().map_or(0, |place| place.backend as u64 + 1);
        if self.restore() == RestorePolicy::default() { 0 } else { backend }
    }

    /// Decides to ask otherwise after this refusal of a request, which may have had a schema; `false`: asking again helps
    /// nobody.
    pub(super) fn adjust(&mut self, fault: &Fault, schema: Option<u64>) -> bool {
        let before = self.adjustment;
        let bound = self.place().is_some_and(|place| {
            place.policy.rules().drop_mismatched && place.entry(&self.config).bound && !before.drop_mismatched
        });
        let api = self.place().and_then(|place| self.road_to(place).api());
        let warning = match api.and_then(|api| bedrock::remedy(api, fault)) {
            Some(Remedy::Unbound) if bound => {
                self.adjustment.drop_mismatched = true;
                Warning::dropped(
                    FieldRef::PastReasoning(None),
                    "it was bound to another conversation; Bedrock drops it",
                )
            }
            Some(Remedy::Unbound | Remedy::WithoutReasoning) => {
                self.adjustment.without_reasoning = true;
                let why = "Bedrock refused the reasoning of earlier turns; it was asked again without any";
                Warning::dropped(FieldRef::PastReasoning(None), why)
            }
            Some(Remedy::LowerEffort) => {
                self.adjustment.lower_effort = true;
                Warning::changed(FieldRef::Effort, "Bedrock refused the effort; it was asked for the next lower one")
            }
            Some(Remedy::SchemaInWords) => {
                self.adjustment.schema_in_words = true;
                schema.into_iter().for_each(|schema| self.learn(Lesson::Schema(schema)));
                let why = "Bedrock refused the schema; the model was asked in words to keep to it";
                Warning::changed(FieldRef::Format, why)
            }
            Some(Remedy::Apart) => {
                self.adjustment.apart = true;
                let why = "the model takes nothing beside a tool's call or result; they have turns of their own";
                Warning::changed(FieldRef::Conversation, why)
            }
            Some(Remedy::StopsHere) => {
                self.adjustment.stops_here = true;
                Warning::changed(
                    FieldRef::Stop,
                    "Bedrock refused stop sequences; the answer is cut at them by the gateway",
                )
            }
            // The request itself tells its client of it.
            Some(Remedy::Whole) => {
                self.adjustment.tools_whole = true;
                self.learn(Lesson::ToolsInStreams);
                return self.adjustment != before;
            }
            Some(Remedy::ToolInWords) => {
                self.adjustment.tool_in_words = true;
                let why = "Bedrock refused to force a call; the model was asked in words to call the tool";
                Warning::changed(FieldRef::ToolChoice, why)
            }
            Some(other @ (Remedy::WithoutSampling | Remedy::SystemInMessages | Remedy::WithoutTools)) => {
                self.leave_out(other)
            }
            None => return false,
        };
        let changed = self.adjustment != before;
        if changed {
            self.adjusted.push(warning);
        }
        changed
    }

    /// Does without what a model does not take; gives what its client is told.
    fn leave_out(&mut self, remedy: Remedy) -> Warning {
        match remedy {
            Remedy::WithoutSampling => {
                self.adjustment.without_sampling = true;
                Warning::dropped(
                    FieldRef::Temperature,
                    "Bedrock refused temperature, top-p or top-k; it was asked without them",
                )
            }
            Remedy::SystemInMessages => {
                self.adjustment.system_in_messages = true;
                let why = "Bedrock refused a system's text; it was put before the first words of the user";
                Warning::changed(FieldRef::Conversation, why)
            }
            _ => {
                self.adjustment.without_tools = true;
                Warning::dropped(FieldRef::Tools, "Bedrock refused tools; the model was asked without them")
            }
        }
    }

    /// Goes to another place. Sealed reasoning is its issuer's alone, so it stays behind.
    pub(super) fn go_to(&mut self, at: usize) {
        let backend = |at: usize| self.places.get(at).map(|place| place.backend);
        if backend(at) != backend(self.at) && self.sealed && !self.adjustment.without_reasoning {
            self.adjustment.without_reasoning = true;
            let why = "the backend that made it does not answer; another one was asked without it";
            self.adjusted.push(Warning::dropped(FieldRef::PastReasoning(None), why));
        }
        self.at = at;
    }

    fn restore(&self) -> RestorePolicy {
        self.place().map(|place| place.policy.restore).unwrap_or_default()
    }

    /// The model ids of all places, each once.
    fn model_ids(&self) -> impl Iterator<Item = &str> {
        let first = |at: usize, id: &str| !self.places.iter().take(at).any(|place| place.model_id == id);
        let ids = self.places.iter().map(|place| place.model_id.as_str()).enumerate();
        ids.filter(move |(at, id)| first(*at, id)).map(|(_, id)| id)
    }
}
