//! A store of turns that forgets nothing, and answers at once or later.

use aquifer_gateway::restore::{Keep, TurnKey, TurnStore};
use aquifer_gateway::translate::model::turn::Turn;
use std::sync::Mutex;

/// The parts of both keys, and the turn's bytes: a turn cannot be copied.
type Kept = ([Vec<Vec<u8>>; 2], Vec<u8>);

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    turns: Mutex<Vec<Kept>>,
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
}

fn parts(key: &TurnKey) -> Vec<Vec<u8>> {
    key.parts().map(<[u8]>::to_vec).collect()
}
