//! One recorded answer of Bedrock, and what it says, read from the recording alone.

use crate::message::Message;
use aquifer_translate::bedrock::Api;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// One recorded answer.
pub(crate) struct Recording {
    /// Its folder's name, with that of its source.
    pub(crate) case: String,
    pub(crate) api: Api,
    pub(crate) model: String,
    pub(crate) answer: Recorded,
}

/// What was recorded.
pub(crate) enum Recorded {
    /// An answer with a status that is no success.
    Refused { status: StatusCode, headers: HeaderMap, body: Vec<u8>, message: Option<String> },
    /// A whole answer.
    Whole { body: Vec<u8>, said: Result<Message, String> },
    /// A stream, and what stands in it as AWS's own library reads it.
    Stream { bytes: Vec<u8>, said: Result<Message, String> },
}

impl Recording {
    /// Reads a case; `None` where it is none of an API that is called here.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let meta: Value = serde_json::from_slice(&fs::read(folder.join("meta.json")).ok()?).unwrap();
        let model = meta["model"].as_str().unwrap_or("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
        let api = match meta["api"].as_str()? {
            "converse" | "converse-stream" => Api::Converse,
            // Only Claude is called over it.
            "invoke" | "invoke-stream" if model.contains("claude-") => Api::InvokeModel,
            _ => return None,
        };
        let case = meta["case"].as_str()?.to_owned();
        let answer = if meta["status"] == 200 { answer(folder, &meta, api)? } else { refusal(folder, &meta)? };
        Some(Self { case, api, model: model.to_owned(), answer })
    }
}

fn refusal(folder: &Path, meta: &Value) -> Option<Recorded> {
    let body = fs::read(folder.join("response.json")).ok()?;
    let status = StatusCode::from_u16(u16::try_from(meta["status"].as_u64()?).ok()?).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in meta["response_headers"].as_object().into_iter().flatten() {
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        headers.extend(HeaderName::from_bytes(name.as_bytes()).ok().zip(value));
    }
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = told["message"].as_str().or_else(|| told["Message"].as_str()).map(str::to_owned);
    Some(Recorded::Refused { status, headers, body, message })
}

fn answer(folder: &Path, meta: &Value, api: Api) -> Option<Recorded> {
    let recorded = ["response.bin", "response.reencoded.bin"].iter().find_map(|name| fs::read(folder.join(name)).ok());
    if let Some(bytes) = recorded {
        let events = fs::read_to_string(folder.join("events.jsonl")).ok()?;
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if !meta["decode_error"].is_null() || meta["crc_ok"] == false {
            return Some(Recorded::Stream { bytes, said: Err(String::new()) });
        }
        let said = match api {
            Api::Converse => Message::of_converse_events(&events),
            Api::InvokeModel => Message::of_claudes_events(&events),
        };
        return Some(Recorded::Stream { bytes, said });
    }
    let body = fs::read(folder.join("response.json")).ok()?;
    let recorded: Value = serde_json::from_slice(&body).ok()?;
    let said = match api {
        Api::Converse if recorded["output"].is_object() => Message::of_converse(&recorded),
        Api::InvokeModel if recorded["type"] == "message" => Message::of_claude(&recorded),
        // A path that the service does not know, or Claude's API of old.
        Api::Converse | Api::InvokeModel => Err(String::new()),
    };
    Some(Recorded::Whole { body, said })
}
