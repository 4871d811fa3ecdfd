//! The envelope of a thought in `encrypted_content`, and the keys that seal it.

use crate::model::issuer::Mark;
use crate::model::request_id::RequestId;
use crate::model::text::Text;
use std::fmt;

/// A thought with all that its model needs to take it back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedThought<'a> {
    /// The text, as the model showed it; empty where it showed none.
    pub text: Text<'a>,
    /// The provider's signature on it.
    pub signature: Option<Text<'a>>,
    /// Reasoning that only the provider can read, in base64.
    pub redacted: Option<Text<'a>>,
    /// The mark of the model and backend that made it.
    pub mark: Mark,
}

/// The keys that seal thoughts: the first one seals, and each of them opens.
#[derive(Default, PartialEq, Eq)]
pub struct SealKeys {}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKeys(***)")
    }
}

impl SealKeys {
    /// Seals a thought: the value of `encrypted_content`, in letters that JSON need not escape. `exchange` is the random id
    /// of the exchange, and `item` the output index of the reasoning item: no two thoughts of one exchange have the same.
    #[must_use]
    pub fn seal(&self, thought: &SealedThought<'_>, exchange: RequestId, item: u32) -> String {
        let _ = (thought, exchange, item);
        String::new()
    }
}
