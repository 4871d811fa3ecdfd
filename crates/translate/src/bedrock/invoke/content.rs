//! Blocks of a conversation in Anthropic's words, written.

use crate::bedrock::converse::request::ToolNames;
use crate::bedrock::converse::request::draft::{Draft, Piece};
use crate::catalogue::{Cache, Entry};
use crate::fault::Fault;
use crate::model::as_text;
use crate::model::field_ref::{FieldRef, NAME};
use crate::model::json::Json;
use crate::model::request::{Block, CacheTtl, MediaSource, Message, Role};
use crate::model::text::Text;

/// Writes turns and the blocks in them.
pub(super) struct Writer<'n> {
    pub(super) entry: &'n Entry,
    pub(super) names: &'n mut ToolNames,
}

/// A cache point behind a block, with its lifetime.
type Point = Option<Option<CacheTtl>>;

/// Refuses media that Anthropic's body has no words for.
///
/// # Errors
///
/// With the client's message that holds them.
pub(super) fn check(messages: &[Message<'_>]) -> Result<(), Fault> {
    for message in messages {
        if message.content.iter().any(is_unsaid) {
            let why = format!("`{NAME}` holds a file of a kind that Claude takes over Converse only");
            return Err(Fault::unsupported(FieldRef::Content(message.position), why));
        }
    }
    Ok(())
}

/// Whether Anthropic's body has no words for a block: an object in S3, an office's file, sound.
fn is_unsaid(block: &Block<'_>) -> bool {
    match block {
        Block::Image { source, .. } => matches!(source, MediaSource::S3 { .. }),
        Block::Document { source: MediaSource::S3 { .. }, .. } | Block::Audio { .. } => true,
        Block::Document { source: MediaSource::Words(_) | MediaSource::Parts(_), .. } => false,
        Block::Document { format, .. } => *format != "pdf" && as_text::document(block).is_none(),
        Block::ToolResult { content, .. } => content.iter().any(is_unsaid),
        Block::Text(_)
        | Block::Reasoning { .. }
        | Block::Redacted { .. }
        | Block::ToolUse { .. }
        | Block::SearchResult { .. }
        | Block::Cited { .. }
        | Block::CachePoint(_) => false,
    }
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

    /// Writes the elements of a list of blocks: a cache point is a member of the block before it.
    pub(super) fn pieces(&mut self, pieces: &[Piece<'_, '_>], json: &mut Json) {
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let point = match pieces.peek() {
                Some(Piece::CachePoint(ttl)) => Some(*ttl),
                Some(Piece::Block(_) | Piece::Made(_) | Piece::Thought(_) | Piece::Said(_)) | None => None,
            };
            match piece {
                Piece::Block(block) => self.block(block, point, json),
                Piece::Made(block) => self.block(block, point, json),
                // Claude takes no reasoning back without its seal.
                Piece::Thought(text) => said(text, point, self.entry, json),
                Piece::Said(text) => said(text, point, self.entry, json),
                Piece::CachePoint(_) => {}
            }
        }
    }

    /// Writes the blocks of a message of the client's.
    pub(super) fn blocks(&mut self, blocks: &[&Block<'_>], json: &mut Json) {
        let mut blocks = blocks.iter().copied().peekable();
        while let Some(block) = blocks.next() {
            let point = match blocks.peek() {
                Some(Block::CachePoint(ttl)) => Some(*ttl),
                _ => None,
            };
            let blank = matches!(block, Block::Text(text) | Block::Cited { text, .. } if text.is_blank());
            if !blank {
                self.block(block, point, json);
            }
        }
    }

    fn block(&mut self, block: &Block<'_>, point: Point, json: &mut Json) {
        let entry = self.entry;
        match block {
            Block::Text(text) | Block::Cited { text, .. } => said(text, point, entry, json),
            Block::Reasoning { text, signature, .. } => {
                if let Some(signature) = signature {
                    json.object(|json| {
                        json.name("type").word("thinking");
                        json.name("thinking").text(text);
                        json.name("signature").text(signature);
                    });
                }
            }
            Block::Redacted { data, .. } => json.object(|json| {
                json.name("type").word("redacted_thinking");
                json.name("data").text(data);
            }),
            Block::ToolUse { id, name, input } => json.object(|json| {
                json.name("type").word("tool_use");
                json.name("id").word(&self.names.send_id(&id.plain(), entry));
                json.name("name").word(&self.names.send(name));
                json.name("input").raw(input);
                cached(point, entry, json);
            }),
            Block::ToolResult { id, content, failed } => json.object(|json| {
                json.name("type").word("tool_result");
                json.name("tool_use_id").word(&self.names.send_id(&id.plain(), entry));
                let content: Vec<&Block<'_>> = content.iter().collect();
                json.name("content").list(|json| self.blocks(&content, json));
                if *failed {
                    json.name("is_error").verbatim("true");
                }
                cached(point, entry, json);
            }),
            Block::Image { format, source } => json.object(|json| {
                json.name("type").word("image");
                base64(&format!("image/{format}"), source, json);
                cached(point, entry, json);
            }),
            Block::Document { .. } => self.document(block, point, json),
            Block::SearchResult { source, title, content, citations } => json.object(|json| {
                json.name("type").word("search_result");
                json.name("source").text(source);
                json.name("title").text(title);
                json.name("content").list(|json| content.iter().for_each(|part| said(part, None, entry, json)));
                cites(*citations, json);
                cached(point, entry, json);
            }),
            Block::Audio { .. } | Block::CachePoint(_) => {}
        }
    }

    fn document(&mut self, block: &Block<'_>, point: Point, json: &mut Json) {
        let Block::Document { format, name, source, context, citations } = block else { return };
        let entry = self.entry;
        if matches!(source, MediaSource::Base64(_)) && *format != "pdf" {
            return as_text::document(block).iter().for_each(|text| said(text, point, entry, json));
        }
        json.object(|json| {
            json.name("type").word("document");
            match source {
                MediaSource::Words(text) => json.member("source", |json| {
                    json.name("type").word("text");
                    json.name("media_type").word("text/plain");
                    json.name("data").text(text);
                }),
                MediaSource::Parts(parts) => json.member("source", |json| {
                    json.name("type").word("content");
                    json.name("content").list(|json| parts.iter().for_each(|part| said(part, None, entry, json)));
                }),
                MediaSource::Base64(_) | MediaSource::S3 { .. } => base64("application/pdf", source, json),
            }
            if let Some(name) = name {
                json.name("title").text(&Text::from_plain(name.as_ref()));
            }
            if let Some(context) = context {
                json.name("context").text(context);
            }
            cites(*citations, json);
            cached(point, entry, json);
        });
    }
}

fn said(text: &Text<'_>, point: Point, entry: &Entry, json: &mut Json) {
    json.object(|json| {
        json.name("type").word("text");
        json.name("text").text(text);
        cached(point, entry, json);
    });
}

fn base64(media_type: &str, source: &MediaSource<'_>, json: &mut Json) {
    let MediaSource::Base64(data) = source else { return };
    json.member("source", |json| {
        json.name("type").word("base64");
        json.name("media_type").word(media_type);
        json.name("data").text(data);
    });
}

fn cites(wanted: bool, json: &mut Json) {
    if wanted {
        json.member("citations", |json| json.name("enabled").verbatim("true"));
    }
}

/// Writes a cache point as the member of what it stands behind.
pub(super) fn cached(point: Point, entry: &Entry, json: &mut Json) {
    let Some(ttl) = point.filter(|_| entry.cache.is_some()) else { return };
    json.member("cache_control", |json| {
        json.name("type").word("ephemeral");
        if ttl == Some(CacheTtl::OneHour) && entry.cache == Some(Cache::OneHour) {
            json.name("ttl").word(CacheTtl::OneHour.word());
        }
    });
}
