//! The cache of token counts: clients ask for the number of tokens of the same text again and again.
//!
//! Every exchange of a process shares it. Of what was counted it holds a keyed hash and the number, no content: an entry is
//! the same few bytes whatever was counted, and there are only so many.

use crate::restore::Caller;
use sha2::{Digest as _, Sha256};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most counts that are held, of about a hundred bytes each; the oldest make room.
const MOST: usize = 8192;

/// The keyed hash of what is counted: who asks, by which endpoint of which model, and the body that is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountKey([u8; 32]);

/// The cached token counts. Its `Debug` shows neither the secret nor the keys.
pub(crate) struct TokenCounts {
    /// The secret of the keyed hash, drawn for each process.
    secret: [u8; 32],
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    tokens: HashMap<CountKey, u64>,
    /// The same keys by age, each with when it was counted.
    by_age: VecDeque<(CountKey, Instant)>,
    /// The keys whose counts are asked for just now, each with the number of the exchange's turn to ask.
    under_way: HashMap<CountKey, u64>,
    /// The turns so far.
    turns: u64,
}

/// The turn of one exchange to ask for a count, until it is dropped: others with the same key wait for it.
pub(crate) struct CountTurn {
    counts: Arc<TokenCounts>,
    key: CountKey,
    number: u64,
}

impl Drop for CountTurn {
    fn drop(&mut self) {
        let mut held = self.counts.held();
        if held.under_way.get(&self.key) == Some(&self.number) {
            held.under_way.remove(&self.key);
        }
    }
}

impl Default for TokenCounts {
    /// An empty cache with a secret of its own, from the randomness that keys the maps of the standard library.
    fn default() -> Self {
        let drawn = RandomState::new();
        let mut secret = [0; 32];
        for (part, number) in secret.chunks_mut(8).zip(0_u64..) {
            part.copy_from_slice(&drawn.hash_one(number).to_ne_bytes());
        }
        Self { secret, held: Mutex::default() }
    }
}

impl TokenCounts {
    /// The key of a count.
    pub(crate) fn key(&self, caller: &Caller, path: &str, body: &[u8]) -> CountKey {
        let mut hash = Sha256::new_with_prefix(self.secret);
        for part in [caller.expose(), path.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        CountKey(hash.finalize().into())
    }

    /// The number of tokens that was counted under a key, if that was within this time.
    pub(crate) fn get(&self, key: CountKey, life: Duration, now: Instant) -> Option<u64> {
        let mut held = self.held();
        held.expire(life, now);
        held.tokens.get(&key).copied()
    }

    /// Takes the turn to ask for a count.
    ///
    /// # Errors
    ///
    /// Another exchange has it: its number.
    pub(crate) fn take_turn(self: &Arc<Self>, key: CountKey) -> Result<CountTurn, u64> {
        let mut held = self.held();
        if let Some(number) = held.under_way.get(&key) {
            return Err(*number);
        }
        held.turns += 1;
        let number = held.turns;
        held.under_way.insert(key, number);
        Ok(CountTurn { counts: Arc::clone(self), key, number })
    }

    /// Whether the exchange with this turn still asks for a count.
    pub(crate) fn is_under_way(&self, key: CountKey, number: u64) -> bool {
        self.held().under_way.get(&key) == Some(&number)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Caches a count for this time.
    pub(crate) fn insert(&self, key: CountKey, tokens: u64, life: Duration, now: Instant) {
        let mut held = self.held();
        held.expire(life, now);
        if life.is_zero() || held.tokens.insert(key, tokens).is_some() {
            return;
        }
        held.by_age.push_back((key, now));
        if held.by_age.len() > MOST
            && let Some((oldest, _)) = held.by_age.pop_front()
        {
            held.tokens.remove(&oldest);
        }
    }
}

impl Held {
    fn expire(&mut self, life: Duration, now: Instant) {
        while let Some((key, counted)) = self.by_age.front().copied()
            && now.saturating_duration_since(counted) >= life
        {
            self.tokens.remove(&key);
            self.by_age.pop_front();
        }
    }
}

impl fmt::Debug for TokenCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCounts(***)")
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test, which may look at the clock")]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    const LIFE: Duration = Duration::from_secs(600);

    fn caller(key: &'static str) -> Caller {
        Caller::of(&HeaderMap::from_iter([(http::header::AUTHORIZATION, HeaderValue::from_static(key))]), None)
    }

    #[test]
    fn a_count_is_of_its_caller_its_model_and_its_body() {
        let (counts, now) = (TokenCounts::default(), Instant::now());
        let key = counts.key(&caller("a"), "/model/m/count-tokens", b"{}");
        assert_eq!(counts.get(key, LIFE, now), None);
        counts.insert(key, 7, LIFE, now);
        assert_eq!(counts.get(counts.key(&caller("a"), "/model/m/count-tokens", b"{}"), LIFE, now), Some(7));
        for other in [
            counts.key(&caller("b"), "/model/m/count-tokens", b"{}"),
            counts.key(&caller("a"), "/model/n/count-tokens", b"{}"),
            counts.key(&caller("a"), "/model/m/count-tokens", b"{} "),
            counts.key(&caller("a"), "/model/m/count-tokens{", b"}"),
            TokenCounts::default().key(&caller("a"), "/model/m/count-tokens", b"{}"),
        ] {
            assert_eq!(counts.get(other, LIFE, now), None);
        }
    }

    #[test]
    fn one_exchange_at_a_time_has_the_turn_to_ask() {
        let counts = Arc::new(TokenCounts::default());
        let key = |path| counts.key(&Caller::default(), path, b"{}");
        let first = counts.take_turn(key("a")).unwrap_or_else(|_| panic!("nobody asks"));
        let number = counts.take_turn(key("a")).err().unwrap();
        assert!(counts.is_under_way(key("a"), number) && counts.take_turn(key("b")).is_ok());
        drop(first);
        assert!(!counts.is_under_way(key("a"), number));
        let second = counts.take_turn(key("a")).unwrap_or_else(|_| panic!("nobody asks any more"));
        assert!(!counts.is_under_way(key("a"), number), "it is another one");
        drop(second);
        assert!(counts.held().under_way.is_empty());
    }

    #[test]
    fn counts_live_for_their_time_and_there_are_only_so_many() {
        let (counts, now) = (TokenCounts::default(), Instant::now());
        let key = |number: usize| counts.key(&Caller::default(), "", &number.to_be_bytes());
        (0..=MOST).for_each(|number| counts.insert(key(number), number as u64, LIFE, now));
        assert_eq!(counts.get(key(0), LIFE, now), None);
        assert_eq!(counts.get(key(MOST), LIFE, now), Some(MOST as u64));
        assert_eq!(counts.held().tokens.len(), MOST);
        // What is counted once more is as old as before.
        let later = now + LIFE / 2;
        counts.insert(key(1), 1, LIFE, later);
        assert_eq!(counts.get(key(1), LIFE, later), Some(1));
        assert_eq!(counts.get(key(1), LIFE, now + LIFE), None);
        assert!(counts.held().by_age.is_empty());
        counts.insert(key(1), 1, Duration::ZERO, now);
        assert_eq!(counts.get(key(1), LIFE, now), None);
    }
}
