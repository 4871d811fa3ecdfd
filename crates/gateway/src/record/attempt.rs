//! What became of one call for an exchange.

use crate::cost::{CallCost, Tokens};
use aquifer_translate::fault::Fault;
use aquifer_translate::model::reasoning::SentEffort;
use std::time::Duration;

/// One call for an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptRecord {
    /// `namespace/name` of the backend.
    pub backend: String,
    /// The model id that was called.
    pub model_id: String,
    /// What was called, in OpenTelemetry's words (`gen_ai.provider.name`).
    pub provider: &'static str,
    /// The AWS region, where the configuration names it.
    pub region: Option<String>,
    /// Why it was made.
    pub why: AttemptReason,
    /// What became of it.
    pub result: AttemptResult,
    /// What it said of how hard to reason.
    pub effort: SentEffort,
    /// From the request's head to the call.
    pub started: Duration,
    /// From the request's head to the moment at which it was sent: behind a queue, later than it was made.
    pub sent: Option<Duration>,
    /// From the request's head to the first that came of its answer.
    pub first_byte: Option<Duration>,
    /// From the request's head to the first reasoning of its answer.
    pub first_reasoning: Option<Duration>,
    /// From the request's head to the first text or tool call of its answer.
    pub first_content: Option<Duration>,
    /// From the request's head to the end of the call.
    pub ended: Option<Duration>,
    /// The HTTP status of its answer.
    pub status: Option<u16>,
    /// The backend's own id of it, as its support asks for: `x-amzn-requestid` of AWS.
    pub upstream_request_id: Option<String>,
    /// Bytes of the body that was sent.
    pub sent_bytes: u64,
    /// Bytes of its answer's body that came.
    pub came_bytes: u64,
    /// [`translate::Fault::label`](aquifer_translate::Fault::label) of what went wrong, if anything did.
    pub fault: Option<String>,
    /// Tokens as the backend reported them.
    pub usage: Option<Tokens>,
    /// What it cost, as far as is known.
    pub cost: CallCost,
    /// A guess at the cost, in 10⁻¹² US dollars, where no tokens were reported: by the bytes that were sent and that came.
    pub estimated_cost: Option<u64>,
}

impl AttemptRecord {
    /// Whether it may have cost something although no tokens were reported: a model had begun to answer, or was given up
    /// while it may have done so.
    #[must_use]
    pub fn may_have_cost(&self) -> bool {
        match self.result {
            AttemptResult::Answered => true,
            AttemptResult::HedgeLost | AttemptResult::Abandoned => self.status.is_none_or(|status| status < 300),
            AttemptResult::Open | AttemptResult::Failed | AttemptResult::Throttled | AttemptResult::Amended => {
                self.status.is_some_and(|status| status < 300)
            }
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AttemptResult {
    /// It is under way.
    #[default]
    Open,
    /// Its answer is the client's.
    Answered,
    /// It was refused, or could not be made, or broke off.
    Failed,
    /// There were too many requests for the backend.
    Throttled,
    /// It was refused, and the one after it was adjusted to that.
    Amended,
    /// It lost a race: the other call was quicker.
    HedgeLost,
    /// The client left.
    Abandoned,
}

impl AttemptResult {
    /// Every result of a call that is over.
    pub const ALL: [Self; 6] =
        [Self::Answered, Self::Failed, Self::Throttled, Self::Amended, Self::HedgeLost, Self::Abandoned];

    /// Its word, in log and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Throttled => "throttled",
            Self::Amended => "amended",
            Self::HedgeLost => "hedge_lost",
            Self::Abandoned => "abandoned",
        }
    }

    /// The result of a call that failed so.
    pub(crate) fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Refused(refusal) if refusal.status == 429 => Self::Throttled,
            Fault::Refused(_)
            | Fault::ClientMistaken(_)
            | Fault::Unsupported(_)
            | Fault::UpstreamMisbehaved(_)
            | Fault::UpstreamUnreachable(_)
            | Fault::Ours(_)
            | Fault::Overloaded(_) => Self::Failed,
        }
    }
}

/// Why a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AttemptReason {
    /// It is the first one.
    #[default]
    First,
    /// The one before it failed.
    Retry,
    /// Another one was slow.
    Hedge,
    /// Bedrock refused the one before it, and the request was adjusted to that.
    Adjusted,
    /// The stream before it broke off while the model was thinking.
    Restart,
}

impl AttemptReason {
    /// Its word, in traces.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Adjusted => "adjusted",
            Self::Restart => "restart",
        }
    }
}
