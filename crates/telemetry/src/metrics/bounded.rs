//! The bound on the values of a label.

use super::series::Proof;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The cardinality limit of labels whose values clients or Bedrock can choose; further values become [`OTHER`].
pub(super) const DISTINCT: usize = 200;
pub(super) const OTHER: &str = "other";

/// Bounds the cardinality of a label.
#[derive(Default)]
pub(super) struct Bounded(Mutex<Let>);

/// The values that were let through.
#[derive(Default)]
struct Let {
    answered: HashSet<String>,
    /// These have room of their own: no others take it.
    known: HashSet<String>,
}

impl Bounded {
    /// The value, or [`OTHER`] beyond the limit.
    pub(super) fn bound<'a>(&self, value: &'a str) -> &'a str {
        self.bound_by(Proof::Answered, value)
    }

    /// The value, or [`OTHER`] beyond the limit. A value without proof takes no place: it passes only if it was let through
    /// before.
    pub(super) fn bound_by<'a>(&self, proof: Proof, value: &'a str) -> &'a str {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.is_empty() || before.known.contains(value) || before.answered.contains(value) {
            return value;
        }
        let values = match proof {
            Proof::None => return OTHER,
            Proof::Answered => &mut before.answered,
            Proof::Known => &mut before.known,
        };
        if values.len() >= DISTINCT || value.len() > 256 {
            return OTHER;
        }
        values.insert(value.to_owned());
        value
    }
}
