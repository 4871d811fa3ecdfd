//! A table of calls with what they cost.

use super::*;

const PRICE: &str = r#"{
  "as_of": "2026-01-31", "source": "a list",
  "usd_per_mtok": {"input": "5", "output": "25", "cache_read": "0.5", "cache_write_5m": "6.25", "cache_write_1h": "10"},
  "above": {"prompt_tokens": 200000, "usd_per_mtok": {"input": "10", "output": "37.5", "cache_read": "1"}},
  "tiers": {"flex": {"input": "2.5", "output": "12.5"}},
  "profile": {"global": "1", "us": "1.1", "us-gov": "1.2", "eu-west-2": "1.3"}
}"#;

fn call(model_id: &str, region: Option<&str>, tier: Option<ServiceTier>) -> CallPrice {
    CallPrice::of(Some(Arc::new(serde_json::from_str(PRICE).unwrap())), model_id, region, tier)
}

fn total(model_id: &str, tokens: Tokens) -> Result<u64, CostUnknown> {
    call(model_id, Some("us-east-1"), None).cost(&tokens).map(|cost| cost.total())
}

const GLOBAL: &str = "global.anthropic.claude-opus-5";
/// Of a million tokens at one dollar a million tokens.
const DOLLAR: u64 = 1_000_000_000_000;

#[test]
fn each_kind_of_token_has_its_price() {
    let none = Tokens::default();
    for (tokens, dollars) in [
        (none, Ok(0)),
        (Tokens { input: 100_000, ..none }, Ok(DOLLAR / 2)),
        (Tokens { output: 1_000_000, ..none }, Ok(25 * DOLLAR)),
        (Tokens { output: 1_000_000, reasoning: Some(400_000), ..none }, Ok(25 * DOLLAR)),
        (Tokens { cache_read: 200_000, ..none }, Ok(DOLLAR / 10)),
        (Tokens { cache_write: 100_000, ..none }, Ok(DOLLAR * 5 / 8)),
        (Tokens { cache_write: 100_000, cache_write_hour: 100_000, ..none }, Ok(DOLLAR)),
        (Tokens { cache_write: 200_000, cache_write_hour: 100_000, ..none }, Ok(DOLLAR * 13 / 8)),
        // The limit of long prompts is exclusive, counts the caches, and holds for the whole request.
        (Tokens { input: 200_000, output: 1_000_000, ..none }, Ok(26 * DOLLAR)),
        (Tokens { input: 100_000, cache_read: 100_001, output: 1_000_000, ..none }, Ok(38_600_001_000_000)),
        // A kind without a price is not nought.
        (Tokens { input: 200_000, cache_write: 1, ..none }, Err(CostUnknown::NoPrice)),
        (Tokens { input: u64::MAX, output: u64::MAX, ..none }, Ok(u64::MAX)),
    ] {
        assert_eq!(total(GLOBAL, tokens), dollars, "{tokens:?}");
    }
}

#[test]
fn geographies_and_regions_have_their_factors() {
    let tokens = Tokens { input: 100_000, ..Tokens::default() };
    let cost = |model_id: &str, region| call(model_id, region, None).cost(&tokens).map(|cost| cost.total());
    let profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5";
    for (model_id, region, dollars) in [
        (GLOBAL, None, Ok(DOLLAR / 2)),
        ("us.anthropic.claude-opus-5", Some("eu-west-2"), Ok(550_000_000_000)),
        (profile, None, Ok(550_000_000_000)),
        ("us-gov.anthropic.claude-opus-5", None, Ok(600_000_000_000)),
        ("anthropic.claude-opus-5", Some("eu-west-2"), Ok(650_000_000_000)),
        // What is not told is not 1.
        ("anthropic.claude-opus-5", Some("us-east-1"), Err(CostUnknown::NoPrice)),
        ("anthropic.claude-opus-5", None, Err(CostUnknown::NoPrice)),
        ("eu.anthropic.claude-opus-5", None, Err(CostUnknown::NoPrice)),
    ] {
        assert_eq!(cost(model_id, region), dollars, "{model_id} {region:?}");
    }
}

#[test]
fn the_tier_that_served_it_counts_before_the_one_that_was_asked_for() {
    let served = |tier| Tokens { input: 100_000, tier, ..Tokens::default() };
    let flex = call(GLOBAL, None, Some(ServiceTier::Flex));
    for (tier, dollars) in [
        (None, Ok(DOLLAR / 4)),
        (Some(ServiceTier::Default), Ok(DOLLAR / 2)),
        (Some(ServiceTier::Priority), Err(CostUnknown::NoPrice)),
        (Some(ServiceTier::Other), Err(CostUnknown::NoPrice)),
        (Some(ServiceTier::Reserved), Err(CostUnknown::Reserved)),
    ] {
        assert_eq!(flex.cost(&served(tier)).map(|cost| cost.total()), dollars, "{tier:?}");
    }
    let long = Tokens { input: 200_001, ..Tokens::default() };
    assert_eq!(flex.cost(&long), Err(CostUnknown::NoPrice), "long prompts in other tiers");
}

#[test]
fn reasoning_is_a_share_of_the_output() {
    let tokens = Tokens { output: 1_000_000, reasoning: Some(400_000), ..Tokens::default() };
    let cost = call(GLOBAL, None, None).cost(&tokens).unwrap();
    assert_eq!((cost.output, cost.reasoning, cost.total()), (25 * DOLLAR, 10 * DOLLAR, 25 * DOLLAR));
    assert_eq!(cost.and(cost).total(), 2 * cost.total());
}

#[test]
fn a_model_without_a_price_costs_nobody_knows_what() {
    let price = CallPrice::of(None, "m", None, None);
    assert_eq!(price.cost(&Tokens::default()), Err(CostUnknown::NoPrice));
}

#[test]
fn an_operators_price_without_factors_holds_everywhere() {
    let text = r#"{"as_of":"2026-01-31","source":"a contract","usd_per_mtok":{"input":"1","output":"2"}}"#;
    let price: Price = serde_json::from_str(text).unwrap();
    let arn = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc";
    let cost = CallPrice::of(Some(Arc::new(price)), arn, None, None).cost(&Tokens { output: 3, ..Tokens::default() });
    assert_eq!(cost.map(|cost| cost.total()), Ok(6_000_000));
}
