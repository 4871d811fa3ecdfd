//! Sends probes to Bedrock: translates each like a client's request, and retries where that helps.

use super::answer;
use super::probe::{Answer, Outcome, Probe, Tokens, What, shortened};
use crate::upstream::Upstreams;
use aquifer_gateway::config::Circuit;
use aquifer_gateway::exchange::{Call, CallId, HostLimits};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::bedrock::{Api, refusal};
use aquifer_gateway::translate::catalogue::{Adjustment, Rules};
use aquifer_gateway::translate::fault::{Refusal, Unreachable};
use aquifer_gateway::translate::limits::ClientFields;
use aquifer_gateway::translate::model::issuer::Mark;
use aquifer_gateway::translate::translation::{Exposure, Incoming, Outgoing, Terms};
use http::{HeaderValue, header};
use std::time::Duration;

/// The timeout of one call: Bedrock compiles a new schema first, which may take minutes.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest answer that is read.
const LARGEST: usize = 4 << 20;
/// The pauses before a call is made again.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// A model at a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index into the configuration's backends.
    pub(super) backend: usize,
    /// The backend's namespace and name.
    pub(super) named: String,
    /// The model's id there.
    pub(super) model_id: String,
}

/// All calls of one run.
pub(super) struct Asking<'u> {
    pub(super) upstreams: &'u Upstreams,
    /// The calls that may still be made.
    pub(super) left: usize,
    /// The calls that were made.
    pub(super) calls: usize,
    /// The tokens that they cost.
    pub(super) tokens: Tokens,
}

/// The result of one call.
enum Called {
    Over(Outcome),
    /// Worth a retry, after at least this pause.
    Again(String, Duration),
}

impl Asking<'_> {
    /// Makes a probe: again after throttling, and once more when reasoning was expected and none came.
    pub(super) async fn ask(&mut self, place: &Place, probe: &Probe) -> Outcome {
        let first = self.insist(place, probe).await;
        match &first {
            Outcome::Answered(answer) if probe.hoped && !answer.reasons() && self.left > 0 => {
                match self.insist(place, probe).await {
                    second @ Outcome::Answered(_) => second,
                    Outcome::Refused(_) | Outcome::Unprobed(_) => first,
                }
            }
            _ => first,
        }
    }

    async fn insist(&mut self, place: &Place, probe: &Probe) -> Outcome {
        let mut pauses = PAUSES.into_iter();
        loop {
            let outgoing = match rendered(place, probe) {
                Ok(outgoing) => outgoing,
                Err(fault) => return Outcome::Unprobed(format!("it cannot be asked: {fault}")),
            };
            if matches!(probe.what, What::Back(Some(_))) && !holds_reasoning(&outgoing.body) {
                return Outcome::Unprobed("there was no reasoning to send back".to_owned());
            }
            if self.left == 0 {
                return Outcome::Unprobed("the calls that were allowed are used up".to_owned());
            }
            (self.left, self.calls) = (self.left - 1, self.calls + 1);
            match self.call(place, outgoing).await {
                Called::Over(outcome) => return outcome,
                Called::Again(why, at_least) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause.max(at_least)).await,
                    None => return Outcome::Unprobed(why),
                },
            }
        }
    }

    async fn call(&mut self, place: &Place, outgoing: Outgoing) -> Called {
        let mut headers = outgoing.headers.clone();
        headers.insert(header::ACCEPT, HeaderValue::from_static(outgoing.accept));
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        let (id, circuit, after) = (CallId::Primary, Circuit::default(), Duration::ZERO);
        let connect = HostLimits::default().connect;
        let call = Call { id, backend: place.backend, path, headers, body, connect, after, circuit };
        let late = || Fault::UpstreamUnreachable(Unreachable::Timeout(format!("no answer in {PATIENCE:?}")));
        let answered = tokio::time::timeout(PATIENCE, answer_to(self.upstreams, call, &outgoing));
        match answered.await.unwrap_or_else(|_| Err(late())) {
            Ok(answer) => {
                self.tokens.input += answer.tokens.input;
                self.tokens.output += answer.tokens.output;
                Called::Over(Outcome::Answered(answer))
            }
            Err(fault) => judged(&fault),
        }
    }
}

/// A probe as it is sent, on the terms of its row.
///
/// # Errors
/// The gateway cannot translate the request.
pub(super) fn rendered(place: &Place, probe: &Probe) -> Result<Outgoing, Fault> {
    let question = probe.question.to_string();
    let rules = Rules::default();
    let terms = Terms {
        api: Api::default(),
        allowed: ClientFields::default(),
        model_id: &place.model_id,
        entry: &probe.row,
        mark: Mark::of(probe.row.base_of(&place.model_id), &place.named),
        rules: &rules,
        adjustment: Adjustment::default(),
    };
    Incoming::read(question.as_bytes())?.outgoing_on(&terms, Exposure::default())
}

fn holds_reasoning(body: &[u8]) -> bool {
    const MEMBER: &[u8] = b"\"reasoningContent\"";
    body.windows(MEMBER.len()).any(|window| window == MEMBER)
}

async fn answer_to(upstreams: &Upstreams, call: Call, outgoing: &Outgoing) -> Result<Answer, Fault> {
    let answered = upstreams.call(call).await.map_err(Fault::UpstreamUnreachable)?;
    let broken = |why| Fault::UpstreamUnreachable(Unreachable::Broken(why));
    let (head, body) = (answered.head, answered.body.whole(LARGEST).await.map_err(broken)?);
    if !head.status.is_success() {
        return Err(refusal(outgoing.style.api.of_bedrock(), head.status, &head.headers, &body));
    }
    answer::read(&body, outgoing)
}

/// Classifies a failure: an answer about the model, worth a retry, or the end of the probe.
fn judged(fault: &Fault) -> Called {
    let unprobed = |fault: &Fault| Called::Over(Outcome::Unprobed(shortened(&fault.to_string())));
    match fault {
        Fault::Refused(refusal) => refused(refusal),
        Fault::UpstreamUnreachable(Unreachable::Broken(_)) => Called::Again(fault.to_string(), Duration::ZERO),
        fault => unprobed(fault),
    }
}

fn refused(refusal: &Refusal) -> Called {
    let Refusal { exception, status, message, retry_after } = refusal;
    let named = format!("{exception}: {message}");
    let at_least = retry_after.unwrap_or_default().min(Duration::from_secs(60));
    match status {
        400 if exception != "ServiceQuotaExceededException" => Called::Over(Outcome::Refused(message.clone())),
        // A day's quota comes back tomorrow.
        429 if message.contains("per day") => Called::Over(Outcome::Unprobed(named)),
        429 | 500 | 502 | 503 | 504 => Called::Again(named, at_least),
        _ => Called::Over(Outcome::Unprobed(named)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::question::{Facts, probe};
    use aquifer_gateway::translate::catalogue::{Catalogue, Control, Off};
    use aquifer_gateway::translate::fault::Misbehaviour;
    use aquifer_gateway::translate::model::reasoning::Effort;
    use serde_json::{Value, json};

    fn place(model: &str) -> Place {
        Place { backend: 0, named: "default/one".to_owned(), model_id: model.to_owned() }
    }

    fn sent(model: &str, what: What) -> Value {
        let probe = probe(what, Catalogue::builtin().lookup(model), &Facts::default());
        serde_json::from_slice(&rendered(&place(model), &probe).unwrap().body).unwrap()
    }

    #[test]
    fn a_plain_question_says_nothing_of_reasoning() {
        for entry in Catalogue::builtin().entries() {
            let body = sent(&entry.id, What::Plain);
            assert_eq!(body.get("additionalModelRequestFields"), None, "{}", entry.id);
        }
    }

    #[test]
    fn a_probe_says_what_the_row_would_say_if_it_were_true() {
        let own = |what| sent("anthropic.claude-opus-5-5", what)["additionalModelRequestFields"].clone();
        assert_eq!(own(What::Off(Off::Disabled)), json!({ "thinking": { "type": "disabled" } }));
        assert_eq!(own(What::On(Control::ReasoningEffort)), json!({ "reasoning_effort": "high" }));
        let level = own(What::Level(Effort::Minimal));
        assert_eq!(level["output_config"], json!({ "effort": "minimal" }));
        let budget = sent("anthropic.claude-sonnet-4", What::On(Control::Budget));
        assert_eq!(budget["additionalModelRequestFields"]["thinking"]["budget_tokens"], 1024);
        assert_eq!(budget["inferenceConfig"]["maxTokens"], 1024 + 512);
        assert_eq!(sent("openai.gpt-6-sol", What::Limit)["inferenceConfig"], json!({ "maxTokens": 1 }));
        assert_eq!(sent("openai.gpt-6-sol", What::Stop)["inferenceConfig"]["stopSequences"], json!(["###"]));
    }

    #[test]
    fn refusals_are_told_from_troubles() {
        let refusal = |status, exception: &str, message: &str| {
            let (exception, message) = (exception.to_owned(), message.to_owned());
            Fault::Refused(Refusal { exception, status, message, retry_after: None })
        };
        let over = |fault: &Fault| match judged(fault) {
            Called::Over(outcome) => Some(matches!(outcome, Outcome::Refused(_))),
            Called::Again(..) => None,
        };
        assert_eq!(over(&refusal(400, "ValidationException", "no")), Some(true));
        for (status, exception) in [(400, "ServiceQuotaExceededException"), (403, "AccessDeniedException"), (404, "x")]
        {
            assert_eq!(over(&refusal(status, exception, "no")), Some(false), "{exception}");
        }
        assert_eq!(over(&refusal(429, "ThrottlingException", "Too many tokens, please wait")), None);
        assert_eq!(over(&refusal(429, "ThrottlingException", "Too many tokens per day")), Some(false));
        assert_eq!(over(&Fault::UpstreamMisbehaved(Misbehaviour::EndedEarly)), Some(false));
        assert_eq!(over(&Fault::UpstreamUnreachable(Unreachable::Credentials("none".to_owned()))), Some(false));
        assert_eq!(over(&Fault::UpstreamUnreachable(Unreachable::Broken("cut".to_owned()))), None);
    }
}
