//! The one place where this crate reads the clock: credentials expire whether anybody calls or not.

use std::time::{Instant, SystemTime};

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a host's library reads the clock, here and nowhere else")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The wall clock, for the expiry of credentials.
#[expect(clippy::disallowed_methods, reason = "a host's library reads the clock, here and nowhere else")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}
