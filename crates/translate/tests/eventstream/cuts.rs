//! However a stream is cut, the frames are the same.

use crate::build::{damage, event, stream};
use crate::reading::{Ended, ours};

#[test]
fn one_cut_everywhere_and_byte_by_byte() {
    let stream = [
        event("messageStart", br#"{"role":"assistant"}"#),
        event("contentBlockDelta", br#"{"contentBlockIndex":0,"delta":{"text":"Hello"}}"#),
        event("ping", b""),
        event("messageStop", br#"{"stopReason":"end_turn"}"#),
    ]
    .concat();
    let whole = ours([&stream[..]]);
    assert_eq!((whole.frames.len(), whole.end), (4, Ok(Ended::BetweenFrames)));
    for at in 0..=stream.len() {
        let (front, back) = stream.split_at(at);
        assert_eq!(ours([front, back]), whole, "cut at {at}");
        assert_eq!(ours([front, &[], back]), whole, "cut at {at}, with nothing in between");
    }
    assert_eq!(ours(stream.chunks(1)), whole);
    for size in 2..64 {
        assert_eq!(ours(stream.chunks(size)), whole, "pieces of {size}");
    }
}

#[test]
fn any_cuts_of_anything() {
    arbtest::arbtest(|u| {
        let mut stream = stream(u)?;
        if u.ratio(1, 3)? {
            damage(u, &mut stream)?;
        }
        let whole = ours([&stream[..]]);
        let (mut pieces, mut rest) = (Vec::new(), &stream[..]);
        for _ in 0..u.int_in_range(0..=10)? {
            let (piece, left) = rest.split_at(u.choose_index(rest.len() + 1)?);
            pieces.push(piece);
            rest = left;
        }
        pieces.push(rest);
        assert_eq!(ours(pieces), whole);
        assert_eq!(ours(stream.chunks(1)), whole);
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn an_end_inside_a_frame_is_told_from_one_between_frames() {
    let stream = event("messageStop", b"{}");
    assert_eq!(ours([]).end, Ok(Ended::BetweenFrames));
    for length in 1..stream.len() {
        let reading = ours([&stream[..length]]);
        assert_eq!((reading.frames.len(), reading.end), (0, Ok(Ended::InsideFrame)), "after {length} bytes");
    }
    assert_eq!(ours([&stream[..]]).end, Ok(Ended::BetweenFrames));
}
