//! What the model thinks: drafted, set between the other blocks, and sealed when all of them are known.

use super::{Block, Question};
use crate::families::{Family, Model, Shows, hides};
use crate::seal::{self, Seal};
use crate::talk;
use serde_json::Value;

/// The thoughts at the beginning of an answer, not yet sealed.
pub(super) fn drafts(family: &Family, question: &Question<'_>, fault: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    if matches!(fault, "redacted" | "split-redacted") && family.shows == Shows::Signed {
        blocks.push(Block::Redacted { data: Vec::new(), stops: true });
    }
    let rounds = if fault == "multi-block" { 2 } else { 1 };
    blocks.extend((0..rounds).filter_map(|round| draft(family, question, round)));
    if fault == "signature-only" && family.shows == Shows::Signed {
        blocks.iter_mut().for_each(hide);
    }
    blocks
}

fn draft(family: &Family, question: &Question<'_>, round: usize) -> Option<Block> {
    let text = match family.shows {
        Shows::Nothing | Shows::Tags => return None,
        Shows::Sealed => return Some(Block::Redacted { data: Vec::new(), stops: false }),
        Shows::Always(words) => words.to_owned(),
        Shows::Signed | Shows::Unsigned => thought(question, round),
    };
    let mut block = Block::Reasoning { text, signature: None, hidden: 0 };
    if family.shows == Shows::Signed && hides(family, question.body) {
        hide(&mut block);
    }
    Some(block)
}

fn thought(question: &Question<'_>, round: usize) -> String {
    let asked = &question.repeated;
    match (round, talk::steps(talk::turns(question.body))) {
        (0, 0) => {
            format!(
                "The user says: \"{asked}\". Let me think about what they need, step by step, and then answer briefly."
            )
        }
        (0, step) => format!("A tool has answered, {step} so far. Let me see what that means for \"{asked}\"."),
        _ => "On second thought, that still holds.".to_owned(),
    }
}

fn hide(block: &mut Block) {
    if let Block::Reasoning { text, hidden, .. } = block {
        *hidden += text.len();
        text.clear();
    }
}

/// Puts a thought behind the first text, and a word behind it if nothing follows.
pub(super) fn interleave(family: &Family, question: &Question<'_>, blocks: &mut Vec<Block>) {
    let Some(at) = blocks.iter().position(|block| matches!(block, Block::Text(_))) else { return };
    let Some(thought) = draft(family, question, 1) else { return };
    blocks.insert(at + 1, thought);
    if at + 2 == blocks.len() {
        blocks.push(Block::Text(" That is why.".to_owned()));
    }
}

/// Puts the thought into the text, between tags or behind one that never closes.
pub(super) fn inline(tag: &str, question: &Question<'_>, unclosed: bool, blocks: &mut [Block]) {
    let said = blocks.iter_mut().find_map(|block| match block {
        Block::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = said {
        let close = if unclosed { String::new() } else { format!("</{tag}>") };
        *text = format!("<{tag}>{}{close}\n\n{text}", thought(question, 0));
    }
}

/// Seals the thoughts of a finished answer.
pub(super) fn seal(model: &Model, body: &Value, blocks: &mut [Block]) {
    let family = model.family;
    let bond = seal::bond(body, talk::turns(body).len());
    let mut places = seal::places(blocks.iter().map(Block::is_thought)).into_iter();
    let seal = |text: &str, place| Seal { model: model.id.clone(), text: seal::sum(text), place, bond };
    for block in blocks.iter_mut().filter(|block| block.is_thought()) {
        let Some(place) = places.next() else { return };
        match block {
            Block::Reasoning { text, signature, .. } if family.shows == Shows::Signed => {
                *signature = Some(seal(text, place).written());
            }
            Block::Redacted { data, .. } => *data = seal::redacted(&seal(seal::UNSHOWN, place), family.vendor),
            _ => {}
        }
    }
}
