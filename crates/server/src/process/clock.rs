//! The one place where this host reads the clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a host reads the clock, here and nowhere else")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The wall clock, for signatures and the expiry of credentials.
#[expect(clippy::disallowed_methods, reason = "a host reads the clock, here and nowhere else")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Seconds since the epoch; 0 when the clock is set before it.
pub(crate) fn unix_seconds() -> u64 {
    wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since the epoch; 0 when the clock is set before it.
pub(crate) fn unix_ms() -> u64 {
    let since = wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
