//! An answer in increments, in nobody's dialect.

use super::raw::Raw;
use super::request::Citation;
use super::response::{StopReason, Usage};
use super::text::Text;

/// The index of a block of an answer.
///
/// The upstream counts its blocks. Where the gateway finds more than one kind of content in one of them (thoughts in the
/// text, calls in the text), each stretch of one kind is a part of it, and a block of its own to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIndex {
    /// The block, as the upstream counts.
    pub upstream: u32,
    /// The part of it, from zero.
    pub part: u32,
}

/// A block of the upstream's, whole.
impl From<u32> for BlockIndex {
    fn from(upstream: u32) -> Self {
        Self { upstream, part: 0 }
    }
}

/// One thing that happened in a streamed answer. Texts are borrowed from the frame.
///
/// What a provider signs or seals arrives whole, with the end of its block: half a signature helps nobody.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The answer began.
    Start,
    /// A block grew; its first delta opens it.
    Delta {
        /// The block, counted over all kinds.
        index: BlockIndex,
        /// By what.
        delta: Delta<'a>,
    },
    /// A block ended.
    BlockStop {
        /// The block.
        index: BlockIndex,
        /// The seal on its reasoning.
        seal: Option<Seal<'a>>,
        /// The upstream's block goes on in its next part.
        goes_on: bool,
    },
    /// The model stopped; usage may still come.
    Stop(StopReason<'a>),
    /// The bill, at the very end.
    Metadata {
        /// Token counts; `None` when the event held none that can be read.
        usage: Option<Usage>,
        /// The tier that served it.
        service_tier: Option<Text<'a>>,
        /// The trace of a guardrail or a prompt router.
        trace: Option<Raw<'a>>,
    },
    /// Something newer than this gateway, passed over.
    Unknown,
}

/// One increment of a block.
#[derive(Clone, Debug)]
pub enum Delta<'a> {
    /// More text.
    Text(Text<'a>),
    /// More readable reasoning.
    Reasoning(Text<'a>),
    /// A piece of what will seal the block, this many bytes: its end tells the whole.
    SealPiece(usize),
    /// A tool call begins.
    ToolUse {
        /// The call's id.
        id: Text<'a>,
        /// The tool's name, as the client knows it.
        name: Text<'a>,
    },
    /// More of a tool call's arguments: a piece of JSON, as a string.
    ToolInput(Text<'a>),
    /// A source of the text.
    Citation(Citation<'a>),
    /// Something newer than this gateway, or of no use to any dialect (a server tool's result).
    Unknown,
}

/// The seal at the end of a block of reasoning.
#[derive(Clone, Debug)]
pub enum Seal<'a> {
    /// The signature on the text before it, joined.
    Signature(Text<'a>),
    /// Reasoning that only the provider can read: base64, joined.
    Redacted(Text<'a>),
}
