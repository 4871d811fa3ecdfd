//! What a request's path asks for, and the call that a chat completion needs.

use super::answer::{self, Waiting};
use super::asked::{Asked, PutBack};
use super::{Arrival, Call, Exchange, Output, Patience, models};
use crate::config::Config;
use crate::record::Outcome;
use crate::restore::Caller;
use crate::route;
use aquifer_translate::Fault;
use aquifer_translate::catalogue::Amend;
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{Incoming, Outgoing};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// Chat Completions.
const CHAT: &str = "/v1/chat/completions";
/// The list of models, and with `/ID` one of them.
const MODELS: &str = "/v1/models";

impl Exchange {
    /// Does what the path asks for.
    pub(super) fn start(&mut self, config: &Arc<Config>, arrival: &Arrival<'_>) -> Result<(), Fault> {
        let model =
            arrival.path.strip_prefix(MODELS).and_then(|rest| rest.strip_prefix('/')).filter(|id| !id.is_empty());
        if arrival.path == CHAT {
            self.allow(arrival, "POST")?;
            self.chat(config, arrival)
        } else if arrival.path == MODELS {
            self.allow(arrival, "GET, HEAD")?;
            self.tell(models::list(config), arrival);
            Ok(())
        } else if let Some(id) = model {
            self.allow(arrival, "GET, HEAD")?;
            let one = models::one(config, id, arrival.headers, host(arrival))?;
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
        let headers = answer::json_head(&self.record.id, &HeaderMap::new());
        self.answer(StatusCode::OK, headers, Bytes::from(body));
        self.done(Outcome::Answered, arrival.now);
    }

    fn chat(&mut self, config: &Arc<Config>, arrival: &Arrival<'_>) -> Result<(), Fault> {
        self.record.operation = "chat";
        let betas: Vec<String> = arrival.headers.get_all("anthropic-beta").iter().filter_map(word).collect();
        let incoming = Incoming::read(arrival.body)?.with_betas(betas.iter().map(String::as_str));
        incoming.model().clone_into(&mut self.record.model);
        self.record.stream = incoming.stream();
        let target = route::choose(config, incoming.model(), arrival.headers, host(arrival))?;
        self.record.model_id.clone_from(&target.model_id);
        if let Some(backend) = config.backends.get(target.backend) {
            self.record.backend = format!("{}/{}", backend.namespace, backend.name);
        }
        let patience = target.rule.map_or_else(Patience::default, |rule| Patience {
            silence: rule.stream_idle_timeout,
            whole: rule.request_timeout,
        });
        let mut asked = Box::new(Asked {
            config: Arc::clone(config),
            body: arrival.body.clone(),
            caller: Caller::of(arrival.headers),
            backend: target.backend,
            policy: Arc::clone(target.reasoning),
            model_id: target.model_id,
            patience,
            unix_seconds: arrival.unix_seconds,
            betas,
            lost: Vec::new(),
            amend: Amend::default(),
            amended: Vec::new(),
        });
        if asked.policy.restore.enabled && incoming.may_reason(asked.entry(), &asked.policy.rules()) {
            asked.lost = incoming.lost_turns(asked.entry()).map(|lost| (lost, None)).collect();
        }
        let keys = asked.keys();
        let known = if keys.is_empty() { Some(Vec::new()) } else { arrival.turns.recall_now(&keys) };
        let Some(turns) = known else {
            self.asked = Some(asked);
            self.outputs.push_back(Output::Recall(keys));
            return Ok(());
        };
        remember(&mut asked, turns);
        let outgoing = asked.outgoing(incoming);
        self.asked = Some(asked);
        let (outgoing, put_back) = outgoing?;
        self.call(outgoing, put_back);
        Ok(())
    }

    /// Goes on with what the store remembers.
    pub(super) fn recalled(&mut self, turns: Vec<Option<Turn>>) -> Result<(), Fault> {
        let Some(asked) = self.asked.as_mut().filter(|_| self.waiting.is_none()) else { return Ok(()) };
        remember(asked, turns);
        let (outgoing, put_back) = asked.outgoing(asked.read()?)?;
        self.call(outgoing, put_back);
        Ok(())
    }

    /// Asks again otherwise, if that can help; `false`: it cannot.
    pub(super) fn ask_otherwise(&mut self, fault: &Fault) -> bool {
        let (Some(asked), Some(before)) = (&mut self.asked, &self.waiting) else { return false };
        if !asked.amend(fault) {
            return false;
        }
        let Ok((outgoing, put_back)) = asked.read().and_then(|incoming| asked.outgoing(incoming)) else { return false };
        if before.sent(&outgoing) {
            return false;
        }
        self.record.amended += 1;
        self.call(outgoing, put_back);
        true
    }

    fn call(&mut self, outgoing: Outgoing, put_back: PutBack) {
        let Some(asked) = &self.asked else { return };
        self.record.turns.restored = put_back.restored;
        self.record.turns.missed = put_back.missed;
        self.record.warnings = outgoing.warnings.iter().map(ToString::to_string).collect();
        let accept = if outgoing.stream { "application/vnd.amazon.eventstream" } else { "application/json" };
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static(accept)),
        ]);
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        let (backend, patience) = (asked.backend, asked.patience);
        let recording = outgoing.memorable.then(|| asked.room());
        self.waiting = Some(Waiting::new(outgoing, asked.unix_seconds, recording));
        self.outputs.push_back(Output::Call(Call { backend, path, headers, body, patience }));
    }
}

fn remember(asked: &mut Asked, turns: Vec<Option<Turn>>) {
    for ((_, known), turn) in asked.lost.iter_mut().zip(turns) {
        *known = turn;
    }
}

fn word(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

/// As much of a path as an error repeats.
fn shown(path: &str) -> &str {
    path.char_indices().nth(200).map_or(path, |(end, _)| path.get(..end).unwrap_or_default())
}

fn host<'a>(arrival: &Arrival<'a>) -> Option<&'a str> {
    arrival.headers.get(header::HOST).and_then(|host| host.to_str().ok())
}
