//! What came of reading an answer on after its client had left.

use std::time::Duration;

/// What came of reading an answer on after its client had left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drain {
    /// How it ended.
    pub result: DrainResult,
    /// From the client's leaving to the end.
    pub time: Duration,
    /// The bytes of the backend's answer that were read meanwhile.
    pub bytes: u64,
}

/// How the reading of an answer ended whose client had left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrainResult {
    /// The backend reported its tokens.
    #[default]
    Reported,
    /// A limit of time or bytes was reached, or the process ended.
    Limit,
    /// The backend failed, or reported no tokens.
    Broken,
    /// As many were read on already as may be at once: the call was closed.
    NoRoom,
}

impl DrainResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Reported, Self::Limit, Self::Broken, Self::NoRoom];

    /// Its word, in log and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Limit => "limit",
            Self::Broken => "broken",
            Self::NoRoom => "no_room",
        }
    }
}
