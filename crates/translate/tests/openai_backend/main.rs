//! Clients of other dialects before a backend of OpenAI's Chat Completions: every fixture, and the fuzz bodies.
#![expect(clippy::unwrap_used, reason = "a test")]

mod chat_backend_body;
mod converse_client;
mod converse_request_body;

use aquifer_translate::Fault;
use aquifer_translate::bedrock::{Api, Terms};
use aquifer_translate::catalogue::{Adjustment, Catalogue, Rules};
use aquifer_translate::dialect::{self, Dialect, Envelope};
use aquifer_translate::limits::{ClientFields, Limits};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::reasoning::Effort;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;
use aquifer_translate::translation::{Exposure, Incoming, Outgoing, StreamTranslation, whole};
use bytes::BytesMut;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const ID: RequestId = RequestId(0x0f1e_2d3c_4b5a_6978_8796_a5b4_c3d2_e1f0);

/// The file `terms.json`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BackendTerms {
    /// The model that is called.
    model: Option<String>,
    most_effort: Option<String>,
    hidden: bool,
    denied: bool,
}

struct BackendCase {
    folder: PathBuf,
    dialect: Dialect,
    body: Vec<u8>,
    terms: BackendTerms,
}

impl BackendCase {
    fn read(folder: PathBuf, dialect: Dialect) -> Self {
        let body = fs::read(folder.join("1-client-request.json")).unwrap();
        let terms = fs::read_to_string(folder.join("terms.json")).map(|text| serde_json::from_str(&text).unwrap());
        Self { folder, dialect, body, terms: terms.unwrap_or_default() }
    }

    fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    fn outgoing(&self, stream: bool) -> Result<Outgoing, Fault> {
        let asked = Incoming::read_in(self.dialect, &self.body, std::iter::empty(), &Limits::default())?;
        let model = self.terms.model.clone().unwrap_or_else(|| "gpt-5.2".to_owned());
        let asked = if self.dialect == Dialect::Bedrock { asked.named(&model, stream) } else { asked };
        let most_effort = self.terms.most_effort.as_deref().map(|word| Effort::from_word(word).unwrap());
        let rules = Rules { most_effort, ..Rules::default() };
        let entry = Catalogue::builtin().entry(&model);
        let allowed = ClientFields { additional_model_request_fields: !self.terms.denied, ..ClientFields::default() };
        let (mark, adjustment) = (Mark::of(&model, "default/openai"), Adjustment::default());
        let terms =
            Terms { api: Api::default(), model_id: &model, entry: &entry, mark, rules: &rules, adjustment, allowed };
        asked.chat_on(&terms, "v1", Exposure { hidden: self.terms.hidden, ..Exposure::default() })
    }

    fn differences(&self) -> Vec<String> {
        let stream = self.text("3-openai-stream.txt");
        let sent = match self.outgoing(stream.is_some()) {
            Ok(sent) => sent,
            Err(fault) => {
                let told = dialect::error_of(self.dialect, &fault, Some(ID));
                let body = str::from_utf8(&told.body).unwrap();
                let told = named(&format!("{{\"status\": {}, \"body\": {body}}}\n", told.status.as_u16()));
                return Vec::from_iter(self.difference("4-client-answer.json", &told));
            }
        };
        assert_eq!(self.outgoing(stream.is_some()).unwrap().body, sent.body, "bodies are byte-stable");
        let mut differences = Vec::from_iter(self.difference("2-openai-request.json", &self.request(&sent)));
        let answer = self.text("3-openai-answer.json").map(|answer| self.whole(&answer));
        if let Some(answer) = &answer {
            differences.extend(self.difference("4-client-answer.json", &(named(answer) + "\n")));
        }
        if let Some(stream) = &stream {
            let once = self.streamed(&mut std::iter::once(stream.as_bytes()));
            differences.extend(self.difference(self.told_in(), &self.readable(&once)));
            assert!(self.streamed(&mut stream.as_bytes().chunks(1)) == once, "byte by byte: {}", self.folder.display());
            for at in 0..stream.len() {
                let (head, tail) = stream.as_bytes().split_at(at);
                let cut = self.streamed(&mut [head, tail].into_iter());
                assert!(cut == once, "cut at {at}: {}", self.folder.display());
            }
            if let (Some(answer), Dialect::Bedrock) = (&answer, self.dialect) {
                let whole: Value = serde_json::from_str(answer).unwrap();
                assert_eq!(converse_client::put_together(&once), whole, "{}", self.folder.display());
            }
        }
        differences
    }

    fn told_in(&self) -> &'static str {
        if self.dialect == Dialect::Bedrock { "4-client-stream.jsonl" } else { "4-client-stream.txt" }
    }

    fn readable(&self, bytes: &[u8]) -> String {
        let told = match self.dialect {
            Dialect::Bedrock => converse_client::lines(bytes),
            _ => String::from_utf8(bytes.to_vec()).unwrap(),
        };
        named(&told)
    }

    fn whole(&self, answer: &str) -> String {
        let sent = self.outgoing(false).unwrap();
        match whole(answer.as_bytes(), &envelope(&sent.model), &sent.style, &sent.restore, false) {
            Ok(answer) => answer.body,
            Err(fault) => {
                let told = dialect::error_of(self.dialect, &fault, Some(ID));
                format!("{{\"status\": {}, \"body\": {}}}", told.status.as_u16(), str::from_utf8(&told.body).unwrap())
            }
        }
    }

    fn streamed(&self, pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<u8> {
        let sent = self.outgoing(true).unwrap();
        let mut stream = StreamTranslation::new(&envelope(&sent.model), sent.style, sent.restore);
        let (mut out, mut failed) = (BytesMut::new(), None);
        while let (None, Some(piece)) = (&failed, pieces.next()) {
            failed = stream.take(piece, &mut out).err();
        }
        if let Some(fault) = failed.or_else(|| stream.end(&mut out).err()) {
            stream.fail(&fault, &mut out);
        }
        out.to_vec()
    }

    fn request(&self, sent: &Outgoing) -> String {
        let warnings: Vec<_> =
            sent.warnings.iter().map(|warning| json!(self.dialect.warning(warning)).to_string()).collect();
        let body = str::from_utf8(&sent.body).unwrap();
        let _: Value = serde_json::from_str(body).unwrap();
        format!(
            "{{\n  \"path\": \"{}\",\n  \"body\": {body},\n  \"warnings\": [{}]\n}}\n",
            sent.path,
            warnings.join(",\n    ")
        )
    }

    fn difference(&self, file: &str, seen: &str) -> Option<String> {
        let file = self.folder.join(file);
        if self.folder.join("NEW").exists() {
            fs::write(&file, seen).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        (expected.trim_end() != seen.trim_end())
            .then(|| format!("{}\nexpected: {expected}\nseen: {seen}", file.display()))
    }
}

fn named(said: &str) -> String {
    said.replace(&ID.to_string(), "fixture").replace(&ID.nonce(), "-fixture")
}

fn envelope<'t>(model: &'t Text<'_>) -> Envelope<'t> {
    Envelope { id: ID, created: 1_700_000_000, model: model.borrowed() }
}

#[test]
fn every_fixture_of_an_openai_backend() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/openai_backend");
    let (mut differences, mut count) = (Vec::new(), 0);
    for (name, dialect) in [
        ("converse", Dialect::Bedrock),
        ("messages", Dialect::AnthropicMessages),
        ("responses", Dialect::OpenAiResponses),
    ] {
        for case in fs::read_dir(folder.join(name)).unwrap() {
            let case = case.unwrap().path();
            differences.extend(BackendCase::read(case, dialect).differences());
            count += 1;
        }
    }
    assert!(differences.is_empty(), "{}\n{} files differ", differences.join("\n"), differences.len());
    assert!(count > 20, "{count}");
}
