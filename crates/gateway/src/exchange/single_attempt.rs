//! An attempt by itself, for a host that chose the backend and makes the one call: no routes, no retries, no time.

use super::attempt::{Attempt, UpstreamRequest};
use super::begin_attempt::Begun;
use super::candidates::road;
use super::contract::RequestHead;
use super::encoding::{AnswerTo, Encoding};
use super::passed::{Glance, Passed};
use super::plan::{self, Plan, Written};
use super::relayed;
use super::target::Target;
use crate::config::{Backend, Config};
use crate::health::BackendHealth;
use crate::restore::{Caller, TurnStore};
use crate::route;
use aquifer_translate::Fault;
use aquifer_translate::catalogue::EncoderTask;
use aquifer_translate::dialect::bedrock_runtime::BedrockOperation;
use aquifer_translate::dialect::{self, Head, Operation, Surface};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::{EncoderRequest, Road};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// The backend of an attempt that its host chose.
#[derive(Clone, Copy)]
pub struct ChosenBackend<'a> {
    /// The configuration.
    pub config: &'a Arc<Config>,
    /// What earlier requests taught about its models.
    pub health: &'a Arc<BackendHealth>,
    /// Index into [`Config::backends`].
    pub backend: usize,
    /// The model id to call; `None`: the one that the request names.
    pub model_id: Option<&'a str>,
}

impl Attempt {
    /// Writes a request for one backend; `turns` gives back reasoning that the client dropped, where it can at once.
    ///
    /// Then the host sends what it got, and feeds [`head`](Self::head), [`body`](Self::body) and [`end`](Self::end). What
    /// they tell in [`Told`](super::attempt::Told) is the client's: a part of its stream, whose head is
    /// [`stream_head`](Self::stream_head), or its answer, whole. A fault before anything was told is answered by
    /// [`take_refusal`](Self::take_refusal) or else by [`dialect::error`]; after it, by [`fail`](Self::fail).
    ///
    /// # Errors
    /// The client's mistakes, and what this backend cannot do. A backend that is not there, not
    /// served, or of another dialect without a translation is the host's; so is what is answered without a call, and inputs
    /// that their model embeds in several.
    pub fn write(
        chosen: ChosenBackend<'_>,
        head: &RequestHead<'_>,
        body: Bytes,
        turns: &dyn TurnStore,
    ) -> Result<(Self, UpstreamRequest), Fault> {
        let ChosenBackend { config, backend, .. } = chosen;
        let found = config.backends.get(backend).filter(|backend| backend.kind.api().is_some());
        let found = found.ok_or_else(|| Fault::Ours("the chosen backend is not served".to_owned()))?;
        let dialect = head.dialect();
        if road(config, dialect, backend) == Road::Closed {
            return Err(Fault::Ours("the chosen backend does not speak the client's dialect".to_owned()));
        }
        let surface = Surface::of(head.method, head.path).map_err(|none| none.fault(head.method, head.path))?;
        let alone = Alone { chosen, found, head, body };
        let (mut plan, written) = match surface.operation {
            Operation::Generate => alone.generate(turns, false)?,
            Operation::CountTokens => alone.generate(turns, true)?,
            Operation::Bedrock(operation) => {
                alone.pass(operation, surface.model_id().unwrap_or_default().into_owned())?
            }
            Operation::Embed => alone.encode(EncoderTask::Embed)?,
            Operation::Rerank => alone.encode(EncoderTask::Rerank)?,
            Operation::StoredResponse
            | Operation::ListModels
            | Operation::GetModel
            | Operation::ListProfiles
            | Operation::GetProfile => return Err(Fault::Ours("it is answered without a call".to_owned())),
        };
        let AnswerTo::Encoding(part) = written.answers else {
            let Begun { attempt, request, .. } = plan.begin(written, RequestId(head.random));
            return Ok((attempt, request));
        };
        let encoder = plan.encoding.take().and_then(|encoding| encoding.request);
        if !encoder.as_ref().is_some_and(|encoder| encoder.is_whole(part)) {
            return Err(Fault::Ours("the model answers it in several calls, which an exchange makes".to_owned()));
        }
        let Begun { attempt, request, .. } = plan.begin(written, RequestId(head.random));
        Ok((attempt.encoding(encoder), request))
    }
}

/// A request for the backend that its host chose.
struct Alone<'a> {
    chosen: ChosenBackend<'a>,
    found: &'a Backend,
    head: &'a RequestHead<'a>,
    body: Bytes,
}

impl Alone<'_> {
    fn plan(&self, asked: Head<'static>) -> Plan {
        let ChosenBackend { config, health, backend, model_id } = self.chosen;
        let model_id = model_id.unwrap_or(&asked.model).to_owned();
        let (config, health, dialect) = (Arc::clone(config), Arc::clone(health), self.head.dialect());
        Plan {
            caller: Caller::of(self.head.headers, None),
            targets: vec![Target::of(candidate(self.found, backend, model_id), &config)],
            ..Plan::new(config, health, dialect, self.head, self.body.clone(), asked)
        }
    }

    /// A request for an answer, or for `counting` its tokens.
    fn generate(&self, turns: &dyn TurnStore, counting: bool) -> Result<(Plan, Written), Fault> {
        let (config, dialect) = (self.chosen.config, self.head.dialect());
        let betas = plan::betas(self.head.headers);
        let read = plan::read(dialect, &self.body, &betas, counting, config);
        let asked = match &read {
            Ok(incoming) => Head { model: Cow::Owned(incoming.model().to_owned()), stream: incoming.stream() },
            Err(fault) => self.asked().map_err(|_| fault.clone())?,
        };
        let mut plan = Plan { betas: betas.clone(), counting, ..self.plan(asked) };
        let incoming = plan.as_needed(read)?;
        if let Some(incoming) = &incoming {
            plan.note_calls(incoming);
        }
        let keys = plan.keys();
        if !keys.is_empty() {
            plan.remember(turns.recall_now(&keys).unwrap_or_default());
        }
        let written = plan.write(0, incoming)?;
        Ok((plan, written))
    }

    /// A request of Bedrock's own API, for this model.
    fn pass(&self, operation: BedrockOperation, model: String) -> Result<(Plan, Written), Fault> {
        let asked = Head { model: Cow::Owned(model), stream: operation.streams() };
        let passed = Passed::of(operation, self.head.headers, Glance::at(operation, &self.body));
        let mut plan = Plan { passed: Some(passed), ..self.plan(asked) };
        plan.keep_fit_for(operation)?;
        plan.note_passed();
        let written = plan.write(0, None)?;
        Ok((plan, written))
    }

    /// A request to an encoder.
    fn encode(&self, task: EncoderTask) -> Result<(Plan, Written), Fault> {
        let ChosenBackend { config, backend, .. } = self.chosen;
        let (asked, request) = match EncoderRequest::read(task, &self.body, &config.limits) {
            Ok(request) => {
                let asked = Head { model: Cow::Owned(request.model().to_owned()), stream: false };
                (asked, Some(Box::new(request)))
            }
            // What Bedrock's models do not take, a backend that speaks the client's dialect may.
            Err(fault)
                if relayed::may_be_relayed(&fault) && road(config, self.head.dialect(), backend) == Road::Relay =>
            {
                (self.asked().map_err(|_| fault)?, None)
            }
            Err(fault) => return Err(fault),
        };
        let plan = Plan { encoding: Some(Encoding { task, request }), ..self.plan(asked) };
        let written = plan.write(0, None)?;
        Ok((plan, written))
    }

    /// What is asked for, where more of the request cannot be read.
    fn asked(&self) -> Result<Head<'static>, Fault> {
        let Head { model, stream } = dialect::read_head(self.head.dialect(), &self.body, &self.chosen.config.limits)?;
        Ok(Head { model: Cow::Owned(model.into_owned()), stream })
    }
}

fn candidate(found: &Backend, backend: usize, model_id: String) -> route::Candidate<'_> {
    let (reasoning, mutation) = (&found.reasoning, &found.mutation);
    route::Candidate { backend, model_id, rule: None, route: None, reasoning, mutation, priority: 0 }
}
