//! Reasoning items that came back sealed, and their place in the conversation.

use super::seal_keys::{SealKeys, SealedThought, is_sealed};
use crate::dialect::{media, seal};
use crate::model::field_ref::FieldRef;
use crate::model::issuer::Issuer;
use crate::model::request::{Block, Message};
use crate::model::text::Text;
use crate::warning::Warning;
use std::borrow::Cow;
use std::fmt;

/// A reasoning item whose `encrypted_content` is not opened yet.
#[derive(Clone)]
pub struct SealedItem<'a> {
    /// The turn: an index into the request's messages.
    pub turn: usize,
    /// The block before which it belongs in that turn.
    pub block: usize,
    /// The item's place in `input`.
    pub position: usize,
    /// The `encrypted_content`.
    pub seal: Cow<'a, str>,
    /// The text of its `content`, or else of its `summary`.
    pub shown: Text<'a>,
    /// The mark of this gateway in its `id`.
    pub issuer: Issuer,
}

impl fmt::Debug for SealedItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turn, block, position, seal, .. } = self;
        let mut shown = f.debug_struct("SealedItem");
        shown.field("turn", turn).field("block", block).field("position", position).field("bytes", &seal.len()).finish()
    }
}

/// Puts what the items hold back into the turns. What was sealed elsewhere, or with a key that is gone, is left out with a
/// warning: a conversation goes on without it.
pub fn open<'a>(mut items: Vec<SealedItem<'a>>, turns: &mut [Message<'a>], keys: &SealKeys) -> Option<Warning> {
    let mut foreign = Vec::new();
    before_their_words(&mut items, turns);
    // From the last to the first, so that places stay what they are.
    for item in items.into_iter().rev() {
        let content = turns.get_mut(item.turn).map(|turn| &mut turn.content);
        let Some(content) = content.filter(|content| item.block <= content.len()) else { continue };
        match keys.open(&item.seal).map(block).or_else(|| item.signed()) {
            Some(thought) => content.insert(item.block, thought),
            None => foreign.push(item),
        }
    }
    left_out(&foreign)
}

impl<'a> SealedItem<'a> {
    /// The thought of an item that a client made of a thought of another dialect: its signature stands in place of a seal.
    /// `None`: the signature has no mark of this gateway, so it may be anybody's.
    fn signed(&self) -> Option<Block<'a>> {
        let (signature, issuer) = seal::parted(&self.seal);
        let issuer = if issuer.mark.is_some() { issuer } else { self.issuer };
        issuer.mark?;
        let signature = Text::from_plain(signature.to_owned());
        Some(Block::Reasoning { text: self.shown.clone(), signature: Some(signature), issuer })
    }
}

/// What became of the seals of Responses that came back in another dialect.
#[derive(Debug, Default)]
pub struct OpenedInPlace {
    /// The positions of the messages that are other ones now.
    pub changed: Vec<usize>,
    /// The warning about those that were left out.
    pub warning: Option<Warning>,
}

/// Opens the seals of Responses that a client carried into another dialect, where they stand in redacted reasoning. What
/// has the form of a seal and is none of these keys is left out, unless Bedrock may have made it.
pub fn open_in_place(turns: &mut [Message<'_>], keys: &SealKeys) -> OpenedInPlace {
    let (mut opened, mut foreign) = (OpenedInPlace::default(), Vec::new());
    for Message { content, position, .. } in turns {
        let before = (opened.changed.len(), foreign.len());
        content.retain_mut(|held| {
            let Block::Redacted { data, .. } = held else { return true };
            let data = data.plain();
            if !is_sealed(&data) {
                return true;
            }
            let Some(thought) = keys.open(&data) else {
                let may_be_bedrocks = media::is_base64(&data);
                if !may_be_bedrocks {
                    foreign.push(*position);
                }
                return may_be_bedrocks;
            };
            *held = block(thought);
            opened.changed.push(*position);
            true
        });
        if foreign.len() > before.1 && opened.changed.len() == before.0 {
            opened.changed.push(*position);
        }
    }
    opened.warning = warning(&foreign);
    opened
}

/// Moves thoughts at the end of a turn before its last words: some models' streams tell what they sealed behind the text
/// that came of it.
fn before_their_words(items: &mut [SealedItem<'_>], turns: &[Message<'_>]) {
    let mut before = (usize::MAX, 0);
    for item in items {
        let Some(turn) = turns.get(item.turn) else { continue };
        let least = if before.0 == item.turn { before.1 } else { 0 };
        if item.block == turn.content.len() {
            let words = turn.content.iter().rev().take_while(|block| matches!(block, Block::Text(_))).count();
            item.block = least.max(turn.content.len() - words);
        }
        before = (item.turn, item.block);
    }
}

fn block(thought: SealedThought<'_>) -> Block<'_> {
    let issuer = Issuer { mark: Some(thought.mark), ..Issuer::default() };
    match thought.redacted {
        Some(data) => Block::Redacted { data, issuer },
        None => Block::Reasoning { text: thought.text, signature: thought.signature, issuer },
    }
}

/// The warning about items that are not opened: one for all of them.
#[must_use]
pub fn left_out(items: &[SealedItem<'_>]) -> Option<Warning> {
    let positions: Vec<usize> = items.iter().map(|item| item.position).collect();
    warning(&positions)
}

fn warning(positions: &[usize]) -> Option<Warning> {
    let field = match positions {
        [] => return None,
        [only] => FieldRef::Seals(*only),
        _ => FieldRef::PastReasoning(None),
    };
    Some(Warning::dropped(field, "it was not sealed by this gateway, or with a key that it no longer has"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::issuer::Mark;
    use crate::model::request::Role;
    use crate::model::request_id::RequestId;

    const MARK: Mark = Mark { model: 1, backend: 2 };

    fn turn(content: Vec<Block<'_>>) -> Message<'_> {
        Message { role: Role::Assistant, content, position: 4, unreasoned: false }
    }

    fn redacted(data: &str) -> Block<'static> {
        Block::Redacted { data: Text::from_plain(data.to_owned()), issuer: Issuer::default() }
    }

    fn seal(key: u8) -> String {
        let thought = SealedThought {
            text: Text::from_plain("t"),
            signature: Some(Text::from_plain("EpMC")),
            mark: MARK,
            ..SealedThought::default()
        };
        SealKeys::new([key; 32], []).seal(&thought, RequestId(3), 0)
    }

    #[test]
    fn a_seal_that_was_carried_into_another_dialect_is_opened_there() {
        let said = || Block::Text(Text::from_plain("a"));
        let mut turns = [turn(vec![redacted(&seal(7)), said()]), turn(vec![redacted("QUJD"), said()])];
        let opened = open_in_place(&mut turns, &SealKeys::new([7; 32], []));
        assert_eq!((opened.changed, opened.warning.is_none()), (vec![4], true));
        assert!(
            matches!(&turns[0].content[..], [Block::Reasoning { text, signature: Some(signature), issuer }, Block::Text(_)]
                if text.plain() == "t" && signature.plain() == "EpMC" && issuer.mark == Some(MARK))
        );
        assert!(matches!(&turns[1].content[..], [Block::Redacted { .. }, Block::Text(_)]));
    }

    #[test]
    fn a_seal_of_other_keys_is_left_out_there() {
        let mut turns = [turn(vec![redacted(&seal(8)), Block::Text(Text::from_plain("a"))])];
        let opened = open_in_place(&mut turns, &SealKeys::new([7; 32], []));
        assert_eq!((opened.changed, opened.warning.is_some()), (vec![4], true));
        assert!(matches!(&turns[0].content[..], [Block::Text(_)]));
    }

    #[test]
    fn a_signature_with_a_mark_stands_for_a_seal() {
        let item = |seal: &'static str, issuer| SealedItem {
            turn: 0,
            block: 0,
            position: 0,
            seal: seal.into(),
            shown: Text::from_plain("t"),
            issuer,
        };
        let keys = SealKeys::new([7; 32], []);
        for (item, taken) in [
            (item("EpMC~0000000100000002", Issuer::default()), true),
            (item("EpMC", Issuer { mark: Some(MARK), ..Issuer::default() }), true),
            (item("EpMC", Issuer::default()), false),
        ] {
            let mut turns = [turn(Vec::new())];
            assert_eq!(open(vec![item], &mut turns, &keys).is_none(), taken);
            assert_eq!(turns[0].content.len(), usize::from(taken));
            if let [Block::Reasoning { signature, issuer, .. }] = &turns[0].content[..] {
                assert_eq!(signature.as_ref().map(Text::plain).as_deref(), Some("EpMC"));
                assert_eq!(issuer.mark, Some(MARK));
            }
        }
    }
}
