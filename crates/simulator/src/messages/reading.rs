//! Claude's own request in the words of Converse, block for block.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The request that Converse would have had. Every block keeps its place; `cache_control` is left out.
pub(super) fn of(body: &Value) -> Value {
    let messages = body["messages"].as_array().into_iter().flatten();
    let messages: Vec<_> =
        messages.map(|message| json!({ "role": message["role"], "content": blocks(&message["content"]) })).collect();
    let mut reading = Map::new();
    reading.insert("messages".to_owned(), Value::Array(messages));
    let settings = renamed(
        body,
        &[
            ("max_tokens", "maxTokens"),
            ("temperature", "temperature"),
            ("top_p", "topP"),
            ("stop_sequences", "stopSequences"),
        ],
    );
    reading.insert("inferenceConfig".to_owned(), settings);
    if !body["system"].is_null() {
        reading.insert("system".to_owned(), blocks(&body["system"]));
    }
    if let Some(tools) = body["tools"].as_array().filter(|tools| !tools.is_empty()) {
        reading.insert("toolConfig".to_owned(), tool_config(tools, &body["tool_choice"]));
    }
    let format = &body["output_config"]["format"];
    if !format.is_null() {
        let structure = json!({ "jsonSchema": { "schema": format["schema"].to_string() } });
        let text = json!({ "textFormat": { "type": "json_schema", "structure": structure } });
        reading.insert("outputConfig".to_owned(), text);
    }
    reading.insert("additionalModelRequestFields".to_owned(), own(body));
    Value::Object(reading)
}

/// The members that are there, by their other names.
fn renamed(object: &Value, names: &[(&str, &str)]) -> Value {
    let mut renamed = json!({});
    for (name, other) in names {
        if !object[*name].is_null() {
            renamed[*other] = object[*name].clone();
        }
    }
    renamed
}

/// What Converse takes in Anthropic's words.
fn own(body: &Value) -> Value {
    let names = ["thinking", "top_k", "anthropic_beta", "metadata", "context_management"];
    let mut own = renamed(body, &names.map(|name| (name, name)));
    if !body["output_config"]["effort"].is_null() {
        own["output_config"] = json!({ "effort": body["output_config"]["effort"] });
    }
    if body["tool_choice"]["type"] == "none" {
        own["tool_choice"] = json!({ "type": "none" });
    }
    own
}

fn tool_config(tools: &[Value], choice: &Value) -> Value {
    let tools: Vec<_> = tools
        .iter()
        .map(|tool| match tool["type"].as_str() {
            None | Some("custom") => {
                let mut spec = renamed(tool, &[("name", "name"), ("description", "description")]);
                spec["inputSchema"] = json!({ "json": tool["input_schema"] });
                json!({ "toolSpec": spec })
            }
            Some(_) => json!({ "systemTool": tool }),
        })
        .collect();
    let mut config = json!({ "tools": tools });
    match choice["type"].as_str() {
        Some("tool") => config["toolChoice"] = json!({ "tool": { "name": choice["name"] } }),
        Some(kind @ ("any" | "auto")) => config["toolChoice"] = json!({ kind: {} }),
        _ => {}
    }
    config
}

/// The blocks of a content, which may be a text alone.
fn blocks(content: &Value) -> Value {
    match content {
        Value::String(text) => json!([{ "text": text }]),
        Value::Array(parts) => parts.iter().map(block).collect(),
        _ => json!([]),
    }
}

fn block(block: &Value) -> Value {
    match block["type"].as_str() {
        Some("text") => json!({ "text": block["text"] }),
        Some("thinking") => {
            let text = json!({ "text": block["thinking"], "signature": block["signature"] });
            json!({ "reasoningContent": { "reasoningText": text } })
        }
        Some("redacted_thinking") => {
            let data = STANDARD.encode(block["data"].as_str().unwrap_or_default());
            json!({ "reasoningContent": { "redactedContent": data } })
        }
        Some("tool_use") => {
            json!({ "toolUse": { "toolUseId": block["id"], "name": block["name"], "input": block["input"] } })
        }
        Some("tool_result") => {
            let mut result = json!({ "toolUseId": block["tool_use_id"], "content": blocks(&block["content"]) });
            if block["is_error"] == true {
                result["status"] = json!("error");
            }
            json!({ "toolResult": result })
        }
        Some("image") => {
            let kind = block["source"]["media_type"].as_str().unwrap_or_default();
            let format = kind.strip_prefix("image/").unwrap_or(kind);
            json!({ "image": { "format": format, "source": { "bytes": block["source"]["data"] } } })
        }
        Some("document") => json!({ "document": document(block) }),
        Some("search_result") => {
            json!({ "searchResult": { "source": block["source"], "title": block["title"], "content": block["content"] } })
        }
        _ => json!({ "other": block }),
    }
}

fn document(block: &Value) -> Value {
    let source = &block["source"];
    let name = block["title"].as_str().unwrap_or("document");
    match source["type"].as_str() {
        Some("text") => json!({ "format": "txt", "name": name, "source": { "text": source["data"] } }),
        Some("content") => json!({ "name": name, "source": { "content": source["content"] } }),
        _ => json!({ "format": "pdf", "name": name, "source": { "bytes": source["data"] } }),
    }
}
