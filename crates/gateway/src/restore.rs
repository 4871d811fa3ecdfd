//! Reasoning that a client dropped, put back: what is remembered of a turn, for whom, and for how long.

use crate::auth::is_signed;
use crate::key_ring::without_scheme;
use aquifer_translate::dialect::openai_responses::stored::StoredResponse;
use aquifer_translate::model::alike::Likeness;
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::Before;
use http::{HeaderMap, HeaderName, header};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// The headers by which a caller shows who it is, in the order in which they count.
static CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// Who asks, told apart by the key that it shows; callers without one are one caller.
///
/// It is a secret: it is neither printed nor compared by anything but a store's keyed hash.
#[derive(Clone, Default)]
pub struct Caller(Zeroizing<Vec<u8>>);

impl Caller {
    /// The caller of a request: the owner of its key, where keys are asked for; else whoever shows the same credentials, in
    /// whichever header: clients of each dialect have their own. An owner stays the same when its key is replaced.
    #[must_use]
    pub fn of(headers: &HeaderMap, owner: Option<&str>) -> Self {
        if let Some(owner) = owner {
            return Self(Zeroizing::new([b"owner:", owner.as_bytes()].concat()));
        }
        let shown = CREDENTIALS.iter().find_map(|name| headers.get(name)).map(|value| without_scheme(value.as_bytes()));
        let shown = shown.filter(|key| !key.is_empty());
        // A signature is another one in each request, and nobody checked it: whoever shows it may be anybody.
        let shown = shown.filter(|_| !is_signed(headers));
        // What a client shows must not look like an owner's name.
        Self(Zeroizing::new(shown.map(|key| [b"shown:", key].concat()).unwrap_or_default()))
    }

    /// Whether it showed no key: it may be anybody.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of its key, for a keyed hash.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(***)")
    }
}

/// Under which a turn is remembered.
#[derive(Clone, Debug)]
pub struct TurnKey {
    /// Whose turn it is.
    pub caller: Caller,
    /// The model id that was called.
    pub model_id: String,
    /// The ids of its calls, sorted.
    pub calls: Vec<String>,
    /// What stood before the turn: whoever does not send that conversation does not get what is remembered of it.
    pub before: Before,
}

impl TurnKey {
    /// A key; the order of the calls does not matter.
    #[must_use]
    pub fn new(caller: Caller, model_id: &str, mut calls: Vec<String>) -> Self {
        calls.sort_unstable();
        Self { caller, model_id: model_id.to_owned(), calls, before: Before::default() }
    }

    /// The same for a turn before which this stood.
    #[must_use]
    pub fn after(mut self, before: Before) -> Self {
        self.before = before;
        self
    }

    /// A key that does not depend on the ids of calls.
    #[must_use]
    pub fn alike(caller: Caller, model_id: &str, likeness: Likeness) -> Self {
        // No id begins with this character.
        let mut name = String::with_capacity(1 + 2 * likeness.len());
        name.push('\0');
        let digits = likeness.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        name.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
        Self { caller, model_id: model_id.to_owned(), calls: vec![name], before: Before::default() }
    }

    /// The key of a response of Responses, which its client names.
    #[must_use]
    pub fn response(caller: Caller, id: &str) -> Self {
        // No id begins with this character.
        Self { caller, model_id: String::new(), calls: vec![format!("\u{1}{id}")], before: Before::default() }
    }

    /// What a keyed hash takes in: every part with its length, so that no two keys are the same bytes.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let calls = self.calls.iter().map(String::as_bytes);
        [self.caller.expose(), self.model_id.as_bytes(), &self.before[..]].into_iter().chain(calls)
    }
}

/// How much is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreLimits {
    /// Turns at most.
    pub entries: usize,
    /// Bytes of all turns at most.
    pub bytes: usize,
    /// Since the turn.
    pub age: Duration,
}

impl Default for RestoreLimits {
    /// 10,000 turns, 64 MiB, an hour.
    fn default() -> Self {
        Self { entries: 10_000, bytes: 64 << 20, age: Duration::from_secs(3600) }
    }
}

/// A turn to remember.
#[derive(Debug)]
pub struct Keep {
    /// Under which.
    pub key: TurnKey,
    /// Under which it is found too, as long as no other turn is: clients give calls ids of their own.
    pub alike: TurnKey,
    /// The turn.
    pub turn: Turn,
    /// Which limits count it: turns of one group share theirs.
    pub group: u64,
    /// Those limits.
    pub limits: RestoreLimits,
}

/// A response to remember.
#[derive(Debug)]
pub struct KeepResponse {
    /// Under which.
    pub key: TurnKey,
    /// The response, with what it answers.
    pub response: StoredResponse,
    /// Which limits count it, together with turns.
    pub group: u64,
    /// Those limits.
    pub limits: RestoreLimits,
}

/// Where turns are remembered between two requests. Losing one is no failure: the model then goes on without.
pub trait TurnStore: Send + Sync {
    /// Remembers a turn.
    fn keep(&self, keep: Keep);

    /// The turns of these keys, in their order, when that can be told without waiting; else `None`, and the exchange asks
    /// its host for them ([`Output::Recall`](crate::exchange::Output::Recall)), who may wait.
    fn recall_now(&self, keys: &[TurnKey]) -> Option<Vec<Option<Turn>>>;

    /// Remembers a response.
    fn keep_response(&self, keep: KeepResponse);

    /// The response of this key, where it is remembered.
    fn response(&self, key: &TurnKey) -> Option<StoredResponse>;

    /// Forgets the response of this key; whether there was one.
    fn forget_response(&self, key: &TurnKey) -> bool;
}

/// A store that remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl TurnStore for Forgetful {
    fn keep(&self, _: Keep) {}

    fn recall_now(&self, keys: &[TurnKey]) -> Option<Vec<Option<Turn>>> {
        Some(keys.iter().map(|_| None).collect())
    }

    fn keep_response(&self, _: KeepResponse) {}

    fn response(&self, _: &TurnKey) -> Option<StoredResponse> {
        None
    }

    fn forget_response(&self, _: &TurnKey) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn callers_are_told_apart_by_their_keys() {
        let of = |name, value| Caller::of(&headers(name, value), None).expose().to_vec();
        assert_ne!(of("authorization", "Bearer a"), of("authorization", "Bearer b"));
        assert_eq!(of("x-api-key", "a"), of("api-key", "a"));
        assert_eq!(of("x-api-key", "a"), of("authorization", "Bearer a"));
        assert!(of("authorization", "Bearer ").is_empty());
        assert!(of("x-other", "a").is_empty());
        assert_eq!(format!("{:?}", Caller::of(&headers("x-api-key", "hunter2"), None)), "Caller(***)");
    }

    #[test]
    fn keys_differ_in_every_part() {
        let key = |model: &str, calls: &[&str]| {
            let calls = calls.iter().map(|id| (*id).to_owned()).collect();
            let key = TurnKey::new(Caller::default(), model, calls);
            key.parts().map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(key("m", &["b", "a"]), key("m", &["a", "b"]));
        assert_ne!(key("m", &["a"]), key("n", &["a"]));
        assert_ne!(key("m", &["ab"]), key("m", &["a", "b"]));
        let after = |before: u8| TurnKey::new(Caller::default(), "m", Vec::new()).after([before; 16]);
        assert!(after(1).parts().ne(after(2).parts()));
    }
}
