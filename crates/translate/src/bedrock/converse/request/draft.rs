//! The conversation as Converse wants it: turns that alternate, results before everything else, nothing blank.

mod apart;
mod doubles;
mod media;
mod orphans;
mod thoughts;
mod tools_as_text;

pub(super) use tools_as_text::needs_tools_as_text;

use super::Terms;
use super::notes::Notes;
use crate::catalogue::{Entry, Medium, OpenLoop, Replay};
use crate::fault::Fault;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::issuer::Issuer;
use crate::model::request::{Block, CacheTtl, Message, Request, Role};
use crate::model::text::Text;

/// A conversation in the making. What is changed is owned, the rest is the client's.
#[derive(Debug, Default)]
pub(in crate::bedrock) struct Draft<'r, 'a> {
    pub(in crate::bedrock) system: Vec<Piece<'r, 'a>>,
    pub(in crate::bedrock) turns: Vec<Turn<'r, 'a>>,
}

/// All that one side says before the other does.
#[derive(Debug)]
pub(in crate::bedrock) struct Turn<'r, 'a> {
    pub(in crate::bedrock) role: Role,
    pub(in crate::bedrock) pieces: Vec<Piece<'r, 'a>>,
    /// The index of the client's first message in this turn, for errors.
    pub(in crate::bedrock) position: usize,
    /// It is known that the model said this without reasoning.
    unreasoned: bool,
}

/// One part of a turn.
#[derive(Debug)]
pub(in crate::bedrock) enum Piece<'r, 'a> {
    /// As the client sent it.
    Block(&'r Block<'a>),
    /// The client's, changed.
    Made(Block<'a>),
    /// Reasoning without its seal, for models that take it so.
    Thought(&'r Text<'a>),
    /// Text of the gateway's own, or changed by it.
    Said(Text<'static>),
    /// A cache point: the prefix up to here is worth caching.
    CachePoint(Option<CacheTtl>),
}

/// The most documents of one turn (Converse, `Message`).
const MOST_DOCUMENTS: usize = 5;
impl<'a> Piece<'_, 'a> {
    /// The block that is sent, when it is one of the client's.
    pub(in crate::bedrock) fn block(&self) -> Option<&Block<'a>> {
        match self {
            Self::Block(block) => Some(block),
            Self::Made(block) => Some(block),
            Self::Thought(_) | Self::Said(_) | Self::CachePoint(_) => None,
        }
    }

    fn is_result(&self) -> bool {
        matches!(self.block(), Some(Block::ToolResult { .. }))
    }
}

/// The text of a turn that the client left empty and Bedrock wants filled.
const GO_ON: &str = "Continue.";

/// Arranges a request's messages.
pub(super) fn arrange<'r, 'a>(
    request: &'r Request<'a>,
    terms: &Terms<'_>,
    notes: &mut Notes,
) -> Result<Draft<'r, 'a>, Fault> {
    let turns = Vec::with_capacity(request.messages.len() + 1);
    let mut draft = Draft { system: request.system.iter().filter_map(piece).collect(), turns };
    for message in &request.messages {
        let role = if message.role == Role::Assistant { Role::Assistant } else { Role::User };
        let pieces = kept(message, request.own_switches.switch, terms, notes);
        if pieces.is_empty() {
            continue;
        }
        match draft.turns.last_mut() {
            Some(turn) if turn.role == role => turn.pieces.extend(pieces),
            _ => {
                let (position, unreasoned) = (message.position, message.unreasoned);
                draft.turns.push(Turn { role, pieces, position, unreasoned });
            }
        }
    }
    // The order of these steps matters. Tool results come first in their turn before doubles and orphans are looked for,
    // because those compare neighbouring turns; the check that calls and results pair comes behind the repairs; and what
    // rewrites tools as text comes behind that check, because it takes the calls away.
    thoughts::never_last(&mut draft, notes);
    for turn in &mut draft.turns {
        results_first(turn);
    }
    doubles::settle(&mut draft, notes);
    if terms.rules.repair {
        orphans::mend(&mut draft, notes);
    }
    open_and_close(&mut draft, terms, notes);
    paired(&draft, request)?;
    few_documents(&draft, terms.entry)?;
    if needs_tools_as_text(request, terms) {
        tools_as_text::rewrite(&mut draft, request, terms.entry, notes);
    }
    media::beside(&mut draft, terms.entry, notes);
    apart::separate(&mut draft, terms, notes);
    documents_explained(&mut draft, terms.entry, notes);
    Ok(draft)
}

impl Turn<'_, '_> {
    fn ids(&self, of: impl Fn(&Block<'_>) -> Option<String>) -> Vec<String> {
        self.pieces.iter().filter_map(|piece| of(piece.block()?)).collect()
    }

    fn calls(&self) -> Vec<String> {
        self.ids(|block| if let Block::ToolUse { id, .. } = block { Some(id.plain().into_owned()) } else { None })
    }

    fn results(&self) -> Vec<String> {
        self.ids(|block| if let Block::ToolResult { id, .. } = block { Some(id.plain().into_owned()) } else { None })
    }

    /// Whether the turn holds nothing but tool results and cache points.
    fn only_results(&self) -> bool {
        self.pieces.iter().all(|piece| piece.is_result() || matches!(piece, Piece::CachePoint(_)))
    }
}

fn is_sealed(piece: &Piece<'_, '_>) -> bool {
    matches!(piece, Piece::Block(block) if block.is_sealed())
}

fn is_thought(piece: &Piece<'_, '_>) -> bool {
    match piece {
        Piece::Thought(_) => true,
        Piece::Block(block) => block.is_reasoning(),
        Piece::Made(_) | Piece::Said(_) | Piece::CachePoint(_) => false,
    }
}

impl<'r, 'a> Draft<'r, 'a> {
    /// Whether the conversation ends with a turn of the assistant: a prefill, which the model goes on with.
    pub(super) fn ends_with_prefill(&self) -> bool {
        self.turns.last().is_some_and(|turn| turn.role == Role::Assistant)
    }

    /// The turn in which the open tool loop begins: the first turn of the model after the user last said something.
    /// `None` when the conversation does not end with tool results.
    fn open_loop_at(&self) -> Option<usize> {
        let last = self.turns.last().filter(|turn| turn.role == Role::User)?;
        if last.results().is_empty() {
            return None;
        }
        // A user turn with anything beside results is a new question: no loop reaches back behind it.
        let asked = |turn: &Turn<'_, '_>| turn.role == Role::User && !turn.only_results();
        let before = self.turns.len().saturating_sub(1);
        let asked = self.turns.get(..before)?.iter().rposition(asked);
        Some(asked.map_or(0, |at| at + 1))
    }

    fn open_loop_turns(&self) -> impl Iterator<Item = &Turn<'r, 'a>> {
        let from = self.open_loop_at().unwrap_or(self.turns.len());
        self.turns.iter().skip(from).filter(|turn| turn.role == Role::Assistant)
    }

    /// The state of the sealed reasoning that led to the tool calls just answered: it is lost when none of it is left,
    /// because between two calls a model need not have thought.
    pub(super) fn open_loop(&self) -> OpenLoop {
        match self.open_loop_turns().next() {
            None => OpenLoop::None,
            // The first turn of the loop is the one that thought; one that is known to have called without thinking has
            // nothing to lose.
            Some(first) if first.unreasoned || self.has_sealed_loop() => OpenLoop::Whole,
            Some(_) => OpenLoop::Lost,
        }
    }

    /// Whether the open tool loop holds sealed reasoning.
    pub(super) fn has_sealed_loop(&self) -> bool {
        self.open_loop_turns().any(|turn| turn.pieces.iter().any(is_sealed))
    }

    /// Adds an instruction of the gateway's own to the system's text.
    pub(super) fn instruct(&mut self, instruction: Option<String>) {
        self.system.extend(instruction.map(|words| Piece::Said(Text::from_plain(words))));
    }

    /// Puts what leads the conversation before the user's first words, for models that take it nowhere else.
    pub(super) fn system_in_messages(&mut self, entry: &Entry, notes: &mut Notes) {
        let before = self.system.len();
        self.system.retain(|piece| !matches!(piece, Piece::CachePoint(_)));
        if self.system.len() < before {
            notes.ignored(FieldRef::CachePoints, format!("{} has no cache points", entry.name));
        }
        let Some(turn) = self.turns.iter_mut().find(|turn| turn.role == Role::User) else { return };
        if !self.system.is_empty() {
            turn.pieces.splice(0..0, self.system.drain(..));
            // A refusal by a model that seemed to take it is told where it is amended.
            if !entry.system {
                let why = format!("{} takes no text of a system; it was put before the user's first words", entry.name);
                notes.changed(FieldRef::Conversation, why);
            }
        }
    }

    /// Takes the reasoning out of the open tool loop.
    pub(super) fn strip_loop(&mut self, notes: &mut Notes) {
        let from = self.open_loop_at().unwrap_or(self.turns.len());
        for turn in self.turns.iter_mut().skip(from) {
            turn.pieces.retain(|piece| !is_thought(piece));
        }
        let why = "a model that takes a budget refuses the thoughts of the running tool calls while it does not reason";
        notes.dropped(FieldRef::PastReasoning(None), why);
    }
}

/// A block as a piece; blank text is none.
fn piece<'r, 'a>(block: &'r Block<'a>) -> Option<Piece<'r, 'a>> {
    match block {
        Block::Text(text) | Block::Cited { text, .. } if text.is_blank() => None,
        Block::CachePoint(ttl) => Some(Piece::CachePoint(*ttl)),
        Block::Text(_)
        | Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::ToolUse { .. }
        | Block::ToolResult { .. }
        | Block::Image { .. }
        | Block::Document { .. }
        | Block::SearchResult { .. }
        | Block::Audio { .. }
        | Block::Cited { .. } => Some(Piece::Block(block)),
    }
}

/// A message without what the model would refuse: reasoning that it does not take back.
/// `asked`: the client asks for reasoning in the model's own words.
fn kept<'r, 'a>(message: &'r Message<'a>, asked: bool, terms: &Terms<'_>, notes: &mut Notes) -> Vec<Piece<'r, 'a>> {
    let mut pieces = Vec::with_capacity(message.content.len());
    for block in &message.content {
        let (kind, issuer) = match block {
            Block::Reasoning { signature: Some(_), issuer, .. } => (Replay::Signed, issuer),
            Block::Reasoning { issuer, .. } => (Replay::Unsigned, issuer),
            Block::Redacted { issuer, .. } => (Replay::Redacted, issuer),
            Block::Text(_)
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. }
            | Block::CachePoint(_) => {
                pieces.extend(piece(block));
                continue;
            }
        };
        if terms.adjustment.without_reasoning {
            continue;
        }
        if kind != Replay::Unsigned && is_strangers_own(issuer, asked, terms) {
            pieces.extend(taken(block));
        } else if !issuer.can_be(terms.mark, &terms.entry.vendor, terms.entry.bound) {
            notes.foreign_reasoning(message.position, terms.entry);
        } else if !terms.entry.takes_back(kind) {
            notes.reasoning_left_out(message.position, terms.entry, block);
        } else {
            pieces.extend(taken(block));
        }
    }
    pieces
}

/// Whether sealed reasoning is sent to a model without a row in the catalogue: to the one that made it, and to one that
/// is asked to reason in a vendor's words when nothing tells who made it.
fn is_strangers_own(issuer: &Issuer, asked: bool, terms: &Terms<'_>) -> bool {
    // Where nobody says who made it, only Claude's words for reasoning (`thinking`) tell that it is worth a try.
    let untold = asked && issuer.vendor.is_none_or(|vendor| vendor == "anthropic");
    !terms.entry.is_known() && issuer.mark.map_or(untold, |mark| mark.model == terms.mark.model)
}

/// Reasoning as a piece; unsigned reasoning that is blank is none.
fn taken<'r, 'a>(block: &'r Block<'a>) -> Option<Piece<'r, 'a>> {
    if let Block::Reasoning { text, signature: None, .. } = block {
        return (!text.is_blank()).then_some(Piece::Thought(text));
    }
    Some(Piece::Block(block))
}

/// Claude wants a turn's tool results before anything else; a cache point stays behind what it stood behind.
fn results_first(turn: &mut Turn<'_, '_>) {
    if turn.role != Role::User || !turn.pieces.iter().any(Piece::is_result) {
        return;
    }
    let (mut results, mut rest) = (Vec::new(), Vec::new());
    let mut behind_result = false;
    for piece in turn.pieces.drain(..) {
        if !matches!(piece, Piece::CachePoint(_)) {
            behind_result = piece.is_result();
        }
        if behind_result { results.push(piece) } else { rest.push(piece) }
    }
    results.append(&mut rest);
    turn.pieces = results;
}

/// The first turn must be the user's, and the last one must say something.
fn open_and_close(draft: &mut Draft<'_, '_>, terms: &Terms<'_>, notes: &mut Notes) {
    let opened_by_model = draft.turns.first().is_some_and(|turn| turn.role == Role::Assistant);
    if draft.turns.is_empty() || opened_by_model && !terms.entry.leading_assistant {
        let pieces = vec![Piece::Said(Text::from_plain(GO_ON))];
        draft.turns.insert(0, Turn { role: Role::User, pieces, position: 0, unreasoned: false });
        notes.changed(
            FieldRef::Conversation,
            "a conversation begins with the user; a message was put first that says `Continue.`",
        );
    }
    // Bedrock refuses a prefill that ends in white space.
    if draft.ends_with_prefill()
        && let Some(last @ Piece::Block(Block::Text(_))) =
            draft.turns.last_mut().and_then(|turn| turn.pieces.last_mut())
        && let Piece::Block(Block::Text(text)) = last
    {
        let plain = text.plain();
        if plain.trim_end().len() != plain.len() {
            *last = Piece::Said(Text::from_plain(plain.trim_end().to_owned()));
        }
    }
}

/// Every call has its result in the next turn, and every result its call in the one before.
fn paired(draft: &Draft<'_, '_>, request: &Request<'_>) -> Result<(), Fault> {
    // In order, so that a turn of many calls costs no look at all of them for each.
    let mut open: Vec<String> = Vec::new();
    let mut caller = 0;
    let unanswered = |at: usize| {
        Fault::invalid(
            FieldRef::ToolCalls(at),
            "every tool call must be answered by a `tool` message with its `tool_call_id`, before anything else is said",
        )
    };
    for turn in &draft.turns {
        let mut results = turn.results();
        let stray = results.iter().find(|id| open.binary_search(id).is_err()).cloned();
        results.sort_unstable();
        if open.iter().any(|id| results.binary_search(id).is_err()) {
            return Err(unanswered(caller));
        }
        if let Some(stray) = stray {
            let holder = request.messages.iter().find(|message| {
                let mut blocks = message.content.iter();
                blocks.any(|block| matches!(block, Block::ToolResult { id, .. } if id.plain() == *stray))
            });
            return Err(Fault::invalid(
                FieldRef::ToolResult(holder.map_or(turn.position, |message| message.position)),
                "must be the id of a tool call in the message of the assistant just before",
            ));
        }
        open = turn.calls();
        open.sort_unstable();
        caller = turn.position;
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(caller)) }
}

/// Refuses documents that are too many; messages of one turn are one for Bedrock.
fn few_documents(draft: &Draft<'_, '_>, entry: &Entry) -> Result<(), Fault> {
    for turn in draft.turns.iter().filter(|_| entry.takes(Medium::Document)) {
        let documents = turn.pieces.iter().filter(|piece| matches!(piece, Piece::Block(block) if is_document(block)));
        let count = documents.count();
        if count > MOST_DOCUMENTS {
            let message = format!(
                "`{NAME}` and what follows it hold {count} documents, and Bedrock takes {MOST_DOCUMENTS} in a turn; send the \
                 others in a later turn, or as text"
            );
            return Err(Fault::unsupported(FieldRef::Content(turn.position), message));
        }
    }
    Ok(())
}

fn is_document(block: &Block<'_>) -> bool {
    matches!(block, Block::Document { .. })
}

/// Bedrock wants words beside a document.
fn documents_explained(draft: &mut Draft<'_, '_>, entry: &Entry, notes: &mut Notes) {
    if !entry.takes(Medium::Document) {
        let in_text = |piece: &Piece<'_, '_>| match piece {
            Piece::Block(Block::ToolResult { content, .. }) => content.iter().any(is_document),
            Piece::Block(block) => is_document(block),
            Piece::Made(_) | Piece::Thought(_) | Piece::Said(_) | Piece::CachePoint(_) => false,
        };
        for turn in draft.turns.iter().filter(|turn| turn.pieces.iter().any(in_text)) {
            let why = format!("{} takes no documents; what is in them was sent as text", entry.name);
            notes.changed(FieldRef::Content(turn.position), why);
        }
        return;
    }
    for turn in &mut draft.turns {
        let has = |wanted: fn(&Piece<'_, '_>) -> bool| turn.pieces.iter().any(wanted);
        let document = has(|piece| matches!(piece.block(), Some(Block::Document { .. })));
        let words = has(|piece| {
            matches!(piece, Piece::Said(_)) || matches!(piece.block(), Some(Block::Text(_) | Block::Cited { .. }))
        });
        if document && !words {
            turn.pieces.push(Piece::Said(Text::from_plain("See the attached document.")));
            notes.changed(
                FieldRef::Content(turn.position),
                "a document needs text beside it; `See the attached document.` was added",
            );
        }
    }
}
