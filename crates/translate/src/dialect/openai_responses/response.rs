//! The response object: whole, or as the first and the last event of a stream hold it.
//!
//! Source: OpenAI's API reference, "Create a model response".

use super::annotation::{self, Spans};
use super::custom_input::CustomInput;
use super::items::{self, Called, ItemStatus, ThoughtForm};
use super::output::Output;
use super::request::{CalledForm, CalledKind, Echo};
use super::seal_keys::SealedThought;
use super::{Style, finish, id, usage};
use crate::dialect::Envelope;
use crate::fault::Fault;
use crate::model::call_id;
use crate::model::raw::Raw;
use crate::model::reasoning::Placeholder;
use crate::model::request::{Block, Citation};
use crate::model::request_id::RequestId;
use crate::model::response::{Finish, Response, StopReason, Usage};
use crate::model::text::Text;
use std::fmt::Write as _;

/// The body, and what the answer ended with. `restore` gives a tool's name back as the client knows it.
///
/// # Errors
///
/// When the model's stop reason is that its output is malformed.
pub fn write(
    response: &Response<'_>,
    envelope: &Envelope<'_>,
    style: &Style,
    restore: &dyn Fn(&str) -> String,
) -> Result<(String, Finish), Fault> {
    let called = response.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
    let finish = Finish::of(response.stop.clone(), called)?;
    let mut composer = Composer::new(envelope.id, style);
    for block in &response.content {
        composer.take(block, restore);
    }
    composer.close(finish::of_last_item(&finish));
    if finish.stop == StopReason::Refused {
        let id = composer.begin(items::MESSAGE);
        composer.output.begin(&items::refusal(&id));
    }
    let state = State::Ended { finish: &finish };
    let mut body = before_output(&identity(envelope), &state, &style.echo);
    body.push_str(composer.output.items());
    let bill = Bill { usage: Some(&response.usage), tier: response.service_tier.as_ref() };
    behind_output(&mut body, &bill, response.trace.as_ref().filter(|_| style.trace));
    Ok((body, finish))
}

/// The state of a response that is told.
pub(super) enum State<'s> {
    InProgress,
    Ended {
        finish: &'s Finish,
    },
    /// With its `error` as JSON.
    Failed {
        error: &'s str,
    },
}

/// What a response cost, as far as is known, and the tier that served it.
pub(super) struct Bill<'b> {
    pub(super) usage: Option<&'b Usage>,
    pub(super) tier: Option<&'b Text<'b>>,
}

/// The members that tell one response from others.
pub(super) fn identity(envelope: &Envelope<'_>) -> String {
    let (id, created, model) = (id(envelope.id), envelope.created, envelope.model.as_escaped());
    format!(r#""id":"{id}","object":"response","created_at":{created},"model":"{model}""#)
}

/// The object up to the items of its output.
pub(super) fn before_output(identity: &str, state: &State<'_>, echo: &Echo) -> String {
    let (status, error, incomplete) = match state {
        State::InProgress => ("in_progress", "null", None),
        State::Ended { finish } => (finish::status(finish), "null", finish::incomplete(&finish.stop)),
        State::Failed { error } => ("failed", *error, None),
    };
    let incomplete = incomplete.map_or_else(|| "null".to_owned(), |reason| format!(r#"{{"reason":"{reason}"}}"#));
    let mut out = String::with_capacity(1024);
    let _ = write!(
        out,
        r#"{{{identity},"status":"{status}","background":false,"error":{error},"incomplete_details":{incomplete}"#
    );
    repeat(echo, &mut out);
    out.push_str(r#","output":["#);
    out
}

/// Appends the members of the request that the object repeats.
fn repeat(echo: &Echo, out: &mut String) {
    for (name, value, otherwise) in [
        ("instructions", &echo.instructions, "null"),
        ("max_output_tokens", &echo.max_output_tokens, "null"),
        ("max_tool_calls", &echo.max_tool_calls, "null"),
        ("metadata", &echo.metadata, "{}"),
        ("parallel_tool_calls", &echo.parallel_tool_calls, "true"),
        ("previous_response_id", &echo.previous_response_id, "null"),
        ("prompt_cache_key", &echo.prompt_cache_key, "null"),
        ("prompt_cache_retention", &echo.prompt_cache_retention, "null"),
        ("store", &echo.store, "true"),
        ("temperature", &echo.temperature, "null"),
        ("text", &echo.text, r#"{"format":{"type":"text"}}"#),
        ("tool_choice", &echo.tool_choice, "\"auto\""),
        ("tools", &echo.tools, "[]"),
        ("top_p", &echo.top_p, "null"),
        ("truncation", &echo.truncation, "\"disabled\""),
        ("user", &echo.user, "null"),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(out, r#","{name}":{}"#, value.as_deref().unwrap_or(otherwise));
    }
    let (effort, summary) = (echo.effort.as_deref().unwrap_or("null"), echo.summary.as_deref().unwrap_or("null"));
    let _ = write!(out, r#","top_logprobs":0,"reasoning":{{"effort":{effort},"summary":{summary}}}"#);
}

/// Appends the object from behind the items of its output.
pub(super) fn behind_output(out: &mut String, bill: &Bill<'_>, trace: Option<&Raw<'_>>) {
    let tier = bill.tier.map_or("default", Text::as_escaped);
    let _ = write!(out, r#"],"service_tier":"{tier}","usage":"#);
    match bill.usage {
        Some(usage) => usage::write(out, usage),
        None => out.push_str("null"),
    }
    if let Some(trace) = trace {
        out.push_str(r#","trace":"#);
        // In one line, as events must be.
        out.extend(trace.as_json().split(['\n', '\r']));
    }
    out.push('}');
}

/// The items of a whole answer.
struct Composer<'s> {
    exchange: RequestId,
    style: &'s Style,
    output: Output,
    open: Option<Open>,
    annotations: Vec<String>,
    spans: Spans,
}

/// The item to which the next block may belong, or which the end of the answer may have cut off.
enum Open {
    Message,
    /// A call whose item is written up to its tail.
    Call {
        empty: bool,
    },
}

impl<'s> Composer<'s> {
    fn new(exchange: RequestId, style: &'s Style) -> Self {
        Self {
            exchange,
            style,
            output: Output::default(),
            open: None,
            annotations: Vec::new(),
            spans: Spans::default(),
        }
    }

    fn take(&mut self, block: &Block<'_>, restore: &dyn Fn(&str) -> String) {
        match block {
            Block::Text(text) => self.text(text, &[]),
            Block::Cited { text, citations } => self.text(text, citations),
            Block::Reasoning { text, signature, .. } => self.reasoning(text, signature.as_ref()),
            Block::Redacted { data, .. } => {
                let redacted = Some(data.borrowed());
                self.thought(&SealedThought { redacted, ..self.style.thought(Text::default()) });
            }
            Block::ToolUse { id, name, input } => {
                let form = self.style.form(&restore(name));
                let input = if input.as_json() == "null" { "{}" } else { input.as_json() };
                self.call(&Called { form, id: call_id::known(id).as_escaped().to_owned() }, input);
            }
            Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::CachePoint(_) => {}
        }
    }

    /// Text that follows on text is the same message's.
    fn text(&mut self, text: &Text<'_>, citations: &[Citation<'_>]) {
        if text.is_empty() && citations.iter().all(|citation| citation.url.is_none()) {
            return;
        }
        if !matches!(self.open, Some(Open::Message)) {
            let id = self.begin(items::MESSAGE);
            self.output.begin(&items::message_head(&id));
            (self.open, self.spans) = (Some(Open::Message), Spans::default());
        }
        self.spans.begin(self.output.text().len());
        self.output.grow(text.as_escaped());
        for citation in citations {
            let span = self.spans.latest(self.output.text());
            self.annotations.extend(annotation::object(citation, span));
        }
    }

    fn reasoning(&mut self, text: &Text<'_>, signature: Option<&Text<'_>>) {
        let stands_for_one = self.style.placeholder.as_deref() == Some(text.as_escaped());
        if text.is_empty() && signature.is_none() || stands_for_one && self.style.on_placeholder == Placeholder::Dropped
        {
            return;
        }
        let signature = signature.map(Text::borrowed);
        self.thought(&SealedThought { signature, ..self.style.thought(text.borrowed()) });
    }

    fn thought(&mut self, thought: &SealedThought<'_>) {
        let Some(form) = self.style.form_of(&thought.text) else { return };
        let index = self.output.next();
        let id = self.begin(items::REASONING);
        self.output.begin(&items::reasoning_head(&id, form));
        if form != ThoughtForm::Unseen {
            self.output.grow(thought.text.as_escaped());
        }
        let sealed = self.style.sealed(thought, self.exchange, index);
        self.output.end(&items::reasoning_tail(form, sealed.as_deref()));
    }

    fn call(&mut self, called: &Called, input: &str) {
        let id = self.begin(items::prefix_of(called.form.kind));
        if let Some(item) = called.object(&id, input, ItemStatus::Completed.word()) {
            self.output.begin(&item);
            return;
        }
        self.output.begin(&called.head(&id));
        if called.form.kind == CalledKind::Custom {
            let mut custom = CustomInput::default();
            self.output.grow(custom.take(&Text::from_plain(input)));
            let rest = custom.end();
            self.output.grow(rest.as_ref().map(Text::as_escaped).unwrap_or_default());
        } else {
            self.output.grow(Text::from_plain(input).as_escaped());
        }
        self.open = Some(Open::Call { empty: input == "{}" });
    }

    /// Ends the item before; gives the id of the next one.
    fn begin(&mut self, prefix: &str) -> String {
        self.close(ItemStatus::Completed);
        items::id(prefix, self.exchange, self.output.next())
    }

    fn close(&mut self, status: ItemStatus) {
        match self.open.take() {
            None => {}
            Some(Open::Message) => {
                let annotations = std::mem::take(&mut self.annotations).join(",");
                self.output.end(&items::message_tail(&annotations, status));
            }
            // Arguments that came are whole: what came of others is not known.
            Some(Open::Call { empty: true }) => self.output.end(&Called::tail(status)),
            Some(Open::Call { empty: false }) => self.output.end(&Called::tail(ItemStatus::Completed)),
        }
    }
}

impl Style {
    /// The form of a tool's call.
    pub(super) fn form(&self, name: &str) -> CalledForm {
        self.forms.get(name).cloned().unwrap_or_else(|| CalledForm {
            kind: CalledKind::Function,
            name: name.to_owned(),
            namespace: None,
        })
    }

    /// The form in which a thought with this text is shown; `None`: there is no item for it.
    pub(super) fn form_of(&self, text: &Text<'_>) -> Option<ThoughtForm> {
        let word = self.placeholder.as_deref() == Some(text.as_escaped());
        let unseen = word && self.on_placeholder == Placeholder::Encrypted;
        match (self.hidden, self.summary && !text.is_empty() && !unseen) {
            (true, _) => None,
            (false, true) if self.reasoning_format.is_some() => Some(ThoughtForm::Summary),
            (false, true) => Some(ThoughtForm::Chain),
            (false, false) => self.seals.is_some().then_some(ThoughtForm::Unseen),
        }
    }

    /// A thought of this answer's model.
    pub(super) fn thought<'t>(&self, text: Text<'t>) -> SealedThought<'t> {
        SealedThought { text, signature: None, redacted: None, mark: self.mark }
    }

    /// The seal of a thought, where clients are given any.
    pub(super) fn sealed(&self, thought: &SealedThought<'_>, exchange: RequestId, index: u32) -> Option<String> {
        self.seals.as_ref().map(|keys| keys.seal(thought, exchange, index))
    }
}
