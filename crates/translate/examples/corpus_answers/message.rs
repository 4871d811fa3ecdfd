//! What a recorded answer says, whichever API it says it in.

use serde_json::{Value, json};

/// What an answer says: the blocks in their order, the end and the counts in the words of Converse.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// Each is a `text` with its `citations`, a `thinking` with its `signature`, a `redacted` thought, a `call` with `name` and `input`, or a
    /// part of what a server's tool did.
    pub(crate) blocks: Vec<Value>,
    pub(crate) stop: String,
    pub(crate) stop_sequence: Value,
    pub(crate) usage: Value,
}

/// The blocks of a stream as they grow: one for each kind of content in each of Bedrock's blocks.
#[derive(Default)]
struct Growing {
    blocks: Vec<Growth>,
}

struct Growth {
    index: Value,
    kind: &'static str,
    block: Value,
    /// The arguments of a call, as far as they came.
    input: String,
}

impl Growing {
    fn of(&mut self, index: &Value, kind: &'static str) -> &mut Growth {
        let known = self.blocks.iter().position(|block| block.index == *index && block.kind == kind);
        let at = known.unwrap_or_else(|| {
            let block = match kind {
                "thinking" => json!({"thinking": "", "signature": ""}),
                other => json!({other: ""}),
            };
            self.blocks.push(Growth { index: index.clone(), kind, block, input: String::new() });
            self.blocks.len() - 1
        });
        self.blocks.get_mut(at).unwrap()
    }

    /// Adds to a member of a block; nothing where there is no text.
    fn add(&mut self, index: &Value, kind: &'static str, member: &str, more: &Value) {
        let Some(more) = more.as_str().filter(|more| !more.is_empty()) else { return };
        let block = &mut self.of(index, kind).block;
        let whole = format!("{}{more}", block[member].as_str().unwrap_or_default());
        block[member] = json!(whole);
    }

    fn done(self) -> Vec<Value> {
        let grown = self.blocks.into_iter().map(|Growth { kind, mut block, input, .. }| {
            if kind == "call" {
                block["input"] = parsed(&input);
            }
            block
        });
        grown.collect()
    }
}

impl Growth {
    fn cite(&mut self, citation: &Value) {
        let mut citations = self.block["citations"].as_array().cloned().unwrap_or_default();
        citations.push(citation.clone());
        self.block["citations"] = citations.into();
    }
}

/// The arguments of a call, also where the model was cut off inside them.
fn parsed(input: &str) -> Value {
    match input {
        "" => json!({}),
        input => serde_json::from_str(input).unwrap_or_else(|_| json!(input)),
    }
}

fn called(tool: &Value, id: &str) -> Value {
    match tool["type"] == "server_tool_use" {
        true => json!({"server": tool["name"]}),
        false => json!({"call": tool[id], "name": tool["name"], "input": tool["input"]}),
    }
}

/// A thought, as Converse tells it.
fn thought(reasoning: &Value) -> Value {
    let readable = &reasoning["reasoningText"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match reasoning["redactedContent"].as_str() {
        Some(data) => json!({"redacted": data}),
        None => json!({"thinking": word(&readable["text"]), "signature": word(&readable["signature"])}),
    }
}

impl Message {
    /// Reads a whole answer of Converse.
    pub(crate) fn of_converse(answer: &Value) -> Result<Self, String> {
        let stop = answer["stopReason"].as_str().unwrap_or_default();
        let mut blocks = Vec::new();
        for block in answer["output"]["message"]["content"].as_array().into_iter().flatten() {
            let cited = block["citationsContent"]["content"].as_array();
            if let Some(text) = block["text"].as_str() {
                blocks.push(json!({"text": text}));
            } else if block["reasoningContent"].is_object() {
                blocks.push(thought(&block["reasoningContent"]));
            } else if block["toolUse"].is_object() {
                blocks.push(called(&block["toolUse"], "toolUseId"));
            } else if let Some(cited) = cited {
                let text: String = cited.iter().filter_map(|part| part["text"].as_str()).collect();
                let citations = &block["citationsContent"]["citations"];
                blocks.push(json!({"text": text, "citations": citations}));
            } else {
                blocks.push(json!({"server": "result"}));
            }
        }
        Self { blocks, stop: stop.to_owned(), usage: answer["usage"].clone(), ..Self::default() }.unless_malformed()
    }

    /// Reads a whole answer of Claude's own API.
    pub(crate) fn of_claude(answer: &Value) -> Result<Self, String> {
        let blocks = answer["content"].as_array().into_iter().flatten().map(|block| match block["type"].as_str() {
            Some("text") => json!({"text": block["text"]}),
            Some("thinking") => json!({"thinking": block["thinking"], "signature": block["signature"]}),
            Some("redacted_thinking") => json!({"redacted": block["data"]}),
            Some("tool_use") => called(block, "id"),
            _ => json!({"server": block["type"]}),
        });
        let usage = in_converses_words(&answer["usage"]);
        let stop = answer["stop_reason"].as_str().unwrap_or_default().to_owned();
        Ok(Self { blocks: blocks.collect(), stop, stop_sequence: answer["stop_sequence"].clone(), usage })
    }

    /// Reads a stream of Converse; the error is what an exception in it says, or nothing where it has no end.
    pub(crate) fn of_converse_events(events: &[Value]) -> Result<Self, String> {
        let (mut growing, mut said, mut ended) = (Growing::default(), Self::default(), false);
        for event in events {
            let (headers, json) = (&event["headers"], &event["json"]);
            if headers[":message-type"] != "event" {
                return Err(json["message"].as_str().unwrap_or_default().to_owned());
            }
            let index = &json["contentBlockIndex"];
            match headers[":event-type"].as_str().unwrap() {
                "contentBlockStart" => {
                    let tool = &json["start"]["toolUse"];
                    if tool.is_object() {
                        // An index may come a second time, for another call.
                        let block = called(tool, "toolUseId");
                        let kind = if block["server"].is_null() { "call" } else { "server" };
                        let (index, input) = (index.clone(), String::new());
                        growing.blocks.push(Growth { index, kind, block, input });
                    }
                }
                "contentBlockDelta" => {
                    let delta = &json["delta"];
                    growing.add(index, "text", "text", &delta["text"]);
                    if delta["citation"].is_object() {
                        growing.of(index, "text").cite(&delta["citation"]);
                    }
                    let thought = &delta["reasoningContent"];
                    growing.add(index, "thinking", "thinking", &thought["text"]);
                    growing.add(index, "thinking", "signature", &thought["signature"]);
                    growing.add(index, "redacted", "redacted", &thought["redactedContent"]);
                    if let Some(more) = delta["toolUse"]["input"].as_str() {
                        let mut blocks = growing.blocks.iter_mut().rev();
                        let call = blocks.find(|block| block.index == *index && block.kind == "call");
                        call.into_iter().for_each(|call| call.input.push_str(more));
                    }
                }
                "messageStop" => {
                    ended = true;
                    said.stop = json["stopReason"].as_str().unwrap_or_default().to_owned();
                }
                "metadata" => said.usage = json["usage"].clone(),
                _ => {}
            }
        }
        said.blocks = growing.done();
        if ended { said.unless_malformed() } else { Err(String::new()) }
    }

    /// Reads a stream of Claude's own API.
    pub(crate) fn of_claudes_events(events: &[Value]) -> Result<Self, String> {
        let (mut growing, mut said, mut ended) = (Growing::default(), Self::default(), false);
        let mut usage = json!({});
        for event in events {
            if event["headers"][":message-type"] != "event" {
                return Err(event["json"]["message"].as_str().unwrap_or_default().to_owned());
            }
            let (chunk, index) = (&event["chunk"], &event["chunk"]["index"]);
            match chunk["type"].as_str().unwrap_or_default() {
                "message_start" => add_counts(&mut usage, &chunk["message"]["usage"]),
                "content_block_start" => {
                    let block = &chunk["content_block"];
                    match block["type"].as_str().unwrap_or_default() {
                        "text" => drop(growing.of(index, "text")),
                        "thinking" => drop(growing.of(index, "thinking")),
                        "redacted_thinking" => growing.add(index, "redacted", "redacted", &block["data"]),
                        "tool_use" => growing.of(index, "call").block = called(block, "id"),
                        _ => {}
                    }
                }
                "content_block_delta" => {
                    let delta = &chunk["delta"];
                    growing.add(index, "text", "text", &delta["text"]);
                    growing.add(index, "thinking", "thinking", &delta["thinking"]);
                    growing.add(index, "thinking", "signature", &delta["signature"]);
                    if let Some(more) = delta["partial_json"].as_str() {
                        growing.of(index, "call").input.push_str(more);
                    }
                }
                "message_delta" => {
                    said.stop = chunk["delta"]["stop_reason"].as_str().unwrap_or_default().to_owned();
                    said.stop_sequence = chunk["delta"]["stop_sequence"].clone();
                    add_counts(&mut usage, &chunk["usage"]);
                }
                "message_stop" => ended = true,
                _ => {}
            }
        }
        (said.blocks, said.usage) = (growing.done(), in_converses_words(&usage));
        if ended { Ok(said) } else { Err(String::new()) }
    }

    fn unless_malformed(self) -> Result<Self, String> {
        if self.stop.starts_with("malformed") { Err(String::new()) } else { Ok(self) }
    }

    /// The same as a whole answer of Converse; `None` where a server's tool has a part in it.
    pub(crate) fn as_converse(&self) -> Option<Value> {
        let blocks = self.blocks.iter().map(|block| {
            if let Some(text) = block["text"].as_str() {
                let cited = json!({"content": [{"text": text}], "citations": block["citations"]});
                let is_cited = block["citations"].is_array();
                return Some(if is_cited { json!({"citationsContent": cited}) } else { json!({"text": text}) });
            }
            if let Some(data) = block["redacted"].as_str() {
                return Some(json!({"reasoningContent": {"redactedContent": data}}));
            }
            if let Some(text) = block["thinking"].as_str() {
                let mut readable = json!({"text": text});
                if block["signature"] != "" {
                    readable["signature"] = block["signature"].clone();
                }
                return Some(json!({"reasoningContent": {"reasoningText": readable}}));
            }
            let (id, name, input) = (&block["call"], &block["name"], &block["input"]);
            (id.is_string() && input.is_object())
                .then(|| json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}))
        });
        let content: Vec<Value> = blocks.collect::<Option<_>>()?;
        let message = json!({"role": "assistant", "content": content});
        Some(json!({"output": {"message": message}, "stopReason": self.stop, "usage": self.usage}))
    }

    /// The same as a line of the file says it.
    pub(crate) fn as_line(&self) -> Value {
        json!({"blocks": self.blocks, "stop": self.stop, "stop_sequence": self.stop_sequence, "usage": self.usage})
    }
}

fn add_counts(usage: &mut Value, more: &Value) {
    for (name, count) in more.as_object().into_iter().flatten().filter(|count| count.1.is_u64()) {
        usage[name] = count.clone();
    }
}

/// The counts of Claude's own API by the names of Converse's.
fn in_converses_words(usage: &Value) -> Value {
    const NAMES: [[&str; 2]; 4] = [
        ["input_tokens", "inputTokens"],
        ["output_tokens", "outputTokens"],
        ["cache_read_input_tokens", "cacheReadInputTokens"],
        ["cache_creation_input_tokens", "cacheWriteInputTokens"],
    ];
    let counted = NAMES.into_iter().filter(|[own, _]| usage[own].is_u64());
    counted.map(|[own, name]| (name.to_owned(), usage[own].clone())).collect::<serde_json::Map<_, _>>().into()
}
