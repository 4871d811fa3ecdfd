//! Any bytes as `encrypted_content` are no seal, and a damaged seal is none either: the body of the fuzz target.

use aquifer_translate::dialect::openai_responses::seal_keys::{SealKeys, SealedThought};
use aquifer_translate::model::issuer::Mark;
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::model::text::Text;

/// The first two bytes say where a good seal is damaged, and how; the rest is its thought.
pub(crate) fn run(data: &[u8]) {
    let keys = SealKeys::new([7; 32], [[8; 32]]);
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(keys.open(text).is_none(), "nobody sealed it");
    }
    let Some((&[at, with], thought)) = data.split_first_chunk::<2>() else { return };
    let thought = SealedThought {
        text: Text::from_plain(String::from_utf8_lossy(thought).into_owned()),
        signature: Some(Text::from_escaped("c2ln")),
        redacted: None,
        mark: Mark::of("model", "backend"),
    };
    let seal = keys.seal(&thought, RequestId(9), u32::from(at));
    assert!(keys.open(&seal).is_some_and(|opened| opened == thought), "what was sealed comes back");
    assert!(SealKeys::new([1; 32], [[7; 32]]).open(&seal).is_some(), "an older key opens it too");
    assert!(SealKeys::new([1; 32], []).open(&seal).is_none(), "another key does not");
    let mut damaged = seal.clone().into_bytes();
    let place = usize::from(at) % damaged.len();
    if let Some(byte) = damaged.get_mut(place) {
        *byte ^= (with % 127).max(1);
    }
    assert!(std::str::from_utf8(&damaged).map_or(true, |damaged| keys.open(damaged).is_none()), "damage is seen");
    let cut = seal.get(..place).unwrap_or_default();
    assert!(keys.open(cut).is_none(), "a part of it is none");
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}
