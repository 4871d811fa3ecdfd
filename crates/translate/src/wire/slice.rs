//! Parts of bytes and texts that are there by what was looked at before.
//!
//! Nothing here panics in a release build, where a part that is not there is empty. In a debug build, so in every test and
//! fuzz run, it is a mistake that is told.

use std::ops::{RangeFrom, RangeTo};

/// Bytes or a text, of which a part is taken that must be there.
pub trait Slice {
    /// The part from this place on.
    fn behind(&self, at: usize) -> &Self;

    /// The part before this place.
    fn upto(&self, end: usize) -> &Self;
}

impl Slice for [u8] {
    #[inline]
    fn behind(&self, at: usize) -> &Self {
        there(self.get::<RangeFrom<usize>>(at..))
    }

    #[inline]
    fn upto(&self, end: usize) -> &Self {
        there(self.get::<RangeTo<usize>>(..end))
    }
}

impl Slice for str {
    #[inline]
    fn behind(&self, at: usize) -> &Self {
        there(self.get::<RangeFrom<usize>>(at..))
    }

    #[inline]
    fn upto(&self, end: usize) -> &Self {
        there(self.get::<RangeTo<usize>>(..end))
    }
}

#[inline]
fn there<T: Default>(part: Option<T>) -> T {
    debug_assert!(part.is_some(), "a part beyond the whole, or within a letter");
    part.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_there() {
        assert_eq!(("abc".behind(1), "abc".upto(1), "abc".behind(3)), ("bc", "a", ""));
        assert_eq!((b"abc".behind(1), b"abc".upto(3)), (&b"bc"[..], &b"abc"[..]));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a part beyond the whole")]
    fn a_part_that_is_not_there_is_a_mistake() {
        "\u{e9}".behind(1);
    }
}
