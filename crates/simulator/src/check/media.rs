//! Files, and the text that leads a conversation, as far as a family refuses them.

use crate::families::{Family, Rule};
use crate::refused::Refused;
use crate::talk;
use serde_json::Value;

/// The most documents of one message (Converse, `Message`).
const MOST_DOCUMENTS: usize = 5;

pub(super) fn check(family: &Family, body: &Value) -> Result<(), Refused> {
    if family.has(Rule::NoSystem) && body["system"].as_array().is_some_and(|blocks| !blocks.is_empty()) {
        return Err(Refused::invalid(
            "This model doesn't support system messages. Try again without a system message or use a model that supports \
             system messages.",
        ));
    }
    for (at, turn) in talk::turns(body).iter().enumerate() {
        let documents = talk::content(turn).iter().enumerate().filter(|(_, block)| !block["document"].is_null());
        let places: Vec<usize> = documents.map(|(place, _)| place).collect();
        if let Some(place) = places.first().filter(|_| family.has(Rule::NoDocuments)) {
            return Err(Refused::invalid(format!(
                "This model doesn't support the document content block that you provided at messages.{at}.content.{place}."
            )));
        }
        if places.len() > MOST_DOCUMENTS {
            return Err(Refused::invalid(format!(
                "messages.{at}.content: a message holds at most {MOST_DOCUMENTS} documents, and this one {}.",
                places.len()
            )));
        }
    }
    Ok(())
}
