//! What a call cost: its tokens by the catalogue's prices, in whole numbers of 10⁻¹² US dollars.
//!
//! ```text
//! prompt = input + cache_read + cache_write                     decides whether the prices of long prompts hold
//! cost   = (input·in + cache_read·cr + write_5m·w5 + write_1h·w1 + output·out) · factor of geography or region
//!          of which reasoning·out                               a share of the output, never added
//! ```

use aquifer_translate::catalogue::{Amount, Factor, Price, Rates, base_id};
use aquifer_translate::model::answer_cost::{AnswerCost, CostTeller};
use aquifer_translate::model::response::{ServiceTier, Usage};
use std::sync::Arc;

/// The cost of a call by its parts, each in 10⁻¹² US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Prompt tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Prompt tokens that were read from the cache.
    pub cache_read: u64,
    /// Prompt tokens that were written to the cache.
    pub cache_write: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// The share of reasoning in the output, where its tokens were told.
    pub reasoning: u64,
}

/// The reason why the cost of a call is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CostUnknown {
    /// No price is known of the model, or none for its tier, its geography or one of its kinds of token.
    NoPrice,
    /// The backend did not report its tokens.
    NoUsage,
    /// It was served from capacity that is paid for by time.
    Reserved,
}

/// What is known of the cost of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallCost {
    /// It cost nothing: it was refused, or it asked for no answer.
    #[default]
    Nothing,
    /// By the tokens that the backend reported.
    Known(Cost),
    /// It cost something, and nobody knows how much.
    Unknown(CostUnknown),
}

/// The price at which a call is made.
#[derive(Clone, Debug)]
pub struct CallPrice {
    price: Option<Arc<Price>>,
    factor: Option<Factor>,
    /// The tier that was asked for; the one that served it counts before it.
    tier: ServiceTier,
}

impl CostUnknown {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::NoPrice, Self::NoUsage, Self::Reserved];

    /// Its word, in log and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoPrice => "no_price",
            Self::NoUsage => "no_usage",
            Self::Reserved => "reserved",
        }
    }
}

impl Cost {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.input, self.cache_read, self.cache_write, self.output].into_iter().fold(0, u64::saturating_add)
    }

    /// The parts that make the total, with their names in metrics.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, u64); 4] {
        let Self { input, cache_read, cache_write, output, reasoning: _ } = *self;
        [("input", input), ("cache_read", cache_read), ("cache_write", cache_write), ("output", output)]
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

impl CallPrice {
    /// The price of a call of this model id in a region, at the tier that is asked for.
    #[must_use]
    pub fn of(price: Option<Arc<Price>>, model_id: &str, region: Option<&str>, tier: Option<ServiceTier>) -> Self {
        let factor = price.as_ref().and_then(|price| factor(price, model_id, region));
        Self { price, factor, tier: tier.unwrap_or_default() }
    }

    /// The cost of these tokens.
    ///
    /// # Errors
    /// The reason why it is not known.
    pub fn cost(&self, tokens: &Tokens) -> Result<Cost, CostUnknown> {
        let tier = tokens.tier.unwrap_or(self.tier);
        if tier == ServiceTier::Reserved {
            return Err(CostUnknown::Reserved);
        }
        let (Some(price), Some(factor)) = (&self.price, self.factor) else { return Err(CostUnknown::NoPrice) };
        let rates = rates(price, tier, tokens.prompt()).ok_or(CostUnknown::NoPrice)?;
        cost(rates, factor, tokens).ok_or(CostUnknown::NoPrice)
    }
}

impl CallPrice {
    /// The price in a client's words, as it may be told with the usage of its answer.
    pub(crate) fn teller(&self) -> CostTeller {
        let price = self.clone();
        CostTeller::new(move |usage| {
            let Cost { input, cache_read, cache_write, output, reasoning: _ } =
                price.cost(&Tokens::from(*usage)).ok()?;
            let prompt = input.saturating_add(cache_read).saturating_add(cache_write);
            Some(AnswerCost { prompt, output })
        })
    }
}

fn factor(price: &Price, model_id: &str, region: Option<&str>) -> Option<Factor> {
    // An ARN that does not tell its model does not tell its geography either.
    if base_id(model_id).is_none() {
        return price.factor(Some(""), None);
    }
    let named = model_id.rsplit('/').next().unwrap_or(model_id);
    let geography = base_id(named).filter(|base| *base != named).and_then(|base| named.strip_suffix(base));
    price.factor(geography.map(|prefix| prefix.trim_end_matches('.')), region)
}

fn rates(price: &Price, tier: ServiceTier, prompt: u64) -> Option<&Rates> {
    let above = price.above.as_ref().filter(|above| prompt > above.prompt_tokens);
    match (tier, above) {
        (ServiceTier::Default, Some(above)) => Some(&above.usd_per_mtok),
        (ServiceTier::Default, None) => Some(&price.usd_per_mtok),
        // What a long prompt costs in another tier is not told.
        (_, Some(_)) => None,
        (tier, None) => price.tiers.get(tier.word()),
    }
}

fn cost(rates: &Rates, factor: Factor, tokens: &Tokens) -> Option<Cost> {
    let hour = tokens.cache_write_hour.min(tokens.cache_write);
    let short = part(rates.cache_write_5m, tokens.cache_write - hour, factor)?;
    Some(Cost {
        input: rates.input.of(tokens.input, factor),
        cache_read: part(rates.cache_read, tokens.cache_read, factor)?,
        cache_write: short.saturating_add(part(rates.cache_write_1h, hour, factor)?),
        output: rates.output.of(tokens.output, factor),
        reasoning: rates.output.of(tokens.reasoning.unwrap_or(0).min(tokens.output), factor),
    })
}

/// The cost of one kind of token; `None`: there are some, and no price.
fn part(amount: Option<Amount>, tokens: u64, factor: Factor) -> Option<u64> {
    match amount {
        Some(amount) => Some(amount.of(tokens, factor)),
        None => (tokens == 0).then_some(0),
    }
}

/// Token counts; the whole prompt is `input + cache_read + cache_write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the cache.
    pub cache_read: u64,
    /// Prompt tokens written to the cache.
    pub cache_write: u64,
    /// Those of them that were written for an hour: they cost more than those for five minutes.
    pub cache_write_hour: u64,
    /// Reasoning tokens, when Bedrock told them.
    pub reasoning: Option<u64>,
    /// The tier that served the request, where that was told.
    pub tier: Option<ServiceTier>,
}

impl Tokens {
    /// The whole prompt, with what the cache read and wrote.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read.unwrap_or(0),
            cache_write: usage.cache_write.unwrap_or(0),
            cache_write_hour: usage.cache_write_hour.unwrap_or(0),
            reasoning: usage.reasoning,
            tier: usage.tier,
        }
    }
}

#[cfg(test)]
mod tests;
