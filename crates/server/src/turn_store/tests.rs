//! What is kept comes back to its caller and to nobody else, and cannot be read on the way.

use super::*;
use aquifer_gateway::restore::{Caller, RestoreLimits};
use aquifer_gateway::translate::model::issuer::Issuer;
use aquifer_gateway::translate::model::raw::Raw;
use aquifer_gateway::translate::model::request::Block;
use aquifer_gateway::translate::model::text::Text;
use http::{HeaderMap, HeaderValue, header};
use std::borrow::Cow;

const MARKER: &str = "xyzzy-thought";

fn content() -> Vec<Block<'static>> {
    vec![Block::ToolUse { id: Text::from_escaped("call_1"), name: Cow::Borrowed("f"), input: Raw::EMPTY }]
}

fn turn() -> Turn {
    let mut all = vec![Block::Reasoning {
        text: Text::from_escaped(MARKER),
        signature: Some(Text::from_escaped("sig")),
        issuer: Issuer::default(),
    }];
    all.extend(content());
    Turn::of(&all, &ToOwned::to_owned)
}

fn key(caller: &'static str, model: &str) -> TurnKey {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(caller))]);
    TurnKey::new(Caller::of(&headers, None), model, vec!["call_1".to_owned()])
}

fn alike(caller: &'static str, likeness: u8) -> TurnKey {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(caller))]);
    TurnKey::alike(Caller::of(&headers, None), "m", [likeness; 16])
}

#[test]
fn a_turn_is_found_without_its_ids_by_its_caller_only() {
    let turns = kept();
    let keys = [alike("Bearer a", 1), alike("Bearer a", 2), alike("Bearer b", 1)];
    let found: Vec<bool> = turns.recall_now(&keys).unwrap().iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, false]);
}

fn kept() -> MemoryTurnStore {
    let turns = MemoryTurnStore::new(TurnStoreCounters::default()).unwrap();
    turns.keep(Keep {
        key: key("Bearer a", "m"),
        alike: alike("Bearer a", 1),
        turn: turn(),
        group: 0,
        limits: RestoreLimits::default(),
    });
    turns
}

#[test]
fn a_turn_comes_back_to_its_caller() {
    let turns = kept();
    let back = turns.recall_now(&[key("Bearer a", "m")]).unwrap().remove(0).unwrap();
    let mut content = content();
    assert!(back.put_back(&mut content));
    assert!(matches!(&content[0], Block::Reasoning { text, .. } if text.as_escaped() == MARKER));
    assert_eq!((turns.counters.entries.get(), turns.counters.evicted.get()), (1, 0));
}

#[test]
fn nobody_else_gets_it() {
    let turns = kept();
    let found = turns.recall_now(&[key("Bearer b", "m"), key("Bearer a", "n"), key("", "m")]).unwrap();
    assert!(found.iter().all(Option::is_none));
    let other = MemoryTurnStore::new(TurnStoreCounters::default()).unwrap();
    assert!(other.one::<Turn>(&key("Bearer a", "m")).is_none());
}

#[test]
fn memory_holds_no_readable_thought() {
    let turns = kept();
    let name = turns.name(&key("Bearer a", "m"));
    let mut ledger = turns.ledger.lock().unwrap();
    let held = &ledger.used(&name, clock::now()).unwrap().bytes;
    assert!(!held.windows(MARKER.len()).any(|part| part == MARKER.as_bytes()));
    let wrong = turns.name(&key("Bearer b", "m"));
    assert!(turns.open::<Turn>(&wrong, 0, held.clone()).is_none(), "a turn is bound to its name");
}

fn remember(turns: &MemoryTurnStore, id: &str, limits: RestoreLimits) {
    let response = StoredResponse { input: MARKER.to_owned(), object: format!(r#"{{"id":"{id}"}}"#) };
    turns.keep_response(KeepResponse { key: response_key("Bearer a", id), response, group: 0, limits });
}

fn response_key(caller: &'static str, id: &str) -> TurnKey {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(caller))]);
    TurnKey::response(Caller::of(&headers, None), id)
}

#[test]
fn a_response_comes_back_to_its_caller_until_it_is_forgotten() {
    let turns = kept();
    remember(&turns, "resp_1", RestoreLimits::default());
    let found = turns.response(&response_key("Bearer a", "resp_1")).unwrap();
    assert_eq!((found.input.as_str(), found.object.as_str()), (MARKER, r#"{"id":"resp_1"}"#));
    let others = [response_key("Bearer b", "resp_1"), response_key("Bearer a", "resp_2"), key("Bearer a", "resp_1")];
    assert!(others.iter().all(|key| turns.response(key).is_none() && !turns.forget_response(key)));
    let name = turns.name(&response_key("Bearer a", "resp_1"));
    let held = turns.ledger.lock().unwrap().used(&name, clock::now()).unwrap().bytes.clone();
    assert!(!held.windows(MARKER.len()).any(|part| part == MARKER.as_bytes()));
    assert!(turns.forget_response(&response_key("Bearer a", "resp_1")));
    assert!(turns.response(&response_key("Bearer a", "resp_1")).is_none());
    assert_eq!(turns.counters.entries.get(), 1, "the turn stays");
}

#[test]
fn the_oldest_responses_go_first_and_all_of_them_in_time() {
    let turns = MemoryTurnStore::new(TurnStoreCounters::default()).unwrap();
    let two = RestoreLimits { entries: 2, ..RestoreLimits::default() };
    let there = || ["1", "2", "3"].map(|id| turns.response(&response_key("Bearer a", id)).is_some());
    ["1", "2", "3"].iter().for_each(|id| remember(&turns, id, two));
    assert_eq!(there(), [false, true, true]);
    let bytes = usize::try_from(turns.counters.bytes.get()).unwrap();
    remember(&turns, "1", RestoreLimits { bytes, ..RestoreLimits::default() });
    assert_eq!(there(), [true, false, true]);
    remember(&turns, "2", RestoreLimits { age: std::time::Duration::ZERO, ..two });
    std::thread::sleep(std::time::Duration::from_millis(2));
    assert_eq!(there(), [false, false, false]);
    turns.sweep();
    assert_eq!((turns.counters.entries.get(), turns.counters.bytes.get()), (0, 0));
}
