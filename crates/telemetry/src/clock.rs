//! The one place where this crate reads the clock: lines of the log bear the time at which they are written.

use std::time::SystemTime;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "a host's library reads the clock, here and nowhere else")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}
