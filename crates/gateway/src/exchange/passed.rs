//! A request of Bedrock's own API: it goes on as it came, but for the one word that Bedrock would refuse, and for what the
//! operator limits.

mod denied;
mod glance;

use super::relayed;
use super::target::Target;
use crate::config::Config;
use crate::mutation::{Members, spliced};
use aquifer_translate::Fault;
use aquifer_translate::bedrock;
use aquifer_translate::catalogue::{Entry, Sampling, base_id};
use aquifer_translate::dialect::bedrock_runtime::BedrockOperation;
use aquifer_translate::dialect::{self, Head};
use aquifer_translate::fault::MistakeKind;
use aquifer_translate::limits::ClientFields;
use aquifer_translate::model::field_ref::FieldRef;
use aquifer_translate::model::reasoning::SentEffort;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{AnswerWords, Answering, Outgoing};
use aquifer_translate::warning::Warning;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use memchr::memmem;

pub(super) use glance::Glance;

/// The version of Anthropic's API on Bedrock that models before Claude 4.7 do not know, and the one that all know.
const NEWER_VERSION: &str = "2026-10-21";
const EVERY_VERSION: &str = "\"bedrock-2023-05-31\"";
/// The member of a body that names it.
const VERSION: &str = "anthropic_version";
/// The beginning of the names of Bedrock's own headers, which go on in both directions.
const OWN_HEADERS: &str = "x-amzn-bedrock-";
/// The member by which a client has fields of the model's own answer repeated.
const RESPONSE_FIELDS: &str = "additionalModelResponseFieldPaths";

/// What a request of Bedrock's own API says outside its body.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) operation: BedrockOperation,
    /// The client's headers that go on.
    headers: HeaderMap,
    /// The words in its body that count.
    glance: Glance,
}

impl Passed {
    /// The operation with the headers that are Bedrock's affair. The client's signature, its retries and its SDK's name
    /// are not.
    pub(super) fn of(operation: BedrockOperation, headers: &HeaderMap, glance: Glance) -> Self {
        let mut going_on = HeaderMap::with_capacity(8);
        for (name, value) in headers {
            if *name == header::CONTENT_TYPE || *name == header::ACCEPT || name.as_str().starts_with(OWN_HEADERS) {
                going_on.append(name.clone(), value.clone());
            }
        }
        going_on.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        Self { operation, headers: going_on, glance }
    }

    /// The request as it goes on to a target.
    ///
    /// # Errors
    ///
    /// The operator does not allow what it asks for.
    pub(super) fn outgoing(
        &self,
        body: &Bytes,
        head: &Head<'_>,
        target: &Target,
        config: &Config,
    ) -> Result<Outgoing, Fault> {
        let entry = target.entry(config);
        denied::check(self, body, target.fields.decided(ClientFields::default()))?;
        if target.policy.hidden {
            self.check_hidden(body, entry)?;
        }
        let (mut body, mut warnings) = (body.clone(), Vec::new());
        if self.glance.reasoning
            && let Some(own) = dialect::own_reasoning(&body, target.mark(config), config.seal_keys.as_deref())
        {
            body = Bytes::from(own.body);
            if own.left_out {
                let why = "another backend made it, and this one would refuse its seal";
                warnings.push(Warning::dropped(FieldRef::PastReasoning(None), why));
            }
        }
        if let Some((rewritten, warning)) = self.known_version(&body, entry)? {
            body = rewritten;
            warnings.push(warning);
        }
        if self.operation != BedrockOperation::CountTokens {
            let (held, lowered) = relayed::within_limits(body, &target.policy)?;
            body = held;
            warnings.extend(lowered);
        }
        // Tokens are counted by models, and not by the inference profiles that lead to them.
        let counts = self.operation == BedrockOperation::CountTokens;
        let model_id = base_id(&target.model_id).filter(|_| counts).unwrap_or(&target.model_id);
        Ok(Outgoing {
            path: bedrock::operation_path(model_id, self.operation.segment())?,
            body,
            stream: self.operation.streams(),
            whole: false,
            model: Text::from_plain(head.model.clone().into_owned()),
            style: Answering { usage_input: entry.usage_input, ..Answering::default() },
            headers: self.headers.clone(),
            // What the client accepts is among its headers.
            accept: "",
            restore: Box::new(|_| None),
            warnings,
            schema: None,
            reasoning_on: false,
            effort: SentEffort::default(),
            sealed: false,
            memorable: false,
        })
    }

    /// The words in which a target answers. An ARN may not tell whose model it is, a body of Anthropic's does.
    pub(super) fn words(&self, body: &[u8], entry: &Entry) -> AnswerWords {
        let is_claude = entry.vendor == "anthropic" || memmem::find(body, VERSION.as_bytes()).is_some();
        AnswerWords::of(self.operation, is_claude)
    }

    /// Whether its model may call tools.
    pub(super) fn offers_tools(&self) -> bool {
        self.glance.tools
    }

    /// Refuses what could show reasoning that the operator hides: it can be taken out of Converse's own blocks only.
    fn check_hidden(&self, body: &Bytes, entry: &Entry) -> Result<(), Fault> {
        let why = match self.operation {
            BedrockOperation::CountTokens => return Ok(()),
            BedrockOperation::InvokeModel | BedrockOperation::InvokeModelWithResponseStream
                if entry.can_reason() || !entry.is_known() =>
            {
                "it cannot be taken out of InvokeModel's answers of this model: use Converse"
            }
            BedrockOperation::Converse | BedrockOperation::ConverseStream if entry.inline_tag.is_some() => {
                "this model writes it into its text: use another dialect of this gateway"
            }
            BedrockOperation::Converse | BedrockOperation::ConverseStream if names(body, RESPONSE_FIELDS)? => {
                "`additionalModelResponseFieldPaths` could show it: leave that out"
            }
            BedrockOperation::Converse
            | BedrockOperation::ConverseStream
            | BedrockOperation::InvokeModel
            | BedrockOperation::InvokeModelWithResponseStream => return Ok(()),
        };
        let message = format!("The operator hides the reasoning of models, and {why}.");
        Err(Fault::mistake(MistakeKind::UnsupportedParameter, None, message))
    }

    /// The body with the version of Anthropic's API that its model knows, where the client's SDK names a newer one for all
    /// models; `None`: it stays as it is.
    fn known_version(&self, body: &Bytes, entry: &Entry) -> Result<Option<(Bytes, Warning)>, Fault> {
        // From Claude 4.7 on models know the newer version, and take no sampling.
        let is_older = entry.vendor == "anthropic" && entry.sampling != Sampling::Never;
        if !is_older || !self.glance.newer {
            return Ok(None);
        }
        let Ok(Members(members)) = Members::read(body) else { return Ok(None) };
        let mut newer = Vec::new();
        for (name, value) in &members {
            if name == VERSION && value.get().trim_matches('"') == NEWER_VERSION {
                newer.push((*value, EVERY_VERSION));
            }
        }
        if newer.is_empty() {
            return Ok(None);
        }
        let why = format!("this model does not know {NEWER_VERSION}; it was asked with {EVERY_VERSION}");
        Ok(Some((spliced(body, newer.into_iter())?, Warning::changed(FieldRef::own(VERSION), why))))
    }
}

/// Whether a body has this member.
fn names(body: &Bytes, member: &str) -> Result<bool, Fault> {
    Ok(Members::read(body)?.0.iter().any(|held| held.0 == member))
}

/// The headers of Bedrock's answer that its client gets.
pub(super) fn told_headers(headers: &HeaderMap) -> HeaderMap {
    let mut told = HeaderMap::new();
    for (name, value) in headers {
        if *name == header::CONTENT_TYPE || *name == header::RETRY_AFTER || name.as_str().starts_with("x-amzn-") {
            told.append(name.clone(), value.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests;
