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

use crate::config::{Observe, ReasoningPolicy};
pub use crate::cost::Tokens;
use crate::cost::{CallCost, Cost, CostUnknown};
use crate::request_cost::{CostFacts, CountedCost, RouteCost};
use aquifer_translate::dialect::Dialect;
use aquifer_translate::fault::{Fault, Misbehaviour, Mistake, MistakeKind, Refusal};
use aquifer_translate::model::reasoning::SentEffort;
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
    /// The answer is a count of tokens that was cached: nothing was called for it.
    pub cached: bool,
    /// Where the request came from.
    pub source: RequestSource,
    /// How much of it may be observed: the least that the policies of its calls say.
    pub observe: Observe,
    /// `namespace/name` of the policy that says so; `None`: it is the default.
    pub observe_by: Option<Arc<str>>,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RequestSource {
    /// A listener for clients.
    #[default]
    Client,
    /// The playground of the admin page.
    Playground,
}

impl RequestSource {
    /// Its word, in the admin API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Playground => "playground",
        }
    }
}

/// What a request asked for, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// The length of its body.
    pub body_bytes: u64,
    /// Its parameters (OpenTelemetry's `gen_ai.request.*`).
    pub parameters: Parameters,
}

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
    /// From the request's head to the end of the call.
    pub ended: Option<Duration>,
    /// The HTTP status of its answer.
    pub status: Option<u16>,
    /// The backend's own id of it, as its support asks for: `x-amzn-requestid` of AWS.
    pub upstream_request_id: Option<String>,
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
    /// Its word, in the admin API.
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

impl Hedges {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.won + self.lost + self.failed + self.abandoned
    }
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
        self.fault_message = Some(without_content(dialect, fault));
    }
}

/// What may be logged of a fault: its message unless that may quote a prompt, an answer or a value of the request.
fn without_content(dialect: Dialect, fault: &Fault) -> String {
    match fault {
        Fault::ClientMistaken(mistake) | Fault::Unsupported(mistake) => mistaken(dialect, mistake),
        Fault::Refused(refusal) => refused(refusal),
        Fault::UpstreamMisbehaved(Misbehaviour::Json(_)) => "the answer is not the JSON it should be".to_owned(),
        Fault::UpstreamMisbehaved(_) | Fault::UpstreamUnreachable(_) | Fault::Ours(_) | Fault::Overloaded(_) => {
            fault.to_string()
        }
    }
}

fn mistaken(dialect: Dialect, mistake: &Mistake) -> String {
    let what = match mistake.kind {
        MistakeKind::ModelNotFound
        | MistakeKind::PathNotFound
        | MistakeKind::MethodNotAllowed
        | MistakeKind::BadRequest
        | MistakeKind::ForeignOrigin
        | MistakeKind::MediaType
        | MistakeKind::Misdirected
        | MistakeKind::NoWebSocket
        | MistakeKind::ResponseNotFound
        | MistakeKind::TooLarge
        | MistakeKind::TooSlow => &mistake.message,
        MistakeKind::Malformed => "the body is not JSON",
        MistakeKind::InvalidValue => "a wrong value",
        MistakeKind::UnsupportedParameter => "a parameter that is not supported",
        MistakeKind::TooMany | MistakeKind::Unauthorized => "the client's mistake",
    };
    match &mistake.field {
        Some(field) => format!("{what}: {}", dialect.path(field)),
        None => what.to_owned(),
    }
}

/// Of an upstream's message only what AWS says of rights, word for word: any other may quote the request.
fn refused(refusal: &Refusal) -> String {
    let Refusal { exception, status, message, .. } = refusal;
    match missing_right(message) {
        Some((who, action, what)) => {
            format!("{exception} ({status}): {who} is not authorized to perform {action} on {what}")
        }
        None => format!("{exception} ({status})"),
    }
}

/// Who may not do what on what: `User: ARN is not authorized to perform: ACTION on resource: ARN`, as AWS says it.
fn missing_right(message: &str) -> Option<(&str, &str, &str)> {
    let arn = |word: &str| {
        let letters = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/@+=,*".contains(&byte));
        letters && word.starts_with("arn:aws") && word.len() <= 512
    };
    let (who, rest) = message.strip_prefix("User: ")?.split_once(" is not authorized to perform: ")?;
    let (action, rest) = rest.split_once(" on resource: ")?;
    let what = rest.split([' ', '\n']).next()?;
    let known = action.strip_prefix("bedrock:").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    (known && arn(who) && arn(what)).then_some((who, action, what))
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

#[cfg(test)]
mod tests {
    use super::*;
    use aquifer_translate::fault::Unreachable;
    use aquifer_translate::model::field_ref::FieldRef;

    const MARKER: &str = "xyzzy";

    fn remembered(fault: &Fault) -> String {
        let mut record = Record::default();
        record.blame(Dialect::default(), fault);
        assert_eq!(record.fault.as_deref(), Some(fault.label()));
        record.fault_message.unwrap()
    }

    fn refusal(exception: &str, message: &str) -> Fault {
        let (exception, message) = (exception.to_owned(), message.to_owned());
        Fault::Refused(Refusal { exception, status: 400, message, retry_after: None })
    }

    #[test]
    fn what_may_quote_the_request_or_the_answer_is_left_out() {
        for (fault, told) in [
            (Fault::invalid(FieldRef::own("messages[0].role"), MARKER), "a wrong value: messages[0].role"),
            (Fault::unsupported(FieldRef::own("n"), MARKER), "a parameter that is not supported: n"),
            (Fault::mistake(MistakeKind::Malformed, None, MARKER), "the body is not JSON"),
            (refusal("ValidationException", MARKER), "ValidationException (400)"),
            (refusal("ModelStreamErrorException", MARKER), "ModelStreamErrorException (400)"),
            (refusal("AccessDeniedException", MARKER), "AccessDeniedException (400)"),
            (refusal("ResourceNotFoundException", MARKER), "ResourceNotFoundException (400)"),
            (refusal("ThrottlingException", MARKER), "ThrottlingException (400)"),
            (refusal("InternalServerException", MARKER), "InternalServerException (400)"),
            (refusal("ServiceUnavailableException", MARKER), "ServiceUnavailableException (400)"),
            (refusal("UnrecognizedClientException", MARKER), "UnrecognizedClientException (400)"),
            (
                refusal(
                    "AccessDeniedException",
                    "User: xyzzy is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:::m",
                ),
                "AccessDeniedException (400)",
            ),
            (
                Fault::UpstreamMisbehaved(Misbehaviour::Json(MARKER.to_owned())),
                "the answer is not the JSON it should be",
            ),
        ] {
            assert_eq!(remembered(&fault), told);
        }
    }

    #[test]
    fn what_the_operator_must_know_is_kept() {
        for (fault, told) in [
            (
                refusal(
                    "AccessDeniedException",
                    "User: arn:aws:sts::123456789012:assumed-role/gateway/i-1 is not authorized to perform: \
                     bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/m because no \
                     identity-based policy allows the bedrock:InvokeModel action",
                ),
                "AccessDeniedException (400): arn:aws:sts::123456789012:assumed-role/gateway/i-1 is not authorized to \
                 perform bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/m",
            ),
            (Fault::mistake(MistakeKind::ModelNotFound, None, "no such model"), "no such model"),
            (Fault::Ours("a bug".to_owned()), "internal error of the gateway: a bug"),
            (
                Fault::UpstreamUnreachable(Unreachable::Timeout("nothing came".to_owned())),
                "the upstream did not answer in time: nothing came",
            ),
        ] {
            assert_eq!(remembered(&fault), told);
        }
    }
}
