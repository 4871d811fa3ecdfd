//! The phase of an exchange under way, for those who watch it.

/// What an exchange is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No backend has its request yet.
    #[default]
    Queued,
    /// A backend was called; its client was told nothing of an answer.
    Called,
    /// The model is thinking.
    Thinking,
    /// It answers.
    Answering,
    /// It writes a tool call. Only who reads the text of an answer can tell.
    Tools,
    /// The answer has ended and its client is still being told the rest, or the client left and the answer is read on.
    Draining,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Called, Self::Thinking, Self::Answering, Self::Tools, Self::Draining];

    /// Its word, in the admin API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Called => "called",
            Self::Thinking => "thinking",
            Self::Answering => "answering",
            Self::Tools => "tools",
            Self::Draining => "draining",
        }
    }
}
