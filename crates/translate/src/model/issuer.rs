//! The issuer of sealed reasoning: only the model that made it takes it back.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A mark on sealed reasoning that leaves this gateway, by which it is known when it comes back.
///
/// It is a fingerprint and no secret: it keeps a block from a model that would refuse it, and nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The model, whatever profile or ARN it was called by.
    pub model: u32,
    /// The backend that was called.
    pub backend: u32,
}

/// The origin of a block of reasoning that a client sends, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    /// The mark of this gateway in its id.
    pub mark: Option<Mark>,
    /// The vendor that its `format` names.
    pub vendor: Option<&'static str>,
    /// Its text was shown in another field: a signature alone is not all of it.
    pub apart: bool,
}

/// The prefix of the ids of this gateway's reasoning.
const PREFIX: &str = "rs_";
/// The suffix of the id of a seal whose text was shown in another field.
pub const APART: char = 't';
/// The digits of one fingerprint.
const DIGITS: usize = 8;

impl Mark {
    /// The mark of a model behind a backend, each by its name.
    #[must_use]
    pub fn of(model: &str, backend: &str) -> Self {
        Self::of_parts(model, &[backend])
    }

    /// The same for a backend's name in parts.
    #[must_use]
    pub fn of_parts(model: &str, backend: &[&str]) -> Self {
        let mut sum = crc32fast::Hasher::new();
        backend.iter().for_each(|part| sum.update(part.as_bytes()));
        Self { model: crc32fast::hash(model.as_bytes()), backend: sum.finalize() }
    }

    /// The mark in the id of a block; `None` for ids that this gateway did not make.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        let (marks, _) = id.strip_prefix(PREFIX)?.split_once('_')?;
        let number = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
        if marks.len() != 2 * DIGITS || !marks.is_ascii() {
            return None;
        }
        Some(Self { model: number(marks.get(..DIGITS))?, backend: number(marks.get(DIGITS..))? })
    }
}

impl Issuer {
    /// The origin that the `id` and the `format` of a block claim.
    #[must_use]
    pub fn claimed(id: Option<&str>, format: Option<&str>) -> Self {
        let mark = id.and_then(Mark::of_id);
        let apart = mark.is_some() && id.is_some_and(|id| id.ends_with(APART));
        Self { mark, vendor: format.and_then(vendor), apart }
    }

    /// Whether the model of this mark and vendor can have made the block, as far as is known. Where reasoning is
    /// `bound`, it must be from the same backend too: it belongs to an account.
    #[must_use]
    pub fn can_be(&self, model: Mark, vendor: &str, bound: bool) -> bool {
        self.mark.is_none_or(|mark| mark.model == model.model && (!bound || mark.backend == model.backend))
            && self.vendor.is_none_or(|known| known == vendor)
    }
}

/// The vendor behind a `format` of `reasoning_details` (OpenRouter's documentation, "Preserving reasoning").
fn vendor(format: &str) -> Option<&'static str> {
    Some(match format {
        "anthropic-claude-v1" => "anthropic",
        "openai-responses-v1" | "azure-openai-responses-v1" => "openai",
        "xai-responses-v1" => "xai",
        "google-gemini-v1" => "google",
        _ => return None,
    })
}

/// The beginning of a block's id: what follows it tells one block from another.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:08x}{:08x}_", self.model, self.backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_from_the_ids_that_it_begins() {
        let mark = Mark::of("anthropic.claude-opus-4-8", "default/bedrock");
        assert_eq!(Mark::of_id(&format!("{mark}0a1b2c3d_4")), Some(mark));
        assert_ne!(Mark::of("anthropic.claude-opus-4-7", "default/bedrock").model, mark.model);
        assert_eq!(Mark::of_parts("anthropic.claude-opus-4-8", &["default", "/", "bedrock"]), mark);
    }

    #[test]
    fn other_ids_have_no_mark() {
        for id in ["", "rs_", "rs_00000000", "rs_0000000000000000", "rs_000000000000000g_1", "reasoning-0", "rs_é_1"] {
            assert_eq!(Mark::of_id(id), None, "{id}");
        }
    }

    #[test]
    fn what_nothing_is_known_of_can_be_anybodys() {
        let (one, other) = (Mark::of("one", "b"), Mark::of("other", "b"));
        let can_be = |id: Option<&str>, format, mark| Issuer::claimed(id, format).can_be(mark, "anthropic", false);
        let id = format!("{one}0_0");
        assert!(can_be(None, Some("unknown"), one));
        assert!(can_be(Some(&id), Some("anthropic-claude-v1"), one));
        assert!(!can_be(Some(&id), None, other));
        assert!(!can_be(None, Some("openai-responses-v1"), one));
    }

    #[test]
    fn bound_reasoning_is_its_backends_alone() {
        let (here, there) = (Mark::of("one", "here"), Mark::of("one", "there"));
        let issuer = Issuer::claimed(Some(&format!("{here}0_0")), None);
        assert!(issuer.can_be(there, "anthropic", false) && !issuer.can_be(there, "anthropic", true));
        assert!(issuer.can_be(here, "anthropic", true) && Issuer::default().can_be(there, "anthropic", true));
    }
}
