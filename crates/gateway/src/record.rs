//! What became of one exchange: the only source of metrics and of the log's line.
//!
//! ```text
//! Record                                one for each exchange, given as Output::Done
//!  ├─ who, what, where to               id, dialect, caller, model, route, rule, asked
//!  ├─ how it ended                      status, outcome, fault, stop_reason, finish_reason
//!  ├─ times, from the request's head    first reasoning, reasoning's end, first content, longest gap, duration
//!  ├─ tokens (reported), estimated      usage_source() says which of them can be relied upon
//!  └─ attempts[]                        one for each call: backend, result, times, ids, usage, cost
//! ```
//!
//! Sums over calls are methods ([`Record::cost`], [`Record::cost_unknown`]); nothing is allocated for a delta.

mod attempt;
mod blame;
mod drain;
mod source;
mod trace;
mod usage;

pub use crate::cost::Tokens;
pub use attempt::{AttemptReason, AttemptRecord, AttemptResult};
pub use drain::{Drain, DrainResult};
pub use source::RequestSource;
pub use trace::{BackendAddress, ExchangeTrace, RemoteSpan, TraceContext, TraceTrust};
pub use usage::{Estimate, UsageSource};

use crate::config::{Observe, ReasoningPolicy};
use crate::cost::{CallCost, Cost, CostUnknown};
use crate::request_cost::{CostFacts, CountedCost, RouteCost};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::fault::Fault;
use aquifer_translate::translation::Parameters;
use std::sync::Arc;
use std::time::Duration;

/// Everything that is remembered of one exchange, without its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The id in the answer and in the log.
    pub id: String,
    /// `chat` for Chat Completions (OpenTelemetry's `gen_ai.operation.name`).
    pub operation: &'static str,
    /// The owner of the API key that was shown; `None` where none is asked for.
    pub caller: Option<Arc<str>>,
    /// The model the client named.
    pub model: String,
    /// The model id that was called.
    pub model_id: String,
    /// The client's model and the one that was called are named by the configuration or by the catalogue, each.
    pub known_models: [bool; 2],
    /// What was called, in OpenTelemetry's words (`gen_ai.provider.name`); empty when nothing was.
    pub provider: &'static str,
    /// `namespace/name` of the backend.
    pub backend: String,
    /// `namespace/name` of the route that took it; `None`: a backend of the short form, or none.
    pub route: Option<String>,
    /// The name of the route's rule that decided, where it has one.
    pub rule: Option<String>,
    /// What its client speaks.
    pub dialect: Dialect,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// What was asked for, in numbers.
    pub asked: Asked,
    /// The HTTP status that the client got; 499 when it left before.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// [`translate::Fault::label`](aquifer_translate::Fault::label) of what went wrong, if anything did.
    pub fault: Option<String>,
    /// What went wrong, in words without content; set by [`blame`](Self::blame).
    pub fault_message: Option<String>,
    /// From the request's head to the end.
    pub duration: Duration,
    /// From the request's head to the first reasoning, as text or as a piece of its seal.
    pub time_to_first_reasoning: Option<Duration>,
    /// From the request's head to the end of the last block of reasoning; `None` where blocks are not seen to end.
    pub reasoning_end: Option<Duration>,
    /// The time in which a block of reasoning was open, of all blocks together.
    pub thinking_time: Duration,
    /// From the request's head to the first text or tool call. A role, the beginning of a block and an empty piece are
    /// none.
    pub time_to_first_content: Option<Duration>,
    /// The longest time between two parts of an answer's body, once it had begun.
    pub longest_gap: Option<Duration>,
    /// The gateway's own time: from the request's body to the moment at which the first call was sent, or queued.
    pub overhead: Option<Duration>,
    /// Bytes of the answer's body that were given to the client. Of an answer that ends early it may be all that is known:
    /// Bedrock counts tokens at the end.
    pub told: u64,
    /// Tokens as Bedrock reported them, of an answer that ended early those reported so far; `None` when it did not.
    pub tokens: Option<Tokens>,
    /// Tokens that were used and that nobody reported, by what was sent and what came: of a call whose client left, of an
    /// answer that broke off, of a second call that was not needed. Never a part of [`tokens`](Self::tokens).
    pub estimated: Option<Estimate>,
    /// The reason why the model stopped, in Converse's word; in that of a backend that speaks the client's dialect.
    pub stop_reason: Option<&'static str>,
    /// The finish reason told to the client.
    pub finish_reason: Option<&'static str>,
    /// The warnings returned to the client.
    pub warnings: Vec<String>,
    /// The answer carried reasoning.
    pub reasoned: bool,
    /// What became of the reasoning of turns that called tools.
    pub turns: Turns,
    /// The calls that were made for it, in the order in which they were made.
    pub attempts: Vec<AttemptRecord>,
    /// What became of calls that were made because another one was slow.
    pub hedges: Hedges,
    /// How often Bedrock's refusal was answered by asking otherwise.
    pub amended: u32,
    /// The costs that its route defines, of an exchange whose tokens were reported.
    pub costs: Vec<CountedCost>,
    /// What came of reading on after the client had left, where that was wanted.
    pub drain: Option<Drain>,
    /// The answer is a count of tokens that was cached: nothing was called for it.
    pub cached: bool,
    /// Where the request came from.
    pub source: RequestSource,
    /// How much of it may be observed: the least that the policies of its calls say.
    pub observe: Observe,
    /// `namespace/name` of the policy that says so; `None`: it is the default.
    pub observe_by: Option<Arc<str>>,
    /// Its place in a distributed trace, of a host that traces.
    pub trace: Option<Box<ExchangeTrace>>,
}

/// What a request asked for, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// The length of its body.
    pub body_bytes: u64,
    /// Its parameters (OpenTelemetry's `gen_ai.request.*`).
    pub parameters: Parameters,
}

/// What became of the reasoning of turns that called tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// Turns of this answer that were remembered.
    pub kept: u32,
    /// Turns of the history whose reasoning the client had dropped, and that got it back.
    pub restored: u32,
    /// Turns of the history that came back without reasoning, and of which nothing was remembered.
    pub missed: u32,
}

/// What became of calls that were made because another one was slow: each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hedges {
    /// They were the answer, or went on alone when the other one failed.
    pub won: u32,
    /// The other one was quicker.
    pub lost: u32,
    /// They failed; the other one went on alone.
    pub failed: u32,
    /// The client left, or a limit was passed, before any had something to tell.
    pub abandoned: u32,
}

impl Hedges {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.won + self.lost + self.failed + self.abandoned
    }
}

impl Record {
    /// The number of calls that were made for it.
    #[must_use]
    pub fn calls(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)
    }

    /// From the request's head to the first token of any channel: of reasoning or of the answer.
    #[must_use]
    pub fn time_to_first_token(&self) -> Option<Duration> {
        match (self.time_to_first_reasoning, self.time_to_first_content) {
            (Some(reasoning), Some(content)) => Some(reasoning.min(content)),
            (one, other) => one.or(other),
        }
    }

    /// What all calls cost whose cost is known; `None`: there is none.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        let known = self.attempts.iter().filter_map(|attempt| match attempt.cost {
            CallCost::Known(cost) => Some(cost),
            CallCost::Nothing | CallCost::Unknown(_) => None,
        });
        known.reduce(Cost::and)
    }

    /// The reason why the cost of some call is not known.
    #[must_use]
    pub fn cost_unknown(&self) -> Option<CostUnknown> {
        self.attempts.iter().find_map(|attempt| match attempt.cost {
            CallCost::Unknown(why) => Some(why),
            CallCost::Nothing | CallCost::Known(_) => None,
        })
    }

    /// A guess at the cost of the calls that reported no tokens, in 10⁻¹² US dollars.
    #[must_use]
    pub fn estimated_cost(&self) -> Option<u64> {
        self.attempts.iter().filter_map(|attempt| attempt.estimated_cost).reduce(u64::saturating_add)
    }

    /// Counts the costs that a route defines. One whose expression fails on this exchange has no value.
    pub(crate) fn count_costs(&mut self, costs: &[RouteCost]) {
        let Some(tokens) = self.tokens.filter(|_| !costs.is_empty()) else { return };
        let backend = match self.backend.split_once('/') {
            Some((namespace, name)) => [name, ".", namespace].concat(),
            None => String::new(),
        };
        let facts = CostFacts {
            model: &self.model,
            backend: &backend,
            route: self.route.as_deref().unwrap_or_default(),
            input: tokens.prompt(),
            cached_input: tokens.cache_read,
            cache_creation_input: tokens.cache_write,
            output: tokens.output,
            reasoning: tokens.reasoning.unwrap_or(0),
            usd_micros: self.cost().map_or(0, |cost| cost.total() / 1_000_000),
        };
        let counted = costs.iter().filter_map(|cost| {
            let value = cost.kind.count(&facts).ok()?;
            Some(CountedCost { key: Arc::clone(&cost.key), value })
        });
        self.costs = counted.collect();
    }

    /// The call whose answer is the client's, or that failed last.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&AttemptRecord> {
        let answered = self.attempts.iter().find(|attempt| attempt.result == AttemptResult::Answered);
        answered.or_else(|| self.attempts.last())
    }

    /// Where the numbers of its tokens come from.
    #[must_use]
    pub fn usage_source(&self) -> UsageSource {
        match (self.tokens, self.estimated) {
            (_, Some(_)) => UsageSource::Estimated,
            (Some(_), None) => UsageSource::Reported,
            (None, None) => UsageSource::Unknown,
        }
    }

    /// Takes in what the policy of a further call lets operators observe.
    pub(crate) fn observe_as(&mut self, policy: &ReasoningPolicy) {
        if self.attempts.is_empty() || policy.observe < self.observe {
            (self.observe, self.observe_by) = (policy.observe, policy.observe_by.clone());
        }
    }

    /// Remembers what went wrong, in the words of its client's dialect, without anything that the client or the model
    /// said.
    pub fn blame(&mut self, dialect: Dialect, fault: &Fault) {
        self.fault = Some(fault.label().to_owned());
        self.fault_message = Some(blame::without_content(dialect, fault));
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The whole answer was given.
    #[default]
    Answered,
    /// The client got an error instead of an answer, or in the middle of it.
    Failed,
    /// The client left before the end.
    Abandoned,
}

impl Outcome {
    /// Its word, in log, metrics and the admin API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}
