//! The index of the turn store: LRU order, and limits of entries, bytes and age for each group.

use super::Sealed;
use aquifer_gateway::restore::RestoreLimits;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// The HMAC of a turn's key.
pub(super) type Digest = [u8; 32];

/// The two names of a turn.
#[derive(Clone, Copy)]
pub(super) struct Names {
    /// Its own name.
    pub(super) name: Digest,
    /// The name that ignores the ids of its tool calls, for clients that change them.
    pub(super) alike: Digest,
}

/// The size of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Turns held.
    pub(super) entries: usize,
    /// Their bytes.
    pub(super) bytes: usize,
    /// The limits of bytes, of the groups that hold turns.
    pub(super) limit_bytes: usize,
}

/// The approximate memory of a turn's entries in the index, beside its bytes.
const OVERHEAD: usize = 200;

/// The index over the turns of all groups.
#[derive(Default)]
pub(super) struct Ledger {
    turns: HashMap<Digest, Held>,
    /// The turns that are found by a second name too.
    alike: HashMap<Digest, Alike>,
    groups: HashMap<u64, Group>,
    uses: u64,
}

struct Held {
    sealed: Sealed,
    alike: Digest,
    group: u64,
    /// Its position in the LRU order.
    used: u64,
}

/// Turns that share a second name.
struct Alike {
    /// The only turn with this second name; `None` when several have it, because then it is ambiguous.
    only: Option<Digest>,
    turns: usize,
}

/// Turns that share their limits, in LRU order.
#[derive(Default)]
struct Group {
    limits: RestoreLimits,
    bytes: usize,
    order: BTreeMap<u64, (Digest, Instant)>,
}

impl Ledger {
    /// Inserts a turn; returns the number of turns that were evicted for it.
    pub(super) fn enter(
        &mut self,
        names: Names,
        sealed: Sealed,
        group: u64,
        limits: RestoreLimits,
        now: Instant,
    ) -> u64 {
        let Names { name, alike } = names;
        self.forget(&name);
        self.uses += 1;
        let cost = cost(&sealed);
        let of = self.groups.entry(group).or_default();
        of.limits = limits;
        of.bytes += cost;
        of.order.insert(self.uses, (name, now));
        self.turns.insert(name, Held { sealed, alike, group, used: self.uses });
        let of = self.alike.entry(alike).or_insert(Alike { only: None, turns: 0 });
        of.turns += 1;
        of.only = (of.turns == 1).then_some(name);
        self.trim(group, now)
    }

    /// The name of the turn that has this one, or has it as its second name alone.
    pub(super) fn resolve(&self, name: Digest) -> Digest {
        let second = || self.alike.get(&name).and_then(|of| of.only);
        if self.turns.contains_key(&name) { name } else { second().unwrap_or(name) }
    }

    /// Looks a turn up and marks it as the most recently used; `None` when it is unknown or expired.
    pub(super) fn used(&mut self, name: &Digest, now: Instant) -> Option<&Sealed> {
        self.uses += 1;
        let held = self.turns.get_mut(name)?;
        let group = self.groups.get_mut(&held.group)?;
        let (_, last) = group.order.get(&held.used)?;
        if now.saturating_duration_since(*last) > group.limits.age {
            return None;
        }
        group.order.remove(&held.used);
        held.used = self.uses;
        group.order.insert(self.uses, (*name, now));
        Some(&held.sealed)
    }

    /// Evicts expired turns of every group; returns their number.
    pub(super) fn sweep(&mut self, now: Instant) -> u64 {
        let groups: Vec<u64> = self.groups.keys().copied().collect();
        let evicted = groups.into_iter().map(|group| self.trim(group, now)).sum();
        self.groups.retain(|_, group| !group.order.is_empty());
        evicted
    }

    /// The size of what is held.
    pub(super) fn size(&self) -> Size {
        let (mut bytes, mut limit_bytes) = (0, 0_usize);
        for group in self.groups.values().filter(|group| !group.order.is_empty()) {
            bytes += group.bytes;
            limit_bytes = limit_bytes.saturating_add(group.limits.bytes);
        }
        Size { entries: self.turns.len(), bytes, limit_bytes }
    }

    fn trim(&mut self, group: u64, now: Instant) -> u64 {
        let mut evicted = 0;
        while let Some(of) = self.groups.get(&group) {
            let Some((_, (name, last))) = of.order.first_key_value() else { break };
            let old = now.saturating_duration_since(*last) > of.limits.age;
            if !old && of.order.len() <= of.limits.entries && of.bytes <= of.limits.bytes {
                break;
            }
            let name = *name;
            self.forget(&name);
            evicted += 1;
        }
        evicted
    }

    /// Forgets a turn; whether there was one.
    pub(super) fn forget(&mut self, name: &Digest) -> bool {
        let Some(held) = self.turns.remove(name) else { return false };
        if let Some(of) = self.alike.get_mut(&held.alike) {
            of.turns -= 1;
            if of.turns == 0 {
                self.alike.remove(&held.alike);
            }
        }
        if let Some(group) = self.groups.get_mut(&held.group) {
            group.order.remove(&held.used);
            group.bytes = group.bytes.saturating_sub(cost(&held.sealed));
        }
        true
    }
}

fn cost(sealed: &Sealed) -> usize {
    sealed.bytes.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sealed(length: usize) -> Sealed {
        Sealed { nonce: 0, bytes: vec![0; length] }
    }

    fn limits(entries: usize, bytes: usize, seconds: u64) -> RestoreLimits {
        RestoreLimits { entries, bytes, age: Duration::from_secs(seconds) }
    }

    fn name(number: u8) -> Digest {
        [number; 32]
    }

    fn names(number: u8) -> Names {
        Names { name: name(number), alike: name(number | 0x80) }
    }

    #[test]
    fn a_second_name_leads_to_one_turn_or_to_none() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        let names = |number| Names { name: name(number), alike: name(9) };
        assert_eq!(ledger.enter(names(1), sealed(10), 0, limits(2, 10_000, 60), now), 0);
        assert_eq!(ledger.resolve(name(9)), name(1));
        // The same turn again.
        ledger.enter(names(1), sealed(10), 0, limits(2, 10_000, 60), now);
        assert_eq!(ledger.resolve(name(9)), name(1));
        ledger.enter(names(2), sealed(10), 0, limits(2, 10_000, 60), now);
        assert_eq!((ledger.resolve(name(9)), ledger.resolve(name(2))), (name(9), name(2)));
        for number in 3..5 {
            ledger.enter(self::names(number), sealed(10), 0, limits(2, 10_000, 60), now);
        }
        assert_eq!(ledger.alike.len(), 2);
    }

    #[test]
    fn the_least_used_turns_are_forgotten_first() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        for number in 0..3 {
            assert_eq!(ledger.enter(names(number), sealed(10), 0, limits(3, 10_000, 60), now), 0);
        }
        assert!(ledger.used(&name(0), now).is_some());
        assert_eq!(ledger.enter(names(3), sealed(10), 0, limits(3, 10_000, 60), now), 1);
        assert!(ledger.used(&name(1), now).is_none() && ledger.used(&name(0), now).is_some());
    }

    #[test]
    fn bytes_are_bounded_and_given_back() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        let most = 2 * (100 + OVERHEAD);
        for number in 0..10 {
            ledger.enter(names(number), sealed(100), 0, limits(100, most, 60), now);
            assert!(ledger.size().bytes <= most);
        }
        assert_eq!(ledger.size(), Size { entries: 2, bytes: most, limit_bytes: most });
        // A turn that is larger than all that is allowed is not held at all.
        assert_eq!(ledger.enter(names(20), sealed(most), 0, limits(100, most, 60), now), 3);
        assert_eq!(ledger.size(), Size { entries: 0, bytes: 0, limit_bytes: 0 });
    }

    #[test]
    fn old_turns_are_gone_before_and_after_a_sweep() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        ledger.enter(names(0), sealed(10), 0, limits(10, 10_000, 60), now);
        let late = now + Duration::from_secs(59);
        assert!(ledger.used(&name(0), late).is_some(), "its age counts from its last use");
        let later = late + Duration::from_secs(61);
        assert!(ledger.used(&name(0), later).is_none());
        assert_eq!(ledger.sweep(later), 1);
        assert!(ledger.groups.is_empty() && ledger.turns.is_empty());
    }

    #[test]
    fn groups_do_not_crowd_each_other_out() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        ledger.enter(names(0), sealed(10), 1, limits(1, 10_000, 60), now);
        assert_eq!(ledger.enter(names(1), sealed(10), 2, limits(1, 10_000, 60), now), 0);
        assert_eq!(ledger.enter(names(2), sealed(10), 2, limits(1, 10_000, 60), now), 1);
        assert!(ledger.used(&name(0), now).is_some());
    }

    #[test]
    fn a_turn_entered_again_is_counted_once() {
        let (mut ledger, now) = (Ledger::default(), crate::process::clock::now());
        ledger.enter(names(0), sealed(10), 0, limits(10, 10_000, 60), now);
        ledger.enter(names(0), sealed(20), 0, limits(10, 10_000, 60), now);
        assert_eq!(ledger.size(), Size { entries: 1, bytes: 20 + OVERHEAD, limit_bytes: 10_000 });
    }
}
