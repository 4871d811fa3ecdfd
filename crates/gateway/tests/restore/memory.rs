//! A store of turns that forgets nothing, and answers at once or later.

use aquifer_gateway::restore::{Keep, KeepResponse, TurnKey, TurnStore};
use aquifer_gateway::translate::dialect::openai_responses::stored::StoredResponse;
use aquifer_gateway::translate::model::turn::Turn;
use std::sync::Mutex;

/// The parts of both keys, and the turn's bytes: a turn cannot be copied.
type Kept = ([Vec<Vec<u8>>; 2], Vec<u8>);

/// The parts of a response's key, and its bytes.
type KeptResponse = (Vec<Vec<u8>>, Vec<u8>);

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    turns: Mutex<Vec<Kept>>,
    responses: Mutex<Vec<KeptResponse>>,
    /// Whether it must be waited for.
    pub(crate) later: bool,
}

impl Memory {
    /// An empty one, that must be waited for or not.
    pub(crate) fn answering(later: bool) -> Self {
        Self { later, ..Self::default() }
    }

    /// The turns of these keys.
    pub(crate) fn turns(&self, keys: &[TurnKey]) -> Vec<Option<Turn>> {
        let turns = self.turns.lock().unwrap();
        let found = |key: &TurnKey| {
            let wanted = parts(key);
            let by_ids = turns.iter().rev().find(|([ids, _], _)| *ids == wanted);
            let mut alike = turns.iter().filter(|([_, alike], _)| *alike == wanted);
            let only = alike.next().filter(|_| alike.next().is_none());
            let (_, turn) = by_ids.or(only)?;
            Some(serde_json::from_slice(turn).unwrap())
        };
        keys.iter().map(found).collect()
    }

    /// How many it holds.
    pub(crate) fn len(&self) -> usize {
        self.turns.lock().unwrap().len()
    }

    pub(crate) fn forget(&self) {
        self.turns.lock().unwrap().clear();
    }
}

impl TurnStore for Memory {
    fn keep(&self, keep: Keep) {
        self.turns
            .lock()
            .unwrap()
            .push(([parts(&keep.key), parts(&keep.alike)], serde_json::to_vec(&keep.turn).unwrap()));
    }

    fn recall_now(&self, keys: &[TurnKey]) -> Option<Vec<Option<Turn>>> {
        (!self.later).then(|| self.turns(keys))
    }

    fn keep_response(&self, keep: KeepResponse) {
        self.responses.lock().unwrap().push((parts(&keep.key), serde_json::to_vec(&keep.response).unwrap()));
    }

    fn response(&self, key: &TurnKey) -> Option<StoredResponse> {
        let responses = self.responses.lock().unwrap();
        let (_, response) = responses.iter().rev().find(|(known, _)| *known == parts(key))?;
        Some(serde_json::from_slice(response).unwrap())
    }

    fn forget_response(&self, key: &TurnKey) -> bool {
        let mut responses = self.responses.lock().unwrap();
        let before = responses.len();
        responses.retain(|(known, _)| *known != parts(key));
        responses.len() < before
    }
}

fn parts(key: &TurnKey) -> Vec<Vec<u8>> {
    key.parts().map(<[u8]>::to_vec).collect()
}
