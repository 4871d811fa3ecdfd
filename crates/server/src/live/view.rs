//! The shapes of the admin API that are about exchanges under way.

use super::open::OpenExchange;
use super::text::{Body, ObservedText, Stretch};
use aquifer_gateway::config::Observe;
use aquifer_gateway::exchange::Phase;
use aquifer_gateway::record::Outcome;
use aquifer_gateway::translate::answer_text::TextKind;
use serde::Serialize;

/// An exchange under way.
#[derive(Serialize)]
pub(super) struct StreamView {
    id: String,
    begun_unix_ms: u64,
    model: String,
    model_id: Option<String>,
    backend: Option<String>,
    route: Option<String>,
    rule: Option<String>,
    dialect: &'static str,
    stream: bool,
    caller: Option<String>,
    attempts: usize,
    phase: &'static str,
    phase_since_unix_ms: u64,
    reasoning_chars: Option<u64>,
    content_chars: Option<u64>,
    bytes: u64,
    last_byte_unix_ms: Option<u64>,
    observe: &'static str,
    policy: Option<String>,
}

impl StreamView {
    pub(super) fn of(open: &OpenExchange) -> Self {
        let facts = open.facts();
        let letters = open.letters();
        Self {
            id: open.id.clone(),
            begun_unix_ms: open.begun_unix_ms,
            model: facts.model,
            model_id: facts.model_id,
            backend: facts.backend,
            route: facts.route,
            rule: facts.rule,
            dialect: open.dialect.word(),
            stream: facts.stream,
            caller: facts.caller.map(|caller| caller.to_string()),
            attempts: facts.attempts,
            phase: open.phase().word(),
            phase_since_unix_ms: open.phase_since_unix_ms(),
            reasoning_chars: letters.map(|[reasoning, _]| reasoning),
            content_chars: letters.map(|[_, content]| content),
            bytes: open.bytes(),
            last_byte_unix_ms: open.last_byte_unix_ms(),
            observe: facts.observe.unwrap_or_default().word(),
            policy: facts.policy.map(|policy| policy.to_string()),
        }
    }
}

/// All exchanges under way.
#[derive(Serialize)]
pub(super) struct StreamsView {
    pub(super) streams: Vec<StreamView>,
    /// The number of all of them, of which the newest are listed.
    pub(super) open: usize,
}

/// The text of an exchange.
#[derive(Serialize)]
pub(super) struct TextView<'t> {
    id: &'t str,
    observe: &'static str,
    phase: &'static str,
    ended: bool,
    outcome: Option<&'static str>,
    reasoning: PaneView<'t>,
    content: Option<PaneView<'t>>,
    tools: Option<Vec<ToolView<'t>>>,
    request: Option<RequestsView<'t>>,
    blocks: Vec<BlockView<'t>>,
    errors: Vec<&'t str>,
}

#[derive(Serialize)]
struct PaneView<'t> {
    text: &'t str,
    dropped_bytes: u64,
}

#[derive(Serialize)]
struct ToolView<'t> {
    id: &'t str,
    name: &'t str,
    arguments: String,
}

#[derive(Serialize)]
struct RequestsView<'t> {
    client: Option<&'t str>,
    upstream: Option<&'t str>,
    client_dropped_bytes: usize,
    upstream_dropped_bytes: usize,
}

#[derive(Serialize)]
struct BlockView<'t> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<usize>,
    text: &'t str,
}

impl<'t> TextView<'t> {
    pub(super) fn of(open: &'t OpenExchange, text: &'t ObservedText) -> Self {
        let observe = open.facts().observe.unwrap_or_default();
        let all = observe == Observe::Everything;
        let pane = |kind: TextKind| {
            let pane = text.pane(kind);
            PaneView { text: pane.text(), dropped_bytes: pane.dropped() }
        };
        Self {
            id: &open.id,
            observe: observe.word(),
            phase: phase_of(open).word(),
            ended: open.outcome().is_some(),
            outcome: open.outcome().map(outcome),
            reasoning: pane(TextKind::Reasoning),
            content: all.then(|| pane(TextKind::Content)),
            tools: all.then(|| tools(text)),
            request: all.then(|| RequestsView::of(text.bodies())),
            blocks: blocks(text),
            errors: text.stretches().filter(|it| it.kind == TextKind::Error).map(|it| it.text).collect(),
        }
    }
}

/// The phase that is told: one that has ended is draining.
pub(super) fn phase_of(open: &OpenExchange) -> Phase {
    if open.outcome().is_some() { Phase::Draining } else { open.phase() }
}

/// The word of an outcome, in the admin API.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}

fn tools(text: &ObservedText) -> Vec<ToolView<'_>> {
    let tool = text.called().map(|called| {
        let of_it = text.stretches().filter(|it| it.kind == TextKind::CallArguments && it.block == called.block);
        let arguments = of_it.map(|it| it.text).collect();
        ToolView { id: called.id.text(), name: called.name.text(), arguments }
    });
    tool.collect()
}

/// The blocks in the order in which they grew: calls that grow side by side are told in turns.
fn blocks(text: &ObservedText) -> Vec<BlockView<'_>> {
    let mut blocks: Vec<BlockView<'_>> = Vec::new();
    for Stretch { kind, block, text: said } in text.stretches() {
        let call = || text.called().position(|called| called.block == block);
        let view = match kind {
            TextKind::Reasoning => BlockView { kind: "reasoning", call: None, text: said },
            TextKind::Content => BlockView { kind: "content", call: None, text: said },
            TextKind::CallName => BlockView { kind: "tool", call: call(), text: "" },
            TextKind::CallArguments => BlockView { kind: "tool", call: call(), text: said },
            TextKind::CallId | TextKind::Error => continue,
        };
        // Behind its name come the arguments of the same call.
        match blocks.last_mut().filter(|last| last.call.is_some() && last.call == view.call && last.text.is_empty()) {
            Some(named) => named.text = view.text,
            None => blocks.push(view),
        }
    }
    blocks
}

impl<'t> RequestsView<'t> {
    fn of([client, upstream]: [Option<&'t Body>; 2]) -> Self {
        Self {
            client: client.map(|body| body.pane.text()),
            upstream: upstream.map(|body| body.pane.text()),
            client_dropped_bytes: client.map_or(0, |body| body.cut),
            upstream_dropped_bytes: upstream.map_or(0, |body| body.cut),
        }
    }
}

/// What can be read of the text of an exchange that has a record.
#[derive(Serialize)]
pub(crate) struct TextState {
    pub(super) observe: &'static str,
    pub(super) policy: Option<String>,
    pub(super) available: bool,
}

/// A piece of text, told live.
#[derive(Serialize)]
pub(super) struct PieceView<'t> {
    pub(super) id: &'t str,
    pub(super) kind: &'static str,
    pub(super) block: u32,
    pub(super) text: &'t str,
}

/// The word of a kind of text; `None` for one that is not told live.
pub(super) fn kind(kind: TextKind) -> Option<&'static str> {
    match kind {
        TextKind::Reasoning => Some("reasoning"),
        TextKind::Content => Some("content"),
        TextKind::CallName => Some("tool_name"),
        TextKind::CallArguments => Some("tool_arguments"),
        TextKind::Error => Some("error"),
        TextKind::CallId => None,
    }
}
