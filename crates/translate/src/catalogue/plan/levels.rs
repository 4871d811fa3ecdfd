//! Between levels of effort and numbers of tokens.

use super::super::entry::Entry;
use super::super::rules::Adjustment;
use crate::model::reasoning::Effort;

/// The level nearest to the one wanted: the next lower that the model has, else its lowest. When that one was refused,
/// the one below it.
pub(super) fn nearest(entry: &Entry, wanted: Effort, adjustment: Adjustment) -> Option<Effort> {
    let mut below = entry.efforts.iter().rev().filter(|level| **level <= wanted);
    let lower = below.clone().nth(usize::from(adjustment.lower_effort)).or_else(|| below.next_back());
    lower.or_else(|| entry.efforts.first()).copied()
}

/// Whether the model has the wanted effort, and a lower one is sent because Bedrock refused it.
pub(super) fn lowered(entry: &Entry, wanted: Effort, adjustment: Adjustment) -> bool {
    adjustment.lower_effort && entry.efforts.contains(&wanted)
}

/// The level that a budget of tokens stands for.
pub(crate) fn from_budget(tokens: u32) -> Effort {
    match tokens {
        0..=2048 => Effort::Low,
        2049..=8192 => Effort::Medium,
        8193..=32768 => Effort::High,
        32769..=65536 => Effort::XHigh,
        _ => Effort::Max,
    }
}

/// The most tokens that reasoning of this effort may take of an answer's limit.
pub(super) fn share(limit: u32, effort: Effort) -> u32 {
    let (parts, of) = match effort {
        Effort::Minimal | Effort::Low => (1, 4),
        Effort::Medium => (1, 2),
        Effort::High => (2, 3),
        Effort::XHigh => (3, 4),
        Effort::Max => (4, 5),
    };
    u32::try_from(u64::from(limit) * parts / of).unwrap_or(limit)
}

/// The budget of tokens that a level stands for.
pub(super) fn budget(effort: Effort) -> u32 {
    match effort {
        Effort::Minimal | Effort::Low => 2048,
        Effort::Medium => 8192,
        Effort::High => 16384,
        Effort::XHigh => 32768,
        Effort::Max => 63999,
    }
}
