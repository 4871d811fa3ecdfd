//! Sealed reasoning of recorded answers goes to a client of each dialect, comes back with its next request, and Bedrock is
//! sent exactly the blocks that it gave.

use crate::recorded::{cases, envelope};
use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::{Dialect, SealKeys};
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::{
    Exposure, Incoming, Outgoing, StreamReframing, StreamTranslation, whole, whole_reframed,
};
use bytes::BytesMut;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A recorded answer with sealed reasoning.
struct Sealed {
    name: String,
    model: String,
    api: Api,
    bytes: Vec<u8>,
    streamed: bool,
    /// The sealed blocks in order, as the API told them.
    blocks: Vec<Value>,
    tools: BTreeSet<String>,
}

impl Sealed {
    fn read(folder: &Path, meta: &Value, api: Api) -> Option<Self> {
        let name = folder.display().to_string();
        let model = meta["model"].as_str().unwrap_or(CLAUDE).to_owned();
        let recording = ["response.bin", "response.reencoded.bin"];
        let recording = recording.iter().find_map(|name| fs::read(folder.join(name)).ok());
        let streamed = recording.is_some();
        let bytes = recording.or_else(|| fs::read(folder.join("response.json")).ok())?;
        let message: Vec<Value> = match streamed {
            true => content_of(&fs::read_to_string(folder.join("events.jsonl")).ok()?, api),
            false => {
                let answer: Value = serde_json::from_slice(&bytes).ok()?;
                let content =
                    if api == Api::Converse { &answer["output"]["message"]["content"] } else { &answer["content"] };
                content.as_array()?.clone()
            }
        };
        let blocks: Vec<Value> = message.iter().filter_map(|block| sealed(block, api)).collect();
        let names =
            message.iter().filter_map(|block| block["toolUse"]["name"].as_str().or_else(|| block["name"].as_str()));
        let tools = names.map(str::to_owned).collect();
        // A few recordings are broken on purpose: a wrong checksum, frames without their headers.
        let events = fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
        let framed = events.lines().all(|event| event.contains(r#"":message-type": "event""#));
        let whole = meta["status"] == 200 && meta["crc_ok"] != false && framed;
        (whole && !blocks.is_empty()).then_some(Self { name, model, api, bytes, streamed, blocks, tools })
    }

    /// The next request's body: `turn` is the model's, as its client keeps it.
    fn request(&self, dialect: Dialect, turn: Option<Vec<Value>>) -> Vec<u8> {
        let user = json!({"role": "user", "content": "Hi."});
        let messages = std::iter::once(user).chain(turn.into_iter().flatten()).collect::<Vec<_>>();
        let schema = json!({"type": "object", "properties": {}});
        let tools = |tool: &dyn Fn(&String) -> Value| self.tools.iter().map(tool).collect::<Vec<_>>();
        let mut body = match dialect {
            Dialect::OpenAiResponses => json!({"input": messages, "store": false, "reasoning": {"effort": "low",
                "summary": "auto"}, "include": ["reasoning.encrypted_content"],
                "tools": tools(&|name| json!({"type": "function", "name": name, "parameters": schema}))}),
            Dialect::AnthropicMessages => json!({"messages": messages, "max_tokens": 4096,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "tools": tools(&|name| json!({"name": name, "input_schema": schema}))}),
            Dialect::OpenAiChat | Dialect::Bedrock => json!({"messages": messages, "include_reasoning": true,
            "reasoning": {"effort": "low"}, "tools": tools(&|name| {
                json!({"type": "function", "function": {"name": name, "parameters": schema}})
            })}),
        };
        let members = body.as_object_mut().unwrap();
        members.insert("model".to_owned(), json!(self.model));
        members.insert("stream".to_owned(), json!(self.streamed));
        if self.tools.is_empty() {
            members.remove("tools");
        }
        body.to_string().into_bytes()
    }

    fn outgoing(&self, dialect: Dialect, turn: Option<Vec<Value>>) -> Outgoing {
        let body = self.request(dialect, turn);
        let mut asked = Incoming::read_in(dialect, &body, std::iter::empty(), &Limits::default()).unwrap();
        asked.unseal(&Arc::new(SealKeys::new([7; 32], [])));
        let entry = &*Catalogue::builtin().entry(&self.model);
        let terms = Terms {
            api: self.api,
            model_id: &self.model,
            entry,
            mark: Mark::of(entry.base_of(&self.model), ""),
            rules: &Rules::default(),
            adjustment: Adjustment::default(),
            allowed: ClientFields::default(),
        };
        let sent = match self.is_reframed(dialect) {
            true => asked.reframed_on(&terms, Exposure::default()),
            false => asked.outgoing_on(&terms, Exposure::default()),
        };
        sent.unwrap_or_else(|fault| panic!("{}: {fault}", self.name))
    }

    fn is_reframed(&self, dialect: Dialect) -> bool {
        dialect == Dialect::AnthropicMessages && self.api == Api::InvokeModel
    }

    /// What the client is answered.
    fn answered(&self, dialect: Dialect) -> String {
        let Outgoing { style, restore, .. } = self.outgoing(dialect, None);
        let mut out = BytesMut::new();
        match (self.is_reframed(dialect), self.streamed) {
            (true, true) => StreamReframing::new(RequestId(1)).take(&self.bytes, &mut out).unwrap(),
            (false, true) => {
                let mut stream = StreamTranslation::new(&envelope(), style, restore);
                stream.take(&self.bytes, &mut out).unwrap();
                stream.end(&mut out).unwrap();
            }
            (true, false) => return whole_reframed(&self.bytes, false).unwrap().body,
            (false, false) => return whole(&self.bytes, &envelope(), &style, &restore, false).unwrap().body,
        }
        String::from_utf8(out.to_vec()).unwrap()
    }

    /// The sealed blocks of the model's turn in the next call.
    fn sent_back(&self, dialect: Dialect) -> Vec<Value> {
        let turn = kept(dialect, &self.answered(dialect), self.streamed);
        let sent = self.outgoing(dialect, Some(turn));
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        let messages = body["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "assistant");
        let blocks = messages.flat_map(|message| message["content"].as_array().unwrap());
        blocks.filter_map(|block| sealed(block, self.api)).collect()
    }
}

/// A block with a seal, without what else is in it.
fn sealed(block: &Value, api: Api) -> Option<Value> {
    let is_told = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let (readable, redacted) = match api {
        Api::Converse => (&block["reasoningContent"]["reasoningText"], &block["reasoningContent"]["redactedContent"]),
        Api::InvokeModel => (block, &block["data"]),
    };
    let text = if readable["text"].is_string() { &readable["text"] } else { &readable["thinking"] };
    let text = text.as_str().unwrap_or_default();
    let (signature, redacted) = (readable["signature"].clone(), redacted.clone());
    (is_told(&signature) || is_told(&redacted)).then(|| json!([text, signature, redacted]))
}

/// The content of a recorded stream: what counts here, thoughts and the names of tools.
fn content_of(events: &str, api: Api) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut indexes: Vec<Value> = Vec::new();
    for event in events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let event = if api == Api::Converse { &event["json"] } else { &event["chunk"] };
        let index = if api == Api::Converse { &event["contentBlockIndex"] } else { &event["index"] };
        if index.is_null() {
            continue;
        }
        let at = indexes.iter().position(|known| known == index).unwrap_or_else(|| {
            indexes.push(index.clone());
            blocks.push(json!({}));
            blocks.len() - 1
        });
        let block = &mut blocks[at];
        let (start, delta) = (&event["content_block"], &event["delta"]);
        let thought = &delta["reasoningContent"];
        let name = if start["name"].is_string() { &start["name"] } else { &event["start"]["toolUse"]["name"] };
        if name.is_string() {
            block["name"] = name.clone();
        }
        if api == Api::Converse {
            for member in ["text", "signature"] {
                if thought[member].is_string() {
                    append(&mut block["reasoningContent"]["reasoningText"][member], &thought[member]);
                }
            }
            if thought["redactedContent"].is_string() {
                append(&mut block["reasoningContent"]["redactedContent"], &thought["redactedContent"]);
            }
        } else {
            for (member, more) in
                [("thinking", &delta["thinking"]), ("signature", &delta["signature"]), ("data", &start["data"])]
            {
                if more.is_string() {
                    append(&mut block[member], more);
                }
            }
        }
    }
    blocks
}

fn append(text: &mut Value, more: &Value) {
    *text = json!(format!("{}{}", text.as_str().unwrap_or_default(), more.as_str().unwrap()));
}

/// The model's turn as a client keeps it, with what it says next.
fn kept(dialect: Dialect, answer: &str, streamed: bool) -> Vec<Value> {
    let data = answer.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let events: Vec<Value> =
        if streamed { data.map(|data| serde_json::from_str(data).unwrap()).collect() } else { Vec::new() };
    let body = || serde_json::from_str::<Value>(answer).unwrap();
    match dialect {
        Dialect::OpenAiResponses => {
            let response = events.last().map_or_else(body, |event| event["response"].clone());
            let items = response["output"].as_array().unwrap().clone();
            let calls = items.iter().filter(|item| item["type"] == "function_call");
            let results =
                calls.map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "18 C"}));
            let next: Vec<Value> = results.chain([json!({"role": "user", "content": "Go on."})]).collect();
            [items, next].concat()
        }
        Dialect::AnthropicMessages => {
            let content = if streamed { message_of(&events) } else { body()["content"].clone() };
            let calls = content.as_array().unwrap().iter().filter(|block| block["type"] == "tool_use");
            let results =
                calls.map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "18 C"}));
            let next: Vec<Value> = results.chain([json!({"type": "text", "text": "Go on."})]).collect();
            vec![json!({"role": "assistant", "content": content}), json!({"role": "user", "content": next})]
        }
        Dialect::OpenAiChat | Dialect::Bedrock => {
            let message = if streamed { completion_of(&events) } else { body()["choices"][0]["message"].clone() };
            let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
            let results =
                calls.iter().map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "18 C"}));
            let mut next = vec![message];
            next.extend(results.chain([json!({"role": "user", "content": "Go on."})]));
            next
        }
    }
}

/// The content of a message, put together as Anthropic's SDKs do: a signature is the latest one.
fn message_of(events: &[Value]) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let mut arguments = String::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                content.push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" => {
                let (block, delta) = (content.last_mut().unwrap(), &event["delta"]);
                for member in ["text", "thinking"].into_iter().filter(|member| delta[member].is_string()) {
                    append(&mut block[member], &delta[member]);
                }
                if delta["signature"].is_string() {
                    block["signature"] = delta["signature"].clone();
                }
                arguments.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "content_block_stop" if !arguments.is_empty() => {
                content.last_mut().unwrap()["input"] = serde_json::from_str(&arguments).unwrap();
            }
            _ => {}
        }
    }
    content.into()
}

/// The message of a completion, put together as OpenAI's SDK for Python does, whatever the members are called: numbers of
/// lists are places, and texts grow.
fn completion_of(chunks: &[Value]) -> Value {
    let mut message = Map::new();
    for delta in chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"].as_object()) {
        accumulate(&mut message, delta);
    }
    message.into()
}

fn accumulate(whole: &mut Map<String, Value>, delta: &Map<String, Value>) {
    for (name, more) in delta {
        match (whole.get_mut(name).filter(|known| !known.is_null()), more) {
            (None, Value::Array(more)) if more.iter().any(|entry| entry.get("index").is_some()) => {
                whole.insert(name.clone(), json!([]));
                accumulate_entries(whole[name].as_array_mut().unwrap(), more);
            }
            (None, more) => drop(whole.insert(name.clone(), more.clone())),
            (Some(known), more) if name == "index" || name == "type" => *known = more.clone(),
            (Some(known @ Value::String(_)), Value::String(_)) => append(known, more),
            (Some(Value::Object(known)), Value::Object(more)) => accumulate(known, more),
            (Some(Value::Array(known)), Value::Array(more)) => accumulate_entries(known, more),
            (Some(_), _) => {}
        }
    }
}

fn accumulate_entries(known: &mut Vec<Value>, more: &[Value]) {
    for entry in more {
        let index = usize::try_from(entry["index"].as_u64().unwrap()).unwrap();
        match known.get_mut(index) {
            Some(known) => accumulate(known.as_object_mut().unwrap(), entry.as_object().unwrap()),
            None => known.insert(index.min(known.len()), entry.clone()),
        }
    }
}

fn try_every_sealed_answer(dialect: Dialect, least: usize) {
    let apis = [
        ("converse", Api::Converse),
        ("converse-stream", Api::Converse),
        ("invoke", Api::InvokeModel),
        ("invoke-stream", Api::InvokeModel),
    ];
    let (mut tried, mut there) = (0, false);
    for (word, api) in apis {
        for (folder, meta) in cases(word) {
            there = true;
            let Some(answer) = Sealed::read(&folder, &meta, api) else { continue };
            tried += 1;
            assert_eq!(answer.sent_back(dialect), answer.blocks, "{} in {dialect:?}", answer.name);
        }
    }
    assert!(!there || tried >= least, "{tried}");
}

#[test]
fn responses_bring_back_what_was_sealed() {
    try_every_sealed_answer(Dialect::OpenAiResponses, 30);
}

#[test]
fn messages_bring_back_what_was_sealed_on_both_roads() {
    try_every_sealed_answer(Dialect::AnthropicMessages, 30);
}

#[test]
fn chat_completions_bring_back_what_was_sealed() {
    try_every_sealed_answer(Dialect::OpenAiChat, 30);
}
