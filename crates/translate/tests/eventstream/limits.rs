//! A frame that is too large or impossible is refused before it is waited for.

use aquifer_translate::wire::eventstream::{FrameError, Limits};

use crate::build::event;
use crate::reading::{Ended, ours, ours_within};
use aquifer_testing::frames::{of as frame, prelude, text_header};

const MIB: u32 = 1024 * 1024;

#[test]
fn impossible_lengths_end_the_stream_with_their_twelfth_byte() {
    for (total, headers) in [(0, 0), (15, 0), (16, 1), (100, 85), (16, u32::MAX), (u32::MAX, u32::MAX)] {
        let bytes = prelude(total, headers);
        assert_eq!(ours([&bytes[..11]]).end, Ok(Ended::InsideFrame), "{total}, {headers}");
        assert_eq!(ours([&bytes[..]]).end, Err(FrameError::Lengths { total, headers }));
        assert_eq!(ours(bytes.chunks(5)).end, Err(FrameError::Lengths { total, headers }));
    }
}

#[test]
fn a_frame_of_four_gigabytes_is_not_waited_for() {
    let error = FrameError::PayloadTooLarge { bytes: u32::MAX - 16, limit: 24 << 20 };
    assert_eq!(ours([&prelude(u32::MAX, 0)[..]]).end, Err(error));
    let error = FrameError::HeadersTooLarge { bytes: u32::MAX - 16, limit: 128 << 10 };
    assert_eq!(ours([&prelude(u32::MAX, u32::MAX - 16)[..]]).end, Err(error));
    let wild = [0xff; 12];
    assert!(matches!(ours([&wild[..]]).end, Err(FrameError::PreludeChecksum { declared: u32::MAX, .. })));
}

#[test]
fn the_default_limits_are_those_of_aws_to_the_byte() {
    let (headers, payload) = (128 * 1024, 24 * MIB);
    assert_eq!(ours([&prelude(16 + headers + payload, headers)[..]]).end, Ok(Ended::InsideFrame));
    let more = prelude(16 + headers + payload + 1, headers);
    assert_eq!(ours([&more[..]]).end, Err(FrameError::PayloadTooLarge { bytes: payload + 1, limit: 24 << 20 }));
    let more = prelude(16 + headers + 1, headers + 1);
    assert_eq!(ours([&more[..]]).end, Err(FrameError::HeadersTooLarge { bytes: headers + 1, limit: 128 << 10 }));
}

#[test]
fn a_frame_as_large_as_it_may_be_is_read() {
    let stream = event("chunk", &vec![b'x'; 24 << 20]);
    let reading = ours(stream.chunks(1 << 16));
    assert_eq!(reading.end, Ok(Ended::BetweenFrames));
    assert_eq!(reading.frames[0].2.len(), 24 << 20);
}

#[test]
fn other_limits_hold_for_frames_in_one_piece_and_in_many() {
    let headers = [text_header(":message-type", "event"), text_header(":event-type", "e")].concat();
    let stream = frame(&headers, b"12345");
    let exact = Limits { payload: 5, headers: headers.len() };
    let short = Limits { payload: 4, ..exact };
    let narrow = Limits { headers: headers.len() - 1, ..exact };
    for size in [1, 13, stream.len()] {
        assert_eq!(ours_within(exact, stream.chunks(size)).frames.len(), 1);
        let error = FrameError::PayloadTooLarge { bytes: 5, limit: 4 };
        assert_eq!(ours_within(short, stream.chunks(size)).end, Err(error));
        let error = FrameError::HeadersTooLarge { bytes: headers.len() as u32, limit: headers.len() - 1 };
        assert_eq!(ours_within(narrow, stream.chunks(size)).end, Err(error));
    }
}
