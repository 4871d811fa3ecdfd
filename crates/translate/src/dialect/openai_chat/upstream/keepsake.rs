//! What a backend told of a thought beside its text: a client keeps it as the thought's seal, and it goes back as it came.
//!
//! Services show reasoning in members of their own (`reasoning_content`, `reasoning`, `reasoning_details`) and take it back
//! in the same ones only. Other dialects have no place for that but the signature, which is opaque to every client.

use crate::model::text::Text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The members of a message that show a thought's text.
pub(super) const SHOWN_IN: [&str; 2] = ["reasoning_content", "reasoning"];

/// All of a thought but its text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Keepsake {
    /// The member in which its text was shown, unless that was the item.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub(super) shown_in: Option<String>,
    /// The item of `reasoning_details`, without the text.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) item: Map<String, Value>,
    /// The member of the item that has the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

impl std::fmt::Debug for Keepsake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keepsake").field("shown_in", &self.shown_in).finish_non_exhaustive()
    }
}

impl Keepsake {
    /// The same as a seal: base64.
    pub(super) fn seal(&self) -> Text<'static> {
        Text::from_escaped(STANDARD.encode(serde_json::to_vec(self).unwrap_or_default()))
    }

    /// Reads a seal; `None`, when it is none of these.
    pub(super) fn of_seal(seal: &Text<'_>) -> Option<Self> {
        let bytes = STANDARD.decode(seal.plain().as_bytes()).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The item as it came, with the thought's text where it was.
    pub(super) fn whole_item(mut self, text: &Text<'_>) -> Option<Value> {
        if let Some(name) = self.text.take() {
            self.item.insert(name, Value::String(text.plain().into_owned()));
        }
        (!self.item.is_empty()).then_some(Value::Object(self.item))
    }
}
