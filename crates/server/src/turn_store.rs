//! The in-memory store of turns: bounded, encrypted, gone when the process ends.

mod ledger;

use crate::process::clock;
use aquifer_gateway::restore::{Keep, KeepResponse, TurnKey, TurnStore};
use aquifer_gateway::translate::dialect::openai_responses::stored::StoredResponse;
use aquifer_gateway::translate::model::turn::Turn;
use aquifer_telemetry::TurnStoreCounters;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use ledger::{Digest, Ledger, Names, Size};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The future of a lookup: the turn of each key, in order.
pub(crate) type RecallFuture = Pin<Box<dyn Future<Output = Vec<Option<Turn>>> + Send>>;

/// The store of turns in memory. Its encryption keys are random and wiped when it is dropped; of a turn's key only an HMAC
/// is kept.
pub(crate) struct MemoryTurnStore {
    names: hmac::Key,
    contents: LessSafeKey,
    /// A nonce is used once: the process would have to remember 2^64 turns to run out of them.
    nonce: AtomicU64,
    ledger: Mutex<Ledger>,
    counters: TurnStoreCounters,
}

/// A turn, encrypted.
struct Sealed {
    nonce: u64,
    bytes: Vec<u8>,
}

impl MemoryTurnStore {
    /// An empty store.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(crate) fn new(counters: TurnStoreCounters) -> anyhow::Result<Self> {
        let mut keys = Zeroizing::new([0; 64]);
        getrandom::fill(keys.as_mut())?;
        let (names, contents) = keys.split_at(32);
        let contents = UnboundKey::new(&AES_256_GCM, contents).map_err(|_| anyhow::anyhow!("a key of 32 bytes"))?;
        Ok(Self {
            names: hmac::Key::new(hmac::HMAC_SHA256, names),
            contents: LessSafeKey::new(contents),
            nonce: AtomicU64::new(0),
            ledger: Mutex::new(Ledger::default()),
            counters,
        })
    }

    /// Evicts expired turns.
    pub(crate) fn sweep(&self) {
        let evicted = self.ledger.lock().unwrap_or_else(PoisonError::into_inner).sweep(clock::now());
        self.count(evicted);
    }

    /// The HMAC of a turn's key, which does not reveal the caller.
    fn name(&self, key: &TurnKey) -> Digest {
        let mut hash = hmac::Context::with_key(&self.names);
        for part in key.parts() {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut name = Digest::default();
        name.iter_mut().zip(hash.sign().as_ref()).for_each(|(to, from)| *to = *from);
        name
    }

    fn seal(&self, name: &Digest, turn: &impl Serialize) -> Option<Sealed> {
        let nonce = self.nonce.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Zeroizing::new(serde_json::to_vec(turn).ok()?);
        let tag = self.contents.seal_in_place_separate_tag(nonce_of(nonce), Aad::from(name), bytes.as_mut_slice());
        bytes.extend_from_slice(tag.ok()?.as_ref());
        Some(Sealed { nonce, bytes: std::mem::take(&mut *bytes) })
    }

    fn open<T: DeserializeOwned>(&self, name: &Digest, nonce: u64, bytes: Vec<u8>) -> Option<T> {
        let mut bytes = Zeroizing::new(bytes);
        let plain = self.contents.open_in_place(nonce_of(nonce), Aad::from(name), &mut bytes).ok()?;
        serde_json::from_slice(plain).ok()
    }

    fn one<T: DeserializeOwned>(&self, key: &TurnKey) -> Option<T> {
        let name = self.name(key);
        let (name, nonce, bytes) = {
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let name = ledger.resolve(name);
            let sealed = ledger.used(&name, clock::now())?;
            (name, sealed.nonce, sealed.bytes.clone())
        };
        self.open(&name, nonce, bytes)
    }

    /// Looks up the turns of these keys, in their order.
    pub(crate) fn recall(&self, keys: &[TurnKey]) -> RecallFuture {
        Box::pin(std::future::ready(keys.iter().map(|key| self.one(key)).collect()))
    }

    fn count(&self, evicted: u64) {
        self.counters.evicted.inc_by(evicted);
        let Size { entries, bytes, limit_bytes } = self.ledger.lock().unwrap_or_else(PoisonError::into_inner).size();
        let TurnStoreCounters { evicted: _, entries: turns, bytes: held, limit_bytes: limit } = &self.counters;
        for (gauge, size) in [(turns, entries), (held, bytes), (limit, limit_bytes)] {
            gauge.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
    }
}

fn nonce_of(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(bytes)
}

impl TurnStore for MemoryTurnStore {
    fn keep(&self, keep: Keep) {
        let name = self.name(&keep.key);
        let alike = self.name(&keep.alike);
        let Some(sealed) = self.seal(&name, &keep.turn) else { return };
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let evicted = ledger.enter(Names { name, alike }, sealed, keep.group, keep.limits, clock::now());
        drop(ledger);
        self.count(evicted);
    }

    fn recall_now(&self, keys: &[TurnKey]) -> Option<Vec<Option<Turn>>> {
        // Where nothing is remembered, no name is worth its hash.
        if self.ledger.lock().unwrap_or_else(PoisonError::into_inner).size().entries == 0 {
            return Some(keys.iter().map(|_| None).collect());
        }
        Some(keys.iter().map(|key| self.one(key)).collect())
    }

    fn keep_response(&self, keep: KeepResponse) {
        let name = self.name(&keep.key);
        let Some(sealed) = self.seal(&name, &keep.response) else { return };
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let evicted = ledger.enter(Names { name, alike: name }, sealed, keep.group, keep.limits, clock::now());
        drop(ledger);
        self.count(evicted);
    }

    fn response(&self, key: &TurnKey) -> Option<StoredResponse> {
        self.one(key)
    }

    fn forget_response(&self, key: &TurnKey) -> bool {
        let name = self.name(key);
        let there = self.ledger.lock().unwrap_or_else(PoisonError::into_inner).forget(&name);
        self.count(0);
        there
    }
}

#[cfg(test)]
mod tests;
