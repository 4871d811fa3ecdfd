//! The stream of an answer for the client: translated through the neutral model, reframed as it comes, or passed through.

use aquifer_translate::Fault;
use aquifer_translate::model::milestones::Milestones;
use aquifer_translate::model::response::{Finish, Usage};
use aquifer_translate::model::turn::Turn;
use aquifer_translate::translation::{
    KeepAlive, ReasoningProgress, StreamPassthrough, StreamReframing, StreamTranslation,
};
use aquifer_translate::warning::Warning;
use bytes::BytesMut;

/// The stream of an answer for the client.
pub(super) enum AnswerStream {
    /// Through the neutral model.
    Translated(Box<StreamTranslation>),
    /// The same events in another framing.
    Reframed(Box<StreamReframing>),
    /// Bedrock's own frames.
    Passed(Box<StreamPassthrough>),
}

impl AnswerStream {
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), Fault> {
        match self {
            Self::Translated(stream) => stream.take(bytes, out),
            Self::Reframed(stream) => stream.take(bytes, out),
            Self::Passed(stream) => stream.take(bytes, out),
        }
    }

    pub(super) fn end(&mut self, out: &mut BytesMut) -> Result<Finish, Fault> {
        match self {
            Self::Translated(stream) => stream.end(out),
            Self::Reframed(stream) => stream.end(out),
            Self::Passed(stream) => stream.end(),
        }
    }

    pub(super) fn milestones(&self) -> Milestones {
        match self {
            Self::Translated(stream) => stream.milestones(),
            Self::Reframed(stream) => stream.milestones(),
            Self::Passed(stream) => stream.milestones(),
        }
    }

    pub(super) fn turn(&mut self) -> Option<Turn> {
        match self {
            Self::Translated(stream) => stream.turn(),
            Self::Reframed(stream) => stream.turn(),
            Self::Passed(stream) => stream.turn(),
        }
    }

    pub(super) fn finished(&self) -> Option<&Finish> {
        match self {
            Self::Translated(stream) => stream.finished(),
            Self::Reframed(stream) => stream.finished(),
            Self::Passed(stream) => stream.finished(),
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::Translated(stream) => stream.is_cut(),
            Self::Reframed(stream) => stream.is_cut(),
            Self::Passed(_) => false,
        }
    }

    /// Whether the backend itself told, in a frame that goes on, that the answer failed.
    pub(super) fn has_failed(&self) -> bool {
        match self {
            Self::Translated(_) | Self::Reframed(_) => false,
            Self::Passed(stream) => stream.has_failed(),
        }
    }

    pub(super) fn take_response(&mut self) -> Option<String> {
        match self {
            Self::Translated(stream) => stream.take_response(),
            Self::Reframed(_) | Self::Passed(_) => None,
        }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        match self {
            Self::Translated(stream) => stream.usage(),
            Self::Reframed(stream) => stream.usage(),
            Self::Passed(stream) => stream.usage(),
        }
    }

    pub(super) fn warnings(&self) -> Vec<Warning> {
        match self {
            Self::Translated(stream) => stream.warnings(),
            Self::Reframed(stream) => stream.warnings(),
            Self::Passed(_) => Vec::new(),
        }
    }

    /// Moves what happened to blocks of reasoning.
    pub(super) fn progress(&mut self, to: &mut Vec<ReasoningProgress>) {
        match self {
            Self::Translated(stream) => to.extend(stream.progress()),
            Self::Reframed(stream) => to.extend(stream.progress()),
            Self::Passed(stream) => to.extend(stream.progress()),
        }
    }

    pub(super) fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        match self {
            Self::Translated(stream) => stream.fail(fault, out),
            Self::Reframed(stream) => stream.fail(fault, out),
            Self::Passed(stream) => stream.fail(fault, out),
        }
    }

    pub(super) fn keep_alive(&mut self, kind: KeepAlive, out: &mut BytesMut) {
        match self {
            Self::Translated(stream) => stream.keep_alive(kind, out),
            Self::Reframed(stream) => stream.keep_alive(kind, out),
            // An event stream has no comments.
            Self::Passed(_) => {}
        }
    }

    pub(super) fn keep_alive_before(&self, kind: KeepAlive, out: &mut BytesMut) {
        match self {
            Self::Translated(stream) => stream.keep_alive_before(kind, out),
            Self::Reframed(stream) => stream.keep_alive_before(kind, out),
            Self::Passed(_) => {}
        }
    }
}
