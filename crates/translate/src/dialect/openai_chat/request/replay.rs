//! Reasoning that a client sends back with a turn of the model, put where it stood.

use crate::dialect::anthropic_words::{redacted_block, sealed};
use crate::dialect::json::{Node, Object, whole_pairs};
use crate::dialect::media::is_base64;
use crate::dialect::notes::Notes;
use crate::dialect::seal;
use crate::fault::Fault;
use crate::model::issuer::Issuer;
use crate::model::request::Block;
use crate::model::text::Text;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The fields in which reasoning comes back, beside the content.
pub(super) const FIELDS: [&str; 4] = ["reasoning_details", "thinking_blocks", "reasoning_content", "reasoning"];

/// One block of reasoning, and its place among all blocks of the turn when the client kept it.
pub(super) struct Thought<'a> {
    index: Option<u64>,
    block: Block<'a>,
}

/// The turn's blocks in order: `content` with what it holds of reasoning, and the reasoning of the other fields.
///
/// Clients that follow several conventions send the same reasoning several times; one source is taken. The first
/// that holds a signature or redacted reasoning, else the first that holds anything, in the order
/// `reasoning_details`, `thinking_blocks`, `content`, `reasoning_content`, `reasoning`.
pub(super) fn restore<'a>(
    message: &Object<'a, '_>,
    mut content: Vec<Block<'a>>,
    mut calls: Vec<Block<'a>>,
    notes: &mut Notes,
) -> Result<Vec<Block<'a>>, Fault> {
    if message.get_any(&FIELDS).is_none() {
        content.append(&mut calls);
        return Ok(content);
    }
    let details = details(message, notes)?;
    let blocks = thinking_blocks(message, notes)?;
    let plain = plain(message)?;
    let details = with_texts(details, &plain, notes, message);
    let in_content = content.iter().any(Block::is_reasoning);
    let sealed_content = content.iter().any(Block::is_sealed);
    let sealed = |thoughts: &[Thought<'_>]| thoughts.iter().any(|thought| thought.block.is_sealed());
    let chosen = if sealed(&details) {
        details
    } else if sealed(&blocks) {
        blocks
    } else if sealed_content {
        Vec::new()
    } else if !details.is_empty() {
        details
    } else if !blocks.is_empty() {
        blocks
    } else if in_content {
        Vec::new()
    } else {
        plain
    };
    let keep_content = chosen.is_empty();
    let rest = content.into_iter().filter(|block| keep_content || !block.is_reasoning()).chain(calls).collect();
    Ok(if keep_content { rest } else { interleaved(chosen, rest) })
}

/// A client that was shown plain text beside the seals sends both back: one seal belongs to all of the text. Of several
/// seals nobody knows which part of the text each one signs, and without the text a seal is worth nothing.
fn with_texts<'a>(
    mut details: Vec<Thought<'a>>,
    plain: &[Thought<'a>],
    notes: &mut Notes,
    message: &Object<'a, '_>,
) -> Vec<Thought<'a>> {
    let said = plain.first().and_then(|thought| readable(&thought.block));
    let told = details.iter().any(|thought| readable(&thought.block).is_some());
    let apart = details.iter().filter(|thought| lacks_text(thought, true)).count();
    let perhaps = details.iter().filter(|thought| lacks_text(thought, false)).count();
    let known = apart > 0;
    match (said, if known { apart } else { perhaps }) {
        (_, 0) => return details,
        (None, _) if !known => return details,
        (Some(_), _) if told && !known => return details,
        (Some(said), 1) if !told => {
            for thought in details.iter_mut().filter(|thought| lacks_text(thought, known)) {
                if let Block::Reasoning { text, .. } = &mut thought.block {
                    *text = said.clone();
                }
            }
            return details;
        }
        _ => {}
    }
    if let Some(node) = message.get("reasoning_details") {
        notes.dropped(&node, "its signatures came without the texts that they sign");
    }
    // What is left of a turn is another turn, which its model would refuse.
    Vec::new()
}

/// The readable text of a block of reasoning.
fn readable<'b, 'a>(block: &'b Block<'a>) -> Option<&'b Text<'a>> {
    if let Block::Reasoning { text, .. } = block { Some(text).filter(|text| !text.is_empty()) } else { None }
}

/// Whether a block is a signature without its text: `known` to be, or perhaps, because nothing is known of it.
fn lacks_text(thought: &Thought<'_>, known: bool) -> bool {
    let Block::Reasoning { text, signature: Some(_), issuer } = &thought.block else { return false };
    text.is_empty() && if known { issuer.apart } else { issuer.mark.is_none() }
}

fn issued(block: Block<'_>, issuer: Issuer) -> Block<'_> {
    if let Block::Redacted { data, issuer: carried } = block {
        return Block::Redacted { data, issuer: claimed(issuer, carried) };
    }
    block
}

/// Who made a block, as its item says; else as the mark on its seal says, with which it came by another dialect.
fn claimed(issuer: Issuer, carried: Issuer) -> Issuer {
    if issuer.mark.is_some() { issuer } else { Issuer { mark: carried.mark, ..issuer } }
}

/// Puts the thoughts between the other blocks. An index counts all blocks of the turn, so a gap between two
/// thoughts is where other blocks stood.
///
/// When the client holds fewer blocks than the gaps need, it has joined or dropped some: then tool calls stay
/// behind all thoughts, and so does the last block, because a turn never ends in reasoning.
fn interleaved<'a>(thoughts: Vec<Thought<'a>>, rest: Vec<Block<'a>>) -> Vec<Block<'a>> {
    let is_counted = |block: &Block<'_>| !matches!(block, Block::CachePoint(_));
    let mut left = rest.iter().filter(|block| is_counted(block)).count() as u64;
    let last = thoughts.iter().filter_map(|thought| thought.index).max();
    let gaps = last.map_or(0, |last| last.saturating_add(1).saturating_sub(thoughts.len() as u64));
    let complete = left > gaps;
    let mut blocks = Vec::with_capacity(thoughts.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    let mut position = 0;
    for thought in thoughts {
        let index = thought.index.unwrap_or_default();
        while position < index && left > 1 {
            let Some(next) = rest.next_if(|next| complete || !matches!(next, Block::ToolUse { .. })) else { break };
            if is_counted(&next) {
                position += 1;
                left -= 1;
            }
            blocks.push(next);
        }
        while let Some(cache_point) = rest.next_if(|next| !blocks.is_empty() && !is_counted(next)) {
            blocks.push(cache_point);
        }
        blocks.push(thought.block);
        position = position.max(index).saturating_add(1);
    }
    blocks.extend(rest);
    blocks
}

/// `reasoning` and `reasoning_content`: the text alone, of which the first that is not empty is taken.
fn plain<'a>(message: &Object<'a, '_>) -> Result<Vec<Thought<'a>>, Fault> {
    for field in ["reasoning_content", "reasoning"] {
        let text = message.get(field).map(|text| text.text()).transpose()?.unwrap_or_default();
        if !text.is_empty() {
            return Ok(vec![Thought {
                index: None,
                block: Block::Reasoning { text, signature: None, issuer: Issuer::default() },
            }]);
        }
    }
    Ok(Vec::new())
}

/// `thinking_blocks`, LiteLLM's field with Anthropic's blocks.
fn thinking_blocks<'a>(message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Thought<'a>>, Fault> {
    let mut gathered = Gathered::default();
    let Some(node) = message.get("thinking_blocks") else { return Ok(Vec::new()) };
    let list = node.list()?;
    notes.blocks(list.len())?;
    for node in list.each() {
        let item = node.object()?;
        let kind = item.need("type")?;
        let index = item.get("index").and_then(|index| position(&index));
        match kind.string()?.as_ref() {
            "thinking" => {
                let (signature, issuer) = seal::parted(escaped(&item, "signature")?);
                gathered.add(index, escaped(&item, "thinking")?, signature, issuer);
                notes.unknown(&item, &["type", "thinking", "signature", "cache_control", "index"]);
            }
            "redacted_thinking" => gathered.seal(index, redacted_block(&item, notes)?),
            _ => notes.ignored(&kind, "only `thinking` and `redacted_thinking` are known"),
        }
    }
    Ok(gathered.finish())
}

/// `reasoning_details`, OpenRouter's field, in which this gateway answers too.
///
/// Items of one index belong to one block. A client that gathered a stream may have kept one item for each delta,
/// the signature among the last of its block.
fn details<'a>(message: &Object<'a, '_>, notes: &mut Notes) -> Result<Vec<Thought<'a>>, Fault> {
    let Some(node) = message.get("reasoning_details") else { return Ok(Vec::new()) };
    let list = node.list()?;
    let count = list.len();
    notes.blocks(count)?;
    let mut items = Vec::with_capacity(count);
    for node in list.each() {
        let item = node.object()?;
        let index = item.get("index").and_then(|index| position(&index));
        let word = |name| item.get(name).and_then(|node| node.string().ok());
        let issuer = Issuer::claimed(word("id").as_deref(), word("format").as_deref());
        if issuer.mark.is_some() && word("data").is_some_and(|data| !is_base64(&data)) {
            // The gateway's own item for a model's word in place of a thought.
            continue;
        }
        items.push((index, detail(&item, notes)?, issuer));
    }
    if items.iter().all(|(index, ..)| index.is_some()) {
        items.sort_by_key(|(index, ..)| *index);
    }
    let mut gathered = Gathered::default();
    for (index, detail, issuer) in items {
        match detail {
            Detail::Text { text, signature } => {
                let (signature, carried) = seal::parted(signature);
                gathered.add(index, text, signature, claimed(issuer, carried));
            }
            Detail::Sealed(block) => gathered.seal(index, block.map(|block| issued(block, issuer))),
        }
    }
    Ok(gathered.finish())
}

enum Detail<'a> {
    Text { text: &'a str, signature: &'a str },
    Sealed(Option<Block<'a>>),
}

fn detail<'a>(item: &Object<'a, '_>, notes: &mut Notes) -> Result<Detail<'a>, Fault> {
    let kind = item.need("type")?;
    Ok(match kind.string()?.as_ref() {
        "reasoning.text" => Detail::Text { text: escaped(item, "text")?, signature: escaped(item, "signature")? },
        "reasoning.summary" => Detail::Text { text: escaped(item, "summary")?, signature: "" },
        "reasoning.encrypted" => {
            let data = item.need("data")?;
            Detail::Sealed(sealed(&data, notes)?)
        }
        _ => {
            notes.ignored(&kind, "only `reasoning.text`, `reasoning.summary` and `reasoning.encrypted` are known");
            Detail::Sealed(None)
        }
    })
}

fn position(index: &Node<'_, '_>) -> Option<u64> {
    index.raw().parse().ok()
}

/// An optional string, empty when it is not there.
fn escaped<'a>(item: &Object<'a, '_>, name: &str) -> Result<&'a str, Fault> {
    item.get(name).map_or(Ok(""), |text| text.escaped())
}

/// Blocks in the making: pieces of text are joined until a signature ends their block.
#[derive(Default)]
struct Gathered<'a> {
    done: Vec<Thought<'a>>,
    /// The seals of those, because some clients send every block twice.
    signatures: BTreeSet<Text<'a>>,
    redacted: BTreeSet<Text<'a>>,
    open: Option<(Option<u64>, Cow<'a, str>, Issuer)>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, index: Option<u64>, text: &'a str, signature: &'a str, issuer: Issuer) {
        if !signature.is_empty() {
            self.drop_fragment(index, text);
        }
        match &mut self.open {
            Some((open, joined, _)) if *open == index => match joined.is_empty() {
                true => *joined = Cow::Borrowed(text),
                false => joined.to_mut().push_str(text),
            },
            _ => {
                self.close("");
                self.open = Some((index, Cow::Borrowed(text), issuer));
            }
        }
        if !signature.is_empty() {
            self.close(signature);
        }
    }

    /// Some clients put a piece of a thought before the whole of it.
    fn drop_fragment(&mut self, index: Option<u64>, text: &str) {
        self.open.take_if(|(open, joined, _)| *open == index && !text.is_empty() && text.contains(joined.as_ref()));
    }

    /// Notes a block's seal; `false` when a block with that seal was there before.
    fn is_new(&mut self, block: &Block<'a>) -> bool {
        match block {
            Block::Reasoning { signature: Some(signature), .. } => self.signatures.insert(signature.clone()),
            Block::Redacted { data, .. } => self.redacted.insert(data.clone()),
            Block::Text(_)
            | Block::Reasoning { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => true,
        }
    }

    fn seal(&mut self, index: Option<u64>, block: Option<Block<'a>>) {
        self.close("");
        let block = block.filter(|block| self.is_new(block));
        self.done.extend(block.map(|block| Thought { index, block }));
    }

    fn close(&mut self, signature: &'a str) {
        let Some((index, text, issuer)) = self.open.take() else { return };
        let signature = (!signature.is_empty()).then(|| whole_pairs(Cow::Borrowed(signature)));
        let block = Block::Reasoning { text: whole_pairs(text), signature, issuer };
        let empty = matches!(&block, Block::Reasoning { text, signature: None, .. } if text.is_empty());
        if !empty && self.is_new(&block) {
            self.done.push(Thought { index, block });
        }
    }

    fn finish(mut self) -> Vec<Thought<'a>> {
        self.close("");
        self.done
    }
}
