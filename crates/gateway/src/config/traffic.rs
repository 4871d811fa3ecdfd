//! The traffic policy of calls to backends: retries, outlier detection, limits of concurrency and of time.

use std::time::Duration;

/// The traffic policy of the calls of one rule, or of every backend of the short form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The retries.
    pub retry: Retry,
    /// The outlier detection, which ejects backends that fail.
    pub outliers: Outliers,
    /// The limit of concurrent calls to each backend.
    pub circuit: Circuit,
    /// For a connection to a backend. `None`: the host decides.
    pub connect: Option<Duration>,
    /// A second backend is asked when the first has not begun to answer after this time. `None`: never.
    pub hedge: Option<Duration>,
    /// After this time without a word of a stream its head is told, and no other backend is asked any more. `None`: the
    /// host decides; zero: never.
    pub early_head: Option<Duration>,
    /// From the call to the first content of its answer. `None`: what is usual, while another backend could be asked.
    /// Nought: as long as any other silence.
    pub first_byte: Option<Duration>,
    /// What becomes of a call whose client leaves. `None`: the host decides.
    pub on_client_gone: Option<OnClientGone>,
    /// From a request to the end of its answer, when its rule does not say it. `None`: no limit.
    pub whole: Option<Duration>,
}

/// What becomes of a call whose client leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnClientGone {
    /// Its connection is closed: what it cost is not told.
    #[default]
    Close,
    /// It is read to its end, within limits, so that its tokens are reported.
    Drain,
}

impl OnClientGone {
    /// The words for them, in this order.
    pub const WORDS: [&'static str; 2] = ["close", "drain"];

    /// The meaning of a word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "close" => Some(Self::Close),
            "drain" => Some(Self::Drain),
            _ => None,
        }
    }
}

/// The retry policy: failed calls are retried until the first byte was sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most attempts of a request, over all backends. `None`: five at each of them, ten at most.
    pub attempts: Option<u32>,
    /// The most attempts at the backends of one priority before those of the next.
    pub per_priority: Option<u32>,
    /// The longest first pause; each further one may be twice as long.
    pub base: Duration,
    /// The longest pause, also when a backend asks for a longer one.
    pub most: Duration,
    /// The timeout of one attempt: of its whole answer, or of the first byte of a stream.
    pub each: Option<Duration>,
    /// The statuses that are tried again. `None`: 408, 424, 429, 500, 502, 503, 504 and 529.
    pub statuses: Option<Vec<u16>>,
    /// Whether a call that got no answer, or a broken one, is tried again.
    pub unanswered: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: None,
            per_priority: None,
            base: Duration::from_millis(100),
            most: Duration::from_secs(10),
            each: None,
            statuses: None,
            unanswered: true,
        }
    }
}

/// For how long a backend is ejected at most where nothing else is said: one that is back is soon used again, however
/// long it was away.
const MAX_EJECTION_TIME: Duration = Duration::from_secs(10);

/// When a backend is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// After so many failures in a row; 0: never.
    pub failures: u32,
    /// For so long at first; each further time in a row twice as long.
    pub base: Duration,
    /// For so long at most.
    pub most: Duration,
    /// After so long one request finds out whether it is well again; twice as long after each that fails, up to a third
    /// of `most`. Nought: not before the time is over.
    pub interval: Duration,
    /// The largest share of a rule's backends, in percent, that is left alone at once; one may always be.
    pub max_ejection_percent: u32,
    /// When a smaller share of a rule's backends, in percent, is well, all are tried in order. 0: never.
    pub panic_threshold: u32,
}

impl Default for Outliers {
    fn default() -> Self {
        Self {
            failures: 5,
            base: Duration::from_secs(10),
            most: MAX_EJECTION_TIME,
            interval: Duration::from_secs(1),
            max_ejection_percent: 100,
            panic_threshold: 1,
        }
    }
}

/// The circuit breaker of a backend: the limits of its concurrent calls. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Calls under way.
    pub parallel: Option<u32>,
    /// Calls that wait for one of those to end.
    pub pending: Option<u32>,
}

/// The default of the most attempts at one backend, and over all backends.
const ATTEMPTS: (u32, u32) = (5, 10);

impl Retry {
    /// The most attempts of a request: at one backend, and over all of them.
    #[must_use]
    pub fn most_attempts(&self) -> (u32, u32) {
        self.attempts.map_or(ATTEMPTS, |attempts| (attempts, attempts))
    }

    /// Whether an answer with this status is tried again.
    #[must_use]
    pub fn takes(&self, status: u16) -> bool {
        match &self.statuses {
            Some(statuses) => statuses.contains(&status),
            None => matches!(status, 408 | 424 | 429 | 500 | 502 | 503 | 504 | 529),
        }
    }
}
