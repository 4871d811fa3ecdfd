//! A simulator on a free port, and a client that puts the frames of its streams together.

use aquifer_simulator::{Options, serve};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// One event of a stream, or nothing where a frame is broken.
pub(crate) type Event = Option<(String, Value)>;

/// A simulator.
pub(crate) struct Simulator(SocketAddr);

/// What was answered: the status, the name of an error, and the bytes; fewer when the connection breaks.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

/// An answer of a model.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content: Vec<Value>,
    pub(crate) stop: String,
    /// `additionalModelResponseFields`.
    pub(crate) fields: Value,
    pub(crate) usage: Value,
}

impl Answer {
    pub(crate) fn reasons(&self) -> bool {
        self.content.iter().any(|block| block["reasoningContent"].is_object())
    }

    /// The kinds of the blocks, in order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.content.iter().map(|block| block.as_object().unwrap().keys().next().unwrap().as_str()).collect()
    }
}

impl Simulator {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, options, std::future::pending()));
        Self(address)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.0).await.unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value, authorized: bool) -> Reply {
        let headers: &[_] = if authorized { &[("authorization", "Bearer key")] } else { &[] };
        self.send(method, path, body, headers).await
    }

    /// One request with these headers.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let stream = TokioIo::new(TcpStream::connect(self.0).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::builder().method(method).uri(path).header("host", self.0.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = sender.send_request(request.body(Full::new(Bytes::from(body.to_string()))).unwrap());
        let answer = tokio::time::timeout(Duration::from_secs(20), sent).await.unwrap().unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = answer.into_body();
        let mut bytes = Vec::new();
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_secs(2), body.frame()).await {
            bytes.extend_from_slice(frame.data_ref().unwrap());
        }
        let error = headers.get("x-amzn-errortype").map_or("", |value| value.to_str().unwrap()).to_owned();
        Reply { status, error, headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        serde_json::from_slice(&self.ask("GET", path, &json!({}), true).await.bytes).unwrap()
    }

    /// The events of a stream.
    pub(crate) async fn stream(&self, model: &str, body: &Value) -> Result<Vec<Event>, String> {
        let model = model.replace(':', "%3A").replace('/', "%2F");
        let reply = self.ask("POST", &format!("/model/{model}/converse-stream"), body, true).await;
        if reply.status == 200 { Ok(events(reply.bytes)) } else { Err(refusal(&reply)) }
    }

    /// An answer, asked for as a stream and whole: both say the same. Some models take tools for whole answers only.
    pub(crate) async fn converse(&self, model: &str, body: &Value) -> Result<Answer, String> {
        let streamed = self.stream(model, body).await;
        let segment = model.replace(':', "%3A").replace('/', "%2F");
        let reply = self.ask("POST", &format!("/model/{segment}/converse"), body, true).await;
        let whole_only = matches!(&streamed, Err(refused) if refused.contains("tool use in streaming mode"));
        if reply.status != 200 {
            let refused = refusal(&reply);
            assert!(whole_only || streamed.unwrap_err() == refused);
            return Err(refused);
        }
        let whole: Value = serde_json::from_slice(&reply.bytes).unwrap();
        if whole_only {
            let content = whole["output"]["message"]["content"].as_array().unwrap().clone();
            let (stop, usage) = (whole["stopReason"].as_str().unwrap().to_owned(), whole["usage"].clone());
            return Ok(Answer { content, stop, usage, fields: whole["additionalModelResponseFields"].clone() });
        }
        let answer = together(&streamed.unwrap());
        assert_eq!(json!(answer.content), whole["output"]["message"]["content"], "{model}");
        assert_eq!(answer.stop, whole["stopReason"], "{model}");
        assert_eq!(answer.usage, whole["usage"], "{model}");
        Ok(answer)
    }
}

/// Status, name and message of an error.
pub(crate) fn refusal(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.bytes).unwrap();
    format!("{} {}: {}", reply.status, reply.error, body["message"].as_str().unwrap())
}

/// The events of a stream, in order; nothing at its end when a frame is broken or cut.
pub(crate) fn events(bytes: Vec<u8>) -> Vec<Event> {
    let mut decoder = MessageFrameDecoder::new();
    let mut buffer = Bytes::from(bytes);
    let mut events = Vec::new();
    loop {
        match decoder.decode_frame(&mut buffer) {
            Ok(DecodedFrame::Complete(message)) => {
                let named = |name: &str| {
                    let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
                    Some(header.value().as_string().unwrap().as_str().to_owned())
                };
                let kind = named(":event-type").or_else(|| named(":exception-type")).unwrap();
                events.push(Some((kind, serde_json::from_slice(message.payload()).unwrap_or_default())));
            }
            Ok(DecodedFrame::Incomplete) if buffer.is_empty() => return events,
            _ => {
                events.push(None);
                return events;
            }
        }
    }
}

/// The kinds of events, repetitions left out.
pub(crate) fn kinds(events: &[Event]) -> Vec<&str> {
    let mut kinds: Vec<_> =
        events.iter().map(|event| event.as_ref().map_or("broken", |(kind, _)| kind.as_str())).collect();
    kinds.dedup();
    kinds
}

/// A block under way.
#[derive(Default)]
struct Open {
    kind: &'static str,
    text: String,
    signature: Option<String>,
    bytes: Vec<u8>,
    start: Value,
}

impl Open {
    fn take(&mut self, delta: &Value) {
        let reasoning = &delta["reasoningContent"];
        let said = [
            ("text", &delta["text"]),
            ("tool", &delta["toolUse"]["input"]),
            ("thought", &reasoning["text"]),
            ("signature", &reasoning["signature"]),
            ("redacted", &reasoning["redactedContent"]),
        ];
        let (kind, part) = said.into_iter().find_map(|(kind, part)| Some((kind, part.as_str()?))).unwrap();
        match kind {
            "signature" => self.signature.get_or_insert_default().push_str(part),
            "redacted" => self.bytes.extend(STANDARD.decode(part).unwrap()),
            _ => self.text.push_str(part),
        }
        self.kind = if kind == "signature" { "thought" } else { kind };
    }

    fn block(self) -> Value {
        let Self { kind, text, signature, bytes, start } = self;
        match (kind, signature) {
            ("text", _) => json!({ "text": text }),
            ("redacted", _) => json!({ "reasoningContent": { "redactedContent": STANDARD.encode(bytes) } }),
            ("thought", Some(signature)) => {
                json!({ "reasoningContent": { "reasoningText": { "text": text, "signature": signature } } })
            }
            ("thought", None) => json!({ "reasoningContent": { "reasoningText": { "text": text } } }),
            _ => {
                let input: Value = serde_json::from_str(&text).unwrap();
                json!({ "toolUse": { "toolUseId": start["toolUseId"], "name": start["name"], "input": input } })
            }
        }
    }
}

/// A whole stream put together, block by block.
fn together(events: &[Event]) -> Answer {
    let mut open: Vec<Open> = Vec::new();
    let mut answer = Answer { content: Vec::new(), stop: String::new(), fields: Value::Null, usage: Value::Null };
    for (kind, payload) in events.iter().map(|event| event.as_ref().unwrap()) {
        let index = usize::try_from(payload["contentBlockIndex"].as_u64().unwrap_or_default()).unwrap();
        match kind.as_str() {
            "contentBlockStart" | "contentBlockDelta" => {
                open.resize_with(open.len().max(index + 1), Open::default);
                match &payload["start"]["toolUse"] {
                    Value::Null => open[index].take(&payload["delta"]),
                    start => open[index].start = start.clone(),
                }
            }
            "messageStop" => {
                payload["stopReason"].as_str().unwrap().clone_into(&mut answer.stop);
                answer.fields = payload["additionalModelResponseFields"].clone();
            }
            "metadata" => answer.usage = payload["usage"].clone(),
            _ => {}
        }
    }
    answer.content = open.into_iter().map(Open::block).collect();
    answer
}

/// A question.
pub(crate) fn ask(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }] })
}

/// A question with more members.
pub(crate) fn ask_with(text: &str, members: Value) -> Value {
    let mut body = ask(text);
    let Value::Object(members) = members else { panic!("members are an object") };
    body.as_object_mut().unwrap().extend(members);
    body
}

/// `additionalModelRequestFields`.
pub(crate) fn own(fields: Value) -> Value {
    json!({ "additionalModelRequestFields": fields })
}

/// Two tools.
pub(crate) fn tools() -> Value {
    let tool = |name: &str| {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        json!({ "toolSpec": { "name": name, "inputSchema": { "json": schema } } })
    };
    json!({ "tools": [tool("get_weather"), tool("get_time")] })
}
