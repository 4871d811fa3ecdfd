//! Cache points where Converse takes them: few, never first, never behind reasoning, never longer-lived than one before.

use super::draft::{Draft, Piece};
use super::notes::Notes;
use super::tools::Offer;
use crate::catalogue::{Cache, Entry};
use crate::model::field_ref::FieldRef;
use crate::model::request::{Block, CacheTtl, Request, Role};

/// The most cache points of one request (Converse, `CachePointBlock`).
const MOST: usize = 4;

type Point = Option<CacheTtl>;

/// Puts the gateway's own points in, when the client wants that, and takes out those that Bedrock would refuse.
pub(super) fn place(
    request: &Request<'_>,
    entry: &Entry,
    offer: &mut Offer<'_, '_>,
    draft: &mut Draft<'_, '_>,
    notes: &mut Notes,
) {
    if let Some(ttl) = request.automatic_cache
        && entry.cache.is_some()
        && count(offer, draft) == 0
    {
        add(ttl, draft);
    }
    if count(offer, draft) == 0 {
        return;
    }
    if entry.cache.is_none() {
        keep(offer, draft, |_| false);
        notes.ignored(FieldRef::CachePoints, format!("{} has no cache points", entry.name));
        return;
    }
    if !entry.cache_tools {
        let points = offer.tools.iter_mut().filter_map(|tool| tool.cache_point.take());
        if points.count() > 0 {
            notes.dropped(FieldRef::ToolCachePoints, format!("{} takes no cache points behind tools", entry.name));
        }
    }
    let before = count(offer, draft);
    settle(draft, notes);
    let settled = count(offer, draft);
    if settled < before {
        notes.dropped(
            FieldRef::CachePoints,
            "a cache point first in a message, behind reasoning or behind another has no effect",
        );
    }
    if settled > MOST {
        // Where a client may not mean them all, the outer ones count most: the stable beginning, and the end of what is
        // known so far. Anthropic's own clients set them on the latest of what they would read again.
        let (first, which) = if request.latest_cache_points { (0, "earliest") } else { (MOST / 2, "middle") };
        let dropped = settled - MOST;
        keep(offer, draft, |at| at < first || at >= first + dropped);
        notes.dropped(
            FieldRef::CachePoints,
            format!("a request has at most {MOST} cache points; the {which} ones were left out"),
        );
    }
    shorten(entry, offer, draft, notes);
}

/// At the end of what is stable, and at the end of what was said so far.
fn add(ttl: CacheTtl, draft: &mut Draft<'_, '_>) {
    if !draft.system.is_empty() {
        draft.system.push(Piece::CachePoint(Some(ttl)));
    }
    if let Some(turn) = draft.turns.iter_mut().rev().find(|turn| turn.role == Role::User) {
        turn.pieces.push(Piece::CachePoint(Some(ttl)));
    }
}

/// Every point in the order in which Bedrock reads them: tools, system, messages.
fn each<'d>(offer: &'d mut Offer<'_, '_>, draft: &'d mut Draft<'_, '_>) -> impl Iterator<Item = &'d mut Point> {
    let tools = offer.tools.iter_mut().filter_map(|tool| tool.cache_point.as_mut());
    let turns = draft.turns.iter_mut().flat_map(|turn| turn.pieces.iter_mut());
    tools.chain(draft.system.iter_mut().chain(turns).filter_map(|piece| match piece {
        Piece::CachePoint(ttl) => Some(ttl),
        Piece::Block(_) | Piece::Made(_) | Piece::Thought(_) | Piece::Said(_) => None,
    }))
}

fn count(offer: &Offer<'_, '_>, draft: &Draft<'_, '_>) -> usize {
    let points = |pieces: &[Piece<'_, '_>]| pieces.iter().filter(|piece| matches!(piece, Piece::CachePoint(_))).count();
    let tools = offer.tools.iter().filter(|tool| tool.cache_point.is_some()).count();
    tools + points(&draft.system) + draft.turns.iter().map(|turn| points(&turn.pieces)).sum::<usize>()
}

/// Keeps the points of which `wanted` says so, by their number.
fn keep(offer: &mut Offer<'_, '_>, draft: &mut Draft<'_, '_>, wanted: impl Fn(usize) -> bool) {
    let mut at = 0;
    let mut next = || {
        at += 1;
        wanted(at - 1)
    };
    for tool in &mut offer.tools {
        if tool.cache_point.is_some() && !next() {
            tool.cache_point = None;
        }
    }
    draft.system.retain(|piece| !matches!(piece, Piece::CachePoint(_)) || next());
    for turn in &mut draft.turns {
        turn.pieces.retain(|piece| !matches!(piece, Piece::CachePoint(_)) || next());
    }
}

/// Takes out the points that stand where none may. One behind a document that can have none moves before it.
fn settle(draft: &mut Draft<'_, '_>, notes: &mut Notes) {
    for pieces in std::iter::once(&mut draft.system).chain(draft.turns.iter_mut().map(|turn| &mut turn.pieces)) {
        let mut standing: Vec<Piece<'_, '_>> = Vec::with_capacity(pieces.len());
        for piece in pieces.drain(..) {
            if !matches!(piece, Piece::CachePoint(_)) || standing.last().is_some_and(can_be_cached) {
                standing.push(piece);
                continue;
            }
            let documents = standing.iter().rev().take_while(|before| is_plain_document(before)).count();
            let at = standing.len() - documents;
            if documents > 0 && at.checked_sub(1).and_then(|at| standing.get(at)).is_some_and(can_be_cached) {
                standing.insert(at, piece);
                let why = "a cache point cannot stand behind a document that is no PDF; it was put before it";
                notes.changed(FieldRef::CachePoints, why);
            }
        }
        *pieces = standing;
    }
}

/// Whether a cache point may stand behind this piece. Claude refuses one behind a document that is no PDF.
fn can_be_cached(before: &Piece<'_, '_>) -> bool {
    match before {
        Piece::CachePoint(_) | Piece::Thought(_) | Piece::Block(Block::Reasoning { .. } | Block::Redacted { .. }) => {
            false
        }
        piece @ (Piece::Block(_) | Piece::Made(_) | Piece::Said(_)) => !is_plain_document(piece),
    }
}

fn is_plain_document(piece: &Piece<'_, '_>) -> bool {
    matches!(piece, Piece::Block(Block::Document { format, .. }) if *format != "pdf")
}

/// Lifetimes that the model has, and none longer than one before it.
fn shorten(entry: &Entry, offer: &mut Offer<'_, '_>, draft: &mut Draft<'_, '_>, notes: &mut Notes) {
    let mut hours_allowed = entry.cache == Some(Cache::OneHour);
    let mut shortened = false;
    for point in each(offer, draft) {
        if *point == Some(CacheTtl::OneHour) {
            if !hours_allowed {
                *point = Some(CacheTtl::FiveMinutes);
                shortened = true;
            }
        } else {
            hours_allowed = false;
        }
    }
    if shortened {
        let why = if entry.cache == Some(Cache::OneHour) {
            "a cache point of an hour cannot follow a shorter one; 5 minutes are used".to_owned()
        } else {
            format!("{} caches for 5 minutes at most", entry.name)
        };
        notes.changed(FieldRef::CacheLifetime, why);
    }
}
