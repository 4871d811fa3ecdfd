//! The prices of a model's tokens, as exact numbers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The digits behind the point of an amount and of a factor.
const DIGITS: usize = 6;
/// One, as a factor.
const ONE: u64 = 1_000_000;

/// What a model's tokens cost, with the day and the source of these prices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The day on which the source was read: `2026-01-31`.
    pub as_of: String,
    /// The source, in words.
    pub source: String,
    /// The prices on demand.
    pub usd_per_mtok: Rates,
    /// The prices of the whole request, where its prompt is longer than a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<LongPrompt>,
    /// The prices in other service tiers, by their names in Bedrock's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<String, Rates>,
    /// The factors on all prices: by the geography of an inference profile, by the region of a call under the model's own
    /// id, or for any such region under `region`. None at all: the prices hold everywhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profile: BTreeMap<String, Factor>,
}

/// The prices of prompts that are longer than a limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// The limit: a longer prompt, caches included, costs more.
    pub prompt_tokens: u64,
    /// The prices of all tokens of such a request.
    pub usd_per_mtok: Rates,
}

/// A price for each kind of token. One that is not told is unknown, and not nought.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// For a prompt token that was neither read from nor written to the cache.
    pub input: Amount,
    /// For a token of the answer, reasoning included.
    pub output: Amount,
    /// For a prompt token that was read from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Amount>,
    /// For one that was written to the cache for five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<Amount>,
    /// For one that was written to the cache for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Amount>,
}

/// A price in 10⁻¹² US dollars a token, which is micro-dollars a million tokens. Written as dollars a million tokens:
/// `"0.025"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(u64);

/// A factor in millionths, written as a decimal number: `"1.1"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Factor(u64);

impl Price {
    /// The factor for a call: under an inference profile of this geography, or under the model's own id in this region.
    /// `None`: it is not known.
    #[must_use]
    pub fn factor(&self, geography: Option<&str>, region: Option<&str>) -> Option<Factor> {
        if self.profile.is_empty() {
            return Some(Factor(ONE));
        }
        let found = match geography {
            Some(geography) => self.profile.get(geography),
            None => region.and_then(|region| self.profile.get(region)).or_else(|| self.profile.get("region")),
        };
        found.copied()
    }
}

impl Amount {
    /// The cost of so many tokens at this price and factor, in 10⁻¹² dollars.
    #[must_use]
    pub fn of(self, tokens: u64, factor: Factor) -> u64 {
        let exact = u128::from(self.0) * u128::from(factor.0);
        let each = (exact + u128::from(ONE / 2)) / u128::from(ONE);
        u64::try_from(each.saturating_mul(u128::from(tokens))).unwrap_or(u64::MAX)
    }
}

impl FromStr for Amount {
    type Err = WrongNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        millionths(text).map(Self)
    }
}

impl TryFrom<String> for Amount {
    type Error = WrongNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(Amount(millionths): Amount) -> Self {
        decimal(millionths)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.0))
    }
}

impl TryFrom<String> for Factor {
    type Error = WrongNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        millionths(&text).map(Self)
    }
}

impl From<Factor> for String {
    fn from(Factor(millionths): Factor) -> Self {
        decimal(millionths)
    }
}

/// A text that is no decimal number of at most six digits behind the point and a million before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongNumber;

impl fmt::Display for WrongNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form =
            "expected a decimal number from 0 to 1000000 with at most 6 digits behind the point, as text: \"0.025\"";
        f.write_str(form)
    }
}

impl std::error::Error for WrongNumber {}

fn millionths(text: &str) -> Result<u64, WrongNumber> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str, most: usize| {
        !digits.is_empty() && digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(whole, 7) || !is_number(part, DIGITS) {
        return Err(WrongNumber);
    }
    let whole: u64 = whole.parse().map_err(|_| WrongNumber)?;
    let part: u64 = format!("{part:0<DIGITS$}").parse().map_err(|_| WrongNumber)?;
    if whole > ONE { Err(WrongNumber) } else { Ok(whole * ONE + part) }
}

fn decimal(millionths: u64) -> String {
    let text = format!("{}.{:06}", millionths / ONE, millionths % ONE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_and_written_as_they_were() {
        for (text, millionths) in [("0", 0), ("5", 5_000_000), ("0.025", 25_000), ("1.000001", 1_000_001)] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!((amount, amount.to_string().as_str()), (Amount(millionths), text));
        }
        assert_eq!("5.00".parse(), "5".parse::<Amount>());
        for wrong in ["", ".", ".5", "5.", "-1", "1e3", "1.0000001", "1,5", " 1", "1000001", "99999999"] {
            assert_eq!(wrong.parse::<Amount>(), Err(WrongNumber), "{wrong}");
        }
    }

    #[test]
    fn every_row_of_the_prices_is_a_models_and_makes_sense() {
        let rows: serde_json::Value = serde_json::from_str(include_str!("prices.json")).unwrap();
        let rows = rows["prices"].as_array().unwrap();
        let catalogue = crate::catalogue::Catalogue::builtin();
        let priced: Vec<_> = catalogue.entries().iter().filter(|entry| entry.price.is_some()).collect();
        assert_eq!((rows.len(), priced.len()), (87, 87), "each row is some model's");
        for entry in priced {
            let price = entry.price.as_ref().unwrap();
            assert!(price.as_of.len() == 10 && price.source.contains("https://"), "{}", entry.id);
            let above = price.above.iter().map(|above| &above.usd_per_mtok);
            for rates in price.tiers.values().chain(above).chain([&price.usd_per_mtok]) {
                let [read, short, long] = [rates.cache_read, rates.cache_write_5m, rates.cache_write_1h];
                assert!(Amount(0) < rates.input && rates.input <= rates.output, "{}", entry.id);
                assert!(read.is_none_or(|read| read < rates.input), "{}", entry.id);
                assert!(long.is_none_or(|long| short.is_some_and(|short| short < long)), "{}", entry.id);
            }
        }
        assert_eq!(catalogue.lookup("anthropic.claude-opus-99").price, None, "a model like another one has no price");
    }

    #[test]
    fn a_factor_is_rounded_once_for_each_token() {
        let (amount, factor) = ("0.075".parse::<Amount>().unwrap(), Factor(1_100_000));
        assert_eq!(amount.of(1_000_000, factor), 82_500_000_000);
        assert_eq!("0.000001".parse::<Amount>().unwrap().of(3, factor), 3);
        assert_eq!(Amount(u64::MAX).of(u64::MAX, factor), u64::MAX);
    }
}
