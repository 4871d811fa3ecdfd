//! A glance at a body of Bedrock's own API: whether words are in it for which it must be read.

use aquifer_translate::dialect::bedrock_runtime::BedrockOperation;
use memchr::memmem;

/// The member that holds an address in S3.
pub(super) const S3: &str = "s3Location";

/// The words that a body may hold. They are looked for once, since each costs a look at the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Glance {
    /// It may name an address in S3, in letters or in escapes.
    pub(super) s3: bool,
    /// Its model may call tools.
    pub(super) tools: bool,
    /// Reasoning comes back in it, which may have a mark of this gateway.
    pub(super) reasoning: bool,
    /// It names the newer version of Anthropic's API.
    pub(super) newer: bool,
}

impl Glance {
    /// Looks at the body of a request for this operation.
    pub(in crate::exchange) fn at(operation: BedrockOperation, body: &[u8]) -> Self {
        let tools: &[u8] = if operation.is_converse() { b"\"toolConfig\"" } else { b"\"tools\"" };
        Self {
            s3: holds(body, S3.as_bytes()) || has_escaped_letters(body),
            tools: operation != BedrockOperation::CountTokens && holds(body, tools),
            reasoning: operation.is_converse() && holds(body, b"reasoningContent"),
            newer: !operation.is_converse() && holds(body, super::NEWER_VERSION.as_bytes()),
        }
    }

    /// Whether the body may be read before it goes on, also where the operator limits nothing.
    pub(in crate::exchange) fn is_read(self) -> bool {
        self.s3 || self.tools || self.reasoning || self.newer
    }
}

fn holds(body: &[u8], word: &[u8]) -> bool {
    memmem::find(body, word).is_some()
}

/// Whether the letters of a name may be written as escapes.
fn has_escaped_letters(body: &[u8]) -> bool {
    memmem::find_iter(body, b"\\u00").any(|at| matches!(body.get(at + 4), Some(b'2'..=b'7')))
}
