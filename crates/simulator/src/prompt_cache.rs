//! The cache of prompts, played: which part of a request was marked before and is read, and which is written.

use crate::cached::Cached;
use crate::families::Model;
use crate::{seal, talk, tokens};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The fewest tokens that are cached.
const FEWEST: usize = 1024;
/// The most prefixes that are remembered.
const MOST: usize = 10_000;

/// The prefixes that were marked. Nothing is forgotten by its age.
#[derive(Debug, Default)]
pub(crate) struct PromptCache(Mutex<VecDeque<u64>>);

impl PromptCache {
    /// Looks a request up and remembers what it marks. `body` is what was sent, `reading` the same in the words of Converse.
    pub(crate) fn take(&self, model: &Model, body: &Value, reading: &Value) -> Cached {
        let prefixes = prefixes(model, body, reading);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = prefixes.iter().rposition(|prefix| prefix.mark.is_some()) else { return Cached::default() };
        let marked = prefixes.get(..=last).unwrap_or_default();
        let hit = marked.iter().rev().find(|prefix| prefix.tokens >= FEWEST && known.contains(&prefix.sum));
        let read = hit.map_or(0, |prefix| prefix.tokens);
        let mut cached = Cached { asked: true, read, ..Cached::default() };
        let mut before = read;
        for prefix in marked.iter().filter(|prefix| prefix.tokens >= FEWEST) {
            let Some(mark) = prefix.mark else { continue };
            let new = prefix.tokens.saturating_sub(before);
            before = before.max(prefix.tokens);
            match mark {
                Mark::Short => cached.short += new,
                Mark::Long => cached.long += new,
            }
            if !known.contains(&prefix.sum) {
                known.push_back(prefix.sum);
            }
        }
        while known.len() > MOST {
            known.pop_front();
        }
        cached
    }
}

/// For how long a prefix is to be kept.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Short,
    Long,
}

/// Everything up to a block of the request.
struct Prefix {
    sum: u64,
    tokens: usize,
    mark: Option<Mark>,
}

/// The prefixes in the order in which the model reads: tools, system, messages. Marks are blocks of Converse's request and
/// members of InvokeModel's.
fn prefixes(model: &Model, body: &Value, reading: &Value) -> Vec<Prefix> {
    let contents = |body: &Value| talk::turns(body).iter().map(|turn| turn["content"].clone()).collect::<Vec<_>>();
    let read = [reading["toolConfig"]["tools"].clone(), reading["system"].clone()].into_iter().chain(contents(reading));
    let sent = [body["tools"].clone(), body["system"].clone()].into_iter().chain(contents(body));
    let mut prefixes: Vec<Prefix> = Vec::new();
    let mut sum = seal::sum(&model.id);
    let mut tokens = 0;
    for (list, sent) in read.zip(sent) {
        for (at, block) in list.as_array().into_iter().flatten().enumerate() {
            if let Some(point) = block.get("cachePoint") {
                if let Some(last) = prefixes.last_mut() {
                    last.mark = Some(mark(point));
                }
                continue;
            }
            sum = seal::sum(&format!("{sum} {block}"));
            tokens += tokens::inside(block);
            let control = &sent[at]["cache_control"];
            let mark = control.is_object().then(|| mark(control));
            prefixes.push(Prefix { sum, tokens, mark });
        }
    }
    prefixes
}

fn mark(point: &Value) -> Mark {
    if point["ttl"] == "1h" { Mark::Long } else { Mark::Short }
}
