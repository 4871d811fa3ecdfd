//! The conversation: results of tools are messages of their own, and the pictures in them follow as a person's.

use super::keepsake::{Keepsake, SHOWN_IN};
use super::terms::{ChatTerms, Notices};
use crate::fault::Fault;
use crate::model::as_text;
use crate::model::call_id;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::json::Json;
use crate::model::request::{Block, MediaSource, Message, Request, Role};
use crate::model::text::Text;
use std::collections::BTreeMap;

/// One message, as it is written.
pub(super) enum Arranged<'r> {
    System(String),
    User(Vec<PartOut<'r>>),
    Assistant(AnswerOut<'r>),
    Tool { id: &'r Text<'r>, said: String },
}

/// A part of what a person says.
pub(super) enum PartOut<'r> {
    Text(Text<'r>),
    /// A picture, or a file with a name, as a data URI in two pieces.
    Image {
        format: &'r str,
        data: &'r str,
    },
    File {
        mime: &'static str,
        name: String,
        data: &'r str,
    },
    Audio {
        format: &'r str,
        data: &'r str,
    },
}

/// What the model said.
#[derive(Default)]
pub(super) struct AnswerOut<'r> {
    said: String,
    /// The thoughts, by the member that showed them.
    thoughts: BTreeMap<String, String>,
    details: Vec<String>,
    calls: Vec<CallOut<'r>>,
}

/// A call of a tool.
struct CallOut<'r> {
    id: &'r Text<'r>,
    name: &'r str,
    arguments: &'r str,
}

/// Arranges the conversation as messages of Chat Completions.
///
/// # Errors
///
/// A block that the backend cannot take.
pub(super) fn arranged<'r>(
    request: &'r Request<'_>,
    terms: &ChatTerms<'_>,
    notices: &mut Notices,
) -> Result<Vec<Arranged<'r>>, Fault> {
    let mut arranged = Vec::with_capacity(request.messages.len() + 1);
    let system = joined(&request.system, notices);
    if !system.is_empty() {
        arranged.push(Arranged::System(system));
    }
    for message in &request.messages {
        match message.role {
            Role::System => arranged.push(Arranged::System(joined(&message.content, notices))),
            Role::User => user(message, &mut arranged, notices)?,
            Role::Assistant => {
                let answer = assistant(message, terms, notices)?;
                if !(answer.said.is_empty() && answer.calls.is_empty()) {
                    arranged.push(Arranged::Assistant(answer));
                }
            }
        }
    }
    Ok(arranged)
}

/// The texts of a system prompt, still escaped: one string, which every service takes.
fn joined(blocks: &[Block<'_>], notices: &mut Notices) -> String {
    let mut said = String::new();
    for block in blocks {
        if let Block::Text(text) = block {
            said.push_str(if said.is_empty() { "" } else { "\\n\\n" });
            said.push_str(text.as_escaped());
        } else if matches!(block, Block::CachePoint(_)) {
            cached(notices);
        }
    }
    said
}

fn cached(notices: &mut Notices) {
    notices.dropped(FieldRef::CachePoints, "the backend caches by itself");
}

/// What tools answered, then what the person says.
fn user<'r>(message: &'r Message<'_>, to: &mut Vec<Arranged<'r>>, notices: &mut Notices) -> Result<(), Fault> {
    let mut parts = Vec::new();
    for block in &message.content {
        if let Block::ToolResult { id, content, failed } = block {
            let said = result(content, *failed, message.position, &mut parts, notices)?;
            to.push(Arranged::Tool { id, said });
        } else {
            part(block, message.position, &mut parts, notices)?;
        }
    }
    if !parts.is_empty() {
        to.push(Arranged::User(parts));
    }
    Ok(())
}

/// The words of a tool's result, still escaped; pictures and files in it go to `beside`.
fn result<'r>(
    content: &'r [Block<'_>],
    failed: bool,
    position: usize,
    beside: &mut Vec<PartOut<'r>>,
    notices: &mut Notices,
) -> Result<String, Fault> {
    let mut said = String::from(if failed { "The call failed:\\n" } else { "" });
    for block in content {
        let before = beside.len();
        part(block, position, beside, notices)?;
        let Some(new) = beside.get(before) else { continue };
        if let PartOut::Text(text) = new {
            said.push_str(text.as_escaped());
            beside.truncate(before);
        } else {
            let why = "tools answer in text there; the picture or file in it follows as the user's";
            notices.changed(FieldRef::ToolResult(position), why);
        }
    }
    Ok(said)
}

/// Adds a block to what a person says.
fn part<'r>(
    block: &'r Block<'_>,
    position: usize,
    to: &mut Vec<PartOut<'r>>,
    notices: &mut Notices,
) -> Result<(), Fault> {
    let field = || FieldRef::Content(position);
    match block {
        Block::Text(text) | Block::Cited { text, .. } => to.push(PartOut::Text(text.borrowed())),
        Block::Image { format, source } => to.push(PartOut::Image { format, data: bytes(source)? }),
        Block::Document { citations, .. } => {
            if *citations {
                notices.dropped(field(), "the backend cites no documents");
            }
            document(block, to)?;
        }
        Block::SearchResult { source, title, content, citations } => {
            if *citations {
                notices.dropped(field(), "the backend cites no search results");
            }
            to.push(PartOut::Text(as_text::search_result(title, source, content)));
        }
        Block::Audio { format, source } => {
            if !matches!(format.as_ref(), "wav" | "mp3") {
                let why = format!("`{NAME}`: the backend listens to wav and mp3 only");
                return Err(Fault::unsupported(field(), why));
            }
            to.push(PartOut::Audio { format, data: bytes(source)? });
        }
        Block::ToolUse { .. } => {
            return Err(Fault::invalid(field(), format!("`{NAME}`: only the model calls tools")));
        }
        Block::Reasoning { .. } | Block::Redacted { .. } => {
            return Err(Fault::invalid(field(), format!("`{NAME}`: only the model has thoughts")));
        }
        Block::CachePoint(_) => cached(notices),
        // It is a message of its own, and holds no other.
        Block::ToolResult { .. } => {}
    }
    Ok(())
}

/// A document: as text where it is some, else as a file.
fn document<'r>(block: &'r Block<'_>, to: &mut Vec<PartOut<'r>>) -> Result<(), Fault> {
    let Block::Document { format, name, source, context, .. } = block else { return Ok(()) };
    if let Some(text) = as_text::document(block) {
        to.push(PartOut::Text(text));
        return Ok(());
    }
    if let Some(context) = context {
        to.push(PartOut::Text(context.borrowed()));
    }
    let data = bytes(source)?;
    let name = format!("{}.{format}", name.as_deref().unwrap_or("document"));
    to.push(PartOut::File { mime: mime(format), name, data });
    Ok(())
}

fn mime(format: &str) -> &'static str {
    match format {
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html" => "text/html",
        "md" => "text/markdown",
        _ => "text/plain",
    }
}

/// The base64 of a medium.
fn bytes<'r>(source: &'r MediaSource<'_>) -> Result<&'r str, Fault> {
    match source {
        MediaSource::Base64(data) => Ok(data.as_escaped()),
        MediaSource::S3 { field, .. } => {
            let why = format!("`{NAME}` is an object in S3, which the backend cannot read: send its bytes");
            Err(Fault::unsupported(field.clone(), why))
        }
        MediaSource::Words(_) | MediaSource::Parts(_) => {
            Err(Fault::Ours("words of a document where its bytes were expected".to_owned()))
        }
    }
}

fn assistant<'r>(
    message: &'r Message<'_>,
    terms: &ChatTerms<'_>,
    notices: &mut Notices,
) -> Result<AnswerOut<'r>, Fault> {
    let mut answer = AnswerOut::default();
    for block in &message.content {
        match block {
            Block::Text(text) | Block::Cited { text, .. } => answer.said.push_str(text.as_escaped()),
            Block::ToolUse { id, name, input } => {
                let arguments = if input.as_json() == "null" { "{}" } else { input.as_json() };
                answer.calls.push(CallOut { id, name, arguments });
            }
            Block::Reasoning { .. } | Block::Redacted { .. } => {
                if !answer.thinks(block, terms) {
                    let why = "the backend takes back only reasoning of its own";
                    notices.dropped(FieldRef::PastReasoning(None), why);
                }
            }
            Block::CachePoint(_) => cached(notices),
            Block::Image { .. }
            | Block::Document { .. }
            | Block::Audio { .. }
            | Block::SearchResult { .. }
            | Block::ToolResult { .. } => {
                let why = format!("`{NAME}`: the backend takes only text, thoughts and calls of the model");
                return Err(Fault::unsupported(FieldRef::Content(message.position), why));
            }
        }
    }
    Ok(answer)
}

impl AnswerOut<'_> {
    /// Adds a thought of the backend's own, in the members in which it was told; `false`: it is not its own.
    fn thinks(&mut self, block: &Block<'_>, terms: &ChatTerms<'_>) -> bool {
        let nothing = Text::default();
        let (text, seal, issuer) = if let Block::Reasoning { text, signature: Some(signature), issuer } = block {
            (text, signature, issuer)
        } else if let Block::Redacted { data, issuer } = block {
            (&nothing, data, issuer)
        } else {
            return false;
        };
        if issuer.mark != Some(terms.mark) || terms.adjustment.without_reasoning {
            return false;
        }
        let Some(kept) = Keepsake::of_seal(seal) else { return false };
        // A client may have written it.
        let is_known = kept.shown_in.as_deref().is_none_or(|member| SHOWN_IN.contains(&member));
        if !is_known || kept == Keepsake::default() {
            return false;
        }
        if let Some(member) = &kept.shown_in {
            self.thoughts.entry(member.clone()).or_default().push_str(text.as_escaped());
        }
        self.details.extend(kept.whole_item(text).map(|item| item.to_string()));
        true
    }
}

/// Writes `messages`.
pub(super) fn write(json: &mut Json, messages: &[Arranged<'_>]) {
    json.name("messages").list(|json| {
        for message in messages {
            json.object(|json| match message {
                Arranged::System(said) => {
                    json.name("role").word("system");
                    json.name("content").word(said);
                }
                Arranged::Tool { id, said } => {
                    json.name("role").word("tool");
                    json.name("tool_call_id").text(&call_id::shown(id));
                    json.name("content").word(said);
                }
                Arranged::User(parts) => {
                    json.name("role").word("user");
                    match parts.as_slice() {
                        [PartOut::Text(text)] => json.name("content").text(text),
                        parts => json.name("content").list(|json| parts.iter().for_each(|part| write_part(json, part))),
                    }
                }
                Arranged::Assistant(answer) => write_answer(json, answer),
            });
        }
    });
}

fn write_part(json: &mut Json, part: &PartOut<'_>) {
    json.object(|json| match part {
        PartOut::Text(text) => {
            json.name("type").word("text");
            json.name("text").text(text);
        }
        PartOut::Image { format, data } => {
            json.name("type").word("image_url");
            json.member("image_url", |json| json.name("url").word(&format!("data:image/{format};base64,{data}")));
        }
        PartOut::File { mime, name, data } => {
            json.name("type").word("file");
            json.member("file", |json| {
                json.name("filename").text(&Text::from_plain(name.as_str()));
                json.name("file_data").word(&format!("data:{mime};base64,{data}"));
            });
        }
        PartOut::Audio { format, data } => {
            json.name("type").word("input_audio");
            json.member("input_audio", |json| {
                json.name("data").word(data);
                json.name("format").word(format);
            });
        }
    });
}

fn write_answer(json: &mut Json, answer: &AnswerOut<'_>) {
    json.name("role").word("assistant");
    if answer.said.is_empty() {
        json.name("content").verbatim("null");
    } else {
        json.name("content").word(&answer.said);
    }
    for (member, text) in &answer.thoughts {
        json.name(member).word(text);
    }
    if !answer.details.is_empty() {
        json.name("reasoning_details").list(|json| answer.details.iter().for_each(|item| json.verbatim(item)));
    }
    if answer.calls.is_empty() {
        return;
    }
    json.name("tool_calls").list(|json| {
        for call in &answer.calls {
            json.object(|json| {
                json.name("id").text(&call_id::shown(call.id));
                json.name("type").word("function");
                json.member("function", |json| {
                    json.name("name").text(&Text::from_plain(call.name));
                    json.name("arguments").text(&Text::from_plain(call.arguments));
                });
            });
        }
    });
}
