//! A frame in one piece costs no allocation, one in many pieces no more memory than has come of it.

use allocation_counter::measure;
use aquifer_translate::wire::eventstream::{Decoder, Kind};

use crate::build::event;
use aquifer_testing::frames::prelude;

/// Reads all frames of the pieces and gives back how many there were.
fn count<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut frames = 0;
    for mut input in pieces {
        while let Some(frame) = decoder.next(&mut input).unwrap() {
            assert_eq!(frame.kind, Kind::Event("contentBlockDelta"));
            frames += 1;
        }
    }
    frames
}

fn hundred_frames() -> Vec<u8> {
    event("contentBlockDelta", br#"{"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abc"}"#).repeat(100)
}

#[test]
fn frames_in_one_piece_allocate_nothing() {
    let stream = hundred_frames();
    let mut frames = 0;
    let info = measure(|| frames = count(&mut Decoder::default(), [&stream[..]]));
    assert_eq!((frames, info.count_total), (100, 0));
}

#[test]
fn cut_frames_share_one_buffer() {
    let stream = hundred_frames();
    let one = stream.len() as u64 / 100;
    for size in [1, 7, 50, 1000] {
        let mut frames = 0;
        let info = measure(|| frames = count(&mut Decoder::default(), stream.chunks(size)));
        assert_eq!(frames, 100, "pieces of {size}");
        assert!(info.count_total <= 16, "{} allocations for pieces of {size}", info.count_total);
        assert!(info.bytes_max <= 2 * one, "{} bytes at once for pieces of {size}", info.bytes_max);
        assert_eq!(info.bytes_current, 0, "memory lost");
    }
}

#[test]
fn memory_follows_what_has_come_and_not_what_was_announced() {
    let announced = prelude(16 + (24 << 20), 0);
    let drip = vec![0; 1000];
    let mut held = 0;
    let info = measure(|| {
        let mut decoder = Decoder::default();
        held = count(&mut decoder, [&announced[..]].into_iter().chain(drip.chunks(1)));
        assert!(decoder.is_mid_frame());
    });
    assert_eq!(held, 0);
    assert!(info.bytes_max <= 4 * 1012, "{} bytes at once for 1012 that came", info.bytes_max);
}
