//! The clock: this crate is a host.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "a terminal program is a host")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
