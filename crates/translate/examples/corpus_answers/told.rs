//! What the clients of each dialect are told of a recorded answer.

use crate::message::Message;
use crate::recording::{Recorded, Recording};
use aquifer_translate::Fault;
use aquifer_translate::bedrock::{self, Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::{self, Dialect, Envelope, SealKeys};
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::{
    Exposure, Incoming, Outgoing, StreamReframing, StreamTranslation, whole, whole_reframed,
};
use bytes::BytesMut;
use serde_json::{Value, json};
use std::sync::Arc;

/// The exchange of every answer.
const ID: RequestId = RequestId(1);

/// The model whose terms are taken where the recorded one is asked for nothing.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// One answer for a client.
struct Answer {
    status: u16,
    body: String,
    fault: Option<Fault>,
}

/// The lines for the clients of all dialects.
pub(crate) fn answers(recording: &Recording) -> Vec<Value> {
    const DIALECTS: [Dialect; 3] = [Dialect::OpenAiChat, Dialect::AnthropicMessages, Dialect::OpenAiResponses];
    DIALECTS.into_iter().flat_map(|dialect| in_dialect(recording, dialect)).collect()
}

fn in_dialect(recording: &Recording, dialect: Dialect) -> Vec<Value> {
    let api = recording.api;
    match &recording.answer {
        Recorded::Refused { status, headers, body, message } => {
            let answer = refused(dialect, bedrock::refusal(api, *status, headers, body));
            let failure = message.clone().unwrap_or_default();
            vec![line(recording, dialect, &answer, None, &Err(failure))]
        }
        Recorded::Whole { body, said } => {
            let mut lines = vec![line(recording, dialect, &whole_of(recording, dialect, body), None, said)];
            if !is_reframed(dialect, api) {
                let own = lines.first().map(|line| line["body"].clone()).filter(|_| said.is_ok());
                lines.push(line(recording, dialect, &played(recording, dialect, body), own, said));
            }
            lines
        }
        Recorded::Stream { bytes, said } => {
            let own = said.as_ref().ok().and_then(Message::as_converse).filter(|_| api == Api::Converse);
            let own = own.map(|own| whole_of(recording, dialect, own.to_string().as_bytes()).body.into());
            vec![line(recording, dialect, &streamed(recording, dialect, bytes), own, said)]
        }
    }
}

fn line(
    recording: &Recording,
    dialect: Dialect,
    answer: &Answer,
    whole: Option<Value>,
    said: &Result<Message, String>,
) -> Value {
    let api = match recording.api {
        Api::Converse => "converse",
        Api::InvokeModel => "invoke",
    };
    let words = match dialect {
        Dialect::OpenAiChat => "chat",
        Dialect::AnthropicMessages => "messages",
        Dialect::OpenAiResponses => "responses",
        Dialect::Bedrock => "bedrock",
    };
    let mut line = json!({
        "case": recording.case, "api": api, "dialect": words, "status": answer.status, "body": answer.body,
        "streamed": answer.body.starts_with("data: ") || answer.body.starts_with("event: "),
    });
    if let Some(whole) = whole.and_then(|whole| serde_json::from_str::<Value>(whole.as_str()?).ok()) {
        line["whole"] = whole;
    }
    match said {
        Ok(said) => line["said"] = said.as_line(),
        Err(message) => line["failure"] = json!(message),
    }
    if let Some(tag) = outgoing(recording, dialect).style.inline_tag.filter(|_| !is_reframed(dialect, recording.api)) {
        line["tag"] = json!(tag);
    }
    if let (Some(fault), Ok(_)) = (&answer.fault, said) {
        panic!("{} in {words}: {fault}", recording.case);
    }
    line
}

/// Whether the answer goes on as it came: the client speaks what the API does.
fn is_reframed(dialect: Dialect, api: Api) -> bool {
    dialect == Dialect::AnthropicMessages && api == Api::InvokeModel
}

/// A request that is to be shown all reasoning, as it goes to the model.
fn outgoing(recording: &Recording, dialect: Dialect) -> Outgoing {
    let on = |model: &str| {
        let hello = json!([{"role": "user", "content": "Hi."}]);
        let body = match dialect {
            Dialect::OpenAiChat | Dialect::Bedrock => json!({"model": model, "messages": hello, "stream": true,
                "stream_options": {"include_usage": true}, "reasoning": {"effort": "low"}, "include_reasoning": true}),
            Dialect::AnthropicMessages => json!({"model": model, "messages": hello, "stream": true, "max_tokens": 4096,
                "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            Dialect::OpenAiResponses => json!({"model": model, "input": hello, "stream": true, "store": false,
                "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
        };
        let body = body.to_string();
        let mut asked = Incoming::read_in(dialect, body.as_bytes(), std::iter::empty(), &Limits::default())?;
        asked.unseal(&Arc::new(SealKeys::new([7; 32], [])));
        let entry = &*Catalogue::builtin().entry(model);
        let terms = Terms {
            api: recording.api,
            model_id: model,
            entry,
            mark: Mark::of(entry.base_of(model), ""),
            rules: &Rules::default(),
            adjustment: Adjustment::default(),
            allowed: ClientFields::default(),
        };
        asked.outgoing_on(&terms, Exposure::default())
    };
    on(&recording.model).or_else(|_| on(CLAUDE)).unwrap()
}

fn refused(dialect: Dialect, fault: Fault) -> Answer {
    let told = dialect::error_of(dialect, &fault, Some(ID));
    let body = String::from_utf8(told.body.to_vec()).unwrap();
    Answer { status: told.status.as_u16(), body, fault: Some(fault) }
}

fn whole_of(recording: &Recording, dialect: Dialect, body: &[u8]) -> Answer {
    let Outgoing { model, style, restore, .. } = outgoing(recording, dialect);
    let told = match is_reframed(dialect, recording.api) {
        true => whole_reframed(body, false),
        false => whole(body, &Envelope { id: ID, created: 1_700_000_000, model }, &style, &restore, false),
    };
    match told {
        Ok(answer) => Answer { status: 200, body: answer.body, fault: None },
        Err(fault) => refused(dialect, fault),
    }
}

fn translation(recording: &Recording, dialect: Dialect) -> StreamTranslation {
    let Outgoing { model, style, restore, .. } = outgoing(recording, dialect);
    StreamTranslation::new(&Envelope { id: ID, created: 1_700_000_000, model }, style, restore)
}

/// A whole answer as the stream that its client wants.
fn played(recording: &Recording, dialect: Dialect, body: &[u8]) -> Answer {
    let (mut stream, mut out) = (translation(recording, dialect), BytesMut::new());
    let fault = stream.play(body, &mut out).err();
    if let Some(fault) = &fault {
        stream.fail(fault, &mut out);
    }
    sent(&out, fault)
}

fn streamed(recording: &Recording, dialect: Dialect, bytes: &[u8]) -> Answer {
    let mut out = BytesMut::new();
    if is_reframed(dialect, recording.api) {
        let mut stream = StreamReframing::new(ID);
        let fault = stream.take(bytes, &mut out).and_then(|()| stream.end(&mut out)).err();
        if let Some(fault) = &fault {
            stream.fail(fault, &mut out);
        }
        return sent(&out, fault);
    }
    let mut stream = translation(recording, dialect);
    let fault = stream.take(bytes, &mut out).and_then(|()| stream.end(&mut out)).err();
    if let Some(fault) = &fault {
        stream.fail(fault, &mut out);
    }
    sent(&out, fault)
}

fn sent(out: &[u8], fault: Option<Fault>) -> Answer {
    Answer { status: 200, body: String::from_utf8(out.to_vec()).unwrap(), fault }
}
