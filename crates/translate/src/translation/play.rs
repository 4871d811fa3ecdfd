//! A whole answer as the events of a stream.

use crate::model::delta::{BlockIndex, Delta, Event, Seal};
use crate::model::request::Block;
use crate::model::response::Response;
use crate::model::text::Text;

/// The events of a stream with the same answer, in order.
pub(super) fn events<'r>(response: &'r Response<'r>) -> impl Iterator<Item = Event<'r>> {
    let blocks = (0..).zip(&response.content).flat_map(|(index, block)| of_block(BlockIndex::from(index), block));
    let tier = response.service_tier.as_ref().map(Text::borrowed);
    let (usage, trace) = (Some(response.usage), response.trace.clone());
    let end = [Event::Stop(response.stop.clone()), Event::Metadata { usage, service_tier: tier, trace }];
    std::iter::once(Event::Start).chain(blocks).chain(end)
}

fn of_block<'r>(index: BlockIndex, block: &'r Block<'r>) -> impl Iterator<Item = Event<'r>> {
    let mut seal = None;
    let deltas = match block {
        Block::Text(text) => vec![Delta::Text(text.borrowed())],
        Block::Cited { text, citations } => {
            let sources = citations.iter().cloned().map(Delta::Citation);
            std::iter::once(Delta::Text(text.borrowed())).chain(sources).collect()
        }
        Block::Reasoning { text, signature, .. } => {
            seal = signature.as_ref().map(|signature| Seal::Signature(signature.borrowed()));
            vec![Delta::Reasoning(text.borrowed())]
        }
        Block::Redacted { data, .. } => {
            seal = Some(Seal::Redacted(data.borrowed()));
            vec![Delta::SealPiece(data.as_escaped().len())]
        }
        Block::ToolUse { id, name, input } => {
            let begun = Delta::ToolUse { id: id.borrowed(), name: Text::from_plain(name.as_ref()) };
            vec![begun, Delta::ToolInput(Text::from_plain(input.as_json()))]
        }
        Block::ToolResult { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::SearchResult { .. }
        | Block::Audio { .. }
        | Block::CachePoint(_) => Vec::new(),
    };
    let stop = (!deltas.is_empty()).then_some(Event::BlockStop { index, seal, goes_on: false });
    deltas.into_iter().map(move |delta| Event::Delta { index, delta }).chain(stop)
}
