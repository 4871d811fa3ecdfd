//! Any bytes at all, in any pieces, are read as AWS's decoder reads them: the body of the fuzz target.

use crate::reading::{aws, ours, repair};
use aquifer_testing::bodies::pieces;

/// The first byte says how much is repaired, the next three how the rest is cut.
pub(crate) fn run(data: &[u8]) {
    let Some((&[mode, sizes @ ..], stream)) = data.split_first_chunk::<4>() else { return };
    let mut stream = stream.to_vec();
    match mode % 3 {
        0 => {}
        1 => repair(&mut stream, false),
        _ => repair(&mut stream, true),
    }
    let whole = ours([&stream[..]]);
    assert_eq!(ours(pieces(&stream, sizes)), whole);
    assert_eq!(whole.verdict(), aws(&stream));
}

#[test]
fn holds_for_bytes_of_every_kind() {
    aquifer_testing::bodies::give_any_bytes(run);
}

#[test]
fn holds_for_damaged_frames() {
    arbtest::arbtest(|u| {
        let mut stream = crate::build::stream(u)?;
        crate::build::damage(u, &mut stream)?;
        for mode in 0..3 {
            let control = [mode, u.arbitrary()?, u.arbitrary()?, u.arbitrary()?];
            run(&[&control[..], &stream].concat());
        }
        Ok(())
    });
}
