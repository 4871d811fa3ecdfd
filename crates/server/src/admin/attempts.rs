//! The rate limit of wrong admin tokens: ten a minute from one address, a hundred from all together.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The number of wrong tokens of one address in [`WINDOW`].
const MOST_OF_ONE: usize = 10;
/// The number of wrong tokens of all addresses in [`WINDOW`].
const MOST: usize = 100;
/// The window of the limit.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// The wrong tokens of the last minute.
#[derive(Default)]
pub(super) struct Attempts(VecDeque<Attempt>);

struct Attempt {
    peer: Option<IpAddr>,
    at: Instant,
}

impl Attempts {
    /// Whether this address must wait before a token of its is looked at.
    pub(super) fn is_limited(&mut self, peer: Option<IpAddr>, now: Instant) -> bool {
        self.0.retain(|attempt| now.saturating_duration_since(attempt.at) < WINDOW);
        self.0.len() >= MOST || self.0.iter().filter(|attempt| attempt.peer == peer).count() >= MOST_OF_ONE
    }

    /// Counts a wrong token.
    pub(super) fn count(&mut self, peer: Option<IpAddr>, now: Instant) {
        if self.0.len() < MOST {
            self.0.push_back(Attempt { peer, at: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_limited_before_all_are() {
        let (mut attempts, now) = (Attempts::default(), crate::process::clock::now());
        let peer = |number: u8| Some(IpAddr::from([192, 0, 2, number]));
        for _ in 0..MOST_OF_ONE {
            assert!(!attempts.is_limited(peer(1), now));
            attempts.count(peer(1), now);
        }
        assert!(attempts.is_limited(peer(1), now) && !attempts.is_limited(peer(2), now));
        assert!(!attempts.is_limited(peer(1), now + WINDOW));
        (0..=250).for_each(|number| attempts.count(peer(number), now));
        assert!(attempts.is_limited(peer(255), now) && attempts.0.len() == MOST);
        assert!(!attempts.is_limited(peer(255), now + WINDOW));
    }
}
