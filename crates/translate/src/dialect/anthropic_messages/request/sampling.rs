//! Sampling: the limit of tokens, temperature, top-p, top-k and stop sequences.

use super::MessagesPurpose;
use crate::dialect::json::Object;
use crate::dialect::notes::Notes;
use crate::dialect::stop_sequences;
use crate::fault::Fault;
use crate::model::field_ref::FieldRef;
use crate::model::request::Sampling;
use crate::model::text::Text;

/// Reads `max_tokens`, `temperature`, `top_p`, `top_k` and `stop_sequences`.
pub(super) fn read<'a>(
    top: &Object<'a, '_>,
    purpose: MessagesPurpose,
    notes: &mut Notes,
) -> Result<Sampling<'a>, Fault> {
    let max_tokens = match purpose {
        MessagesPurpose::Answer => Some(top.need("max_tokens")?.count()?),
        MessagesPurpose::CountTokens => top.get("max_tokens").map(|node| node.count()).transpose()?,
    };
    let (blank_stop, stop) = stop(top, notes)?.into_iter().partition(Text::is_blank);
    Ok(Sampling {
        max_tokens,
        max_tokens_field: Some(FieldRef::own("max_tokens")),
        temperature: top.get("temperature").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        top_p: top.get("top_p").map(|node| node.number_within(0.0, 1.0)).transpose()?,
        top_k: top_k(top)?,
        stop,
        blank_stop,
    })
}

/// 0 stands for all candidates.
fn top_k(top: &Object<'_, '_>) -> Result<Option<u32>, Fault> {
    let Some(node) = top.get("top_k") else { return Ok(None) };
    if node.number()? == 0.0 { Ok(None) } else { node.count().map(Some) }
}

fn stop<'a>(top: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Text<'a>>, Fault> {
    let Some(node) = top.get("stop_sequences") else { return Ok(Vec::new()) };
    stop_sequences::list(&node, notes)
}
