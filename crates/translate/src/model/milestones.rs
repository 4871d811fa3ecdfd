//! Milestones of a streamed answer.

/// Milestones of a streamed answer: what has come of it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// The first frame, and it was no refusal.
    pub started: bool,
    /// Reasoning, readable or not.
    pub reasoning: bool,
    /// Readable reasoning that is not empty, or a piece of its seal.
    pub thought: bool,
    /// Text or a tool call.
    pub answer: bool,
    /// Text that is not empty, or a tool call: an empty piece stops no clock.
    pub said: bool,
    /// A seal on reasoning: a signature, or a block that only its provider can read.
    pub sealed: bool,
    /// Something that is a part of the answer: text or reasoning that is not empty, or a tool call.
    pub content: bool,
}
