//! The blocks that a client was told of by the model's own events, and those of another answer behind them.

use crate::bedrock::NamedEvent;
use crate::model::delta::{Delta, Event};
use crate::wire::json::Document;
use crate::wire::sse;
use bytes::BytesMut;

/// The blocks of one answer, as far as another answer that goes on behind them is concerned.
#[derive(Debug, Default)]
pub(super) struct ToldBlocks {
    begun: u32,
    open: Option<u32>,
    /// One of them is more than an unsealed thought.
    bind: bool,
}

impl ToldBlocks {
    /// Notes an event, and its JSON.
    pub(super) fn event(&mut self, named: &NamedEvent<'_>, json: &str) {
        match &named.event {
            Event::Delta { index, delta } => {
                self.bind |= matches!(delta, Delta::SealPiece(_));
                if named.name.as_escaped() == "content_block_start" {
                    self.begun = self.begun.max(index.upstream.saturating_add(1));
                    self.open = Some(index.upstream);
                    self.bind |= !begins_thought(json);
                }
            }
            Event::BlockStop { .. } => self.open = None,
            Event::Start | Event::Stop(_) | Event::Metadata { .. } | Event::Unknown => {}
        }
    }

    /// The number of blocks that have begun.
    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// Whether the client has something that no other answer can go on behind: a seal, or another block than a thought.
    pub(super) fn bind(&self) -> bool {
        self.bind
    }

    /// Ends the open block, if there is one; the client was told so many blocks `before` this answer.
    pub(super) fn close(&self, before: u32, out: &mut BytesMut) {
        if let Some(index) = self.open {
            let stop = format!(r#"{{"type":"content_block_stop","index":{}}}"#, index.saturating_add(before));
            sse::event(out, "content_block_stop", &[&stop]);
        }
    }
}

/// Whether a block's beginning is that of a thought.
fn begins_thought(json: &str) -> bool {
    let document = Document::read(json);
    let block = document.as_ref().and_then(|event| event.top().member("content_block"));
    block.and_then(|block| block.member("type")?.escaped()) == Some("thinking")
}

/// An event of a block with its index counted behind so many blocks; `None`: it is of no block.
pub(super) fn counted_behind(json: &str, before: u32) -> Option<String> {
    let document = Document::read(json)?;
    let told = document.top().member("index")?.raw();
    let index: u32 = told.parse().ok()?;
    let at = told.as_ptr() as usize - json.as_ptr() as usize;
    let (front, rest) = json.split_at_checked(at)?;
    Some(format!("{front}{}{}", index.saturating_add(before), rest.get(told.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_counted_behind_others_and_nothing_else_changes() {
        let event = r#"{"delta":{"index":7,"text":"\"index\":1"}, "index" : 1 ,"type":"content_block_delta"}"#;
        let counted = r#"{"delta":{"index":7,"text":"\"index\":1"}, "index" : 4 ,"type":"content_block_delta"}"#;
        assert_eq!(counted_behind(event, 3).as_deref(), Some(counted));
        assert_eq!(counted_behind(r#"{"type":"ping"}"#, 3), None);
    }
}
