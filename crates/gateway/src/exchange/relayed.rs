//! A request for a backend that speaks the client's own dialect: it goes on as it came, but for what the gateway reads
//! otherwise than the backend might, and for what the operator limits.

mod limits;

use crate::config::ReasoningPolicy;
use crate::mutation::{Members, object, spliced};
use aquifer_translate::Fault;
use aquifer_translate::catalogue::EncoderTask;
use aquifer_translate::dialect::Head;
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::model::reasoning::SentEffort;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Answering, Outgoing};
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use limits::Limits;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The mark that some programs write before a text of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The member whose own members count as if they stood beside it.
const EXTRA: &str = "extra_body";

/// Whether a request that cannot be said in Bedrock's words may be right for a backend that takes it as it is: a field is
/// beyond what Bedrock can do, or has a value of which this gateway knows nothing.
pub(super) fn may_be_relayed(fault: &Fault) -> bool {
    let (Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake)) = fault else { return false };
    matches!(mistake.kind, MistakeKind::InvalidValue | MistakeKind::UnsupportedParameter)
}

/// The request as it goes on, to a path under `prefix`; `head` is what was read of it, which decides everything.
///
/// # Errors
///
/// It cannot be changed as the operator wants it.
pub(super) fn relayed(
    body: &Bytes,
    head: &Head<'_>,
    model_id: &str,
    policy: &ReasoningPolicy,
    prefix: &str,
) -> Result<Outgoing, Fault> {
    let (body, warnings) = within_limits(plainly(body, model_id)?, policy)?;
    Ok(Outgoing { warnings, ..outgoing(body, head, prefix, "/chat/completions") })
}

/// The same of a request to an encoder: there is nothing in it that reasoning's limits could hold.
///
/// # Errors
///
/// As [`relayed`].
pub(super) fn encoding(
    body: &Bytes,
    head: &Head<'_>,
    model_id: &str,
    prefix: &str,
    task: EncoderTask,
) -> Result<Outgoing, Fault> {
    Ok(outgoing(plainly(body, model_id)?, head, prefix, task.path()))
}

fn outgoing(body: Bytes, head: &Head<'_>, prefix: &str, path: &str) -> Outgoing {
    let prefix = prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    // Room for those that the host adds.
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Outgoing {
        path: format!("{slash}{prefix}{path}"),
        body,
        stream: head.stream,
        whole: false,
        model: Text::from_plain(head.model.clone().into_owned()),
        style: Answering::default(),
        headers,
        accept: if head.stream { "text/event-stream" } else { "application/json" },
        restore: Box::new(|_| None),
        warnings: Vec::new(),
        schema: None,
        reasoning_on: false,
        effort: SentEffort::default(),
        sealed: false,
        memorable: false,
    }
}

/// The body with no more reasoning asked for than the operator allows, and a warning for each field that is lowered.
///
/// # Errors
///
/// It is no JSON object, where anything is limited.
pub(super) fn within_limits(body: Bytes, policy: &ReasoningPolicy) -> Result<(Bytes, Vec<Warning>), Fault> {
    match Limits::of(policy) {
        Some(limits) => limits.hold(&body),
        None => Ok((body, Vec::new())),
    }
}

/// The body with this model, and so that everybody reads it as this gateway does: without a byte order mark, of members
/// that are there twice the last one, and those of `extra_body` beside the others. What is so already stays as it is.
fn plainly(body: &Bytes, model_id: &str) -> Result<Bytes, Fault> {
    let body = if body.starts_with(BYTE_ORDER_MARK) { body.slice(BYTE_ORDER_MARK.len()..) } else { body.clone() };
    let Members(members) = Members::read(&body)?;
    let last = last_of(&members);
    let extra = last.get(EXTRA).and_then(|at| members.get(*at)).map(|(_, value)| value.get());
    let extra = extra.filter(|extra| extra.starts_with('{'));
    let model = format!("\"{}\"", Text::from_plain(model_id).as_escaped());
    if extra.is_none() && last.len() == members.len() {
        let other = members.iter().filter(|(name, said)| name == "model" && !says(said, model_id));
        let mut other = other.map(|(_, said)| (*said, model.as_str())).peekable();
        return if other.peek().is_some() { spliced(&body, other) } else { Ok(body.clone()) };
    }
    let beside = extra.map(|extra| Members::read(extra.as_bytes())).transpose()?.map(|it| it.0).unwrap_or_default();
    let within = last_of(&beside);
    let own = members
        .iter()
        .enumerate()
        .filter(|(at, (name, _))| last.get(name.as_ref()) == Some(at) && (name != EXTRA || extra.is_none()));
    let lacking = beside
        .iter()
        .enumerate()
        .filter(|(at, (name, _))| within.get(name.as_ref()) == Some(at) && !last.contains_key(name.as_ref()));
    let named = own.chain(lacking).map(|(_, (name, said))| match name.as_ref() {
        "model" if !says(said, model_id) => ("model", model.as_str()),
        name => (name, said.get()),
    });
    Ok(Bytes::from(object(named)))
}

/// Where the last member of each name stands.
fn last_of<'m>(members: &'m [(Cow<'_, str>, &RawValue)]) -> HashMap<&'m str, usize> {
    members.iter().enumerate().map(|(at, (name, _))| (name.as_ref(), at)).collect()
}

/// Whether a value is this string. With half of a surrogate pair in it, it is none: what was read of it is another one.
fn says(value: &RawValue, text: &str) -> bool {
    serde_json::from_str::<Cow<'_, str>>(value.get()).is_ok_and(|said| said == text)
}

#[cfg(test)]
mod tests;
