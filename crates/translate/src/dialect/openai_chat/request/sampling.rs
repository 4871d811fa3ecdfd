//! Sampling: temperature, top-p, top-k, stop sequences and the limit of tokens.

use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::dialect::stop_sequences;
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

fn stop<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Text<'a>>, Fault> {
    let Some(node) = top.get("stop") else { return Ok(Vec::new()) };
    if node.is_string() {
        return Ok(vec![stop_sequences::one(&node, notes)?]);
    }
    if !node.is_list() {
        return Err(node.wrong("a string or an array of strings"));
    }
    stop_sequences::list(&node, notes)
}
