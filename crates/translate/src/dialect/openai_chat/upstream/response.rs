//! A whole answer of a backend, read.

use super::chunks::ChunkReader;
use super::protocol;
use crate::fault::{Fault, Misbehaviour};
use crate::model::delta::{Delta, Event, Seal};
use crate::model::issuer::Issuer;
use crate::model::raw::Raw;
use crate::model::request::Block;
use crate::model::response::{Response, StopReason, Usage};
use crate::model::text::Text;
use std::borrow::Cow;

/// Reads a whole answer; calls without an id get one that begins with `id`.
///
/// # Errors
///
/// An error of the backend's, and a body that is no answer.
pub fn read(body: &[u8], id: String) -> Result<Response<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| protocol("its answer is no UTF-8"))?;
    let mut chunks = ChunkReader::new(id);
    let mut events = chunks.events(text)?;
    chunks.end(&mut events)?;
    let mut response = Response {
        content: Vec::new(),
        stop: StopReason::EndTurn,
        usage: Usage::default(),
        service_tier: None,
        trace: None,
    };
    for event in events {
        take(event, &mut response);
    }
    for block in &response.content {
        if let Block::ToolUse { input, .. } = block
            && serde_json::from_str::<serde::de::IgnoredAny>(input.as_json()).is_err()
        {
            return Err(Fault::UpstreamMisbehaved(Misbehaviour::MalformedOutput("malformed_tool_use".to_owned())));
        }
    }
    Ok(response)
}

/// Takes one event into the answer.
fn take<'a>(event: Event<'a>, response: &mut Response<'a>) {
    match event {
        Event::Delta { index, delta } => {
            let at = usize::try_from(index.upstream).unwrap_or(usize::MAX);
            if at >= response.content.len() {
                response.content.extend(begun(delta));
            } else if let Some(block) = response.content.get_mut(at) {
                grow(block, delta);
            }
        }
        Event::BlockStop { seal, .. } => match (seal, response.content.last_mut()) {
            (Some(Seal::Signature(seal)), Some(Block::Reasoning { signature, .. })) => *signature = Some(seal),
            (Some(Seal::Redacted(seal)), Some(Block::Redacted { data, .. })) => *data = seal,
            // A thought of which nothing is shown.
            (Some(Seal::Signature(seal)), Some(block @ Block::Redacted { .. })) => {
                let (text, signature) = (Text::default(), Some(seal));
                *block = Block::Reasoning { text, signature, issuer: Issuer::default() };
            }
            _ => {}
        },
        Event::Stop(stop) => response.stop = stop,
        Event::Metadata { usage, service_tier, trace: _ } => {
            response.usage = usage.unwrap_or_default();
            response.service_tier = service_tier;
        }
        Event::Start | Event::Unknown => {}
    }
}

/// The block that a first delta begins.
fn begun(delta: Delta<'_>) -> Option<Block<'_>> {
    Some(match delta {
        Delta::Text(text) => Block::Text(text),
        Delta::Reasoning(text) => Block::Reasoning { text, signature: None, issuer: Issuer::default() },
        Delta::SealPiece(_) => Block::Redacted { data: Text::default(), issuer: Issuer::default() },
        Delta::ToolUse { id, name } => {
            Block::ToolUse { id, name: Cow::Owned(name.plain().into_owned()), input: Raw::from_json("") }
        }
        Delta::Citation(citation) => Block::Cited { text: Text::default(), citations: vec![citation] },
        Delta::ToolInput(_) | Delta::Unknown => return None,
    })
}

fn grow<'a>(block: &mut Block<'a>, delta: Delta<'a>) {
    match delta {
        Delta::Text(more) | Delta::Reasoning(more) => {
            if let Block::Text(text) | Block::Reasoning { text, .. } | Block::Cited { text, .. } = block {
                text.append(&more);
            }
        }
        Delta::ToolInput(more) => {
            if let Block::ToolUse { input, .. } = block {
                input.append(&more.plain());
            }
        }
        Delta::Citation(citation) => {
            if let Block::Cited { citations, .. } = block {
                citations.push(citation);
            } else if let Block::Text(text) = block {
                let text = std::mem::take(text);
                *block = Block::Cited { text, citations: vec![citation] };
            }
        }
        Delta::SealPiece(_) | Delta::ToolUse { .. } | Delta::Unknown => {}
    }
}
