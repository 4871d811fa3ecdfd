//! What a request's head decides, and the plan that its body makes.

use super::attempt::WholeAnswer;
use super::candidates::{Wanted, candidates};
use super::common::Common;
use super::contract::{Output, RequestHead};
use super::deadlines::RecallDeadline;
use super::make_call::COUNT_TOKENS;
use super::passed::{Glance, Passed};
use super::plan::Plan;
use super::target::Target;
use super::timeouts::CallTimeouts;
use super::{Recalling, State, models, plan, profiles, relayed};
use crate::auth;
use crate::ingress::Ingress;
use crate::record::{Asked, Outcome};
use crate::restore::{Caller, TurnStore};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::EncoderTask;
use aquifer_translate::dialect::bedrock_runtime::BedrockOperation;
use aquifer_translate::dialect::{self, AnswerKind, Dialect, Head, NoSurface, Operation, Surface};
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::limits::Limits;
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::Incoming;
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

/// A request that may be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// It asks a model for an answer.
    Generate,
    /// It asks for the number of its tokens.
    CountTokens,
    /// It is passed through to an operation of Bedrock's own API.
    Bedrock(BedrockOperation),
    /// It asks an encoder for vectors or for a ranking.
    Encode(EncoderTask),
    /// It asks for a response that is remembered, or for it to be forgotten.
    StoredResponse,
}

/// A request that is refused by its head, with the methods of its path where it has another one.
struct Refused {
    fault: Fault,
    allow: Option<HeaderValue>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, allow: None }
    }
}

/// Whether a path that takes requests is asked to become a websocket. Codex tries that first, and falls back at once where
/// the status says that there is none.
fn is_websocket(head: &RequestHead<'_>) -> bool {
    let upgrade = head.headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    head.method == Method::GET && upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

fn no_websocket() -> Fault {
    let message =
        "This path is not served over a websocket: send a POST request, and read the answer as server-sent events.";
    Fault::mistake(MistakeKind::NoWebSocket, None, message)
}

impl Common {
    /// Decides by a request's head whether it may be read on; answers it where it has no body.
    pub(super) fn admit(&mut self, head: &RequestHead<'_>, surface: Result<Surface<'_>, NoSurface>) -> State {
        match self.surface(head, surface) {
            Ok(state) => state,
            Err(Refused { fault, allow }) => self.refuse(&fault, allow, head.now),
        }
    }

    fn surface(&mut self, head: &RequestHead<'_>, surface: Result<Surface<'_>, NoSurface>) -> Result<State, Refused> {
        if dialect::is_probe(head.method, head.path) {
            self.record.operation = "probe";
            return Ok(self.tell_head(StatusCode::OK, None, head.now));
        }
        self.record.caller = auth::admit(&self.config, ingress(head), head.headers)?;
        if let (&Method::OPTIONS, Err(NoSurface::MethodNotAllowed { allow, .. })) = (head.method, &surface) {
            self.record.operation = "options";
            return Ok(self.tell_head(StatusCode::NO_CONTENT, Some(HeaderValue::from_static(allow)), head.now));
        }
        let surface = surface.map_err(|none| Refused {
            fault: if is_websocket(head) { no_websocket() } else { none.fault(head.method, head.path) },
            allow: match none {
                NoSurface::MethodNotAllowed { allow, .. } => Some(HeaderValue::from_static(allow)),
                NoSurface::NotFound => None,
            },
        })?;
        match surface.operation {
            Operation::Generate => Ok(self.read_body("chat", Admitted::Generate)),
            Operation::CountTokens => Ok(self.read_body(COUNT_TOKENS, Admitted::CountTokens)),
            Operation::Bedrock(operation) => {
                let embeds = surface.model.is_some_and(|model| model.contains("embed"));
                let word = match operation {
                    BedrockOperation::CountTokens => COUNT_TOKENS,
                    BedrockOperation::InvokeModel if embeds => "embeddings",
                    BedrockOperation::Converse
                    | BedrockOperation::ConverseStream
                    | BedrockOperation::InvokeModel
                    | BedrockOperation::InvokeModelWithResponseStream => "chat",
                };
                Ok(self.read_body(word, Admitted::Bedrock(operation)))
            }
            Operation::ListProfiles => {
                let list = profiles::list(&self.config, head.headers, head.query, ingress(head));
                Ok(self.tell(list, head.now))
            }
            Operation::GetProfile => {
                let id = surface.model.unwrap_or_default();
                let one = profiles::one(&self.config, id, head.headers, ingress(head))?;
                Ok(self.tell(one, head.now))
            }
            Operation::Embed => Ok(self.encode(EncoderTask::Embed)),
            Operation::Rerank => Ok(self.encode(EncoderTask::Rerank)),
            Operation::StoredResponse => Ok(self.read_body("responses", Admitted::StoredResponse)),
            Operation::ListModels => {
                let list = models::list(&self.config, self.dialect, head.headers, head.query, ingress(head))?;
                Ok(self.tell(list, head.now))
            }
            Operation::GetModel => {
                let id = surface.model.unwrap_or_default();
                let one = models::one(&self.config, self.dialect, id, head.headers, ingress(head))?;
                Ok(self.tell(one, head.now))
            }
        }
    }

    /// Asks for the body of a request for this operation.
    fn read_body(&mut self, operation: &'static str, admitted: Admitted) -> State {
        self.record.operation = operation;
        self.push(Output::ReadBody { limit: self.terms.limits.max_body });
        State::Head(admitted)
    }

    /// Answers by a head alone, without a body.
    fn tell_head(&mut self, status: StatusCode, allow: Option<HeaderValue>, now: Instant) -> State {
        let mut headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, HeaderMap::new());
        headers.remove(header::CONTENT_TYPE);
        headers.extend(allow.map(|allowed| (header::ALLOW, allowed)));
        self.answer(WholeAnswer { status, headers, body: Bytes::new() });
        self.done(None, [None, None], Outcome::Answered, now)
    }

    /// Asks for the body of a request to an encoder.
    fn encode(&mut self, task: EncoderTask) -> State {
        self.record.operation = task.word();
        self.push(Output::ReadBody { limit: self.terms.limits.max_body });
        State::Head(Admitted::Encode(task))
    }

    fn tell(&mut self, body: String, now: Instant) -> State {
        self.record.operation = "models";
        let headers = dialect::head(self.dialect, self.id, AnswerKind::Whole, HeaderMap::new());
        self.answer(WholeAnswer { status: StatusCode::OK, headers, body: Bytes::from(body) });
        self.done(None, [None, None], Outcome::Answered, now)
    }

    /// Takes the body, and goes on with the first call or with the store of turns.
    pub(super) fn read(
        &mut self,
        admitted: Admitted,
        head: &RequestHead<'_>,
        body: Bytes,
        turns: &dyn TurnStore,
        now: Instant,
    ) -> State {
        self.body_at = Some(now);
        let planned = match admitted {
            Admitted::Generate => self.plan(head, body, false, turns, now),
            Admitted::CountTokens => self.plan(head, body, true, turns, now),
            Admitted::StoredResponse => return self.stored(head, turns, now),
            Admitted::Bedrock(operation) => self.pass(head, body, operation, now),
            Admitted::Encode(task) => self.plan_encoding(task, head, body, now),
        };
        planned.unwrap_or_else(|fault| self.refuse(&fault, None, now))
    }

    /// Goes on with what the store remembers.
    pub(super) fn recalled(&mut self, mut plan: Box<Plan>, turns: Vec<Option<Turn>>, now: Instant) -> State {
        plan.remember(turns);
        self.first_call(plan, None, now).unwrap_or_else(|fault| self.refuse(&fault, None, now))
    }

    /// Goes on without the store, which has not answered in time.
    pub(super) fn not_recalled(&mut self, mut plan: Box<Plan>, now: Instant) -> State {
        let why = "the store of turns did not answer in time; what the client left out of the reasoning stays out";
        plan.adjusted.push(Warning::dropped(FieldRef::PastReasoning(None), why));
        self.recalled(plan, Vec::new(), now)
    }

    fn plan(
        &mut self,
        head: &RequestHead<'_>,
        body: Bytes,
        counting: bool,
        turns: &dyn TurnStore,
        now: Instant,
    ) -> Result<State, Fault> {
        let config = Arc::clone(&self.config);
        let body = self.made_whole(head, body, turns)?;
        let betas = plan::betas(head.headers);
        let read = plan::read(self.dialect, &body, &betas, counting, &config);
        if read.is_err() {
            // Whatever is wrong with it, it is counted by its model.
            self.record.model = dialect::read_model(self.dialect, &body).map(Cow::into_owned).unwrap_or_default();
        }
        let (asked, affinity) = decisive(self.dialect, &body, &read, &config.limits)?;
        let stream = asked.stream;
        asked.model.as_ref().clone_into(&mut self.record.model);
        self.record.stream = stream;
        let parameters = read.as_ref().map(Incoming::parameters).unwrap_or_default();
        self.record.asked = Asked { body_bytes: body.len() as u64, parameters };
        let asked = Head { model: Cow::Owned(asked.model.into_owned()), stream };
        // The bindings of a conversation decide before the lot does: its prefix may be cached there.
        let seed = affinity.map_or(head.random as u64, |key| u64::from(crc(key)) | 1 << 32);
        let plan = self.routed(head, body.clone(), asked, seed, read.as_ref().err())?;
        let plan = Plan { betas: betas.clone(), counting, ..plan };
        self.planned(Box::new(plan), read, turns, now)
    }

    /// The plan of a request that was read as far as it decides where it goes; `unread` is what is wrong with the rest.
    pub(super) fn routed(
        &mut self,
        head: &RequestHead<'_>,
        body: Bytes,
        asked: Head<'static>,
        seed: u64,
        unread: Option<&Fault>,
    ) -> Result<Plan, Fault> {
        let config = Arc::clone(&self.config);
        let wanted = Wanted { dialect: self.dialect, model: &asked.model, headers: head.headers, seed };
        let candidates = match (candidates(&config, ingress(head), wanted), unread) {
            // Whatever else is wrong, a request that cannot be read is told so first.
            (Err(_), Some(fault)) => return Err(fault.clone()),
            (candidates, _) => candidates?,
        };
        let (route, rule) = candidates.first().map_or((None, None), |first| (first.route, first.rule));
        let shown = self.head_caller(head);
        self.record.route = route.map(|route| [&route.namespace, "/", &route.name].concat());
        self.record.rule = rule.and_then(|rule| rule.name.clone());
        self.record.caller = auth::authorize(&config, ingress(head), route, head.headers)?;
        let traffic = rule.map_or(&config.traffic, |rule| &rule.traffic);
        Ok(Plan {
            costs: route.map(|route| Arc::clone(&route.costs)).unwrap_or_default(),
            caller: Caller::of(head.headers, self.record.caller.as_deref()),
            shown,
            traffic: Arc::clone(traffic),
            timeouts: CallTimeouts::of(rule, traffic, asked.stream),
            timeouts_whole: CallTimeouts::of(rule, traffic, false),
            targets: candidates.into_iter().map(|candidate| Target::of(candidate, &config)).collect(),
            ..Plan::new(Arc::clone(&config), Arc::clone(&self.health), self.dialect, head, body, asked)
        })
    }

    /// Passes a request of Bedrock's own API through: its path says all that decides where it goes.
    fn pass(
        &mut self,
        head: &RequestHead<'_>,
        body: Bytes,
        operation: BedrockOperation,
        now: Instant,
    ) -> Result<State, Fault> {
        let surface = Surface::of(head.method, head.path).ok();
        let model = surface.and_then(|surface| surface.model_id()).unwrap_or_default().into_owned();
        self.record.model.clone_from(&model);
        self.record.stream = operation.streams();
        self.record.asked = Asked { body_bytes: body.len() as u64, ..Asked::default() };
        let asked = Head { model: Cow::Owned(model), stream: operation.streams() };
        let plan = self.routed(head, body, asked, head.random as u64, None)?;
        let glance = self.glance.take().unwrap_or_else(|| Glance::at(operation, &plan.body));
        let mut plan = Plan { passed: Some(Passed::of(operation, head.headers, glance)), ..plan };
        plan.keep_fit_for(operation)?;
        plan.note_passed();
        self.first_call(Box::new(plan), None, now)
    }

    /// Asks the store for the turns that came back without their reasoning, then makes the first call.
    fn planned(
        &mut self,
        mut plan: Box<Plan>,
        read: Result<Incoming<'_>, Fault>,
        turns: &dyn TurnStore,
        now: Instant,
    ) -> Result<State, Fault> {
        let incoming = plan.as_needed(read)?;
        if let Some(incoming) = &incoming {
            plan.note_calls(incoming);
            plan.note_stored(incoming);
        }
        let keys = plan.keys();
        let known = if keys.is_empty() { Some(Vec::new()) } else { turns.recall_now(&keys) };
        let Some(known) = known else {
            self.push(Output::Recall(keys));
            return Ok(State::Recalling(Recalling { plan, deadline: RecallDeadline::begin(now) }));
        };
        plan.remember(known);
        self.first_call(plan, incoming, now)
    }
}

/// The model and the kind of answer that a request asks for, which decide where it goes, and what binds it to others of its conversation. What Bedrock cannot do, a backend
/// that speaks the client's dialect may: then there is less to know of it.
fn decisive<'r>(
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

/// A number for a word: not secret, and always the same.
fn crc(word: &str) -> u32 {
    aquifer_translate::model::issuer::Mark::of(word, "").model
}

fn ingress<'a>(head: &RequestHead<'a>) -> Ingress<'a> {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Ingress { port: head.port, host }
}
