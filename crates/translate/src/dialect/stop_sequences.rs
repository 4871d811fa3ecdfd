//! Lists of stop sequences, as every dialect has them under a name of its own.

use super::json::Node;
use super::notes::Notes;
use crate::fault::Fault;
use crate::model::text::Text;

/// Converse takes no more stop sequences, whatever the model.
const MOST: usize = 2500;

/// Reads a list of stop sequences.
pub(super) fn list<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Vec<Text<'a>>, Fault> {
    let mut sequences = Vec::new();
    for (at, node) in node.list()?.each().enumerate() {
        if at == MOST {
            return Err(node.wrong(&format!("one of at most {MOST} stop sequences")));
        }
        sequences.push(one(&node, notes)?);
    }
    Ok(sequences)
}

/// Reads one stop sequence. Bedrock refuses blank ones.
pub(super) fn one<'a>(node: &Node<'a, '_>, notes: &mut Notes) -> Result<Text<'a>, Fault> {
    let text = node.text()?;
    if text.is_blank() {
        notes.dropped(node, "Bedrock takes no blank stop sequence");
    }
    Ok(text)
}
