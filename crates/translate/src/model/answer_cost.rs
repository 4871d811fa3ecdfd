//! The cost of an answer, as a client that asks for it is told.

use crate::model::response::Usage;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

/// The cost of an answer by its two halves, in 10⁻¹² US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerCost {
    /// Of the whole prompt, what the cache read and wrote included.
    pub prompt: u64,
    /// Of the answer, reasoning included.
    pub output: u64,
}

impl AnswerCost {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt.saturating_add(self.output)
    }
}

/// The cost of these tokens; `None`: it is not known.
type CostOfUsage = dyn Fn(&Usage) -> Option<AnswerCost> + Send + Sync;

/// The price of an answer, for whoever writes its usage: the host of a translation knows prices.
#[derive(Clone)]
pub struct CostTeller(Arc<CostOfUsage>);

impl CostTeller {
    /// Tells costs by this function of the tokens; `None` is a cost that is not known.
    pub fn new(cost: impl Fn(&Usage) -> Option<AnswerCost> + Send + Sync + 'static) -> Self {
        Self(Arc::new(cost))
    }

    /// The cost of these tokens, if it is known.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<AnswerCost> {
        (self.0)(usage)
    }
}

impl fmt::Debug for CostTeller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CostTeller")
    }
}

impl PartialEq for CostTeller {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CostTeller {}

/// Appends an amount of 10⁻¹² US dollars as a decimal number of dollars, exactly.
pub fn write_usd(out: &mut String, amount: u64) {
    const DOLLAR: u64 = 1_000_000_000_000;
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", amount / DOLLAR);
    if !amount.is_multiple_of(DOLLAR) {
        let part = format!("{:012}", amount % DOLLAR);
        let _ = write!(out, ".{}", part.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact() {
        for (amount, expected) in [
            (0, "0"),
            (1, "0.000000000001"),
            (1_230_000_000, "0.00123"),
            (1_000_000_000_000, "1"),
            (12_000_000_000_010, "12.00000000001"),
            (u64::MAX, "18446744.073709551615"),
        ] {
            let mut out = String::new();
            write_usd(&mut out, amount);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_teller_is_itself_alone() {
        let teller = CostTeller::new(|usage| Some(AnswerCost { prompt: usage.input, output: usage.output }));
        let usage = Usage { input: 2, output: 3, ..Usage::default() };
        assert_eq!(teller.cost(&usage).map(|cost| cost.total()), Some(5));
        assert_eq!(teller, teller.clone());
        assert_ne!(teller, CostTeller::new(|_| None));
        assert_eq!(format!("{teller:?}"), "CostTeller");
    }
}
