//! An attempt by itself, for a host that chose the backend and makes the one call: no routes, no retries, no time.

use super::attempt::{Attempt, UpstreamRequest};
use super::begin_attempt::Begun;
use super::candidates::road;
use super::contract::RequestHead;
use super::plan::{self, Plan};
use super::target::Target;
use crate::config::{Backend, Config};
use crate::health::BackendHealth;
use crate::restore::{Caller, TurnStore};
use crate::route;
use aquifer_translate::Fault;
use aquifer_translate::dialect::{self, Dialect, Head};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::Road;
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
    /// served, or of another dialect without a translation is the host's.
    pub fn write(
        chosen: ChosenBackend<'_>,
        head: &RequestHead<'_>,
        body: Bytes,
        turns: &dyn TurnStore,
    ) -> Result<(Self, UpstreamRequest), Fault> {
        let ChosenBackend { config, health, backend, model_id } = chosen;
        let found = config.backends.get(backend).filter(|backend| backend.kind.api().is_some());
        let found = found.ok_or_else(|| Fault::Ours("the chosen backend is not served".to_owned()))?;
        let dialect = head.dialect();
        // A path of Bedrock's own API says what its body does not.
        if road(config, dialect, backend) == Road::Closed || dialect == Dialect::Bedrock {
            return Err(Fault::Ours("the chosen backend does not speak the client's dialect".to_owned()));
        }
        let betas = plan::betas(head.headers);
        let read = plan::read(dialect, &body, &betas, false, config);
        let asked = match &read {
            Ok(incoming) => Head { model: Cow::Owned(incoming.model().to_owned()), stream: incoming.stream() },
            Err(fault) => {
                let Head { model, stream } =
                    dialect::read_head(dialect, &body, &config.limits).map_err(|_| fault.clone())?;
                Head { model: Cow::Owned(model.into_owned()), stream }
            }
        };
        let model_id = model_id.unwrap_or(&asked.model).to_owned();
        let mut plan = Plan {
            caller: Caller::of(head.headers, None),
            betas: betas.clone(),
            targets: vec![Target::of(candidate(found, backend, model_id), config)],
            ..Plan::new(Arc::clone(config), Arc::clone(health), dialect, head, body.clone(), asked)
        };
        let incoming = plan.as_needed(read)?;
        if let Some(incoming) = &incoming {
            plan.note_calls(incoming);
        }
        let keys = plan.keys();
        if !keys.is_empty() {
            plan.remember(turns.recall_now(&keys).unwrap_or_default());
        }
        let written = plan.write(0, incoming)?;
        let Begun { attempt, request, .. } = plan.begin(written, RequestId(head.random));
        Ok((attempt, request))
    }
}

fn candidate(found: &Backend, backend: usize, model_id: String) -> route::Candidate<'_> {
    let (reasoning, mutation) = (&found.reasoning, &found.mutation);
    route::Candidate { backend, model_id, rule: None, route: None, reasoning, mutation, priority: 0 }
}
