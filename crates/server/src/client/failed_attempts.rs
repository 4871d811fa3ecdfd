//! Throttling of failed authentication by client address: refusals are delayed with exponential backoff.
//!
//! Only refusals wait. A request with a valid key is never slowed down, so an attacker cannot lock out those who share its
//! address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of failures of one address that are not delayed: a wrong setting is no attack.
const FREE: u32 = 5;
/// The first delay, doubled with each further failure.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// The time without a failure after which an address starts from zero.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// The largest number of addresses that are tracked.
const MOST_ADDRESSES: usize = 10_000;

/// Recent failures by client address.
#[derive(Default)]
pub(crate) struct FailedAttempts {
    by_address: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl FailedAttempts {
    /// Counts a failure of this address; returns the delay of its refusal.
    pub(crate) fn failed(&self, address: IpAddr, now: Instant) -> Duration {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |failures: &Failures| now.saturating_duration_since(failures.last) >= FORGOTTEN_AFTER;
        let address = site(address);
        if by_address.len() >= MOST_ADDRESSES && !by_address.contains_key(&address) {
            by_address.retain(|_, failures| !is_old(failures));
            if by_address.len() >= MOST_ADDRESSES {
                // So many addresses at once are one attack: each of them waits as one that is known.
                return LONGEST_DELAY;
            }
        }
        let failures = by_address.entry(address).or_insert(Failures { count: 0, last: now });
        if is_old(failures) {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
        let doublings = failures.count.saturating_sub(FREE);
        if doublings == 0 {
            return Duration::ZERO;
        }
        FIRST_DELAY.saturating_mul(1 << (doublings - 1).min(16)).min(LONGEST_DELAY)
    }
}

/// The address by which failures are counted: in IPv6 the /64 prefix, because one client has at least that.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_delay_begins_late_grows_and_ends() {
        let (attempts, now) = (FailedAttempts::default(), crate::process::clock::now());
        let delays: Vec<Duration> = (0..14).map(|_| attempts.failed(address("192.0.2.1"), now)).collect();
        assert!(delays[..5].iter().all(Duration::is_zero));
        assert_eq!(delays[5..8], [100, 200, 400].map(Duration::from_millis));
        assert_eq!(delays[12..], [LONGEST_DELAY; 2]);
        assert!(attempts.failed(address("192.0.2.2"), now).is_zero(), "another address");
        assert!(attempts.failed(address("192.0.2.1"), now + FORGOTTEN_AFTER).is_zero(), "forgotten");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_a_mapped_address_is_its_ipv4() {
        assert_eq!(site(address("2001:db8::1")), site(address("2001:db8::ffff:2")));
        assert_ne!(site(address("2001:db8::1")), site(address("2001:db8:0:1::1")));
        assert_eq!(site(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let (attempts, now) = (FailedAttempts::default(), crate::process::clock::now());
        for number in 0..u32::try_from(MOST_ADDRESSES).unwrap() {
            attempts.failed(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(attempts.failed(address("203.0.113.1"), now), LONGEST_DELAY);
        assert_eq!(attempts.by_address.lock().unwrap().len(), MOST_ADDRESSES);
        assert!(attempts.failed(address("203.0.113.1"), now + FORGOTTEN_AFTER).is_zero());
        assert_eq!(attempts.by_address.lock().unwrap().len(), 1);
    }
}
