//! Where the numbers of tokens come from, and estimates of those that nobody reported.

/// Where the numbers of tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageSource {
    /// The backend reported them, and nothing else was used.
    Reported,
    /// Some or all of them are estimated by bytes.
    Estimated,
    /// Nothing is known of them.
    Unknown,
}

impl UsageSource {
    /// Its word, in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// An estimate of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// A token for each four bytes that were sent.
    pub input: u64,
    /// A token for each two hundred bytes of a stream that came, and at least one once it began: a stream brings a token
    /// or a few in each of its parts.
    pub output: u64,
}

impl Estimate {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { input: self.input.saturating_add(other.input), output: self.output.saturating_add(other.output) }
    }

    /// By the bytes that were sent and that came.
    #[must_use]
    pub fn by_bytes(sent: u64, came: u64) -> Self {
        Self { input: sent.div_ceil(4), output: came.div_ceil(200) }
    }
}
