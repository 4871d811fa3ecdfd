//! Checking a wrong API key takes the same instructions however much of a real key it shares, counted by valgrind.

use aquifer_testing::instructions::Bench;

/// Bytes that a guess shares with a key of 38.
const SHARED: [u32; 3] = [0, 18, 37];
/// The difference of these two counts is what is divided, so that what happens once falls out.
const FEW: u64 = 62 * 16;
const MANY: u64 = 3 * FEW;
/// Where a digest's place in the map is taken by another's, it is compared with that one: by chance, for any key.
const MARGIN_PERCENT: u64 = 1;

#[test]
fn a_check_does_not_tell_how_much_of_a_key_was_guessed() {
    let Some(bench) = Bench::build("aquifer-gateway", "keys", "a key's check") else { return };
    let each = SHARED.map(|shared| bench.each(&[&shared.to_string()], FEW, MANY));
    let (least, most) = (each.iter().min().copied().unwrap_or(0), each.iter().max().copied().unwrap_or(0));
    assert!(least > 500 && (most - least) * 100 <= least * MARGIN_PERCENT, "{SHARED:?}: {each:?} instructions");
}
