//! What a request's path asks for, and the call that a chat completion needs.

use super::answer::{self, Waiting};
use super::{Arrival, Call, Exchange, Output, Patience, models};
use crate::config::Config;
use crate::record::Outcome;
use crate::route;
use aquifer_translate::Fault;
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::translation::Incoming;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Chat Completions.
const CHAT: &str = "/v1/chat/completions";
/// The list of models, and with `/ID` one of them.
const MODELS: &str = "/v1/models";

impl Exchange {
    /// Does what the path asks for.
    pub(super) fn start(&mut self, config: &Config, arrival: &Arrival<'_>) -> Result<(), Fault> {
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

    fn chat(&mut self, config: &Config, arrival: &Arrival<'_>) -> Result<(), Fault> {
        self.record.operation = "chat";
        let incoming = Incoming::read(arrival.body)?;
        incoming.model().clone_into(&mut self.record.model);
        self.record.stream = incoming.stream();
        let target = route::choose(config, incoming.model(), arrival.headers, host(arrival))?;
        self.record.model_id.clone_from(&target.model_id);
        if let Some(backend) = config.backends.get(target.backend) {
            self.record.backend = format!("{}/{}", backend.namespace, backend.name);
        }
        let known = target.bedrock.base_models.iter().find(|(id, _)| *id == target.model_id);
        let outgoing = incoming.outgoing(&target.model_id, known.map(|(_, base)| base.as_str()))?;
        self.record.warnings = outgoing.warnings.iter().map(ToString::to_string).collect();
        let patience = target.rule.map_or_else(Patience::default, |rule| Patience {
            silence: rule.stream_idle_timeout,
            whole: rule.request_timeout,
        });
        let accept = if outgoing.stream { "application/vnd.amazon.eventstream" } else { "application/json" };
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static(accept)),
        ]);
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        self.waiting = Some(Waiting::new(outgoing, arrival.unix_seconds));
        self.outputs.push_back(Output::Call(Call { backend: target.backend, path, headers, body, patience }));
        Ok(())
    }
}

/// As much of a path as an error repeats.
fn shown(path: &str) -> &str {
    path.char_indices().nth(200).map_or(path, |(end, _)| path.get(..end).unwrap_or_default())
}

fn host<'a>(arrival: &Arrival<'a>) -> Option<&'a str> {
    arrival.headers.get(header::HOST).and_then(|host| host.to_str().ok())
}
