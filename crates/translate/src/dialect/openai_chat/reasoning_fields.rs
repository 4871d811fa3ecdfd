//! In which fields a client is shown the model's reasoning.

/// The fields, each of which some clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasoningFields {
    /// `reasoning`: the text (OpenRouter, vLLM, Ollama).
    pub reasoning: bool,
    /// `reasoning_content`: the same text (DeepSeek, LiteLLM, Vercel).
    pub reasoning_content: bool,
    /// `reasoning_details`: blocks with their seals (OpenRouter).
    pub details: Details,
    /// `thinking_blocks`: blocks with their seals (LiteLLM).
    pub thinking_blocks: bool,
    /// The text as `<think>` within the content, for clients of bedrock-access-gateway.
    pub think_tags: bool,
}

/// The part of `reasoning_details` that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// Nothing.
    None,
    /// The part that must come back and stands nowhere else: signatures and encrypted reasoning.
    Seals,
    /// The text too.
    Full,
}

/// The conventions for reasoning that a request uses; the answer uses them too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conventions {
    /// `reasoning`, `include_reasoning` or `reasoning_details`.
    pub details: bool,
    /// `thinking` or `thinking_blocks`.
    pub thinking: bool,
}

impl Default for ReasoningFields {
    fn default() -> Self {
        Self::to(Conventions::default())
    }
}

impl ReasoningFields {
    /// Nothing at all.
    pub const NOTHING: Self = Self {
        reasoning: false,
        reasoning_content: false,
        details: Details::None,
        thinking_blocks: false,
        think_tags: false,
    };

    /// The fields for a client that uses these conventions.
    #[must_use]
    pub fn to(spoken: Conventions) -> Self {
        Self {
            reasoning: true,
            reasoning_content: true,
            details: if spoken.details { Details::Full } else { Details::Seals },
            thinking_blocks: spoken.thinking,
            think_tags: false,
        }
    }

    /// The same without the readable text.
    #[must_use]
    pub fn without_text(self) -> Self {
        let details = if self.details == Details::None { Details::None } else { Details::Seals };
        Self { reasoning: false, reasoning_content: false, details, think_tags: false, ..self }
    }
}
