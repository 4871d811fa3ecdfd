//! Every fixture: a client's request, what is sent for it, what Bedrock answers, and what the client gets.
#![expect(clippy::unwrap_used, reason = "a test")]

use aquifer_translate::dialect::openai_chat::{Envelope, error};
use aquifer_translate::translation::{Incoming, Outgoing, StreamTranslation, whole};
use bytes::BytesMut;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/openai_chat");
    let mut folders: Vec<_> = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 30, "{}", folders.len());
    folders
}

/// Compares with a file; writes it instead when it is not there and the folder says that it is new.
fn same(file: &Path, seen: &str) {
    if file.with_file_name("NEW").exists() {
        fs::write(file, seen).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert!(expected.trim_end() == seen.trim_end(), "{}\nexpected: {expected}\nseen: {seen}", file.display());
}

/// The request that is sent, readable: path, body in its own order of members, warnings.
fn request(sent: &Outgoing) -> String {
    let warnings: Vec<_> = sent.warnings.iter().map(|warning| json!(warning.to_string()).to_string()).collect();
    let body = std::str::from_utf8(&sent.body).unwrap();
    let _: Value = serde_json::from_str(body).unwrap();
    format!(
        "{{\n  \"path\": \"{}\",\n  \"body\": {body},\n  \"warnings\": [{}]\n}}\n",
        sent.path,
        warnings.join(",\n    ")
    )
}

fn frames(lines: &str) -> Vec<Vec<u8>> {
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
    let frame = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let (kind, payload) = line.as_object().unwrap().iter().next().unwrap();
        let exception = kind.ends_with("Exception");
        let (message, name) = if exception { ("exception", ":exception-type") } else { ("event", ":event-type") };
        let message = Message::new(payload.to_string().into_bytes())
            .add_header(Header::new(name, HeaderValue::String(kind.clone().into())))
            .add_header(Header::new(":message-type", HeaderValue::String(message.to_owned().into())));
        let mut bytes = Vec::new();
        aws_smithy_eventstream::frame::write_message_to(&message, &mut bytes).unwrap();
        bytes
    };
    lines.lines().map(frame).collect()
}

fn envelope(sent: &Outgoing) -> Envelope<'_> {
    Envelope { id: "chatcmpl-fixture", created: 1_700_000_000, model: sent.model.borrowed() }
}

fn streamed<'p>(body: &[u8], model: &str, pieces: impl Iterator<Item = &'p [u8]>) -> String {
    let sent = Incoming::read(body).unwrap().outgoing(model, None).unwrap();
    let envelope = Envelope { id: "chatcmpl-fixture", created: 1_700_000_000, model: sent.model };
    let mut translation = StreamTranslation::new(&envelope, sent.style, sent.restore);
    let mut out = BytesMut::new();
    let mut failed = None;
    for piece in pieces {
        failed = translation.take(piece, &mut out).err();
        if failed.is_some() {
            break;
        }
    }
    if let Some(fault) = failed.or_else(|| translation.end(&mut out).err()) {
        translation.fail(&fault, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn every_fixture() {
    for folder in folders() {
        let file = |name: &str| folder.join(name);
        let body = fs::read(file("1-client-request.json")).unwrap();
        let read = Incoming::read(&body).and_then(|asked| {
            let model = asked.model().to_owned();
            asked.outgoing(&model, None).map(|sent| (model, sent))
        });
        let (model, sent) = match read {
            Ok(read) => read,
            Err(fault) => {
                let told = error::told(&fault);
                let answer = format!("{{\"status\": {}, \"body\": {}}}\n", told.status, told.body);
                same(&file("4-client-answer.json"), &answer);
                continue;
            }
        };
        same(&file("2-bedrock-request.json"), &request(&sent));
        let again = Incoming::read(&body).unwrap().outgoing(&model, None).unwrap();
        assert_eq!(again.body, sent.body, "bodies are byte-stable");
        if let Ok(answer) = fs::read(file("3-bedrock-answer.json")) {
            let whole = whole(&answer, &envelope(&sent), &sent.style, &sent.restore, false).unwrap();
            same(&file("4-client-answer.json"), &(whole.body + "\n"));
        }
        if let Ok(lines) = fs::read_to_string(file("3-bedrock-stream.jsonl")) {
            let bytes = frames(&lines).concat();
            let once = streamed(&body, &model, std::iter::once(&bytes[..]));
            same(&file("4-client-stream.txt"), &once);
            assert_eq!(streamed(&body, &model, bytes.chunks(1)), once, "byte by byte: {}", folder.display());
            for at in 0..bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert!(streamed(&body, &model, [head, tail].into_iter()) == once, "cut at {at}: {}", folder.display());
            }
        }
    }
}
