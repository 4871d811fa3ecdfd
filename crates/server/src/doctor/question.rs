//! The requests of probes, as a client of Chat Completions sends them, and the catalogue row by which each is translated.

use super::probe::{Mind, Probe, What};
use aquifer_gateway::translate::catalogue::{
    Allowed, Control, Default as Habit, Entry, Off, Replay, Sampling, Streaming,
};
use aquifer_gateway::translate::model::reasoning::Effort;
use serde_json::{Value, json};

/// Small, and worth a thought.
const QUESTION: &str = "How many whole numbers from 1 to 60 can be divided by 3 or by 5, but not by both? Think first, then \
                        answer with the number alone.";
/// The question that a tool answers.
const ERRAND: &str = "What is the weather in Paris? Use the tool get_weather.";
/// Enough to see whether there are thoughts. It is a limit: most answers are shorter.
const SEEING: u32 = 512;
/// Enough to see whether a request is taken: the least that every known model takes.
const TAKING: u32 = 16;
/// The least budget of tokens, where the row names none.
const BUDGET: u32 = 1024;
/// A small white picture.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAAD0lEQVR42mP4\
                       DwQMg5cAANrpf4Em8vpjAAAAAElFTkSuQmCC";
/// The levels, weakest first.
pub(super) const LEVELS: [Effort; 6] =
    [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max];
/// The shapes in which reasoning can be switched on.
pub(super) const SHAPES: [Control; 6] = [
    Control::Adaptive,
    Control::Budget,
    Control::ReasoningEffort,
    Control::ReasoningObject,
    Control::ReasoningConfig,
    Control::Nova,
];

/// Facts about a model that is being probed, beside its row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// It reasons when nothing is said.
    pub(super) by_itself: bool,
    /// The kinds of reasoning that can be sent back: those that it gives beside a tool's call, and signed reasoning
    /// without its signature.
    pub(super) gives: Vec<Replay>,
    /// Its message that calls a tool.
    pub(super) call: Value,
}

impl Facts {
    /// The facts that a row leads one to expect.
    pub(super) fn expected(row: &Entry) -> Self {
        let gives = match row.replay.as_slice() {
            _ if !row.can_reason() || row.redacted_text.is_some() => Vec::new(),
            [] => vec![Replay::Unsigned],
            [Replay::Signed, ..] => vec![Replay::Signed, Replay::Unsigned],
            kinds => kinds.to_vec(),
        };
        Self { by_itself: row.default != Habit::Off, gives, call: Value::Null }
    }

    /// Whether reasoning can be switched on.
    pub(super) fn can_think(&self, row: &Entry) -> bool {
        self.by_itself || is_switch(row.control)
    }

    /// Whether reasoning can be switched off.
    pub(super) fn can_be_calm(&self, row: &Entry) -> bool {
        !self.by_itself || is_off(row.off)
    }
}

/// Whether a shape adds a field to the request.
pub(super) fn is_switch(control: Control) -> bool {
    SHAPES.contains(&control)
}

/// Whether switching reasoning off adds a field to the request.
pub(super) fn is_off(off: Off) -> bool {
    matches!(off, Off::Disabled | Off::BetweenTools | Off::NoneWord)
}

/// Whether the shape is a level, so that a level is what makes the model reason.
pub(super) fn is_level(control: Control) -> bool {
    is_switch(control) && !matches!(control, Control::Adaptive | Control::Budget)
}

/// The level at which a model is made to reason: not above `medium`, if it has such a one.
pub(super) fn usual(row: &Entry) -> Effort {
    let below = row.efforts.iter().rev().find(|level| **level <= Effort::Medium);
    below.or_else(|| row.efforts.first()).copied().unwrap_or(Effort::Medium)
}

/// A probe of a model whose row is believed to be this one.
pub(super) fn probe(what: What, belief: &Entry, facts: &Facts) -> Probe {
    Probe {
        what,
        row: hypothesis(what, belief),
        question: question(what, belief, facts),
        hoped: hoped(what, belief, facts),
    }
}

/// The row that would be true if it worked.
fn hypothesis(what: What, belief: &Entry) -> Entry {
    let mut row = belief.clone();
    match what {
        // Nothing may be said about reasoning, not even that it be shown.
        What::Plain => (row.control, row.default) = (Control::None, Habit::Off),
        What::Limit => (row.control, row.default, row.min_max_tokens) = (Control::None, Habit::Off, None),
        What::On(control) if control != belief.control => adopt(&mut row, control),
        What::Display(display) => row.display = display,
        What::Level(level) => row.efforts = vec![level],
        What::Off(off) => (row.default, row.off) = (Habit::On, off),
        What::Tool => row.tools = true,
        What::Back(kind) => row.replay = kind.into_iter().collect(),
        What::Streamed => (row.tools, row.streaming) = (true, Streaming::Allowed),
        What::System => row.system = true,
        What::Result { .. } => (row.tools, row.result_images) = (true, true),
        What::Forced(_) => (row.tools, row.forced_tool) = (true, Allowed::Allowed),
        What::Schema => row.structured_output = true,
        What::Temperature(_) | What::TopP | What::TopK => {
            (row.sampling, row.one_of_temperature_top_p) = (Sampling::Free, false);
        }
        What::Stop => row.stop = true,
        What::Prefill(_) => row.prefill = Allowed::Allowed,
        What::On(_) => {}
    }
    row
}

/// Makes this shape the row's own. What belongs to another shape goes; a level that surely means to reason comes.
pub(super) fn adopt(row: &mut Entry, control: Control) {
    row.control = control;
    row.min_budget = (control == Control::Budget).then_some(BUDGET);
    row.efforts = match control {
        Control::Nova => vec![Effort::Medium],
        _ if is_level(control) => vec![Effort::High],
        _ => Vec::new(),
    };
}

fn hoped(what: What, belief: &Entry, facts: &Facts) -> bool {
    match what {
        What::Plain => belief.default != Habit::Off,
        What::On(_) | What::Display(_) => true,
        What::Tool => facts.can_think(belief),
        What::Level(level) => is_level(belief.control) && belief.efforts.contains(&level),
        What::Forced(Mind::Thinking) => belief.forced_tool == Allowed::Allowed,
        _ => false,
    }
}

fn question(what: What, belief: &Entry, facts: &Facts) -> Value {
    let mut body = json!({ "model": belief.id, "messages": [{ "role": "user", "content": QUESTION }] });
    let thinking = say_reasoning(what, belief, facts, &mut body);
    let sees = match what {
        What::Plain | What::On(_) | What::Off(_) | What::Tool => true,
        What::Level(_) => is_level(belief.control),
        What::Forced(mind) => mind == Mind::Thinking,
        _ => false,
    };
    let limit = if sees { SEEING } else { TAKING };
    body["max_tokens"] = match what {
        What::Limit => json!(1),
        _ if thinking == Control::Budget => {
            let room = if sees { SEEING } else { 1 };
            json!(belief.min_budget.unwrap_or(BUDGET).saturating_add(room))
        }
        _ => json!(limit),
    };
    say_rest(what, facts, &mut body);
    body
}

/// Asks for reasoning, or for none; the shape in which it is asked for.
fn say_reasoning(what: What, belief: &Entry, facts: &Facts, body: &mut Value) -> Control {
    let control = if let What::On(control) = what { control } else { belief.control };
    let thinking = match what {
        What::Plain | What::Limit => return Control::None,
        What::On(_) | What::Display(_) | What::Level(_) | What::Tool => true,
        What::Back(kind) => kind.is_some(),
        What::Forced(mind) | What::Temperature(mind) | What::Prefill(mind) => mind == Mind::Thinking,
        What::TopP | What::TopK => !facts.can_be_calm(belief),
        What::Off(_) | What::Schema | What::Stop | What::Streamed | What::System | What::Result { .. } => false,
    };
    if !thinking {
        if facts.by_itself && is_off(belief.off) || matches!(what, What::Off(_)) {
            body["reasoning_effort"] = json!("none");
        }
        return Control::None;
    }
    let level = if let What::Level(level) = what { Some(level) } else { None };
    match control {
        Control::Budget => {
            let budget = belief.min_budget.unwrap_or(BUDGET);
            body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget });
        }
        Control::Adaptive => body["thinking"] = json!({ "type": "adaptive" }),
        Control::None | Control::Unknown => {}
        _ => {
            let asked = level.unwrap_or_else(|| level_of(control, belief));
            body["reasoning_effort"] = json!(asked.word());
        }
    }
    if let (Control::Budget | Control::Adaptive, Some(level)) = (control, level) {
        body["output_config"] = json!({ "effort": level.word() });
    }
    // Seals and texts are to come back together.
    body["include_reasoning"] = json!(true);
    control
}

/// The level at which this shape is tried.
pub(super) fn level_of(control: Control, belief: &Entry) -> Effort {
    let mut row = belief.clone();
    if control != belief.control {
        adopt(&mut row, control);
    }
    usual(&row)
}

fn say_rest(what: What, facts: &Facts, body: &mut Value) {
    match what {
        What::On(_) | What::Display(_) => body["stream"] = json!(true),
        What::Tool => offer(body),
        What::Back(kind) => {
            offer(body);
            give_back(kind, facts, body);
        }
        What::Streamed => {
            offer(body);
            body["stream"] = json!(true);
        }
        What::System => {
            let system = json!({ "role": "system", "content": "Answer in English." });
            body["messages"].as_array_mut().into_iter().for_each(|messages| messages.insert(0, system.clone()));
        }
        What::Result { picture } => {
            offer(body);
            answer_with(picture, body);
        }
        What::Forced(_) => {
            offer(body);
            body["tool_choice"] = json!("required");
        }
        What::Schema => {
            let schema = json!({
                "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"],
                "additionalProperties": false,
            });
            body["response_format"] = json!({
                "type": "json_schema", "json_schema": { "name": "number", "strict": true, "schema": schema },
            });
        }
        What::Temperature(_) => body["temperature"] = json!(0.5),
        What::TopP => (body["temperature"], body["top_p"]) = (json!(0.5), json!(0.9)),
        What::TopK => body["top_k"] = json!(10),
        What::Stop => body["stop"] = json!(["###"]),
        What::Prefill(_) => {
            let begun = json!({ "role": "assistant", "content": "The number is" });
            push(body, begun);
        }
        What::Plain | What::Limit | What::Level(_) | What::Off(_) => {}
    }
}

fn push(body: &mut Value, message: Value) {
    if let Some(messages) = body["messages"].as_array_mut() {
        messages.push(message);
    }
}

fn offer(body: &mut Value) {
    body["messages"][0]["content"] = json!(ERRAND);
    let city = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let tool = json!({ "name": "get_weather", "description": "Tells the weather in a city.", "parameters": city });
    body["tools"] = json!([{ "type": "function", "function": tool }]);
}

/// A call of the tool that nobody made, and its answer: a picture, or words.
fn answer_with(picture: bool, body: &mut Value) {
    let function = json!({ "name": "get_weather", "arguments": "{\"city\":\"Paris\"}" });
    let calls = json!([{ "id": "call_doctor", "type": "function", "function": function }]);
    push(body, json!({ "role": "assistant", "content": null, "tool_calls": calls }));
    let content = match picture {
        true => json!([{ "type": "image_url", "image_url": { "url": PICTURE } }]),
        false => json!("18 degrees, sunny"),
    };
    push(body, json!({ "role": "tool", "tool_call_id": "call_doctor", "content": content }));
}

/// The turn that called the tool, with its reasoning as it came or without its signature, and the tool's answer.
fn give_back(kind: Option<Replay>, facts: &Facts, body: &mut Value) {
    let mut message = facts.call.clone();
    for field in ["reasoning_details", "thinking_blocks"] {
        let blocks = message.get_mut(field).and_then(Value::as_array_mut).filter(|_| kind == Some(Replay::Unsigned));
        let blocks = blocks.into_iter().flatten().filter_map(Value::as_object_mut);
        blocks.for_each(|block| drop(block.remove("signature")));
    }
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let answers: Vec<Value> = calls
        .map(|call| json!({ "role": "tool", "tool_call_id": call["id"], "content": "18 degrees, sunny" }))
        .collect();
    push(body, message);
    answers.into_iter().for_each(|answer| push(body, answer));
}
