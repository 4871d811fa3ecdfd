//! Ids of models, profiles and ARNs, each with the row that it leads to.

use super::*;

#[test]
fn every_form_leads_to_the_base_id() {
    for id in [
        "anthropic.claude-opus-4-8",
        "us.anthropic.claude-opus-4-8",
        "us-gov.anthropic.claude-opus-4-8",
        "global.anthropic.claude-opus-4-8",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-8",
        "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.anthropic.claude-opus-4-8",
    ] {
        assert_eq!(base_id(id), Some("anthropic.claude-opus-4-8"), "{id}");
    }
}

#[test]
fn every_geography_is_taken_off_and_nothing_else() {
    for geography in
        ["us", "us-gov", "eu", "apac", "jp", "au", "ca", "in", "global", "sa", "me", "latam", "eu-west", "asia-pacific"]
    {
        let id = format!("{geography}.openai.gpt-5.6-sol");
        assert_eq!(base_id(&id), Some("openai.gpt-5.6-sol"), "{id}");
    }
    for whole in [
        "us.model",
        "openai.gpt-5.6-sol",
        "ai21.jamba-1.5",
        "a1.openai.gpt-5.4",
        "nobody.knows.this",
        "model",
        "",
        ".",
        "..",
    ] {
        assert_eq!(base_id(whole), Some(whole), "{whole}");
    }
}

#[test]
fn a_region_has_the_ids_that_can_be_called_in_it() {
    let of = |id: &str, region: &str| Catalogue::builtin().lookup(id).ids_in(region).collect::<Vec<_>>();
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(of(sonnet, "us-east-1"), [format!("global.{sonnet}"), format!("us.{sonnet}")]);
    assert_eq!(of(sonnet, "us-gov-west-1"), [format!("us-gov.{sonnet}")]);
    assert_eq!(of(sonnet, "ap-northeast-1"), [format!("global.{sonnet}"), format!("jp.{sonnet}")]);
    assert_eq!(of("zai.glm-5", "eu-north-1"), ["zai.glm-5"]);
    assert!(of("zai.glm-5", "eu-central-1").is_empty() && of("zai.glm-4.6", "us-east-1").is_empty());
    assert_eq!(of("cohere.command-r-v1:0", "us-east-1"), ["cohere.command-r-v1:0"], "nothing is known of its regions");
}

#[test]
fn an_arn_that_does_not_tell_its_model_has_no_base_id() {
    for resource in [
        "application-inference-profile/abc123def456",
        "provisioned-model/abc123def456",
        "custom-model/amazon.nova-lite-v1:0:300k/abc123def456",
        "custom-model-deployment/abc123def456",
        "imported-model/abc123def456",
        "prompt/PROMPT1234:1",
        "prompt-router/abc123def456",
        "default-prompt-router/anthropic.claude:1",
        "inference-profile",
        "",
    ] {
        let arn = format!("arn:aws:bedrock:us-west-2:123456789012:{resource}");
        assert_eq!(base_id(&arn), None, "{arn}");
    }
    let elsewhere = "arn:aws:sagemaker:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-4-8";
    for other in [elsewhere, "arn:aws:bedrock", "arn:"] {
        assert_eq!(base_id(other), None, "{other}");
    }
}

#[test]
fn the_stem_has_neither_date_nor_version() {
    assert_eq!(stem("anthropic.claude-sonnet-4-5-20250929-v1:0"), "anthropic.claude-sonnet-4-5");
    assert_eq!(stem("anthropic.claude-opus-4-6-v1"), "anthropic.claude-opus-4-6");
    assert_eq!(stem("amazon.nova-lite-v1:0:300k"), "amazon.nova-lite");
    assert_eq!(stem("anthropic.claude-v2"), "anthropic.claude");
    assert_eq!(stem("openai.gpt-oss-120b-1:0"), "openai.gpt-oss-120b-1");
}
