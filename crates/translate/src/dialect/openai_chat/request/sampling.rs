//! Sampling: temperature, top-p, top-k, stop sequences and the limit of tokens.

use crate::dialect::json::{Node, Object};
use crate::dialect::notes::Notes;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::request::Sampling;
use crate::model::text::Text;

/// Reads `max_completion_tokens`, `max_tokens`, `temperature`, `top_p`, `top_k` and `stop`.
pub(super) fn read<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Sampling<'a>, Fault> {
    let (max_tokens, max_tokens_field) = max_tokens(top)?;
    let (blank_stop, stop) = stop(top, notes)?.into_iter().partition(Text::is_blank);
    Ok(Sampling {
        max_tokens,
        max_tokens_field,
        temperature: top.get("temperature").map(|node| node.number_within(0.0, 2.0)).transpose()?,
        top_p: top.get("top_p").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        top_k: top_k(top)?,
        stop,
        blank_stop,
    })
}

/// The newer name wins.
fn max_tokens(top: &Object<'_, '_>) -> Result<(Option<u32>, Option<FieldRef>), Fault> {
    for name in ["max_completion_tokens", "max_tokens"] {
        if let Some(node) = top.get(name) {
            return Ok((Some(node.count()?), Some(FieldRef::own(name))));
        }
    }
    Ok((None, None))
}

/// Servers of open-weight models take 0 and -1 for "all candidates".
fn top_k(top: &Object<'_, '_>) -> Result<Option<u32>, Fault> {
    let Some(node) = top.get("top_k") else { return Ok(None) };
    let number = node.number()?;
    if number == 0.0 || number == -1.0 { Ok(None) } else { node.count().map(Some) }
}

/// Converse takes no more stop sequences, whatever the model.
const STOPS: usize = 2500;

fn stop<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Text<'a>>, Fault> {
    let Some(node) = top.get("stop") else { return Ok(Vec::new()) };
    if node.is_string() {
        return Ok(vec![sequence(&node, notes)?]);
    }
    if !node.is_list() {
        return Err(node.wrong("a string or an array of strings"));
    }
    let mut sequences = Vec::new();
    for (at, node) in node.list()?.each().enumerate() {
        if at == STOPS {
            return Err(node.wrong(&format!("one of at most {STOPS} stop sequences")));
        }
        sequences.push(sequence(&node, notes)?);
    }
    Ok(sequences)
}

/// Bedrock refuses blank ones.
fn sequence<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Text<'a>, Fault> {
    let text = node.text()?;
    if text.is_blank() {
        notes.dropped(node, "Bedrock takes no blank stop sequence");
    }
    Ok(text)
}
