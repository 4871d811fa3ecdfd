//! Bedrock's answer to a probe, read as the gateway reads it.

use super::probe::{Answer, Tokens};
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::bedrock::{self, EventSink, Reader};
use aquifer_gateway::translate::catalogue::Replay;
use aquifer_gateway::translate::dialect::Envelope;
use aquifer_gateway::translate::model::delta::{Delta, Event, Seal};
use aquifer_gateway::translate::model::request::Block;
use aquifer_gateway::translate::model::request_id::RequestId;
use aquifer_gateway::translate::model::response::{StopReason, Usage};
use aquifer_gateway::translate::model::text::Text;
use aquifer_gateway::translate::translation::{self, Answering, Outgoing};

/// Reads the body of an answer that is no refusal.
///
/// # Errors
/// The body is malformed, or it ends with an exception.
pub(super) fn read(body: &[u8], outgoing: &Outgoing) -> Result<Answer, Fault> {
    if outgoing.stream { streamed(body, &outgoing.style) } else { whole(body, outgoing) }
}

fn whole(body: &[u8], outgoing: &Outgoing) -> Result<Answer, Fault> {
    let read = bedrock::read(outgoing.style.api.of_bedrock(), body)?;
    let mut answer = Answer { cut: read.stop == StopReason::MaxTokens, ..Answer::default() };
    for block in &read.content {
        match block {
            Block::Reasoning { text, signature, .. } => {
                answer.thought.push_str(&text.plain());
                answer.thinks(if signature.is_some() { Replay::Signed } else { Replay::Unsigned });
            }
            Block::Redacted { .. } => answer.thinks(Replay::Redacted),
            Block::Text(text) => answer.text.push_str(&text.plain()),
            Block::ToolUse { .. } => answer.calls = true,
            _ => {}
        }
    }
    answer.bill(&read.usage);
    let envelope = Envelope { id: RequestId::default(), created: 0, model: Text::from_plain("model") };
    let told = translation::whole(body, &envelope, &outgoing.style, &outgoing.restore, false)?;
    let told: serde_json::Value = serde_json::from_str(&told.body).unwrap_or_default();
    answer.message = told.pointer("/choices/0/message").cloned().unwrap_or_default();
    Ok(answer)
}

fn streamed(body: &[u8], style: &Answering) -> Result<Answer, Fault> {
    let (mut reader, mut answer) = (Reader::new(style.api.of_bedrock(), style.usage_input), Answer::default());
    reader.take(body, &mut answer, &mut ())?;
    reader.end()?;
    Ok(answer)
}

impl EventSink for Answer {
    type Out = ();

    fn is_over(&self) -> bool {
        false
    }

    fn delta(&mut self, index: u32, delta: &Delta<'_>, _out: &mut ()) -> bool {
        self.take(Event::Delta { index: index.into(), delta: delta.clone() });
        true
    }

    fn event(&mut self, event: Event<'_>, _out: &mut ()) {
        self.take(event);
    }

    fn settle(&mut self, _stopped: bool, _out: &mut ()) -> Result<bool, Fault> {
        Ok(false)
    }
}

impl Answer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Delta { delta: Delta::Reasoning(text), .. } => self.thought.push_str(&text.plain()),
            Event::Delta { delta: Delta::Text(text), .. } => self.text.push_str(&text.plain()),
            Event::Delta { delta: Delta::ToolUse { .. }, .. } => self.calls = true,
            Event::BlockStop { seal: Some(Seal::Signature(_)), .. } => self.thinks(Replay::Signed),
            Event::BlockStop { seal: Some(Seal::Redacted(_)), .. } => self.thinks(Replay::Redacted),
            Event::Stop(reason) => self.cut = reason == StopReason::MaxTokens,
            Event::Metadata { usage: Some(usage), .. } => self.bill(&usage),
            _ => {}
        }
        if self.thoughts.is_empty() && !self.thought.is_empty() {
            self.thinks(Replay::Unsigned);
        }
    }

    /// A seal that comes behind the text seals it.
    fn thinks(&mut self, kind: Replay) {
        if kind == Replay::Signed {
            self.thoughts.retain(|known| *known != Replay::Unsigned);
        }
        if !self.thoughts.contains(&kind) {
            self.thoughts.push(kind);
        }
    }

    fn bill(&mut self, usage: &Usage) {
        self.tokens = Tokens { input: usage.prompt(), output: usage.output };
    }
}
