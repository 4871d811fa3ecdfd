//! Messages and their blocks, written.

use super::cache_point;
use super::draft::{Draft, Piece};
use super::names::{DocumentNames, ToolNames};
use crate::catalogue::{Entry, Medium};
use crate::fault::Fault;
use crate::model::as_text;
use crate::model::field_ref::FieldRef;
use crate::model::json::Json;
use crate::model::request::{Block, MediaSource, Message, Role};
use crate::model::text::Text;

/// Refuses what the model is known not to take, with the client's field.
pub(super) fn check(messages: &[Message<'_>], entry: &Entry) -> Result<(), Fault> {
    for message in messages {
        documents(message, entry)?;
        let sound = |block: &Block<'_>| matches!(block, Block::Audio { .. });
        if message.content.iter().any(sound) && !entry.takes(Medium::Audio) {
            let why = format!("{} does not listen to sound", entry.name);
            return Err(Fault::unsupported(FieldRef::Content(message.position), why));
        }
    }
    Ok(())
}

/// Refuses documents that the model does not take, and that are no text.
fn documents(message: &Message<'_>, entry: &Entry) -> Result<(), Fault> {
    let inside = message.content.iter().flat_map(|block| {
        if let Block::ToolResult { content, .. } = block { content.as_slice() } else { std::slice::from_ref(block) }
    });
    for block in inside.filter(|block| matches!(block, Block::Document { .. })) {
        if !entry.takes(Medium::Document) && as_text::document(block).is_none() {
            let why = format!("{} takes no documents; send what is in them as text", entry.name);
            return Err(Fault::unsupported(FieldRef::Content(message.position), why));
        }
    }
    Ok(())
}

/// Writes the turns and the blocks in them.
pub(super) struct Writer<'n> {
    pub(super) entry: &'n Entry,
    pub(super) tool_names: &'n mut ToolNames,
    pub(super) documents: DocumentNames,
    /// Documents are written as text.
    pub(super) documents_as_text: bool,
}

impl Writer<'_> {
    /// Writes `messages`.
    pub(super) fn messages(&mut self, draft: &Draft<'_, '_>, json: &mut Json) {
        json.name("messages").list(|json| {
            for turn in &draft.turns {
                json.object(|json| {
                    json.name("role").word(if turn.role == Role::Assistant { "assistant" } else { "user" });
                    json.name("content").list(|json| self.pieces(&turn.pieces, json));
                });
            }
        });
    }

    /// Writes the elements of a list of blocks.
    pub(super) fn pieces(&mut self, pieces: &[Piece<'_, '_>], json: &mut Json) {
        for piece in pieces {
            match piece {
                Piece::Block(block) => self.block(block, json),
                Piece::Made(block) => self.block(block, json),
                Piece::Thought(text) => reasoning(text, None, json),
                Piece::Said(text) => said(text, json),
                Piece::CachePoint(ttl) => cache_point(json, *ttl),
            }
        }
    }

    fn block(&mut self, block: &Block<'_>, json: &mut Json) {
        match block {
            Block::Text(text) | Block::Cited { text, .. } => said(text, json),
            Block::Reasoning { text, signature, .. } => reasoning(text, signature.as_ref(), json),
            Block::Redacted { data, .. } => json.object(|json| {
                json.member("reasoningContent", |json| json.name("redactedContent").text(data));
            }),
            Block::ToolUse { id, name, input } => json.object(|json| {
                json.member("toolUse", |json| {
                    json.name("toolUseId").word(&self.tool_names.send_id(&id.plain(), self.entry));
                    json.name("name").word(&self.tool_names.send(name));
                    json.name("input").raw(input);
                });
            }),
            Block::ToolResult { id, content, failed } => json.object(|json| {
                json.member("toolResult", |json| {
                    json.name("toolUseId").word(&self.tool_names.send_id(&id.plain(), self.entry));
                    json.name("content").list(|json| self.result(content, json));
                    if *failed {
                        json.name("status").word("error");
                    }
                });
            }),
            Block::Image { format, source } => media("image", format, &Named::default(), source, json),
            Block::Audio { format, source } => {
                let format = Text::from_plain(format.as_ref());
                media("audio", format.as_escaped(), &Named::default(), source, json);
            }
            Block::Document { .. } if self.documents_as_text => {
                if let Some(text) = as_text::document(block) {
                    said(&text, json);
                }
            }
            Block::Document { format, name, source, context, citations } => {
                let name = self.documents.send(name.as_deref());
                let named = Named { name: Some(&name), context: context.as_ref(), citations: *citations };
                media("document", format, &named, source, json);
            }
            Block::SearchResult { source, title, content, citations } => {
                if self.entry.vendor == "anthropic" {
                    search_result(source, title, content, *citations, json);
                } else {
                    said(&as_text::search_result(title, source, content), json);
                }
            }
            Block::CachePoint(ttl) => cache_point(json, *ttl),
        }
    }

    /// Writes a tool's result. Bedrock refuses blank text, and a tool may well have nothing to say.
    fn result(&mut self, content: &[Block<'_>], json: &mut Json) {
        let blank = |block: &Block<'_>| match block {
            Block::Text(text) => text.is_blank(),
            Block::CachePoint(_) => true,
            Block::Reasoning { .. }
            | Block::Redacted { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Image { .. }
            | Block::Document { .. }
            | Block::SearchResult { .. }
            | Block::Audio { .. }
            | Block::Cited { .. } => false,
        };
        if content.iter().all(blank) {
            said(&Text::from_escaped("(no output)"), json);
            return;
        }
        for block in content.iter().filter(|block| !blank(block)) {
            self.block(block, json);
        }
    }
}

fn said(text: &Text<'_>, json: &mut Json) {
    json.object(|json| json.name("text").text(text));
}

fn reasoning(text: &Text<'_>, signature: Option<&Text<'_>>, json: &mut Json) {
    json.object(|json| {
        json.member("reasoningContent", |json| {
            json.member("reasoningText", |json| {
                json.name("text").text(text);
                if let Some(signature) = signature {
                    json.name("signature").text(signature);
                }
            });
        });
    });
}

fn search_result(source: &Text<'_>, title: &Text<'_>, content: &[Text<'_>], citations: bool, json: &mut Json) {
    json.object(|json| {
        json.member("searchResult", |json| {
            json.name("source").text(source);
            json.name("title").text(title);
            json.name("content").list(|json| content.iter().for_each(|part| said(part, json)));
            cited(citations, json);
        });
    });
}

fn cited(wanted: bool, json: &mut Json) {
    if wanted {
        json.member("citations", |json| json.name("enabled").verbatim("true"));
    }
}

/// What a document has and other media have not.
#[derive(Default)]
struct Named<'n> {
    name: Option<&'n str>,
    context: Option<&'n Text<'n>>,
    citations: bool,
}

fn media(kind: &str, format: &str, named: &Named<'_>, source: &MediaSource<'_>, json: &mut Json) {
    json.object(|json| {
        json.member(kind, |json| {
            json.name("format").word(format);
            if let Some(name) = named.name {
                json.name("name").word(name);
            }
            json.member("source", |json| match source {
                MediaSource::Base64(bytes) => json.name("bytes").text(bytes),
                MediaSource::Words(text) => json.name("text").text(text),
                MediaSource::Parts(parts) => {
                    json.name("content").list(|json| parts.iter().for_each(|part| said(part, json)));
                }
                MediaSource::S3 { uri, .. } => json.member("s3Location", |json| json.name("uri").text(uri)),
            });
            if let Some(context) = named.context {
                json.name("context").text(context);
            }
            cited(named.citations, json);
        });
    });
}
