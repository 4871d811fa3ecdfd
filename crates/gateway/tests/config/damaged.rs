//! Damaged configurations: whatever the bytes, loading ends with an answer, and mistakes show no secret.

use crate::config_body;
use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

const WHOLE: &str = include_str!("../../../../examples/envoy-ai-gateway.yaml");
const SHORT: &str = include_str!("../../../../examples/bedrock.yaml");
const POLICY: &str = include_str!("../../../../examples/reasoning-policy.yaml");

/// Pieces that mean something to YAML, to the substitution, or to the resources.
const PIECES: [&str; 24] = [
    "\n", "  ", "- ", ": ", "---\n", "...\n", "&a ", "*a", "<<: *a\n", "!!str ", "${", "${X:=", "}", "{", "[", "|\n",
    "'", "\"", "#", "null", "0x7f", "\u{feff}", "\u{e000}", "spec:\n",
];

fn damage(text: &str, u: &mut Unstructured<'_>) -> Result<String> {
    let mut text = text.to_owned();
    for _ in 0..u.int_in_range(0..=6)? {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let Some(&from) = places.get(u.choose_index(places.len().max(1))?) else { return Ok(text) };
        let length = u.int_in_range(0..=40)?;
        let to = text.char_indices().map(|(at, _)| at).find(|at| *at >= from + length).unwrap_or(text.len());
        text.replace_range(from..to, u.choose(&PIECES)?);
    }
    Ok(text)
}

#[test]
fn damaged_files_never_panic_and_never_tell() {
    arbtest(|u| {
        let text = damage(u.choose(&[WHOLE, SHORT, POLICY])?, u)?;
        config_body::run(text.as_bytes());
        Ok(())
    });
}

#[test]
fn arbitrary_text_never_panics() {
    arbtest(|u| {
        let mut text = String::new();
        while !u.is_empty() {
            let word: &str = if u.arbitrary()? { u.choose(&PIECES)? } else { u.arbitrary()? };
            text.push_str(word);
        }
        config_body::run(text.as_bytes());
        Ok(())
    });
}
