//! Bedrock's own API, as the clients of AWS's SDKs speak it: what goes on to Bedrock byte for byte.

pub mod conversation;
pub mod error;
mod finish;
pub mod operation;
pub mod profiles;

pub use finish::stop_word;
pub use operation::BedrockOperation;

use super::openai_chat;
use crate::model::field_ref::FieldRef;
use crate::model::request_id::RequestId;
use http::HeaderName;
use std::borrow::Cow;

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

/// The path of a field of a request.
#[must_use]
pub fn path(field: &FieldRef) -> Cow<'_, str> {
    if *field == FieldRef::Model { Cow::Borrowed("modelId") } else { openai_chat::field::path(field) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid() {
        let id = RequestId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        assert_eq!(request_id(id), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
