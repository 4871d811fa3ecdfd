//! A word that a model writes where its thought would stand, as a block of redacted thinking.

use crate::model::text::Text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The word as the `data` of `redacted_thinking`, which is base64.
pub(super) fn data(word: &str) -> String {
    STANDARD.encode(Text::from_escaped(word).plain().as_bytes())
}
