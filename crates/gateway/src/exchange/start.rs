//! What a request's path asks for, and the call that a chat completion needs.

use super::answer::Waiting;
use super::asked::{Asked, Place, PutBack};
use super::{Arrival, Call, CallId, CallTimeouts, Exchange, Output, models, relayed};
use crate::auth;
use crate::beginning;
use crate::config::{Config, HeaderMatch, HeaderValueMatch, Rule, Traffic};
use crate::ingress::Ingress;
use crate::record::Outcome;
use crate::restore::Caller;
use crate::route::{self, Draw};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::{Adjustment, Catalogue};
use aquifer_translate::dialect::{self, AnswerKind, Dialect, Head};
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::limits::Limits;
use aquifer_translate::model::alike::Alike;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{Incoming, Outgoing, Road};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Chat Completions.
const CHAT: &str = "/v1/chat/completions";
/// The names of Anthropic's betas.
static BETAS: HeaderName = HeaderName::from_static("anthropic-beta");
/// The list of models, and with `/ID` one of them.
const MODELS: &str = "/v1/models";

impl Exchange {
    /// Does what the path asks for.
    pub(super) fn start(&mut self, config: &Arc<Config>, arrival: &Arrival<'_>) -> Result<(), Fault> {
        self.record.caller = auth::admit(config, ingress(arrival), arrival.headers)?;
        let model =
            arrival.path.strip_prefix(MODELS).and_then(|rest| rest.strip_prefix('/')).filter(|id| !id.is_empty());
        if arrival.path == CHAT {
            self.allow(arrival, "POST")?;
            self.chat(config, arrival)
        } else if arrival.path == MODELS {
            self.allow(arrival, "GET, HEAD")?;
            self.tell(models::list(config, arrival.headers, ingress(arrival)), arrival);
            Ok(())
        } else if let Some(id) = model {
            self.allow(arrival, "GET, HEAD")?;
            let one = models::one(config, id, arrival.headers, ingress(arrival))?;
            self.tell(one, arrival);
            Ok(())
        } else {
            let message = format!(
                "Unknown path {:?}. This gateway serves {CHAT}, {MODELS} and {MODELS}/{{id}}.",
                shown(arrival.path)
            );
            Err(Fault::mistake(MistakeKind::PathNotFound, None, message))
        }
    }

    /// Refuses other methods than those of `allowed`, which is also what the header `Allow` says.
    fn allow(&mut self, arrival: &Arrival<'_>, allowed: &'static str) -> Result<(), Fault> {
        if allowed.split(", ").any(|method| method == arrival.method.as_str()) {
            return Ok(());
        }
        self.allow = Some(HeaderValue::from_static(allowed));
        let message = format!("{} is not a method of {}: use {allowed}.", arrival.method, shown(arrival.path));
        Err(Fault::mistake(MistakeKind::MethodNotAllowed, None, message))
    }

    fn tell(&mut self, body: String, arrival: &Arrival<'_>) {
        self.record.operation = "models";
        let headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, HeaderMap::new());
        self.answer(StatusCode::OK, headers, Bytes::from(body));
        self.done(Outcome::Answered, arrival.now);
    }

    fn chat(&mut self, config: &Arc<Config>, arrival: &Arrival<'_>) -> Result<(), Fault> {
        self.record.operation = "chat";
        let betas: Vec<String> = arrival.headers.get_all(&BETAS).iter().filter_map(word).collect();
        let read = Incoming::read_in(self.dialect, arrival.body, betas.iter().map(String::as_str), &config.limits);
        if read.is_err() {
            // Whatever is wrong with it, it is counted by its model.
            self.record.model =
                dialect::read_model(self.dialect, arrival.body).map(Cow::into_owned).unwrap_or_default();
        }
        let (head, affinity) = head(self.dialect, arrival.body, &read, &config.limits)?;
        let (model, stream) = (head.model.as_ref(), head.stream);
        model.clone_into(&mut self.record.model);
        self.record.stream = stream;
        // The bindings of a conversation decide before the lot does: its prefix may be cached there.
        let seed = affinity.map_or(arrival.random as u64, |key| u64::from(crc(key)) | 1 << 32);
        let targets = route::candidates(config, model, arrival.headers, ingress(arrival), seed);
        let targets = match (targets, &read) {
            // Whatever else is wrong, a request that cannot be read is told so first.
            (Err(_), Err(fault)) => return Err(fault.clone()),
            (targets, _) => targets?,
        };
        let route = targets.first().and_then(|target| target.route);
        self.record.caller = auth::authorize(config, ingress(arrival), route, arrival.headers)?;
        let rule = targets.first().and_then(|target| target.rule);
        let traffic = rule.map_or(&config.traffic, |rule| &rule.traffic);
        let mut asked = Box::new(Asked {
            config: Arc::clone(config),
            dialect: self.dialect,
            body: arrival.body.clone(),
            head: Head { model: Cow::Owned(model.to_owned()), stream },
            caller: Caller::of(arrival.headers, self.record.caller.as_deref()),
            unix_seconds: arrival.unix_seconds,
            betas,
            traffic: Arc::clone(traffic),
            patience: patience(rule, traffic, stream),
            patience_whole: patience(rule, traffic, false),
            health: Arc::clone(&self.health),
            places: targets.into_iter().map(|target| Place::of(target, config)).collect(),
            at: 0,
            attempts: 0,
            draw: Draw((arrival.random >> 64) as u64),
            called: Vec::new(),
            before: None,
            talk: Alike::default(),
            adjustment: Adjustment::default(),
            adjusted: Vec::new(),
            sealed: false,
        });
        let incoming = asked.as_needed(read)?;
        if let Some(incoming) = &incoming {
            asked.note_calls(incoming);
        }
        let keys = asked.keys();
        let known = if keys.is_empty() { Some(Vec::new()) } else { arrival.turns.recall_now(&keys) };
        let Some(turns) = known else {
            self.asked = Some(asked);
            self.outputs.push_back(Output::Recall(keys));
            return Ok(());
        };
        asked.remember(turns);
        self.first_call(asked, incoming, arrival.now)
    }

    /// Goes on with what the store remembers.
    pub(super) fn recalled(&mut self, turns: Vec<Option<Turn>>, now: Instant) -> Result<(), Fault> {
        let Some(mut asked) = self.asked.take_if(|_| self.waiting.is_none()) else { return Ok(()) };
        asked.remember(turns);
        self.first_call(asked, None, now)
    }

    fn first_call(&mut self, mut asked: Box<Asked>, incoming: Option<Incoming<'_>>, now: Instant) -> Result<(), Fault> {
        let body = asked.body.clone();
        let betas = asked.betas.clone();
        let limits = asked.config.limits;
        let dialect = self.dialect;
        let read = || Incoming::read_in(dialect, &body, betas.iter().map(String::as_str), &limits).ok();
        let incoming = incoming.or_else(read);
        if let Some(incoming) = &incoming {
            asked.prefer_issuer(incoming);
        }
        asked.at = asked.first_place(&self.health, now);
        let written = asked.outgoing(incoming);
        if let Some(place) = asked.place() {
            self.record.model_id.clone_from(&place.model_id);
        }
        self.asked = Some(asked);
        let (outgoing, put_back) = written?;
        self.call(outgoing, put_back, Duration::ZERO, now);
        Ok(())
    }

    /// Asks again otherwise, if that can help; `false`: it cannot.
    pub(super) fn ask_otherwise(&mut self, fault: &Fault, now: Instant) -> bool {
        let (Some(asked), Some(before)) = (&mut self.asked, &self.waiting) else { return false };
        if before.road() == Road::Relay {
            return false;
        }
        let told = asked.adjusted.len();
        while asked.adjust(fault, before.schema()) {
            let Ok((outgoing, put_back)) = asked.outgoing(None) else {
                return false;
            };
            if !before.sent(&outgoing) {
                self.record.amended += 1;
                self.call(outgoing, put_back, Duration::ZERO, now);
                return true;
            }
            // That changed nothing of this request; another remedy may.
            asked.adjusted.truncate(told);
        }
        false
    }

    /// Makes a call to the place at hand, after a pause.
    pub(super) fn call(&mut self, mut outgoing: Outgoing, put_back: PutBack, after: Duration, now: Instant) {
        let spent = now.saturating_duration_since(self.begun);
        let Some(asked) = &mut self.asked else { return };
        asked.attempts += 1;
        asked.sealed = outgoing.sealed;
        self.record.attempts = asked.attempts;
        self.record.turns.restored = put_back.restored;
        self.record.turns.missed = put_back.missed;
        let dialect = self.dialect;
        self.record.warnings = outgoing.warnings.iter().map(|warning| dialect.warning(warning)).collect();
        let Some(place) = asked.places.get_mut(asked.at) else { return };
        place.tries += 1;
        let (backend, tries, mutation) = (place.backend, place.tries, Arc::clone(&place.mutation));
        let policy = Arc::clone(&place.policy);
        if tries == 1 && self.at_hand == CallId::Primary {
            self.health.earn(backend);
        }
        self.record.model_id.clone_from(&place.model_id);
        let is_called_known = is_known(&asked.config, &place.model_id);
        let is_same = self.record.model == place.model_id;
        let is_asked_known = if is_same { is_called_known } else { is_known(&asked.config, &self.record.model) };
        self.record.known_models = [is_asked_known, is_called_known];
        if let Some(backend) = asked.config.backends.get(backend) {
            self.record.backend = [&backend.namespace, "/", &backend.name].concat();
        }
        let road = place.road(asked.dialect, &asked.config);
        self.record.provider = road.provider();
        let mut headers = std::mem::take(&mut outgoing.headers);
        headers.insert(header::ACCEPT, HeaderValue::from_static(outgoing.accept));
        mutation.headers(&mut headers);
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        // The whole is one time for all attempts.
        let whole = asked.patience.whole.map(|whole| whole.saturating_sub(spent));
        let limits = if outgoing.whole { asked.patience_whole } else { asked.patience };
        let hedges = if outgoing.whole { limits.hedge } else { asked.hedges_after(&self.health) };
        let hedge = hedges.filter(|_| self.at_hand == CallId::Primary && asked.may_hedge());
        // The client has waited since it asked.
        let early = asked.patience.early.filter(|_| self.at_hand == CallId::Primary);
        let usual = limits.usual.and_then(|_| asked.usual_first_byte(&self.health, now));
        let patience = CallTimeouts { whole, hedge, early, spent, usual, ..limits };
        let circuit = asked.traffic.circuit;
        let recording = outgoing.memorable.then(|| asked.room());
        let mut waiting = Waiting::new(outgoing, road, asked.unix_seconds, recording, now + after);
        waiting.warn(&self.record.warnings);
        self.waiting = Some(waiting.behind_veil(&policy).playing(self.id));
        let lane = self.at_hand;
        let call = Call { lane, backend, path, headers, body, patience, after, circuit };
        self.outputs.push_back(Output::Call(Box::new(call)));
    }
}

/// What decides where a request goes, and what binds it to others of its conversation. What Bedrock cannot do, a backend
/// that speaks the client's dialect may: then there is less to know of it.
fn head<'r>(
    dialect: Dialect,
    body: &'r [u8],
    read: &'r Result<Incoming<'_>, Fault>,
    limits: &Limits,
) -> Result<(Head<'r>, Option<&'r str>), Fault> {
    match read {
        Ok(incoming) => {
            let head = Head { model: Cow::Borrowed(incoming.model()), stream: incoming.stream() };
            Ok((head, incoming.affinity()))
        }
        Err(fault) if relayed::may_be_relayed(fault) => {
            dialect::read_head(dialect, body, limits).map(|head| (head, None)).map_err(|_| fault.clone())
        }
        Err(fault) => Err(fault.clone()),
    }
}

/// How long a call is waited for. An attempt has its time for the first byte of a stream: once it streams, it is the
/// client's answer.
fn patience(rule: Option<&Rule>, traffic: &Traffic, stream: bool) -> CallTimeouts {
    let first_byte = traffic.first_byte.filter(|time| !time.is_zero());
    let attempt = traffic.retry.each.or_else(|| rule.and_then(|rule| rule.call_timeout));
    CallTimeouts {
        connect: traffic.connect,
        // A whole answer has no first token to wait for: it may rightly take long.
        hedge: traffic.hedge.filter(|_| stream),
        early: Some(traffic.early_head).filter(|_| stream).unwrap_or(Some(Duration::ZERO)),
        spent: Duration::ZERO,
        first: if stream { first_byte.or(attempt) } else { attempt.or(first_byte) },
        // What is learned for each call, unless that is not wanted.
        usual: traffic.first_byte.is_none().then_some(Duration::ZERO),
        silence: rule.and_then(|rule| rule.stream_idle_timeout),
        whole: rule.and_then(|rule| rule.request_timeout).or(traffic.whole),
    }
}

/// Whether a model is named by the configuration or by a row of the catalogue: clients can name any other.
fn is_known(config: &Config, id: &str) -> bool {
    let rules = || config.routes.iter().flat_map(|route| &route.rules);
    let overrides = || rules().flat_map(|rule| &rule.backends).filter_map(|to| to.model_name_override.as_deref());
    let matched = || rules().flat_map(|rule| &rule.matches).flat_map(|one| &one.headers).filter_map(exact_model);
    let served = || config.backends.iter().filter_map(|backend| backend.kind.service()).flat_map(|it| &it.models);
    Catalogue::builtin().has(id)
        || overrides().any(|known| known == id)
        || served().any(|known| known == id)
        || matched().any(|known| known == id)
}

fn exact_model(header: &HeaderMatch) -> Option<&str> {
    match &header.value {
        HeaderValueMatch::Exact(value) if header.name == "x-ai-eg-model" => Some(value),
        HeaderValueMatch::Exact(_) | HeaderValueMatch::Regex(_) => None,
    }
}

/// A number for a word: not secret, and always the same.
fn crc(word: &str) -> u32 {
    aquifer_translate::model::issuer::Mark::of(word, "").model
}

fn word(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

/// As much of a path as an error repeats.
fn shown(path: &str) -> &str {
    beginning::of(path, 200)
}

fn ingress<'a>(arrival: &Arrival<'a>) -> Ingress<'a> {
    let host = arrival.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Ingress { port: arrival.port, host }
}
