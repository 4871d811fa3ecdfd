//! Numbers as the API tells them: milliseconds, tokens, and money as decimal text.

use aquifer_gateway::cost::Tokens;
use aquifer_telemetry::Quantiles;
use serde_json::{Value, json};
use std::time::Duration;

/// 10⁻¹² US dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000_000;

/// An amount in 10⁻¹² US dollars as a decimal number of dollars, of at least six decimals.
pub(super) fn dollars(amount: u64) -> String {
    let decimals = format!("{:012}", amount % DOLLAR);
    let (least, rest) = decimals.split_at_checked(6).unwrap_or((&decimals, ""));
    format!("{}.{least}{}", amount / DOLLAR, rest.trim_end_matches('0'))
}

/// The same as a number, for plots.
pub(super) fn dollars_for_plots(amount: u64) -> f64 {
    amount as f64 / DOLLAR as f64
}

/// Milliseconds, to a microsecond.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// The same where there is a time.
pub(super) fn maybe_ms(time: Option<Duration>) -> Option<f64> {
    time.map(milliseconds)
}

/// A quantile to a tenth of a millisecond: it is interpolated.
pub(super) fn tenths(quantile: Option<f64>) -> Option<f64> {
    quantile.map(|quantile| (quantile * 10.0).round() / 10.0)
}

/// The two quantiles of a time.
pub(super) fn quantiles(of: Quantiles) -> Value {
    json!({ "p50": tenths(of.p50), "p95": tenths(of.p95) })
}

/// Counts of tokens.
pub(super) fn tokens(tokens: &Tokens) -> Value {
    json!({
        "input": tokens.input,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
        "output": tokens.output,
        "reasoning": tokens.reasoning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        assert_eq!(dollars(0), "0.000000");
        assert_eq!(dollars(1_234_000_000), "0.001234");
        assert_eq!(dollars(1_234_000_001), "0.001234000001");
        assert_eq!(dollars(12 * DOLLAR + DOLLAR / 2), "12.500000");
        assert_eq!(dollars(u64::MAX), "18446744.073709551615");
    }
}
