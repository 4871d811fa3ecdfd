//! The operations of Bedrock Runtime that clients may call by themselves.

/// An operation on a model, the last segment of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BedrockOperation {
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
    /// `InvokeModel`, with a body of the model's own.
    InvokeModel,
    /// `InvokeModelWithResponseStream`, likewise.
    InvokeModelWithResponseStream,
    /// `CountTokens`.
    CountTokens,
}

impl BedrockOperation {
    /// The last segment of its path.
    #[must_use]
    pub fn segment(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::ConverseStream => "converse-stream",
            Self::InvokeModel => "invoke",
            Self::InvokeModelWithResponseStream => "invoke-with-response-stream",
            Self::CountTokens => "count-tokens",
        }
    }

    /// Whether it is answered by an event stream.
    #[must_use]
    pub fn streams(self) -> bool {
        match self {
            Self::ConverseStream | Self::InvokeModelWithResponseStream => true,
            Self::Converse | Self::InvokeModel | Self::CountTokens => false,
        }
    }

    /// Whether its body is in the words of Converse, and not in the model's own.
    #[must_use]
    pub fn is_converse(self) -> bool {
        match self {
            Self::Converse | Self::ConverseStream => true,
            Self::InvokeModel | Self::InvokeModelWithResponseStream | Self::CountTokens => false,
        }
    }
}
