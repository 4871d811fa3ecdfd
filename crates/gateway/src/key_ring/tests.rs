//! Keys: where they are read from, what files may hold, who is told what.

use super::*;
use http::HeaderValue;

const KEY: &str = "0123456789abcdef";

fn ring(text: &str) -> KeyRing {
    file::parse(text).unwrap_or_else(|bad| panic!("{bad:?}"))
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    HeaderMap::from_iter(pairs.iter().map(pair))
}

#[test]
fn a_key_is_read_from_each_header_with_and_without_its_scheme() {
    let ring = ring(&format!("alice: {KEY}"));
    let owner = Identity::Key(Arc::from("alice"));
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("authorization", format!("bearer  {KEY} ")),
        ("authorization", KEY.to_owned()),
        ("x-api-key", KEY.to_owned()),
        ("api-key", KEY.to_owned()),
    ] {
        assert_eq!(ring.identify(&headers(&[(name, &value)])), owner, "{name}: {value}");
    }
    assert_eq!(ring.identify(&headers(&[("x-other", KEY)])), Identity::Nothing);
    assert_eq!(ring.identify(&headers(&[("authorization", "Bearer ")])), Identity::Nothing);
    assert_eq!(ring.identify(&headers(&[("authorization", "Bearer")])), Identity::Unknown);
    assert_eq!(ring.identify(&headers(&[("x-api-key", "0123456789abcdeF")])), Identity::Unknown);
}

#[test]
fn the_same_key_twice_is_one_and_two_different_keys_are_none() {
    let ring = ring(&format!("alice: {KEY}\nbob: fedcba9876543210"));
    let both =
        |other: &str| ring.identify(&headers(&[("authorization", &format!("Bearer {KEY}")), ("x-api-key", other)]));
    assert_eq!(both(KEY), Identity::Key(Arc::from("alice")));
    assert_eq!(both("fedcba9876543210"), Identity::Unknown);
    assert_eq!(both("nonsense"), Identity::Unknown);
}

#[test]
fn a_file_holds_keys_and_digests() {
    let digest = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    assert_eq!(KeyDigest::from_hex(digest), Some(KeyDigest::of(KEY.as_bytes())));
    let text = format!("# keys\n\n alice : sha256:{digest}\nalice: fedcba9876543210\n");
    let ring = ring(&text);
    assert_eq!(ring.len(), 2);
    for key in [KEY, "fedcba9876543210"] {
        assert_eq!(ring.identify(&headers(&[("x-api-key", key)])), Identity::Key(Arc::from("alice")));
    }
}

#[test]
fn every_wrong_line_is_told_without_the_key() {
    let text = format!(
        "alice {KEY}\n: {KEY}\nbob: short\nbob: sha256:12\na b: {KEY}\nok: {KEY}\nagain: {KEY}\nc: \u{e9}{KEY}"
    );
    let bad = file::parse(&text).unwrap_err();
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 7, 8]);
    let told = format!("{bad:?}");
    assert!(!told.contains(KEY) && !told.contains("short\""), "{told}");
}

#[test]
fn neither_keys_nor_digests_are_printed() {
    let printed = format!("{:?}", ring(&format!("alice: {KEY}")));
    assert!(printed.contains("alice") && !printed.contains(KEY) && !printed.contains("159"), "{printed}");
}
