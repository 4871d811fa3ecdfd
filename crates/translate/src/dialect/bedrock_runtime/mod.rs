//! Bedrock's own API, as the clients of AWS's SDKs speak it: it goes on to Bedrock byte for byte, and Converse is read and
//! answered for backends that are not Bedrock.

mod citation;
pub mod conversation;
pub mod error;
mod field;
mod finish;
pub mod operation;
mod own_reasoning;
pub mod profiles;
mod redacted;
pub mod request;
pub mod response;
pub mod stream;
mod usage;

pub use field::path;
pub use finish::stop_word;
pub use operation::BedrockOperation;
pub use own_reasoning::own_reasoning;

use super::{Answerer, Exposure};
use crate::model::call_id;
use crate::model::issuer::Mark;
use crate::model::request_id::RequestId;
use crate::model::response::Finish;
use crate::model::text::Text;
use http::HeaderName;

/// The header that holds the id of a request; AWS's SDKs put it into answers and exceptions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The header that names the exception of an error answer.
pub const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The id of an exchange as AWS writes ids of requests: a UUID.
#[must_use]
pub fn request_id(id: RequestId) -> String {
    let mut written = id.to_string();
    for hyphen in [20, 16, 12, 8] {
        if written.is_char_boundary(hyphen) {
            written.insert(hyphen, '-');
        }
    }
    written
}

/// The form in which a client of Converse is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The operator hides reasoning.
    pub hidden: bool,
    /// The mark of the model that makes the reasoning, for its seals.
    pub mark: Option<Mark>,
}

impl Style {
    /// The form of this model's answer within the operator's decision: a request of this dialect wishes for nothing.
    pub(super) fn of(exposure: Exposure, answerer: &Answerer) -> Self {
        Self { hidden: exposure.hidden, mark: Some(answerer.mark) }
    }

    /// The word for an end.
    #[must_use]
    pub fn finish_reason(&self, finish: &Finish) -> &'static str {
        stop_word(&finish.stop).unwrap_or("end_turn")
    }
}

/// The id of a call as Converse takes it back: letters, digits, `_` and `-`, 64 of them at most.
fn tool_id<'t>(id: &'t Text<'_>) -> Text<'t> {
    let known = call_id::known(id);
    if known.as_escaped().len() <= LONGEST_ID && known.as_escaped().bytes().all(is_taken) {
        return known;
    }
    let plain = known.plain();
    Text::from_escaped(format!("call_{:016x}", call_id::fingerprint(&plain)))
}

fn is_taken(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The most letters of a `toolUseId`.
const LONGEST_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid() {
        let id = RequestId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        assert_eq!(request_id(id), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
